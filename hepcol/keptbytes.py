"""Files in memory whose content stays when they are closed."""

import io


class KeptBytes(io.BytesIO):
    """Bytes that are there when what wrote them has closed the file, as uproot does."""

    def close(self) -> None:
        """Keep them."""

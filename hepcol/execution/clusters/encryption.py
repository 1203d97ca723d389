"""Certificates with which client, scheduler and workers know each other."""

from pathlib import Path
from typing import Any

from pydantic import field_validator

from hepcol.tablefile import Row


class Tls(Row):
    """Files of TLS: with them, who has no certificate of the authority is refused, and nobody reads along.

    Parameters
    ----------
    ca_file : str
        Certificate of the authority that signed those of client, scheduler and workers.
    cert : str
        Certificate.
    key : str
        Its key.
    """

    ca_file: str
    cert: str
    key: str

    @field_validator("ca_file", "cert", "key")
    @classmethod
    def _is_there(cls, given: str) -> str:
        path = Path(given).expanduser().absolute()
        if not path.is_file():
            raise ValueError(f"expected a file in PEM format, got '{given}', which is not there")
        return str(path)

    def security(self) -> Any:
        """Make what Dask takes: one certificate for all roles, and no connection without."""
        from distributed.security import Security

        roles = ("client", "scheduler", "worker")
        files = {f"tls_{role}_{part}": getattr(self, part) for role in roles for part in ("cert", "key")}
        return Security(tls_ca_file=self.ca_file, require_encryption=True, **files)

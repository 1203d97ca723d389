"""Where hepcol keeps what it compiles."""

import os
from pathlib import Path


def cache_root() -> Path:
    """Folder of this user's caches, which may not exist yet.

    ``$HEPCOL_CACHE_DIR``, else ``hepcol`` in ``$NUMBA_CACHE_DIR`` or ``$XDG_CACHE_HOME``, else ``~/.cache/hepcol``.
    """
    named = os.environ.get("HEPCOL_CACHE_DIR")
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111  (leaves ~ as it is where there is no home)
    shared = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(shared)) / "hepcol"  # noqa: PTH111  (likewise)

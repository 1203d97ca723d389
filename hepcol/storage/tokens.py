"""The bearer token of this user, found by the rule of the WLCG and read again when its file changes.

The XRootD client follows the same rule by itself.
"""

import ipaddress
import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

VARIABLE, FILE_VARIABLE = "BEARER_TOKEN", "BEARER_TOKEN_FILE"

_lock = threading.Lock()
_read: dict[Path, tuple[tuple[int, int, int], str]] = {}  # what was in a file as it was then


def token() -> str:
    """Return the bearer token; empty if there is none."""
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given
    path = _file()
    return "" if path is None else _content(path)


def source() -> str:
    """Say where the token comes from, for messages; empty if there is none."""
    if os.environ.get(VARIABLE, "").strip():
        return VARIABLE
    path = _file()
    return str(path) if path is not None and _content(path) else ""


def may_travel(url: str) -> bool:
    """Whether a token may be sent to a URL: encrypted, or within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _file() -> Path | None:
    """File of the token: the one that is named, else the first that is there of those of the rule."""
    named = os.environ.get(FILE_VARIABLE, "")
    if named:
        return Path(named)
    name = f"bt_u{os.geteuid()}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [*([Path(runtime) / name] if runtime else []), Path("/tmp") / name]
    return next((place for place in places if place.is_file() and place.stat().st_uid == os.geteuid()), None)


def _content(path: Path) -> str:
    """Return what is in a file, read again if it was written since; empty if it cannot be read."""
    try:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        with _lock:
            kept = _read.get(path)
            if kept is None or kept[0] != stamp:
                kept = _read[path] = (stamp, path.read_text().strip())
        return kept[1]
    except (OSError, UnicodeDecodeError):
        return ""

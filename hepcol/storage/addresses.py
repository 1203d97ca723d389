"""Names of files on servers, which hold no secrets, and their addresses, which may.

What is signed or has a password is known by a name without them everywhere: in the ledger, provenance, messages.
The address stays in the memory of the processes that read the file.
"""

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit, urlunsplit

from hepcol.errors import InputError

HIDDEN = "hidden"  # no star, which would make a pattern of a name
HTTP = ("http", "https")
PROTOCOLS = (*HTTP, "root", "s3")  # whose servers hepcol asks itself

# Parameters of URLs that open a door, or tell about the key: S3, Google and Azure sign with them, and EOS, dCache and
# XRootD take tokens in them
_SECRET = re.compile(
    r"^(x-(amz|goog)-|awsaccesskeyid|googleaccessid|s[a-z]{1,2}$|policy)|"
    r"(sig|token|auth|key|secret|cred|passw|session|jwt|ticket)",
    re.IGNORECASE,
)
_LONGEST_PLAIN = 32  # characters of a parameter of another name, such as a number or a version
_OF_FILES = ".root"  # at the end of a parameter that says which file is meant, however long that is
_DIGITS = 8  # by which long parameters are told apart that are hidden: they may say which file is meant
_INCOMPLETE = re.compile(rf"//{HIDDEN}@|[?&][^&=]*={HIDDEN}(-[0-9a-f]{{{_DIGITS}}})?(&|$)")
# what follows a URL in a sentence is no part of it
_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>|\\]*[^\s\"'<>|\\:;,.)]")
# what libraries show of headers and of settings
_BEARER = re.compile(r"\b(Bearer(?:\s|%20|\+)+)[A-Za-z0-9._~+/=-]{8,}")
_SHORTEST = 6  # characters of a secret that is looked for in texts

_lock = threading.Lock()
_addresses: dict[str, str] = {}  # by names


class _Naming(threading.local):
    """Addresses by their names, while those of one fileset are told apart."""

    def __init__(self) -> None:
        self.given: dict[str, str] | None = None


_naming = _Naming()


def protocol(path: str) -> str:
    """Protocol of a path; empty for a local file, and for a chain of fsspec."""
    scheme, found, _ = path.partition("://")
    return scheme.lower() if found and "::" not in path else ""


def is_served(path: str) -> bool:
    """Whether a path is at a server that hepcol asks itself."""
    return protocol(path) in PROTOCOLS


def server_of(path: str) -> str:
    """Server of a file, as in ``root://host:port``; of S3 the endpoint is known to its client alone."""
    parts = urlsplit(path)
    if parts.scheme == "s3":
        return f"s3://{parts.netloc}"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def name_of(address: str) -> str:
    """Return the name of an address, by which this process finds the address again."""
    name = redacted(address)
    if name != address:
        if _naming.given is not None and _naming.given.setdefault(name, address) != address:
            raise InputError(
                f"{name}: is the name of two addresses, which differ in what is hidden alone: whether they are one "
                "file cannot be told; give one of them, or name them in runs of their own"
            )
        with _lock:
            _addresses[name] = address
    return name


@contextmanager
def told_apart() -> Iterator[None]:
    """Refuse a name that two addresses have within the block: one file would be read in place of the other."""
    if _naming.given is not None:
        yield
        return
    _naming.given = {}
    try:
        yield
    finally:
        _naming.given = None


def is_incomplete(name: str) -> bool:
    """Whether a name lacks what is secret in its address, which this process does not know."""
    return name not in _addresses and bool(_INCOMPLETE.search(name))


def address_of(name: str) -> str:
    """Return the address of a name; what has no secrets is its own name."""
    return _addresses.get(name, name)


def addresses_of(names: Iterable[str]) -> dict[str, str]:
    """Return the addresses of those names that are not their own, for a process that does not know them."""
    return {name: _addresses[name] for name in names if name in _addresses}


def learn(addresses: Mapping[str, str]) -> None:
    """Take what another process knows."""
    with _lock:
        _addresses.update(addresses)


def redacted(text: str) -> str:
    """Return a text with the secrets of its URLs, and tokens, hidden."""
    if "://" in text:
        text = _URL.sub(lambda found: _without_secrets(found.group()), text)
    if "earer" in text:
        text = _BEARER.sub(rf"\1{HIDDEN}", text)
    return _without_known(text)


def _without_known(text: str) -> str:
    """Hide what is secret in the addresses that are known, wherever it stands by itself."""
    with _lock:
        known = list(_addresses.values())
    for address in known:
        for secret in _secrets(address):
            if len(secret) >= _SHORTEST:
                text = text.replace(secret, HIDDEN)
    return text


def _without_secrets(url: str) -> str:
    """Hide the password and the secret parameters of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an address with brackets that is none
        return url
    user, at, host = parts.netloc.rpartition("@")
    if at and (":" in user or parts.scheme in HTTP):
        host = f"{HIDDEN}@{host}"
    elif at:
        host = f"{user}@{host}"
    if not parts.query:
        return url if host == parts.netloc else urlunsplit(parts._replace(netloc=host))
    shown = "&".join(
        f"{name}={_hidden(name, value)}" if _is_secret(name, value) else f"{name}={value}" if value else name
        for name, value in _parameters(parts.query)
    )
    # what is behind "//" of root:// stays as it is, which urlunsplit would change
    beginning = url.partition("?")[0].replace(parts.netloc, host, 1) if parts.netloc else url.partition("?")[0]
    return f"{beginning}?{shown}"


def _secrets(address: str) -> list[str]:
    """List what is secret in an address, as it is written there."""
    parts = urlsplit(address)
    of_query = [value for name, value in _parameters(parts.query) if _is_secret(name, value)]
    return [parts.password or "", *of_query]


def _parameters(query: str) -> list[tuple[str, str]]:
    """Split a query, and leave its parts as they are written."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    return [(name, value) for name, _, value in pairs]


def _is_secret(name: str, value: str) -> bool:
    """Whether the value of a parameter may open a door."""
    if not value:
        return False
    return bool(_SECRET.search(name)) or (len(value) > _LONGEST_PLAIN and not unquote(value).endswith(_OF_FILES))


def _hidden(name: str, value: str) -> str:
    """Return what is shown of a secret: of one that is signed anew nothing that would change."""
    if _SECRET.search(name):
        return HIDDEN
    return f"{HIDDEN}-{hashlib.sha256(value.encode()).hexdigest()[:_DIGITS]}"

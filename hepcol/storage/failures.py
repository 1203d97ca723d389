"""What the libraries of storage raise, told as one line that names the file and says what is wrong."""

import errno
import re
import ssl

from hepcol.errors import InputError, Missing, NoAnswer, Refused, StorageError, UnreadableFile
from hepcol.storage import tokens
from hepcol.storage.addresses import protocol, redacted

# What XRootD's servers answer: the numbers of its protocol
_XROOTD_CODE = re.compile(r"\[(30\d\d)\]")
_NOT_FOUND, _NOT_AUTHORISED, _IS_FOLDER, _AUTHENTICATION = "3011", "3010", "3016", "3030"
_HTTP_BUSY = 429
_HTTP_ERROR = 500
_PERMANENT = frozenset({errno.EINVAL, errno.EPERM, errno.ENAMETOOLONG, errno.EMSGSIZE, errno.ENOTSUP})
_BUSY = frozenset({errno.EIO, errno.EREMOTEIO, errno.EBUSY})  # what s3fs makes of answers that tell of an error
_NETWORK = ("aiohttp", "aiobotocore", "botocore", "fsspec", "s3fs", "urllib3", "XRootD", "fsspec_xrootd")


def told(error: BaseException, path: str, server: str) -> BaseException:
    """Return what an error means for a file; itself, if it is none of the storage."""
    if isinstance(error, (StorageError, UnreadableFile)):
        return error
    for rule in (_in_time, _of_trust, _of_request, _of_file, _of_network):
        meant = rule(error, path, server)
        if meant is not None:
            return meant
    return error


def _in_time(error: BaseException, path: str, server: str) -> BaseException | None:
    """Tell of a server that is silent; XRootD's client says that its operation has expired."""
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__ or "Operation expired" in str(error):
        return no_answer(path, server, "does not answer in time")
    return None


def _of_trust(error: BaseException, path: str, server: str) -> BaseException | None:
    """Tell of a server that is not trusted, and of a user who is not known."""
    kind, package = _names(error)
    if isinstance(error, ssl.SSLCertVerificationError) or kind == "ClientConnectorCertificateError":
        return Refused(
            f"{path}: the certificate of {server} is not trusted ({_text(error)}): name its authority by "
            "SSL_CERT_FILE or X509_CERT_DIR"
        )
    if package == "botocore" and "Credential" in kind:
        return Refused(f"{path}: {_text(error)}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    if isinstance(error, OSError) and "Auth failed" in str(error):
        return Refused(f"{path}: {server} does not know this user: {_text(error)}{_token_hint()}")
    return None


def _of_request(error: BaseException, path: str, server: str) -> BaseException | None:  # noqa: ARG001  (one of rules)
    """Tell of what cannot be asked for."""
    kind, package = _names(error)
    if package == "aiohttp" and "Url" in kind.replace("URL", "Url"):
        return UnreadableFile(f"{path}: not a URL that can be asked for")
    if package == "botocore" and kind in ("ParamValidationError", "ProfileNotFound", "NoRegionError"):
        return UnreadableFile(f"{path}: {_text(error)}")
    return None


def _of_file(error: BaseException, path: str, server: str) -> BaseException | None:  # noqa: ARG001  (one of rules)
    """Tell of a file that is not there, or not for this user."""
    if isinstance(error, FileNotFoundError):
        return Missing(f"{path}: no such file{_further(error, path)}")
    if isinstance(error, PermissionError):
        return Refused(f"{path}: not permitted{_further(error, path)}")
    code = _XROOTD_CODE.search(str(error))
    if code is not None:
        return _of_xrootd(code.group(1), path, error)
    if isinstance(error, OSError) and error.errno in _PERMANENT:
        return UnreadableFile(f"{path}: {_text(error)}")
    return None


def _of_network(error: BaseException, path: str, server: str) -> BaseException | None:
    """Tell of a server that cannot be reached, or breaks off."""
    kind, package = _names(error)
    if kind == "EndpointConnectionError" or "[FATAL] Connection error" in str(error):
        return no_answer(path, server, "cannot be reached")
    if package == "aiohttp" and "Connector" in kind:
        return no_answer(path, server, f"cannot be reached: {_text(error)}")
    if _XROOTD_CODE.search(str(error)) or (isinstance(error, OSError) and error.errno in _BUSY):
        return unable(path, server, f"is not able to answer: {_text(error)}")
    if isinstance(error, OSError) or package in _NETWORK:
        return no_answer(path, server, f"does not answer: {_text(error)}")
    return None


def _names(error: BaseException) -> tuple[str, str]:
    """Name the class of an error, and its package."""
    return type(error).__name__, type(error).__module__.partition(".")[0]


def of_status(status: int, reason: str, path: str, server: str) -> BaseException | None:
    """Return what the status of an HTTP answer means; None for one that is no error."""
    if status < 400:  # noqa: PLR2004  (HTTP's own)
        return None
    said = f"HTTP {status} {reason}".strip()
    if status == 401:  # noqa: PLR2004
        return Refused(f"{path}: not permitted ({said}): {_who()}")
    if status == 403:  # noqa: PLR2004
        return Refused(f"{path}: not permitted ({said}): {_who()}, or the signature of the URL has expired or is wrong")
    if status in (404, 410):
        return Missing(f"{path}: no such file ({said})")
    if status in (408, 425, _HTTP_BUSY) or status >= _HTTP_ERROR:
        return unable(path, server, f"is not able to answer: {said}")
    return UnreadableFile(f"{path}: the server {server} refuses the request: {said}")


def no_answer(path: str, server: str, what: str) -> NoAnswer:
    """Make the error of a server that does not answer."""
    error = NoAnswer(f"{path}: the server {server} {what}")
    error.server, error.path = server, path
    return error


def unable(path: str, server: str, what: str) -> NoAnswer:
    """Make the error of a server that answers that it cannot give a file now: others it may."""
    return NoAnswer(f"{path}: the server {server} {what}")


def lacks(path: str, extra: str, error: ImportError) -> InputError:
    """Say which packages a URL needs."""
    return InputError(
        f"{path}: {protocol(path)}:// needs packages that are not installed ({error.name or error}): "
        f"pip install 'hepcol[{extra}]'"
    )


def _who() -> str:
    """Say what this user has shown to a server, without showing it."""
    place = tokens.source()
    if not place:
        return "no bearer token was found (BEARER_TOKEN, BEARER_TOKEN_FILE)"
    return f"the bearer token of {place} is not accepted, or has expired"


def _of_xrootd(code: str, path: str, error: BaseException) -> BaseException | None:
    """Return what an answer of an XRootD server means; None if trying again may help."""
    if code == _NOT_FOUND:
        return Missing(f"{path}: no such file")
    if code in (_NOT_AUTHORISED, _AUTHENTICATION):
        return Refused(f"{path}: not permitted: {_text(error)}{_token_hint()}")
    if code == _IS_FOLDER:
        return UnreadableFile(f"{path}: is a folder, not a ROOT file")
    return None


def _token_hint() -> str:
    place = tokens.source()
    # which may be no fault: others are known by a proxy, or by Kerberos
    return f" (with the bearer token of {place})" if place else f"; {_who()}"


def _further(error: BaseException, path: str) -> str:
    """Return what an error says beyond the path."""
    text = _text(error)
    return "" if not text or text in path or path in text or text.endswith(path.partition("://")[2]) else f": {text}"


def _text(error: BaseException) -> str:
    """Return the message of an error on one line, without secrets; its class if it says nothing."""
    if isinstance(error, OSError) and error.strerror and error.errno is not None:
        text = str(error.strerror)
    else:
        text = str(error)
    return redacted(" ".join(text.split())) or type(error).__name__

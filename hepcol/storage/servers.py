"""Servers of files: how long one may take to answer, and when it is given up, by every file that it has.

All of this is of one process. A request ends when its server has been silent for some seconds, a server that keeps
silent is given up after some more, and then its other files fail at once: the wait is not that of each file.
"""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from hepcol.errors import GivenUp, NoAnswer
from hepcol.storage.addresses import is_served, server_of

CONNECT_S = 5.0  # to open a connection
SILENCE_S = 6.0  # without a byte
SLOWEST = 100_000  # bytes per second of a link that is in use
PATIENCE_S = 10.0  # from when a server was asked that then did not answer, until it is given up
GREETING_S = 2.0  # for a server to say that it is there
REST_S = 30.0  # until a server that was given up is asked again
LONGEST_PAUSE_S = 2.0  # between two tries at a server


@dataclass
class _Trouble:
    """A server that did not answer: since when, what it was like, and until when it is given up."""

    since: float
    reason: str
    until: float = 0.0
    tries: int = 1


@dataclass
class _Servers:
    """What this process knows of servers."""

    troubled: dict[str, _Trouble] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)  # who has what is at a place, as the endpoint of a bucket
    lock: threading.Lock = field(default_factory=threading.Lock)


_known = _Servers()


def check(server: str, path: str) -> None:
    """Refuse to ask a server that was given up.

    Raises
    ------
    GivenUp
        If it was, less than ``REST_S`` ago.
    """
    trouble = _known.troubled.get(server)
    if trouble is not None and time.monotonic() < trouble.until:
        error = GivenUp(f"{path}: the server {server} was given up: {trouble.reason}")
        error.server = server
        raise error


def answered(server: str) -> None:
    """Note that a server has answered."""
    with _known.lock:
        _known.troubled.pop(server, None)


def failed(server: str, began: float, reason: str) -> None:
    """Note that a server did not answer what it was asked at the time ``began``."""
    with _known.lock:
        trouble = _known.troubled.get(server)
        if trouble is None or trouble.until:
            _known.troubled[server] = _Trouble(began, reason)
        else:
            trouble.reason = reason
            trouble.tries += 1


def is_troubled_at(path: str) -> bool:
    """Whether the server of a file did not answer when it was asked last."""
    if not _known.troubled or not is_served(path):
        return False
    place = server_of(path)
    return _known.asked.get(place, place) in _known.troubled


def is_troubled(server: str) -> bool:
    """Whether a server did not answer when it was asked last."""
    return server in _known.troubled


def final(error: Exception) -> Exception:
    """Return the error of a server that does not answer as one of a server that was given up, if it was."""
    if not isinstance(error, NoAnswer) or isinstance(error, GivenUp):
        return error
    trouble = _known.troubled.get(error.server)
    if trouble is None or not trouble.until:
        return error
    told = GivenUp(str(error))
    told.server, told.path = error.server, error.path
    return told


def is_worth_waiting(server: str) -> bool:
    """Whether a server that did not answer may soon."""
    trouble = _known.troubled.get(server)
    return trouble is not None and not trouble.until and time.monotonic() - trouble.since < PATIENCE_S


def settle(error: NoAnswer) -> None:
    """Give a server up that does not answer anything; if it does, its trouble is with one file.

    So it is where a redirector sends on to servers of which one is down.
    """
    if isinstance(error, GivenUp) or not is_troubled(error.server):
        return
    if lives(error.server, error.path):
        answered(error.server)
    else:
        give_up(error.server)


def lives(server: str, path: str) -> bool:
    """Whether a server answers anything at all, a refusal included."""
    from fsspec.asyn import get_loop

    from hepcol.storage.failures import told
    from hepcol.storage.protocols import remote

    future = asyncio.run_coroutine_threadsafe(remote(path).greet(), get_loop())
    try:
        future.result(GREETING_S)
    except concurrent.futures.TimeoutError:
        future.cancel()
        return False
    except Exception as error:  # noqa: BLE001  (each library has its own)
        meant = told(error, path, server)
        return not (isinstance(meant, NoAnswer) and meant.server)
    return True


def give_up(server: str) -> None:
    """Ask a server no more for a while."""
    with _known.lock:
        trouble = _known.troubled.get(server)
        if trouble is not None and not trouble.until:
            now = time.monotonic()
            trouble.until = now + REST_S


def forget() -> None:
    """Forget the troubles of all servers, as for another run."""
    with _known.lock:
        _known.troubled.clear()


def ask(
    server: str, path: str, question: Coroutine[Any, Any, Any], expected: int = 0, silence_s: float | None = None
) -> Any:
    """Ask a server, in fsspec's thread, and return the answer.

    Parameters
    ----------
    server, path : str
        Who is asked for what.
    question : coroutine
        What gives the answer.
    expected : int
        Bytes that it may have: a slow link takes its time.
    silence_s : float, optional
        How long the server may be silent, if its client has a setting of the user for it.

    Raises
    ------
    StorageError
        If the server does not answer, or not as it should.
    """
    from fsspec.asyn import get_loop

    from hepcol.storage.failures import told

    try:
        check(server, path)
    except GivenUp:
        question.close()
        raise
    _known.asked[server_of(path)] = server
    began = time.monotonic()
    longest = SILENCE_S if silence_s is None else max(silence_s, SILENCE_S)
    future = asyncio.run_coroutine_threadsafe(question, get_loop())
    try:
        answer = future.result(longest + expected / SLOWEST)
    except concurrent.futures.TimeoutError as error:
        future.cancel()
        told_error = told(error, path, server)
    except Exception as error:
        told_error = told(error, path, server)
        if told_error is error and not isinstance(error, NoAnswer):
            raise
    except BaseException:
        future.cancel()
        raise
    else:
        answered(server)
        return answer
    if isinstance(told_error, NoAnswer) and told_error.server:
        failed(server, began, reason_of(told_error, path, server))
    else:
        answered(server)
    # the library's own error is no cause of it: it may show an address with its secrets
    raise told_error from None


def reason_of(error: BaseException, path: str, server: str) -> str:
    """Say why a server did not answer, without the names of the file and of the server."""
    return str(error).removeprefix(f"{path}: ").removeprefix(f"the server {server} ")

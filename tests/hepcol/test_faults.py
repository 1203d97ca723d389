"""Which errors pass by themselves, and which may be of a file."""

import errno
import os
import socket
import ssl
import zlib

import aiohttp
import awkward as ak
import fsspec.exceptions
import numpy as np
import pytest
import uproot

from hepcol.errors import InputError, UnreadableFile
from hepcol.events import open_events
from hepcol.faults import is_of_the_file, is_transient


def numbered(number):
    return OSError(number, os.strerror(number))


CONNECTION = aiohttp.client_reqrep.ConnectionKey("host", 443, True, None, None, None, None)
PASSING = [
    TimeoutError("no answer"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    InterruptedError(errno.EINTR, "Interrupted system call"),
    *[numbered(number) for number in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EMFILE)],
    OSError("[ERROR] Operation expired"),  # as XRootD's bindings say it
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    aiohttp.ClientConnectorError(CONNECTION, socket.gaierror(socket.EAI_AGAIN, "Temporary failure")),
    aiohttp.ServerDisconnectedError(),
    fsspec.exceptions.FSTimeoutError(),
    aiohttp.ClientPayloadError("payload is not complete"),
]
LASTING = [
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    PermissionError(errno.EACCES, "Permission denied"),
    IsADirectoryError(errno.EISDIR, "Is a directory"),
    numbered(errno.ENOSPC),
    UnreadableFile("x.root: truncated, or not a ROOT file"),
    OSError("expected Chunk of length 100, received 7 bytes from MultithreadedFileSource"),
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    ssl.SSLCertVerificationError(1, "certificate verify failed"),
    EOFError("the end"),
]
OF_THE_PROCESSOR = [
    RuntimeError("a bug"),
    ValueError("computed checksum"),
    zlib.error("Error -3 while decompressing data"),  # of something that is no file of events
    KeyError("x"),
    MemoryError(),
    InputError("wrong"),
    SystemExit(1),
    uproot.exceptions.KeyInFileError("x"),
]


def name_of(error):
    return f"{type(error).__name__} {error}"


@pytest.mark.parametrize("error", PASSING, ids=name_of)
def test_an_error_of_the_network_or_of_the_system_passes(error):
    assert is_transient(error)
    assert is_of_the_file(error)


@pytest.mark.parametrize("error", LASTING, ids=name_of)
def test_an_error_of_a_file_stays_and_another_place_may_help(error):
    assert not is_transient(error)
    assert is_of_the_file(error)


@pytest.mark.parametrize("error", OF_THE_PROCESSOR, ids=name_of)
def test_an_error_of_a_processor_stays_wherever_the_file_is(error):
    assert not is_transient(error)
    assert not is_of_the_file(error)


@pytest.mark.parametrize("damage", ["cut short", "turned over"])
@pytest.mark.parametrize("compression", [uproot.ZLIB(1), uproot.LZMA(1), uproot.LZ4(1), uproot.ZSTD(1)], ids=repr)
def test_whatever_is_raised_while_columns_are_read_is_of_the_file(tmp_path, compression, damage):
    path = tmp_path / "x.root"
    with uproot.recreate(path, compression=compression) as file:
        file.mktree("events", {"x": np.int64}).extend({"x": np.arange(5000)})
    with uproot.open(path) as file:
        cursor = file["events/x"].basket_key(0).data_cursor.index
    content = bytearray(path.read_bytes())
    for position in range(cursor + 9, cursor + 60):
        content[position] ^= 0xFF
    path.write_bytes(content if damage == "turned over" else content[: cursor + 1000])
    with pytest.raises(Exception, match=r".") as caught:
        ak.to_numpy(open_events(path).x)
    assert is_of_the_file(caught.value)
    assert not is_transient(caught.value)

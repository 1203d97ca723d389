"""Files that an XRootD server has, which is started here; with Debian's xrootd-server and HEPCOL_INTEGRATION=1."""

import asyncio
import queue
import re
import shutil
import sys
import threading
import time

import pytest
from fsspec.asyn import get_loop

import hepcol
from hepcol.errors import InputError, NoAnswer
from hepcol.fileset import resolve
from hepcol.storage import prefetch, servers, xrootd
from hepcol.storage.source import RemoteSource
from tests.integration.reading import CHUNK, COLUMNS, EVENTS, MEANWHILE, Declared, read, read_meanwhile, write_file
from tests.integration.servers import free_port, needs, open_folder, running, web_server, xrootd_server

pytestmark = [needs("xrootd", "setpriv"), pytest.mark.usefixtures("nothing_known")]


@pytest.fixture
def nothing_known():
    servers.forget()
    prefetch.forget()
    yield
    servers.forget()


@pytest.fixture(scope="module")
def content(tmp_path_factory, shipped_file):
    folder = tmp_path_factory.mktemp("content")
    shutil.copy(shipped_file, folder / "zee.root")
    write_file(folder / "a.root")
    whole = bytearray((folder / "zee.root").read_bytes())
    (folder / "short.root").write_bytes(whole[: len(whole) // 2])
    numbers = bytearray((folder / "a.root").read_bytes())
    middle = len(numbers) // 2
    numbers[middle - 40_000 : middle + 40_000] = b"\0" * 80_000
    (folder / "corrupt.root").write_bytes(numbers)
    return folder


@pytest.fixture(scope="module")
def folder():
    with open_folder() as folder:
        yield folder


@pytest.fixture
def server(folder, content):
    with running(xrootd_server(folder, content)) as server:
        yield server


@pytest.fixture
def url(server):
    return f"root://127.0.0.1:{server.port}//data"


def test_zee_has_the_bits_of_the_local_file(url, content):
    from processors.zee import ZeeProcessor

    local = hepcol.run(ZeeProcessor(variations=3), str(content / "zee.root"), chunksize=1000)
    done = hepcol.run(ZeeProcessor(variations=3), f"{url}/zee.root", chunksize=1000)
    assert _bits(done) == _bits(local)
    # its status, to open it, its beginning and its end; then one for each chunk
    assert done.files[0].requests == 4
    assert [chunk.requests for chunk in done.chunks] == [1] * 4


def test_the_real_file_has_the_bits_of_the_local_one(tmp_path, reference_file):
    from processors.zee import ZeeProcessor

    copied = tmp_path / "content"
    copied.mkdir()
    shutil.copy(reference_file, copied / "z.root")
    with open_folder() as folder, running(xrootd_server(folder, copied)) as server:
        done = hepcol.run(ZeeProcessor(), f"root://127.0.0.1:{server.port}//data/z.root")
    assert _bits(done) == _bits(hepcol.run(ZeeProcessor(), str(reference_file)))


def test_on_local_processes_and_dask(url, content, scheduler):
    local = hepcol.run(read, str(content / "a.root"), chunksize=CHUNK).result
    for options in ({"executor": "futures", "workers": 2}, {"scheduler": scheduler}):
        assert hepcol.run(read, f"{url}/a.root", chunksize=CHUNK, **options).result == local


def test_patterns_and_folders(url):
    names = ["a.root", "corrupt.root", "short.root", "zee.root"]
    for source in (f"{url}/*.root", f"{url}/"):
        ((name, dataset),) = resolve(source).items()
        assert (name, [file.path for file in dataset.files]) == ("data", [f"{url}/{one}" for one in names])
    with pytest.raises(InputError, match=r"q\*\.root: no file matches"):
        resolve(f"{url}/q*.root")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/none.root", "no such file$"),
        ("/../etc/passwd", "not permitted"),
        ("/short.root", "truncated, or not a ROOT file"),
        ("", "is a folder"),
    ],
)
def test_what_cannot_be_read_is_told_at_once(url, path, message):
    began = time.monotonic()
    with pytest.raises(InputError, match=message):
        hepcol.run(read, f"{url}{path}")
    assert time.monotonic() - began < 5


def test_each_opening_has_a_file_of_its_own(server, url, folder, content):
    """A file that was replaced is read as it was, also when what opened it as well is closed."""
    exported = folder / "export" / "data" / "replaced.root"
    shutil.copy(content / "a.root", exported)
    half = EVENTS * 8
    with RemoteSource(f"{url}/replaced.root") as source:
        other = RemoteSource(f"{url}/replaced.root")
        new = folder / "new.root"
        new.write_bytes(bytes(exported.stat().st_size))
        new.chmod(0o644)
        new.replace(exported)
        other.__exit__()
        time.sleep(0.2)  # nobody waits until a file is closed
        old = bytes(source.chunk(half, half + 1000).raw_data)
    assert old == (content / "a.root").read_bytes()[half : half + 1000]


def test_places_beyond_4_gb_and_what_is_too_long_for_one_request(server, url, folder):
    path = folder / "export" / "data" / "large.bin"
    marks = {2**31 - 3: b"before and after", 2**32 + 7: b"beyond 4 GB"}
    with path.open("wb") as file:  # full of holes
        file.truncate(2**32 + 8_000_000)
        for at, mark in marks.items():
            file.seek(at)
            file.write(mark)
    try:
        ranges = [(at, at + len(mark)) for at, mark in marks.items()] + [(2**32, 2**32 + 5_000_000)]
        with RemoteSource(f"{url}/large.bin") as source:
            *short, long = [bytes(chunk.raw_data) for chunk in source.chunks(ranges, queue.SimpleQueue())]
        assert short == list(marks.values())
        assert len(long) == 5_000_000
        assert long[7:].startswith(marks[2**32 + 7])
    finally:
        path.unlink()


def test_a_corrupt_file_fails_where_it_is_corrupt(url):
    done = hepcol.run(read, f"{url}/corrupt.root", chunksize=CHUNK, allow_incomplete=True)
    assert done.closure.processed > 0
    assert done.closure.failed == done.closure.files - done.closure.processed > 0


def test_a_server_that_is_not_there_takes_less_than_30_s_for_all_files():
    port = free_port()
    began = time.monotonic()
    with pytest.raises(InputError, match=rf"20 cannot be read: .*the server root://127.0.0.1:{port} cannot be reached"):
        hepcol.run(read, [f"root://127.0.0.1:{port}//data/{number}.root" for number in range(20)])
    assert time.monotonic() - began < 30


def test_a_hung_server_takes_less_than_30_s_for_all_files(server, url):
    server.hang()
    began = time.monotonic()
    try:
        with pytest.raises(
            InputError, match=rf"20 cannot be read: .*the server root://127.0.0.1:{server.port} does not"
        ):
            hepcol.run(read, [f"{url}/{number}.root" for number in range(20)])
    finally:
        server.go_on()
    assert time.monotonic() - began < 30


def test_a_server_that_is_killed_is_told_in_one_line(server, url):
    MEANWHILE.append(server.kill)
    began = time.monotonic()
    done = hepcol.run(read_meanwhile, f"{url}/a.root", chunksize=CHUNK, allow_incomplete=True)
    assert time.monotonic() - began < 30
    assert 0 < done.closure.processed < EVENTS
    assert done.closure.failed == EVENTS - done.closure.processed
    messages = [chunk.message for chunk in done.chunks if chunk.error]
    assert all(f"the server root://127.0.0.1:{server.port} " in message for message in messages)


def test_a_file_whose_connection_broke_is_no_bug(server, url):
    """The client says so by a ValueError from the second question on."""
    with RemoteSource(f"{url}/a.root") as source:
        asyncio.run_coroutine_threadsafe(xrootd.asked(source._remote._handle.close), get_loop()).result(5)
        with pytest.raises(NoAnswer, match="closed"):
            source.chunk(EVENTS * 8, EVENTS * 8 + 100)


def test_a_server_that_is_started_again_goes_on(server, url, content):
    def restart():
        server.kill()
        threading.Timer(3, server.start).start()

    MEANWHILE.append(restart)
    done = hepcol.run(read_meanwhile, f"{url}/a.root", chunksize=CHUNK)
    assert done.result == hepcol.run(read, str(content / "a.root"), chunksize=CHUNK).result
    assert max(chunk.attempts for chunk in done.chunks) > 1


def test_a_server_that_hung_for_a_moment_goes_on(server, url, content):
    def hang():
        server.hang()
        threading.Timer(3, server.go_on).start()

    MEANWHILE.append(hang)
    done = hepcol.run(read_meanwhile, f"{url}/a.root", chunksize=CHUNK)
    assert done.result == hepcol.run(read, str(content / "a.root"), chunksize=CHUNK).result


def test_a_replica_of_another_protocol_is_read(content):
    dead = f"root://127.0.0.1:{free_port()}//data/a.root"
    local = hepcol.run(Declared(), str(content / "a.root"), chunksize=CHUNK).result
    with web_server(content) as (there, _):
        files = {"a": {"files": {dead: {"object_path": "events", "replicas": [f"{there}/a.root"]}}}}
        assert hepcol.run(Declared(), files, chunksize=CHUNK).result == local


def test_a_setting_of_the_user_stays(url, monkeypatch):
    put = []
    monkeypatch.setattr("XRootD.client.EnvPutInt", lambda name, value: put.append(name))
    monkeypatch.setenv("XRD_STREAMTIMEOUT", "99")
    monkeypatch.setattr(xrootd, "_prepared", set())
    xrootd.prepare(f"{url}/a.root")
    assert "StreamTimeout" not in put
    assert "ConnectionWindow" in put


def test_without_its_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec_xrootd", None)
    with pytest.raises(InputError, match=re.escape("pip install 'hepcol[xrootd]'")):
        hepcol.run(read, "root://127.0.0.1:1//x.root")


def test_what_is_read_is_what_is_there(url):
    done = hepcol.run(Declared(), f"{url}/a.root", chunksize=CHUNK)
    assert done.summary["bytes_read"] < 1.1 * EVENTS * 8 * (len(COLUMNS) + 1)


def _bits(run):
    (part,) = run.result.values()
    return {name: histogram.counts.tobytes() for name, histogram in part.histograms.items()}

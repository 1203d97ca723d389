import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot

import hepcol
from hepcol.errors import InputError
from hepcol.execution.repetition import rerun
from hepcol.fileset import resolve
from hepcol.storage import addresses, prefetch, servers, source, web
from tests.integration.reading import COLUMNS, EVENTS, Declared, read, reader, write_file
from tests.integration.servers import free_port, needs, self_signed, web_server

CHUNK = EVENTS // 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "data").mkdir()
    write_file(folder / "data" / "a.root")
    write_file(folder / "data" / "b.root", seed=2)
    (folder / "data" / "notes.txt").write_text("no file of events")
    return folder


@pytest.fixture
def local(folder):
    return run(read, folder / "data" / "a.root").result


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """Servers have little time in tests, and what is known of them is forgotten."""
    monkeypatch.setattr(servers, "PATIENCE_S", 1.5)
    monkeypatch.delenv("BEARER_TOKEN", raising=False)
    monkeypatch.setenv("BEARER_TOKEN_FILE", "/nonexistent")
    servers.forget()
    prefetch.forget()
    yield
    servers.forget()


def run(processor, files, **options):
    options = {"chunksize": CHUNK, "backoff_s": 0.05, **options}
    return hepcol.run(processor, [str(one) for one in files] if isinstance(files, list) else str(files), **options)


def test_the_same_bits_as_of_a_local_file_in_few_requests(folder, local):
    with web_server(folder) as (url, told):
        done = run(Declared(), f"{url}/data/a.root")
    assert done.result == local
    assert done.summary["requests"] == len(told.requests)
    assert 0 < done.summary["bytes_read"] < (folder / "data" / "a.root").stat().st_size * 1.1
    # two to open the file, and of each chunk as many as there are stretches of columns in the file
    assert done.files[0].requests == 2
    assert all(chunk.requests <= 4 for chunk in done.chunks)


def test_what_is_read_is_learned_from_the_first_chunk(folder, local):
    with web_server(folder) as (url, _):
        done = run(read, f"{url}/data/a.root")
    assert done.result == local
    first, *others = [chunk.requests for chunk in done.chunks]
    assert first >= len(COLUMNS)
    assert all(requests <= 4 for requests in others)


def test_columns_that_are_not_read_are_not_asked_for(folder):
    with web_server(folder) as (url, _):
        done = run(reader("x3"), f"{url}/data/a.root")
    column = EVENTS * 8
    assert column < done.summary["bytes_read"] < 2.2 * column


def test_patterns_and_folders_stand_for_files(folder):
    with web_server(folder) as (url, _):
        names = [f"{url}/data/{name}" for name in ("a.root", "b.root")]
        for source in (f"{url}/data/*.root", f"{url}/*/[ab].root", f"{url}/data/"):
            (dataset,) = resolve(source).values()
            assert [file.path for file in dataset.files] == names
        assert list(resolve(f"{url}/data/*.root")) == ["data"]
        for source, message in (
            ("data/q*.root", "no file matches"),
            ("", "no *.root file in this folder"),
            ("none/*.root", "no such folder"),
        ):
            with pytest.raises(InputError, match=re.escape(message)):
                resolve(f"{url}/{source}")


@pytest.mark.parametrize("name", ["none.root", "data/none.root"])
def test_a_missing_file_is_not_tried_again(folder, name):
    with web_server(folder) as (url, told):
        with pytest.raises(InputError, match=rf"^{url}/{name}: no such file \(HTTP 404 Not Found\)$"):
            run(read, f"{url}/{name}")
        assert len(told.requests) == 1


def test_a_truncated_file_fails_where_it_ends(folder, tmp_path):
    content = (folder / "data" / "a.root").read_bytes()
    (tmp_path / "short.root").write_bytes(content[: len(content) // 2])
    (tmp_path / "head.root").write_bytes(content[:200])
    with web_server(tmp_path) as (url, _):
        done = run(read, f"{url}/short.root", allow_incomplete=True)
        with pytest.raises(InputError, match=r"head\.root: truncated, or not a ROOT file"):
            run(read, f"{url}/head.root")
    assert done.closure.failed == done.closure.files - done.closure.processed > 0
    failed = [chunk for chunk in done.chunks if chunk.error]
    assert all("expected Chunk of length" in chunk.message and chunk.attempts == 1 for chunk in failed)


def test_a_corrupt_file_fails_in_its_chunk_alone(folder, tmp_path):
    content = bytearray((folder / "data" / "a.root").read_bytes())
    middle = len(content) // 2
    content[middle - 40_000 : middle + 40_000] = b"\0" * 80_000
    (tmp_path / "corrupt.root").write_bytes(content)
    with web_server(tmp_path) as (url, _):
        done = run(read, f"{url}/corrupt.root", allow_incomplete=True)
    assert done.closure.failed == done.closure.files - done.closure.processed > 0
    assert done.closure.processed > 0


@pytest.mark.parametrize("trouble", [{"statuses": [503, 503]}, {"resets": 2}, {"statuses": [500], "resets": 1}])
def test_what_passes_is_tried_again(folder, local, trouble):
    with web_server(folder, **trouble) as (url, _):
        assert run(Declared(), f"{url}/data/a.root").result == local


_MEANWHILE = []  # what happens at the second chunk; a processor travels, and so does not hold it


def read_meanwhile(events):
    if events.metadata["entrystart"] == CHUNK and _MEANWHILE:
        _MEANWHILE.pop()()
    return read(events)


def test_what_passes_in_the_middle_is_tried_again(folder, local):
    with web_server(folder) as (url, told):
        _MEANWHILE.append(lambda: told.statuses.append(503))
        done = run(read_meanwhile, f"{url}/data/a.root")
    assert done.result == local
    assert max(chunk.attempts for chunk in done.chunks) > 1


def test_a_server_that_is_not_there_is_given_up_once_for_all_its_files(folder, monkeypatch):
    monkeypatch.setattr(servers, "PATIENCE_S", 0.5)
    port = free_port()
    files = [f"http://127.0.0.1:{port}/{number}.root" for number in range(30)]
    with pytest.raises(
        InputError, match=rf"30 cannot be read: http://127.0.0.1:{port}/0.root: the server .* cannot be"
    ):
        run(read, files)
    began = servers._known.troubled[f"http://127.0.0.1:{port}"]
    assert began.until - began.since < servers.PATIENCE_S + servers.REST_S + 2


def test_a_server_that_stays_silent_is_given_up(folder, monkeypatch):
    for name in ("SILENCE_S", "PATIENCE_S", "GREETING_S"):
        monkeypatch.setattr(servers, name, 0.4)
    with web_server(folder, delay_s=3) as (url, _), pytest.raises(InputError, match=r"does not answer in time"):
        run(read, f"{url}/data/a.root")


def test_a_file_that_its_server_cannot_give_does_not_take_the_others_along(folder, local, monkeypatch):
    """Of a server that sends on to others one may be down: its files are silent, and the rest is read."""
    for name in ("SILENCE_S", "PATIENCE_S"):
        monkeypatch.setattr(servers, name, 0.5)
    with web_server(folder, silent="b.root") as (url, _):
        done = run(read, [f"{url}/data/b.root", f"{url}/data/a.root"], allow_incomplete=True)
    assert done.closure.unknown_files == 1
    assert done.closure.processed == EVENTS
    assert done.result == local


def test_a_replica_is_read_where_a_server_is_gone(folder, local):
    dead = f"http://127.0.0.1:{free_port()}/a.root"
    with web_server(folder) as (url, _):
        files = {"x": {"files": {dead: {"object_path": "events", "replicas": [f"{url}/data/a.root"]}}}}
        done = hepcol.run(read, files, chunksize=CHUNK, backoff_s=0.05)
    assert done.result == local
    assert [chunk.attempts for chunk in done.chunks] == [1] * len(done.chunks)  # the probe had learned where it is


def test_of_an_rntuple_few_pages_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "KEPT", 300_000)
    with uproot.recreate(tmp_path / "pages.root") as file:
        ntuple = file.mkrntuple("events", {"x": np.float64})
        written = [np.random.default_rng(number).normal(size=20_000) for number in range(10)]
        for one in written:
            ntuple.extend({"x": one})
    with web_server(tmp_path) as (url, _), uproot.open(f"{url}/pages.root", handler=source.RemoteSource) as file:
        read = [file["events"].arrays(entry_start=at, entry_stop=at + 20_000).x for at in range(0, 200_000, 20_000)]
        assert np.array_equal(np.concatenate(read), np.concatenate(written))
        kept = sum(len(content) for _, content in file.file.source._ahead)
    assert kept <= 300_000 + source.HEAD + source.TAIL


@pytest.mark.parametrize("kind", ["tag", "size"])
def test_a_file_that_changes_while_it_is_read_is_no_mixture(folder, tmp_path, kind):
    content = (folder / "data" / "a.root").read_bytes()
    (tmp_path / "a.root").write_bytes(content)
    with web_server(tmp_path, tag='"first"') as (url, told):

        def change():
            if kind == "tag":
                told.tag = '"second"'
            else:
                (tmp_path / "a.root").write_bytes(content + b"more")

        _MEANWHILE.append(change)
        done = run(read_meanwhile, f"{url}/a.root", allow_incomplete=True)
    first, second, third, *_ = done.chunks
    assert not first.error
    assert not second.error  # whose columns were asked for before
    assert (third.message, third.attempts) == (f"{url}/a.root: the file has changed while it was read", 1)


@pytest.mark.parametrize("ranges", [True, False])
def test_an_empty_file_is_no_root_file(tmp_path, ranges):
    (tmp_path / "empty.root").touch()
    with web_server(tmp_path, ranges=ranges) as (url, _), pytest.raises(InputError, match="not a ROOT file"):
        run(read, f"{url}/empty.root")


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("bytes 0-99/1234", (0, 1234)),
        ("bytes 5000000000-5000000099/6000000000", (5_000_000_000, 6_000_000_000)),
        ("bytes */1234", (-1, 1234)),
        ("bytes 0-99/*", (-1, -1)),
        ("", (-1, -1)),
    ],
)
def test_where_an_answer_is_from(header, place):
    assert web._place_in(header) == place


def test_parameters_go_along_to_the_files_of_a_folder(folder, local):
    with web_server(folder, parameters="?authz=t0kenOfThisTest") as (url, _):
        for source in (f"{url}/data/a*.root", f"{url}/d[a]ta/a.root"):
            (dataset,) = resolve(f"{source}?authz=t0kenOfThisTest").values()
            assert [file.path for file in dataset.files] == [f"{url}/data/a.root?authz=hidden"]
        assert len(resolve(f"{url}/data/?authz=t0kenOfThisTest")["data"].files) == 2
        assert run(read, f"{url}/data/a.root?authz=t0kenOfThisTest").result == local


def test_a_run_of_a_signed_address_is_repeated_with_the_address_alone(folder, tmp_path, monkeypatch):
    with web_server(folder) as (url, told):
        run(read, f"{url}/data/a.root?X-Amz-Signature=s1gnatureOfThisTest", output=tmp_path / "out")
        monkeypatch.setattr(addresses, "_addresses", {})  # as in another process
        asked = len(told.requests)
        with pytest.raises(
            InputError, match=r"X-Amz-Signature=hidden: what is hidden is stored nowhere: name the file"
        ):
            rerun(tmp_path / "out" / "provenance.json")
        assert len(told.requests) == asked


def test_what_is_within_this_machine_goes_by_no_proxy(folder, local, monkeypatch, tmp_path):
    """A proxy would see the token; and passwords of ~/.netrc would keep it from being sent."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("BEARER_TOKEN", "t0kenOfThisTest")
    (tmp_path / "netrc").write_text("default login me password secretOfThisTest\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with web_server(folder, token="t0kenOfThisTest") as (url, _):
        assert run(read, f"{url}/data/a.root").result == local


def test_a_process_that_has_asked_nobody_ends_in_peace():
    done = subprocess.run(
        [sys.executable, "-c", "import hepcol.storage.web"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_server_without_ranges_is_told(folder):
    with web_server(folder, ranges=False) as (url, _), pytest.raises(InputError, match=r"gives whole files only"):
        run(read, f"{url}/data/a.root")


class TestTokens:
    TOKEN = "eyJsecretTokenOfThisTest.payload.signature"

    def test_without_one_the_server_says_no(self, folder):
        with (
            web_server(folder, token=self.TOKEN) as (url, _),
            pytest.raises(InputError, match="no bearer token was found"),
        ):
            run(read, f"{url}/data/a.root")

    def test_with_another_one(self, folder, monkeypatch):
        monkeypatch.setenv("BEARER_TOKEN", "an-old-one")
        refused = pytest.raises(InputError, match=r"the bearer token of BEARER_TOKEN is not accepted")
        with web_server(folder, token=self.TOKEN) as (url, _), refused as caught:
            run(read, f"{url}/data/a.root")
        assert "an-old-one" not in str(caught.value)

    def test_it_is_sent_encrypted_and_read_again_when_its_file_changes(self, folder, local, tmp_path, monkeypatch):
        certificate = self_signed(tmp_path)
        file = tmp_path / "token"
        file.write_text("first-token")
        monkeypatch.setenv("BEARER_TOKEN_FILE", str(file))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        with web_server(folder, certificate, token="first-token") as (url, told):

            def renew():
                told.token = "second-token"
                file.write_text("second-token")

            _MEANWHILE.append(renew)
            assert run(read_meanwhile, f"{url}/data/a.root").result == local
            assert {given for _, given, _ in told.requests} == {"Bearer first-token", "Bearer second-token"}

    def test_a_certificate_of_a_stranger_is_told_at_once(self, folder, tmp_path, monkeypatch):
        monkeypatch.setenv("BEARER_TOKEN", self.TOKEN)
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with web_server(folder, self_signed(tmp_path)) as (url, told):
            with pytest.raises(InputError, match=r"the certificate of .* is not trusted"):
                run(read, f"{url}/data/a.root")
            assert told.requests == []

    def test_another_server_does_not_get_it(self, folder, local, monkeypatch):
        monkeypatch.setenv("BEARER_TOKEN", self.TOKEN)
        with web_server(folder) as (there, told_there), web_server(folder, redirect=there) as (url, told):
            assert run(read, f"{url}/data/a.root").result == local
        assert {given for _, given, _ in told.requests} == {f"Bearer {self.TOKEN}"}
        assert {given for _, given, _ in told_there.requests} == {""}


@pytest.mark.parametrize(
    "options",
    [(), pytest.param(("--executor", "dask", "--workers", "1", "--dask-report"), marks=needs("python3"))],
    ids=("here", "dask"),
)
def test_nothing_secret_is_printed_or_written(folder, tmp_path, options):
    """What is signed, a password and a token: none of them is in any file of the run, nor on the terminal."""
    secrets = {"signature": "5ignatureOfThisTest", "password": "pa55wordOfThisTest", "token": "t0kenOfThisTest"}
    with web_server(folder) as (url, told):
        host = url.removeprefix("http://")
        addresses = [
            f"http://{host}/data/a.root?X-Amz-Signature={secrets['signature']}",
            f"http://user:{secrets['password']}@{host}/data/b.root",
            f"http://{host}/data/none.root?token={secrets['token']}",
        ]
        script = tmp_path / "reading.py"
        script.write_text(Path(sys.modules[read.__module__].__file__).read_text())
        command = ["-m", "hepcol", "run", f"{script}:Declared", *addresses, "-o", "out", "--dataset", "x"]
        environment = {"BEARER_TOKEN": secrets["token"], "PYTHONPATH": str(Path(hepcol.__file__).parent.parent)}
        done = subprocess.run(
            [sys.executable, *command, *options],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        asked = " ".join(path for path, _, _ in told.requests)
        given = {authorization for _, authorization, _ in told.requests}
    assert done.returncode == 3, done.stderr
    assert "none.root?token=hidden" in done.stderr + done.stdout
    assert secrets["signature"] in asked
    assert any(authorization.startswith("Basic ") for authorization in given)
    assert f"Bearer {secrets['token']}" in given
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {"summary.json", "ledger.jsonl"} <= {path.name for path in written}
    for name, secret in secrets.items():
        assert secret not in done.stdout + done.stderr, name
        assert [path.name for path in written if secret.encode() in path.read_bytes()] == [], name

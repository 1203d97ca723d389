"""Files in a bucket of moto's S3 server, which is started here; hung and dead servers with HEPCOL_INTEGRATION=1."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import hepcol
from hepcol.errors import InputError
from hepcol.fileset import resolve
from hepcol.storage import prefetch, servers
from tests.integration.reading import CHUNK, EVENTS, MEANWHILE, Declared, read, read_meanwhile, write_file
from tests.integration.servers import KEYS, free_port, needs, running, s3_server, upload

pytest.importorskip("s3fs")
pytest.importorskip("moto")
SECRETS = [KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]]


@pytest.fixture(scope="module")
def content(tmp_path_factory, shipped_file):
    folder = tmp_path_factory.mktemp("content")
    write_file(folder / "a.root")
    write_file(folder / "b.root", seed=2)
    (folder / "short.root").write_bytes((folder / "a.root").read_bytes()[:300])
    (folder / "zee.root").write_bytes(shipped_file.read_bytes())
    return folder


@pytest.fixture(scope="module")
def shared_server(content):
    with running(s3_server()) as server:
        _fill(server, content)
        yield server


@pytest.fixture
def own_server(content, monkeypatch):
    with running(s3_server()) as server:
        _fill(server, content)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        yield server


def _fill(server, content):
    upload(f"http://127.0.0.1:{server.port}", "hep", {f"data/{file.name}": file for file in content.iterdir()})


@pytest.fixture(autouse=True)
def user(monkeypatch, tmp_path):
    """A user with keys, and no files of AWS's tools."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    servers.forget()
    prefetch.forget()
    yield
    servers.forget()


@pytest.fixture
def server(shared_server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{shared_server.port}")
    return shared_server


def test_the_same_bits_as_of_a_local_file_in_few_requests(server, content):
    local = hepcol.run(read, str(content / "a.root"), chunksize=CHUNK).result
    done = hepcol.run(Declared(), "s3://hep/data/a.root", chunksize=CHUNK)
    assert done.result == local
    assert done.files[0].requests == 2  # beginning, with the size, and end
    assert all(chunk.requests <= 4 for chunk in done.chunks)


@needs("python3")
def test_zee_has_the_bits_of_the_local_file(server, content):
    from processors.zee import ZeeProcessor

    local = hepcol.run(ZeeProcessor(variations=3), str(content / "zee.root"), chunksize=1000)
    done = hepcol.run(ZeeProcessor(variations=3), "s3://hep/data/zee.root", chunksize=1000)
    (ours,), (theirs,) = done.result.values(), local.result.values()
    assert {name: one.counts.tobytes() for name, one in ours.histograms.items()} == {
        name: one.counts.tobytes() for name, one in theirs.histograms.items()
    }


def test_patterns_and_folders(server):
    names = [f"s3://hep/data/{name}.root" for name in ("a", "b", "short", "zee")]
    for source in ("s3://hep/data/*.root", "s3://hep/data/", "s3://hep/*/*.root"):
        ((name, dataset),) = resolve(source).items()
        assert [file.path for file in dataset.files] == names
        assert name == ("hep" if source.endswith("/*/*.root") else "data")
    with pytest.raises(InputError, match="no file matches"):
        resolve("s3://hep/data/q*.root")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://hep/data/none.root", "none.root: no such file"),
        ("s3://none/a.root", "no such file: The specified bucket does not exist"),
        ("s3://none/*.root", "s3://none/: no such folder"),
        ("s3://hep/data/short.root", "truncated, or not a ROOT file"),
    ],
)
def test_what_cannot_be_read_is_told(server, source, message):
    with pytest.raises(InputError, match=re.escape(message)):
        hepcol.run(read, source)


def test_profile_files_are_read(shared_server, content, monkeypatch, tmp_path):
    for name in KEYS:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(
        f"[profile lab]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:{shared_server.port}\n"
    )
    (tmp_path / "credentials").write_text(
        f"[lab]\naws_access_key_id = {SECRETS[0]}\naws_secret_access_key = {SECRETS[1]}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "lab")
    done = hepcol.run(read, "s3://hep/data/a.root", chunksize=CHUNK)
    assert done.result == hepcol.run(read, str(content / "a.root"), chunksize=CHUNK).result


def test_without_credentials(server, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name)
    with pytest.raises(InputError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"):
        hepcol.run(read, "s3://hep/data/a.root")


def test_a_wrong_key_is_not_permitted(monkeypatch, content):
    """By moto's own check of signatures, which it makes when it is told to; no request before it is checked."""
    checked = s3_server()
    checked.environment["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"
    with running(checked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{checked.port}")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "theWrongSecretOfThisTest")
        with pytest.raises(InputError, match=r"data/a.root: not permitted") as caught:
            hepcol.run(read, "s3://hep/data/a.root")
    assert "theWrongSecret" not in str(caught.value)


def test_an_unknown_profile_is_told(server, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with pytest.raises(InputError, match=r"profile \(nosuch\) could not be found"):
        hepcol.run(read, "s3://hep/data/a.root")


def test_nothing_secret_is_printed_or_written(server, tmp_path):
    script = tmp_path / "reading.py"
    script.write_text(Path(sys.modules[read.__module__].__file__).read_text())
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "hepcol",
                "run",
                f"{script}:Declared",
                "s3://hep/data/a.root",
                "s3://hep/none.root",
            ),
            *("-o", "out", "--dataset", "x"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(hepcol.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["requests"] > 0
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr
        assert [path.name for path in written if secret.encode() in path.read_bytes()] == []


def test_without_its_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(InputError, match=re.escape("pip install 'hepcol[s3]'")):
        hepcol.run(read, "s3://hep/data/a.root")


@needs("python3")
def test_a_server_that_is_not_there_takes_less_than_30_s_for_all_files(monkeypatch):
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(InputError, match=rf"20 cannot be read: .*the server http://127.0.0.1:{port} cannot be reached"):
        hepcol.run(read, [f"s3://hep/{number}.root" for number in range(20)])
    assert time.monotonic() - began < 30


@needs("python3")
def test_a_hung_server_takes_less_than_30_s_for_all_files(own_server):
    own_server.hang()
    began = time.monotonic()
    try:
        with pytest.raises(InputError, match=r"20 cannot be read: .*does not answer in time"):
            hepcol.run(read, [f"s3://hep/data/{number}.root" for number in range(20)])
    finally:
        own_server.go_on()
    assert time.monotonic() - began < 30


def test_a_file_that_changes_while_it_is_read_is_no_mixture(server, content):
    def put(name):
        upload(f"http://127.0.0.1:{server.port}", "changing", {"a.root": content / name})

    put("a.root")
    MEANWHILE.append(lambda: put("b.root"))
    done = hepcol.run(read_meanwhile, "s3://changing/a.root", chunksize=CHUNK, allow_incomplete=True)
    _, second, third, *_ = done.chunks
    assert not second.error  # whose columns were asked for before
    assert (third.message, third.attempts) == ("s3://changing/a.root: the file has changed while it was read", 1)


def test_an_empty_file_is_no_root_file(server, tmp_path):
    (tmp_path / "empty.root").touch()
    upload(f"http://127.0.0.1:{server.port}", "nothing", {"empty.root": tmp_path / "empty.root"})
    with pytest.raises(InputError, match="not a ROOT file"):
        hepcol.run(read, "s3://nothing/empty.root")


@needs("python3")
def test_a_server_that_is_killed_is_told_in_one_line(own_server):
    MEANWHILE.append(own_server.kill)
    began = time.monotonic()
    done = hepcol.run(read_meanwhile, "s3://hep/data/a.root", chunksize=CHUNK, allow_incomplete=True)
    assert time.monotonic() - began < 30
    assert done.closure.failed == EVENTS - done.closure.processed > 0
    messages = [chunk.message for chunk in done.chunks if chunk.error]
    assert all(f"the server http://127.0.0.1:{own_server.port} " in message for message in messages)


@needs("python3")
def test_a_server_that_hung_for_a_moment_goes_on(own_server, content):
    def hang():
        own_server.hang()
        threading.Timer(3, own_server.go_on).start()

    MEANWHILE.append(hang)
    done = hepcol.run(read_meanwhile, "s3://hep/data/a.root", chunksize=CHUNK)
    assert done.result == hepcol.run(read, str(content / "a.root"), chunksize=CHUNK).result

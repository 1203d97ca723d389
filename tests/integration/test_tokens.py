"""Bearer tokens shown to a real XRootD server, which checks their signature, scope and time, by root:// and https://."""

import hashlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import hepcol
from hepcol.storage import prefetch, servers
from processors.zee import ZeeProcessor
from tests.integration.issuer import Issuer
from tests.integration.servers import free_port, needs, open_folder, running, self_signed, token_server

_LIBRARY = "libXrdAccSciTokens-5.so"
_FOLDERS = "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"

pytestmark = [
    needs("xrootd", "setpriv", "openssl"),
    pytest.mark.skipif(
        not any(Path(folder, _LIBRARY).exists() for folder in _FOLDERS),
        reason=f"not installed: {_LIBRARY} of xrootd-scitokens-plugins",
    ),
    pytest.mark.usefixtures("trusted"),
]


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture(scope="module")
def made(issuer, tmp_path_factory, shipped_file):
    """The server, and the folder of its certificate."""
    content = tmp_path_factory.mktemp("content")
    (content / "open").mkdir()
    shutil.copy(shipped_file, content / "open" / "zee.root")
    with open_folder() as folder:
        certificate = self_signed(folder)
        with running(token_server(folder, content, issuer, certificate, free_port())) as server:
            yield server, certificate[0]


@pytest.fixture
def trusted(made, tmp_path, monkeypatch):
    """Let its certificate be trusted, and no token be found but what a test gives."""
    folder = tmp_path / "trusted"
    folder.mkdir()
    asked = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", made[1]], check=True, capture_output=True, text=True
    )
    shutil.copy(made[1], folder / f"{asked.stdout.strip()}.0")
    monkeypatch.setenv("X509_CERT_DIR", str(folder))
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    servers.forget()
    prefetch.forget()
    yield
    servers.forget()


@pytest.fixture(params=["root", "https"])
def url(request, made):
    server, _ = made
    if request.param == "root":
        return f"root://localhost:{server.port}//data/open/zee.root"
    return f"https://localhost:{server.second_port}/data/open/zee.root"


@pytest.fixture
def token_file(tmp_path, monkeypatch):
    path = tmp_path / "token"
    monkeypatch.setenv("BEARER_TOKEN_FILE", str(path))

    def write(token):
        new = path.with_suffix(".new")
        new.write_text(token)
        new.chmod(0o600)
        new.replace(path)

    return write


def bits(run):
    return hashlib.sha256(run.result["zee"].histograms["m_ee"].counts.tobytes()).hexdigest()


def analyse(url, **how):
    return hepcol.run(ZeeProcessor(variations=3), url, chunksize=1000, **how)


@pytest.fixture(scope="module")
def expected(shipped_file, tmp_path_factory):
    copy = shutil.copy(shipped_file, tmp_path_factory.mktemp("local") / "zee.root")
    return bits(analyse(str(copy)))


def test_a_token_of_a_file_opens_the_way_and_is_nowhere_written(url, issuer, token_file, expected, tmp_path, capfd):
    token = issuer.token()
    token_file(token)
    done = analyse(url, output=tmp_path / "out")
    assert bits(done) == expected
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    printed = capfd.readouterr()
    for part in token.split("."):
        assert part.encode() not in written
        assert part not in printed.out + printed.err


def command(url, folder):
    """Run the command: a process of its own, as one that was let in by root:// stays so."""
    line = [
        sys.executable,
        "-m",
        "hepcol",
        "run",
        "zee",
        url,
        "-p",
        "variations=1",
        "--no-plots",
        "-o",
        str(folder / "out"),
    ]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


def test_a_token_of_the_environment_does_as_well(url, issuer, monkeypatch, tmp_path):
    monkeypatch.setenv("BEARER_TOKEN", issuer.token())
    done = command(url, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4,000 of 4,000 processed" in done.stdout


def test_workers_of_dask_have_the_token(url, issuer, token_file, expected):
    token_file(issuer.token())
    assert bits(analyse(url, executor="dask", workers=2)) == expected


def refused(url, folder):
    """Return the line that the command says."""
    done = command(url, folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert not (folder / "out").exists()
    return done.stderr


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"scope": "storage.read:/elsewhere"}, id="of another folder"),
        pytest.param({"lasts_s": -30}, id="expired"),
    ],
)
def test_a_token_that_is_not_accepted_is_one_line_with_its_place(url, issuer, token_file, tmp_path, given):
    token = issuer.token(**given)
    token_file(token)
    said = refused(url, tmp_path)
    assert "not permitted" in said or "does not know this user" in said
    assert str(tmp_path / "token") in said
    assert not any(part in said for part in token.split("."))


def test_a_stranger_s_token_is_not_accepted(url, token_file, tmp_path):
    token_file(Issuer().token())
    said = refused(url, tmp_path)
    assert "not permitted" in said or "does not know this user" in said


def test_without_a_token_it_is_told_where_one_was_looked_for(url, tmp_path):
    assert "no bearer token was found (BEARER_TOKEN, BEARER_TOKEN_FILE)" in refused(url, tmp_path)


def test_a_token_that_is_renewed_while_a_run_goes_on_is_taken(made, issuer, token_file, expected):
    """The first token ends before the last chunk; each request by https asks with the token that is there."""
    server, _ = made
    url = f"https://localhost:{server.second_port}/data/open/zee.root"
    token_file(issuer.token(lasts_s=3))
    ended = threading.Event()

    def renew():
        while not ended.wait(1.0):
            token_file(issuer.token(lasts_s=3))

    keeper = threading.Thread(target=renew)
    keeper.start()
    try:
        done = hepcol.run(Slow(), url, chunksize=500)
    finally:
        ended.set()
        keeper.join()
    assert done.result == {"n": 4000}
    assert done.summary["wall_s"] > 4


class Slow:
    """Takes its time, and reads anew at each chunk."""

    def process(self, events):
        import time

        time.sleep(0.6)
        return {"n": len(events.Particle.px)}

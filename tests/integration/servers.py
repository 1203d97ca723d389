"""Servers of files on this machine; each is a process or a thread that ends with its block."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

HOST = "127.0.0.1"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDTESTONLY7788",
    "AWS_SECRET_ACCESS_KEY": "secretTESTONLY9911",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_START_S = 20


def needs(*programs):
    """Skip a test unless tests of servers are asked for, and these programs are here."""
    lacking = [name for name in programs if shutil.which(name) is None]
    reason = f"not installed: {', '.join(lacking)}" if lacking else "HEPCOL_INTEGRATION=1 is not set"
    return pytest.mark.skipif(bool(lacking) or os.environ.get("HEPCOL_INTEGRATION") != "1", reason=reason)


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def wait_for(port, process=None):
    """Wait until somebody listens on a port."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex((HOST, port)) == 0:
                return
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended at once with {process.returncode}")
        time.sleep(0.02)
    raise RuntimeError(f"nobody listens on port {port} after {_START_S} s")


@dataclass
class Server:
    """A server in a process of its own, which may be stopped as tests please."""

    command: list
    port: int
    environment: dict = field(default_factory=dict)
    process: subprocess.Popen | None = None
    second_port: int | None = None  # where it listens, too

    def start(self):
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for port in filter(None, (self.port, self.second_port)):
            wait_for(port, self.process)
        return self

    def _signal(self, number):
        os.killpg(self.process.pid, number)

    def hang(self):
        self._signal(signal.SIGSTOP)

    def go_on(self):
        self._signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGKILL)
            self.process.wait()


@contextmanager
def running(server):
    try:
        yield server.start()
    finally:
        server.kill()


@contextmanager
def open_folder():
    """Make a folder that other users may look into, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def xrootd_server(folder, content, port=None):
    """An XRootD server that exports a folder as ``/data``, with its own files in another."""
    return _xrootd(folder, content, port or free_port(), ())


def token_server(folder, content, issuer, certificate, second_port):
    """An XRootD server with TLS that reads the tokens of an issuer, by HTTPS at a second port, too."""
    (folder / "admin").mkdir(parents=True, exist_ok=True)
    issuer.tell(folder / "admin")
    (folder / "tokens.cfg").write_text(
        f"[Global]\naudience = {issuer.audience}\n[Issuer of the tests]\nissuer = {issuer.address}\nbase_path = /data\n"
    )
    public, key = certificate
    more = (
        f"xrd.tls {public} {key}",
        f"xrd.tlsca certfile {public}",
        "xrootd.tls capable all",
        "xrootd.seclib libXrdSec.so",
        "sec.protocol ztn",
        "sec.protbind * only ztn",
        "ofs.authorize 1",
        f"ofs.authlib libXrdAccSciTokens.so config={folder / 'tokens.cfg'}",
        "http.header2cgi Authorization authz",
        f"xrd.protocol XrdHttp:{second_port} libXrdHttp.so",
    )
    server = _xrootd(folder, content, free_port(), more)
    server.environment["XDG_CACHE_HOME"] = str(folder / "admin")
    server.second_port = second_port
    return server


def _xrootd(folder, content, port, more):
    """An XRootD server with more lines of configuration."""
    for name in ("admin", "export"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    exported = folder / "export" / "data"
    if not exported.exists():
        shutil.copytree(content, exported)
    configuration = folder / "xrootd.cfg"
    configuration.write_text(
        "\n".join(
            (
                f"xrd.port {port}",
                "xrd.network nodnr",
                "xrd.allow host localhost",
                "xrd.allow host 127.0.0.1",
                "all.export /data r/o",
                f"oss.localroot {folder / 'export'}",
                f"all.adminpath {folder / 'admin'}",
                f"all.pidpath {folder / 'admin'}",
                *more,
                "",
            )
        )
    )
    command = ["xrootd", "-c", str(configuration), "-l", str(folder / "xrootd.log"), "-n", "ci"]
    if os.geteuid() == 0:  # it refuses to be root's
        user = pwd.getpwnam("xrootd")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        command = ["setpriv", "--reuid=xrootd", "--regid=xrootd", "--clear-groups", *command]
    return Server(command, port)


def s3_server(port=None):
    """moto's S3 server, by which s3fs tests itself."""
    port = port or free_port()
    return Server([sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)], port, dict(KEYS))


def web_process(folder, port=None):
    """The web server below in a process of its own."""
    port = port or free_port()
    return Server([sys.executable, __file__, str(folder), str(port)], port)


def upload(endpoint, bucket, files):
    """Put files into a bucket, by their keys."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=KEYS["AWS_DEFAULT_REGION"],
    )
    client.create_bucket(Bucket=bucket)
    for key, path in files.items():
        client.put_object(Bucket=bucket, Key=key, Body=Path(path).read_bytes())
    client.close()


@dataclass
class Told:
    """What a web server does, which a test may change, and what it was asked."""

    folder: Path
    token: str = ""  # without which nothing is given
    delay_s: float = 0.0
    statuses: list = field(default_factory=list)  # of the next answers, instead of what is asked for
    silent: str = ""  # about paths that end so
    resets: int = 0  # of the next connections
    ranges: bool = True
    tag: str = ""  # of the version of its files
    parameters: str = ""  # without which nothing is given
    redirect: str = ""  # another server, to which all is sent on
    requests: list = field(default_factory=list)  # (path with query, Authorization, bytes)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Keep quiet."""

    def do_HEAD(self):
        time.sleep(self.server.told.delay_s)
        self._answer(200, b"")

    def do_GET(self):
        told = self.server.told
        given = self.headers.get("Authorization", "")
        told.requests.append((self.path, given, self.headers.get("Range", "")))
        time.sleep(told.delay_s)
        if told.silent and self.path.endswith(told.silent):
            time.sleep(5)
        if told.resets:
            told.resets -= 1
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if told.statuses:
            self._answer(told.statuses.pop(0), b"")
            return
        if told.redirect:
            self.send_response(307)
            self.send_header("Location", f"{told.redirect}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if not self.path.endswith(told.parameters):
            self._answer(403, b"")
            return
        if told.token and given != f"Bearer {told.token}":
            self._answer(403 if given else 401, b"")
            return
        path = told.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if path.is_dir():
            names = [f"{one.name}/" if one.is_dir() else one.name for one in sorted(path.iterdir())]
            page = "".join(f'<li><a href="{name}">{name}</a></li>' for name in ("../", *names))
            self._answer(200, f"<html><ul>{page}</ul></html>".encode(), kind="text/html")
        elif not path.is_file():
            self._answer(404, b"")
        else:
            self._give(path.read_bytes(), told.ranges)

    def _give(self, content, ranges):
        asked = self.headers.get("Range", "")
        if not asked or not ranges:
            self._answer(200, content)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1, len(content))
        if start >= len(content):
            self._answer(416, b"", whole=f"bytes */{len(content)}")
            return
        self._answer(206, content[start:stop], whole=f"bytes {start}-{stop - 1}/{len(content)}")

    def _answer(self, status, content, kind="application/octet-stream", whole=""):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if whole:
            self.send_header("Content-Range", whole)
        if self.server.told.tag:
            self.send_header("ETag", self.server.told.tag)
        self.end_headers()
        self.wfile.write(content)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is no error here."""


@contextmanager
def web_server(folder, certificate=None, port=0, **told):
    """Serve a folder by HTTP, or HTTPS with a certificate and its key; yields its URL and what it is told."""
    server = _Quiet((HOST, port), _Handler)
    server.told = Told(Path(folder), **told)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://{HOST}:{server.server_port}", server.told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def self_signed(folder):
    """Make a certificate of this machine and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@dataclass
class Link:
    """A long way to a server: each byte takes half of ``round_trip_s`` there and back."""

    port: int
    connections: int = 0
    sent: int = 0
    received: int = 0


@contextmanager
def long_way(port, round_trip_s):
    """Put a server at a distance."""
    link = Link(0)
    loop = asyncio.new_event_loop()

    async def carry(reader, writer, is_answer):
        pending = asyncio.Queue()

        async def deliver():
            while (item := await pending.get()) is not None:
                due, content = item
                await asyncio.sleep(max(0.0, due - loop.time()))
                writer.write(content)
                await writer.drain()
            writer.close()

        delivering = asyncio.ensure_future(deliver())
        try:
            while content := await reader.read(1 << 18):
                if is_answer:
                    link.received += len(content)
                else:
                    link.sent += len(content)
                pending.put_nowait((loop.time() + round_trip_s / 2, content))
        except OSError:
            pass
        pending.put_nowait(None)
        with suppress(OSError):
            await delivering

    async def meet(reader, writer):
        link.connections += 1
        await asyncio.sleep(round_trip_s)  # of opening a connection
        there_reader, there_writer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(carry(reader, there_writer, False), carry(there_reader, writer, True))

    async def serve():
        server = await asyncio.start_server(meet, HOST, 0)
        link.port = server.sockets[0].getsockname()[1]

    loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield link
    finally:

        def end():
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.call_later(0.05, loop.stop)

        loop.call_soon_threadsafe(end)
        thread.join()
        loop.close()


if __name__ == "__main__":
    with web_server(sys.argv[1], port=int(sys.argv[2])):
        threading.Event().wait()

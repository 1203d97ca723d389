"""The page of a run in a real browser: nothing is loaded, nothing fails, every picture is drawn."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")
DEADLINE_S = 60


class Browser:
    """Chromium, spoken to over pipes by its DevTools protocol: each message is JSON and a zero byte."""

    def __init__(self, profile):
        down, up = os.pipe(), os.pipe()
        # above what bash may need for itself
        mine = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (down[0], up[1])]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{mine[0]} 4>&{mine[1]}', CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=mine,
            start_new_session=True,
        )
        for end in (*mine, down[0], up[1]):
            os.close(end)
        self._write, self._read = down[1], up[0]
        self._rest, self._number = b"", 0
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

    _session = {}  # noqa: RUF012  (none before there is a page)

    def call(self, method, **parameters):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            got = self._receive()
            if got.get("id") == number:
                assert "error" not in got, got
                return got["result"]
            self.events.append(got)

    def _receive(self):
        deadline = time.monotonic() + DEADLINE_S
        while b"\0" not in self._rest:
            assert time.monotonic() < deadline, "the browser does not answer"
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, path):
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def close(self):
        os.close(self._write)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self._read)


def told(browser, *methods):
    return [event["params"] for event in browser.events if event.get("method") in methods]

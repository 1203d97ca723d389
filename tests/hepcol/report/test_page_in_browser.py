"""The page of a run in a real browser: nothing is loaded, nothing fails, every picture is drawn."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import time
from contextlib import suppress

import pytest

from hepcol import store
from hepcol.report.page import write_page

from .folders import write_picture, write_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")
DEADLINE_S = 30


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
        self._rest, self._number, self._session = b"", 0, {}
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

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
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
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
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._read)

    def targets(self):
        """Kinds of all that is open, frames of their own among them."""
        session, self._session = self._session, {}
        found = self.call("Target.getTargets")["targetInfos"]
        self._session = session
        return [target["type"] for target in found]

    def told(self, *methods):
        return [event["params"] for event in self.events if event.get("method") in methods]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


def test_the_page_loads_nothing_fails_at_nothing_and_shows_every_picture(browser, tmp_path):
    folder = write_run(tmp_path / "out", complete=False, executor="dask")
    write_picture(folder / "extra" / "other.png")
    (folder / store.DASK_REPORT).write_text("<p id='inner'></p><script>document.title = 'opened'</script>")
    browser.open(write_page(folder))
    # what is far down the page is drawn, too
    assert browser.evaluate("Promise.all([...document.images].map(image => image.decode())).then(() => true)")
    widths = browser.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == 3
    assert all(width > 0 for width in widths)
    assert browser.evaluate("document.title").startswith("INCOMPLETE: Processor: <b>z & co</b>")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "iframe" not in browser.targets()
    opened = (
        "new Promise(done => { document.querySelector('iframe').addEventListener('load', () => done(true));"
        "for (const fold of document.querySelectorAll('details')) fold.open = true; })"
    )
    assert browser.evaluate(opened)
    assert "iframe" in browser.targets()
    urls = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert [url for url in urls if not url.startswith("data:")] == [(folder / "report.html").as_uri()]
    assert browser.told("Network.loadingFailed", "Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.told("Runtime.consoleAPICalled") == []
    for width in (1280, 390):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width

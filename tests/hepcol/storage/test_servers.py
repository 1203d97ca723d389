import asyncio
import time

import pytest

from hepcol.errors import GivenUp, NoAnswer
from hepcol.execution.backends import Backend, Kind
from hepcol.execution.probing import probe_files
from hepcol.faults import is_transient
from hepcol.fileset import resolve
from hepcol.storage import servers
from tests.integration.servers import free_port

SERVER, PATH = "root://host", "root://host//x.root"


@pytest.fixture(autouse=True)
def known_to_nobody():
    servers.forget()
    yield
    servers.forget()


async def _refuse():
    raise ConnectionRefusedError(111, "Connection refused")


async def _sleep(seconds):
    await asyncio.sleep(seconds)
    return "late"


def test_a_server_is_given_up_after_a_while_and_asked_again_after_another(monkeypatch):
    monkeypatch.setattr(servers, "PATIENCE_S", 0.2)
    monkeypatch.setattr(servers, "REST_S", 0.2)
    with pytest.raises(NoAnswer, match=r"^root://host//x.root: the server root://host .*Connection refused"):
        servers.ask(SERVER, PATH, _refuse())
    assert servers.is_troubled_at(PATH)
    assert servers.is_worth_waiting(SERVER)
    time.sleep(0.25)
    assert not servers.is_worth_waiting(SERVER)
    servers.give_up(SERVER)
    with pytest.raises(GivenUp, match=r"was given up: .*Connection refused") as caught:
        servers.ask(SERVER, "root://host//other.root", _sleep(0))
    assert not is_transient(caught.value)
    time.sleep(0.25)
    assert servers.ask(SERVER, PATH, _sleep(0)) == "late"
    assert not servers.is_troubled_at(PATH)


def test_the_bucket_of_an_endpoint_that_does_not_answer_is_known():
    with pytest.raises(NoAnswer):
        servers.ask("http://endpoint:9000", "s3://bucket/x.root", _refuse())
    assert servers.is_troubled_at("s3://bucket/y.root")
    assert not servers.is_troubled_at("s3://other/y.root")


@pytest.mark.parametrize("lives", [True, False])
def test_a_server_that_answers_something_is_not_given_up_for_one_file(monkeypatch, lives):
    monkeypatch.setattr(servers, "lives", lambda server, path: lives)
    with pytest.raises(NoAnswer) as caught:
        servers.ask(SERVER, PATH, _refuse())
    servers.settle(caught.value)
    if lives:
        assert servers.ask(SERVER, "root://host//other.root", _sleep(0)) == "late"
    else:
        with pytest.raises(GivenUp):
            servers.ask(SERVER, "root://host//other.root", _sleep(0))


def test_patience_is_counted_from_the_question_that_was_not_answered(monkeypatch):
    monkeypatch.setattr(servers, "SILENCE_S", 0.3)
    monkeypatch.setattr(servers, "PATIENCE_S", 0.2)
    with pytest.raises(NoAnswer, match="does not answer in time"):
        servers.ask(SERVER, PATH, _sleep(5))
    assert not servers.is_worth_waiting(SERVER)


def test_a_slow_link_has_time_for_what_it_carries(monkeypatch):
    monkeypatch.setattr(servers, "SILENCE_S", 0.1)
    assert servers.ask(SERVER, PATH, _sleep(0.4), expected=servers.SLOWEST) == "late"


def test_a_server_that_answers_no_is_not_troubled():
    async def no():
        raise FileNotFoundError(PATH)

    with pytest.raises(FileNotFoundError, match="no such file"):
        servers.ask(SERVER, PATH, no())
    assert not servers.is_troubled_at(PATH)


def test_a_bug_is_no_trouble_of_the_server():
    async def bug():
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        servers.ask(SERVER, PATH, bug())
    assert not servers.is_troubled_at(PATH)


class _Workers:
    """An executor whose workers have each asked no server before."""

    def __init__(self):
        self.sink, self.items = None, []

    def copy(self, sink):
        self.sink = sink
        return self

    def __call__(self, items, function, _accumulator):
        for item in items:
            servers.forget()
            self.items.append(item.file.path)
            self.sink.take(function(item))


@pytest.mark.parametrize("lives", [True, False])
def test_a_dead_server_is_waited_for_by_one_worker_alone(monkeypatch, lives):
    monkeypatch.setattr(servers, "PATIENCE_S", 0.0)
    monkeypatch.setattr(servers, "lives", lambda server, path: lives)
    port, other = free_port(), free_port()
    files = [f"http://127.0.0.1:{port}/{number}.root" for number in range(4)] + [f"http://127.0.0.1:{other}/x.root"]
    workers = _Workers()
    found = probe_files(Backend(Kind.FUTURES, workers, 2), resolve(files), {"127.0.0.1": (), "files": ()}, "t", 0, 0.0)
    assert [record.path for record in found] == files
    assert all(record.message.startswith(f"{path}: the server ") for path, record in zip(files, found, strict=True))
    assert workers.items == (files if lives else [files[0], files[-1]])

"""Updates of a run that goes on: what they say is so, the last one is the result, and none of them changes it."""

import hashlib
import os
import signal
import sys
import time
from itertools import pairwise

import cloudpickle
import hist
import numpy as np
import pytest
import uproot
from coffea.processor import ProcessorABC

import hepcol
from hepcol.execution import updates
from hepcol.execution.updates import Updates
from hepcol.histograms import Histogram
from hepcol.ledger import ChunkRecord, Status
from hepcol.result import DatasetResult, Result
from hepcol.sums import ExactSum

EVENTS, CHUNK = 4000, 250
BOUND = 1e7


class Weighted(ProcessorABC):
    """Histograms events with weights that differ by many orders of magnitude."""

    def process(self, events):
        entry = np.arange(len(events)) + events.metadata["entrystart"]
        weight = 10.0 ** (entry % 9 - 5) * (1 + entry / 3)
        axis = hist.axis.Regular(10, 0, 10, name="digit")
        histogram = Histogram.fill((axis,), entry % 10, weight=weight, max_weight=BOUND)
        sums = ExactSum.of(weight, BOUND)
        return Result({events.metadata["dataset"]: DatasetResult(len(events), sums, histograms={"digit": histogram})})


def count(events):
    return {"events": len(events)}


class FailsOn(ProcessorABC):
    def __init__(self, entry):
        self.entry = entry

    def process(self, events):
        if events.metadata["entrystart"] <= self.entry < events.metadata["entrystop"]:
            raise RuntimeError("not this one")
        return {"events": len(events)}


@pytest.fixture
def at_once(monkeypatch):
    """Updates that come with every chunk, whatever they cost."""
    monkeypatch.setattr(updates, "SHORTEST_S", 0.0)
    monkeypatch.setattr(updates, "SHARE", np.inf)


@pytest.fixture(autouse=True)
def by_value():
    """Let workers get what this module defines with the task: they cannot import it."""
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


def check(told, run):
    """Hold updates against each other and against the run."""
    *others, last = told
    assert last.finished
    assert not any(update.finished for update in others)
    for before, update in pairwise(told):
        assert before.events_done <= update.events_done
        assert before.elapsed_s <= update.elapsed_s
        assert (before.events_total, before.chunks_total) == (update.events_total, update.chunks_total)
    assert (last.events_done, last.events_failed) == (run.closure.processed, run.closure.failed)
    assert last.events_total == run.closure.files
    assert last.chunks_done == sum(chunk.status is Status.DONE for chunk in run.chunks)
    assert last.chunks_failed == sum(chunk.status is Status.FAILED for chunk in run.chunks)
    assert last.chunks_total == len(run.chunks)


@pytest.mark.parametrize("executor", ["iterative", "futures", "dask"])
def test_every_update_holds_the_events_that_it_counts(executor, shipped_file, at_once, tmp_path, request):
    if executor == "futures":
        request.getfixturevalue("shared_pool")
    told = []
    how = {"executor": executor, "workers": 2, "chunksize": CHUNK}
    run = hepcol.run(Weighted(), shipped_file, on_update=told.append, output=tmp_path / "with", **how)
    check(told, run)
    assert told[0].result is None
    assert len(told) > 3
    for update in told:
        assert update.events_done == (update.result["zee_fcc"].events if update.result else 0)
        assert update.events_done == CHUNK * update.chunks_done
        assert update.workers == (1 if executor == "iterative" else 2)
    digits = told[-1].result["zee_fcc"].histograms["digit"].weights.limbs
    assert digits.tobytes() == run.result["zee_fcc"].histograms["digit"].weights.limbs.tobytes()
    if executor == "iterative":
        assert [update.chunks_done for update in told] == [*range(EVENTS // CHUNK), EVENTS // CHUNK]
    hepcol.run(Weighted(), shipped_file, chunksize=700, output=tmp_path / "without")
    written = [(tmp_path / name / "histograms.root").read_bytes() for name in ("with", "without")]
    assert hashlib.sha256(written[0]).digest() == hashlib.sha256(written[1]).digest()


def test_what_is_done_to_an_update_does_not_change_the_result(shipped_file, at_once):
    def fill(events):
        return {"n": hist.Hist(hist.axis.Regular(1, 0, 1)).fill(np.zeros(len(events)))}

    def spoil(update):
        if update.result is not None:
            update.result["n"].reset()

    run = hepcol.run(fill, shipped_file, chunksize=1000, on_update=spoil)
    assert run.result["n"].sum() == EVENTS


@pytest.mark.parametrize(("cost", "fetch"), [(0.0, 0.0), (0.001, 0.0), (0.05, 0.0), (0.01, 0.1)])
def test_updates_take_two_percent_of_the_time_and_come_three_times_a_second_at_most(cost, fetch, monkeypatch):
    now, told = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def listen(update):
        told.append(now[0])
        now[0] += cost

    given = Updates(listen, events=10_000, chunks=10_000)
    records = []
    while len(records) < 10_000:
        records.append(ChunkRecord("d", "f", "t", len(records), len(records) + 1, Status.DONE))
        now[0] += 0.01
        if given.due(len(records)):
            now[0] += fetch
            given.tell(None, records, 1, spent_s=fetch)
    given.tell(None, records, 1, finished=True)
    spent = cost * len(told) + fetch * (len(told) - 1)
    assert spent < updates.SHARE * now[0]
    assert min(np.diff(told[:-1])) >= updates.SHORTEST_S
    most = min(0.9 * now[0] / updates.SHORTEST_S, updates.SHARE * now[0] / (cost + fetch or 1e-9))
    assert len(told) > 0.8 * most - 2


def test_an_update_needs_news(monkeypatch):
    monkeypatch.setattr(updates, "SHORTEST_S", 0.0)
    monkeypatch.setattr(updates, "SHARE", np.inf)
    told = []
    given = Updates(told.append, events=3, chunks=3)
    record = ChunkRecord("d", "f", "t", 0, 1, Status.DONE)
    assert given.due(0)
    given.tell(None, [], 1)
    assert not given.due(0)
    assert given.due(1)
    given.tell(None, [], 1)  # its output is still to come
    assert len(told) == 1
    given.tell(None, [record], 1)
    assert len(told) == 2
    assert not given.due(3)  # the last one is about to come


def test_a_slow_function_is_called_seldom(shipped_file):
    calls = []

    def slow(update):
        calls.append(update)
        time.sleep(0.02)

    run = hepcol.run(count, shipped_file, chunksize=CHUNK, on_update=slow)
    assert len(run.chunks) == EVENTS // CHUNK
    # the first and the last, and those that the time between them pays for
    assert len(calls) <= 2 + calls[-1].elapsed_s / (50 * 0.02)
    check(calls, run)


def test_an_error_of_the_function_does_not_end_the_run(shipped_file, at_once):
    calls = []

    def breaks(update):
        calls.append(update)
        if update.chunks_done == 3:
            raise ZeroDivisionError("no\nhistogram")

    run = hepcol.run(count, shipped_file, chunksize=CHUNK, on_update=breaks)
    assert run.result == {"events": EVENTS}
    assert run.summary["warnings"] == ["on_update failed, no updates since: ZeroDivisionError: no histogram"]
    assert len(calls) == 4


def test_an_output_that_cannot_be_copied_does_not_end_the_run(shipped_file):
    class Own:
        def __add__(self, other):
            return self

        def __deepcopy__(self, memo):
            raise TypeError("not copied")

    run = hepcol.run(lambda events: {"own": Own()}, shipped_file, on_update=lambda update: None)
    assert run.closure.complete
    assert run.summary["warnings"] == ["on_update failed, no updates since: TypeError: not copied"]


def test_an_incomplete_run_has_a_last_update(shipped_file, at_once):
    told = []
    with pytest.raises(hepcol.IncompleteRun) as caught:
        hepcol.run(FailsOn(150), shipped_file, chunksize=CHUNK, on_update=told.append)
    check(told, caught.value.run)
    assert (told[-1].events_done, told[-1].events_failed) == (EVENTS - CHUNK, CHUNK)
    assert all(update.events_failed == (CHUNK if update.chunks_failed else 0) for update in told)


@pytest.mark.parametrize("interrupt", ["by the function", "by Ctrl-C meanwhile"])
def test_an_interrupt_in_the_function_ends_the_run_with_what_there_is(interrupt, shipped_file, at_once):
    told = []

    def enough(update):
        told.append(update)
        if update.chunks_done == 5:
            if interrupt == "by the function":
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGINT)

    run = hepcol.run(count, shipped_file, chunksize=CHUNK, on_update=enough, allow_incomplete=True)
    assert run.summary["stopped"] == "interrupted"
    assert run.result == {"events": 5 * CHUNK}
    assert [update.finished for update in told][-2:] == [False, True]
    assert told[-1].events_done == 5 * CHUNK


def test_updates_of_a_continued_run_begin_with_what_is_done(shipped_file, at_once, tmp_path):
    how = {"output": tmp_path / "out", "chunksize": CHUNK}

    def first(update):
        if update.chunks_done == 10:
            raise KeyboardInterrupt

    hepcol.run(count, shipped_file, on_update=first, allow_incomplete=True, **how)
    told = []
    run = hepcol.run(count, shipped_file, on_update=told.append, resume=True, **how)
    assert run.result == {"events": EVENTS}
    check(told, run)
    assert (told[0].events_done, told[0].result) == (10 * CHUNK, {"events": 10 * CHUNK})
    assert all(update.result == {"events": update.events_done} for update in told)


def test_the_last_update_has_datasets_without_events(tmp_path, at_once):
    for name, entries in (("none", 0), ("some", 10)):
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mktree("t", {"x": np.float64})
            if entries:
                file["t"].extend({"x": np.arange(float(entries))})
    told = []
    fileset = {name: [str(tmp_path / f"{name}.root")] for name in ("none", "some")}
    run = hepcol.run(Weighted(), fileset, on_update=told.append)
    check(told, run)
    assert set(told[-1].result) == {"none", "some"}


def test_rejects_what_cannot_be_called(shipped_file):
    with pytest.raises(ValueError, match="on_update must be a function of an update, or None, got 'm_ee'"):
        hepcol.run(count, shipped_file, on_update="m_ee")


def _slow(events):
    time.sleep(0.15)  # a worker at work, and not on the way
    return {"n": len(events)}


def test_dask_shows_how_a_run_goes_on_with_the_costs_that_it_has(shipped_file, scheduler):
    seen = []
    on_update = lambda update: seen.append(update.chunks_done)
    hepcol.run(_slow, shipped_file, executor="dask", scheduler=scheduler, chunksize=120, on_update=on_update)
    assert seen[-1] == max(seen) > 30
    assert len([done for done in seen if 0 < done < seen[-1]]) >= 2
    assert seen == sorted(seen)

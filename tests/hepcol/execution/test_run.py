"""Runs through coffea's executors: the same bytes however the work is cut, and every event accounted for."""

import hashlib
import json
import os
import sys
from pathlib import Path

import awkward as ak
import cloudpickle
import hist
import numpy as np
import pytest
import uproot
from coffea.nanoevents import FCCSchema
from coffea.processor import DaskExecutor, IterativeExecutor, ProcessorABC, Runner
from distributed import Client

import hepcol
from hepcol import store
from hepcol.events import open_events
from hepcol.execution import openfiles
from hepcol.histogram_files import write_root
from hepcol.histograms import Histogram
from hepcol.ledger import Status, from_json
from hepcol.result import DatasetResult, Result
from hepcol.spectra import collect
from hepcol.sums import ExactSum, quanta
from processors.zee import ZeeProcessor
from processors.zee.electrons import Electrons, select_pairs
from processors.zee.observables import delta_r

SHARED = Path(__file__).parents[4] / "shared"
REFERENCE = "ee_Z_ee_EDM4Hep.root"
VARIATIONS = 10
WHOLE = 1_000_000


@pytest.fixture(scope="module")
def file(shipped_file):
    """The real file where it is at hand, else the sample."""
    reference = SHARED / "data" / REFERENCE
    return reference if reference.is_file() else shipped_file


@pytest.fixture(scope="module")
def single_worker(local_cluster):
    with local_cluster(1) as cluster:
        yield cluster.scheduler_address


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def expected(file, tmp_path_factory):
    """Digests of the histogram files of one process and one chunk."""
    folder = tmp_path_factory.mktemp("expected") / "out"
    run = hepcol.run(ZeeProcessor(variations=VARIATIONS), file, chunksize=WHOLE, output=folder)
    assert len(run.chunks) == 1
    return {name: digest(folder / name) for name in ("histograms.root", "histograms.zip")}


@pytest.mark.parametrize("chunksize", [137, 701, WHOLE])
@pytest.mark.parametrize("executor", ["iterative", "futures", "dask with one worker", "dask with two workers"])
def test_the_bytes_do_not_depend_on_chunks_and_executors(file, expected, executor, chunksize, tmp_path, request):
    schedulers = {"dask with one worker": "single_worker", "dask with two workers": "scheduler"}
    where = {"executor": executor}
    if executor in schedulers:
        where = {"scheduler": request.getfixturevalue(schedulers[executor])}
    elif executor == "futures":
        request.getfixturevalue("shared_pool")
    hepcol.run(ZeeProcessor(variations=VARIATIONS), file, chunksize=chunksize, output=tmp_path / "out", **where)
    assert {name: digest(tmp_path / "out" / name) for name in expected} == expected


def test_a_local_cluster_gives_the_same_bytes(file, expected, tmp_path):
    hepcol.run(ZeeProcessor(variations=VARIATIONS), file, executor="dask", output=tmp_path / "out")
    assert digest(tmp_path / "out" / "histograms.root") == expected["histograms.root"]


@pytest.mark.parametrize("chunksize", [701, WHOLE])  # coffea takes 0.3 s for each chunk
@pytest.mark.parametrize("executor", ["iterative", "dask"])
def test_plain_coffea_gives_the_same_bytes(file, expected, executor, chunksize, tmp_path, scheduler):
    with Client(scheduler) as client:
        chosen = DaskExecutor(client=client, status=False) if executor == "dask" else IterativeExecutor(status=False)
        runner = Runner(executor=chosen, schema=FCCSchema, chunksize=chunksize)
        result = runner({file.stem: [str(file)]}, ZeeProcessor(variations=VARIATIONS), treename="events")
    write_root(tmp_path / "histograms.root", collect(result).histograms)
    assert digest(tmp_path / "histograms.root") == expected["histograms.root"]


def weights_of(entry):
    return np.where(entry % 7 == 0, -1.0, 1.0) * 10.0 ** (entry % 9 - 5) * (1 + entry / 3)


class Weighted(ProcessorABC):
    """The Zee processor on events with weights that differ by many orders of magnitude."""

    def __init__(self, inner):
        self.inner = inner

    def process(self, events):
        entry = np.arange(len(events)) + events.metadata["entrystart"]
        events["EventHeader"] = ak.zip({"weight": ak.unflatten(weights_of(entry), 1)})
        return self.inner.process(events)


@pytest.mark.parametrize(
    ("electrons", "precision"),
    [("reconstructed", "single"), ("generator", "single"), ("generator", "double"), ("original", "single")],
)
def test_weighted_histograms_do_not_depend_on_chunks_and_threads(
    shipped_file, electrons, precision, tmp_path, monkeypatch
):
    monkeypatch.setattr("hepcol.threads._MIN_ITEMS", 100)
    processor = Weighted(ZeeProcessor(variations=3, electrons=electrons, precision=precision, max_weight=1e7))
    digests, plain = set(), set()
    for chunksize, threads in ((137, 1), (701, 1), (1000, 3), (WHOLE, 1), (WHOLE, 2)):
        folder = tmp_path / f"{chunksize}-{threads}"
        run = hepcol.run(processor, shipped_file, chunksize=chunksize, threads=threads, output=folder)
        digests.add((digest(folder / "histograms.root"), run.summary["datasets"]["zee_fcc"]["sum_weights"]))
        plain.add(float(run.result["zee_fcc"].histograms["m_ee"].to_hist().values().sum()))
    assert len(digests) == len(plain) == 1


def test_weighted_contents_are_those_of_hist(shipped_file):
    """The distance of the electrons, which is not smeared, filled by hist with the same weights."""
    weighted = Weighted(ZeeProcessor(variations=1, max_weight=1e7))
    got = hepcol.run(weighted, shipped_file, chunksize=701).result["zee_fcc"].histograms["delta_r"].to_hist()
    pairs = select_pairs(open_events(shipped_file), Electrons.RECONSTRUCTED)
    weight = weights_of(pairs.event)
    expected = hist.Hist(hist.axis.Regular(50, 0, 5), storage=hist.storage.Weight())
    expected.fill(delta_r(pairs), weight=weight)
    np.testing.assert_allclose(got.values(flow=True)[0], expected.values(flow=True), rtol=1e-11, atol=1e-11)
    # squares are rounded to the last quantum of their bound, here 1e14
    rounding = len(weight) * quanta(1e14)[-1]
    np.testing.assert_allclose(got.variances(flow=True)[0], expected.variances(flow=True), rtol=1e-11, atol=rounding)


def test_the_summary_and_the_ledger_account_for_every_event(shipped_file, tmp_path):
    run = hepcol.run(ZeeProcessor(variations=2), shipped_file, chunksize=700, output=tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["complete"] is True
    assert summary["events"] == {
        "files": 4000, "processed": 4000, "failed": 0, "skipped": 0, "missing": 0, "unknown_files": 0
    }  # fmt: skip
    assert summary["selected"] == run.result["zee_fcc"].selected
    assert {"wall_s", "compile_s", "events_per_s", "executor"} <= set(summary)
    records = [from_json(line) for line in (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()]
    assert sum(record.events for record in records if hasattr(record, "status")) == 4000
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert provenance["options"]["variations"] == 2
    assert provenance["files"][0]["uuid"] == run.files[0].uuid


class FailsOn(ProcessorABC):
    """Counts events, and fails in the chunk that holds one entry."""

    def __init__(self, entry):
        self.entry = entry

    def process(self, events):
        if events.metadata["entrystart"] <= self.entry < events.metadata["entrystop"]:
            raise RuntimeError("this chunk is\nnot to be")
        return {"events": len(events)}


def test_a_chunk_that_fails_is_listed_and_the_rest_is_kept(shipped_file, tmp_path):
    with pytest.raises(hepcol.IncompleteRun, match="3000 of 4000 events processed, 1000 events failed") as caught:
        hepcol.run(FailsOn(1500), shipped_file, chunksize=1000, output=tmp_path / "out")
    run = caught.value.run
    assert run.result == {"events": 3000}
    (failed,) = (chunk for chunk in run.chunks if chunk.status is Status.FAILED)
    assert (failed.start, failed.stop) == (1000, 2000)
    assert (failed.error, failed.message) == ("RuntimeError", "this chunk is not to be")
    assert "in process" in failed.traceback
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["complete"] is False
    assert hepcol.run(FailsOn(1500), shipped_file, chunksize=1000, allow_incomplete=True).closure.failed == 1000


def test_a_missing_file_beside_a_good_one_makes_the_run_incomplete(shipped_file, tmp_path):
    files = [shipped_file, tmp_path / "nothing.root"]
    with pytest.raises(hepcol.IncompleteRun, match=r"1 file could not be read \(first: .*nothing\.root"):
        hepcol.run(FailsOn(-1), files)


@pytest.fixture
def corrupt_file(shipped_file, tmp_path):
    """The shipped sample with bytes turned over in the last basket of a column."""
    branch = uproot.open(shipped_file)["events/ReconstructedParticles/ReconstructedParticles.momentum.x"]
    start = branch.basket_key(branch.num_baskets - 1).data_cursor.index
    content = bytearray(shipped_file.read_bytes())
    for position in range(start + 30, start + 130):
        content[position] ^= 0x5A
    path = tmp_path / "corrupt.root"
    path.write_bytes(content)
    return path, int(branch.entry_offsets[-2])


def test_a_corrupt_basket_costs_its_chunks_only(corrupt_file):
    path, first_bad = corrupt_file
    assert first_bad > 0
    run = hepcol.run(ZeeProcessor(variations=1), path, chunksize=500, allow_incomplete=True)
    assert run.closure.failed > 0
    assert all(chunk.stop > first_bad for chunk in run.chunks if chunk.status is Status.FAILED)


def test_nothing_is_written_when_nothing_could_be_processed(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.root: no such file"):
        hepcol.run(ZeeProcessor(), tmp_path / "nothing.root", output=tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def test_names_the_columns_that_a_file_lacks(shared_data):
    with pytest.raises(ValueError, match=r"nano_dy\.root: tree 'Events' has no column ReconstructedParticles\.px"):
        hepcol.run(ZeeProcessor(), shared_data / "nano_dy.root")


def test_processes_the_steps_of_a_fileset(shipped_file):
    steps = {"z": {"files": {str(shipped_file): {"object_path": "events", "steps": [[0, 100], [500, 700]]}}}}
    run = hepcol.run(FailsOn(-1), steps)
    assert run.result == {"events": 300}
    assert run.closure.complete
    steps["z"]["files"][str(shipped_file)]["steps"] = [[3900, 4001]]
    with pytest.raises(ValueError, match=r"steps 3900 to 4001 do not fit.*4000 entries"):
        hepcol.run(FailsOn(-1), steps)


def test_passes_the_metadata_of_a_dataset_on(shipped_file):
    fileset = {"z": {"files": {str(shipped_file): "events"}, "metadata": {"year": 2026}}}
    assert hepcol.run(lambda events: {str(events.metadata["year"]): len(events)}, fileset).result == {"2026": 4000}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "condor"}, "executor must be one of iterative, futures, dask, got 'condor'"),
        ({"chunksize": 0}, "chunksize must be at least 1 event, got 0"),
        ({"executor": "futures", "workers": 0}, "workers must be at least 1, got 0"),
        ({"executor": "dask", "threads": 2}, "threads must be 1, or more with the executor iterative, got 2 with dask"),
        ({"threads": 0}, "threads must be 1, .* got 0 with iterative"),
        ({"executor": "futures", "scheduler": "tcp://x:1"}, "needs the executor dask, got futures"),
    ],
)
def test_rejects_an_option_that_is_wrong(shipped_file, options, message):
    with pytest.raises(ValueError, match=message):
        hepcol.run(FailsOn(-1), shipped_file, **options)


def test_a_scheduler_that_does_not_answer_is_one_line(shipped_file, closed_port, monkeypatch):
    monkeypatch.setattr("hepcol.execution.clusters.address.CONNECTION_TIMEOUT_S", 1)
    with pytest.raises(ValueError, match=f"scheduler tcp://127.0.0.1:{closed_port}: no answer within 1 s"):
        hepcol.run(FailsOn(-1), shipped_file, scheduler=f"tcp://127.0.0.1:{closed_port}")


class Stateful(ProcessorABC):
    """Keeps its accumulator on the instance, as many coffea processors do."""

    def __init__(self):
        self.out = {"n": 0}

    def process(self, events):
        self.out["n"] += len(events)
        return self.out


@pytest.fixture(scope="module")
def threaded_scheduler(local_cluster):
    """One worker of four threads, which share the process."""
    with local_cluster(1, threads=4) as cluster:
        yield cluster.scheduler_address


def by_value(test):
    """Let workers get what this module defines with the task: they cannot import it."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return test


@by_value
@pytest.mark.parametrize("threaded", [False, True])
def test_a_processor_with_state_counts_every_event_once(shipped_file, threaded, request):
    where = {"scheduler": request.getfixturevalue("threaded_scheduler")} if threaded else {}
    assert hepcol.run(Stateful(), shipped_file, chunksize=300, **where).result == {"n": 4000}


def test_threads_of_a_worker_give_the_same_bytes(file, expected, threaded_scheduler, tmp_path):
    where = {"scheduler": threaded_scheduler, "chunksize": 300}
    hepcol.run(ZeeProcessor(variations=VARIATIONS), file, output=tmp_path / "out", **where)
    assert digest(tmp_path / "out" / "histograms.root") == expected["histograms.root"]


def write_tree(path, entries):
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": np.float64})
        if entries:
            file["t"].extend({"x": np.arange(entries, dtype=float)})


def count(events):
    return {events.metadata["dataset"]: len(events)}


def test_a_file_that_is_replaced_between_runs_is_read_anew(tmp_path, threaded_scheduler):
    path = tmp_path / "x.root"
    for entries in (100, 500, 40):
        write_tree(path, entries)
        assert hepcol.run(count, path, scheduler=threaded_scheduler, chunksize=30).result == {"x": entries}


def test_copies_of_a_file_are_warned_about(shipped_file, tmp_path):
    copy = tmp_path / "copy.root"
    copy.write_bytes(shipped_file.read_bytes())
    (warning,) = hepcol.run(count, [shipped_file, copy]).summary["warnings"]
    assert "have the same UUID" in warning


def test_datasets_and_empty_files_are_kept_apart(tmp_path):
    for name, entries in (("a", 10), ("b", 20), ("none", 0)):
        write_tree(tmp_path / f"{name}.root", entries)
    fileset = {
        "one": [str(tmp_path / "a.root"), str(tmp_path / "none.root")],
        "two": [str(tmp_path / "b.root")],
    }
    run = hepcol.run(count, fileset)
    assert run.result == {"one": 10, "two": 20}
    assert run.closure.complete
    assert run.summary["empty_files"] == [str(tmp_path / "none.root")]
    with pytest.raises(ValueError, match=r"of 2 files, 1 are empty and 1 cannot be read: .*gone\.root: no such file"):
        hepcol.run(count, [tmp_path / "none.root", tmp_path / "gone.root"])


def test_a_dataset_without_events_has_its_histograms(tmp_path, shipped_file):
    """Empty ones: nothing was selected of nothing; and a run over nothing else is complete."""
    empty = tmp_path / "empty.root"
    with uproot.recreate(empty) as file:
        file.mktree("events", {"value": np.float64})
    processor = Values()
    full = hepcol.run(processor, {"none": [str(empty)], "some": [str(shipped_file)]}, output=tmp_path / "both")
    assert list(full.result) == ["none", "some"]
    assert full.result["none"].histograms["value"].counts.sum() == 0
    only = hepcol.run(processor, {"none": [str(empty)]}, output=tmp_path / "only")
    assert only.closure.complete
    assert only.summary["datasets"]["none"]["cutflow"] == {"all events": 0}
    assert not only.summary["warnings"]
    assert store.read(tmp_path / "only")[0]["none", "value"].sum() == 0
    fails = hepcol.run(fails_on_none, {"none": [str(empty)]}, output=tmp_path / "fails")
    assert fails.closure.complete
    assert fails.summary["warnings"] == ["dataset 'none' has no events, and no result: ValueError: of nothing"]


def fails_on_none(events):
    if not len(events):
        raise ValueError("of nothing")
    return {"n": len(events)}


class Values(ProcessorABC):
    def process(self, events):
        axis = hist.axis.Regular(4, 0, 1, name="value")
        values = events.value if "value" in events.fields else np.zeros(len(events))
        part = DatasetResult(
            len(events),
            ExactSum.of(np.ones(len(events))),
            {"all events": len(events)},
            {},
            {"value": Histogram.fill((axis,), values)},
        )
        return Result({events.metadata["dataset"]: part})


def test_the_same_file_in_two_datasets_is_analysed_for_each(shipped_file):
    fileset = {name: {"files": {str(shipped_file): "events"}} for name in ("one", "two")}
    run = hepcol.run(ZeeProcessor(variations=2), fileset, chunksize=1500)
    assert list(run.result) == ["one", "two"]
    assert len({part.histograms["m_ee"].counts.tobytes() for part in run.result.values()}) == 1


def test_a_fileset_made_of_another_file_is_noticed(shipped_file):
    uuid = "00000000-0000-5000-8000-000000000000"
    fileset = {"z": {"files": {str(shipped_file): {"object_path": "events", "uuid": uuid}}}}
    with pytest.raises(ValueError, match=f"but the fileset was made of {uuid}"):
        hepcol.run(count, fileset)


class Dies(ProcessorABC):
    """Takes its worker along in the chunk that holds one entry."""

    def process(self, events):
        if events.metadata["entrystart"] <= 1500 < events.metadata["entrystop"]:
            os._exit(1)
        return {"events": len(events)}


@by_value
@pytest.mark.parametrize("executor", ["futures", "dask"])
def test_a_worker_that_dies_does_not_take_the_account_along(executor, shipped_file, tmp_path):
    with pytest.raises(hepcol.IncompleteRun, match="WorkerDied: it ended its worker") as caught:
        hepcol.run(Dies(), shipped_file, executor=executor, chunksize=1000, output=tmp_path / "out")
    assert caught.value.run.closure.failed == 1000
    assert caught.value.run.result == {"events": 3000}
    assert len((tmp_path / "out" / "ledger.jsonl").read_text().splitlines()) == 5


def test_outputs_that_do_not_merge_are_accounted_for(shipped_file):
    run = hepcol.run(lambda _: {"x": None}, shipped_file, chunksize=1000, allow_incomplete=True)
    assert run.closure.failed == 3000
    assert "the output does not merge with that of other chunks" in run.chunks[1].message


def test_a_result_that_counts_wrongly_is_a_bug(shipped_file):
    def wrong(events):
        return Result({"z": DatasetResult(len(events) + 1, ExactSum.of(np.ones(1)))})

    with pytest.raises(RuntimeError, match="the processor counted 4004 events, the ledger 4000"):
        hepcol.run(wrong, shipped_file, chunksize=1000)


def test_columns_of_a_chunk_do_not_stay_in_the_open_file(shipped_file, monkeypatch):
    """uproot keeps 100 MB of columns for each open file, which would add up over files."""
    opened = []
    get = openfiles.get
    monkeypatch.setattr(openfiles, "get", lambda *key: opened.append(get(*key)) or opened[-1])
    cached = []
    forget = openfiles.OpenFile.forget_arrays
    monkeypatch.setattr(
        openfiles.OpenFile,
        "forget_arrays",
        lambda file: (cached.append(len(file.directory.file.array_cache)), forget(file)),
    )
    hepcol.run(ZeeProcessor(variations=1), shipped_file, chunksize=1000)
    assert min(cached) > 0
    assert all(len(file.directory.file.array_cache) == 0 for file in opened)


class FailsInTheEnd(ProcessorABC):
    """Processes all chunks, and fails with the result, once."""

    def process(self, events):
        return {"events": len(events)}

    def postprocess(self, accumulator):
        raise ZeroDivisionError("no events with a photon")


def test_work_is_not_lost_when_postprocess_fails(shipped_file, tmp_path, monkeypatch):
    with pytest.raises(ZeroDivisionError):
        hepcol.run(FailsInTheEnd(), shipped_file, chunksize=1000, output=tmp_path / "out")
    monkeypatch.setattr(FailsInTheEnd, "postprocess", lambda self, accumulator: accumulator)
    run = hepcol.run(FailsInTheEnd(), shipped_file, chunksize=1000, output=tmp_path / "out", resume=True)
    assert run.closure.complete
    assert run.result == {"events": 4000}
    assert not (tmp_path / "out" / ".partial").exists()

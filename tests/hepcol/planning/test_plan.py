"""Plans of runs: a trial of a few chunks, and what is said of it."""

import json
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cloudpickle
import lz4.frame
import numpy as np
import psutil
import pytest
import uproot
from click.testing import CliRunner

from hepcol import cli
from hepcol import fileset as filesets
from hepcol.errors import InputError
from hepcol.execution.chunk import Task
from hepcol.options import build_processor
from hepcol.planning import plan
from hepcol.planning.costs import Work
from hepcol.planning.noop import SchedulerCosts
from hepcol.planning.plan import Trial, costs_of
from hepcol.planning.sample import SAMPLE, look
from hepcol.planning.trial import ChunkCosts, _Trial

FILES = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory, shipped_file):
    folder = tmp_path_factory.mktemp("files")
    for number in range(FILES):
        shutil.copy(shipped_file, folder / f"{number}.root")
    return folder


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for what is temporary, which other tests leave alone."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield folder


@pytest.fixture(scope="module")
def planned(files, scratch):
    return plan(build_processor("zee", ["variations=3"]), str(files), workers=200, memory="2GB")


def test_a_plan_counts_what_there_is_to_do(planned):
    assert planned.files == FILES
    assert planned.sampled < FILES  # the others are taken to be like them
    assert planned.work.events == FILES * 4000
    assert sum(planned.work.pieces(planned.best.chunksize)) == planned.best.chunks


def test_a_plan_tells_time_and_memory(planned):
    assert 0 < planned.best.process_s < planned.best.wall_s
    assert planned.best.wall_s <= 1.02 * planned.usual.wall_s
    assert 1e8 < planned.best.worker_bytes <= 2e9
    assert 1e8 < planned.best.client_bytes < 1e9  # whatever this process has grown to before
    assert [workers for workers, _ in planned.others] == [1, 50, 100, 200, 400]


def test_what_was_measured_is_positive(planned):
    costs = planned.costs
    assert costs.chunk_s > 0
    assert 0 < costs.task_s < 1
    assert costs.merge_s > 0
    assert costs.output_bytes > 100
    (trial,) = planned.trials
    assert set(trial.costs.sizes) == {250, 1000, 4000}
    assert trial.costs.event_bytes < 1e6
    assert planned.scheduler.stop_s > 0
    assert planned.scheduler.told == planned.scheduler.tasks  # every record came to the client


def test_a_plan_is_json(planned):
    told = json.loads(json.dumps(planned.to_json()))
    assert told["events"] == FILES * 4000
    assert told["best"]["limit"] in told["best"]["parts"]


def test_nothing_is_left_behind(planned, files, scratch):
    assert len(list(files.iterdir())) == FILES
    assert not list(scratch.glob("hepcol-plan-*"))
    left = [one for one in psutil.Process().children(recursive=True) if "--forkserver" in " ".join(one.cmdline())]
    assert not [one for server in left for one in server.children()]


def test_no_worker_is_refused():
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        plan(len, "zee-fcc", workers=0)


def broken(events):
    raise RuntimeError(f"a bug at {len(events)} events")


def test_a_chunk_that_fails_is_told(shipped_file):
    with pytest.raises(InputError, match="a chunk of the trial failed: RuntimeError: a bug at 25 events"):
        plan(broken, shipped_file, workers=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.root", "--workers", "2"], "missing.root"),
        (["zee-fcc", "--workers", "0"], "--workers"),
        (["zee-fcc", "--workers", "2", "--memory", "much"], "memory: expected an amount with its unit, such as '2 GB'"),
        (["zee-fcc", "--workers", "2", "--tree", "trees"], "trees"),
        (["zee-fcc"], "--workers"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["plan", "zee", *arguments])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def empty(path, trees=("events",)):
    with uproot.recreate(path) as file:
        for name in trees:
            file.mktree(name, {"x": "float64"})
    return str(path)


def with_events(path, number):
    with uproot.recreate(path) as file:
        file["events"] = {"x": np.arange(number, dtype=float)}
    return str(path)


def count(events):
    return {"n": len(events.x)}


def test_no_events_is_said_in_a_line(tmp_path):
    one, other = empty(tmp_path / "a.root"), empty(tmp_path / "b.root")
    with pytest.raises(InputError, match=r"no events: .*a\.root is empty"):
        plan(count, one, workers=2, tree="events")
    with pytest.raises(InputError, match="no events: all 2 files are empty"):
        plan(count, [one, other], workers=2, tree="events")


def test_a_sample_looks_on_until_there_are_events_and_tells_what_it_cannot_read(tmp_path):
    """Nine empty files, one that is not there, and one with events, of which the first eight are chosen by steps."""
    paths = [empty(tmp_path / f"{number}.root") for number in range(9)]
    paths += [str(tmp_path / "nowhere.root"), with_events(tmp_path / "z.root", 700)]
    inputs = filesets.resolve(paths, "events")
    found = look(count, inputs, "a topic")
    assert found.files == found.looked == 11
    assert found.unreadable == (f"{tmp_path}/nowhere.root: no such file",)
    assert sum(found.events.values()) == 700


def test_each_dataset_is_estimated_by_its_own_files_and_steps(tmp_path):
    small = [with_events(tmp_path / f"s{number}.root", 10) for number in range(20)]
    large = [with_events(tmp_path / f"l{number}.root", 1000) for number in range(2)]
    stepped = {large[0]: {"object_path": "events", "steps": [[0, 100], [200, 300]]}, large[1]: "events"}
    fileset = {"small": {"files": dict.fromkeys(small, "events")}, "large": {"files": stepped}}
    found = look(count, filesets.resolve(fileset), "a topic")
    assert found.looked <= SAMPLE + 1
    assert found.events == {"small": 200, "large": 1200}
    assert (100, 100) in found.ranges["large"]
    assert {name: Path(file.path).name for name, (file, _) in found.largest.items()}["large"] == "l0.root"


def weighted(events):
    """Take much longer for events of one dataset."""
    time.sleep(len(events) * (2e-4 if events.metadata["dataset"] == "slow" else 0))
    return {"n": len(events.x)}


def test_datasets_count_by_their_events(tmp_path):
    slow, quick = with_events(tmp_path / "s.root", 1000), with_events(tmp_path / "q.root", 3000)
    fileset = {"slow": {"files": {slow: "events"}}, "quick": {"files": {quick: "events"}}}
    planned = plan(weighted, fileset, workers=2)
    assert {one.dataset: one.work.events for one in planned.trials} == {"slow": 1000, "quick": 3000}
    assert planned.costs.event_s == pytest.approx(2e-4 / 4, rel=0.3)
    assert planned.costs.waiting > 0.5
    assert planned.datasets == 2


def test_datasets_that_nobody_looked_into_have_the_events_of_others_in_turn(tmp_path):
    """The first of twenty is large; each has one file."""
    paths = [with_events(tmp_path / f"{number}.root", 1 if number else 10_000) for number in range(20)]
    found = look(count, filesets.resolve({f"d{n}": {"files": {path: "events"}} for n, path in enumerate(paths)}), "t")
    assert found.estimated
    assert found.events["d0"] == 10_000
    assert sum(found.events.values()) <= 3 * 10_000 + 20


def test_a_tree_that_nobody_looked_into_is_as_long_as_another_of_its_file(tmp_path):
    path = tmp_path / "a.root"
    names = [f"t{number}" for number in range(20)]
    with uproot.recreate(path) as file:
        for name in names:
            file[name] = {"x": np.arange(70.0)}
    other = with_events(tmp_path / "b.root", 5)
    fileset = {"other": {"files": {other: "events"}}} | {n: {"files": {str(path): n}} for n in names}
    found = look(count, filesets.resolve(fileset), "t")
    assert (found.files, found.events["t19"], sum(found.events.values())) == (2, 70, 20 * 70 + 5)


def test_files_that_cannot_be_read_are_not_all_asked_for(tmp_path):
    paths = [str(tmp_path / f"{number}.root") for number in range(500)]
    with pytest.raises(
        InputError, match=r"of 8 files, 0 are empty and 8 cannot be read: .*; 8 of 500 were looked into"
    ):
        look(count, filesets.resolve(paths, "events"), "t")


def test_what_files_and_chunks_cost_counts_by_files_and_chunks():
    costs = ChunkCosts({1: [1.0]}, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    large = Trial("a", "a.root", Work.whole([10_000_000]), replace(costs, open_s=0.05, chunk_s=0.1, event_s=1e-6))
    small = Trial("b", "b.root", Work.whole([100] * 9_999), replace(costs, open_s=1.0, chunk_s=0.3, event_s=2e-6))
    made = costs_of([large, small], SchedulerCosts(1, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0, 0.0)
    assert made.open_s == pytest.approx(1.0, rel=1e-3)
    assert made.chunk_s == pytest.approx((0.1 * 1000 + 0.3 * 9_999) / 10_999)
    assert made.event_s == pytest.approx((1e-6 * 10_000_000 + 2e-6 * 999_900) / 10_999_900)


def test_results_of_classes_of_a_file_and_metadata_that_json_cannot_hold_are_planned(tmp_path):
    script = tmp_path / "own.py"
    script.write_text(
        "class Counts(dict):\n    def __add__(self, other):\n        return Counts(n=self['n'] + other['n'])\n\n"
        "def count(events):\n    return Counts(n=len(events))\n"
    )
    path = with_events(tmp_path / "a.root", 300)
    fileset = {"z": {"files": {path: "events"}, "metadata": {"bins": (1, 2)}}}
    assert plan(build_processor(f"{script}:count"), fileset, workers=2).work.events == 300


class Arranging:
    """Looks into what it is given for long, and asks for small chunks after that."""

    max_chunk = 100_000

    def arrange(self, fileset):
        time.sleep(0.7)
        self.max_chunk = 50
        return fileset

    def process(self, events):
        return {"n": len(events.x)}


def test_what_a_processor_arranges_takes_its_time_and_may_limit_chunks(tmp_path):
    planned = plan(Arranging(), with_events(tmp_path / "a.root", 2000), workers=2, tree="events")
    assert planned.costs.start_s > 0.7 + planned.scheduler.start_s
    assert planned.best.chunksize <= 50


def test_a_file_whose_first_place_is_gone_is_tried_at_its_replica(tmp_path):
    replica = with_events(tmp_path / "b.root", 500)
    spec = {"object_path": "events", "replicas": [replica]}
    planned = plan(count, {"z": {"files": {str(tmp_path / "gone.root"): spec}}}, workers=2)
    assert (planned.work.events, planned.unreadable) == (500, ())


def dies(events):
    os._exit(1)


def test_a_chunk_that_ends_its_worker_is_told(tmp_path):
    with pytest.raises(InputError, match="a chunk of the trial ended its worker: a crash"):
        plan(dies, with_events(tmp_path / "a.root", 10), workers=2, tree="events")


def test_a_slow_processor_is_tried_on_few_events(tmp_path):
    path = with_events(tmp_path / "a.root", 100_000)

    def slow(events):
        time.sleep(len(events) * 3e-3)
        return {"n": len(events)}

    start = time.monotonic()
    planned = plan(slow, path, workers=2, tree="events")
    assert time.monotonic() - start < 60
    assert set(planned.trials[0].costs.sizes) == {15, 62, 250}
    assert planned.costs.event_s == pytest.approx(3e-3, rel=0.1)


def test_the_smallest_chunk_of_a_very_slow_processor_has_fewer_events(tmp_path):
    def very_slow(events):
        time.sleep(len(events) * 0.02)
        return {"n": len(events)}

    inputs = filesets.resolve(with_events(tmp_path / "a.root", 100_000), "events")
    ((name, (_, record)),) = look(count, inputs, "t").largest.items()
    task = lz4.frame.compress(cloudpickle.dumps(Task(very_slow, "t")))
    assert 80 < _Trial(task, "t", inputs[name], record, 100_000).compile() <= 100  # of two seconds


def test_what_cannot_be_read_is_in_the_table(tmp_path, monkeypatch, capsys):
    from hepcol.report.plan_table import print_plan

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    with_events(tmp_path / "a.root", 500)
    paths = ["a.root", "nowhere.root"]
    print_plan(plan(count, paths, workers=2, tree="events"))
    printed = capsys.readouterr().out
    assert "1 of 2 files looked into" in printed
    assert "nowhere.root: no such file" in printed
    assert "measured on: a.root" in printed


def test_a_plan_fits_a_terminal(planned, monkeypatch, capsys):
    from hepcol.report.plan_table import print_plan

    monkeypatch.setenv("COLUMNS", "80")
    print_plan(planned)
    printed = capsys.readouterr().out
    assert "48,000 in 12 files, as 8 files of them say" in printed
    assert "chunk size" in printed
    assert all(len(line) <= 80 for line in printed.splitlines())


def test_the_command_prints_json():
    done = CliRunner().invoke(
        cli.commands, ["plan", "zee", "zee-fcc", "-p", "variations=1", "--workers", "2", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["machine"] == {"workers": 2, "cores": None}

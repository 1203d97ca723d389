"""Plans of runs: a trial of a few chunks, and what is said of it."""

import json
import shutil

import pytest
from click.testing import CliRunner

from hepcol import cli
from hepcol.errors import InputError
from hepcol.options import build_processor
from hepcol.planning import plan

FILES = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory, shipped_file):
    folder = tmp_path_factory.mktemp("files")
    for number in range(FILES):
        shutil.copy(shipped_file, folder / f"{number}.root")
    return folder


@pytest.fixture(scope="module")
def planned(files):
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
    assert set(planned.trial.sizes) == {250, 1000, 4000}


def test_a_plan_is_json(planned):
    told = json.loads(json.dumps(planned.to_json()))
    assert told["events"] == FILES * 4000
    assert told["best"]["limit"] in told["best"]["parts"]


def test_nothing_is_left_behind(planned, files):
    assert len(list(files.iterdir())) == FILES
    assert planned.files == FILES


def test_no_worker_is_refused():
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        plan(len, "zee-fcc", workers=0)


def broken(events):
    raise RuntimeError(f"a bug at {len(events)} events")


def test_a_chunk_that_fails_is_told(shipped_file):
    with pytest.raises(InputError, match="a chunk of the trial failed: RuntimeError: a bug at 250 events"):
        plan(broken, shipped_file, workers=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.root", "--workers", "2"], "missing.root"),
        (["zee-fcc", "--workers", "0"], "--workers"),
        (["zee-fcc", "--workers", "2", "--memory", "much"], "memory 'much': expected an amount such as 2GB"),
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

"""Whether a ratio has fallen: the rule, the records, and the command."""

import copy
import json
import statistics

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import history, stop4b
from benchmarks.commands import bench
from benchmarks.history import MAX_FALL, MIN_RUNS, has_fallen
from tests.benchmarks.test_bench_stop4b import samples_of

ratios = st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=7)
spreads = st.lists(st.floats(1e-3, 1e5), min_size=MIN_RUNS, max_size=7)
BEST_RATIO = "stop4b trees: RDataFrame best, one process / hepcol"


@given(spreads)
def test_a_run_has_not_fallen_behind_itself(values):
    assert not has_fallen(values, values)


@given(ratios, ratios)
def test_only_one_of_two_can_have_fallen(before, now):
    assert not (has_fallen(before, now) and has_fallen(now, before))


@given(ratios, ratios, st.randoms())
def test_the_order_of_turns_does_not_matter(before, now, random):
    mixed = [random.sample(one, len(one)) for one in (before, now)]
    assert has_fallen(before, now) == has_fallen(*mixed)


@given(spreads, st.sampled_from([0.125, 0.5, 2.0, 16.0]))  # which round nothing
def test_it_is_a_matter_of_ratios_alone(before, factor):
    now = [0.5 * value for value in before]
    scaled = ([factor * value for value in one] for one in (before, now))
    assert has_fallen(before, now) == has_fallen(*scaled)


@given(spreads, spreads)
def test_one_that_has_fallen_is_apart_and_far(before, now):
    if has_fallen(before, now):
        assert all(new < old for new in now for old in before)
        assert statistics.median(now) < (1 - MAX_FALL) * statistics.median(before)
    elif max(now) < min(before):
        assert statistics.median(now) >= (1 - MAX_FALL) * statistics.median(before)


@given(spreads, spreads, st.floats(0.01, 1.0))
def test_what_has_fallen_has_if_it_falls_further(before, now, factor):
    if has_fallen(before, now):
        assert has_fallen(before, [factor * value for value in now])


@given(st.floats(1e-3, 1e5), st.floats(0.0, 2.0), st.integers(MIN_RUNS, 7))
def test_without_spread_it_is_the_fall_of_the_median(value, factor, runs):
    assert has_fallen([value] * runs, [factor * value] * runs) == (factor * value < (1 - MAX_FALL) * value)


@given(st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=MIN_RUNS - 1), ratios)
def test_fewer_runs_tell_nothing(few, others):
    assert not has_fallen(few, others)
    assert not has_fallen(others, few)


@pytest.mark.parametrize(
    ("now", "fallen"),
    [
        ([8.4, 8.3, 8.2], True),
        ([8.6, 8.7, 8.8], False),  # apart, but near
        ([4.0, 4.1, 9.8], False),  # far, but not apart
        ([20.0, 21.0, 22.0], False),
    ],
)
def test_examples_of_the_rule(now, fallen):
    assert has_fallen([9.7, 10.0, 10.3], now) == fallen


def told(factor=1.0, **more):
    """What the comparison of the stop four-body search tells, RDataFrame best being so many times faster or slower."""
    samples = samples_of(2.0)
    for turn, sample in enumerate(samples[stop4b.BEST]):
        sample["loop_s"] = factor * (3.0 + 0.1 * turn)
    return stop4b.collect(samples, {"flat": 1.0, "objects": 1.0}, 3) | {"quick": False, "commit": "abc"} | more


@pytest.fixture
def run(tmp_path):
    """Store a comparison and check it against what is recorded."""

    def run(description, *options):
        (tmp_path / "stop4b.json").write_text(json.dumps(description))
        path = tmp_path / "history.jsonl"
        done = CliRunner().invoke(bench, ["check", "-o", str(tmp_path), "--history", str(path), *options])
        return done.exit_code, done.output.strip().splitlines()

    return run


def test_a_record_has_the_ratios_of_the_table_and_hepcols_own():
    record = history.record_of("stop4b", told())
    assert record["ratios"][BEST_RATIO] == [3.0, 3.1, 3.2]
    assert record["ratios"]["stop4b trees: hepcol, one process / 2 workers"] == [1.0] * 3
    assert record["ratios"]["stop4b objects: stock coffea, one process / hepcol"] == [1.0] * 3
    assert record["size"] == [False, None]
    assert record["commit"] == "abc"
    assert not any("hepcol, one process / hepcol" in name for name in record["ratios"])


def test_a_fall_is_one_line_and_exit_code_1(run, tmp_path):
    code, lines = run(told(), "--record")
    assert code == 0
    assert lines[0] == "stop4b: nothing recorded to compare with"
    assert lines[1].startswith("recorded: 1 of 1 in ")
    assert run(told())[0] == 0
    code, lines = run(told(0.5))
    assert code == 1
    (fallen,) = (line for line in lines if line.startswith("fallen: "))
    date = told()["date"]
    assert fallen == f"fallen: {BEST_RATIO}: 1.55 (1.50 - 1.60), was 3.10 (3.00 - 3.20) ({date}, abc)"
    assert run(told(2.0))[0] == 0
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 1  # recorded when told to


def test_times_alone_do_not_matter(run):
    run(told(), "--record")
    slow = told()
    for every in slow["subjects"].values():
        for sample in every:
            sample["loop_s"] *= 10
    code, lines = run(slow)
    assert code == 0
    assert not [line for line in lines if line.startswith("fallen")]


def test_a_record_is_kept_once_and_the_last_one_counts(run, tmp_path):
    path = tmp_path / "history.jsonl"
    run(told(), "--record")
    run(told(), "--record")
    assert len(path.read_text().splitlines()) == 1
    code, lines = run(told(0.5), "--record")
    assert code == 1
    assert any(line.startswith("recorded: 1 of 1") for line in lines)
    assert run(told(0.5))[0] == 0
    assert len(history.read(path)) == 2


def test_another_machine_size_or_file_is_refused_unless_told(run):
    run(told(), "--record")
    other = told(0.5, machine={"cpu": "other", "cores": 64, "memory_gib": 256})
    code, lines = run(other)
    assert code == 2
    assert len(lines) == 1
    assert "this run of other, 64 cores, 256 GiB; --any-machine compares them" in lines[0]
    assert run(other, "--any-machine")[0] == 1
    code, lines = run(told(0.5, quick=True))
    assert code == 2
    assert lines == [
        "Error: stop4b: the last record is of a full run, this run of a quick run; --any-size compares them"
    ]
    assert run(told(0.5, quick=True), "--any-size")[0] == 1
    assert run(told(0.5, events=1000), "--any-machine")[0] == 2
    code, lines = run(told(0.5, given="mine.root"))
    assert code == 2
    assert "this run of a full run of mine.root; --any-size compares them" in lines[0]


def test_records_of_other_machines_do_not_hide_those_of_this_one(run):
    run(told(), "--record")
    run(told(machine={"cpu": "other", "cores": 64, "memory_gib": 256}), "--any-machine", "--record")
    assert run(told(0.5))[0] == 1


def test_what_cannot_be_judged_is_told(run):
    run(told(), "--record")
    fewer = copy.deepcopy(told(0.5))
    fewer["subjects"] = {name: every[:2] for name, every in fewer["subjects"].items() if name != stop4b.VARY}
    fewer["versions"]["uproot"] = "0.0"
    code, lines = run(fewer)
    assert code == 0
    assert "stop4b: not measured any more: stop4b objects: C++ of one's own, one process / hepcol" in lines
    assert any(line.startswith("stop4b: not judged, fewer than 3 runs: ") and BEST_RATIO in line for line in lines)
    assert any(line.startswith("stop4b: versions: uproot ") and line.endswith(" -> 0.0") for line in lines)


def test_a_folder_without_comparisons_and_a_broken_history_are_one_line(run, tmp_path):
    done = CliRunner().invoke(bench, ["check", "-o", str(tmp_path / "nothing")])
    assert done.exit_code == 2
    assert "no comparison, such as zee.json" in done.output
    for text in ("junk", "{}", "[1]"):
        (tmp_path / "history.jsonl").write_text(f"{text}\n")
        code, lines = run(told())
        assert code == 2
        assert lines[-1].endswith("history.jsonl, line 1: no record of a comparison")


def test_what_is_committed_can_be_read():
    assert isinstance(history.read(history.HISTORY), list)

"""Skims: what is run over one is what the run with the cut gives, bit for bit, and nothing is lost on the way."""

import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import Phase, given, settings

import hepcol
from hepcol.cli import main
from hepcol.errors import InputError
from hepcol.execution import IncompleteRun
from hepcol.options import find_processor
from hepcol.skimming.skim import skim_files
from hepcol.skimnote import read_note
from processors.zee import ZeeProcessor
from tests.hepcol.execution.fault_plans import rounds

MARKERS = Path(__file__).parent.parent / "execution" / "markers.py"
Third = find_processor(f"{MARKERS}:Third")
m = sys.modules[Third.__module__]

pytestmark = pytest.mark.timeout(120)
ALL = 300
CUT = "ReconstructedParticles.energy[0] > 44"


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [*sorted((folder / "events").rglob("*.*")), folder / "skim.json"]
    }


def part_of(run):
    (part,) = run.result.values()
    return part


def told(run):
    (part,) = run.summary["datasets"].values()
    return part


def bits(histograms):
    found = {}
    for name, histogram in histograms.items():
        sums = [one.limbs.tobytes() for one in (histogram.weights, histogram.squares) if one is not None]
        found[name] = (histogram.counts.tobytes(), *sums)
    return found


def test_what_is_run_over_a_skim_is_the_run_with_the_cut(shipped_file, tmp_path):
    skim = hepcol.skim(shipped_file, tmp_path / "skim", CUT, chunksize=1500)
    run = hepcol.run(ZeeProcessor(variations=5), tmp_path / "skim", chunksize=700)
    events = hepcol.open_events(shipped_file)
    # the same cut by hand, on all events at once
    passed = ak.to_numpy(ak.fill_none(ak.firsts(events.ReconstructedParticles.energy) > 44, False))
    kept = events[passed]
    kept["hepcol_entry"] = np.flatnonzero(passed).astype(np.uint64)
    uuid = int(events.metadata["fileuuid"].replace("-", ""), 16)
    kept["hepcol_uuid_high"] = np.full(len(kept), uuid >> 64, dtype=np.uint64)
    kept["hepcol_uuid_low"] = np.full(len(kept), uuid & (2**64 - 1), dtype=np.uint64)
    expected = part_of_result(ZeeProcessor(variations=5).process(kept))
    part = part_of(run)
    assert bits(part.histograms) == bits(expected.histograms)
    assert part.cutflow == expected.cutflow
    assert part.tallies == expected.tallies
    assert 0 < part.events == int(passed.sum()) < 4000
    assert told(run)["normalisation"] == {
        "sum_weights": 4000.0,
        "events": 4000,
        "source": "skim",
        "weight": "1",
        "whole": True,
        "lacks": [],
    }
    assert told(run)["skim"]["cutflow"] == {"all events": 4000, CUT: int(passed.sum())}
    assert skim.files == (tmp_path / "skim" / "events" / "zee_fcc.root",)


def part_of_result(result):
    (part,) = result.values()
    return part


@pytest.mark.parametrize("per", ["file", "chunk", "1kB"])
@pytest.mark.parametrize("form", ["ttree", "rntuple"])
def test_the_selection_of_an_analysis_gives_its_histograms(shipped_file, tmp_path, form, per):
    whole = hepcol.run(ZeeProcessor(variations=3), shipped_file)
    hepcol.skim(shipped_file, tmp_path / "skim", select=ZeeProcessor(), format=form, per=per, chunksize=1500)
    run = hepcol.run(ZeeProcessor(variations=3), tmp_path / "skim")
    assert bits(part_of(run).histograms) == bits(part_of(whole).histograms)
    assert told(run)["normalisation"]["sum_weights"] == told(whole)["sum_weights"]
    assert hepcol.open_events(skim_files(tmp_path / "skim")[0]).ReconstructedParticles.px.ndim == 2


MADE = {"define": {"half": "value / 2"}, "weight": "value", "dataset": "z"}


def read(folder):
    """Everything that a skim of markers has, in its order."""
    arrays = [uproot.open(path)["events"].arrays(["entry", "value", "hepcol_entry"]) for path in skim_files(folder)]
    return ak.concatenate(arrays).to_list()


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Files, and what a skim without faults makes of them."""
    folder = tmp_path_factory.mktemp("clean")
    files = m.write_files(folder)
    cut = Third(m.plan(folder / "faults"))
    hepcol.skim(files, folder / "out", cut, **MADE)
    return files, cut, digests(folder / "out")


def test_keeps_what_passes_in_the_order_of_the_events(clean, tmp_path):
    files, cut, _ = clean
    skim = hepcol.skim(files, tmp_path / "out", cut, **MADE)
    rows = read(tmp_path / "out")
    assert [row["entry"] for row in rows] == list(range(0, ALL, 3))
    assert [row["value"] for row in rows] == [np.sqrt(entry) for entry in range(0, ALL, 3)]
    assert [row["hepcol_entry"] for row in rows] == [entry % 100 for entry in range(0, ALL, 3)]
    half = np.concatenate([uproot.open(path)["events"]["half"].array(library="np") for path in skim.files])
    assert half.tolist() == [np.sqrt(entry) / 2 for entry in range(0, ALL, 3)]
    assert told(skim.run)["sum_weights"] == pytest.approx(sum(np.sqrt(np.arange(ALL))), rel=1e-15)
    run = hepcol.run(m.Marked(), tmp_path / "out")
    assert told(run)["normalisation"]["sum_weights"] == told(skim.run)["sum_weights"]
    assert told(run)["normalisation"]["events"] == ALL
    assert told(run)["events"] == len(rows)


@settings(max_examples=15, phases=[Phase.generate])  # to shrink what fails would take minutes
@given(rounds(3, 2))
def test_any_failures_followed_by_a_retry_give_the_bytes_of_a_clean_skim(clean, rounds):
    files, cut, expected = clean
    how = {"backoff_s": 0.001, "snapshot_s": 0.0, "allow_incomplete": True, "resume": True, **MADE}
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        for one in [*rounds, {"faults": (), "missing": (), "chunksize": 50}]:
            m.plan(Path(cut.faults), *one["faults"])
            gone = [files[number] for number in one["missing"]]
            for path in gone:
                path.rename(f"{path}.gone")
            try:
                skim = hepcol.skim(files, out, cut, **how, chunksize=one["chunksize"])
            except m.CRASH:
                continue
            finally:
                for path in gone:
                    Path(f"{path}.gone").rename(path)
            closure = skim.run.closure
            counted = closure.processed + closure.failed + closure.skipped + closure.missing
            assert counted == closure.files
            assert part_of(skim.run).events == closure.processed
            if closure.complete:
                break
            assert not skim.files
            assert not (out / "skim.json").exists()
            assert not (out / "events").exists()
            with pytest.raises(InputError, match="the skim there is not whole: hepcol retry"):
                hepcol.run(m.Marked(), out)
        assert digests(out) == expected
        assert not (out / "parts").exists()


def test_a_skim_that_is_killed_while_its_files_are_written_goes_on_there(clean, tmp_path, monkeypatch):
    files, cut, expected = clean
    m.plan(Path(cut.faults))
    from hepcol.skimming import assembly

    with monkeypatch.context() as patched:
        patched.setattr(assembly, "batches", lambda _: (_ for _ in ()).throw(m.CRASH()))
        with pytest.raises(m.CRASH):
            hepcol.skim(files, tmp_path / "out", cut, **MADE)
    assert not (tmp_path / "out" / "events").exists()
    skim = hepcol.skim(files, tmp_path / "out", cut, **MADE, resume=True)
    assert sum(chunk.attempts > 0 for chunk in skim.run.chunks) == len(skim.run.chunks)
    assert skim.run.summary["process_s"] < 0.5
    assert digests(tmp_path / "out") == expected


@pytest.mark.parametrize("how", ["dask", "futures"])
def test_other_executors_give_the_same_bytes(clean, tmp_path, request, how):
    files, cut, expected = clean
    m.plan(Path(cut.faults))
    where = {"executor": how}
    if how == "futures":
        request.getfixturevalue("shared_pool")
    else:
        where = {"scheduler": request.getfixturevalue("scheduler")}
    hepcol.skim(files, tmp_path / "out", cut, **MADE, **where, chunksize=17)
    assert digests(tmp_path / "out") == expected


def test_a_skim_takes_the_place_of_another_and_leaves_nothing_of_it(clean, tmp_path):
    files, cut, _ = clean
    m.plan(Path(cut.faults))
    out = tmp_path / "out"
    hepcol.skim(files, out, "entry > 10", per="1kB")
    assert list((out / "events").rglob("*.root"))
    with pytest.raises(InputError, match="choose another, or give --force"):
        hepcol.skim(files, out, cut)
    hepcol.skim(files[:1], out, cut, force=True)
    assert [path.name for path in (out / "events").rglob("*") if path.is_file()] == ["events_000000.root"]
    m.plan(Path(cut.faults), ("error", 50))
    with pytest.raises(IncompleteRun):
        hepcol.skim(files, out, cut, force=True, chunksize=20)
    assert not (out / "skim.json").exists()
    assert not (out / "events").exists()
    m.plan(Path(cut.faults))
    hepcol.skim(files, out, cut, resume=True)
    assert [row["entry"] for row in read(out)] == list(range(0, ALL, 3))


def test_a_skim_of_a_skim_stands_for_all_that_there_was(clean, tmp_path):
    files, _, _ = clean
    hepcol.skim(files, tmp_path / "one", "entry < 130", weight="value", dataset="z")
    # the last file has no event left, and its weights count all the same
    assert [uproot.open(path)["events"].num_entries for path in skim_files(tmp_path / "one")] == [100, 30, 0]
    two = hepcol.skim(tmp_path / "one", tmp_path / "two", "entry > 10", per="1kB", chunksize=13)
    run = hepcol.run(m.Marked(), tmp_path / "two")
    weights = np.sqrt(np.arange(ALL))
    assert told(run)["normalisation"]["sum_weights"] == pytest.approx(weights.sum(), rel=1e-15)
    assert told(run)["normalisation"] == told(hepcol.run(m.Marked(), tmp_path / "one"))["normalisation"]
    assert told(run)["skim"]["cutflow"] == {"all events": ALL, "entry < 130": 130, "entry > 10": 119}
    assert [row["entry"] for row in read(tmp_path / "two")] == list(range(11, 130))
    assert [row["hepcol_entry"] for row in read(tmp_path / "two")] == [entry % 100 for entry in range(11, 130)]
    assert told(two.run)["events"] == 130


def test_what_is_not_all_there_is_told(clean, tmp_path):
    files, _, _ = clean
    hepcol.skim(files, tmp_path / "out", "entry > 10", dataset="z")
    first, *others = skim_files(tmp_path / "out")
    run = hepcol.run(m.Marked(), [str(path) for path in skim_files(tmp_path / "out")])
    assert told(run)["normalisation"]["whole"]
    hepcol.skim(files, tmp_path / "parts", "entry > 10", dataset="z", per="chunk", chunksize=40)
    chunks = skim_files(tmp_path / "parts")
    run = hepcol.run(m.Marked(), [str(path) for path in chunks[1:]])
    assert not told(run)["normalisation"]["whole"]
    (warning,) = run.summary["warnings"]
    assert re.search(r"dataset .* is not whole: .* of 100 entries of .*events_000000.root not there", warning)
    with pytest.raises(InputError, match=r"entries 0 to .* of .*events_000000\.root are in two skims"):
        hepcol.run(m.Marked(), {"z": [str(first), str(chunks[0])]})
    others[0].unlink()
    with pytest.raises(InputError, match=r"events_000100.root: is missing: the skim in .* is not whole"):
        hepcol.run(m.Marked(), tmp_path / "out")


def test_several_skims_are_run_over_together_and_not_merged(clean, tmp_path):
    files, _, _ = clean
    for name, those in (("a", files[:2]), ("b", files[2:])):
        hepcol.skim(those, tmp_path / name, "entry > 10", dataset="z")
    run = hepcol.run(m.Marked(), [tmp_path / "a", tmp_path / "b"])
    assert told(run)["normalisation"] == {
        **told(run)["normalisation"],
        "sum_weights": ALL,
        "events": ALL,
        "whole": True,
    }
    with pytest.raises(InputError, match="a: a skim, whose files are whole: give it to hepcol run together"):
        hepcol.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")


def test_parquet_has_the_same_columns_for_other_tools(clean, tmp_path):
    import pyarrow.parquet

    files, cut, _ = clean
    m.plan(Path(cut.faults))
    skim = hepcol.skim(files, tmp_path / "out", cut, format="parquet", per="1MB", **MADE)
    (path,) = skim.files
    table = pyarrow.parquet.read_table(path)
    assert table["entry"].to_pylist() == list(range(0, ALL, 3))
    assert table["half"].to_pylist() == [np.sqrt(entry) / 2 for entry in range(0, ALL, 3)]
    note = json.loads(table.schema.metadata[b"hepcol_skim"])
    assert note["trees"]["events"]["events"] == ALL
    with pytest.raises(InputError, match="a skim in parquet, for other tools"):
        hepcol.run(m.Marked(), tmp_path / "out")


def test_events_of_nothing_give_files_of_nothing(tmp_path):
    empty = m.write_file(tmp_path, 0, entries=0, baskets=1)
    skim = hepcol.skim([empty], tmp_path / "out", "entry > 3", define={"half": "value / 2"})
    assert uproot.open(skim.files[0])["events"].num_entries == 0
    run = hepcol.run(m.Marked(), tmp_path / "out", allow_incomplete=True)
    assert run.closure.complete


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"cut": "nothing > 3"}, "expression 'nothing > 3': no column 'nothing'; there are entry, value"),
        ({"cut": "entry >"}, "expression 'entry >': invalid syntax"),
        ({"cut": "value"}, "cut 'value': expected true or false for each of 1 events, got float64"),
        ({"cut": 3}, "cut 3: expected an expression, or a function of events"),
        ({"cut": "nowhere.py:f"}, "nowhere.py: no such file"),
        ({"keep": "valeu"}, "tree 'events' has no column 'valeu'; close are value"),
        ({"define": ["half value"]}, "'half value': expected NAME=EXPRESSION"),
        ({"define": {"half": "valu"}}, "no column 'valu'"),
        ({"define": {"entry": "entry + 1", "lists": "column('no')"}}, "no column 'no'"),
        ({"weight": "entry > "}, "expression 'entry > ': invalid syntax"),
        ({"per": "many"}, "per 'many': expected chunk, file, or a size of at least 1kB"),
        ({"per": "1B"}, "per '1B': expected chunk, file, or a size"),
        ({"format": "csv"}, "option 'format=csv'"),
        ({"select": "nobody"}, "no analysis 'nobody'"),
        ({"options": ["a=b"]}, "option 'a=b': of no analysis"),
        ({"select": "tests"}, "no analysis 'tests'"),
        ({"add": "egamma-x"}, "no 'hepcol.columns' 'egamma-x'"),
        ({"max_weight": -1}, "option 'max_weight=-1.0'|option 'max_weight=-1'"),
        ({"per": "file", "format": "parquet", "tree": "other"}, "no tree 'other'"),
    ],
)
def test_says_in_one_line_what_is_not_accepted(clean, tmp_path, how, message):
    files, _, _ = clean
    with pytest.raises(InputError) as refused:
        hepcol.skim(files, tmp_path / "out", **how)
    assert re.search(re.escape(message) if "|" not in message else message, str(refused.value))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_weights_that_are_no_numbers_cost_their_chunk(clean, tmp_path):
    files, _, _ = clean
    with pytest.raises(IncompleteRun) as told:
        hepcol.skim(files[:1], tmp_path / "out", weight="where(entry == 50, log(entry - 51), 1)", chunksize=20)
    (chunk,) = (chunk for chunk in told.value.run.chunks if chunk.error)
    assert (chunk.start, chunk.stop) == (40, 60)
    assert "weight nan: 1 of 20 weights are not numbers" in chunk.message


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return ended.value.code


def test_the_command_tells_what_it_made_and_retry_adds_what_it_lacks(clean, tmp_path, capsys, monkeypatch):
    files, _, _ = clean
    monkeypatch.chdir(tmp_path)
    gone = files[1].rename(f"{files[1]}.gone")
    try:
        code = command("skim", *files, "-o", "out", "-c", "entry > 10", "--dataset", "z")
    finally:
        gone.rename(files[1])
    out = capsys.readouterr().out
    assert code == 3
    assert out.startswith("INCOMPLETE: 200 of 200 events processed")
    assert "out/parts/*/*.npz: 2 files" in out
    assert command("retry", "out") == 0
    out = capsys.readouterr().out
    assert re.search(r"entry > 10 +289 +96.3%", out)
    assert "3 files" in out
    assert "289 events" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert command("rerun", "out/provenance.json", "-o", "again", "--executor", "iterative", "--chunksize", "23") == 0
    assert "differ" not in capsys.readouterr().out
    assert digests(tmp_path / "out") == digests(tmp_path / "again")
    assert command("report", "out") == 0
    assert "3 files, " in (tmp_path / "out" / "report.html").read_text()
    assert command("inspect", "out/events/events_000000.root") == 0
    assert "sum of weights: 100 (all 100 events that were skimmed)" in capsys.readouterr().out
    assert command("skim", *files[:1], "-o", "again", "-c", "entry > 20", "--dataset", "z", "--force") == 0
    assert command("diff", "out", "again") == 4
    assert "3 of 3 files differ; first events/events_000000.root" in re.sub(r"\s+", " ", capsys.readouterr().out)
    assert command("skim", *files, "-o", "out") == 2
    assert "choose another, or give --force" in capsys.readouterr().err
    assert command("run", f"{MARKERS}:Marked", "out", "-o", "run", "--no-plots") == 0
    out = capsys.readouterr().out
    assert re.search(r"skim: all events +300 +100.0%", out)
    assert re.search(r"skim: entry > 10 +289 +96.3%", out)


def write(path, trees):
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            file.mktree(name, {column: array.dtype for column, array in columns.items()})
            file[name].extend(columns)
    return path


def numbers(path, first=0, count=100):
    x = np.arange(first, first + count)
    return write(path, {"t": {"x": x, "y": np.sqrt(x)}})


def rows_of(skim):
    return np.concatenate([uproot.open(path)["t"]["x"].array(library="np") for path in skim.files]).tolist()


def test_cuts_of_one_name_are_all_made(tmp_path):
    file = numbers(tmp_path / "a.root")
    cuts = [lambda e: e.x > 10, "y < 9", lambda e: e.x > 50]
    skim = hepcol.skim(file, tmp_path / "out", cuts)
    assert rows_of(skim) == list(range(51, 81))
    assert told(skim.run)["cutflow"] == {"all events": 100, "<lambda>": 89, "y < 9": 70, "<lambda> (2)": 30}
    place = tmp_path / "out"
    for number in range(3):  # the same cut again and again
        skim = hepcol.skim(place, tmp_path / str(number), "x > 60")
        place = tmp_path / str(number)
    steps = list(told(hepcol.run(count, place))["skim"]["cutflow"])
    assert steps == ["all events", "<lambda>", "y < 9", "<lambda> (2)", "x > 60", "x > 60 (2)", "x > 60 (3)"]
    assert rows_of(skim) == list(range(61, 81))


@pytest.mark.parametrize("per", ["file", "chunk", "1kB"])
def test_skims_without_events_stand_for_the_same_however_often_they_are_skimmed(tmp_path, per):
    place = [numbers(tmp_path / "a.root"), numbers(tmp_path / "b.root", 100)]
    for number in range(3):
        skim = hepcol.skim(place, tmp_path / str(number), "x < 0", per=per, **({} if number else {"dataset": "d"}))
        place = tmp_path / str(number)
        assert told(skim.run)["normalisation"]["events"] == 200
        assert told(skim.run)["normalisation"]["sum_weights"] == 200.0
    run = hepcol.run(count, place)
    assert told(run)["normalisation"] | {"lacks": []} == {
        "sum_weights": 200.0,
        "events": 200,
        "source": "skim",
        "weight": "1",
        "whole": True,
        "lacks": [],
    }


def test_files_of_other_types_are_not_mixed(tmp_path):
    files = [
        write(tmp_path / "a.root", {"t": {"x": np.arange(10, dtype=np.int32)}}),
        write(tmp_path / "b.root", {"t": {"x": np.linspace(0, 1, 10)}}),
    ]
    with pytest.raises(IncompleteRun, match="column 'x' is float64 here, and int32 in the first file of the dataset"):
        hepcol.skim(files, tmp_path / "out", dataset="d")


def test_columns_that_only_other_files_have_are_told(tmp_path):
    files = [
        write(tmp_path / "a.root", {"t": {"x": np.arange(10)}}),
        write(tmp_path / "b.root", {"t": {"x": np.arange(10), "z": np.arange(10), "u": np.arange(10)}}),
    ]
    skim = hepcol.skim(files, tmp_path / "out", dataset="d", chunksize=4)
    assert told(skim.run)["tallies"] == {"columns that the first file does not have": 2}


def test_sums_that_only_some_files_tell_are_not_taken(tmp_path):
    x = {
        "x": np.arange(100),
        "genWeight": np.ones(100),
        **dict.fromkeys(("run", "event", "luminosityBlock"), np.arange(100)),
    }
    with_runs = write(tmp_path / "a.root", {"Events": x, "Runs": {"genEventSumw": np.array([1000.0])}})
    without = write(tmp_path / "b.root", {"Events": x})
    hepcol.skim([with_runs, without], tmp_path / "out", "x > 10", dataset="d")
    hepcol.skim([with_runs], tmp_path / "one", "x > 10", dataset="d", per="chunk", chunksize=30)
    for place, sums in (("out", (200.0, "skim")), ("one", (1000.0, "Runs.genEventSumw"))):
        sums_told = told(hepcol.run(count, tmp_path / place))["normalisation"]
        assert (sums_told["sum_weights"], sums_told["source"]) == sums


def count(events):
    from hepcol.result import DatasetResult, Result
    from hepcol.sums import ExactSum

    part = DatasetResult(len(events), ExactSum.of_ones(len(events), 1.0, len(events)))
    return Result({events.metadata["dataset"]: part})


def test_what_was_not_whole_stays_so(tmp_path):
    file = numbers(tmp_path / "a.root")
    skim = hepcol.skim(file, tmp_path / "one", "x > 0", per="chunk", chunksize=25)
    hepcol.skim(str(skim.files[1]), tmp_path / "two", "x > 0")
    hepcol.skim(tmp_path / "two", tmp_path / "three", "x > 0")
    run = hepcol.run(count, tmp_path / "three")
    assert not told(run)["normalisation"]["whole"]
    assert told(run)["normalisation"]["lacks"][0].startswith("75 of 100 entries of ")
    steps = {"d": {"files": {str(file): {"object_path": "t", "steps": [[0, 40]]}}}}
    hepcol.skim(steps, tmp_path / "four", "x > 0")
    assert told(hepcol.run(count, tmp_path / "four"))["normalisation"]["lacks"][0].startswith("60 of 100 entries of ")


def test_the_same_events_are_refused_wherever_they_come_from(tmp_path):
    file = numbers(tmp_path / "a.root")
    hepcol.skim(file, tmp_path / "one", "x > 10", dataset="d")
    hepcol.skim(tmp_path / "one", tmp_path / "two", "x > 10")
    with pytest.raises(InputError, match=r"do not add up|are in two skims"):
        hepcol.run(count, [tmp_path / "one", tmp_path / "two"])
    copy = tmp_path / "copy.root"
    copy.write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=r"have the same UUID .*: a skim would have both"):
        hepcol.skim([file, copy], tmp_path / "three", dataset="d")
    hepcol.skim(copy, tmp_path / "four", "x > 10", dataset="d")
    with pytest.raises(InputError, match=r"entries 0 to 100 of .* are in two skims"):
        hepcol.run(count, [tmp_path / "one", tmp_path / "four"])


def test_skims_that_were_made_otherwise_do_not_add_up(tmp_path):
    files = [numbers(tmp_path / "a.root"), numbers(tmp_path / "b.root", 100)]
    for name, file, how in (
        ("one", files[0], {"cut": lambda e: e.x > 10}),
        ("two", files[1], {"cut": lambda e: e.x > 90}),
        ("three", files[1], {"cut": "x > 1", "max_weight": 10.0}),
        ("four", files[0], {"cut": "x > 1"}),
    ):
        hepcol.skim(file, tmp_path / name, dataset="d", **how)
    for pair in (("one", "two"), ("three", "four")):
        with pytest.raises(InputError, match="do not add up"):
            hepcol.run(count, [tmp_path / name for name in pair])


def test_another_weight_than_that_of_the_skim_is_told(tmp_path):
    hepcol.skim(numbers(tmp_path / "a.root"), tmp_path / "out", weight="2")
    run = hepcol.run(count, tmp_path / "out")
    (warning,) = run.summary["warnings"]
    assert "its events weigh 100 here and weighed 200 when they were skimmed, by 2" in warning


def test_an_output_folder_that_has_the_input_is_refused(tmp_path):
    hepcol.skim(numbers(tmp_path / "a.root"), tmp_path / "out", "x > 10")
    with pytest.raises(InputError, match=r"out has .*a\.root in it, which is to be skimmed: choose"):
        hepcol.skim(tmp_path / "out", tmp_path / "out", "x > 50", force=True)
    assert len(uproot.open(skim_files(tmp_path / "out")[0])["t"]["x"].array()) == 89


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"cut": "1 / 0 > x"}, "division by zero"),
        ({"cut": "10 ** 400 * x > 1"}, "too large|out of range"),
        ({"cut": "x.nbytes > 1"}, "no column 'x.nbytes'"),
        ({"cut": "x[100000000] > 1"}, "is not accepted"),
        ({"cut": "column('a:b') > 1"}, "no column 'a:b'"),
        ({"define": {"hepcol_entry": "x"}}, "would both be called 'hepcol_entry'"),
        ({"define": {"a": "b + 1", "b": "a + 1"}}, "columns a and b are made of each other"),
        ({"define": {"a": "fill(x, 1)", "m": "max(x)"}}, "there is one value for each event"),
    ],
)
def test_refuses_in_one_line_what_cannot_be_done(tmp_path, how, message):
    with pytest.raises(InputError, match=message) as refused:
        hepcol.skim(numbers(tmp_path / "a.root"), tmp_path / "out", **how)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_sizes_cut_files_where_chunks_do_not_matter(tmp_path):
    count_ = 30_000
    file = numbers(tmp_path / "a.root", count=count_)
    found = []
    for number, chunksize in enumerate((count_, 8192, 7001)):
        skim = hepcol.skim(file, tmp_path / str(number), "x % 3 == 0", per="20kB", chunksize=chunksize)
        assert len(skim.files) == 4
        assert rows_of(skim) == list(range(0, count_, 3))
        found.append(digests(tmp_path / str(number)))
        parts = [read_note(uproot.open(path), "t") for path in skim.files]
        assert [(part.sources[0].start, part.sources[0].stop) for part in parts] == [
            (0, 8192),
            (8192, 16384),
            (16384, 24576),
            (24576, count_),
        ]
        assert sum(part.events for part in parts) == count_
    assert found[0] == found[1] == found[2]

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
from hypothesis import strategies as st

import hepcol
from hepcol.cli import main
from hepcol.errors import InputError
from hepcol.execution import IncompleteRun
from hepcol.options import find_processor
from hepcol.skimming.skim import skim_files
from processors.zee import ZeeProcessor

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


faults = st.tuples(
    st.sampled_from(["error", "timeout", "reset", "exit", "interrupt", "crash"]),
    st.integers(0, ALL - 1),
    st.none() | st.integers(1, 4),
)
rounds = st.lists(
    st.fixed_dictionaries(
        {
            "faults": st.lists(faults, max_size=3),
            "missing": st.sets(st.integers(0, 2), max_size=2),
            "chunksize": st.integers(7, 120),
        }
    ),
    min_size=1,
    max_size=2,
)


@settings(max_examples=15, phases=[Phase.generate])  # to shrink what fails would take minutes
@given(rounds)
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

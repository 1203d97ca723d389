import copy
import json
import math

import pytest
from click.testing import CliRunner

from benchmarks import report, zee_atlas
from benchmarks.commands import bench
from benchmarks.measurement import CHECKOUT, STARTED, BenchmarkError, measure
from benchmarks.zee_atlas_parts import LOAD, OTHER, PARTS, READ, SELECT, Clock
from benchmarks.zee_atlas_subjects import coffea_full, coffea_nominal, nominal, one_by_one
from samples.catalogue import ZEE_ATLAS, ZEE_FCC

ROWS = {"nominal": "aa", "EG_SCALE_ZEESYST__1up": "bb", "EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR__1up": "cc"}
NOMINAL = {"cutflow": {"all events": 3}, "entries": [[0, 1], [2, 0]], "sums": {"m_ee": [[0.0, 0.5], [0.25, 0.0]]}}


def found():
    """One turn of all subjects."""
    times = {"total_s": 3.0, "loop_s": 2.0, "cpu_s": 1.0, "peak_mb": 400.0, "events": 100_000}
    alike = {
        **dict.fromkeys(
            (zee_atlas.FULL, zee_atlas.FULL_DASK, zee_atlas.IN_SITU, zee_atlas.COFFEA_FULL), times | {"rows": ROWS}
        ),
        zee_atlas.SINGLE: times
        | {"rows": dict(list(ROWS.items())[:2]), "each_s": [0.5], "scaled_s": 82.5, "kinematic": 1},
        zee_atlas.DIVIDED: times | {"rows": ROWS, "parts": dict.fromkeys((*PARTS, OTHER), 0.2)},
        **dict.fromkeys((zee_atlas.NOMINAL, zee_atlas.NOMINAL_DASK, zee_atlas.COFFEA), times | NOMINAL),
        **dict.fromkeys(
            (zee_atlas.RDF, zee_atlas.RDF_THREADS, zee_atlas.RDF_DASK), times | NOMINAL | {"root": "6.40.00"}
        ),
    }
    return {name: copy.deepcopy(one) for name, one in alike.items()}


def text_of(one):
    samples = {name: [sample] * 3 for name, sample in one.items()}
    return zee_atlas.markdown(samples, zee_atlas.collect(samples, "simulation.root", 3))


def test_equal_results_pass():
    zee_atlas.check(found())


@pytest.mark.parametrize(
    ("subject", "change", "message"),
    [
        (zee_atlas.FULL_DASK, lambda one: one["rows"].update({"nominal": "dd"}), "nominal differs"),
        (zee_atlas.SINGLE, lambda one: one["rows"].update({"EG_SCALE_ZEESYST__1up": "dd"}), "EG_SCALE_ZEESYST__1up"),
        (zee_atlas.RDF, lambda one: one["cutflow"].update({"all events": 4}), "cutflow"),
        (zee_atlas.RDF_THREADS, lambda one: one["entries"][0].reverse(), "entries of m_ee"),
        (zee_atlas.RDF, lambda one: one["sums"].update({"m_ee": [[0.0, 0.5 + 1e-11], [0.25, 0.0]]}), "sums of weights"),
        (zee_atlas.RDF, lambda one: one["sums"].update({"m_ee": [[0.0, math.nan], [0.25, 0.0]]}), "sums of weights"),
    ],
)
def test_other_results_are_an_error(subject, change, message):
    one = found()
    change(one[subject])
    with pytest.raises(BenchmarkError, match=f"{subject}: .*{message}"):
        zee_atlas.check(one)


def test_the_table_tells_aims_that_are_missed():
    one = found()
    assert "| 41.2 (41.2 - 41.2) |  | at least 20: met |" in text_of(one)
    one[zee_atlas.FULL]["loop_s"] = 5.0
    text = text_of(one)
    assert "| 16.5 (16.5 - 16.5) |  | at least 20: **missed** |" in text
    assert "| FULL_v1 in one pass, an event and core | 50.0 (50.0 - 50.0) | us | at most 20: **missed** |" in text


def test_time_belongs_to_the_innermost_part_but_for_what_loads_kernels(monkeypatch):
    times = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(times)))
    clock = Clock()
    with clock.running(SELECT), clock.running(READ):
        pass
    with clock.running(LOAD), clock.running(READ):
        pass
    assert clock.seconds[SELECT] == 2
    assert clock.seconds[READ] == 1
    assert clock.seconds[LOAD] == 1
    assert clock.total == 4


def test_one_by_one_watched_and_stock_coffea_have_the_bits_of_one_pass(monkeypatch):
    watched = measure("watched", zee_atlas.subjects(ZEE_ATLAS.path, 1)[zee_atlas.DIVIDED])
    assert len(watched["rows"]) == 1 + 164 + 6
    assert len(set(watched["rows"].values())) > 100  # hashes of what is there
    assert set(watched["parts"]) == {*PARTS, OTHER}
    assert all(seconds > 0 for seconds in watched["parts"].values())
    assert sum(watched["parts"].values()) == pytest.approx(watched["loop_s"])
    monkeypatch.setenv(STARTED, "0")
    single = one_by_one(str(ZEE_ATLAS.path), 1)
    assert len(single["rows"]) == 2
    assert single["rows"].items() <= watched["rows"].items()
    assert coffea_full(str(ZEE_ATLAS.path), 1)["rows"] == watched["rows"]
    ours, theirs = (one(str(ZEE_ATLAS.path), 1) for one in (nominal, coffea_nominal))
    assert not list(zee_atlas.differences(ours, theirs))
    assert theirs["events"] == ours["events"]


def test_without_root_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(bench, ["zee_atlas", "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert "ROOT is not installed" in result.output


def test_a_file_of_another_format_is_refused():
    with pytest.raises(BenchmarkError, match="no tree 'CollectionTree'"):
        zee_atlas.prepare(ZEE_FCC.path, 1)


def test_the_page_has_a_place_for_the_tables():
    page = CHECKOUT / "docs" / "zee_atlas.md"
    report.place(page.read_text(), page, zee_atlas.MARKS)


def test_what_is_written_is_json(tmp_path):
    samples = {name: [sample] for name, sample in found().items()}
    text = zee_atlas.write(tmp_path, samples, zee_atlas.collect(samples, "simulation.root", 1))
    assert (tmp_path / "zee_atlas.md").read_text() == text
    told = json.loads((tmp_path / "zee_atlas.json").read_text())
    assert "rows" not in told["subjects"][zee_atlas.FULL][0]
    assert "sums" not in told["subjects"][zee_atlas.RDF][0]

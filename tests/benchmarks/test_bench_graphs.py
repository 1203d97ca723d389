import copy
import importlib.util
import json

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import figures, graphs, report
from benchmarks import graphs_references as references
from benchmarks.commands import bench
from benchmarks.graphs import Case
from benchmarks.graphs_jets import SAMPLE, jets_of, part
from benchmarks.graphs_references import NEAR, NEAREST
from benchmarks.graphs_scaling import build, chunks, partitions
from benchmarks.graphs_subjects import compare, hashes, made, nested, paths, wl, writing
from benchmarks.measurement import CHECKOUT, BenchmarkError
from tests.hepcol.graphs.toys import toy_jets

RULES = pytest.mark.parametrize("edges", [NEAR, NEAREST])
FEW = 25


def needs(*names):
    """Skip a test where others' libraries are not installed."""
    for name in names:
        pytest.importorskip(name, reason=f"{name} of the extra graphs-bench is not installed")


@pytest.fixture
def anywhere(monkeypatch):
    """Keep this process on all of its cores."""
    for module in ("graphs_subjects", "graphs_scaling"):
        monkeypatch.setattr(f"benchmarks.{module}.on_one_core", lambda: None)
    monkeypatch.setattr("benchmarks.graphs_subjects.TURNS", 1)


def found_of(case):
    """One sample of a case, with all that any table tells."""
    number = int(case.arguments[0]) if case.arguments and case.arguments[0].isdigit() else 34_000
    found = dict.fromkeys(
        ("us", "nodes_us", "other_us", "dr_us", "dr_other_us", "knn_us", "knn_other_us", "ms", "other_ms", "pair_ms"),
        2.0,
    )
    found |= dict.fromkeys(("all_pairs_ms", "run_s", "compile_s", "run_cpu_s", "all_cpu_s", "megabytes", "s"), 3.0)
    found |= {"jets": number, "graphs": number, "events": 17_000, "pairs": 300, "all_pairs": 124_750, "peak_mb": 400.0}
    found |= {"dr_edges": 100, "dr_differing": 1, "total_s": 1.0}
    if case.subject in ("chunks", "partitions"):
        found |= {case.subject: int(case.arguments[1]), "workers": int(case.arguments[2])}
    return found


def samples_of(quick=False):
    return {case: [copy.deepcopy(found_of(case)) for _ in range(3)] for case in graphs.plan(quick)}


def text_of(samples, cases=()):
    return graphs.markdown(samples, graphs.describe(samples, cases, 3))


def test_jets_are_those_of_the_sample_again_and_again():
    one, more = jets_of(1_000), jets_of(5_000)
    assert np.diff(more.offsets).min() > 0
    shipped = 1_983
    for first in (0, shipped, 2 * shipped):
        again = part(more, first, first + 1_000)
        assert np.array_equal(again.offsets, one.offsets)
        assert all(np.array_equal(getattr(again, name), getattr(one, name)) for name in ("pt", "eta", "phi", "mass"))


@RULES
def test_numpy_finds_the_edges_of_hepcol(edges):
    jets = part(toy_jets(60), 5, 60)  # without empty ones, which the loops cannot take
    arrays = references.padded(nested(jets), edges)
    nodes, there, jet, source, target, dr = arrays
    assert there.sum() == np.minimum(np.diff(jets.offsets), references.NMAX).sum()
    others = [(source[jet == i], target[jet == i], dr[jet == i]) for i in range(len(jets))]
    found = compare(made(jets, edges), edges, others)
    assert found[f"{edges}_edges"] > 10_000
    assert found[f"{edges}_differing"] < 10
    graphs = made(jets, edges)
    assert np.allclose(nodes[there], graphs.x, atol=1e-6)


@RULES
def test_loops_find_the_edges_of_hepcol(edges):
    needs("pandas", "networkx", "torch", "torch_geometric")
    from benchmarks.graphs_subjects import _edges_of_networkx, _edges_of_pyg

    jets = jets_of(FEW)
    expected = made(jets, edges)
    loops = {
        "pandas": _edges_of_networkx(references.pandas_networkx(references.frame_of(jets), edges)),
        "awkward": _edges_of_pyg(references.awkward_pyg(nested(jets), edges)),
    }
    for others in loops.values():
        assert compare(expected, edges, others)[f"{edges}_edges"] == expected.edges


@RULES
@pytest.mark.parametrize("change", ["left out", "added", "dR"])
def test_other_edges_are_an_error(edges, change):
    graphs = made(jets_of(3), edges)
    others = []
    for i in range(3):
        some = slice(graphs.edge_ptr[i], graphs.edge_ptr[i + 1])
        others.append([*graphs.edge_index[:, some], graphs.edge_attr[some, 0].astype(float)])
    assert compare(graphs, edges, others)[f"{edges}_differing"] == 0
    if change == "left out":
        others[1] = [one[1:] for one in others[1]]
    elif change == "added":
        joined = set(zip(*(one.tolist() for one in others[1][:2]), strict=True))
        n = graphs.ptr[2] - graphs.ptr[1]
        new = next((i, j) for i in range(n) for j in range(n) if i != j and (i, j) not in joined)
        others[1] = [np.append(one, value) for one, value in zip(others[1], (*new, 1.0), strict=True)]
    else:
        others[1][2][0] += 1e-5
    with pytest.raises(AssertionError):
        compare(graphs, edges, others)


@pytest.mark.usefixtures("anywhere")
@pytest.mark.filterwarnings("ignore")  # GraKeL's own
def test_grakel_finds_the_products_of_hepcol():
    needs("grakel")
    assert wl(FEW, 10)["all_pairs"] == FEW * (FEW - 1) // 2
    assert paths(FEW)["other_ms"] > 0


@pytest.mark.usefixtures("anywhere")
@pytest.mark.filterwarnings("ignore:The hashes produced for graphs:UserWarning")
def test_networkx_finds_the_classes_of_hepcol():
    needs("networkx")
    assert 1 < hashes(200)["classes"] < 200


@pytest.mark.usefixtures("anywhere")
def test_what_is_written_is_read_again():
    needs("torch", "torch_geometric")
    assert writing(FEW)["bytes"]["nodes"] < writing(FEW)["bytes"]["all"]


@pytest.mark.parametrize("quick", [False, True])
def test_the_plan_has_each_case_once(quick):
    cases = graphs.plan(quick)
    assert len(set(cases)) == len(cases)
    subjects = {case.subject for case in cases}
    assert {one.subject for one in (*graphs.BUILDING, *graphs.COMPARING)} <= subjects
    used = {argument for case in cases for argument in case.arguments}
    assert graphs.FILE in used
    assert (graphs.MANY_FILE in used) != quick


def test_the_large_file_does_not_stay(monkeypatch, tmp_path):
    made_files = {events: tmp_path / f"{events}.root" for events in (graphs.EVENTS, graphs.MANY_EVENTS)}
    monkeypatch.setattr(graphs, "events_file", lambda events: (events, made_files[events]))
    for path in made_files.values():
        path.touch()
    with graphs.prepared(graphs.plan(quick=False)) as files:
        assert all(path.exists() for path in files.values())
    assert [path.exists() for path in made_files.values()] == [True, False]
    monkeypatch.setattr(graphs, "ROOM", 1e18)
    with (
        pytest.raises(BenchmarkError, match="GB free, 1000000000"),
        graphs.prepared(graphs.plan(quick=False)),
    ):
        pass
    with graphs.prepared(graphs.plan(quick=True)) as files:
        assert list(files) == [graphs.FILE]


def test_the_table_tells_aims_that_are_missed():
    samples = samples_of()
    text = text_of(samples)
    assert text.count("**missed**") == 6  # every ratio of an aim is 1 or 1.5
    assert "CPU of the process from its start | 3.00 (3.00 - 3.00) | s | at most 5: met |" in text
    assert "cost of a jet from 5,000 to 900,000, dR: largest / smallest | 1.00" in text
    assert f"those within 1e-6 of the border: {len(samples)} of {100 * len(samples):,})" in text
    for sample in samples[next(case for case in samples if case.subject == "pandas")]:
        sample["dr_other_us"] = 201.0
    text = text_of(samples)
    assert text.count("**missed**") == 5
    assert (
        "| pandas and a loop over pairs into networkx, dR | 100 (100 - 100) | times as long | at least 100: met |"
        in text
    )


def test_what_is_not_installed_is_told():
    cases = graphs.plan(quick=True)
    missing = graphs.Extra("nowhere", "nowhere")
    cases = [case._replace(needs=(missing,) if case.subject == "wl" else ()) for case in cases]
    samples = {case: every for case, every in samples_of(quick=True).items() if case.subject != "wl"}
    text = text_of(samples, cases)
    assert "**Left out**, as nowhere (extra `graphs-bench`) is not installed: wl 500 100." in text
    assert "Weisfeiler-Lehman" not in text
    assert "shortest-path" in text


def test_without_root_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(bench, ["graphs", "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert "ROOT is not installed" in result.output


@pytest.mark.skipif(importlib.util.find_spec("ROOT") is None, reason="ROOT is not installed")
def test_the_command_measures_what_is_planned(tmp_path, monkeypatch):
    nothing = (graphs.Extra("nowhere", "nowhere"),)
    cases = [
        Case("graphs_subjects", "padded", ("40",)),
        Case("graphs_subjects", "wl", ("40", "10"), nothing),
        Case("graphs_scaling", "events_nodes", (graphs.FILE,)),
    ]
    monkeypatch.setattr(graphs, "plan", lambda quick: cases)
    monkeypatch.setattr(graphs, "EVENTS", 1000)
    done = CliRunner().invoke(
        bench, ["graphs", "--quick", "--repeats", "1", "-o", str(tmp_path)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    text = (tmp_path / "graphs.md").read_text()
    assert text in done.output
    assert "**Left out**, as nowhere" in text
    assert "| numpy on 500 jets at once, filled up to the largest, dR | 40 |" in text
    assert "| hepcol, 1,000 events, nodes |" in text
    told = json.loads((tmp_path / "graphs.json").read_text())
    assert [one["case"] for one in told["cases"]] == ["padded 40", "events_nodes"]


@pytest.mark.usefixtures("anywhere")
def test_steps_are_measured_by_chunks_and_partitions():
    assert partitions(30, "4", "0")["s"] > 0
    run = chunks(str(SAMPLE.path), "4", "0")
    assert (run["events"], run["chunks"]) == (1000, 4)
    assert build(3_000, NEAREST)["chunk"] == 2_000


def test_the_page_has_a_place_for_the_tables():
    page = CHECKOUT / "docs" / "graphs.md"
    report.place(page.read_text(), page, graphs.MARKS)


def test_a_verdict_is_of_the_median():
    assert figures.Row("", [1.0, 3.0, 100.0], at_least=3).verdict == "at least 3: met"
    assert figures.Row("", [1.0, 3.0, 100.0], at_most=2).verdict == "at most 2: **missed**"

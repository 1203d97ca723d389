"""The one table, of what the comparisons' own code makes of synthetic times."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

from benchmarks import chunks, egamma, figures, graphs, report, skim, stop4b, stored, table, zee, zee_atlas
from benchmarks.commands import COMPARISONS, PAGES, bench
from benchmarks.measurement import CHECKOUT
from benchmarks.stored import Here
from benchmarks.tasks import (
    BEST,
    COFFEA,
    ELSEWHERE,
    HEPCOL,
    MANY,
    ONE,
    ORIGINAL,
    OTHER,
    OWN,
    THREADS,
    WAYS,
    WORKERS,
    Place,
    samples_of,
    tasks,
)
from tests.benchmarks.test_bench import sample as zee_sample
from tests.benchmarks.test_bench_egamma import sample_of as egamma_sample
from tests.benchmarks.test_bench_graphs import samples_of as graphs_samples
from tests.benchmarks.test_bench_stop4b import samples_of as stop4b_samples
from tests.benchmarks.test_bench_zee_atlas import found as zee_atlas_found

PARTS = {"loop_ns": 100.0, "kernel_ns": 2.5, "select_s": 0.01, "select_by_awkward_s": 0.1}
TURNS = 1.0, 1.25, 2.0  # what every time is multiplied with, turn by turn


def varied(sample, key, value):
    """Turns of a sample with times of its own."""
    return [sample | {key: value * turn} for turn in TURNS]


def described():
    """What the comparisons tell of made-up times, by their own code."""
    zee_samples = {case: varied(zee_sample(1.0, **PARTS), "total_s", 4.0) for case in zee.plan(quick=False)}
    for electrons in (zee.GENERATOR, zee.ORIGINAL):
        case = zee.Case(zee.AS_ORIGINAL, electrons, zee.VARIATIONS)
        zee_samples[case] = varied(zee_sample(1.0, **PARTS), "total_s", 50.0)
    dask = zee.Case(zee.BEST_DASK, zee.GENERATOR, zee.VARIATIONS)
    zee_samples[dask] = varied(zee_sample(1.0, **PARTS) | {"cluster_s": 1.0}, "total_s", 7.0)
    zee_samples[zee.Case(zee.HEPCOL_DASK, zee.GENERATOR, zee.VARIATIONS)] = varied(
        zee_sample(1.0, **PARTS), "total_s", 2.0
    )
    atlas = {name: varied(one, "loop_s", 3.0) for name, one in zee_atlas_found().items()}
    atlas[zee_atlas.RDF] = varied(zee_atlas_found()[zee_atlas.RDF], "loop_s", 6.0)
    electrons_samples = {case: varied(egamma_sample(case, 1.0), "us", 0.5) for case in egamma.plan(quick=False)}
    for case, every in electrons_samples.items():
        if case.subject in ("threads", "dask"):
            for one in every:
                one.update({"histograms_one_us": 1.5, "histograms_two_us": 1.0})
    search = stop4b_samples(2.0)
    search[stop4b.COMPILED] = [one | {"loop_s": 0.5} for one in search[stop4b.COMPILED]]
    jets = graphs_samples()
    for case, every in jets.items():
        for one in every if graphs.MANY_FILE in case.arguments else ():
            one.update({"events": graphs.MANY_EVENTS, "s": 30.0})
    skims = {
        (one.name, subject): varied(
            {"events": 1000, "total_s": 2.0, "size": 10, "peak_mb": 1.0, "cpu_s": 1.0}, "loop_s", 2.0
        )
        for one in (skim.ZEE, skim.STOP4B)
        for subject in skim.SUBJECTS
    }
    small = {name: [{"process_s": 2.0, "total_s": 3.0, "found": 1}] * 3 for name in chunks.SUBJECTS}
    small["coffea"] = [{"process_s": 7.0, "total_s": 3.0, "found": 1}] * 3
    from samples.catalogue import ZEE_FCC

    return {
        "zee": report.describe(zee_samples, ZEE_FCC.path, 3, 1_000_000),
        "zee_atlas": zee_atlas.collect(atlas, "simulation.root", 3),
        "egamma": egamma.describe(electrons_samples, 1_000_000, "synthetic", 3),
        "stop4b": stop4b.collect(search, {"flat": 10.0, "objects": 1.0}, 3),
        "graphs": graphs.describe(jets, graphs.plan(quick=False), 3),
        "skim": skim.describe(skims, 3),
        "chunks": chunks.describe(small, ZEE_FCC.path, 3),
    }


@pytest.fixture(scope="module")
def told():
    """Descriptions as JSON brings them back, of a commit without changes."""
    every = json.loads(json.dumps(described()))
    return {name: one | {"quick": False, "commit": "abc"} for name, one in every.items()}


@pytest.fixture
def folder(told, tmp_path):
    return write(tmp_path, told)


def write(folder, told):
    for name, one in told.items():
        (folder / f"{name}.json").write_text(json.dumps(one))
    return folder


@pytest.fixture
def here(told):
    return Here(date.fromisoformat(told["zee"]["date"]), "abc", told["zee"]["machine"])


def cell_of(collected, key, place):
    (task,) = (one for one in collected["tasks"] if one["key"] == key)
    (row,) = (one for one in task["rows"] if one["how"] == place.how)
    (cell,) = (one for one in row["cells"] if one["way"] == place.way)
    return cell


def test_every_comparison_that_is_made_has_a_task():
    # scaling compares hepcol with itself
    assert {task.comparison for task in tasks()} == set(COMPARISONS) - {"scaling"}
    assert len({task.key for task in tasks()}) == len(tasks())


def test_every_time_of_every_task_is_found_in_what_the_comparisons_tell(told):
    for task in tasks():
        samples = samples_of(task.comparison, told[task.comparison])
        for place, values in task.times.items():
            assert values(samples), f"{task.key}: {place}"
        assert task.size(told[task.comparison])


def test_every_empty_place_has_a_reason(folder, here):
    collected = table.collect(folder, here)
    cells = [cell for task in collected["tasks"] for row in task["rows"] for cell in row["cells"]]
    assert {cell["way"] for cell in cells} == set(WAYS)
    assert all(cell["absent"] for cell in cells if "absent" in cell)
    assert all(cell["times"] or cell["told"] for cell in cells if "absent" not in cell and "told" not in cell)


@pytest.mark.parametrize(
    ("key", "place", "times", "ratios"),
    [
        ("zee", Place(ORIGINAL, ONE), [50.0, 62.5, 100.0], [12.5] * 3),
        ("zee", Place(BEST, WORKERS), [8.0, 9.75, 15.0], [4.0, 3.9, 3.75]),  # with the start of the cluster
        ("zee", Place(BEST, THREADS), [4.0, 5.0, 8.0], [2.0] * 3),  # against 2 workers
        ("zee", Place(HEPCOL, ONE), [4.0, 5.0, 8.0], []),
        ("zee_atlas nominal", Place(BEST, ONE), [6.0, 7.5, 12.0], [2.0] * 3),
        ("zee_atlas all", Place(OTHER, ONE), [82.5] * 3, [27.5, 22.0, 13.75]),
        ("egamma all", Place(HEPCOL, ONE), [0.5, 0.625, 1.0], []),
        ("egamma histograms", Place(HEPCOL, THREADS), [1.0] * 3, []),
        ("egamma scale", Place(OTHER, ONE), [1.0] * 3, [1.0] * 3),
        ("stop4b trees", Place(OWN, ONE), [0.5] * 3, [0.5] * 3),
        ("stop4b objects", Place(COFFEA, ONE), [1.0] * 3, [1.0] * 3),
        ("graphs files", Place(OTHER, ONE), [0.068] * 3, [0.068 / 3] * 3),  # 34,000 jets of 2 us, and 3 s
        ("graphs many", Place(HEPCOL, WORKERS), [30.0] * 3, []),
        ("graphs gram", Place(OTHER, ONE), [0.002] * 3, [1.0] * 3),
        ("skim Zee, EDM4hep", Place(ORIGINAL, THREADS), [2.0, 2.5, 4.0], [1.0] * 3),
        ("chunks", Place(COFFEA, ONE), [7.0] * 3, [3.5] * 3),
    ],
)
def test_times_and_ratios_are_those_of_the_comparison(folder, here, key, place, times, ratios):
    cell = cell_of(table.collect(folder, here), key, place)
    assert cell["times"] == pytest.approx(times)
    assert cell["ratios"] == pytest.approx(ratios)


def test_what_others_told_is_there_with_its_source_and_without_a_ratio(folder, here):
    collected = table.collect(folder, here)
    cell = cell_of(collected, "zee", Place(ELSEWHERE, MANY))
    assert cell["told"] == [[138, "100 threads"]]
    assert "notebooks test_Zee3" in cell["note"]
    assert "RDataFrame original on one process here: 62.5 s, hepcol: 5.00 s" in cell["note"]
    assert cell_of(collected, "stop4b trees", Place(ELSEWHERE, MANY))["told"] == [[1295, "72 threads"]]
    assert cell_of(collected, "graphs many", Place(ELSEWHERE, MANY))["told"] == [[1200, "on 120 nodes"]]
    (cpp,) = (one.cpp[-1] for one in egamma.PASSES if one.subject == "FULL-atlas")
    assert cell_of(collected, "egamma all", Place(ELSEWHERE, ONE)) == {
        "way": ELSEWHERE,
        "told": [[cpp, "C++ tool"]],
        "note": egamma.CPP,
    }
    text = table.markdown(collected)
    assert f"</sup> | *{cpp:g} (C++ tool)* |" in text
    assert "| *1135 (serial)* |  | *618 (2 Dask workers)*, *138 (100 threads)* |" in text


def test_the_table_has_median_and_range_of_ratios(folder, here):
    text = table.markdown(table.collect(folder, here))
    assert "| **Zee**: 1,000,000 events, 100 smearings [s] |" in text
    assert " 62.5, **12.5** (12.5&nbsp;-&nbsp;12.5) |" in text
    assert " 9.75, **3.90** (3.75&nbsp;-&nbsp;4.00) |" in text
    assert "</sup> | 82.5, **22.0** (13.8&nbsp;-&nbsp;27.5) |" in text
    assert f"| zee | {here.day} | abc | 3 |" in text
    assert max(line.count("|") for line in text.splitlines()) == 6  # as wide as a page of GitHub shows
    assert "**missing**" not in text


def test_what_comparisons_have_in_common_is_told_once(told, folder, here):
    text = table.markdown(table.collect(folder, here))
    versions = told["zee"]["versions"]
    assert f"Machine: {stored.name_of(here.machine)}." in text
    assert f"Versions: coffea {versions['coffea']}, awkward {versions['awkward']}" in text
    write(folder, {"zee": told["zee"] | {"versions": versions | {"coffea": "0.7"}, "machine": {"cpu": "other"}}})
    text = table.markdown(table.collect(folder, here))
    assert "Machine:" not in text
    (zee_row,) = (line for line in text.splitlines() if line.startswith("| zee | "))
    (atlas_row,) = (line for line in text.splitlines() if line.startswith("| zee_atlas | "))
    assert "coffea 0.7" in zee_row
    assert "other, None cores" in zee_row
    assert f"coffea {versions['coffea']}" in atlas_row
    assert stored.name_of(here.machine) in atlas_row


def test_a_way_without_any_time_has_no_row_and_its_reason_is_a_note(folder, here):
    lines = table.markdown(table.collect(folder, here)).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| **stop4b, objects**"))
    assert [line.split("|")[1].split("<")[0].strip() for line in lines[start + 1 : start + 4]] == [HEPCOL, OWN, COFFEA]
    note = lines[start].split("<sup>")[1].split("<")[0]
    (reason,) = (line for line in lines if line.startswith(f"<sup>{note}</sup>"))
    assert "no RDataFrame original: the study has trees, no objects; no RDataFrame best: no such version" in reason


def test_a_number_for_each_note_and_a_note_for_each_number(folder, here):
    text = table.markdown(table.collect(folder, here))
    lines = [line for line in text.splitlines() if line.startswith("<sup>")]
    used = {
        word.split("<")[0] for line in text.splitlines() if line.startswith("|") for word in line.split("<sup>")[1:]
    }
    assert [line.split("<")[1] for line in lines] == [f"sup>{count}" for count in range(1, len(lines) + 1)]
    assert used == {str(count) for count in range(1, len(lines) + 1)}


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"quick": True}, "quick"),
        ({"given": "mine.root"}, "not of the usual input, but of mine.root"),
        ({"machine": {"cpu": "other", "cores": 64, "memory_gib": 256}}, "other machine: other, 64 cores, 256 GiB"),
        ({"versions": {"python": "3.9.1"}}, "other versions: python 3.9.1, here 3."),
        ({"versions": {"numba": "0.1"}}, "other versions: numba 0.1, here 0."),
        ({"versions": {"nothing-such": "1"}}, "other versions: nothing-such 1, here None"),
        ({"root_wheel": "0.0"}, "other versions: root 0.0, here "),
        ({"commit": "abd"}, "code abd, here abc"),
        ({"commit": "abc+changes"}, "code abc+changes, changes that are not committed"),
        ({"commit": "abc..abd"}, "code abc..abd, changed while it was measured"),
        ({"commit": None}, "code not told"),
        ({"date": "2026-01-01"}, "days old"),
    ],
)
def test_what_is_not_of_here_and_now_is_marked_in_its_rows(told, folder, here, change, remark):
    assert list(stored.remarks(told["graphs"], here)) == []
    changed = told["graphs"] | change
    if "versions" in change:
        changed["versions"] = told["graphs"]["versions"] | change["versions"]
    write(folder, {"graphs": changed})
    text = table.markdown(table.collect(folder, here))
    marked = [line for line in text.splitlines() if remark in line]
    assert len(marked) == sum(task.comparison == "graphs" for task in tasks()) + 1
    assert all("graphs" in line and line.count("**") in {2, 4} for line in marked)


def test_days_until_a_comparison_is_old_can_be_chosen(told, folder, here):
    write(folder, {"zee": told["zee"] | {"date": "2026-01-01"}})
    then = here._replace(day=date(2026, 1, 11))
    assert "11 days old" not in table.markdown(table.collect(folder, then, 10))
    assert "10 days old" in table.markdown(table.collect(folder, then, 9))


def test_what_was_not_measured_is_told(folder, here):
    (folder / "stop4b.json").unlink()
    (folder / "skim.json").unlink()
    text = table.markdown(table.collect(folder, here))
    assert "| **stop4b, 41 trees**: **not measured, no stop4b.json** |" in text
    assert "| stop4b | | | | **missing** |" in text
    assert "skim" not in text  # no analysis
    quick = {**{case: [zee_sample(1.0, **PARTS)] for case in zee.plan(quick=True)}}
    description = report.describe(quick, CHECKOUT / "f.root", 1, 10) | {"quick": True}
    write(folder, {"zee": json.loads(json.dumps(description))})
    cell = cell_of(table.collect(folder, here), "zee", Place(COFFEA, WORKERS))
    assert cell["absent"] == "not measured: of a full run"
    assert "1.00, **1.00** (once)" in table.markdown(table.collect(folder, here))


def test_what_is_not_installed_is_told(told, folder, here):
    cases = [case for case in told["graphs"]["cases"] if not case["case"].startswith("wl")]
    write(folder, {"graphs": told["graphs"] | {"cases": cases, "left_out": {"wl 500 300": ["grakel"]}}})
    collected = table.collect(folder, here)
    cell = cell_of(collected, "graphs gram", Place(OTHER, ONE))
    assert cell["absent"] == "not measured: grakel not installed"
    assert cell_of(collected, "graphs gram", Place(HEPCOL, ONE))["times"] == [3.0] * 3
    few = [case for case in cases if case["samples"][0].get("events") != graphs.MANY_EVENTS]
    write(folder, {"graphs": told["graphs"] | {"cases": few, "left_out": {"wl": ["grakel"]}, "quick": True}})
    cell = cell_of(table.collect(folder, here), "graphs many", Place(HEPCOL, ONE))
    assert cell["absent"] == "not measured: of a full run"


@pytest.mark.parametrize(("text", "message"), [("junk", "not JSON"), ("[]", "no comparison"), ("{}", "no comparison")])
def test_a_file_that_is_no_comparison_is_one_line(folder, text, message):
    (folder / "zee.json").write_text(text)
    done = CliRunner().invoke(bench, ["table", "-o", str(folder)])
    assert done.exit_code == 2
    assert message in done.output.strip().splitlines()[-1]


def test_the_command_writes_the_table_and_puts_it_into_its_places(folder, tmp_path):
    begin, end = table.MARKS
    readme, page = tmp_path / "README", tmp_path / "benchmarks.md"
    readme.write_text(f"one\n{begin}\nold\n{end}\ntwo\n")
    page.write_text(f"{begin}\n{end}\n")
    options = ["table", "-o", str(folder), "--readme", str(readme), "--docs", str(tmp_path)]
    done = CliRunner().invoke(bench, options, catch_exceptions=False)
    assert done.exit_code == 0
    text = (folder / "table.md").read_text()
    assert text in done.output
    assert readme.read_text() == f"one\n{begin}\n{text}{end}\ntwo\n"
    assert page.read_text() == f"{begin}\n{text}{end}\n"
    assert {one["name"] for one in json.loads((folder / "table.json").read_text())["comparisons"]} >= set(COMPARISONS)
    page.write_text("nothing")
    done = CliRunner().invoke(bench, options)
    assert done.exit_code == 2
    assert "no place for the tables" in done.output


def test_readme_and_docs_have_a_place():
    for path in (CHECKOUT / "README.md", CHECKOUT / "docs" / "benchmarks.md"):
        report.place(path.read_text(), path, table.MARKS)
    for name, page in PAGES.items():
        path = CHECKOUT / "docs" / page
        report.place(path.read_text(), path, report.marks("" if name == "zee" else name))


@pytest.fixture
def measured(monkeypatch, told):
    """Comparisons that take no time: they write what they tell, and note that they were made."""
    made = []

    def making(name):
        def make(**options):
            made.append((name, options))
            if name == "stop4b":
                raise bench_error("no ROOT")
            figures.write(
                options["output"],
                name,
                f"{name}\n",
                told.get(name, told["chunks"]) | {"quick": options.get("quick", False)},
            )

        return make

    for name in COMPARISONS:
        monkeypatch.setattr(bench.commands[name], "callback", making(name))
    monkeypatch.setattr("benchmarks.stored.report.revision", lambda: "abc")
    return made


def bench_error(text):
    from samples.commands import CommandError

    return CommandError(text)


def test_all_goes_on_after_a_failure_and_then_makes_what_is_missing(measured, tmp_path):
    output = tmp_path / "bench"
    output.mkdir()
    options = ["all", "-o", str(output)]
    done = CliRunner().invoke(bench, options)
    assert done.exit_code == 2
    assert done.output.strip().splitlines()[-1] == "Error: failed: stop4b; the same command makes what is missing"
    assert [name for name, _ in measured] == list(COMPARISONS)
    assert "| stop4b | | | | **missing** |" in (output / "table.md").read_text()
    measured.clear()
    done = CliRunner().invoke(bench, options)
    assert [name for name, _ in measured] == ["stop4b"]
    assert f"zee: {output}/zee.json is of this code, these versions and machine" in done.output
    measured.clear()
    CliRunner().invoke(bench, [*options, "--only", "zee", "--only", "skim"])
    CliRunner().invoke(bench, [*options, "--only", "chunks", "--quick"])  # there is one size of it
    assert measured == []
    CliRunner().invoke(bench, [*options, "--only", "zee", "--force"])
    CliRunner().invoke(bench, [*options, "--only", "skim", "--quick"])
    CliRunner().invoke(bench, [*options, "--only", "graphs", "--repeats", "5"])
    assert [name for name, _ in measured] == ["zee", "skim", "graphs"]


def test_all_puts_tables_into_readme_and_pages_but_for_quick_runs(measured, tmp_path):
    readme, docs, output = tmp_path / "README", tmp_path / "docs", tmp_path / "bench"
    output.mkdir()
    places = [(readme, table.MARKS), (docs / "benchmarks.md", table.MARKS)]
    places += [(docs / page, report.marks("" if name == "zee" else name)) for name, page in PAGES.items()]
    docs.mkdir()
    for path, (begin, end) in places:
        path.write_text(f"{begin}\n{end}\n")
    options = ["all", "-o", str(output), "--readme", str(readme), "--docs", str(docs)]
    CliRunner().invoke(bench, [*options, "--quick"])
    assert all(path.read_text() == f"{begin}\n{end}\n" for path, (begin, end) in places)
    CliRunner().invoke(bench, options)
    begin, end = report.marks("egamma")
    assert (docs / "egamma.md").read_text() == f"{begin}\negamma\n{end}\n"
    for path in (readme, docs / "benchmarks.md"):
        assert (output / "table.md").read_text() in path.read_text()


def test_all_refuses_names_and_a_readme_without_places_before_it_measures(measured, tmp_path):
    done = CliRunner().invoke(bench, ["all", "-o", str(tmp_path), "--only", "nothing"])
    assert done.exit_code == 2
    assert "no comparison nothing; there are zee," in done.output
    readme = tmp_path / "README"
    readme.write_text("nothing")
    done = CliRunner().invoke(bench, ["all", "-o", str(tmp_path), "--readme", str(readme)])
    assert done.exit_code == 2
    assert "no place for the tables" in done.output
    assert measured == []


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "abc+changes"},
        {"commit": "abd"},
        {"quick": True},
        {"given": "mine.root"},
        {"repeats": 2},
        {"date": "2026-01-01"},
    ],
)
def test_what_is_of_another_code_size_or_time_is_measured_again(told, folder, here, change):
    assert stored.is_current(folder, "zee", here, False, 3)
    write(folder, {"zee": told["zee"] | change})
    assert not stored.is_current(folder, "zee", here, False, 3)


@pytest.mark.parametrize("text", ["", '{"date": "2026-', "[]"])
def test_what_was_interrupted_while_it_was_written_is_measured_again(folder, here, text):
    (folder / "zee.json").write_text(text)
    assert not stored.is_current(folder, "zee", here, False, 3)
    (folder / "zee.json").unlink()
    assert not stored.is_current(folder, "zee", here, False, 3)

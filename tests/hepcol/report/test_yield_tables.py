"""Tables of a cut-and-count analysis: how errors combine, and that every format says the same."""

import csv
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import FLOOR
from hepcol.inference.yields import SampleYield
from hepcol.report.cutflows import CutflowRow, add_cutflows, relative
from hepcol.report.expectations import TOTAL, YieldTable, add_expectations, combine, expect
from hepcol.report.markup import Quantity, TextTable, escape_latex, escape_markdown, percent
from hepcol.report.notes import group_notes
from hepcol.report.yield_summary import print_yields
from hepcol.report.yield_tables import entries_table, impacts_table, write_tables, yields_table

SPECIAL = r"a_b & 50% #1 $x$ {y} ~ ^ \z <1> |2| [3] *"
changes = st.tuples(st.floats(-10, 10), st.floats(-10, 10))


def sample(low, high, error=0.5, **more):
    """A sample with 10 and 20 events, and a systematic JES."""
    return SampleYield(
        {"SRA": 10.0, "SRB": 20.0},
        {"SRA": error, "SRB": 2 * error},
        {"JES": {"SRA": (10 + high, 10 + low), "SRB": (20 + high, 20 + low)}},
        **more,
    )


@pytest.fixture
def table():
    samples = {
        "ttbar": sample(-1.0, 3.0, normalisation=(0.9, 0.12)),
        "W_t": sample(-0.5, 1.0),
        "Fakes": SampleYield({"SRA": 5.0, "SRB": 0.5}, {}, {"closure": {"SRB": (0.6, 0.35)}}, is_data_driven=True),
        "signal_1": sample(-2.0, 2.0),
    }
    rows = (CutflowRow("all events", 100, 50.0, 5.0), CutflowRow("min dR(l_2, j)", 10, 10.0, 0.5))
    fakes = (CutflowRow("all events", 7, 7.0, 1.0),)
    return YieldTable(
        ("SRA", "SRB"),
        samples,
        ("signal_1",),
        {"SRA": 26.0, "SRB": 41.0},
        0.02,
        {name: {"SRA": 100, "SRB": 2000} for name in ("ttbar", "W_t", "Fakes", "signal_1")},
        {"SRA": {"ttbar": rows, "W_t": rows, "Fakes": fakes}},
        (Note("clipped", "low has -1 events, taken as 0", True, "ttbar", "SRA", "JES"), Note("how", "made so")),
        "The search",
    )


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_systematic_is_correlated_over_samples_by_its_name(table):
    total = table.expected["SRA"][TOTAL]
    assert total.changes["JES"] == (4.0, -1.5)
    assert total.nominal == 25.0
    assert total.error == pytest.approx(math.hypot(0.5, 0.5))
    assert total.entries == 300


def test_luminosity_and_normalisation_are_systematics(table):
    by_name = table.expected["SRB"]
    assert by_name["W_t"].changes["lumi"] == pytest.approx((0.4, -0.4))
    assert by_name["ttbar"].changes["norm_ttbar"] == pytest.approx((20 * 0.12 / 0.9, -20 * 0.12 / 0.9))
    assert "lumi" not in by_name["ttbar"].changes
    assert by_name["Fakes"].changes == {"closure": pytest.approx((0.1, -0.15))}
    assert by_name[TOTAL].changes["lumi"] == pytest.approx((0.4, -0.4))


def test_errors_up_and_down_are_separate():
    assert combine([(3.0, -1.0), (-2.0, 4.0), (0.0, 0.0)]) == (5.0, -math.hypot(1.0, 2.0))
    assert combine([(3.0, 1.0)]) == (3.0, 0.0)
    assert combine([]) == (0.0, 0.0)


@given(st.lists(changes))
def test_errors_do_not_depend_on_what_is_called_high(pairs):
    up, down = combine(pairs)
    assert down <= 0 <= up
    assert combine([pair[::-1] for pair in pairs]) == pytest.approx((up, down))
    down_mirrored, up_mirrored = combine([(-high, -low) for high, low in pairs])
    assert (-up_mirrored, -down_mirrored) == pytest.approx((up, down))


@given(st.lists(changes, min_size=1, max_size=5))
def test_changes_of_one_systematic_add_linearly(pairs):
    samples = [SampleYield({"SR": 100.0}, {}, {"JES": {"SR": (100 + high, 100 + low)}}) for high, low in pairs]
    total = add_expectations(expect("x", one, "SR", 0.0) for one in samples)
    assert total.changes["JES"][0] == pytest.approx(sum(high for high, _ in pairs), abs=1e-9)
    assert total.entries is None


def test_the_largest_change_of_the_total_comes_first(table):
    assert table.ranking("SRA") == ["JES", "norm_ttbar", "lumi"]
    first = impacts_table(table, "SRA")
    assert first.header == ("[%]", TOTAL, "ttbar", "W_t", "Fakes", "signal_1")
    assert [str(cell) for cell in first.rows[0]] == [
        "JES",
        "+16.0 / -6.0",
        "+30.0 / -10.0",
        "+10.0 / -5.0",
        "-",
        "+20.0 / -20.0",
    ]
    assert first.rows[-1][0] == "all systematics"


def test_rows_are_backgrounds_total_data_signals(table):
    shown = yields_table(table)
    assert [row[0] for row in shown.rows] == ["ttbar", "W_t", "Fakes", TOTAL, "data", "signal_1"]
    assert shown.rules == (3, 5)
    assert [str(cell) for cell in shown.rows[2]] == ["Fakes", "5.000 ± 0.000 ± 0.000", "0.50 ± 0.00 +0.10 -0.15"]
    assert shown.rows[4] == ["data", "26", "41"]
    assert [row[1] for row in entries_table(table).rows] == ["100", "100", "100", "300", "26", "100"]


def test_every_file_is_written_and_says_the_same(table, tmp_path):
    paths = write_tables(table, tmp_path / "new")
    names = {path.name for path in paths}
    assert names == {f"{name}.{end}" for name in ("yields", "impacts", "cutflow") for end in ("md", "csv", "tex")} | {
        "notes.csv"
    }
    assert {path.name for path in (tmp_path / "new").iterdir()} == names
    rows = {(row["region"], row["sample"]): row for row in read(tmp_path / "new" / "yields.csv")}
    total = table.expected["SRB"][TOTAL]
    found = rows["SRB", TOTAL]
    assert [float(found[key]) for key in ("value", "stat", "syst_high", "syst_low")] == [
        total.nominal,
        total.error,
        *total.systematic,
    ]
    assert (found["kind"], rows["SRA", "data"]["value"], rows["SRA", "data"]["stat"]) == ("total", "26.0", "")
    assert rows["SRA", "signal_1"]["kind"] == "signal"
    for end in ("md", "tex"):
        text = (tmp_path / "new" / f"yields.{end}").read_text()
        numbers = "10.0 ± 0.5 +3.3 -1.7" if end == "md" else r"$10.0 \pm 0.5\,^{+3.3}_{-1.7}$"
        assert numbers in text


def test_impacts_are_in_events_and_per_cent(table, tmp_path):
    write_tables(table, tmp_path)
    rows = read(tmp_path / "impacts.csv")
    row = next(row for row in rows if (row["region"], row["systematic"], row["sample"]) == ("SRA", "JES", "ttbar"))
    numbers = [float(row[key]) for key in ("nominal", "high", "low", "high_percent", "low_percent")]
    assert numbers == [10.0, 13.0, 9.0, 30.0, -10.0]


def test_cutflows_have_all_columns(table, tmp_path):
    write_tables(table, tmp_path)
    rows = [row for row in read(tmp_path / "cutflow.csv") if row["sample"] == "ttbar"]
    assert [row["step"] for row in rows] == ["all events", "min dR(l_2, j)"]
    assert rows[1] == {
        "region": "SRA",
        "sample": "ttbar",
        "step": "min dR(l_2, j)",
        "entries": "10",
        "value": "10.0",
        "stat": "0.5",
        "relative": "0.2",
    }
    assert rows[0]["relative"] == ""
    assert "| min dR(l_2, j) | 10 | 10.00 ± 0.50 | 20.0% |" in (tmp_path / "cutflow.md").read_text()
    assert r"min dR(l\_2, j) & 10 & $10.00 \pm 0.50$ & 20.0\% \\" in (tmp_path / "cutflow.tex").read_text()


def test_a_sample_that_is_not_asked_for_a_step_passes_it(table):
    first, last = table.cutflows_of("SRA")[TOTAL]
    assert (first.entries, first.value) == (207, 107.0)
    assert (last.entries, last.value) == (27, 27.0)
    assert last.error == pytest.approx(math.sqrt(0.25 + 0.25 + 1))


def rows(*labels):
    return tuple(CutflowRow(label, 1, 1.0, 1.0) for label in labels)


def test_steps_of_cutflows_merge_in_their_order():
    merged = add_cutflows({"a": rows("all", "b", "d"), "b": rows("all", "c", "d", "e")}, "SR")
    assert [row.label for row in merged] == ["all", "c", "b", "d", "e"]
    assert relative(rows("all", "b")) == [None, 1.0]
    assert relative((CutflowRow("all", 0, 0.0, 0.0), *rows("b"))) == [None, None]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (rows("none", "b"), "cutflow of 'y' in 'SR' begins with 'none', others with 'all'"),
        (rows("all", "c", "b"), "cutflow of 'y' in 'SR': step 'b' comes after 'c', in others before it"),
        (rows("all", "b", "b"), "cutflow of 'y' in 'SR': steps must be some, each once, got all, b, b"),
        ((), "cutflow of 'y' in 'SR': steps must be some, each once, got none"),
    ],
)
def test_cutflows_that_do_not_fit_are_refused(second, message):
    with pytest.raises(InputError) as error:
        add_cutflows({"x": rows("all", "b", "c"), "y": second}, "SR")
    assert str(error.value) == message


def test_tables_of_earlier_times_do_not_stay(table, tmp_path):
    write_tables(table, tmp_path)
    paths = write_tables(YieldTable(table.regions, table.samples), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    assert not (tmp_path / "cutflow.md").exists()


def test_yields_alone_are_enough_for_tables(published_table, tmp_path):
    write_tables(published_table, tmp_path)
    assert "| data | 10 |" in (tmp_path / "yields.md").read_text()


@pytest.fixture
def published_table():
    samples = {"bkg": SampleYield({"SRA": 12.8}, {"SRA": 3.2})}
    return YieldTable(("SRA",), samples, data={"SRA": 10}, luminosity_error=0.017, title="Published")


def test_a_floor_that_only_a_likelihood_needs_is_shown_as_none():
    samples = {
        "nothing": SampleYield({"SRA": FLOOR}, {"SRA": 0.0}, {"JES": {"SRA": (FLOOR, FLOOR)}}),
        "negative": SampleYield({"SRA": FLOOR}, {"SRA": 0.5}),
    }
    rows = yields_table(YieldTable(("SRA",), samples, luminosity_error=0.017)).rows
    assert [str(row[1]) for row in rows] == ["0", "0.00 ± 0.50 ± 0.00", "0.00 ± 0.50 ± 0.00"]


def test_signals_alone_have_tables(tmp_path, capsys):
    table = YieldTable(("SRA",), {"signal": SampleYield({"SRA": 1.0})}, ("signal",))
    write_tables(table, tmp_path)
    print_yields(table)
    assert "Systematics of the total background" not in capsys.readouterr().out
    assert [row["sample"] for row in read(tmp_path / "yields.csv")] == ["signal"]


def test_a_sample_cannot_be_called_as_the_total():
    with pytest.raises(InputError, match="no sample can be called 'total background'"):
        YieldTable(("SR",), {TOTAL: SampleYield({"SR": 1.0})})


@pytest.mark.parametrize(
    ("quantity", "text", "latex"),
    [
        (Quantity(12.345, 0.678, (1.2, -0.9)), "12.3 ± 0.7 +1.2 -0.9", r"$12.3 \pm 0.7\,^{+1.2}_{-0.9}$"),
        (Quantity(12.345, 0.678, (0.5, -0.5)), "12.35 ± 0.68 ± 0.50", r"$12.35 \pm 0.68 \pm 0.50$"),
        (Quantity(-1.0, 0.2), "-1.00 ± 0.20", r"$-1.00 \pm 0.20$"),
        (Quantity(12345.6, 99.9), "12,346 ± 100", r"$12{,}346 \pm 100$"),
        (Quantity(0.0, 0.0, (0.0, 0.0)), "0 ± 0 ± 0", r"$0 \pm 0 \pm 0$"),
        (Quantity(-1e-9, 0.2), "0.00 ± 0.20", r"$0.00 \pm 0.20$"),
        (Quantity(1e-4, 0.0), "0.0001 ± 0.0000", r"$0.0001 \pm 0.0000$"),
    ],
)
def test_a_quantity_is_written_to_two_digits_of_its_largest_error(quantity, text, latex):
    assert str(quantity) == text
    assert quantity.latex() == latex


def test_changes_have_their_signs():
    assert str(percent((1.234, -0.04))) == "+1.2 / +0.0"
    assert percent((1.234, -0.4)).latex() == "$+1.2$ / $-0.4$"
    assert percent(None) == "-"


def test_latex_shows_special_letters_as_they_are():
    escaped = escape_latex(SPECIAL)
    bare = re.sub(r"\\[&%#$_{}]|\\text\w+\{\}|\$[<>|]\$|\{[\[\]*]\}", "", escaped)
    assert not re.search(r"[&%#$_{}~^\\<>|\[\]*]", bare)
    table = TextTable(SPECIAL, ("", SPECIAL), [[SPECIAL, Quantity(1.0, 0.1)]])
    lines = table.latex().splitlines()
    assert not any(line.startswith(("[", "*")) for line in lines)
    unescaped = re.sub(r"\\.", "", table.latex())
    assert unescaped.count("{") == unescaped.count("}")
    assert unescaped.count("$") % 2 == 0
    assert [re.sub(r"\\.", "", line).count("&") for line in lines if line.endswith(r"\\")] == [1, 1]


def test_markdown_shows_special_letters_as_they_are():
    assert escape_markdown("a_b | *c* _d_ `e` [f]") == r"a_b \| \*c\* \_d\_ \`e\` \[f\]"


def test_latex_environments_are_closed(table, tmp_path):
    for path in write_tables(table, tmp_path):
        if path.suffix == ".tex":
            text = path.read_text()
            assert text.startswith("% \\usepackage{booktabs,adjustbox}\n")
            for name in ("table", "tabular", "adjustbox"):
                assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") > 0
            assert re.search(r"(?<!\\)_(?!\{)", text) is None


def test_notes_of_all_combinations_are_told_once():
    notes = [
        Note("one", "text", sample=sample, region=region, systematic=systematic)
        for systematic in ("JES", "JER")
        for sample in ("a", "b")
        for region in ("SRA", "SRB")
        if (systematic, sample) != ("JER", "b")
    ]
    notes += [notes[0], Note("two", "careful", is_warning=True)]
    assert [str(grouped) for grouped in group_notes(notes)] == [
        "careful",
        "JES of a, b in SRA, SRB: text",
        "JER of a in SRA, SRB: text",
    ]
    assert str(group_notes([Note("x", "text", region="SRA")])[0]) == "SRA: text"
    assert str(group_notes([Note("x", "text", systematic="JES", region="SRA")])[0]) == "JES of SRA: text"


def test_notes_are_in_the_tables(table, tmp_path):
    write_tables(table, tmp_path)
    assert (
        "- warning: JES of ttbar in SRA: low has -1 events, taken as 0\n- made so\n"
        in (tmp_path / "yields.md").read_text()
    )
    assert read(tmp_path / "notes.csv")[0] == {
        "warning": "1",
        "kind": "clipped",
        "sample": "ttbar",
        "region": "SRA",
        "systematic": "JES",
        "text": "low has -1 events, taken as 0",
    }


def test_a_terminal_of_80_columns_shows_yields_systematics_and_warnings(table, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_yields(table)
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    for text in ("The search", "10.0 ± 0.5 +3.3 -1.7", "warning: JES of ttbar in SRA", "1 note on how", "signal_1"):
        assert text in out
    assert "note: made so" not in out
    print_yields(table, every=True)
    assert "note: made so" in capsys.readouterr().out


def test_many_regions_are_shown_below_each_other(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    regions = tuple(f"region_with_a_long_name_{k}" for k in range(7))
    one = SampleYield(dict.fromkeys(regions, 1234.5), dict.fromkeys(regions, 12.0))
    print_yields(YieldTable(regions, {"a_sample": one}, luminosity_error=0.1))
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert all(region in out for region in regions)
    assert out.count("a_sample") == 4

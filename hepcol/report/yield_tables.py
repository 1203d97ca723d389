"""Tables of a cut-and-count analysis: yields, raw entries, impacts of systematics and cutflows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hepcol.inference.templates import FLOOR
from hepcol.report import yield_csv
from hepcol.report.cutflows import cutflow_table
from hepcol.report.expectations import TOTAL, YieldTable
from hepcol.report.markup import (
    PLUS_MINUS,
    Cell,
    Quantity,
    TextTable,
    escape_markdown,
    latex_file,
    markdown_file,
    percent,
)
from hepcol.report.notes import group_notes
from hepcol.report.numbers import measured
from hepcol.store import replace_text

YIELDS, IMPACTS, CUTFLOW, NOTES = "yields", "impacts", "cutflow", "notes"  # names of files, without their ends
FILES = (*(f"{name}.{end}" for name in (YIELDS, IMPACTS, CUTFLOW) for end in ("md", "csv", "tex")), f"{NOTES}.csv")
ALL = "all systematics"
OF_YIELDS = f"Events {PLUS_MINUS} statistical {PLUS_MINUS} systematic error (+ up - down where these differ)."
_OF_IMPACTS = "Change of the events with the systematic high / low, in per cent of the nominal ones."
_OF_CUTFLOWS = f"Raw and weighted events, these {PLUS_MINUS} statistical error, and their part of the step before."


def yields_table(table: YieldTable) -> TextTable:
    """Tabulate expected and observed events."""

    def quantity(region: str, name: str) -> Cell:
        found = table.expected[region][name]
        if found.nominal <= FLOOR and not found.error:  # none: a floor that only the likelihood needs
            return "0"
        return Quantity(found.nominal, found.error, found.systematic)

    data = {region: measured(events) for region, events in (table.data or {}).items()}
    return _by_region(table, "Yields", quantity, data)


def entries_table(table: YieldTable) -> TextTable:
    """Tabulate simulated and observed events, each counted once."""

    def count(region: str, name: str) -> Cell:
        entries = table.expected[region][name].entries
        return "-" if entries is None else f"{entries:,}"

    data = {region: measured(events) for region, events in (table.data or {}).items()}
    return _by_region(table, "Raw entries", count, data)


def _by_region(table: YieldTable, title: str, cell: Callable[[str, str], Cell], data: Mapping[str, str]) -> TextTable:
    """Make a table of rows of samples: backgrounds, their total and the data, signals."""

    def row(name: str) -> list[Cell]:
        return [name, *(cell(region, name) for region in table.regions)]

    rows = [row(name) for name in table.backgrounds]
    rules = [len(rows)]
    if table.backgrounds:
        rows.append(row(TOTAL))
    if data:
        rows.append([table.data_label, *(data[region] for region in table.regions)])
    rules.append(len(rows))
    rows += [row(name) for name in table.signals]
    return TextTable(title, ("", *table.regions), rows, tuple(rule for rule in rules if 0 < rule < len(rows)))


def impacts_table(table: YieldTable, region: str) -> TextTable:
    """Tabulate what systematics change in a region, those first that change the total background most."""
    by_name = table.expected[region]
    names = sorted(table.expected_names, key=lambda name: name != TOTAL)  # the total first
    ranking = table.ranking(region)
    rows: list[list[Cell]] = [
        [systematic, *(percent(by_name[name].percent(systematic)) for name in names)] for systematic in ranking
    ]
    rows.append([ALL, *(percent(by_name[name].percent_of_all) for name in names)])
    return TextTable(f"{region}: impacts of systematics", ("[%]", *names), rows, (len(ranking),))


def cutflow_tables(table: YieldTable) -> list[TextTable]:
    """Tabulate the cutflows, region by region."""
    return [
        cutflow_table(f"{region}: {name}", rows, table.sources.get(region))
        for region in table.regions
        for name, rows in table.cutflows_of(region).items()
    ]


def write_tables(table: YieldTable, folder: Path) -> list[Path]:
    """Write the tables in Markdown, LaTeX and CSV.

    Parameters
    ----------
    table : YieldTable
        What to write.
    folder : Path
        Made if it is not there; tables of earlier times are replaced, or removed if there are none now.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [yields_table(table), *([entries_table(table)] if table.entries else [])]
    texts = {
        **_texts(YIELDS, table.title, numbers, OF_YIELDS, table.mark),
        **_texts(IMPACTS, "Impacts", [impacts_table(table, one) for one in table.regions], _OF_IMPACTS, table.mark),
        **_texts(
            CUTFLOW,
            "Cutflows",
            cutflow_tables(table),
            " ".join(filter(None, (_OF_CUTFLOWS, table.of_cutflows))),
            table.mark,
        ),
        f"{YIELDS}.csv": yield_csv.yields(table),
        f"{IMPACTS}.csv": yield_csv.impacts(table),
        f"{CUTFLOW}.csv": yield_csv.cutflows(table) if table.cutflows else "",
        f"{NOTES}.csv": yield_csv.notes(table.notes) if table.notes else "",
    }
    if table.notes:
        texts[f"{YIELDS}.md"] += "\n## Notes\n\n" + "".join(
            f"- {'warning: ' if grouped.note.is_warning else ''}{escape_markdown(str(grouped))}\n"
            for grouped in group_notes(table.notes)
        )
    for name in FILES:
        if texts[name]:
            replace_text(folder / name, texts[name])
        else:
            (folder / name).unlink(missing_ok=True)
    return [folder / name for name in FILES if texts[name]]


def _texts(name: str, title: str, tables: Sequence[TextTable], text: str, mark: str) -> dict[str, str]:
    """Write a file of tables in Markdown and LaTeX, each with what it has to say; nothing without tables."""
    if not tables:
        return {f"{name}.md": "", f"{name}.tex": ""}
    marked = [replace(table, title=f"{table.title} ({mark})") for table in tables] if mark else tables
    return {f"{name}.md": markdown_file(title, marked, text), f"{name}.tex": latex_file(marked, text)}

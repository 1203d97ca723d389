"""Yields of a cut-and-count analysis for a terminal of 80 columns."""

from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from hepcol.report.expectations import TOTAL, YieldTable
from hepcol.report.markup import TextTable, percent
from hepcol.report.notes import group_notes
from hepcol.report.numbers import number_of
from hepcol.report.tables import new_table
from hepcol.report.yield_tables import ALL, OF_YIELDS, yields_table

MAX_SYSTEMATICS = 5
MAX_WARNINGS = 10
_GAP = 2  # between columns, and around all
_MIN_NAME = 16  # of the first column


def print_yields(table: YieldTable, every: bool = False) -> None:
    """Print yields, the systematics that matter most, and what a reader should know.

    Parameters
    ----------
    table : YieldTable
        What to print.
    every : bool
        Whether to print all systematics and notes.
    """
    console = Console(highlight=False)
    for part in _narrow(replace(yields_table(table), title=table.title), console.width):
        _print_table(console, part)
    console.print(OF_YIELDS, style="dim")
    if table.backgrounds:
        _print_impacts(console, table, every)
    _print_notes(console, table, every)


def _narrow(table: TextTable, width: int) -> list[TextTable]:
    """Split a table by its columns, if it is too wide."""
    columns = list(zip(table.header, *table.rows, strict=True))
    widths = [max(len(str(cell)) for cell in column) for column in columns]
    first = max(_MIN_NAME, widths[0]) + 2 * _GAP
    parts: list[list[int]] = [[]]
    for number in range(1, len(columns)):
        used = first + sum(widths[k] + _GAP for k in parts[-1])
        if parts[-1] and used + widths[number] > width:
            parts.append([])
        parts[-1].append(number)
    return [
        replace(
            table,
            header=[table.header[k] for k in (0, *part)],
            rows=[[row[k] for k in (0, *part)] for row in table.rows],
        )
        for part in parts
    ]


def _print_table(console: Console, table: TextTable) -> None:
    console.print(table.title, style="bold", markup=False)  # the table's own would be no wider than it
    shown = new_table()
    shown.add_column(escape(table.header[0]), overflow="fold")
    for title in table.header[1:]:
        shown.add_column(escape(title), justify="right", overflow="fold")
    for number, row in enumerate(table.rows):
        if number in table.rules:
            shown.add_section()
        shown.add_row(*(escape(str(cell)) for cell in row))
    console.print(shown)


def _print_impacts(console: Console, table: YieldTable, every: bool) -> None:
    """Print what changes the total background most, region by region."""
    console.print("Systematics of the total background", style="bold")
    shown = new_table()
    for title in ("region", "systematic"):
        shown.add_column(title, overflow="fold")
    shown.add_column("high / low [%]", justify="right", no_wrap=True)
    for region in table.regions:
        total = table.expected[region][TOTAL]
        names = [name for name in table.ranking(region) if name in total.changes]
        for name in names if every else names[:MAX_SYSTEMATICS]:
            shown.add_row(escape(region), escape(name), str(percent(total.percent(name))))
        shown.add_row(escape(region), f"[dim]{ALL} ({len(names)})[/dim]", str(percent(total.percent_of_all)))
        shown.add_section()
    console.print(shown)


def _print_notes(console: Console, table: YieldTable, every: bool) -> None:
    """Print warnings; other notes are counted."""
    grouped = group_notes(table.notes)
    warnings = [one for one in grouped if one.note.is_warning]
    for one in warnings if every else warnings[:MAX_WARNINGS]:
        console.print(f"warning: {one}", style="yellow", markup=False)
    if not every and len(warnings) > MAX_WARNINGS:
        console.print(f"and {number_of(len(warnings) - MAX_WARNINGS, 'more warning')} in yields.md", style="yellow")
    others = [one for one in grouped if not one.note.is_warning]
    if every:
        for one in others:
            console.print(f"note: {one}", style="dim", markup=False)
    elif others:
        console.print(f"[dim]{number_of(len(others), 'note')} on how numbers were made in yields.md[/dim]")

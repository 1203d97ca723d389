"""Lists of good runs, and the luminosity that they leave, for a terminal of 80 columns."""

from rich.console import Console
from rich.markup import escape

from hepcol.goodruns import GoodRuns, Luminosity, by_run
from hepcol.report.numbers import luminosity_text, measured, number_of
from hepcol.report.tables import new_table

MAX_RUNS = 20
_IN_FB = 1000  # pb^-1


def print_good_runs(good: GoodRuns, luminosity: Luminosity | None, every: bool = False) -> None:
    """Print a list run by run, and its luminosity.

    Parameters
    ----------
    good : GoodRuns
        The list.
    luminosity : Luminosity, optional
        What it leaves.
    every : bool
        Whether to print all runs.
    """
    console = Console(highlight=False)
    blocks = by_run(good.ranges)
    shown = list(blocks) if every else list(blocks)[:MAX_RUNS]
    table = new_table()
    table.add_column("run", justify="right")
    table.add_column("good blocks", overflow="fold")
    if luminosity is not None:
        table.add_column(escape("luminosity [pb^-1]"), justify="right", no_wrap=True)
    for run in shown:
        own = [] if luminosity is None else [measured(luminosity.by_run[run])]
        table.add_row(str(run), blocks[run], *own)
    console.print(table)
    if len(shown) < len(blocks):
        console.print(f"{len(shown)} of {number_of(len(blocks), 'run')}; --all prints every one")
    counted = "" if good.is_open else f", {number_of(good.blocks, 'block')}"
    console.print(f"{number_of(good.number_of_runs, 'run')}, {number_of(len(good.ranges), 'range')}{counted}")
    if good.named > 1:
        console.print(f"{good.named} named ranges (NamedLumiRange) of the list are joined")
    if luminosity is not None:
        _print_luminosity(console, luminosity)


def _print_luminosity(console: Console, luminosity: Luminosity) -> None:
    """Print the luminosity of all runs, and what is missing of it."""
    good, table = (luminosity_text(one / _IN_FB, "^-1") for one in (luminosity.total, luminosity.table))
    part = f", {luminosity.total / luminosity.table:.1%}" if luminosity.table else ""
    console.print(f"luminosity: {good} of {table} in the table{part}", markup=False)
    for run, blocks in by_run(luminosity.missing).items():
        console.print(
            f"warning: run {run}: no luminosity in the table for blocks {blocks}", style="yellow", markup=False
        )

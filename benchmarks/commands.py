"""``hepcol bench``: measure hepcol beside what it is compared with."""

import importlib.util
import tempfile
from pathlib import Path

import click

from samples.commands import CommandError

EVENTS, QUICK_EVENTS = 1_000_000, 100_000


@click.group()
def bench() -> None:
    """Measure hepcol beside RDataFrame and stock coffea."""


@bench.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--quick", is_flag=True, help="Fewer events and cases; under 3 minutes.")
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each case.")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("bench"), show_default=True
)
@click.option("--readme", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the tables into it.")
def zee(file: Path | None, quick: bool, repeats: int, output: Path, readme: Path | None) -> None:
    """Compare the Z -> ee study on the events of FILE, repeated until there are 10^6.

    FILE is the shipped sample unless given. The tables go to DIR/zee.md, .json and .png. Needs ROOT (pip install
    'hepcol[rdf]').
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from benchmarks import report, zee
    from benchmarks.measurement import BenchmarkError
    from samples.catalogue import ZEE_FCC
    from samples.error import SampleError

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which hepcol is compared with: pip install 'hepcol[rdf]'")
    cases = zee.plan(quick)
    console = Console(stderr=True)
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"), console=console
    )
    try:
        output.mkdir(parents=True, exist_ok=True)  # before half an hour of measuring
        if readme is not None:
            report.place(readme.read_text(), readme)
        with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch, bar:
            task = bar.add_task("files of events", total=None)

            def show(done: int, total: int, what: str) -> None:
                bar.update(task, completed=done, total=total, description=what)

            events, inputs = zee.prepare(file or ZEE_FCC.path, QUICK_EVENTS if quick else EVENTS, cases)
            samples = zee.run(inputs, Path(scratch), repeats, cases, show)
        text = report.write(output, samples, report.describe(samples, file or ZEE_FCC.path, repeats, events))
        if readme is not None:
            report.insert(readme, text)
    except (BenchmarkError, SampleError, OSError) as error:
        raise CommandError(" ".join(str(error).split())) from error
    click.echo(text)
    click.echo(f"written: {output}/zee.md, zee.json, zee.png")


@bench.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each subject.")
def chunks(file: Path, repeats: int) -> None:
    """Compare what a chunk costs with stock coffea: FILE is EDM4hep before version 1."""
    from benchmarks import chunks as comparison
    from benchmarks.measurement import BenchmarkError

    try:
        with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch:
            samples = comparison.run(file.resolve(), repeats, Path(scratch))
    except (BenchmarkError, OSError) as error:
        raise CommandError(" ".join(str(error).split())) from error
    click.echo(comparison.markdown(samples))

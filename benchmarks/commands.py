"""``hepcol bench``: measure hepcol beside what it is compared with."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from samples.commands import CommandError

EVENTS, QUICK_EVENTS = 1_000_000, 100_000
_REPEATS = click.option(
    "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each case."
)
_OUTPUT = click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("bench"), show_default=True
)
_README = click.option(
    "--readme", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the tables into it."
)


@click.group()
def bench() -> None:
    """Measure hepcol beside RDataFrame, stock coffea, correctionlib, the C++ of ATLAS, and libraries of graphs."""


@bench.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--quick", is_flag=True, help="Fewer events and cases; under 3 minutes.")
@_REPEATS
@_OUTPUT
@_README
def zee(file: Path | None, quick: bool, repeats: int, output: Path, readme: Path | None) -> None:
    """Compare the Z -> ee study on the events of FILE, repeated until there are 10^6.

    FILE is the shipped sample unless given. The tables go to DIR/zee.md, .json and .png. Needs ROOT (pip install
    'hepcol[rdf]').
    """
    from benchmarks import report, zee
    from samples.catalogue import ZEE_FCC

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which hepcol is compared with: pip install 'hepcol[rdf]'")
    cases = zee.plan(quick)
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)  # before half an hour of measuring
        if readme is not None:
            report.place(readme.read_text(), readme)
        with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch, _progress("files of events") as show:
            events, inputs = zee.prepare(file or ZEE_FCC.path, QUICK_EVENTS if quick else EVENTS, cases)
            samples = zee.run(inputs, Path(scratch), repeats, cases, show)
        text = report.write(output, samples, report.describe(samples, file or ZEE_FCC.path, repeats, events))
        if readme is not None:
            report.insert(readme, text)
    click.echo(text)
    click.echo(f"written: {output}/zee.md, zee.json, zee.png")


@bench.command()
@click.option(
    "--electrons", type=click.IntRange(min=1000), help=f"How many; {EVENTS} unless given, with --quick {QUICK_EVENTS}."
)
@click.option("--quick", is_flag=True, help="Fewer electrons and models; under 3 minutes.")
@click.option("--area", default="synthetic", show_default=True, help="Calibration area; 'synthetic' is not physics.")
@_REPEATS
@_OUTPUT
@_README
def egamma(electrons: int | None, quick: bool, area: str, repeats: int, output: Path, readme: Path | None) -> None:
    """Time the calibration of generated electrons, pass by pass; the tables go to DIR/egamma.md and .json."""
    from benchmarks import egamma, report

    count = electrons or (QUICK_EVENTS if quick else EVENTS)
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        if readme is not None:
            report.place(readme.read_text(), readme, egamma.MARKS)
        with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch, _progress("tables") as show:
            samples = egamma.run(count, area, repeats, egamma.plan(quick), Path(scratch), show)
        text = egamma.write(output, samples, egamma.describe(samples, count, area, repeats))
        if readme is not None:
            report.insert(readme, text, egamma.MARKS)
    click.echo(text)
    click.echo(f"written: {output}/egamma.md, egamma.json")


@bench.command()
@click.option("--quick", is_flag=True, help="A tenth of the events; under 5 minutes.")
@_REPEATS
@_OUTPUT
@_README
def stop4b(quick: bool, repeats: int, output: Path, readme: Path | None) -> None:
    """Compare the stop four-body search, from 41 trees and from objects; the tables go to DIR/stop4b.md and .json.

    The sample is generated the first time, which takes 8 minutes on two cores (with --quick, 1). Needs ROOT, Pythia
    and fastjet (pip install 'hepcol[rdf,samples]').
    """
    from benchmarks import report, stop4b

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which hepcol is compared with: pip install 'hepcol[rdf]'")
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        if readme is not None:
            report.place(readme.read_text(), readme, stop4b.MARKS)
        with _progress("sample") as show:
            folders = stop4b.prepare(stop4b.QUICK_EVENTS if quick else stop4b.EVENTS, show)
            samples = stop4b.run(folders, repeats, show)
        text = stop4b.write(output, samples, stop4b.describe(samples, folders, repeats))
        if readme is not None:
            report.insert(readme, text, stop4b.MARKS)
    click.echo(text)
    click.echo(f"written: {output}/stop4b.md, stop4b.json")


@bench.command("zee_atlas")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--quick", is_flag=True, help="A tenth of the events; under 2 minutes.")
@_REPEATS
@_OUTPUT
@_README
def zee_atlas(file: Path | None, quick: bool, repeats: int, output: Path, readme: Path | None) -> None:
    """Compare Z -> ee in ATLAS on the events of FILE, repeated until there are 10^6: all variations in one pass.

    FILE is the shipped sample unless given, and one of generated simulation. The tables go to DIR/zee_atlas.md and
    .json. Needs ROOT (pip install 'hepcol[rdf]').
    """
    from benchmarks import report, zee_atlas
    from samples.catalogue import ZEE_ATLAS

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which hepcol is compared with: pip install 'hepcol[rdf]'")
    source = (file or ZEE_ATLAS.path).resolve()
    events, one_by_one = (
        (zee_atlas.QUICK_EVENTS, zee_atlas.QUICK_ONE_BY_ONE) if quick else (zee_atlas.EVENTS, zee_atlas.ONE_BY_ONE)
    )
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        if readme is not None:
            report.place(readme.read_text(), readme, zee_atlas.MARKS)
        with _progress("file of events") as show:
            samples = zee_atlas.run(zee_atlas.prepare(source, events), one_by_one, repeats, show)
        text = zee_atlas.write(output, samples, zee_atlas.collect(samples, source.name, repeats))
        if readme is not None:
            report.insert(readme, text, zee_atlas.MARKS)
    click.echo(text)
    click.echo(f"written: {output}/zee_atlas.md, zee_atlas.json")


@bench.command()
@click.option("--quick", is_flag=True, help="Fewer jets and events; under 5 minutes.")
@_REPEATS
@_OUTPUT
@_README
def graphs(quick: bool, repeats: int, output: Path, readme: Path | None) -> None:
    """Compare jet graphs and graph kernels with others' ways to make them; the tables go to DIR/graphs.md and .json.

    What is not installed of pandas, networkx, torch, torch-geometric, grakel and joblib (pip install
    'hepcol[graphs-bench]') is left out, and the tables say so. Needs ROOT (pip install 'hepcol[rdf]') to repeat events.
    """
    from benchmarks import graphs, report

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which repeats the events: pip install 'hepcol[rdf]'")
    cases = graphs.plan(quick)
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        if readme is not None:
            report.place(readme.read_text(), readme, graphs.MARKS)
        with _progress("files of events") as show, graphs.prepared(cases) as files:
            samples = graphs.run(cases, files, repeats, show)
        text = graphs.write(output, samples, graphs.describe(samples, cases, repeats))
        if readme is not None:
            report.insert(readme, text, graphs.MARKS)
    click.echo(text)
    click.echo(f"written: {output}/graphs.md, graphs.json")


@bench.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--quick", is_flag=True, help="Fewer events; a minute.")
@_REPEATS
@_OUTPUT
@_README
def skim(file: Path | None, quick: bool, repeats: int, output: Path, readme: Path | None) -> None:
    """Compare skims with RDataFrame's Snapshot: of FILE, EDM4hep before version 1, repeated, and of stop4b."""
    from benchmarks import report, skim
    from samples.catalogue import ZEE_FCC

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which hepcol is compared with: pip install 'hepcol[rdf]'")
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        if readme is not None:
            report.place(readme.read_text(), readme, skim.MARKS)
        with _progress("file of events") as show:
            source = (file or ZEE_FCC.path).resolve()
            files = skim.prepare(source, skim.QUICK_EVENTS if quick else skim.EVENTS, show)
            samples = skim.run(files, repeats, show)
        text = skim.write(output, samples, skim.describe(samples, repeats))
        if readme is not None:
            report.insert(readme, text, skim.MARKS)
    click.echo(text)
    click.echo(f"written: {output}/skim.md, skim.json")


@bench.command()
@click.option("--quick", is_flag=True, help="Fewer events, workers and chunks; under 4 minutes.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(["model", "shape", "scheduler", "many"]),
    help="Only this: model against two workers (5 minutes), shape, scheduler, or many chunks; repeatable.",
)
@click.option("--thousand", is_flag=True, help="Simulate 1000 workers, too, which takes a minute to start each time.")
@_REPEATS
@_OUTPUT
@_README
def scaling(
    quick: bool, parts: tuple[str, ...], thousand: bool, repeats: int, output: Path, readme: Path | None
) -> None:
    """Measure how runs scale, and hold the model of hepcol plan against it; DIR/scaling.md, .json and .png.

    Needs ROOT (pip install 'hepcol[rdf]') to repeat events, and two cores that do nothing else.
    """
    from benchmarks import report, scaling
    from samples.catalogue import ZEE_FCC

    if importlib.util.find_spec("ROOT") is None:
        raise CommandError("ROOT is not installed, which repeats the events: pip install 'hepcol[rdf]'")
    size = scaling.QUICK if quick else scaling.FULL
    cases = scaling.plan(size, parts or scaling.PARTS, thousand)
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        if readme is not None:
            report.place(readme.read_text(), readme, scaling.MARKS)
        with (
            tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch,
            _progress("files of events") as show,
            scaling.inputs(cases, ZEE_FCC.path, ZEE_FCC.tree, Path(scratch)) as files,
        ):
            samples = scaling.run(cases, files, repeats, show)
        text = scaling.write(output, size, samples, scaling.describe(size, samples, repeats))
        if readme is not None:
            report.insert(readme, text, scaling.MARKS)
    click.echo(text)
    click.echo(
        f"written: {output}/scaling.md, scaling.json{', scaling.png' if 'model' in (parts or ('model',)) else ''}"
    )


@bench.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_REPEATS
def chunks(file: Path, repeats: int) -> None:
    """Compare what a chunk costs with stock coffea: FILE is EDM4hep before version 1."""
    from benchmarks import chunks as comparison

    with _errors_in_one_line(), tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch:
        samples = comparison.run(file.resolve(), repeats, Path(scratch))
    click.echo(comparison.markdown(samples))


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Tell what the user can put right, or what a subject failed with."""
    from benchmarks.measurement import BenchmarkError
    from hepcol.errors import InputError
    from samples.error import SampleError

    try:
        yield
    except (BenchmarkError, InputError, SampleError, OSError) as error:
        raise CommandError(" ".join(str(error).split())) from error


@contextmanager
def _progress(first: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar, for a function that is told how much is done, of how much, and what is next."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(first, total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)

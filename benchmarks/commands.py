"""``hepcol bench``: measure hepcol beside what it is compared with."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from samples.commands import CommandError

EVENTS, QUICK_EVENTS = 1_000_000, 100_000
COMPARISONS = "zee", "egamma", "zee_atlas", "stop4b", "graphs", "skim", "scaling", "chunks"
_OF_ONE_SIZE = ("chunks",)
# of the documentation, which their tables go to
PAGES = {
    "zee": "zee.md",
    "egamma": "egamma.md",
    "zee_atlas": "zee_atlas.md",
    "stop4b": "stop4b.md",
    "graphs": "graphs.md",
    "skim": "skimming.md",
    "scaling": "scaling.md",
}
_IN_README = " in the README"
_CODE = "benchmarks.revision"  # in a context: that of the code when something began
_REPEATS = click.option(
    "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each case."
)
_OUTPUT = click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("bench"), show_default=True
)
_README = click.option(
    "--readme", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the tables into it."
)
_DOCS = click.option(
    "--docs", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Put the tables into its pages."
)


@click.group()
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure hepcol beside RDataFrame, stock coffea, correctionlib, the C++ of ATLAS, and libraries of graphs."""
    from benchmarks.revision import revision

    context.meta[_CODE] = revision()


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
        description = _told(report.describe(samples, file or ZEE_FCC.path, repeats, events), quick, file)
        text = report.write(output, samples, description)
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
        given = electrons or (area if area != egamma.SYNTHETIC else None)
        description = _told(egamma.describe(samples, count, area, repeats), quick, given)
        text = egamma.write(output, samples, description)
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
        text = stop4b.write(output, samples, _told(stop4b.describe(samples, folders, repeats), quick))
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
        text = zee_atlas.write(output, samples, _told(zee_atlas.collect(samples, source.name, repeats), quick, file))
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
        text = graphs.write(output, samples, _told(graphs.describe(samples, cases, repeats), quick))
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
        text = skim.write(output, samples, _told(skim.describe(samples, repeats), quick, file))
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
        text = scaling.write(output, size, samples, _told(scaling.describe(size, samples, repeats), quick))
        if readme is not None:
            report.insert(readme, text, scaling.MARKS)
    click.echo(text)
    click.echo(
        f"written: {output}/scaling.md, scaling.json{', scaling.png' if 'model' in (parts or ('model',)) else ''}"
    )


@bench.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_REPEATS
@_OUTPUT
def chunks(file: Path | None, repeats: int, output: Path) -> None:
    """Compare what a chunk costs with stock coffea: FILE is EDM4hep before version 1, or the shipped sample."""
    from benchmarks import chunks as comparison
    from samples.catalogue import ZEE_FCC

    path = (file or ZEE_FCC.path).resolve()
    with _errors_in_one_line(), tempfile.TemporaryDirectory(prefix="hepcol-bench-") as scratch:
        output.mkdir(parents=True, exist_ok=True)
        samples = comparison.run(path, repeats, Path(scratch))
        # there is one size of it
        description = _told(comparison.describe(samples, path, repeats), False, file)
        text = comparison.write(output, samples, description)
    click.echo(text)
    click.echo(f"written: {output}/chunks.md, chunks.json")


@bench.command("all")
@click.option("--quick", is_flag=True, help="Fewer events and cases; README and pages stay as they are.")
@click.option(
    "--only", multiple=True, metavar="NAME", help="Measure this comparison and no other; may be given several times."
)
@click.option("--force", is_flag=True, help="Measure again what is stored of this code, these versions and machine.")
@_REPEATS
@_OUTPUT
@_README
@_DOCS
@click.pass_context
def all_(
    context: click.Context,
    quick: bool,
    only: tuple[str, ...],
    force: bool,
    repeats: int,
    output: Path,
    readme: Path | None,
    docs: Path | None,
) -> None:
    """Make all comparisons that are not stored in DIR yet, and their table.

    A comparison that fails is told, and the others go on; the same command then makes what is missing.
    """
    from benchmarks import stored, table
    from benchmarks.revision import revision

    if unknown := set(only) - set(COMPARISONS):
        raise CommandError(f"no comparison {', '.join(sorted(unknown))}; there are {', '.join(COMPARISONS)}")
    chosen = [name for name in COMPARISONS if not only or name in only]
    here, failed = stored.Here.now(), []
    with _errors_in_one_line():
        _see_places(chosen, readme, docs)
    for name in chosen:
        options = {} if name in _OF_ONE_SIZE else {"quick": quick}
        if not force and stored.is_current(output, name, here, options.get("quick", False), repeats):
            click.echo(f"{name}: {output}/{name}.json is of this code, these versions and machine")
            continue
        context.meta[_CODE] = revision()
        click.echo(f"{name}: measured from {datetime.now().astimezone():%H:%M} on", err=True)
        try:
            context.invoke(bench.commands[name], repeats=repeats, output=output, **options)
        except CommandError as error:
            failed.append(name)
            click.echo(f"{name}: {error.message}", err=True)
    with _errors_in_one_line():
        output.mkdir(parents=True, exist_ok=True)
        text = table.write(output, table.collect(output, here))
        if not quick:
            _insert(chosen, output, readme, docs)
    click.echo(text)
    click.echo(f"written: {output}/table.md, table.json")
    if failed:
        raise CommandError(f"failed: {', '.join(failed)}; the same command makes what is missing")


@bench.command("table")
@click.option("--days", type=click.IntRange(min=0), default=30, show_default=True, help="Older comparisons are marked.")
@_OUTPUT
@_README
@_DOCS
def table_(days: int, output: Path, readme: Path | None, docs: Path | None) -> None:
    """Make the one table of the comparisons that are stored in DIR: DIR/table.md and .json.

    What is missing, quick, old, or of another machine, code or other versions is marked in its row.
    """
    from benchmarks import stored, table

    with _errors_in_one_line():
        _see_places((), readme, docs)
        output.mkdir(parents=True, exist_ok=True)
        text = table.write(output, table.collect(output, stored.Here.now(), days))
        _insert((), output, readme, docs)
    click.echo(text)
    click.echo(f"written: {output}/table.md, table.json")


@bench.command()
@click.option(
    "--history", type=click.Path(dir_okay=False, path_type=Path), help="Records; benchmarks/history.jsonl unless given."
)
@click.option("--record", is_flag=True, help="Add this run to the records.")
@click.option("--any-machine", is_flag=True, help="Compare with records of other machines.")
@click.option(
    "--any-size", is_flag=True, help="Compare quick with full runs, other numbers of events, and other files."
)
@_OUTPUT
def check(history: Path | None, record: bool, any_machine: bool, any_size: bool, output: Path) -> None:
    """Compare ratios of the comparisons in DIR with those recorded last; exit code 1 if one has fallen.

    A ratio of times to hepcol's has fallen if all its values are below all those before and its median is below by more
    than 15 %. Times themselves are never compared.
    """
    from benchmarks import history as records

    path = history or records.HISTORY
    lines: list[str] = []
    with _errors_in_one_line():
        found = records.records_of(output)
        there = records.read(path)
        pairs = [(records.last(there, now, any_machine, any_size), now) for now in found]
        for before, now in pairs:
            if before is None:
                click.echo(f"{now['comparison']}: nothing recorded to compare with")
                continue
            click.echo(f"{now['comparison']}: {len(now['ratios'])} ratios beside those of {before['date']}")
            for text in records.remarks(before, now):
                click.echo(f"{now['comparison']}: {text}")
            lines += records.falls(before, now)
        if record:
            click.echo(f"recorded: {len(records.append(path, found))} of {len(found)} in {path}")
    for line in lines:
        click.echo(f"fallen: {line}")
    if lines:
        click.get_current_context().exit(1)


def _told(description: dict[str, Any], quick: bool, given: object = None) -> dict[str, Any]:
    """Add to what a comparison tells whether it was quick, what was given, and if the code has changed meanwhile."""
    from benchmarks.revision import between

    before = click.get_current_context().meta[_CODE]
    commit = between(before, description["commit"])
    name = given.name if isinstance(given, Path) else None if given is None else str(given)
    return description | {"quick": quick, "given": name, "commit": commit}


def _see_places(names: Iterable[str], readme: Path | None, docs: Path | None) -> None:
    """See that there are places for tables, before anything is measured."""
    from benchmarks import report

    for path, marks in _places(names, readme, docs).values():
        report.place(path.read_text(), path, marks)


def _insert(names: Iterable[str], folder: Path, readme: Path | None, docs: Path | None) -> None:
    """Put the tables of comparisons that are stored into their pages, and the one table into a README and a page."""
    from benchmarks import report

    for name, (path, marks) in _places(names, readme, docs).items():
        table = folder / f"{name.removesuffix(_IN_README)}.md"
        if table.exists():
            report.insert(path, table.read_text(), marks)


def _places(names: Iterable[str], readme: Path | None, docs: Path | None) -> dict[str, tuple[Path, tuple[str, str]]]:
    """Return where tables go, and between which marks."""
    from benchmarks import report, table

    places = {}
    if readme is not None:
        places[f"table{_IN_README}"] = readme, table.MARKS
    if docs is not None:
        places["table"] = docs / "benchmarks.md", table.MARKS
        for name in names:
            if name in PAGES:
                places[name] = docs / PAGES[name], report.marks("" if name == "zee" else name)
    return places


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

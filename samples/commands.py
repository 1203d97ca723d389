"""``hepcol sample``: list, make and replicate samples."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from samples.error import SampleError

_BYTES_PER_MB = 1e6


class CommandError(click.ClickException):
    """What the user can put right, in one line."""

    exit_code = 2


@click.group()
def sample() -> None:
    """List, make and replicate samples."""


@sample.command("list")
def list_samples() -> None:
    """List the samples shipped with hepcol."""
    import uproot

    from samples.catalogue import SHIPPED

    for shipped in SHIPPED:
        if not shipped.path.is_file():
            raise CommandError(f"the file of sample {shipped.name} is missing: {shipped.path}")
        with uproot.open(shipped.path) as file:
            events = file["events"].num_entries
        click.echo(f"{shipped.name}  {events} events  {_size(shipped.path)}  {shipped.title}")
        click.echo(f"  {shipped.path}")


@sample.command("make")
@click.argument("name")
@click.option("--events", type=int, required=True, help="Number of events.")
@click.option("--seed", type=int, default=1, show_default=True, help="1 is the shipped sample's.")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes; the file is the same for any.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: NAME-EVENTS.root.")
@click.option("--force", is_flag=True, help="Overwrite the output.")
def make_sample(name: str, events: int, seed: int, workers: int, output: Path | None, force: bool) -> None:
    """Generate a sample, such as zee-fcc."""
    from samples import zee_fcc

    generators = {zee_fcc.NAME: zee_fcc.generate}
    if name not in generators:
        raise CommandError(f"no sample {name!r} can be made; there are: {', '.join(generators)}")
    output = output or Path(f"{name}-{events}.root")
    with _one_line_errors(), _progress(f"Generating {name}", "events") as report:
        generators[name](output, events, seed, progress=report, force=force, workers=workers)
    click.echo(f"wrote {output}: {events} events, {_size(output)}")


@sample.command("replicate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--times", type=int, default=200, show_default=True, help="Repetitions of the events.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: FILE-xTIMES.root, here.")
@click.option("--force", is_flag=True, help="Overwrite the output.")
def replicate_file(file: Path, times: int, output: Path | None, force: bool) -> None:
    """Write FILE with its events repeated."""
    from samples.replicate import replicate

    output = output or Path(f"{file.stem}-x{times}.root")
    with _one_line_errors(), _progress(f"Replicating {file.name}", "copies") as report:
        replicate(file, output, times, force=force, progress=report)
    click.echo(f"wrote {output}: {times} times the events of {file.name}, {_size(output)}")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except (SampleError, OSError) as error:
        raise CommandError(str(error)) from error


@contextmanager
def _progress(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with a rate on the terminal's error stream, where it does not mix with output."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rate = TextColumn(f"{{task.fields[rate]:.0f}} {unit}/s")
    console = Console(stderr=True)
    with Progress(*columns, rate, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None, rate=0.0)
        start = time.perf_counter()

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=done / (time.perf_counter() - start))

        yield report


def _size(path: Path) -> str:
    return f"{path.stat().st_size / _BYTES_PER_MB:.1f} MB"

"""``hepcol sample``: list, make and replicate samples."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from samples.error import SampleError

_BYTES_PER_MB = 1e6


class CommandError(click.ClickException):
    """What the user can put right, in one line."""

    exit_code = 2


def _parse_point(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """Read two masses."""
    if text is None:
        return None
    masses = text.split(",")
    if len(masses) != 2 or not all(mass.strip().isdigit() for mass in masses):  # noqa: PLR2004 (stop, neutralino)
        raise CommandError(f"point must be two masses in GeV such as 400,320, got {text!r}")
    return int(masses[0]), int(masses[1])


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
            events = file[shipped.tree].num_entries
        click.echo(f"{shipped.name}  {events} events  {_size(shipped.path)}  {shipped.title}")
        click.echo(f"  {shipped.path}")


_EVENTS = click.option("--events", type=int, required=True, help="Number of events.")
_SEED = click.option("--seed", type=int, default=1, show_default=True, help="1 is the shipped sample's.")
_WORKERS = click.option(
    "--workers", type=int, default=1, show_default=True, help="Processes; the file is the same for any."
)
_FORCE = click.option("--force", is_flag=True, help="Overwrite the output.")


class _Samples(click.Group):
    """Samples that can be made, by name."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            names = ", ".join(self.commands)
            raise CommandError(f"no sample {args[0]!r} can be made; there are: {names}")
        return super().resolve_command(ctx, args)


@sample.group("make", cls=_Samples)
def make_sample() -> None:
    """Generate a sample."""


@make_sample.command("zee-fcc")
@_EVENTS
@_SEED
@_WORKERS
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: zee-fcc-EVENTS.root.")
@_FORCE
def make_zee_fcc(events: int, seed: int, workers: int, output: Path | None, force: bool) -> None:
    """Z -> ee at FCC-ee: Pythia 8 and a detector like IDEA, as an EDM4hep file."""
    from samples import zee_fcc

    output = output or Path(f"{zee_fcc.NAME}-{events}.root")
    with _one_line_errors(), _progress(f"Generating {zee_fcc.NAME}", "events") as report:
        zee_fcc.generate(output, events, seed, progress=report, force=force, workers=workers)
    click.echo(f"wrote {output}: {events} events, {_size(output)}")


@make_sample.command("zee-atlas")
@_EVENTS
@click.option("--form", default="simulation", show_default=True, help="simulation or data (pseudo-data).")
@_SEED
@_WORKERS
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: zee-atlas-FORM-EVENTS.root.")
@_FORCE
def make_zee_atlas(events: int, form: str, seed: int, workers: int, output: Path | None, force: bool) -> None:
    """Z -> ee at the LHC: Pythia 8, 13 TeV, a detector like ATLAS, as a file of PHYSLITE.

    EVENTS are stored ones, each with two loose electrons of 20 GeV. Data have energy scales and constant terms of
    their own, which the file tells.
    """
    from samples import zee_atlas

    output = output or Path(f"{zee_atlas.NAME}-{form}-{events}.root")
    with _one_line_errors(), _progress(f"Generating {zee_atlas.NAME}", "events") as report:
        zee_atlas.generate(output, events, form, seed, progress=report, force=force, workers=workers)
    click.echo(f"wrote {output}: {events} events, {_size(output)}")


@make_sample.command("stop4b")
@click.option("--process", required=True, help="signal, ttbar, Wt, Zjets, VV, ttZ, Others, Fakes or Data.")
@click.option("--campaign", required=True, help="mc16a, mc16d or mc16e; of Data also data15 to data18.")
@_EVENTS
@click.option("--form", default="flat", show_default=True, help="flat (41 trees) or objects.")
@click.option("--point", callback=_parse_point, help="Masses of a signal in GeV, such as 400,320.")
@click.option("--mpi", is_flag=True, help="With multiparton interactions: three times slower.")
@click.option("--near-regions", is_flag=True, help="Keep only events near a signal region, at their weights among all.")
@_SEED
@_WORKERS
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: CAMPAIGN-PROCESS-FORM.root.")
@_FORCE
def make_stop4b(output: Path | None, workers: int, force: bool, **request: Any) -> None:
    """Stop four-body search of ATLAS: Pythia 8, 13 TeV, a detector like ATLAS.

    EVENTS are stored ones, each with a row in at least one of the 41 trees. With --near-regions fewer are kept, those
    that come near a signal region in one of the trees: EVENTS are counted before.
    """
    from samples import stop4b

    output = output or Path("{campaign}-{process}-{form}.root".format(**request))
    with _one_line_errors(), _progress(f"Generating {request['process']}", "events") as report:
        made = stop4b.Request(**request)
        stop4b.generate(output, made, progress=report, force=force, workers=workers)
    click.echo(f"wrote {output}: {_size(output)}")


@make_sample.command("jets")
@click.option("--process", required=True, help="qcd or wprime (W' -> WZ -> quarks).")
@_EVENTS
@click.option("--mass", type=int, help="Of the W' in GeV.  [default: 2000]")
@click.option("--mpi/--no-mpi", default=True, show_default=True, help="Multiparton interactions: twice as slow.")
@_SEED
@_WORKERS
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: jets-PROCESS-EVENTS.root.")
@_FORCE
def make_jets(output: Path | None, workers: int, force: bool, **request: Any) -> None:
    """Large-R jets with their constituents: Pythia 8, 13 TeV, particles of the generator, as a file of PFNano.

    EVENTS are stored ones, each with a jet of 450 GeV. QCD is generated with more hard jets than there are: use
    genWeight.
    """
    from samples import jets

    output = output or Path("jets-{process}-{events}.root".format(**request))
    with _one_line_errors(), _progress(f"Generating {request['process']}", "events") as report:
        jets.generate(output, jets.Request(**request), progress=report, force=force, workers=workers)
    click.echo(f"wrote {output}: {request['events']} events, {_size(output)}")


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

"""The ``hepcol`` command; each command calls the library and prints what it gives."""

import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NoReturn

import click

from hepcol import plugins
from hepcol.errors import InputError

INCOMPLETE = 3
DIFFERENT = 4
INTERRUPTED = 130


class UsageError(click.ClickException):
    """What the user gave is wrong: one line, exit code 2."""

    exit_code = 2


class _Commands(click.Group):
    """hepcol's commands and those that packages offer, which are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all commands."""
        return sorted({*super().list_commands(ctx), *plugins.names(plugins.COMMANDS)})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command."""
        found = super().get_command(ctx, name)
        if found is not None or name not in plugins.names(plugins.COMMANDS):
            return found
        try:
            command: click.Command = plugins.load(plugins.COMMANDS, name)
        except InputError as error:
            raise UsageError(str(error)) from error
        return command


def one_line_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what a user can mend into one line; a traceback is for bugs."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (InputError, OSError) as error:
            raise UsageError(" ".join(str(error).split())) from error
        except KeyboardInterrupt:
            click.echo("hepcol: interrupted", err=True)
            sys.exit(INTERRUPTED)

    return wrapped


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hepcol")
def commands() -> None:
    """Columnar particle-physics analyses: the same bits on any executor."""


@commands.command("list")
@one_line_errors
def list_() -> None:
    """List the analyses with their options, and the shipped samples."""
    from hepcol.report.tables import print_catalogue

    print_catalogue()


@commands.command()
@click.argument("name")
@click.option("--into", default=".", metavar="DIR", help="Folder for the new one.  [default: this one]")
@one_line_errors
def new(name: str, into: str) -> None:
    """Make a package for an analysis, NAME, which works at once: processor, regions, histograms, tests."""
    from hepcol.scaffold.package import create, reference

    folder = create(name, into)
    click.echo(f"{folder}: an analysis to change into yours; it works as it is:")
    click.echo(f"  cd {folder}")
    click.echo(f"  hepcol run {reference(name)} zee-fcc -o out")
    click.echo("  python -m pytest   # pip install pytest")
    click.echo(f"  pip install -e .   # from then on: hepcol run {name} zee-fcc -o out")


@commands.command()
@click.argument("file")
@click.option("--tree", help="Name of the event tree.")
@click.option("-c", "--columns", default="", metavar="TEXT", help="Only columns whose name contains this.")
@one_line_errors
def inspect(file: str, tree: str | None, columns: str) -> None:
    """Show the schema, trees, columns and sums of weights of FILE."""
    from hepcol.fileset import expand
    from hepcol.inspection import inspect_file
    from hepcol.report.tables import print_inspection

    print_inspection(inspect_file(expand(file)[0], tree), columns)


def _how(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where and how to work."""
    for option in reversed(
        (
            click.option(
                "--executor",
                type=click.Choice(["iterative", "futures", "dask"]),
                help="This process, local processes, or Dask.  [default: iterative; dask with --scheduler, --cluster]",
            ),
            click.option("--workers", type=click.IntRange(min=1), help="Local processes.  [default: 2]"),
            click.option(
                "--threads",
                type=click.IntRange(min=1),
                default=1,
                show_default=True,
                help="Threads of the kernels, with iterative.",
            ),
            click.option("--scheduler", metavar="ADDRESS", help="Existing Dask scheduler, such as tcp://host:8786."),
            click.option(
                "--cluster", metavar="FILE.yaml", help="Cluster to work on: local, a batch system, Kubernetes..."
            ),
            click.option(
                "--chunksize",
                type=click.IntRange(min=1),
                help="Events in a chunk; the result does not depend on it.",
            ),
            click.option(
                "--on-error",
                type=click.Choice(["continue", "stop"]),
                default="continue",
                show_default=True,
                help="When a chunk fails.",
            ),
            click.option(
                "--max-failures", type=click.IntRange(min=0), help="Chunks that may fail before the run ends."
            ),
            click.option(
                "--retries",
                type=click.IntRange(min=0),
                default=2,
                show_default=True,
                help="Further tries after an error that may pass.",
            ),
            click.option(
                "--lost-after",
                "lost_after_s",
                type=click.FloatRange(min=0),
                metavar="SECONDS",
                help="How long Dask may be without workers.  [default: 300; with --cluster what that says]",
            ),
            click.option("--dask-report", is_flag=True, help="Write Dask's own report on the work, too."),
        )
    ):
        command = option(command)
    return command


@commands.command()
@click.argument("processor")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "-p",
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Option of the processor; repeatable.",
)
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the results.")
@_how
@click.option("--tree", help="Name of the event tree.")
@click.option("--dataset", help="Name of the dataset.")
@click.option("--force", is_flag=True, help="Replace results that are in DIR; with --resume, add to them all the same.")
@click.option("--resume", is_flag=True, help="Continue the run in DIR.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw the histograms.")
@one_line_errors
def run(processor: str, files: tuple[str, ...], options: tuple[str, ...], plots: bool, **how: Any) -> None:
    """Run PROCESSOR (an analysis, or module:Class, or file.py:Class) over FILES.

    FILES are ROOT files, globs, folders, a coffea fileset in JSON, or the name of a shipped sample.
    """
    from hepcol.execution import run as run_analysis
    from hepcol.options import build_processor

    instance = build_processor(processor, options)
    _work(lambda **told: run_analysis(instance, files, **how, **told), how["output"], plots, instance)


@commands.command()
@click.argument("processor")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "-p", "--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the processor; repeatable."
)
@click.option("--workers", type=click.IntRange(min=1), required=True, help="Workers of one thread each.")
@click.option("--memory", metavar="SIZE", help="What a worker may have, such as 2GB.  [default: any]")
@click.option("--local", is_flag=True, help="The workers are processes of this machine, and share its cores.")
@click.option("--tree", help="Name of the event tree.")
@click.option("--dataset", help="Name of the dataset.")
@click.option("--json", "as_json", is_flag=True, help="Print all that was measured and predicted as JSON.")
@one_line_errors
def plan(processor: str, files: tuple[str, ...], options: tuple[str, ...], as_json: bool, **how: Any) -> None:
    """Predict what a run of PROCESSOR over FILES takes on some workers: time, memory, and the best chunk size.

    A few chunks are processed, and many without work, on a local Dask cluster of one worker, to measure what they cost.
    """
    from hepcol.options import build_processor
    from hepcol.planning import plan as plan_run
    from hepcol.report.plan_table import print_plan

    print_plan(plan_run(build_processor(processor, options), files, **how), as_json)


@commands.command()
@click.argument("files", nargs=-1, required=True)
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the skim, which run takes as FILES.")
@click.option(
    "-c", "--cut", multiple=True, metavar="EXPR", help="What events have to pass, or file.py:function; repeatable."
)
@click.option("-k", "--keep", multiple=True, metavar="PATTERN", help="Columns to keep.  [default: all]")
@click.option("--drop", multiple=True, metavar="PATTERN", help="Columns to leave out.")
@click.option("--select", default="", metavar="PROCESSOR", help="An analysis whose selection is made.")
@click.option("-p", "--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the analysis.")
@click.option("--define", multiple=True, metavar="NAME=EXPR", help="A column that is made of others.")
@click.option("--add", multiple=True, metavar="NAME", help="What adds columns, such as 'egamma model=...'.")
@click.option("--weight", default="", metavar="EXPR", help="Weight of an event.  [default: the format's]")
@click.option("--format", type=click.Choice(["ttree", "rntuple", "parquet"]), default="ttree", show_default=True)
@click.option("--per", default="file", show_default=True, help="A file of each chunk, file, or a size such as 500MB.")
@_how
@click.option("--tree", help="Name of the event tree.")
@click.option("--dataset", help="Name of the dataset.")
@click.option("--force", is_flag=True, help="Replace what is in DIR.")
@click.option("--resume", is_flag=True, help="Continue the skim in DIR.")
@one_line_errors
def skim(files: tuple[str, ...], output: str, **how: Any) -> None:
    """Keep events of FILES that pass cuts, and columns of them; their sums of weights are carried along.

    An expression names columns as hepcol inspect shows them: 'any(Electron.pt > 25) and MET.pt > 30'.
    """
    from hepcol.skimming.skim import skim as skim_files

    _work(lambda **told: skim_files(files, output, **how, **told).run, output, plots=False)


@commands.command()
@click.argument("folder", metavar="DIR")
@_how
@click.option("--force", is_flag=True, help="Even if the processor, its options, the files or versions have changed.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw the histograms.")
@one_line_errors
def retry(folder: str, plots: bool, **how: Any) -> None:
    """Process what the run in DIR lacks, and add it."""
    from hepcol.execution.repetition import retry as retry_run

    _work(lambda **told: retry_run(folder, **how, **told), folder, plots)


@commands.command()
@click.argument("provenance", metavar="PROVENANCE.json")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the new results.")
@_how
@click.option("--force", is_flag=True, help="Replace results that are in DIR.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw the histograms.")
@one_line_errors
def rerun(provenance: str, output: str, plots: bool, **how: Any) -> None:
    """Repeat a run from its provenance.json, and compare the results."""
    from pathlib import Path

    from hepcol.execution.repetition import rerun as repeat_run

    first = Path(provenance).parent
    if first.resolve() == Path(output).resolve():
        raise InputError(
            f"output folder {output} is that of the run to be repeated, which would be lost: choose another"
        )
    complete = _run_and_print(lambda **told: repeat_run(provenance, output=output, **how, **told), output, plots)
    differ = _compare(str(first), output)
    sys.exit(INCOMPLETE if not complete else DIFFERENT if differ else 0)


@commands.command()
@click.argument("folders", metavar="A B...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the sum.")
@click.option("--force", is_flag=True, help="Replace results that are in DIR.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw the histograms.")
@one_line_errors
def merge(folders: tuple[str, ...], output: str, force: bool, plots: bool) -> None:
    """Add the results of runs of one processor over different files, as if one run had processed them all.

    A B... are output folders, of complete runs or not. What two of them have of one file may not overlap.
    """
    from hepcol.execution import merge as merge_runs

    _work(lambda **told: merge_runs(folders, output, force=force, **told), output, plots)


@commands.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@one_line_errors
def diff(first: str, second: str) -> None:
    """Compare two results, output folders or histograms.zip; exit code 4 if they differ.

    Of folders that is histograms, events, cutflows, values, files of chunks and samples; of an archive, histograms.
    """
    sys.exit(DIFFERENT if _compare(first, second) else 0)


def _work(work: Callable[..., Any], output: str, plots: bool, processor: Any = None) -> None:
    """Run, draw and print; an incomplete run has an exit code of its own."""
    if not _run_and_print(work, output, plots, processor):
        sys.exit(INCOMPLETE)


def _run_and_print(work: Callable[..., Any], output: str, plots: bool, processor: Any = None) -> bool:
    """Run, draw and print; return whether the run is complete."""
    from hepcol.report.tables import print_run
    from hepcol.store import has_snapshot

    # a batch system ends a job with SIGTERM: stop as for Ctrl-C, and leave no worker and no lock behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        done = work(allow_incomplete=True, progress=sys.stderr.isatty())
    except KeyboardInterrupt:
        left = "--resume continues it from its last snapshot" if has_snapshot(output) else "nothing was written"
        click.echo(f"hepcol: interrupted; {left}", err=True)
        sys.exit(INTERRUPTED)
    if plots:
        from hepcol.report.plots import plot_folder

        plot_folder(output)
        done.summary["warnings"] += _drawn(output, processor)
    print_run(done, output)
    return bool(done.closure.complete)


def _drawn(output: str, processor: Any) -> list[str]:
    """Let the processor draw; an error of it is a warning, as the results are written."""
    from hepcol.report.drawings import draw_folder

    try:
        draw_folder(output, processor)
    except Exception as error:  # noqa: BLE001  (whatever the processor's code raises)
        text = " ".join(str(error).split())
        return [f"the processor could not draw: {type(error).__name__}: {text}; hepcol plot {output} tries again"]
    return []


def _compare(first: str, second: str) -> bool:
    """Compare two results and print the differences; return whether there are any."""
    from hepcol.comparison import compare, not_compared
    from hepcol.report.tables import print_differences

    differences = compare(first, second)
    print_differences(differences, not_compared(first, second))
    return not all(difference.equal for difference in differences)


@commands.command()
@click.argument("folder", metavar="DIR")
@click.option("--model", help="Name of the model.  [default: the first of the processor's]")
@click.option("--range", "range_", nargs=2, type=float, metavar="LOW HIGH", help="Range, on edges of bins.")
@click.option("--minos", is_flag=True, help="Also find the result's interval on the profile likelihood.")
@click.option("--free", multiple=True, metavar="NAME", help="Let a parameter float in every fit; repeatable.")
@click.option("--fix", multiple=True, metavar="NAME=VALUE", help="Fix a parameter; repeatable.")
@click.option("--signal", metavar="NAME", help="With model histfactory: one signal, and its ranking.")
@click.option("--signal-error", type=float, metavar="FRACTION", help="A further relative uncertainty of the signal.")
@click.option("--toys", type=click.IntRange(min=1), metavar="N", help="Limits by toys as well, S95 too; try 1000.")
@click.option("--seed", type=click.IntRange(min=0, max=2**32 - 1), help="Seed of the toys.  [default: 1]")
@click.option("--all", "every", is_flag=True, help="Print every variation, or every parameter.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw the fits.")
@one_line_errors
def fit(
    folder: str,
    model: str | None,
    free: tuple[str, ...],
    fix: tuple[str, ...],
    every: bool,
    plots: bool,
    range_: tuple[float, float] | None,
    minos: bool,
    **yields: Any,
) -> None:
    """Fit the histograms of DIR, the output of a run, in all variations.

    With --model histfactory, fit the yields in DIR/yields.json: limits on signals, pulls and rankings.

    The exit code is 3 if some of the fits may not be used.
    """
    if model == "histfactory":
        _refuse(model, {"--range": range_, "--minos": minos, "--free": free, "--fix": fix})
        _fit_yields(folder, every, plots, **yields)
        return
    _refuse(model, {f"--{name.replace('_', '-')}": value for name, value in yields.items()})
    from hepcol.inference.folder import fit_folder
    from hepcol.options import parameter_changes
    from hepcol.report.fit_table import print_fit
    from hepcol.report.progress import CountBar

    with CountBar("fit", sys.stderr.isatty()) as bar:
        changes = parameter_changes(free, fix)
        done = fit_folder(folder, model, range_=range_, minos=minos, changes=changes, report=bar.count)
        if plots:
            from hepcol.report.fits import plot_fits

            bar.stage("draw")
            plot_fits(done)
    print_fit(done, every)
    if not done.usable:
        sys.exit(INCOMPLETE)


def _fit_yields(folder: str, every: bool, plots: bool, **how: Any) -> None:
    """Fit the yields of a folder, draw and print."""
    from hepcol.inference.histfactory_folder import fit_yields
    from hepcol.report.limit_table import print_yield_fits
    from hepcol.report.progress import CountBar

    with CountBar("fit", sys.stderr.isatty()) as bar:
        given = {name: value for name, value in how.items() if value is not None}
        done = fit_yields(folder, report=bar.count, **given)
        if plots:
            from hepcol.report.limit_plots import plot_yield_fits

            bar.stage("draw")
            plot_yield_fits(done)
    print_yield_fits(done, every)
    if not done.usable:
        sys.exit(INCOMPLETE)


def _refuse(model: str | None, options: dict[str, Any]) -> None:
    """Refuse options that the model would not heed."""
    for name, value in options.items():
        if value not in (None, False, ()):
            whose = f"model {model}" if model else "the model of a processor"
            raise InputError(f"option {name} means nothing to {whose}")


@commands.command()
@click.argument("folder", metavar="DIR")
@one_line_errors
def plot(folder: str) -> None:
    """Draw the histograms of DIR, the output of a run, into DIR/plots; its processor may draw into DIR/drawings."""
    from hepcol.report.drawings import draw_folder
    from hepcol.report.plots import plot_folder

    for draw in (plot_folder, draw_folder):
        for path in draw(folder):
            click.echo(path)


@commands.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True)
@click.option("--samples", required=True, metavar="TABLE.yaml", help="Samples: cross-sections, campaigns, datasets.")
@click.option("-o", "--output", required=True, metavar="OUT", help="Pictures and tables go to OUT/stacks.")
@click.option("--histogram", "histograms", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--by", default="", metavar="AXIS", help="One by one for each category of an axis; others are added up.")
@click.option("--blind", nargs=2, type=float, metavar="LOW HIGH", help="Hide the data in a range of the histogram.")
@click.option("--log", is_flag=True, help="Events on a logarithmic axis.")
@click.option("--all", "every", is_flag=True, help="Print all systematics and notes.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw the stacks.")
@click.option("--allow-missing", is_flag=True, help="Data may lack datasets of the table: luminosity in full.")
@one_line_errors
def stack(folders: tuple[str, ...], every: bool, **how: Any) -> None:
    """Put data and simulation of runs (output folders DIR) together: stacks, yields and cutflows.

    The exit code is 3 if one of the runs is incomplete.
    """
    from hepcol.report.progress import CountBar
    from hepcol.report.stack_folder import STACKS, stack_folders
    from hepcol.report.yield_summary import print_yields

    with CountBar("stack", sys.stderr.isatty()) as bar:
        done = stack_folders(folders, report=bar.count, **how)
    print_yields(done.yields, every)
    click.echo(f"written to {how['output']}/{STACKS}: tables *.md, *.csv, *.tex{', pictures' if how['plots'] else ''}")
    if not done.stacks.made.summary["complete"]:
        sys.exit(INCOMPLETE)


@commands.command()
@click.argument("list_", metavar="LIST")
@click.option("--luminosity", metavar="CSV", help="Luminosity by run and block, of brilcalc --byls or the like.")
@click.option("--all", "every", is_flag=True, help="Print every run.")
@one_line_errors
def goodruns(list_: str, luminosity: str | None, every: bool) -> None:
    """Show a LIST of good runs (ATLAS XML, CMS JSON), and the luminosity that it leaves.

    The exit code is 3 if good blocks have no luminosity in the table.
    """
    from hepcol.goodruns import luminosity_of, read_good_runs
    from hepcol.report.goodruns_table import print_good_runs

    good = read_good_runs(list_)
    left = None if luminosity is None else luminosity_of(good, luminosity)
    print_good_runs(good, left, every)
    if left is not None and left.missing:
        sys.exit(INCOMPLETE)


@commands.command()
@click.argument("folder", metavar="DIR")
@click.option("-o", "--output", metavar="FILE", help="File to write.  [default: DIR/report.html]")
@one_line_errors
def report(folder: str, output: str | None) -> None:
    """Write all that DIR, the output of a run, tells into one HTML page that needs nothing else."""
    from hepcol.report.page import write_page

    path = write_page(folder, output)
    click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


@commands.group()
def cluster() -> None:
    """Look at a cluster that a file describes."""


@cluster.command()
@click.argument("file", metavar="FILE.yaml")
@click.option("--start", is_flag=True, help="Open it, wait for a worker, compare it with this machine, and close it.")
@one_line_errors
def check(file: str, start: bool) -> None:
    """Check FILE, and show what would be submitted."""
    from hepcol.execution.clusters.trial import try_cluster
    from hepcol.execution.environment import NEEDED
    from hepcol.report.environments import print_trial

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as a batch system ends a job: no cluster stays
    print_trial(try_cluster(file, start), NEEDED)


@commands.command("export")
@click.argument("folder", metavar="DIR")
@click.option("--to", required=True, type=click.Choice(["cabinetry", "csv", "hepdata"]), help="What for.")
@click.option("-o", "--output", metavar="WHERE", help="Folder to write.  [default: DIR/export/TO]")
@click.option("--histogram", "histograms", multiple=True, metavar="NAME", help="cabinetry: a region; repeatable.")
@click.option("--data", metavar="DATASET", help="cabinetry: what was observed.  [default: the sum of all]")
@click.option("--signal", "signals", multiple=True, metavar="NAME", help="cabinetry: a signal; repeatable.")
@click.option("--scale", multiple=True, metavar="DATASET=FACTOR", help="cabinetry: scale a dataset; repeatable.")
@click.option("--force", is_flag=True, help="Replace an export that is in WHERE.")
@one_line_errors
def export_(folder: str, to: str, output: str | None, scale: tuple[str, ...], force: bool, **model: Any) -> None:
    """Write the results in DIR for other programs: cabinetry, tables in CSV, or a submission to HEPData.

    For cabinetry, the model is that of DIR/yields.json, or with --histogram that of histograms, datasets being samples.
    """
    from hepcol.export import export
    from hepcol.options import numbers

    done = export(folder, to, output, force=force, scales=numbers(scale, "scale"), **model)
    click.echo(f"{done.folder}: {done.files} file{'s' if done.files != 1 else ''}")
    for warning in done.warnings:
        click.echo(f"warning: {warning}")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; wrong usage and wrong input are one line."""
    try:
        code = commands.main(arguments, prog_name="hepcol", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"hepcol: {' '.join(error.format_message().split())}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("hepcol: interrupted", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)

"""``hepcol calibrate``, ``insitu`` and ``yields``: imported for the help of all commands, so that it imports little."""

import sys
from typing import Any

import click

from hepcol.cli import one_line_errors
from hepcol.errors import InputError

_MODELS = "es2018_R21_v1, es2022_R22_PRE, es2023_R22_Run2_v0, es2023_R22_Run2_v1 or es2024_Run3_v0"


@click.command()
@click.argument("file")
@click.option("--model", required=True, help=f"Calibration model: {_MODELS}.")
@click.option("-o", "--output", required=True, metavar="OUT", help="File to write, OUT.parquet or OUT.root.")
@click.option(
    "--decorrelation",
    default="1NP_v1",
    show_default=True,
    help="Systematics: 1NP_v1, FULL_v1, FULL_ETACORRELATED_v1 or 1NPCOR_PLUS_UNCOR.",
)
@click.option("--simulation", type=click.Choice(["full", "fast"]), help="Which simulation the events are of.")
@click.option(
    "--calib-area",
    "area",
    metavar="DIR",
    help="ATLAS's folder ElectronPhotonFourMomentumCorrection, or 'synthetic', which is not physics.  "
    "[default: $HEPCOL_CALIB_AREA]",
)
@click.option(
    "--smearing",
    type=click.Choice(["counter", "atlas"]),
    default="counter",
    show_default=True,
    help="Random numbers of the smearing: hepcol's, or the tool's.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of counter.")
@click.option(
    "--random-run-number",
    type=click.IntRange(min=0),
    default=0,
    help="Run of all events of simulation, for files without RandomRunNumber.",
)
@click.option("-s", "--systematic", "systematics", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--tree", help="Name of the event tree.")
@click.option("--chunksize", type=click.IntRange(min=1), default=50_000, show_default=True, help="Events at a time.")
@click.option("--force", is_flag=True, help="Replace OUT.")
@one_line_errors
def calibrate(
    file: str, output: str, systematics: tuple[str, ...], tree: str | None, chunksize: int, force: bool, **how: Any
) -> None:
    """Calibrate the electrons and photons of FILE (ATLAS PHYSLITE), nominal and with all systematics."""
    from calib.egamma import EgammaCalibration
    from hepcol.fileset import expand
    from hepcol.report.progress import CountBar
    from processors.calibration import calibrate_file

    paths = expand(file)
    if len(paths) != 1:
        raise InputError(f"{file}: {len(paths)} files; expected one at a time")
    tool = EgammaCalibration(**how)
    with CountBar("calibrate", sys.stderr.isatty()) as bar:
        done = calibrate_file(
            paths[0],
            output,
            tool,
            tree=tree,
            systematics=systematics or "all",
            chunksize=chunksize,
            force=force,
            report=bar.count,
        )
    particles = ", ".join(f"{number:,} {name}" for name, number in done.particles.items())
    click.echo(f"{done.path}: {done.events:,} events, {particles}; nominal and {done.variations} variations of pt")
    for warning in done.warnings:
        click.echo(f"warning: {warning}")


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--theory", metavar="DIR", help="Folder of <SAMPLE>ThSyst.json: uncertainties of the theory.")
@click.option("--closure", metavar="FILE", help="FNPClosureError.json: error of the fakes' closure.")
@click.option("--asimov", is_flag=True, help="Take the expected background in the place of data.")
@click.option("--all", "every", is_flag=True, help="Print all systematics and notes.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw what the cuts look at.")
@one_line_errors
def yields(folder: str, every: bool, plots: bool, **how: str | bool) -> None:
    """Make yields of DIR, the output of a run of stop4b: tables, histos.root, and yields.json for the fit.

    Theory and closure are left out, with a warning, unless their files are given.
    """
    from hepcol.report.yield_summary import print_yields
    from processors.stop4b.folder import tables_of_folder, write_into

    tables = tables_of_folder(folder, **how)  # type: ignore[arg-type]
    written = write_into(tables, folder, plots)
    print_yields(tables.to_table(), every)
    click.echo(f"written to {folder}: {', '.join(file.name for file in written.files)}")
    if plots:
        click.echo(f"plots: {folder}/plots/all_but/*/*.png, *.pdf")
    for name, why in written.not_written.items():
        click.echo(f"not written: {name}: {why}")


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--area", metavar="AREA", help="Write a calibration area with what was found, for -p area=AREA.")
@one_line_errors
def insitu(folder: str, area: str | None) -> None:
    """Calibrate with the Z peak of DIR, the output of a run of zee_atlas with in_situ=true.

    The exit code is 3 if the fit did not converge.
    """
    from hepcol.cli import INCOMPLETE
    from processors.zee_atlas.in_situ_folder import calibrate_folder
    from processors.zee_atlas.in_situ_table import print_in_situ

    done = calibrate_folder(folder, area)
    print_in_situ(done)
    if not done.found.valid:
        sys.exit(INCOMPLETE)

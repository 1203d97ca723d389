"""``hepcol yields``: yields, systematics and cutflows of the stop four-body search."""

import click

from hepcol.cli import one_line_errors


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

"""Plots of the fits of a run."""

import re
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from hepcol import store
from hepcol.inference.folder import DatasetFit, FolderFit
from hepcol.report.contact_sheet import PAGE, plot_all
from hepcol.report.fit_panel import plot_fit
from hepcol.report.fit_results import plot_companions, plot_quality, plot_result
from hepcol.report.style import LOOK, NO_DATE, save, style

NAMES = ("fit", "all_fits", "result", "result_2d", "quality")


@style(LOOK)
def plot_fits(fits: FolderFit) -> list[Path]:
    """Draw the fits of a run, in place of what was drawn of earlier ones.

    Parameters
    ----------
    fits : FolderFit
        The fits; the plots go to the plots of the run.

    Returns
    -------
    list of Path
        The files that were written.
    """
    written = []
    for part in fits.datasets:
        folder = store.fit_plots(fits.folder, part.dataset, fits.model)
        folder.mkdir(parents=True, exist_ok=True)
        _remove_earlier(folder)
        written += save(plot_fit(fits, part, 0), _targets(folder, "fit"))
        written += _save_pages(fits, part, folder)
        written += save(plot_result(fits, part), _targets(folder, "result"))
        if part.companions and len(part.records) > 1:
            written += save(plot_companions(fits, part), _targets(folder, "result_2d"))
        written += save(plot_quality(fits, part), _targets(folder, "quality"))
    return written


def _targets(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.{extension}" for extension in store.PLOT_FORMATS]


def _remove_earlier(folder: Path) -> None:
    """Remove what may be there of earlier fits, and nothing else."""
    ours = re.compile(rf"({'|'.join(NAMES)}|all_fits_\d+)\.({'|'.join(store.PLOT_FORMATS)})")
    for path in folder.iterdir():
        if ours.fullmatch(path.name):
            path.unlink()


def _save_pages(fits: FolderFit, part: DatasetFit, folder: Path) -> list[Path]:
    """Write the pages of all fits: together in one PDF file, and a PNG file of each."""
    pages = plot_all(fits, part)
    if len(part.records) <= PAGE:
        return save(next(pages), _targets(folder, "all_fits"))
    written = [folder / "all_fits.pdf"]
    with PdfPages(written[0], metadata=NO_DATE) as file:
        for number, page in enumerate(pages, 1):
            file.savefig(page)
            written += save(page, [folder / f"all_fits_{number}.png"])
    return written

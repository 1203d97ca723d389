"""Picture of a calibration from the Z peak: scales and constant terms by eta."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepcol.report.style import DARK, LIGHT, RED, mark, save, style
from processors.zee_atlas.regions import ETA_EDGES, REGIONS

if TYPE_CHECKING:
    from processors.zee_atlas.in_situ_folder import FolderInSitu

_PERCENT = 100.0


def plot(done: "FolderInSitu", path: Path) -> None:
    """Draw what was found and, of generated data, what was put in."""
    from matplotlib.figure import Figure

    found, injected = done.found, done.injected
    with style({"figure.figsize": (8, 8.5)}):
        figure = Figure()
        above, below = figure.subplots(2, 1, sharex=True)
        _draw(above, found.alpha, found.alpha_error, None if injected is None else injected.alpha)
        _draw(below, found.constant, found.constant_error, None if injected is None else injected.constant)
        above.axhline(0, color="0.6", linewidth=1, zorder=0)
        above.set_ylabel("energy scale $\\alpha$ [%]")
        below.set_ylabel("constant term $c$ [%]")
        below.set_xlabel("$\\eta$ of the cluster")
        below.set_ylim(bottom=0)
        for axes in (above, below):
            low, high = axes.get_ylim()
            axes.set_ylim(low, high + 0.25 * (high - low))
        above.legend(loc="upper left", fontsize="small", ncols=2)
        above.text(
            0.98,
            0.95,
            f"$\\chi^2$ / ndof = {found.chi2:.0f} / {found.ndof}",
            transform=above.transAxes,
            ha="right",
            va="top",
            fontsize="small",
        )
        if done.closure is not None:
            chi2, number = done.closure
            below.text(
                0.98,
                0.95,
                f"against what was put in: $\\chi^2$ = {chi2:.1f} of {number} parameters",
                transform=below.transAxes,
                ha="right",
                va="top",
                fontsize="small",
            )
        mark(above, done.summary)
        save(figure, [path])


def _draw(axes: Any, values: Any, errors: Any, injected: Any) -> None:
    """Draw one quantity in percent."""
    for number, region in enumerate(REGIONS):
        low, high = ETA_EDGES[region], ETA_EDGES[region + 1]
        axes.errorbar(
            (low + high) / 2,
            _PERCENT * values[number],
            xerr=(high - low) / 2,
            yerr=_PERCENT * errors[number],
            color=DARK,
            linewidth=2,
            label="fitted" if number == 0 else None,
        )
        if injected is not None:
            axes.plot(
                [low, high],
                [_PERCENT * injected[number]] * 2,
                color=RED,
                linewidth=2,
                linestyle="--",
                label="put in" if number == 0 else None,
                zorder=1,
            )
    for interval, (low, high) in enumerate(pairwise(ETA_EDGES)):
        if interval not in REGIONS:
            axes.axvspan(low, high, color=LIGHT, zorder=0)

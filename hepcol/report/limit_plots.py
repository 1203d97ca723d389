"""Plots of the statistical model of yields: all of them, and the regions."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.special import gammaincinv

from hepcol import store
from hepcol.histogram_files import escape
from hepcol.inference.histfactory_folder import MODEL, YieldFits
from hepcol.report.cls_plots import plot_cls, plot_limits
from hepcol.report.numbers import probability
from hepcol.report.parameter_plots import complaint, plot_pulls, plot_ranking
from hepcol.report.style import DARK, LOOK, RED, STEPS, Canvas, Column, Entry, banner, save, shrink, style

_SHADES = ("#cfdff2", "#7a9ecb", "#3d5a98", "#e0c98a", "#b07f45", "#a3aaa5", "#6a6a6a", "#efe6d8")
_ONE_SIGMA = 0.158655  # of a Gaussian beyond one standard deviation, on one side


@style(LOOK)
def plot_yield_fits(fits: YieldFits) -> list[Path]:
    """Draw the fits of yields.

    Parameters
    ----------
    fits : YieldFits
        The fits; the plots go to the folder's plots, where writing the fits has removed earlier ones.

    Returns
    -------
    list of Path
        The files that were written.
    """
    folder = store.model_plots(fits.folder, MODEL)
    drawn = {"yields": plot_regions(fits), "pulls_background": plot_pulls(fits, fits.background, "backgrounds alone")}
    for name, signal in fits.signals.items():
        drawn[f"pulls_{escape(name)}"] = plot_pulls(fits, signal.fit, name)
        if signal.fit.impacts:
            drawn[f"ranking_{escape(name)}"] = plot_ranking(fits, signal.fit, name)
        drawn[f"cls_{escape(name)}"] = plot_cls(fits, name)
    if len(fits.signals) > 1:
        drawn["limits"] = plot_limits(fits)
    return [
        path
        for name, figure in drawn.items()
        for path in save(figure, [folder / f"{name}.{extension}" for extension in store.PLOT_FORMATS])
    ]


def plot_regions(fits: YieldFits) -> Figure:
    """Draw the events of each region: data, the backgrounds before and after their fit, and a signal."""
    canvas = Canvas(max(9.5, 5.2 + 1.1 * len(fits.yields.regions)), 7)
    width = canvas.width - 5.0
    main, below = canvas.axes(1.2, 2.2, width, 4.3), canvas.axes(1.2, 0.7, width, 1.35)
    regions = fits.yields.regions
    x, shown = np.arange(len(regions)), fits.background.after or fits.background.before
    entries = _draw_backgrounds(main, fits, x)
    tops = [shown[region].total + shown[region].error for region in regions]
    if len(fits.signals) == 1:
        ((name, signal),) = fits.signals.items()
        heights = [signal.fit.before[region].samples[name] for region in regions]
        totals = [shown[region].total + height for region, height in zip(regions, heights, strict=True)]
        main.hlines(totals, x - 0.4, x + 0.4, color=RED, linestyle="--", linewidth=2)
        entries.append(Entry(Line2D([], [], color=RED, linestyle="--", linewidth=2), f"+ {name}"))
        tops += totals
    data = np.array([fits.yields.data[region] for region in regions], dtype=np.float64)
    # Garwood's central intervals (F. Garwood, Biometrika 28 (1936) 437), which few events need
    low, high = (
        np.where(data > 0, gammaincinv(np.maximum(data, 1e-9), _ONE_SIGMA), 0),
        gammaincinv(data + 1, 1 - _ONE_SIGMA),
    )
    points = main.errorbar(x, data, (data - low, high - data), fmt="o", color="black", markersize=6, zorder=5)
    main.set_ylim(0, 1.12 * max(*tops, *high))
    main.set_ylabel("events")
    _draw_region_pulls(below, fits, x, data)
    for axes in (main, below):
        axes.set_xlim(-0.6, len(regions) - 0.4)
        axes.xaxis.set_minor_locator(NullLocator())
    main.set_xticks(x, [""] * len(regions))
    below.set_xticks(x, regions, fontsize=12, parse_math=False)
    shrink(below.get_xticklabels(), 0.95 * width / (len(regions) + 0.2))
    if not fits.background.usable:
        banner(main, complaint(fits.background))
    canvas.mark(fits.summary, 1.2)
    column = Column(canvas, canvas.width - 3.55, 6.4, 3.35)
    after = "after" if fits.background.after else "before"
    column.text(f"backgrounds {after} their fit to the {fits.yields.label}", fontsize=13)
    column.legend([Entry(points, fits.yields.label), *entries], fontsize=13)
    if math.isfinite(fits.background.p_value):
        column.text(f"goodness of fit: p {probability(fits.background.p_value)}", fontsize=13)
    return canvas.figure


def _draw_backgrounds(axes: Axes, fits: YieldFits, x: Any) -> list[Entry]:
    """Draw the backgrounds on top of each other, with their uncertainties; return the legend."""
    regions, shown = fits.yields.regions, fits.background.after or fits.background.before
    bottom, entries = np.zeros(len(x)), []
    for number, name in enumerate(fits.yields.backgrounds):
        heights = np.array([shown[region].samples[name] for region in regions])
        color = _SHADES[number % len(_SHADES)]
        axes.bar(x, heights, 0.8, bottom, color=color, edgecolor="white", linewidth=0.5)
        entries.append(Entry(Patch(facecolor=color), name))
        bottom += heights
    errors = np.array([shown[region].error for region in regions])
    axes.bar(x, 2 * errors, 0.8, bottom - errors, fill=False, hatch="////", edgecolor="#444444", linewidth=0)
    before = [fits.background.before[region].total for region in regions]
    axes.hlines(before, x - 0.4, x + 0.4, color="black", linestyle=":", linewidth=2)
    return [
        *entries[::-1],
        Entry(Patch(fill=False, hatch="////", edgecolor="#444444", linewidth=0), "uncertainty"),
        Entry(Line2D([], [], color="black", linestyle=":", linewidth=2), "before the fit"),
    ]


def _draw_region_pulls(axes: Axes, fits: YieldFits, x: Any, data: Any) -> None:
    """Draw how far data are from what was expected before the fit, in standard errors of both."""
    before = [fits.background.before[region] for region in fits.yields.regions]
    pulls = [(n - p.total) / math.sqrt(p.total + p.error**2) for n, p in zip(data, before, strict=True)]
    reach = max(3.0, 1.15 * max(map(abs, pulls)))
    axes.axhspan(-2, 2, color="#e4e4e4", zorder=0)
    axes.axhspan(-1, 1, color="#c4c4c4", zorder=0)
    axes.axhline(0, color=DARK, linewidth=1.5, zorder=1)
    axes.plot(x, pulls, "o", color="black", markersize=6)
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=STEPS, symmetric=True))
    axes.set_ylabel("(data $-$ before)\n/ error")
    axes.yaxis.label.set(fontsize=12, linespacing=1.2, multialignment="center", ha="center", y=0.5)

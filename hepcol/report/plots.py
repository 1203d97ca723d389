"""Plots of the histograms of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hist
import mplhep
import numpy as np
from matplotlib.figure import Figure

from hepcol import store
from hepcol.histograms import VARIATION, counted, observables
from hepcol.report.band_plots import draw_band
from hepcol.report.bands import band_of, categories, has_systematics
from hepcol.report.style import DARK, LIGHT, MEDIUM, mark, per_bin, save, style


def plot_folder(folder: str | Path) -> list[Path]:
    """Draw every one-dimensional histogram of a run.

    Parameters
    ----------
    folder : str or Path
        Output folder of a run; the plots go to its subfolder ``plots``.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ValueError
        If the folder holds no run.
    """
    histograms, summary = store.read(folder)
    written: list[Path] = []
    with style():
        for name, histogram in histograms.items():
            figure = draw(histogram, name, summary)
            if figure is None:
                continue
            written += save(figure, store.plot_paths(Path(folder), name))
    return written


def draw(histogram: hist.Hist, name: tuple[str, ...], summary: Mapping[str, Any]) -> Figure | None:
    """Draw a histogram with one axis beside the categories, to be saved within :func:`hepcol.report.style.style`.

    Over categories beside the variations it is summed, and says so; of a histogram without variations, which may
    count an event in several categories, there is no plot.
    """
    further = [category for category in categories(histogram) if category != VARIATION]
    has_variations = VARIATION in categories(histogram)
    if len(observables(histogram)) != 1 or (further and not has_variations):
        return None
    (observed,) = observables(histogram)
    summed = histogram.project(VARIATION, observed) if has_variations else histogram
    observable = summed.axes[observed]
    figure = Figure()
    if has_systematics(summed):
        head_room = 1.75
        axes, lowest = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        draw_band(axes, lowest, band_of(summed))
    else:
        head_room = 1.45
        axes = lowest = figure.add_subplot()
        if has_variations:
            _draw_spread(axes, summed)
        else:
            mplhep.histplot(summed, ax=axes, color=DARK, label=counted(observable), yerr=True)
    lowest.set_xlabel(observable.label or observable.name)
    axes.set_ylabel(per_bin(observable))
    axes.set_xlim(observable.edges[0], observable.edges[-1])
    # for the legend and the labels above the highest bin
    axes.set_ylim(0, head_room * max(axes.get_ylim()[1], 1))
    axes.legend(
        loc="upper right",
        title="\n".join([_title(name, summary), *([f"sum over {', '.join(further)}"] if further else [])]),
        title_fontsize="small",
        fontsize="small",
        alignment="left",
    )
    mark(axes, summary)
    return figure


def _title(name: tuple[str, ...], summary: Mapping[str, Any]) -> str:
    """Say which sample is shown, and how many of its events."""
    part = summary.get("datasets", {}).get(name[0])
    if part is None:
        return "/".join(name)
    return f"{name[0]}\n{part['selected']:,} of {part['events']:,} events"


def _draw_spread(axes: Any, histogram: hist.Hist) -> None:
    """Draw the mean over the variations, their standard deviation, and their range."""
    contents = np.asarray([histogram[{VARIATION: number}].values() for number in range(histogram.axes[VARIATION].size)])
    observable = next(axis for axis in histogram.axes if axis.name != VARIATION)
    edges, mean, spread = observable.edges, contents.mean(axis=0), contents.std(axis=0)
    count = len(contents)
    if count == 1 or not spread.any():
        alike = f"all {count} variations alike" if count > 1 else str(histogram.axes[VARIATION][0])
        axes.stairs(mean, edges, color=DARK, linewidth=2, label=alike)
        return
    axes.stairs(
        contents.max(axis=0),
        edges,
        baseline=contents.min(axis=0),
        fill=True,
        color=LIGHT,
        label=f"range of {count} variations",
    )
    axes.stairs(mean + spread, edges, baseline=mean - spread, fill=True, color=MEDIUM, label="standard deviation")
    axes.stairs(mean, edges, color=DARK, linewidth=2, label="mean")

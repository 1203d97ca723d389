"""Plots of the histograms of a run."""

from pathlib import Path
from typing import Any

import hist
import mplhep
import numpy as np
from matplotlib.figure import Figure

from hepcol import store
from hepcol.report.style import DARK, LIGHT, MEDIUM, mark, per_bin, save, style

VARIATION = "variation"


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
            figure = _draw(histogram, name, summary)
            if figure is None:
                continue
            written += save(figure, store.plot_paths(Path(folder), name))
    return written


def _draw(histogram: hist.Hist, name: tuple[str, ...], summary: dict[str, Any]) -> Figure | None:
    """Draw a histogram if it has one axis beside the variations."""
    categories = [axis.name for axis in histogram.axes if isinstance(axis, hist.axis.StrCategory)]
    if histogram.ndim - len(categories) != 1 or categories not in ([], [VARIATION]):
        return None
    figure = Figure()
    axes = figure.add_subplot()
    if categories:
        _draw_spread(axes, histogram)
    else:
        mplhep.histplot(histogram, ax=axes, color=DARK, label="events", yerr=True)
    observable = next(axis for axis in histogram.axes if axis.name not in categories)
    axes.set_xlabel(observable.label or observable.name)
    axes.set_ylabel(per_bin(observable))
    axes.set_xlim(observable.edges[0], observable.edges[-1])
    # head room for the legend and the labels above the highest bin
    axes.set_ylim(0, 1.45 * max(axes.get_ylim()[1], 1))
    axes.legend(
        loc="upper right",
        title=_title(name, summary),
        title_fontsize="small",
        fontsize="small",
        alignment="left",
    )
    mark(axes, summary)
    return figure


def _title(name: tuple[str, ...], summary: dict[str, Any]) -> str:
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

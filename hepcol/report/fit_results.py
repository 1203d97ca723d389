"""Plots of what fits found over variations: the result, its companions, the quality of the fits."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from hepcol.inference.arrays import FloatArray
from hepcol.inference.folder import DatasetFit, FolderFit
from hepcol.inference.record import Status
from hepcol.report.numbers import measured, with_unit
from hepcol.report.style import (
    DARK,
    LIGHT,
    LOOK,
    MEDIUM,
    RED,
    STEPS,
    Canvas,
    Column,
    Entry,
    banner,
    label_axes,
    style,
)

BoolArray = npt.NDArray[np.bool_]
_IN_A_ROW = 3  # plots
_LETTERS = 60  # of the names of variations that there is room for
_MANY = 200  # more error bars are a band
_FEW, _MIN_CORRELATED = 10, 3  # usable fits: fewer make no distribution, and no correlation
_SHADES = LinearSegmentedColormap.from_list("greys", ["0.93", "0.62"])
# shapes differ, since colours do not in grey
_MARKERS: dict[Status, dict[str, Any]] = {
    Status.CONVERGED: {"marker": "o", "color": DARK},
    Status.AT_BOUND: {"marker": "v", "color": RED, "markerfacecolor": "white"},
    Status.NO_COVARIANCE: {"marker": "s", "color": RED, "markerfacecolor": "white"},
    Status.NOT_CONVERGED: {"marker": "x", "color": RED},
    Status.TOO_FEW_ENTRIES: {"marker": "+", "color": RED},
}


@style(LOOK)
def plot_result(fits: FolderFit, part: DatasetFit) -> Figure:
    """Draw the result of all variations, what is expected, and the pulls.

    Parameters
    ----------
    fits : FolderFit
        The fits of the run.
    part : DatasetFit
        Those of one dataset.

    Returns
    -------
    Figure
        To be saved within :func:`hepcol.report.style.style`.
    """
    canvas = Canvas(12.5, 8)
    axes = canvas.axes(1.3, 0.9, 7.2, 6.6)
    values, errors = part.results.T
    usable = list(part.usable)
    unit = part.plan.unit
    axes.set_ylim(_limits(part, 2, part.plan.expected))
    entries = []
    if len(usable) > 1:
        entries += _draw_mean(axes, values[usable], unit)
    if part.plan.expected is not None:
        line = axes.axhline(part.plan.expected, color="black", linestyle="--", linewidth=1.8, zorder=2.5)
        entries.append(Entry(line, _expectation(part)))
    bars = np.stack([values - errors, values + errors], axis=1)[usable]
    ends = [np.array([(number, end) for end in bar]) for number, bar in zip(usable, bars, strict=True)]
    thin = len(part.records) > _MANY
    axes.add_collection(LineCollection(ends, color=MEDIUM if thin else DARK, linewidth=0.6 if thin else 1.2, zorder=1))
    entries += _draw_statuses(axes, part, np.arange(len(values), dtype=np.float64), values)
    _label_variations(axes, part)
    label_axes(axes, y=_quantity(part))
    if not usable:
        banner(axes, "NO FIT IS USABLE")
    canvas.mark(fits.summary, 1.3)
    column = _title(canvas, part, 8.8, 3.45)
    column.legend(entries, gap=0.3, fontsize=13)
    known = [number for number in usable if errors[number] > 0]
    if part.plan.expected is not None and part.plan.is_whole and len(known) >= _FEW:
        _draw_result_pulls(canvas, column, values[known], errors[known], part.plan.expected)
    return canvas.figure


def _title(canvas: Canvas, part: DatasetFit, left: float, width: float) -> Column:
    """Begin a column with what is shown."""
    column = Column(canvas, left, canvas.height - 0.5, width)
    column.text(part.dataset, gap=0.05, weight="bold", fontsize=14, parse_math=False)
    column.text(part.models[0].title, gap=0.2, fontsize=13, color="#444444")
    return column


def _quantity(part: DatasetFit) -> str:
    return f"{part.plan.quantity} [{part.plan.unit}]" if part.plan.unit else part.plan.quantity


def _expectation(part: DatasetFit) -> str:
    return with_unit(f"{part.plan.expected_label} {part.plan.expected:.3g}", part.plan.unit)


def _limits(part: DatasetFit, reach: float, expected: float | None = None) -> tuple[float, float]:
    """Choose an axis for the results: all usable ones are on it, with some errors around, others if they are near."""
    values, errors = part.results.T
    usable, others = list(part.usable), values[np.isfinite(values)]
    core = []
    if usable:
        around = reach * np.median(np.nan_to_num(errors[usable]))
        core += [np.nanmin(values[usable]) - around, np.nanmax(values[usable]) + around]
    if len(usable) < _FEW and len(others):
        core += list(np.percentile(others, (5, 95)))
    if expected is not None:
        core.append(expected)
    if not core:
        return 0.0, 1.0
    low, high = min(core), max(core)
    span = (high - low) or 0.1 * abs(high) or 1.0
    near = others[(others > low - span) & (others < high + span)]
    low, high = min(low, *near, high), max(high, *near, low)
    margin = 0.06 * ((high - low) or span)
    return float(low - margin), float(high + margin)


def _draw_mean(axes: Axes, values: FloatArray, unit: str) -> list[Entry]:
    """Draw the mean of usable fits and its standard deviation."""
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    line = axes.axhline(mean, color=DARK, linewidth=1.8, zorder=2)
    error = deviation / math.sqrt(len(values))
    band = axes.axhspan(mean - error, mean + error, color=MEDIUM, alpha=0.6, linewidth=0, zorder=0.5)
    spread = measured(deviation, deviation / math.sqrt(2 * (len(values) - 1)))
    return [
        Entry((band, line), f"mean {with_unit(measured(mean, error), unit)}"),
        Entry(Line2D([], [], linestyle="none"), f"standard deviation\n{with_unit(spread, unit)}"),
    ]


def _draw_statuses(axes: Axes, part: DatasetFit, x: FloatArray, y: FloatArray) -> list[Entry]:
    """Draw a marker for each fit that tells its status, at the edge of the plot if it is beyond; return the legend."""
    low, high = axes.get_ylim()
    total, entries = len(part.records), []
    size = float(np.clip(90 / math.sqrt(total), 2.2, 7))
    for status, look in _MARKERS.items():
        chosen = np.array([record.status is status for record in part.records]) & np.isfinite(x)
        if not chosen.any():
            continue
        # at the edge, half of a marker would be cut off
        inside = np.clip(y[chosen], low + 0.015 * (high - low), high - 0.015 * (high - low))
        axes.plot(x[chosen], inside, linestyle="none", markersize=size, zorder=3, **look)
        off = int(np.sum((y[chosen] < low) | (y[chosen] > high))), int(np.sum(np.isnan(y[chosen])))
        notes = [f"{count} {what}" for count, what in zip(off, ("off scale", "without value"), strict=True) if count]
        (handle,) = axes.plot([], [], linestyle="none", markersize=7, **look)
        told = f"{'usable' if status is Status.CONVERGED else status}: {np.sum(chosen)} of {total}"
        entries.append(Entry(handle, ", ".join([told, *notes])))
    return entries


def _label_variations(axes: Axes, part: DatasetFit) -> None:
    """Label the axis of variations, with their names if there is room."""
    total = len(part.variations)
    axes.set_xlim(-0.5 - 0.01 * total, total - 0.5 + 0.01 * total)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("variation")
    if sum(len(name) + 2 for name in part.variations) < _LETTERS:
        axes.set_xticks(range(total), part.variations, fontsize=12, parse_math=False)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=STEPS, integer=True))


def _draw_result_pulls(canvas: Canvas, column: Column, values: FloatArray, errors: FloatArray, expected: float) -> None:
    """Draw how far results are from what is expected, in their errors, at the end of a column."""
    pulls = (values - expected) / errors
    mean, width, number = float(pulls.mean()), float(pulls.std(ddof=1)), len(pulls)
    column.text(
        "pulls of the usable fits\n"
        f"mean {measured(mean, width / math.sqrt(number))}, width {measured(width, width / math.sqrt(2 * number - 2))}",
        fontsize=12,
    )
    axes = canvas.axes(9.4, 0.9, 2.85, float(np.clip(column.top - 0.9, 1, 2.4)))
    reach = max(4.0, math.ceil(float(np.abs(pulls).max())))
    edges = np.linspace(-reach, reach, 17)
    contents, _ = np.histogram(pulls, edges)
    axes.stairs(contents, edges, fill=True, facecolor=LIGHT, edgecolor=DARK, linewidth=1.5)
    x = np.linspace(-reach, reach, 400)
    axes.plot(
        x,
        number * (edges[1] - edges[0]) * np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
        "--",
        color="black",
        linewidth=1.5,
    )
    axes.set(xlim=(-reach, reach), ylim=(0, 1.15 * max(axes.get_ylim())))
    _label_counts(axes, "(fit $-$ expected) / error")


def _label_counts(axes: Axes, label: str) -> None:
    """Label a small histogram of fits."""
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS, integer=True))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=11)
    label_axes(axes, label, "fits")
    axes.xaxis.label.set_fontsize(12)
    axes.yaxis.label.set_fontsize(12)


@style(LOOK)
def plot_companions(fits: FolderFit, part: DatasetFit) -> Figure:
    """Draw the result of all variations against the means of other observables.

    Parameters
    ----------
    fits : FolderFit
        The fits of the run.
    part : DatasetFit
        Those of one dataset, which has such observables.

    Returns
    -------
    Figure
        To be saved within :func:`hepcol.report.style.style`.
    """
    number = len(part.companions)
    across = min(number, _IN_A_ROW)
    canvas = Canvas(1.3 + across * 4.9 + 3.3, 0.4 + math.ceil(number / across) * 5.5)
    values = part.results[:, 0]
    limits = _limits(part, 0.3)
    entries: list[Entry] = []
    for k, companion in enumerate(part.companions.values()):
        left, top = 1.3 + (k % across) * 4.9, canvas.height - 0.5 - (k // across) * 5.5
        axes = canvas.axes(left, top - 4.6, 4.5, 4.6)
        axes.set_ylim(limits[0], limits[1] + 0.14 * (limits[1] - limits[0]))
        axes.set_xlim(_range(companion.means))
        shading = _shade(axes, companion.means, values, part)
        entries = shading + _draw_statuses(axes, part, companion.means, values)
        axes.text(
            0.5,
            0.955,
            _correlation(companion.means, values, part),
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=12.5,
        )
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS))
        label_axes(axes, f"mean of {companion.label}", "" if k % across else _quantity(part))
        axes.tick_params(labelleft=not k % across)
        axes.xaxis.label.set_fontsize(13)
        axes.tick_params(labelsize=12)
        if not part.usable:
            banner(axes, "NO FIT IS USABLE")
    canvas.mark(fits.summary, 1.3)
    column = _title(canvas, part, canvas.width - 3.3, 3.2)
    column.legend(entries, fontsize=13)
    return canvas.figure


def _range(values: FloatArray) -> tuple[float, float]:
    """Choose an axis for some values."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    margin = 0.08 * (high - low) or 1e-3 * abs(high) or 1.0
    return low - margin, high + margin


def _shade(axes: Axes, x: FloatArray, y: FloatArray, part: DatasetFit) -> list[Entry]:
    """Shade bins by the number of usable fits in them."""
    usable = list(part.usable)
    known = np.isfinite(x[usable])
    if known.sum() < _FEW:
        return []
    # about one fit in a bin, several in the middle; finer bins than the markers would be hidden by these
    bins = int(np.clip(math.sqrt(known.sum()), 4, 16))
    counts, x_edges, y_edges = np.histogram2d(x[usable][known], y[usable][known], bins)
    axes.pcolormesh(x_edges, y_edges, np.ma.masked_equal(counts.T, 0), cmap=_SHADES, vmin=1, zorder=0)
    return [Entry(Patch(facecolor=_SHADES(1.0)), f"usable fits per bin, up to {counts.max():.0f}")]


def _correlation(x: FloatArray, y: FloatArray, part: DatasetFit) -> str:
    """Write the correlation of usable fits, with its error (R. A. Fisher, Metron 1 (1921) 3)."""
    usable = list(part.usable)
    known = np.isfinite(x[usable]) & np.isfinite(y[usable])
    number = int(known.sum())
    if number < _MIN_CORRELATED or not (np.ptp(x[usable][known]) > 0 and np.ptp(y[usable][known]) > 0):
        return ""
    found = float(np.corrcoef(x[usable][known], y[usable][known])[0, 1])
    return f"correlation {measured(found, (1 - found * found) / math.sqrt(number - 1))}"


@style(LOOK)
def plot_quality(fits: FolderFit, part: DatasetFit) -> Figure:
    """Draw how well all variations were fitted: p-values, chi2 per degree of freedom, and statuses.

    Parameters
    ----------
    fits : FolderFit
        The fits of the run.
    part : DatasetFit
        Those of one dataset.

    Returns
    -------
    Figure
        To be saved within :func:`hepcol.report.style.style`.
    """
    canvas = Canvas(12.5, 8)
    upper = canvas.axes(1.3, 4.3, 7.2, 3.2)
    lower = canvas.axes(1.3, 0.9, 7.2, 3.2, sharex=upper)
    records = part.records
    x = np.arange(len(records), dtype=np.float64)
    p_values = np.array([record.p_value for record in records])
    reduced = np.array([record.chi2 / record.ndof if record.ndof else math.nan for record in records])
    upper.set_ylim(-0.03, 1.03)
    entries = _draw_statuses(upper, part, x, p_values)
    label_axes(upper, y="p-value")
    entries += _draw_reduced(lower, part, reduced)
    _label_variations(lower, part)
    upper.tick_params(labelbottom=False)
    canvas.mark(fits.summary, 1.3)
    column = _title(canvas, part, 8.8, 3.45)
    column.legend(entries, gap=0.25, fontsize=13)
    _draw_p_values(canvas, column, p_values, np.array([record.usable for record in records]))
    return canvas.figure


def _draw_reduced(axes: Axes, part: DatasetFit, reduced: FloatArray) -> list[Entry]:
    """Draw chi2 per degree of freedom, and where most of them should be."""
    low, high = _range(np.append(reduced, (0.7, 1.3)))
    ndof = np.median([record.ndof for record in part.records if record.ndof] or [0])
    line = axes.axhline(1, color="black", linestyle="--", linewidth=1.5, zorder=1)
    entries = [Entry(line, "expected")]
    if ndof:
        spread = math.sqrt(2 / ndof)
        band = axes.axhspan(1 - spread, 1 + spread, color="0.85", linewidth=0, zorder=0)
        entries = [Entry((band, line), "expected, and its standard deviation")]
        low, high = min(low, 1 - 1.5 * spread), max(high, 1 + 1.5 * spread)
    axes.set_ylim(max(low, -0.1), high)
    _draw_statuses(axes, part, np.arange(len(reduced), dtype=np.float64), reduced)
    label_axes(axes, y=r"$\chi^2$ / ndof")
    return entries


def _draw_p_values(canvas: Canvas, column: Column, p_values: FloatArray, usable: BoolArray) -> None:
    """Draw the histogram of p-values at the end of a column."""
    edges = np.linspace(0, 1, 11)
    good, bad = (np.histogram(p_values[chosen & np.isfinite(p_values)], edges)[0] for chosen in (usable, ~usable))
    look_good: dict[str, Any] = {"facecolor": LIGHT, "edgecolor": DARK, "linewidth": 1.5}
    look_bad: dict[str, Any] = {"facecolor": "white", "edgecolor": RED, "linewidth": 1.2, "hatch": "////"}
    mean = good.sum() / len(good)
    band, line = Patch(color="0.5", alpha=0.35), Line2D([], [], color="black", linestyle="--", linewidth=1.5)
    entries = []
    if good.any():
        entries.append(Entry(Patch(**look_good), "usable fits"))
    if bad.any():
        entries.append(Entry(Patch(**look_bad), "not usable"))
    if good.sum() >= _FEW:
        entries.append(Entry((band, line), "flat, and its Poisson error"))
    column.legend(entries, fontsize=12)
    axes = canvas.axes(9.4, 0.9, 2.85, float(np.clip(column.top - 1, 1, 2.4)))
    axes.stairs(good, edges, fill=True, **look_good)
    axes.bar(edges[:-1][bad > 0], bad[bad > 0], 0.1, good[bad > 0], align="edge", **look_bad)
    if good.sum() >= _FEW:
        axes.axhspan(max(mean - math.sqrt(mean), 0), mean + math.sqrt(mean), color="0.5", alpha=0.35, linewidth=0)
        axes.axhline(mean, color="black", linestyle="--", linewidth=1.5)
    axes.set(xlim=(0, 1), ylim=(0, 1.15 * max(1, *(good + bad), mean + math.sqrt(mean))))
    _label_counts(axes, "p-value")

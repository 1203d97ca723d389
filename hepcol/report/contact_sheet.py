"""Small plots of the fits of all variations."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepcol.inference.arrays import FloatArray
from hepcol.inference.folder import DatasetFit, FolderFit
from hepcol.report.fit_panel import curves_of, events_label, points_of
from hepcol.report.numbers import measured, probability, with_unit
from hepcol.report.style import (
    DARK,
    LIGHT,
    LOOK,
    RED,
    Canvas,
    Column,
    Scale,
    shrink,
    style,
)

BoolArray = npt.NDArray[np.bool_]
PAGE = 100  # fits on a page of all of them
_ACROSS, _IN_A_ROW = 10, 3  # at most; as many as are not wrapped
_TICK = 0.05  # inch


def plot_all(fits: FolderFit, part: DatasetFit) -> Iterator[Figure]:
    """Draw all fits of a dataset, small and side by side, on pages of 100.

    Parameters
    ----------
    fits : FolderFit
        The fits of the run.
    part : DatasetFit
        Those of one dataset.

    Yields
    ------
    Figure
        A page, to be saved within :func:`hepcol.report.style.style`.
    """
    total = len(part.records)
    for first in range(0, total, PAGE):
        yield _plot_page(fits, part, range(first, min(first + PAGE, total)))


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where the fits of a page are [inch]: lower left corners, sizes, and that of the title above each.

    All of them are in one pair of axes: a hundred of them would take a minute.
    """

    axes: Axes
    left: FloatArray
    bottom: FloatArray
    width: float
    height: float
    title: float
    across: int
    text: float  # size, in points

    @property
    def room(self) -> float:
        """How much of the height is drawn on; two lines are written above."""
        return 1 - (0.12 + 2 * self.text / 55) / self.height

    def frames(self, chosen: BoolArray) -> list[FloatArray]:
        """Corners of some plots."""
        return _corners(self.left[chosen], self.bottom[chosen], self.width, self.height)

    def titles(self, chosen: BoolArray) -> list[FloatArray]:
        """Corners of the titles of some plots."""
        return _corners(self.left[chosen], self.bottom[chosen] + self.height, self.width, self.title)


def _corners(left: FloatArray, bottom: FloatArray, width: float, height: float) -> list[FloatArray]:
    x, y = np.array([0, width, width, 0]), np.array([0, 0, height, height])
    return list(np.stack([left[:, None] + x, bottom[:, None] + y], axis=-1))


@style(LOOK)
def _plot_page(fits: FolderFit, part: DatasetFit, numbers: range) -> Figure:
    """Draw some fits on a page."""
    total = len(part.records)
    across = total if total <= _IN_A_ROW else min(_ACROSS, math.ceil(math.sqrt(total)))
    width = min(4.5, max(1.55, 14 / across)) if across > 1 else 6.5
    text = float(np.clip(5.5 * width, 9, 13))  # points
    title, height, gap = text / 42, 0.8 * width, 0.13
    left, bottom = 1.0, 0.75
    columns, rows = np.arange(len(numbers)) % across, np.arange(len(numbers)) // across
    page_width = max(left + across * (width + gap) + 0.2, 8)
    head = _write_head(Canvas(page_width, 10), fits, part, numbers)
    canvas = Canvas(page_width, bottom + (rows[-1] + 1) * (height + title + gap) + head)
    axes = canvas.axes(0, 0, canvas.width, canvas.height, xlim=(0, canvas.width), ylim=(0, canvas.height))
    axes.axis("off")
    grid = _Grid(
        axes,
        np.asarray(left + columns * (width + gap), dtype=np.float64),
        np.asarray(canvas.height - head - (rows + 1) * (height + title) - rows * gap, dtype=np.float64),
        width,
        height,
        title,
        across,
        text,
    )
    _draw_frames(grid, np.array([part.records[number].usable for number in numbers]))
    _label_grid(grid, part, numbers, _draw_spectra(grid, part, numbers))
    _write_results(grid, part, numbers)
    _write_head(canvas, fits, part, numbers)
    return canvas.figure


def _draw_frames(grid: _Grid, usable: BoolArray) -> None:
    """Draw the frames; those of unusable fits hatched, thick, and with a filled title."""
    looks: tuple[tuple[list[FloatArray], dict[str, Any]], ...] = (
        (grid.titles(usable), {"facecolor": LIGHT, "edgecolor": "0.25", "linewidth": 0.8}),
        (grid.frames(~usable), {"facecolor": "0.96", "edgecolor": "0.8", "linewidth": 0, "hatch": "////"}),
        (grid.titles(~usable), {"facecolor": RED, "edgecolor": RED, "linewidth": 2.4}),
        (grid.frames(usable), {"facecolor": "none", "edgecolor": "0.25", "linewidth": 0.8, "zorder": 5}),
        (grid.frames(~usable), {"facecolor": "none", "edgecolor": RED, "linewidth": 2.4, "zorder": 6}),
    )
    for corners, look in looks:
        grid.axes.add_collection(PolyCollection(corners, **look), autolim=False)


def _draw_spectra(grid: _Grid, part: DatasetFit, numbers: range) -> tuple[float, float]:
    """Draw events and curves, all on the same scale; return the contents at the lower edge and at the upper one."""
    drawn = [points_of(part.spectra[number]) for number in numbers]
    ends = np.concatenate([np.concatenate([low, high]) for _, _, low, high in drawn])
    low, high = min(0.0, float(ends.min(initial=0))), float(ends.max(initial=0))
    high = low + (high - low or 1) / grid.room
    first, last = part.spectra[numbers[0]].range
    points, bars, curves = [], [], []
    for k, number in enumerate(numbers):

        def place(x: FloatArray, y: FloatArray, k: int = k) -> FloatArray:
            inside = np.clip((y - low) / (high - low), 0, 1)
            across = (x - first) / (last - first)
            return np.stack([grid.left[k] + grid.width * across, grid.bottom[k] + grid.height * inside], axis=-1)

        x, y, lower, upper = drawn[k]
        points.append(place(x, y))
        bars += list(np.stack([place(x, lower), place(x, upper)], axis=1))
        curve = curves_of(part.models[number], part.records[number], part.spectra[number].edges, 4)
        if curve is not None:
            curves.append(place(curve.x, curve.total))
    size = float(np.clip(60 * grid.width / len(part.spectra[0].contents), 0.8, 4))
    grid.axes.add_collection(LineCollection(bars, color="0.35", linewidth=0.5, zorder=3), autolim=False)
    grid.axes.plot(*np.concatenate(points).T, "o", color="black", markersize=size, markeredgewidth=0, zorder=3)
    grid.axes.add_collection(LineCollection(curves, color=DARK, linewidth=1.3, zorder=4), autolim=False)
    return low, high


def _label_grid(grid: _Grid, part: DatasetFit, numbers: range, limits: tuple[float, float]) -> None:
    """Draw tick marks in all plots, and numbers at the outer ones."""
    first, last = part.spectra[numbers[0]].range
    margin = 0.06 * (last - first)  # closer to it, numbers of neighbours touch
    x_ticks = [tick for tick in MaxNLocator(3).tick_values(first, last) if first + margin < tick < last - margin]
    top = limits[0] + grid.room * (limits[1] - limits[0])
    few = 3 if grid.height < 2 else 6  # noqa: PLR2004
    y_ticks = [tick for tick in MaxNLocator(few).tick_values(limits[0], top) if limits[0] <= tick <= top]
    scale, x_scale = Scale.of(*limits), Scale.of(first, last)
    x_at = [grid.width * (tick - first) / (last - first) for tick in x_ticks]
    y_at = [grid.height * (tick - limits[0]) / (limits[1] - limits[0]) for tick in y_ticks]
    marks = []
    look: dict[str, Any] = {"fontsize": grid.text, "parse_math": False}
    for k, (left, bottom) in enumerate(zip(grid.left, grid.bottom, strict=True)):
        marks += [[(left + x, bottom), (left + x, bottom + _TICK)] for x in x_at]
        marks += [[(left, bottom + y), (left + _TICK, bottom + y)] for y in y_at]
        if k + grid.across >= len(numbers):
            for x, tick in zip(x_at, x_ticks, strict=True):
                grid.axes.text(left + x, bottom - 0.05, x_scale.tick(tick), ha="center", va="top", **look)
        if k % grid.across == 0:
            for y, tick in zip(y_at, y_ticks, strict=True):
                grid.axes.text(left - 0.05, bottom + y, scale.tick(tick), ha="right", va="center", **look)
    grid.axes.add_collection(LineCollection(marks, color="0.25", linewidth=0.8, zorder=5), autolim=False)
    edges = grid.left[: grid.across].max() + grid.width, grid.bottom[0] + grid.height + grid.title
    name = scale.label(events_label(part, numbers[0]))
    grid.axes.text(0.15, edges[1], name, rotation=90, ha="left", va="top", fontsize=14)
    grid.axes.text(edges[0], 0.12, x_scale.label(part.label), ha="right", va="bottom", fontsize=14)


def _write_results(grid: _Grid, part: DatasetFit, numbers: range) -> None:
    """Write the names, and what came out: the result and the p-value, or the status."""
    names, results, notes = [], [], []
    values = part.results
    look: dict[str, Any] = {"fontsize": grid.text, "parse_math": False, "zorder": 7}
    for left, bottom, number in zip(grid.left + 0.06, grid.bottom, numbers, strict=True):
        record, (value, error) = part.records[number], values[number]
        top, likely, known = bottom + grid.height, probability(record.p_value), math.isfinite(value)
        if record.usable:
            colors, weight = ("black", "black"), "normal"
            told = with_unit(measured(value, error), part.plan.unit), f"p {likely}" if likely else "no p-value"
        else:
            colors, weight = ("white", RED), "bold"
            told = record.status.value, f"({with_unit(measured(value), part.plan.unit)})" if known else ""
        write = grid.axes.text
        name = part.variations[number]
        names.append(write(left, top + 0.45 * grid.title, name, va="center", color=colors[0], weight=weight, **look))
        results.append(write(left, top - 0.06, told[0], va="top", color=colors[1], weight=weight, **look))
        notes.append(write(left, top - 0.06 - grid.text / 55, told[1], va="top", color=colors[1], **look))
    for texts in (names, results, notes):
        shrink(texts, grid.width - 0.12)


def _write_head(canvas: Canvas, fits: FolderFit, part: DatasetFit, numbers: range) -> float:
    """Write above a page what is on it; return how high that is."""
    canvas.mark(fits.summary)
    total = len(part.records)
    statuses = ", ".join(f"{count} {status}" for status, count in part.statuses.items())
    shown = f" (page {numbers[0] // PAGE + 1} of {math.ceil(total / PAGE)})" if total > PAGE else ""
    column = Column(canvas, 0.2, canvas.height - 0.5, canvas.width - 0.4)
    column.text(f"{part.dataset}{shown}", gap=0.04, fontsize=13, parse_math=False)
    column.text(part.models[0].title, gap=0.04, fontsize=13)
    column.text(
        f"{part.plan.quantity}: {len(part.usable)} of {total} fits usable ({statuses}). Points: events; line: fit"
        f"{'; hatched, in a thick frame: not to be used' * (len(part.usable) < total)}.",
        fontsize=11,
        color="#444444",
    )
    return canvas.height - column.top

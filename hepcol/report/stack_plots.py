"""Plots of expected and observed events: backgrounds on each other, data as points, signals as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hist.intervals import poisson_interval
from matplotlib import style as styles
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patheffects import Normal, Stroke

from hepcol.inference.arrays import FloatArray
from hepcol.report.bands import Band, sum_bands
from hepcol.report.style import RED, mark, per_bin

_LINES = ("-", "--", ":", "-.")
_LIKE_SIGNALS = "#bd1f01"  # of the palette, beside their red
_SIGNALS = (RED, "#00007a", "#005a20", "#7a007a", "#5c3a00")  # dark, beside the palette of the backgrounds
_HALO = [Stroke(linewidth=4, foreground="white"), Normal()]  # of lines on fills
_HATCH, _VEIL, _SHADE = "black", (1.0, 1.0, 1.0, 0.3), "#303030"  # the veil lightens fills behind a hatch
_STATISTICAL, _WHOLE = "stat. error", r"stat. $\oplus$ syst. error"
_COLUMNS, _SIZES = (2, 3, 4), ("x-small", "xx-small")  # of the legend, as many and as small as it needs
_OF_LEGEND = 1 / 3  # of the height of the axes, at most
_WIDTH = 6.6  # of the axes [inch], about, less their ticks
_CLEAR = 0.35  # above the legend and beneath it [inch]
_HEIGHT, _HEIGHT_WITH_RATIO = 5.9, 4.3  # of the axes [inch], about
_DECADES = 6  # of a logarithmic axis, at most
_EXPECTED = 1.0  # events, from which on a bin without data is a point, too
_REACHES = (0.1, 0.2, 0.5, 1.0)  # of the axis of ratios
_WITHIN = 0.9  # of the points at least, not beyond it
_SURE = 0.3  # relative error of data, above which a bin does not say how far that axis goes


@dataclass(frozen=True, eq=False)
class Layer:
    """A part of what is expected.

    Parameters
    ----------
    label : str
        What it is.
    band : Band
        Its events.
    colour : str
        Its colour; by default the next of the palette.
    """

    label: str
    band: Band
    colour: str = ""


@dataclass(frozen=True, eq=False)
class Stack:
    """What a plot shows.

    Parameters
    ----------
    title : str
        Of the legend.
    axis : hist axis
        The observable, with the edges of its bins and a label.
    backgrounds, signals : sequence of Layer
        What is expected.
    data : Band, optional
        Observed events.
    data_label : str
        What the data are.
    thresholds : sequence of float
        Values that are cut on.
    blinded : bool[bins], optional
        Bins whose data are not shown.
    log : bool
        Whether the axis of events is logarithmic.
    ratio : bool
        Whether data are divided by what is expected, in a panel beneath.
    """

    title: str
    axis: Any
    backgrounds: Sequence[Layer]
    signals: Sequence[Layer] = ()
    data: Band | None = None
    data_label: str = "data"
    thresholds: Sequence[float] = ()
    blinded: np.ndarray | None = None
    log: bool = False
    ratio: bool = False

    @property
    def total(self) -> Band | None:
        """All backgrounds; None without any."""
        return sum_bands([layer.band for layer in self.backgrounds]) if self.backgrounds else None


def plot_stack(stack: Stack, summary: Mapping[str, Any]) -> Figure:
    """Draw a plot; to be saved within :func:`hepcol.report.style.style`."""
    figure = Figure()
    FigureCanvasAgg(figure)  # the legend is measured with it
    total = stack.total
    has_ratio = stack.ratio and stack.data is not None and total is not None
    if has_ratio:
        axes, lowest = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    else:
        axes = lowest = figure.add_subplot()
    handles = _draw_layers(axes, stack)
    if total is not None:
        handles += _draw_errors(axes, total, total.nominal, 1.0)
    for number, signal in enumerate(stack.signals):
        look: dict[str, Any] = {
            "color": signal.colour or _SIGNALS[number % len(_SIGNALS)],
            "linestyle": _LINES[number % len(_LINES)],
            "path_effects": _HALO,
        }
        handles.append(_outline(axes, signal.band, label=signal.label, linewidth=2, **look))
    if stack.data is not None:
        handles.insert(0, _draw_data(axes, stack, stack.data, total))
        if has_ratio and total is not None:
            _draw_ratio(lowest, stack, stack.data, total)
    height = _HEIGHT_WITH_RATIO if has_ratio else _HEIGHT
    taken = _add_legend(axes, stack, handles, height)
    highest, top = _set_limits(axes, stack, total, 1 - taken / height)
    for threshold in stack.thresholds:
        axes.plot([threshold, threshold], [0, highest * 1.05], color="black", linewidth=1.5, linestyle=(0, (4, 2)))
    axes.set_ylim(top=top)
    axes.set_xlim(stack.axis.edges[0], stack.axis.edges[-1])
    lowest.set_xlabel(stack.axis.label or stack.axis.name)
    axes.set_ylabel(per_bin(stack.axis))
    mark(axes, summary)
    return figure


def _add_legend(axes: Axes, stack: Stack, handles: list[Artist], height: float) -> float:
    """Add a legend with as many columns as it needs to be low, and return what it takes [inch]."""
    figure = axes.get_figure(root=True)
    inch = figure.dpi if figure else 1.0
    tried: list[tuple[bool, float, int, str]] = []
    for size in _SIZES:
        for columns in _COLUMNS:
            box = _legend(axes, stack, handles, columns, size).get_window_extent()
            is_wide, taken = box.width / inch > _WIDTH, box.height / inch
            if not is_wide and taken <= _OF_LEGEND * height:
                return taken + _CLEAR
            tried.append((is_wide, taken, columns, size))
    _, taken, columns, size = min(tried)
    _legend(axes, stack, handles, columns, size)
    return taken + _CLEAR


def _legend(axes: Axes, stack: Stack, handles: list[Artist], columns: int, size: str) -> Legend:
    """Add a legend; it replaces an earlier one."""
    return axes.legend(
        handles=handles,
        loc="upper right",
        ncols=columns,
        title=stack.title,
        title_fontsize="small",
        fontsize=size,
        alignment="left",
        columnspacing=1.2,
        borderaxespad=1.3,  # clear of the ticks
    )


def _draw_layers(axes: Axes, stack: Stack) -> list[Artist]:
    """Draw the backgrounds, the largest at the bottom; return them in the order in which they lie on each other."""
    palette = [entry["color"] for entry in styles.library["petroff10"]["axes.prop_cycle"]]
    taken = {layer.colour for layer in stack.backgrounds} | ({_LIKE_SIGNALS} if stack.signals else set())
    free = [colour for colour in palette if colour not in taken] or palette
    own = [layer for layer in stack.backgrounds if not layer.colour]
    colours = {layer.label: free[number % len(free)] for number, layer in enumerate(own)}
    below = np.zeros(len(stack.axis.edges) - 1)
    handles: list[Artist] = []
    for layer in sorted(stack.backgrounds, key=lambda layer: -layer.band.nominal.sum()):
        above = below + layer.band.nominal
        look: dict[str, Any] = {"color": layer.colour or colours[layer.label], "label": layer.label}
        handles.append(axes.stairs(above, stack.axis.edges, baseline=below, fill=True, **look))
        below = above
    return handles[::-1]


def _draw_errors(axes: Axes, band: Band, value: FloatArray, scale: FloatArray | float) -> list[Artist]:
    """Draw the errors of a band, times a scale, about some values: the statistical one in the whole one."""
    up, down = band.whole_error
    look: dict[str, Any] = {"facecolor": _VEIL, "hatch": "////", "edgecolor": _HATCH, "linewidth": 0}
    look["label"] = _WHOLE if band.changes else _STATISTICAL
    upper, lower = value + up * scale, np.maximum(value + down * scale, 0)
    handles: list[Artist] = [axes.stairs(upper, band.edges, baseline=lower, fill=True, **look)]
    if band.changes:
        error = band.error * scale
        shade: dict[str, Any] = {"fill": True, "color": _SHADE, "alpha": 0.4, "linewidth": 0, "label": _STATISTICAL}
        handles.insert(0, axes.stairs(value + error, band.edges, baseline=np.maximum(value - error, 0), **shade))
    return handles


def _outline(axes: Axes, band: Band, **look: Any) -> Artist:
    return axes.stairs(band.nominal, band.edges, **look)


def poisson_errors(data: Band) -> tuple[FloatArray, FloatArray]:
    """Errors down and up of observed events, of the central interval of 68 % (Garwood, Biometrika 28 (1936) 437).

    Of weighted events those of as many unweighted ones as have the same relative error; where weights cancel, or
    weighted events are none, the standard error.
    """
    contents, variances = data.nominal, data.error**2
    counts = np.allclose(variances, contents)
    positive = contents > 0 if not counts else np.ones_like(contents, dtype=np.bool_)
    low, high = poisson_interval(
        np.where(positive, contents, 1.0), None if counts else np.where(positive, variances, 1.0)
    )
    return np.where(positive, contents - low, data.error), np.where(positive, high - contents, data.error)


def _shown(stack: Stack, data: Band, total: Band | None) -> np.ndarray:
    """Bins whose data are drawn: where there are some, or where some are expected."""
    there = data.nominal != 0
    if total is not None:
        there |= total.nominal >= _EXPECTED
    return there if stack.blinded is None else there & ~stack.blinded


def _draw_data(axes: Axes, stack: Stack, data: Band, total: Band | None) -> Artist:
    """Draw observed events."""
    there = _shown(stack, data, total)
    low, high = (error[there] for error in poisson_errors(data))
    return _points(axes, stack.axis.centers[there], data.nominal[there], (low, high), label=stack.data_label)


def _points(axes: Axes, x: FloatArray, y: FloatArray, errors: tuple[FloatArray, FloatArray], **more: Any) -> Any:
    look: dict[str, Any] = {"fmt": "o", "color": "black", "markersize": 5, "elinewidth": 1.2, "capsize": 0}
    return axes.errorbar(x, y, yerr=errors, **look, **more)


def _draw_ratio(axes: Axes, stack: Stack, data: Band, total: Band) -> None:
    """Divide data and errors by what is expected; points beyond the axis are arrows at its ends."""
    known = total.nominal > 0
    scale = np.where(known, 1 / np.where(known, total.nominal, 1.0), np.nan)
    _draw_errors(axes, total, np.where(known, 1.0, np.nan), scale)
    there = known & _shown(stack, data, total)
    low, high = (error * scale for error in poisson_errors(data))
    ratio = data.nominal * scale
    reach = _reach(ratio[there], np.maximum(low, high)[there])
    axes.axhline(1.0, color="black", linewidth=0.8)
    x = stack.axis.centers
    _points(axes, x[there], ratio[there], (low[there], high[there]))
    for beyond, symbol, edge in (
        (ratio > 1 + reach, "^", 1 + 0.93 * reach),
        (ratio < 1 - reach, "v", 1 - 0.93 * reach),
    ):
        out = there & beyond
        axes.plot(x[out], np.full(np.count_nonzero(out), edge), symbol, color=RED, markersize=7)
    axes.set_ylim(1 - reach, 1 + reach)
    axes.set_ylabel("data / exp.", loc="center")


def _reach(ratio: FloatArray, error: FloatArray) -> float:
    """Choose how far the axis of ratios goes: as nearly all points do that are known well, few do not rule it."""
    sure = error < _SURE
    if not sure.any():
        return _REACHES[-1]
    farthest = float(np.quantile(np.abs(ratio - 1)[sure], _WITHIN, method="higher"))
    return next((reach for reach in _REACHES if farthest <= reach), _REACHES[-1])


def _set_limits(axes: Axes, stack: Stack, total: Band | None, room: float) -> tuple[float, float]:
    """Set the lower end of the axis of events; return the highest content, and the upper end that leaves it the room.

    The room is a part of the height; the legend has the rest.
    """
    contents = [layer.band.nominal for layer in stack.signals]
    if total is not None:
        contents += [total.nominal, total.nominal + total.whole_error[0]]
    if stack.data is not None:
        contents.append((stack.data.nominal + poisson_errors(stack.data)[1])[_shown(stack, stack.data, total)])
    highest = max((float(one.max(initial=0.0)) for one in contents), default=0.0) or 1.0
    if not stack.log:
        axes.set_ylim(bottom=0)
        return highest, highest / room
    lowest = min((float(one[one > 0].min(initial=highest)) for one in contents), default=highest)
    bottom = max(min(lowest, highest / 10) / 2, highest / 10**_DECADES)
    axes.set_ylim(bottom, highest)  # before the scale, which would look for contents above 0
    axes.set_yscale("log")
    return highest, bottom * (highest / bottom) ** (1 / room)

"""Plots of expected and observed events: backgrounds on each other, data as points, signals as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib import style as styles
from matplotlib.figure import Figure

from hepcol.inference.templates import Template
from hepcol.report.style import RED, mark

_HEAD_ROOM = 1.6  # above the highest bin, for the legend
_LINES = ("-", "--", ":", "-.")


@dataclass(frozen=True, eq=False)
class Stack:
    """What a plot shows.

    Parameters
    ----------
    title : str
        Of the legend: the region.
    label : str
        Of the axis, with the unit.
    edges : float64[bins + 1]
        Edges of the bins; what lies beyond them is in the first and the last.
    backgrounds, signals : mapping of str to Template
        By sample.
    data : Template, optional
        Observed events.
    thresholds : sequence of float
        Values that are cut on.
    luminosity : float
        Integrated luminosity [fb^-1].
    data_label : str
        What the data are.
    """

    title: str
    label: str
    edges: np.ndarray
    backgrounds: Mapping[str, Template]
    signals: Mapping[str, Template]
    data: Template | None
    thresholds: Sequence[float] = field(default=())
    luminosity: float = 0.0
    data_label: str = "data"


def plot_stack(stack: Stack, summary: Mapping[str, Any]) -> Figure:
    """Draw a plot; to be saved within :func:`hepcol.report.style.style`."""
    figure = Figure()
    axes = figure.add_subplot()
    colours = [entry["color"] for entry in styles.library["petroff10"]["axes.prop_cycle"]]
    total, variances = np.zeros(len(stack.edges) - 1), np.zeros(len(stack.edges) - 1)
    # the largest at the bottom, and in the legend in the order in which they lie on each other
    ordered = sorted(stack.backgrounds.items(), key=lambda item: -item[1].contents.sum())
    shown = list(stack.backgrounds)
    handles = []
    for name, template in ordered:
        above = total + template.contents
        colour = colours[shown.index(name) % len(colours)]
        handles.append(axes.stairs(above, stack.edges, baseline=total, fill=True, color=colour, label=name))
        total, variances = above, variances + template.variances
    handles.reverse()
    if stack.backgrounds:
        error = np.sqrt(variances)
        handles.append(
            axes.stairs(
                total + error,
                stack.edges,
                baseline=np.maximum(total - error, 0),
                fill=False,
                hatch="////",
                color="#555555",
                linewidth=0,
                label="stat. error",
            )
        )
    for number, (name, template) in enumerate(stack.signals.items()):
        style = _LINES[number % len(_LINES)]
        handles.append(axes.stairs(template.contents, stack.edges, color=RED, linewidth=2, linestyle=style, label=name))
    highest = max([total.max(initial=0), *(one.contents.max(initial=0) for one in stack.signals.values())])
    if stack.data is not None:
        highest = max(highest, (stack.data.contents + np.sqrt(stack.data.contents)).max(initial=0))
        handles.insert(0, _draw_data(axes, stack, stack.data.contents))
    top = _HEAD_ROOM * (highest or 1)
    for threshold in stack.thresholds:
        axes.plot([threshold, threshold], [0, highest * 1.05], color="black", linewidth=1.5, linestyle=(0, (4, 2)))
    axes.set_xlim(stack.edges[0], stack.edges[-1])
    axes.set_ylim(0, top)
    axes.set_xlabel(stack.label)
    axes.set_ylabel(f"events / {_width(stack)}")
    axes.legend(
        handles=handles,
        loc="upper right",
        ncols=2,
        title=f"{stack.title}, all cuts but this   {stack.luminosity:.1f} fb$^{{-1}}$",
        title_fontsize="small",
        fontsize="x-small",
        alignment="left",
    )
    mark(axes, summary)
    return figure


def _draw_data(axes: Any, stack: Stack, contents: np.ndarray) -> Any:
    """Draw observed events, where there are some, with the square root as their error."""
    there = contents > 0
    centres = (stack.edges[1:] + stack.edges[:-1]) / 2
    return axes.errorbar(
        centres[there],
        contents[there],
        yerr=np.sqrt(contents[there]),
        fmt="o",
        color="black",
        markersize=6,
        label=stack.data_label,
    )


def _width(stack: Stack) -> str:
    """Width of the bins with its unit."""
    unit = stack.label.partition("[")[2].rstrip("]") if "[" in stack.label else ""
    return f"{stack.edges[1] - stack.edges[0]:.3g} {unit}".rstrip()

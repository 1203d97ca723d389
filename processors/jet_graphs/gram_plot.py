"""Picture of how similar graphs are to each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from hepcol.report.style import mark

Floats = npt.NDArray[np.float64]


def draw_gram(gram: Floats, dataset: str, kernel: str, summary: Mapping[str, Any]) -> Figure:
    """Draw normalised similarities, within :func:`hepcol.report.style.style`.

    The graphs are in the order of their mean similarity to the others: what is alike is in one corner.
    """
    order = np.argsort(-gram.mean(axis=1), kind="stable")
    figure = Figure()
    axes = figure.add_subplot()
    shown = axes.imshow(gram[np.ix_(order, order)], vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
    figure.colorbar(shown, ax=axes, label=f"similarity ({kernel}), normalised", fraction=0.046)
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_locator(MaxNLocator(6, integer=True))
        side.set_minor_locator(NullLocator())
    axes.set_xlabel("graph, by mean similarity")
    axes.set_ylabel("graph, by mean similarity")
    others = gram[~np.eye(len(gram), dtype=bool)]
    mean = f", mean similarity to another {others.mean():.3f}" if len(others) else ""
    axes.set_title(f"{dataset}: {len(gram)} graphs{mean}", loc="left", fontsize="x-small", pad=26)
    mark(axes, summary)
    return figure

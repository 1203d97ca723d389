"""Picture of a jet as a graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hepcol.graphs import JetGraphs
from hepcol.graphs.recipe import Transform
from hepcol.report.style import DARK, MEDIUM, mark

Floats = npt.NDArray[np.float64]

_LARGEST, _SMALLEST = 900.0, 10.0  # areas of nodes, in square points
_MARGIN = 0.1  # around the nodes, of their range
_LEAST = 0.05  # half of the range that is shown
_FEW = 500  # edges, of which each is worth a line that is seen


def draw_jet(graphs: JetGraphs, graph: int, dataset: str, summary: Mapping[str, Any]) -> Figure:
    """Draw one graph, within :func:`hepcol.report.style.style`: nodes at their positions, as large as their pt.

    An edge across phi = pi is drawn to where its node would be without the jump.
    """
    one = graphs[graph : graph + 1]
    pt, eta, phi = (one.feature(name).astype(np.float64) for name in ("pt", "eta", "phi"))
    phi = _unwrapped(phi)
    figure = Figure()
    axes = figure.add_subplot()
    source, target = one.edge_index
    lines = np.stack([np.stack([eta[end], phi[end]], axis=1) for end in (source, target)], axis=1)
    thin = min(1.0, (_FEW / max(len(lines), 1)) ** 0.5)
    axes.add_collection(
        LineCollection(
            list(lines),
            colors=MEDIUM if thin == 1 else DARK,
            linewidths=1.2 * thin,
            alpha=1 if thin == 1 else 0.25 * thin,
            zorder=1,
        )
    )
    if len(pt):
        hardest = pt.max()
        shown = axes.scatter(
            eta,
            phi,
            s=np.maximum(_LARGEST * pt / (hardest or 1.0), _SMALLEST),
            c=pt,
            cmap="viridis_r",
            norm="log" if pt.min() > 0 else "linear",
            edgecolors=DARK,
            linewidths=0.5,
            zorder=2,
        )
        figure.colorbar(shown, ax=axes, label=_momentum(graphs))
        _limit(axes, eta, phi)
    relative = "" if graphs.recipe.transform is Transform.NONE else " in the frame of the jet"
    axes.set_xlabel(f"$\\eta${relative}")
    axes.set_ylabel(f"$\\phi${relative}")
    axes.set_aspect("equal", adjustable="box")
    axes.set_title(_title(one, dataset), loc="left", fontsize="x-small", pad=26)
    mark(axes, summary)
    return figure


def _unwrapped(phi: Floats) -> Floats:
    """Azimuths within pi of the hardest node, so that a jet at phi = pi stays together."""
    return phi[:1] + np.mod(phi - phi[:1] + np.pi, 2 * np.pi) - np.pi


def _momentum(graphs: JetGraphs) -> str:
    scaled = graphs.recipe.transform in (Transform.REFERENCE_BOOST, Transform.FIXED_M_PT)
    return "$p_T$ after the boost [GeV]" if scaled else "$p_T$ [GeV]"


def _limit(axes: Any, eta: Floats, phi: Floats) -> None:
    """Show a square with room around the nodes, also around one alone."""
    half = max((0.5 + _MARGIN) * max(np.ptp(eta), np.ptp(phi)), _LEAST)
    for set_limits, values in ((axes.set_xlim, eta), (axes.set_ylim, phi)):
        middle = 0.5 * (values.min() + values.max())
        set_limits(middle - half, middle + half)


def _title(one: JetGraphs, dataset: str) -> str:
    """Say which jet it is, and how many nodes and edges it has."""
    told = {name: column[0] for name, column in one.columns.items()}
    event = f"event {told['event']}" if "event" in told else f"entry {told['entry']}"
    recipe = one.recipe
    joined = {"dr": f"$\\Delta R < {recipe.r:g}$", "knn": f"{recipe.k} nearest neighbours", "full": "all joined"}
    jet = f"jet {told['jet'] + 1}, $p_T$ = {told['jet_pt']:.0f} GeV, m = {told['jet_mass']:.1f} GeV"
    edges = f"{one.edges} edges{'' if recipe.is_directed else ', both directions'}"
    return f"{dataset}, {event}: {jet}\n{one.nodes} nodes, {edges}: {joined.get(recipe.edges, 'none joined')}"

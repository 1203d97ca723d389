"""Observables of jets and their graphs, and the axes of their histograms."""

import hist
import numpy as np
import numpy.typing as npt

from hepcol.graphs import Constituents, JetGraphs
from hepcol.histograms import COUNTS, Histogram
from hepcol.units import GeV

Floats = npt.NDArray[np.float64]

# of integers, with edges between them
CONSTITUENTS = hist.axis.Regular(
    50, -0.5, 149.5, name="constituents", label="constituents of the jet", __dict__={COUNTS: "jets"}
)
NODES = hist.axis.Regular(50, -0.5, 99.5, name="nodes", label="nodes of the graph", __dict__={COUNTS: "jets"})
EDGES = hist.axis.Regular(50, -0.5, 1599.5, name="edges", label="edges of the graph", __dict__={COUNTS: "jets"})
DEGREE = hist.axis.Regular(50, -0.5, 49.5, name="degree", label="edges that lead to a node", __dict__={COUNTS: "nodes"})

JET_PT = hist.axis.Regular(50, 0 * GeV, 2000 * GeV, name="jet_pt", label="jet $p_T$ [GeV]", __dict__={COUNTS: "jets"})
JET_ETA = hist.axis.Regular(50, -2.5, 2.5, name="jet_eta", label="jet $\\eta$", __dict__={COUNTS: "jets"})
JET_MASS = hist.axis.Regular(50, 0 * GeV, 300 * GeV, name="jet_mass", label="jet mass [GeV]", __dict__={COUNTS: "jets"})
SIMILARITY = hist.axis.Regular(
    50, 0, 1, name="similarity", label="mean similarity to the reference", __dict__={COUNTS: "jets"}
)
OF_JETS = (JET_PT, JET_ETA, JET_MASS)


def fill(
    jets: Constituents, graphs: JetGraphs, similarity: Floats | None, weight: Floats | None, max_weight: float
) -> dict[str, Histogram]:
    """Histogram the jets and graphs of a chunk, with the weights of the jets."""
    of_graphs = [
        (CONSTITUENTS, np.diff(jets.offsets)),
        (NODES, np.diff(graphs.ptr)),
        (EDGES, np.diff(graphs.edge_ptr)),
        *((axis, graphs.columns[axis.name]) for axis in OF_JETS),
        *([] if similarity is None else [(SIMILARITY, similarity)]),
    ]
    histograms = {
        axis.name: Histogram.fill((axis,), column, weight=weight, max_weight=max_weight) for axis, column in of_graphs
    }
    of_nodes = None if weight is None else np.repeat(weight, np.diff(graphs.ptr))
    histograms[DEGREE.name] = Histogram.fill((DEGREE,), graphs.degrees, weight=of_nodes, max_weight=max_weight)
    return histograms

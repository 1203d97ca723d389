"""Jet graphs as one writes them without hepcol, in the ways that are common in public code.

All do the same: of each jet all constituents are centred on their mean weighted by pt, turned so that the principal
axis lies along phi, and mirrored so that most pt is where both coordinates are positive; the ``NMAX`` of highest pt
become nodes, which are joined where dR is below ``R``, or each to its ``K`` nearest and these to it.
"""

import itertools
import math
from typing import Any

import numpy as np

NMAX, R, K = 40, 0.4, 7
NEAR, NEAREST = "dr", "knn"
ON_AXIS = 1e-12


def wrapped(phi: Any) -> Any:
    """Return azimuths in [-pi, pi)."""
    return (phi + math.pi) % (2 * math.pi) - math.pi


def aligned(pt: Any, eta: Any, phi: Any) -> tuple[Any, Any]:
    """Centre, turn and mirror the positions of the constituents of one jet."""
    hardest = pt.argmax()
    y, x = eta - eta[hardest], wrapped(phi - phi[hardest])
    total = pt.sum()
    y, x = y - (pt * y).sum() / total, x - (pt * x).sum() / total
    mixed = (pt * y * x).sum()
    _, axes = np.linalg.eigh([[(pt * y * y).sum(), mixed], [mixed, (pt * x * x).sum()]])
    along_y, along_x = axes[:, -1]
    y, x = along_x * y - along_y * x, along_y * y + along_x * x
    quadrant = 2 * (y < -ON_AXIS) + (x < -ON_AXIS)
    most = np.bincount(quadrant, pt, minlength=4).argmax()
    return y * (-1 if most >= 2 else 1), wrapped(x * (-1 if most % 2 else 1))


def frame_of(jets: Any) -> Any:
    """Return constituents as a table, a row for each, as the loop over jets with pandas has them."""
    import pandas as pd

    numbers = np.repeat(np.arange(len(jets)), np.diff(jets.offsets))
    columns = {name: getattr(jets, name).astype(np.float64) for name in ("pt", "eta", "phi")}
    return pd.DataFrame({"jet": numbers, **columns})


def pandas_networkx(frame: Any, edges: str) -> list[Any]:
    """Make a networkx graph of each jet: groups of a table, and a loop over pairs."""
    import networkx as nx

    graphs = []
    for _, jet in frame.groupby("jet", sort=False):
        eta, phi = aligned(jet["pt"].to_numpy(), jet["eta"].to_numpy(), jet["phi"].to_numpy())
        nodes = jet.assign(eta=eta, phi=phi).sort_values("pt", ascending=False, kind="stable").head(NMAX)
        rows = nodes[["pt", "eta", "phi"]].astype(np.float32).to_numpy().tolist()
        graph = nx.Graph()
        for i, (pt, eta, phi) in enumerate(rows):
            graph.add_node(i, pt=pt, eta=eta, phi=phi)
        distance: dict[int, dict[int, float]] = {i: {} for i in range(len(rows))}
        for i, j in itertools.combinations(range(len(rows)), 2):
            d_phi = abs(rows[i][2] - rows[j][2])
            dr = math.hypot(rows[i][1] - rows[j][1], min(d_phi, 2 * math.pi - d_phi))
            if edges == NEAREST:
                distance[i][j] = distance[j][i] = dr
            elif dr < R:
                graph.add_edge(i, j, dr=dr)
        if edges == NEAREST:
            for i, others in distance.items():
                for j in sorted(others, key=others.__getitem__)[:K]:
                    graph.add_edge(i, j, dr=others[j])
        graphs.append(graph)
    return graphs


def pandas_chunks(frame: Any, chunks: int, processes: int) -> list[Any]:
    """Do the same in chunks on several processes, by joblib."""
    from joblib import Parallel, delayed

    jet = frame["jet"].to_numpy()
    edges = np.linspace(0, jet[-1] + 1, chunks + 1).astype(int)
    rows = np.searchsorted(jet, edges)
    parts = (frame.iloc[start:stop] for start, stop in itertools.pairwise(rows))
    done = Parallel(n_jobs=processes)(delayed(pandas_networkx)(part, NEAR) for part in parts)
    return list(itertools.chain(*done))


def awkward_pyg(jets: Any, edges: str) -> list[Any]:
    """Make a PyTorch Geometric graph of each jet: a loop over an awkward array, and matrices of numpy."""
    import awkward as ak
    import torch
    from torch_geometric.data import Data

    graphs = []
    for jet in jets:
        pt, eta, phi = (ak.to_numpy(jet[name]).astype(np.float64) for name in ("pt", "eta", "phi"))
        eta, phi = aligned(pt, eta, phi)
        order = np.argsort(-pt, kind="stable")[:NMAX]
        x = np.stack([pt[order], eta[order], phi[order]], axis=1).astype(np.float32)
        distance = distances(x[:, 1].astype(np.float64), x[:, 2].astype(np.float64))
        joined = neighbours(distance, edges)
        targets, sources = np.nonzero(joined)
        graphs.append(
            Data(
                x=torch.from_numpy(x),
                edge_index=torch.from_numpy(np.stack([sources, targets])),
                edge_attr=torch.from_numpy(distance[targets, sources].astype(np.float32)[:, None]),
            )
        )
    return graphs


def distances(eta: Any, phi: Any) -> Any:
    """Distances of all pairs of the last axis; infinite from a node to itself."""
    d_phi = np.abs(phi[..., :, None] - phi[..., None, :])
    found = np.hypot(eta[..., :, None] - eta[..., None, :], np.minimum(d_phi, 2 * math.pi - d_phi))
    found[..., np.arange(eta.shape[-1]), np.arange(eta.shape[-1])] = np.inf
    return found


def neighbours(distance: Any, edges: str) -> Any:
    """Tell who is joined to whom, of distances of all pairs."""
    if edges == NEAR:
        return distance < R
    joined = np.zeros(distance.shape, dtype=bool)
    if distance.shape[-1] > K:
        np.put_along_axis(joined, np.argpartition(distance, K - 1, axis=-1)[..., :K], values=True, axis=-1)
    else:
        joined[:] = True
    joined &= np.isfinite(distance)
    return joined | np.swapaxes(joined, -1, -2)


def torch_pairs(eta: Any, phi: Any, ptr: Any) -> list[tuple[Any, Any]]:
    """Join the nodes of each graph, which are given: a loop over pairs of scalars of torch."""
    import torch

    graphs = []
    for start, stop in itertools.pairwise(ptr.tolist()):
        sources, targets, attributes = [], [], []
        for target in range(start, stop):
            for source in range(start, stop):
                if source == target:
                    continue
                d_phi = torch.abs(phi[source] - phi[target])
                d_phi = torch.minimum(d_phi, 2 * math.pi - d_phi)
                dr = torch.sqrt((eta[source] - eta[target]) ** 2 + d_phi**2)
                if dr < R:
                    sources.append(source - start)
                    targets.append(target - start)
                    attributes.append(dr)
        attribute = torch.stack(attributes) if attributes else torch.empty(0)
        graphs.append((torch.tensor([sources, targets], dtype=torch.long), attribute))
    return graphs


def padded(jets: Any, edges: str) -> tuple[Any, ...]:
    """Make graphs of all jets at once in numpy: filled up to as many constituents as the largest has.

    Returns
    -------
    x, mask, jet, source, target, dr
        Nodes and which of them there are, and the edges of all graphs.
    """
    import awkward as ak

    jets = jets[ak.argsort(jets.pt, axis=1, ascending=False, stable=True)]
    largest = int(ak.max(ak.num(jets), initial=0))
    pt, eta, phi = (
        ak.to_numpy(ak.fill_none(ak.pad_none(jets[name], largest), 0.0)).astype(np.float64)
        for name in ("pt", "eta", "phi")
    )
    there = np.arange(largest) < ak.to_numpy(ak.num(jets))[:, None]
    y, x = eta - eta[:, :1], wrapped(phi - phi[:, :1])
    total = pt.sum(axis=1, keepdims=True)
    y, x = y - (pt * y).sum(axis=1, keepdims=True) / total, x - (pt * x).sum(axis=1, keepdims=True) / total
    squares = [(pt * one * other).sum(axis=1, keepdims=True) for one, other in ((y, y), (y, x), (x, x))]
    turn = 0.5 * np.arctan2(2 * squares[1], squares[2] - squares[0])  # from phi to the principal axis
    y, x = np.cos(turn) * y - np.sin(turn) * x, np.sin(turn) * y + np.cos(turn) * x
    quadrant = 2 * (y < -ON_AXIS) + (x < -ON_AXIS)
    most = np.stack([(pt * (quadrant == one)).sum(axis=1) for one in range(4)]).argmax(axis=0)[:, None]
    y, x = y * np.where(most >= 2, -1, 1), wrapped(x * np.where(most % 2 == 1, -1, 1))
    nodes = np.stack([pt[:, :NMAX], y[:, :NMAX], x[:, :NMAX]], axis=2).astype(np.float32)
    there = there[:, :NMAX]
    distance = distances(nodes[..., 1].astype(np.float64), nodes[..., 2].astype(np.float64))
    distance[~(there[:, :, None] & there[:, None, :])] = np.inf
    jet, target, source = np.nonzero(neighbours(distance, edges))
    return nodes, there, jet, source, target, distance[jet, target, source].astype(np.float32)


def grakel_graphs(graphs: Any, labels: Any) -> list[Any]:
    """Return GraKeL's graphs, by matrices: of lists of neighbours its shortest path fails for lonely nodes."""
    import grakel

    made = []
    for i in range(len(graphs)):
        of_nodes = labels[graphs.ptr[i] : graphs.ptr[i + 1]].tolist()
        joined = np.zeros((len(of_nodes), len(of_nodes)), dtype=np.int64)
        source, target = graphs.edge_index[:, graphs.edge_ptr[i] : graphs.edge_ptr[i + 1]]
        joined[source, target] = 1
        made.append(grakel.Graph(joined, node_labels=dict(enumerate(of_nodes))))
    return made

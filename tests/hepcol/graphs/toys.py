"""Jets for tests: a few prongs with soft radiation, some across phi = pi."""

import itertools

import numpy as np

from hepcol.graphs import Constituents, JetGraphs, Recipe


def toy_jets(n_jets=200, seed=1, most=70, **columns):
    """Jets of 0 to ``most`` constituents by decreasing pt, in single precision as files have it."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(3, most + 1, n_jets)
    few = [0, 1, 2, 3, most, 1][:n_jets]
    counts[: len(few)] = few
    offsets = np.concatenate([[0], np.cumsum(counts)])
    pt, eta, phi, mass = np.empty((4, offsets[-1]), dtype=np.float32)
    for jet, (start, stop) in enumerate(itertools.pairwise(offsets)):
        n = stop - start
        axis_eta, axis_phi = rng.uniform(-2, 2), (np.pi if jet % 3 == 0 else rng.uniform(-np.pi, np.pi))
        prongs = rng.normal(0, 0.3, (2, 2))
        chosen = rng.integers(0, 2, n)
        spread = rng.exponential(0.12, n) + 0.01
        angle = rng.uniform(0, 2 * np.pi, n)
        pt[start:stop] = np.sort(rng.pareto(1.2, n) * 3 + 0.5)[::-1]
        eta[start:stop] = axis_eta + prongs[chosen, 0] + spread * np.cos(angle)
        wrapped = axis_phi + prongs[chosen, 1] + spread * np.sin(angle)
        phi[start:stop] = (wrapped + np.pi) % (2 * np.pi) - np.pi
        mass[start:stop] = np.where(rng.uniform(size=n) < 0.5, 0.13957, 0)
    return Constituents(pt, eta, phi, offsets, mass, {name: f(offsets[-1], rng) for name, f in columns.items()})


def graphs_of(*edges_of_graphs, x=None, **options):
    """Graphs of a number of nodes and pairs of nodes each, joined both ways; ``x`` are their pt."""
    counts = [n for n, _ in edges_of_graphs]
    both = [sorted({(t, s) for s, t in edges} | set(edges)) for _, edges in edges_of_graphs]
    pairs = np.array([(s, t) for edges in both for t, s in edges], dtype=np.int32).reshape(-1, 2)
    recipe = Recipe(node_features=("pt",), edge_features=(), **options)
    pt = np.ones(sum(counts)) if x is None else x
    return JetGraphs(
        np.asarray(pt, dtype=np.float32)[:, np.newaxis],
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.ascontiguousarray(pairs.T),
        np.concatenate([[0], np.cumsum([len(edges) for edges in both])]).astype(np.int64),
        np.empty((len(pairs), 0), dtype=np.float32),
        recipe=recipe,
    )


def shuffled(graphs, seed=1):
    """Return the same graphs with their nodes in another order, and where each node came from."""
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [start + rng.permutation(stop - start) for start, stop in itertools.pairwise(graphs.ptr)] or [[]]
    ).astype(np.int64)
    pairs = []
    for i, (start, stop) in enumerate(itertools.pairwise(graphs.ptr)):
        place = np.argsort(order[start:stop] - start)
        pairs.append((stop - start, [(int(place[s]), int(place[t])) for s, t in graphs.adjacency(i)]))
    made = graphs_of(*pairs)
    return JetGraphs(
        graphs.x[order], made.ptr, made.edge_index, made.edge_ptr, np.zeros_like(graphs.edge_attr), {}, graphs.recipe
    ), order

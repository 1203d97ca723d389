"""hepcol's jet graphs and graph kernels beside others', one subject a process; prints one JSON object last.

Both do the same of the same jets in turns, on one core, and what they found is compared before. Times are processor
time, of all threads, but where several processes work.
"""

import functools
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import graphs_references as references
from benchmarks.graphs_jets import JETS_PER_EVENT, SAMPLE, jets_of, part
from benchmarks.graphs_references import NEAR, NEAREST
from benchmarks.measurement import STARTED

LEVELS = 5  # of Weisfeiler-Lehman
DOUBTFUL = 1e-6  # so near to the border what is joined depends on the last bit
TURNS, OURS_IN_A_TURN = 3, 5
PAIRS_SEED = 1
PROCESSES = 2

Found = dict[str, Any]
OPTIONS = {"transform": "center_rotate_flip", "nmax": references.NMAX, "r": references.R, "k": references.K}


def on_one_core() -> None:
    """Keep this process, and what it starts, to one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def in_turns(
    ours: Callable[[], Any], others: Callable[[], Any], clock: Callable[[], float] = time.process_time
) -> tuple[float, float]:
    """Median times of hepcol's work, which is done several times in a turn, and of the other."""
    times: tuple[list[float], list[float]] = ([], [])
    ours()
    for _ in range(TURNS):
        for work, repeats, found in ((ours, OURS_IN_A_TURN, times[0]), (others, 1, times[1])):
            begun = clock()
            for _ in range(repeats):
                work()
            found.append((clock() - begun) / repeats)
    return statistics.median(times[0]), statistics.median(times[1])


def nested(jets: Any) -> Any:
    """Return constituents as an awkward array, jets * var * {pt, eta, phi}."""
    import awkward as ak

    columns = {name: getattr(jets, name) for name in ("pt", "eta", "phi")}
    return ak.unflatten(ak.zip(columns), np.diff(jets.offsets))


def made(jets: Any, edges: str) -> Any:
    """Make hepcol's graphs of jets in memory: flat columns or an awkward array."""
    from hepcol.graphs import Constituents, build

    if isinstance(jets, Constituents):  # its checks are part of the work
        jets = Constituents(jets.pt, jets.eta, jets.phi, jets.offsets)
    return build(jets, edges=edges, **OPTIONS)


def compare(graphs: Any, edges: str, others: list[tuple[Any, Any, Any]]) -> Found:
    """Hold edges against those of others: source, target and dR, for each graph.

    Returns
    -------
    dict
        How many edges there are, and how many are in one of both only: those that are nearer to the border of what is
        joined than ``DOUBTFUL``.
    """
    differing = 0
    assert len(others) == len(graphs)
    for i, (source, target, dr) in enumerate(others):
        some = slice(graphs.edge_ptr[i], graphs.edge_ptr[i + 1])
        n = graphs.ptr[i + 1] - graphs.ptr[i]
        mine, theirs = (np.full((n, n), np.nan) for _ in range(2))
        mine[tuple(graphs.edge_index[:, some])] = graphs.edge_attr[some, 0]
        theirs[source, target] = dr
        both = ~np.isnan(mine) & ~np.isnan(theirs)
        assert np.abs(mine[both] - theirs[both]).max(initial=0) < DOUBTFUL
        of_one = np.isnan(mine) != np.isnan(theirs)
        if of_one.any():
            eta, phi = (
                graphs.feature(name)[graphs.ptr[i] : graphs.ptr[i + 1]].astype(float) for name in ("eta", "phi")
            )
            assert _doubtful(references.distances(eta, phi), edges)[of_one].all()
        differing += int(of_one.sum())
    assert graphs.edges > 0
    return {f"{edges}_edges": graphs.edges, f"{edges}_differing": differing}


def _doubtful(distance: Any, edges: str) -> Any:
    """Tell which pairs of nodes are so near to the border of what is joined, of all their distances."""
    if edges == NEAR:
        return np.abs(distance - references.R) < DOUBTFUL
    if len(distance) <= references.K:
        return np.zeros(distance.shape, dtype=bool)
    ranked = np.sort(distance, axis=1)
    last, next_one = ranked[:, references.K - 1], ranked[:, references.K]
    border = np.where(next_one - last < DOUBTFUL, last, np.nan)[:, np.newaxis]
    near = np.abs(distance - border) < DOUBTFUL
    return near | near.T


def _built(
    count: int, given: Callable[[Any], tuple[Any, Any]], work: Callable[[Any, str], Any], edges_of: Callable[[Any], Any]
) -> Found:
    """Time graphs by both rules; ``given`` makes what hepcol and the other get of the jets."""
    on_one_core()
    for_hepcol, for_others = given(jets_of(count))
    found: Found = {"jets": count}
    for edges in (NEAR, NEAREST):
        found |= compare(made(for_hepcol, edges), edges, edges_of(work(for_others, edges)))
        ours, others = in_turns(functools.partial(made, for_hepcol, edges), functools.partial(work, for_others, edges))
        found |= {f"{edges}_us": ours / count * 1e6, f"{edges}_other_us": others / count * 1e6}
    return found


def pandas(count: int) -> Found:
    """Time the loop with pandas and networkx."""
    return _built(count, lambda jets: (jets, references.frame_of(jets)), references.pandas_networkx, _edges_of_networkx)


def _edges_of_networkx(graphs: list[Any]) -> list[tuple[Any, Any, Any]]:
    found = []
    for graph in graphs:
        pairs = np.array([(i, j, dr) for i, j, dr in graph.edges(data="dr")]).reshape(-1, 3)
        first, second = pairs[:, :2].astype(int).T
        there_and_back = (np.concatenate([first, second]), np.concatenate([second, first]))
        found.append((*there_and_back, np.tile(pairs[:, 2], 2)))
    return found


def joblib(count: int) -> Found:
    """Time the same loop in chunks on two processes, which are there already, against one of hepcol: wall time."""
    jets = jets_of(count)
    frame = references.frame_of(jets)
    chunks = 4 * PROCESSES
    found = compare(made(jets, NEAR), NEAR, _edges_of_networkx(references.pandas_chunks(frame, chunks, PROCESSES)))
    ours, others = in_turns(
        functools.partial(made, jets, NEAR),
        functools.partial(references.pandas_chunks, frame, chunks, PROCESSES),
        time.perf_counter,
    )
    return found | {"jets": count, "dr_us": ours / count * 1e6, "dr_other_us": others / count * 1e6}


def awkward(count: int) -> Found:
    """Time the loop over an awkward array, with a matrix for each jet, into graphs of PyTorch Geometric."""
    _torch()
    return _built(count, lambda jets: (nested(jets),) * 2, references.awkward_pyg, _edges_of_pyg)


def _torch() -> Any:
    """Import torch, with one thread."""
    import torch

    torch.set_num_threads(1)
    return torch


def _edges_of_pyg(graphs: list[Any]) -> list[tuple[Any, Any, Any]]:
    return [(*graph.edge_index.numpy(), graph.edge_attr.numpy()[:, 0]) for graph in graphs]


def padded(count: int) -> Found:
    """Time numpy on all jets at once, filled up to the largest, in parts of 500 jets."""
    from hepcol.graphs import JetGraphs

    jets = jets_of(count)
    parts = [nested(part(jets, first, min(first + 500, count))) for first in range(0, count, 500)]

    def ours(arrays: Any, edges: str) -> Any:
        return JetGraphs.concatenate([made(one, edges) for one in arrays])

    on_one_core()
    found: Found = {"jets": count}
    for edges in (NEAR, NEAREST):
        others = [one for some in parts for one in _edges_of_padded(references.padded(some, edges))]
        found |= compare(ours(parts, edges), edges, others)
        times = in_turns(
            lambda edges=edges: [made(one, edges) for one in parts],
            lambda edges=edges: [references.padded(one, edges) for one in parts],
        )
        found |= dict(zip((f"{edges}_us", f"{edges}_other_us"), np.divide(times, count * 1e-6).tolist(), strict=True))
    return found


def _edges_of_padded(arrays: Any) -> list[tuple[Any, Any, Any]]:
    nodes, _, jet, source, target, dr = arrays
    edges = np.searchsorted(jet, np.arange(len(nodes) + 1))
    slices = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    return [(source[some], target[some], dr[some]) for some in slices]


def torch(count: int) -> Found:
    """Time the loop over pairs of torch scalars, which makes the edges alone, of nodes that are given."""
    torch = _torch()
    on_one_core()
    nodes = made(jets_of(count), NEAR)
    eta, phi = (torch.from_numpy(nodes.feature(name).astype(np.float64)) for name in ("eta", "phi"))
    others = references.torch_pairs(eta, phi, nodes.ptr)
    found = compare(nodes.rebuilt(), NEAR, [(*edges.numpy(), dr.numpy()) for edges, dr in others])
    times = in_turns(nodes.rebuilt, lambda: references.torch_pairs(eta, phi, nodes.ptr))
    return found | {"jets": count} | dict(zip(("dr_us", "dr_other_us"), np.divide(times, count * 1e-6), strict=True))


def labelled(count: int) -> tuple[Any, Any]:
    """Graphs of jets by dR, and labels of their nodes: ten bins of the part of pt that they have."""
    from hepcol.graphs import build, labels

    graphs = build(jets_of(count), edges=NEAR, node_features=("pt", "eta", "phi", "ptfrac"), **OPTIONS)
    return graphs, labels(graphs)


def wl(count: int, pairs: int) -> Found:
    """Time the Gram matrix of Weisfeiler-Lehman beside GraKeL: one call for all, and a call for each of some pairs."""
    import grakel

    from hepcol.graphs import gram

    on_one_core()
    graphs, labels = labelled(count)
    theirs = references.grakel_graphs(graphs, labels)

    def ours() -> Any:
        return gram(graphs, h=LEVELS, labels=labels, normalize=False)

    def batch(some: list[Any]) -> Any:
        return grakel.WeisfeilerLehman(n_iter=LEVELS).fit_transform(some)

    expected = ours()
    assert np.array_equal(expected, batch(theirs))
    chosen = np.random.default_rng(PAIRS_SEED).integers(0, count, (pairs, 2)).tolist()
    assert all(batch([theirs[i], theirs[j]])[0, 1] == expected[i, j] for i, j in chosen[:10])
    mine, others = in_turns(ours, lambda: batch(theirs))
    begun = time.process_time()
    for i, j in chosen:
        batch([theirs[i], theirs[j]])
    each = (time.process_time() - begun) / pairs
    all_pairs = count * (count - 1) // 2
    return {
        "graphs": count,
        "pairs": pairs,
        "all_pairs": all_pairs,
        "ms": mine * 1e3,
        "other_ms": others * 1e3,
        "pair_ms": each * 1e3,
        "all_pairs_ms": each * all_pairs * 1e3,
    }


def paths(count: int) -> Found:
    """Time the Gram matrix of shortest paths beside GraKeL's."""
    import grakel

    from hepcol.graphs import gram

    on_one_core()
    graphs, labels = labelled(count)
    theirs = references.grakel_graphs(graphs, labels)
    mine = functools.partial(gram, graphs, kind="sp", labels=labels, normalize=False)
    assert np.array_equal(mine(), grakel.ShortestPath().fit_transform(theirs))
    ours, others = in_turns(mine, lambda: grakel.ShortestPath().fit_transform(theirs))
    return {"graphs": count, "ms": ours * 1e3, "other_ms": others * 1e3}


def hashes(count: int) -> Found:
    """Time the class of each graph beside networkx's hash."""
    import networkx as nx

    from hepcol.graphs import classes

    on_one_core()
    graphs, labels = labelled(count)
    alike = np.zeros_like(labels)  # with labels of pt all graphs differ, and nothing would be compared
    theirs = [graphs.to_networkx(i) for i in range(count)]
    for graph in theirs:
        nx.set_node_attributes(graph, 0, "label")

    def others() -> list[str]:
        return [nx.weisfeiler_lehman_graph_hash(one, node_attr="label", iterations=LEVELS) for one in theirs]

    ours = functools.partial(classes, graphs, LEVELS, alike)
    mine, expected = ours().tolist(), others()
    assert len(set(mine)) == len(set(expected)) == len(set(zip(mine, expected, strict=True))) < count
    times = in_turns(ours, others)
    return {"graphs": count, "classes": len(set(mine)), "ms": times[0] * 1e3, "other_ms": times[1] * 1e3}


def writing(count: int) -> Found:
    """Time graphs as an npz file beside torch's file of what PyTorch Geometric collates."""
    torch = _torch()
    from torch_geometric.data import InMemoryDataset

    from hepcol.graphs import JetGraphs

    on_one_core()
    jets = jets_of(count)
    graphs = made(jets, NEAREST)
    theirs = references.awkward_pyg(nested(jets), NEAREST)
    with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as folder:
        both, nodes, other = (Path(folder) / name for name in ("all.npz", "nodes.npz", "graphs.pt"))

        def save() -> None:
            torch.save(InMemoryDataset.collate(theirs), other)

        graphs.write(both, stored="all")
        graphs.write(nodes, stored="nodes")
        save()
        assert JetGraphs.read(both).is_equal(graphs)
        assert JetGraphs.read(nodes).is_equal(graphs)
        kept, _ = torch.load(other, weights_only=False)
        assert kept.x.shape == graphs.x.shape  # of equally near neighbours both may take another
        ours, others = in_turns(functools.partial(graphs.write, both, stored="all"), save)
        ours_nodes, _ = in_turns(functools.partial(graphs.write, nodes, stored="nodes"), lambda: None)
        sizes = {
            name: path.stat().st_size / count for name, path in (("all", both), ("nodes", nodes), ("torch", other))
        }
    times = {"us": ours, "nodes_us": ours_nodes, "other_us": others}
    return {"jets": count, "bytes": sizes} | {name: seconds / count * 1e6 for name, seconds in times.items()}


def awkward_events(events: int) -> Found:
    """Time the loop over an awkward array from the file to torch's file: the shipped sample, the second time."""
    torch = _torch()
    import awkward as ak
    from coffea.nanoevents import NanoEventsFactory, PFNanoAODSchema
    from torch_geometric.data import InMemoryDataset

    def work(folder: str) -> list[Any]:
        source = {str(SAMPLE.path): SAMPLE.tree}
        read = NanoEventsFactory.from_root(source, schemaclass=PFNanoAODSchema, entry_stop=events).events()
        jets = ak.drop_none(read.FatJet[:, :JETS_PER_EVENT].constituents.pf)
        graphs = references.awkward_pyg(ak.flatten(jets, axis=1), NEAREST)
        torch.save(InMemoryDataset.collate(graphs), Path(folder) / "graphs.pt")
        return graphs

    on_one_core()
    with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as folder:
        graphs = work(folder)
        begun = time.process_time()
        work(folder)
        seconds = time.process_time() - begun
    found = compare(made(jets_of(len(graphs)), NEAREST), NEAREST, _edges_of_pyg(graphs))
    return found | {"jets": len(graphs), "us": seconds / len(graphs) * 1e6}


SUBJECTS: dict[str, Callable[..., Found]] = {
    "pandas": pandas,
    "joblib": joblib,
    "awkward": awkward,
    "padded": padded,
    "torch": torch,
    "wl": wl,
    "paths": paths,
    "hashes": hashes,
    "writing": writing,
    "awkward_events": awkward_events,
}


def main(subject: str, *numbers: str) -> None:
    """Measure a subject and print what it took."""
    found = SUBJECTS[subject](*map(int, numbers))
    print(json.dumps(found | {"total_s": time.time() - float(os.environ[STARTED])}))


if __name__ == "__main__":
    main(*sys.argv[1:])

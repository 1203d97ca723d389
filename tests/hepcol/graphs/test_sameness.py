import itertools
import sys

import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import JetGraphs, build, classes, features, labels
from tests.hepcol.graphs.test_counts import relabelled
from tests.hepcol.graphs.toys import graphs_of, shuffled, toy_jets

NETWORKX = "networkx of the extra graphs is not installed"
RING, RINGS = (6, [(i, (i + 1) % 6) for i in range(6)]), (6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)])


@pytest.fixture(scope="module")
def graphs():
    """Small jets, of which many have the same graph."""
    return build(toy_jets(400, most=9), node_features=("pt", "ptfrac"), edges="dr")


def partition(names):
    """Numbers of classes, as they come."""
    return np.unique(np.asarray(names), return_inverse=True)[1].reshape(-1)


def is_same_partition(first, second):
    first, second = partition(first), partition(second)
    pairs = len(set(zip(first.tolist(), second.tolist(), strict=True)))
    return pairs == len(set(first.tolist())) == len(set(second.tolist()))


@pytest.mark.parametrize("h", [0, 1, 3])
@pytest.mark.parametrize("by", ["none", "degree", "coarse"])
def test_classes_are_those_of_exact_relabelling(graphs, h, by):
    of_nodes = labels(graphs, bins=[0.2]) if by == "coarse" else labels(graphs, by)
    found = classes(graphs, h, of_nodes)
    expected = [str(sorted(counted.items())) for counted in relabelled(graphs, of_nodes, h)]
    assert is_same_partition(found, expected)
    shared = np.bincount(partition(found))
    assert (shared > 1).sum() > 5
    assert found.dtype == np.uint64


def test_classes_are_those_of_networkx(graphs):
    networkx = pytest.importorskip("networkx", reason=NETWORKX)
    for of_nodes, h in ((labels(graphs, "none"), 3), (labels(graphs, bins=[0.2]), 2)):
        hashes = []
        for i in range(len(graphs)):
            one = networkx.Graph(list(graphs.adjacency(i)))
            one.add_nodes_from(range(graphs.ptr[i + 1] - graphs.ptr[i]))
            networkx.set_node_attributes(one, dict(enumerate(of_nodes[graphs.ptr[i] :].tolist()[: len(one)])), "label")
            hashes.append(networkx.weisfeiler_lehman_graph_hash(one, node_attr="label", iterations=h, digest_size=32))
        assert is_same_partition(classes(graphs, h, of_nodes), hashes)
        assert (np.bincount(partition(hashes)) > 1).sum() > 20


def test_a_class_does_not_depend_on_the_order_of_nodes_nor_on_other_graphs(graphs):
    of_nodes = labels(graphs)
    others, order = shuffled(graphs)
    found = classes(graphs, 3, of_nodes)
    assert np.array_equal(classes(others, 3, of_nodes[order]), found)
    assert np.array_equal(np.concatenate([classes(graphs[:7], 3), classes(graphs[7:], 3)]), found)


def test_a_class_changes_if_an_edge_is_removed():
    graphs = build(toy_jets(100, most=30), node_features=("pt",))
    fewer, kept = [], []
    for i in range(len(graphs)):
        pairs = [pair for pair in graphs.adjacency(i) if pair[0] < pair[1]]
        if pairs:
            kept.append(i)
            fewer.append((int(graphs.ptr[i + 1] - graphs.ptr[i]), pairs[1:]))
    assert len(kept) > 90
    assert not (classes(graphs[kept], labels="none") == classes(graphs_of(*fewer), labels="none")).any()


def test_a_ring_of_six_and_two_of_three_have_the_same_class_and_are_not_the_same():
    """Known of the method: every node has two neighbours that have two neighbours."""
    pytest.importorskip("networkx", reason=NETWORKX)
    graphs = graphs_of(RING, RINGS, RINGS, RING)
    assert len(set(classes(graphs, h=5).tolist())) == 1
    exact = classes(graphs, h=5, exact=True)
    assert exact[0] == exact[3] == classes(graphs, h=5)[0]
    assert exact[1] == exact[2] != exact[0]
    assert np.array_equal(features(graphs[:1]).keys, features(graphs[1:2]).keys)


def test_exact_classes_are_those_of_isomorphic_graphs():
    networkx = pytest.importorskip("networkx", reason=NETWORKX)
    rng = np.random.default_rng(1)
    pairs = [(s, t) for s in range(6) for t in range(s)]
    graphs = graphs_of(*((6, [pair for pair in pairs if rng.uniform() < 0.5]) for _ in range(60)), RING, RINGS)
    graphs = JetGraphs.concatenate([graphs, shuffled(graphs)[0]])
    exact = classes(graphs, h=0, labels="none", exact=True)  # so that it is the search that tells them apart
    ones = [networkx.Graph(list(graphs.adjacency(i))) for i in range(len(graphs))]
    for i, one in enumerate(ones):
        one.add_nodes_from(range(6))
        for j in range(i):
            assert (exact[i] == exact[j]) == networkx.is_isomorphic(one, ones[j])
    assert np.array_equal(exact[:62], exact[62:])
    assert len(set(exact.tolist())) > 20


def test_regular_graphs_are_told_apart_without_a_search(monkeypatch):
    """Which took 8 s for 60 of them with 20 nodes, and 35 s with 30."""
    networkx = pytest.importorskip("networkx", reason=NETWORKX)
    cubic = [(20, list(networkx.random_regular_graph(3, 20, seed=seed).edges)) for seed in range(60)]
    graphs = graphs_of(*cubic)
    graphs = JetGraphs.concatenate([graphs, shuffled(graphs)[0]])
    searched = []

    def watched(one, other, **how):
        searched.append(search(one, other, **how))
        return searched[-1]

    search = networkx.is_isomorphic
    monkeypatch.setattr(networkx, "is_isomorphic", watched)
    assert len(set(classes(graphs, labels="none").tolist())) == 1
    exact = classes(graphs, labels="none", exact=True)
    assert np.array_equal(exact[:60], exact[60:])
    assert len(set(exact.tolist())) == 60
    assert False not in searched
    assert len(searched) < 60  # of those with symmetries


def test_graphs_that_agree_in_all_walks_are_told_apart_by_a_search():
    """The rook's graph and Shrikhande's, of 16 nodes with six neighbours each, are strongly regular."""
    networkx = pytest.importorskip("networkx", reason=NETWORKX)
    rooks = networkx.convert_node_labels_to_integers(networkx.line_graph(networkx.complete_bipartite_graph(4, 4)))
    steps = {(1, 0), (3, 0), (0, 1), (0, 3), (1, 1), (3, 3)}
    places = list(itertools.product(range(4), repeat=2))
    shrikhande = [
        (i, j)
        for (i, one), (j, other) in itertools.combinations(enumerate(places), 2)
        if ((one[0] - other[0]) % 4, (one[1] - other[1]) % 4) in steps
    ]
    graphs = graphs_of((16, list(rooks.edges)), (16, shrikhande))
    graphs = JetGraphs.concatenate([graphs, shuffled(graphs)[0]])
    exact = classes(graphs, labels="none", exact=True)
    assert exact[0] == exact[2] != exact[1] == exact[3]


def test_exact_classes_keep_labels_apart():
    pytest.importorskip("networkx", reason=NETWORKX)
    graphs = graphs_of((3, [(0, 1), (1, 2)]), (3, [(0, 1), (1, 2)]))
    middle_or_end = np.array([0, 1, 0, 1, 0, 0])
    assert len(set(classes(graphs, h=0, labels=middle_or_end).tolist())) == 1
    assert len(set(classes(graphs, h=0, labels=middle_or_end, exact=True).tolist())) == 2


def test_says_that_networkx_is_missing(graphs, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(InputError, match=r"exact classes need networkx, .* pip install 'hepcol\[graphs\]'"):
        classes(graphs, exact=True)


def test_classes_of_empty_graphs():
    graphs = graphs_of((0, []), (1, []), (0, []), (2, []), (1, []))
    found = classes(graphs)
    assert (found[0] == found[2], found[1] == found[4], len(set(found.tolist()))) == (True, True, 3)
    assert len(classes(graphs[:0])) == 0
    with pytest.raises(InputError, match="h must be a whole number"):
        classes(graphs, h=1.5)

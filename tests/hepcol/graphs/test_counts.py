import dataclasses
import hashlib
import itertools
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.errors import InputError
from hepcol.graphs import Constituents, Features, build, features, gram, labels
from tests.hepcol.graphs.toys import graphs_of, shuffled, toy_jets

KINDS = ("wl", "sp", "vertex", "graphlet3")
SMALL = ((0, []), (1, []), (2, []), (2, [(0, 1)]), (3, [(0, 1), (1, 2)]))


@pytest.fixture(scope="module")
def graphs():
    return build(toy_jets(80, most=30), node_features=("pt", "ptfrac"), edges="knn", k=3)


@st.composite
def drawn_graphs(draw):
    """A few graphs of up to 12 nodes, and their labels."""
    drawn = []
    for n in draw(st.lists(st.integers(0, 12), min_size=1, max_size=4)):
        pairs = list(itertools.combinations_with_replacement(range(n), 2))
        drawn.append((n, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []))
    n_nodes = sum(n for n, _ in drawn)
    return graphs_of(*drawn), np.array(draw(st.lists(st.integers(-1, 1), min_size=n_nodes, max_size=n_nodes)), np.int64)


def neighbours_of(graphs, i):
    around = [set() for _ in range(graphs.ptr[i + 1] - graphs.ptr[i])]
    for source, target in graphs.adjacency(i):
        around[target].add(source)
    return around


def relabelled(graphs, of_nodes, h):
    """Counts of the colours of each graph, by the dictionary of sorted colours of the original."""
    colours = [of_nodes[start:stop].tolist() for start, stop in itertools.pairwise(graphs.ptr)]
    counted = [Counter((0, colour) for colour in of_graph) for of_graph in colours]
    for level in range(1, h + 1):
        names = {}
        for i, of_graph in enumerate(colours):
            told = [
                (of_graph[v], tuple(sorted(of_graph[u] for u in around)))
                for v, around in enumerate(neighbours_of(graphs, i))
            ]
            colours[i] = [names.setdefault(one, len(names)) for one in told]
            counted[i].update((level, colour) for colour in colours[i])
    return counted


def paths_of(graphs, of_nodes):
    """Counts of the shortest paths of each graph, by their ends and length."""
    counted = []
    for i in range(len(graphs)):
        around, found = neighbours_of(graphs, i), Counter()
        mine = of_nodes[graphs.ptr[i] : graphs.ptr[i + 1]]
        for start in range(len(around)):
            reached, front, length = {start}, {start}, 0
            while front := set().union(*(around[v] for v in front)) - reached:
                reached |= front
                length += 1
                found.update((mine[start], mine[end], length) for end in front)
        counted.append(found)
    return counted


def triples_of(graphs, _):
    """Counts of the triples of nodes of each graph, by the edges among them."""
    counted = []
    for i in range(len(graphs)):
        around = neighbours_of(graphs, i)
        triples = itertools.combinations(range(len(around)), 3)
        counted.append(Counter(sum(v in around[u] for u, v in itertools.combinations(one, 2)) for one in triples))
    return counted


def products_of(counted):
    return np.array([[sum(n * b[key] for key, n in a.items()) for b in counted] for a in counted], dtype=np.int64)


ORACLES = {
    "wl": lambda graphs, of_nodes: relabelled(graphs, of_nodes, 2),
    "vertex": lambda graphs, of_nodes: relabelled(graphs, of_nodes, 0),
    "sp": paths_of,
    "graphlet3": triples_of,
}


def check_against_oracle(graphs, of_nodes, kind):
    found = features(graphs, kind, labels=None if kind == "graphlet3" else of_nodes)
    counted = ORACLES[kind](graphs, of_nodes)
    for i, expected in enumerate(counted):
        mine = found.counts[found.ptr[i] : found.ptr[i + 1]]
        assert sorted(mine.tolist()) == sorted(expected.values())
    assert np.array_equal(gram(found, normalize=False), products_of(counted))


@pytest.mark.parametrize("kind", KINDS)
@given(drawn=drawn_graphs())
def test_features_are_those_of_the_definition(kind, drawn):
    check_against_oracle(*drawn, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_jets_are_those_of_the_definition(graphs, kind):
    check_against_oracle(graphs, labels(graphs), kind)


@pytest.mark.parametrize("h", range(6))
def test_colours_of_every_level_are_those_of_the_dictionary(graphs, h):
    found = gram(graphs, h=h, labels="none", normalize=False)
    assert np.array_equal(found, products_of(relabelled(graphs, labels(graphs, "none"), h)))


@pytest.mark.parametrize("kind", ["wl", "sp"])
def test_graphs_of_more_than_two_words_of_nodes(kind):
    """Beyond the tables for small graphs, too: rings and stars, and labels that all differ."""
    ring, star = [(i, (i + 1) % 150) for i in range(150)], [(0, i) for i in range(1, 150)]
    full = list(itertools.combinations(range(150), 2))
    graphs = graphs_of((150, ring), (150, star), (150, full), (3, [(0, 1)]))
    for of_nodes in (np.zeros(453, np.int64), np.arange(453) % 2, np.arange(453) % 150):
        check_against_oracle(graphs, of_nodes, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_keys_increase_within_a_graph_and_counts_are_above_0(graphs, kind):
    found = features(graphs, kind)
    assert (found.keys.dtype, found.counts.dtype) == (np.uint64, np.int64)
    assert (found.counts > 0).all()
    for start, stop in itertools.pairwise(found.ptr):
        mine = found.keys[start:stop]
        assert (mine[1:] > mine[:-1]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_features_do_not_depend_on_the_order_of_the_nodes(graphs, kind):
    others, order = shuffled(graphs)
    of_nodes = labels(graphs)
    given = {} if kind == "graphlet3" else {"labels": of_nodes}
    moved = {} if kind == "graphlet3" else {"labels": of_nodes[order]}
    assert features(graphs, kind, **given).is_equal(features(others, kind, **moved))


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_a_graph_do_not_depend_on_the_others(graphs, kind):
    all_at_once = features(graphs, kind)
    parts = [features(graphs[start:stop], kind) for start, stop in ((0, 1), (1, 1), (1, 50), (50, 80))]
    assert Features.concatenate(parts).is_equal(all_at_once)
    assert all_at_once[[7, 3, 3]].is_equal(features(graphs[[7, 3, 3]], kind))
    assert all_at_once[5:9].is_equal(features(graphs[5:9], kind))


@pytest.mark.parametrize(("kind", "expected"), [("wl", [0, 1, 1, 1, 2]), ("sp", [0, 0, 0, 1, 2])])
def test_graphs_of_no_node_one_and_two(kind, expected):
    found = features(graphs_of(*SMALL), kind, 0 if kind == "wl" else None, labels=lambda g: (g.degrees > 1) * 1)
    counts = [len(set(one)) for one in np.split(found.keys, found.ptr[1:-1])]
    assert counts[0] == expected[0]
    assert [bool(n) for n in counts] == [bool(n) for n in expected]
    assert len(features(graphs_of(*SMALL)[:0], kind)) == 0


def test_a_self_loop_makes_a_node_its_own_neighbour_for_refinement_alone():
    alone, with_loop = graphs_of((2, [(0, 1)])), graphs_of((2, [(0, 1), (0, 0)]), self_loops=True)
    assert features(alone, "sp").is_equal(features(with_loop, "sp"))
    triple = (3, [(0, 1), (1, 2)])
    looped = graphs_of((3, [(0, 1), (1, 2), (1, 1)]), self_loops=True)
    assert features(graphs_of(triple), "graphlet3").is_equal(features(looped, "graphlet3"))
    assert not features(alone, h=1).is_equal(features(with_loop, h=1))
    assert gram(alone, with_loop, h=1, normalize=False).tolist() == [[4 + 2]]  # two nodes alike, and one still


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_edges_without_a_way_back(kind):
    graphs = build(toy_jets(20), edges="knn", k=2, undirected=False)
    with pytest.raises(InputError, match=r"edge \d+ -> \d+ of graph 4 has no way back.*undirected=True"):
        features(graphs, kind)


@pytest.mark.parametrize(
    ("sources", "targets"),
    [
        ([1], [0]),  # no way back
        ([0, 1], [1, 0]),  # in the order of sources
        ([1, 1, 0, 0], [0, 0, 1, 1]),  # twice
    ],
)
def test_refuses_edges_out_of_order(sources, targets):
    graphs = graphs_of((2, []), (2, []))
    wrong = dataclasses.replace(
        graphs,
        edge_index=np.array([sources, targets], dtype=np.int32),
        edge_ptr=np.array([0, len(sources), len(sources)]),
        edge_attr=np.empty((len(sources), 0), dtype=np.float32),
    )
    with pytest.raises(InputError, match=r"edge \d+ -> \d+ of graph 0 has no way back, or is not in the order"):
        features(wrong)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "graphlet4"}, "kind must be one of wl, sp, vertex, graphlet3, got 'graphlet4'"),
        ({"h": -1}, "h must be a whole number of at least 0, got -1"),
        ({"h": True}, "h must be a whole number of at least 0, got True"),
        ({"h": 2.0}, "h must be a whole number of at least 0, got 2.0"),
        ({"kind": "sp", "h": 2}, "h=2 is of kind wl"),
        ({"kind": "graphlet3", "labels": "none"}, "graphlet3 does not look at labels"),
    ],
)
def test_says_which_option_is_wrong(graphs, options, told):
    with pytest.raises(InputError, match=told):
        features(graphs, **options)


def test_levels_may_be_a_number_of_numpy(graphs, tmp_path):
    found = features(graphs, h=np.int64(3))
    assert type(found.h) is int
    assert found.is_equal(features(graphs, h=3))


def test_features_are_gone_through_by_graph(graphs):
    found = features(graphs)
    assert found[5].is_equal(features(graphs[5]))
    assert Features.concatenate(list(found)).is_equal(found)
    assert found[[]].is_equal(found[:0])


def test_what_is_no_graph_is_refused():
    with pytest.raises(InputError, match="expected JetGraphs or a sequence of them, got ndarray"):
        features(np.zeros(3))


def test_features_know_how_nodes_were_labelled(graphs, tmp_path):
    ptfrac = "ptfrac in bins 0.0009765625, 0.001953125, 0.00390625, 0.0078125, 0.015625, 0.03125, 0.0625, 0.125, 0.25"
    for wanted, told in (
        (None, ptfrac),
        ("ptfrac", ptfrac),
        (partial(labels, by="ptfrac"), ptfrac),
        ("degree", "degree"),
        (partial(labels, by="degree", bins=(1, 5)), "degree in bins 1.0, 5.0"),
        (labels(graphs), "given"),
        (lambda g: labels(g, "ptfrac"), "given"),
    ):
        found = features(graphs, labels=wanted)
        assert found.labelling == told
        assert found[3:5].labelling == told
        found.write(tmp_path / "f.npz")
        assert Features.read(tmp_path / "f.npz").labelling == told
    assert features(graphs, "graphlet3").labelling == ""
    assert not features(graphs, labels="none").is_equal(features(graphs, labels=np.zeros(graphs.nodes, int)))


def test_features_of_different_labels_do_not_mix(graphs):
    none, degree = features(graphs, labels="none"), features(graphs, labels="degree")
    with pytest.raises(InputError, match="features are of different labels: none and degree"):
        gram(none, degree)
    with pytest.raises(InputError, match="features are of different labels: none and degree"):
        gram([none], [degree])
    with pytest.raises(InputError, match="features are of different labels: none and given"):
        Features.concatenate([none, features(graphs, labels=labels(graphs, "none"))])
    with pytest.raises(InputError, match=r"of different labels: degree in bins 2\.0 and degree in bins 3\.0"):
        gram(*(features(graphs, labels=partial(labels, by="degree", bins=[edge])) for edge in (2, 3)))


def scattered(stream, n):
    """Whole numbers below 1024, by nothing but a multiplication, which no version of numpy changes."""
    return ((np.arange(n, dtype=np.uint64) + np.uint64(stream << 32)) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(54)


def golden_graphs():
    """Jets whose positions are multiples of 1/1024, of 0 to 70 nodes."""
    counts = scattered(1, 60).astype(np.int64) % 71
    offsets = np.concatenate([[0], np.cumsum(counts)])
    pt, eta, phi = (scattered(stream, offsets[-1]).astype(float) for stream in (2, 3, 4))
    return build(Constituents((pt + 1) / 4, eta / 1024, phi / 1024, offsets), node_features=("lnptfrac",), nmax=None)


GOLDEN = {
    "wl": "79d6956160cdceb9d8d3f3085d98de7ad86d8b43b56b7712430f0a7b9993ffae",
    "sp": "99e74caf20dd75c05aaaeb23ae69a662a4479bf6c082bb58de0000f0b772c2d0",
    "vertex": "7257637a18b899c3f597bdd98db2b33f58a3ff4c2c83d20a2f2d1afaed953db0",
    "graphlet3": "cbdee2bb5412a927128114866349dbe54bbb6160612d70fbb1a27b437ea66efc",
}
SIMILAR = "ee869037e131682d8c008ab87326646c9d1648d031d206bae7b11f63b78a1067"


@pytest.mark.parametrize("kind", KINDS)
def test_features_have_the_same_bits_on_any_cpu(kind):
    found = features(golden_graphs(), kind)
    content = (found.ptr.astype("<i8"), found.keys.astype("<u8"), found.counts.astype("<i8"))
    assert hashlib.sha256(b"".join(array.tobytes() for array in content)).hexdigest() == GOLDEN[kind]


def test_similarities_have_the_same_bits_on_any_cpu():
    similar = gram(golden_graphs())
    assert 0 < np.median(similar) < 1
    assert hashlib.sha256(similar.astype("<f8").tobytes()).hexdigest() == SIMILAR


def test_sparse_matrix_of_chosen_columns(graphs):
    found = features(graphs)
    matrix = found.to_scipy()
    assert np.array_equal((matrix @ matrix.T).toarray(), gram(found, normalize=False))
    some = np.unique(found.keys)[::3]
    assert np.array_equal(found.to_scipy(some).toarray(), matrix.toarray()[:, ::3])
    assert found.to_scipy(np.array([1], dtype=np.uint64)).nnz == 0
    with pytest.raises(InputError, match="must increase"):
        found.to_scipy(some[::-1])


def test_features_come_back_from_a_file(graphs, tmp_path):
    found = features(graphs, h=3)
    found.write(tmp_path / "features.npz")
    assert Features.read(tmp_path / "features.npz").is_equal(found)
    assert [path.name for path in tmp_path.iterdir()] == ["features.npz"]


def test_says_what_is_wrong_with_a_file(graphs, tmp_path):
    path = tmp_path / "features.npz"
    with pytest.raises(InputError, match=r"features.npz: cannot be read"):
        Features.read(path)
    with pytest.raises(InputError, match=r"nowhere/f.npz: cannot be written: No such file or directory"):
        features(graphs).write(tmp_path / "nowhere" / "f.npz")
    features(graphs).write(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"features.npz: truncated or damaged"):
        Features.read(path)
    np.savez(path, ptr=[0])
    with pytest.raises(InputError, match=r"features.npz: not a file of features"):
        Features.read(path)


def test_features_of_different_kinds_do_not_mix(graphs):
    with pytest.raises(InputError, match="of different kinds: wl with h=2 and wl with h=3"):
        Features.concatenate([features(graphs), features(graphs, h=3)])
    with pytest.raises(InputError, match="no features"):
        Features.concatenate([])
    with pytest.raises(InputError, match="counts of features has the shape"):
        Features(np.array([0, 1]), np.array([1], dtype=np.uint64), np.array([1, 2]))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ptr": np.array([0, 5_000_000, 3])}, "ptr of features decreases from 5000000 to 3 at graph 1"),
        ({"ptr": np.array([0, -5, 3])}, "ptr of features decreases from 0 to -5 at graph 0"),
        ({"ptr": np.array([1, 2, 3])}, "ptr of features begins with 1, expected 0"),
        ({"ptr": np.array([0.0, 1.0, 3.0])}, r"ptr of features is float64\[3\], expected int64\[graphs \+ 1\]"),
        ({"ptr": np.array([], dtype=np.int64)}, r"ptr of features is int64\[0\]"),
        ({"keys": np.arange(3)}, r"keys of features is int64\[3\], expected uint64"),
        ({"counts": np.ones(3)}, r"counts of features is float64\[3\], expected int64"),
        ({"counts": np.array([1, 0, 2])}, "counts of features have 0, expected numbers above 0"),
    ],
)
def test_refuses_arrays_that_kernels_would_read_beyond(changed, told, tmp_path):
    whole = {"ptr": np.array([0, 1, 3]), "keys": np.arange(3, dtype=np.uint64), "counts": np.ones(3, np.int64)}
    Features(**whole).write(tmp_path / "features.npz")
    with np.load(tmp_path / "features.npz") as file:
        stored = dict(file)
    np.savez(tmp_path / "features.npz", **(stored | changed))
    for make in (lambda: Features(**(whole | changed)), lambda: Features.read(tmp_path / "features.npz")):
        with pytest.raises(InputError, match=told):
            make()

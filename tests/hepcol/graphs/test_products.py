import dataclasses
import itertools

import dask
import numpy as np
import pytest

from hepcol import threads
from hepcol.errors import InputError
from hepcol.graphs import Constituents, Features, Reference, build, features, gram, labels, mean_similarity
from tests.data.graphs.make_grakel import FILE, LEVELS, N_GRAPHS, SETTINGS, grakel_graphs, made_jets
from tests.hepcol.graphs.toys import graphs_of, toy_jets

GRAKEL = "grakel of the extra graphs-bench is not installed"
UPPER = np.triu_indices(N_GRAPHS)


@pytest.fixture(scope="module")
def stored():
    with np.load(FILE) as file:
        return dict(file)


@pytest.fixture(scope="module")
def graphs():
    return build(toy_jets(150, most=30), node_features=("pt", "ptfrac"))


def stored_graphs(stored, setting):
    edges, of_nodes = SETTINGS[setting]
    graphs = build(Constituents(**made_jets(stored)), node_features=("pt", "ptfrac"), **edges)
    return graphs, labels(graphs, **of_nodes)


@pytest.mark.parametrize("setting", SETTINGS)
def test_products_are_those_that_grakel_found(stored, setting):
    graphs, of_nodes = stored_graphs(stored, setting)
    expected = 0
    for h in range(LEVELS + 1):
        expected = expected + stored[f"{setting}_wl_{h}"].astype(np.int64)
        found = gram(graphs, h=h, labels=of_nodes, normalize=False)
        assert found.dtype == np.int64
        assert np.array_equal(found[UPPER], expected)
        assert np.array_equal(found, found.T)
    assert np.array_equal(gram(graphs, kind="sp", labels=of_nodes, normalize=False)[UPPER], stored[f"{setting}_sp"])
    assert np.array_equal(
        gram(graphs, kind="vertex", labels=of_nodes, normalize=False)[UPPER], stored[f"{setting}_wl_0"]
    )


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.filterwarnings("ignore")  # GraKeL's own
def test_similarities_are_those_of_grakel(stored, setting):
    grakel = pytest.importorskip("grakel", reason=GRAKEL)
    graphs, of_nodes = stored_graphs(stored, setting)
    theirs = grakel_graphs(graphs, of_nodes)
    for h in (1, LEVELS):
        expected = grakel.WeisfeilerLehman(n_iter=h, normalize=True).fit_transform(theirs)
        assert np.allclose(gram(graphs, h=h, labels=of_nodes), expected, rtol=1e-15, atol=0)
        products = grakel.WeisfeilerLehman(n_iter=h).fit_transform(theirs)
        assert np.array_equal(gram(graphs, h=h, labels=of_nodes, normalize=False), products)


def test_similarities_are_products_over_lengths(graphs):
    products = gram(graphs, normalize=False)
    squares = np.diag(products).astype(float)
    expected = products / np.sqrt(
        np.outer(squares, squares), where=np.outer(squares, squares) > 0, out=np.ones((150,) * 2)
    )
    found = gram(graphs)
    assert found.dtype == np.float64
    assert np.array_equal(found, expected)
    assert (np.diag(found) == (np.diff(graphs.ptr) > 0)).all()


def test_two_sets_of_graphs_give_a_block_of_all(graphs):
    first, second = graphs[:40], graphs[40:]
    for normalize in (True, False):
        whole = gram(graphs, normalize=normalize)
        assert np.array_equal(gram(first, second, normalize=normalize), whole[:40, 40:])
        assert np.array_equal(gram(features(second), features(first), normalize=normalize), whole[40:, :40])


def test_a_graph_without_features_is_similar_to_none():
    graphs = graphs_of((0, []), (1, []), (2, [(0, 1)]), (0, []), (3, []))
    similar = gram(graphs)
    assert not np.isnan(similar).any()
    assert (similar[[0, 3]] == 0).all()
    assert (similar[:, [0, 3]] == 0).all()
    assert gram(graphs, kind="sp").diagonal().tolist() == [0, 0, 1, 0, 0]
    assert gram(graphs, kind="graphlet3").diagonal().tolist() == [0, 0, 0, 0, 1]
    assert gram(graphs[:0], graphs).shape == (0, 5)
    assert gram(graphs, graphs[:0]).shape == (5, 0)
    assert gram(graphs[:1]).tolist() == [[0]]


def test_rare_and_frequent_keys_are_multiplied_alike():
    """Frequent ones are written out, rare ones are looked up: every number of graphs that have a key."""
    n = 64
    keys = np.arange(1, n + 1, dtype=np.uint64)
    ptr, mine, counts = [0], [], []
    for i in range(n):
        mine.extend(keys[i:])  # key k is had by k graphs
        counts.extend(range(1, n - i + 1))
        ptr.append(len(mine))
    found = Features(np.array(ptr), np.array(mine, dtype=np.uint64), np.array(counts))
    dense = found.to_scipy().toarray()
    assert np.array_equal(gram(found, normalize=False), dense @ dense.T)


def test_threads_change_nothing(graphs):
    alone = gram(graphs, h=3)
    with threads.use(2):
        assert np.array_equal(gram(graphs, h=3), alone)


def test_products_that_would_not_fit_are_refused():
    many = Features(np.array([0, 1]), np.array([1], dtype=np.uint64), np.array([2**32]))
    with pytest.raises(InputError, match="graph 0 has 4294967296 wl features, expected at most 3037000499"):
        gram(many)


def test_says_what_cannot_be_compared(graphs):
    made = features(graphs)
    with pytest.raises(InputError, match="features are made already: h can only be given with graphs"):
        gram(made, h=3)
    with pytest.raises(InputError, match="of different kinds: wl with h=2 and sp with h=0"):
        gram(made, features(graphs, "sp"))
    for compare in (gram, Reference.of, lambda g, **how: mean_similarity(g, graphs, **how)):
        for given in (graphs, made, [graphs], [dask.delayed(graphs)]):
            with pytest.raises(InputError, match="option 'foo' of graph kernels is unknown; accepted: kind, h, labels"):
                compare(given, foo=1)
    with pytest.raises(InputError, match="got ndarray"):
        gram(np.zeros(3))
    with pytest.raises(InputError, match="no partitions"):
        gram([])


def test_labels_of_other_kinds_than_names(graphs):
    coarse = labels(graphs, bins=[0.1])
    assert np.array_equal(gram(graphs, labels=coarse), gram(graphs, labels=lambda g: labels(g, bins=[0.1])))
    assert not np.array_equal(gram(graphs, labels=coarse), gram(graphs))


def test_symmetric_and_positive(graphs):
    similar = gram(graphs, h=4, labels="none")
    assert np.array_equal(similar, similar.T)
    assert np.linalg.eigvalsh(similar).min() > -1e-12
    assert 0 <= similar.min() < 0.5
    assert all(similar[i, j] <= 1 for i, j in itertools.product(range(20), range(20)))
    assert dataclasses.is_dataclass(features(graphs))

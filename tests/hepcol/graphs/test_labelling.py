import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import Constituents, build, features, labels
from tests.hepcol.graphs.toys import graphs_of, toy_jets

FEATURES = ("pt", "ptfrac", "lnptfrac", "charge")


@pytest.fixture(scope="module")
def graphs():
    jets = toy_jets(60, most=30, charge=lambda n, rng: rng.integers(-1, 2, n))
    return build(jets, node_features=FEATURES)


def test_default_labels_are_bins_of_the_fraction_of_pt(graphs):
    found = labels(graphs)
    assert found.dtype == np.int64
    fraction = graphs.feature("ptfrac").astype(float)
    expected = [sum(f >= 2.0**-power for power in range(2, 11)) for f in fraction]
    assert found.tolist() == expected
    assert set(found) >= set(range(1, 10))


def test_the_fraction_of_pt_is_found_from_its_logarithm_or_from_pt(graphs):
    jets = toy_jets(60, most=30)
    expected = labels(graphs)
    of_logarithm = labels(build(jets, node_features=("lnptfrac",)))
    of_pt = labels(build(jets, node_features=("pt",)))  # all constituents are nodes here
    assert (of_logarithm == expected).all()
    assert (of_pt == expected).all()
    few = build(jets, node_features=("pt",), nmax=5)
    assert (labels(few) >= labels(build(jets, node_features=("ptfrac",), nmax=5))).all()


@pytest.mark.parametrize("bins", [None, (0.0, 1 / 8, 1 / 3, 0.5, 0.75), (1e-3, 0.1, 0.25)])
def test_a_fraction_on_an_edge_has_one_label_whatever_it_is_found_from(bins):
    halves = [2.0**power for power in range(10, -1, -1)]
    jets = [[2, 1, 1], [*halves, 1], [2, 1], [1], [3, 3, 2], [900, 100]]
    flat = np.concatenate(jets)
    zeros, offsets = np.zeros(len(flat)), np.concatenate([[0], np.cumsum([len(one) for one in jets])])
    by_feature = [
        labels(build(Constituents(flat, zeros, zeros, offsets), node_features=(name,)), bins=bins)
        for name in ("ptfrac", "lnptfrac", "pt")
    ]
    edges = np.asarray([2.0**-power for power in range(10, 1, -1)] if bins is None else bins)
    fractions = [np.float32(pt / sum(one)) for one in jets for pt in one]
    # 1/3 in single precision is above 1/3, of which the logarithm cannot tell it: both are on the edge
    expected = [int((edges <= fraction).sum()) for fraction in fractions]
    for found in by_feature:
        assert found.tolist() == expected
    if bins is None:
        assert expected[:3] == [9, 9, 9]


def test_nodes_without_pt_have_the_lowest_label_of_a_logarithm_too():
    jets = Constituents(np.array([1.0, 0.0]), np.zeros(2), np.zeros(2), np.array([0, 2]))
    for name in ("ptfrac", "lnptfrac"):
        assert labels(build(jets, node_features=(name,))).tolist() == [9, 0]
        assert labels(build(jets, node_features=(name,)), bins=[0.0, 0.5]).tolist() == [2, 1]


def test_labels_by_degree_by_nothing_and_by_other_features(graphs):
    assert (labels(graphs, "degree") == graphs.degrees).all()
    assert (labels(graphs, "none") == 0).all()
    assert (labels(graphs, "charge") == graphs.feature("charge")).all()
    assert labels(graphs_of((3, [(0, 1)]), x=[1.0, 2.0, 3.0]), "pt", bins=[2.0, 2.5]).tolist() == [0, 1, 2]
    assert labels(graphs, "degree", bins=[1, 5]).max() == 2


def test_nodes_without_pt_have_the_lowest_label():
    assert labels(graphs_of((2, []), (0, []), (1, []), x=[0.0, 0.0, 5.0])).tolist() == [0, 0, 9]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": "pt"}, "labels by pt: it is not whole numbers, so bins are needed"),
        ({"by": "eta"}, "no node feature 'eta'"),
        ({"by": "pt", "bins": [2, 1]}, "bins must be increasing edges"),
        ({"by": "none", "bins": [1]}, "nothing to bin"),
    ],
)
def test_says_which_labels_cannot_be_made(graphs, options, told):
    with pytest.raises(InputError, match=told):
        labels(graphs, **options)


def test_says_that_the_fraction_of_pt_is_not_known():
    with pytest.raises(InputError, match="need ptfrac, lnptfrac or pt among the node features, which are eta, phi"):
        labels(build(toy_jets(3), node_features=("eta", "phi")))


def test_refuses_labels_that_are_not_one_whole_number_for_each_node(graphs):
    with pytest.raises(InputError, match="expected whole numbers of the shape"):
        features(graphs, labels=np.zeros(3, dtype=np.int64))
    with pytest.raises(InputError, match="labels are float64"):
        features(graphs, labels=np.zeros(graphs.nodes))


def test_refuses_a_feature_that_is_not_finite():
    with pytest.raises(InputError, match="that of node 1 is nan"):
        labels(graphs_of((2, []), x=[1.0, np.nan]), "pt", bins=[1.0])

import itertools

import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import Reference, build, features, gram, mean_similarity
from tests.hepcol.graphs.toys import graphs_of, toy_jets

KINDS = ("wl", "sp", "vertex", "graphlet3")


@pytest.fixture(scope="module")
def graphs():
    return build(toy_jets(120, most=30), node_features=("pt", "ptfrac"))


@pytest.mark.parametrize("kind", KINDS)
def test_mean_similarity_is_the_mean_of_the_rows_of_the_gram_matrix(graphs, kind):
    some, reference = graphs[:50], graphs[50:]
    found = mean_similarity(some, reference, kind=kind)
    expected = gram(some, reference, kind=kind).mean(axis=1)
    assert found.shape == (50,)
    assert np.allclose(found, expected, rtol=1e-13, atol=0)
    assert 0 < expected[3] < 1


def test_a_reference_does_not_depend_on_partitions(graphs):
    whole = Reference.of(graphs, h=3)
    for cuts in ((0, 120), (0, 60, 120), (0, 1, 2, 30, 31, 31, 100, 120)):
        parts = [Reference.of(graphs[start:stop], h=3) for start, stop in itertools.pairwise(cuts)]
        forward, backward = parts[0], parts[-1]
        for part in parts[1:]:
            forward = forward + part
        for part in parts[-2::-1]:
            backward = backward + part
        assert forward.is_equal(whole)
        assert backward.is_equal(whole)
    other = Reference.of(graphs[np.random.default_rng(1).permutation(120)], h=3)
    assert other.is_equal(whole)


def test_partitions_have_the_same_similarities(graphs):
    reference = Reference.of(features(graphs[:60]))
    whole = mean_similarity(graphs, reference)
    parts = [mean_similarity(graphs[start:stop], reference) for start, stop in ((0, 7), (7, 8), (8, 120))]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(mean_similarity(features(graphs), reference), whole)


def test_graphs_without_features_count_as_not_similar():
    graphs = graphs_of((0, []), (2, [(0, 1)]), (2, [(0, 1)]))
    assert mean_similarity(graphs, graphs) == pytest.approx([0, 2 / 3, 2 / 3], rel=1e-15)
    assert mean_similarity(graphs[:1], graphs).tolist() == [0]
    assert mean_similarity(graphs[:0], graphs).shape == (0,)


def test_a_reference_comes_back_from_a_file(graphs, tmp_path):
    reference = Reference.of(graphs)
    reference.write(tmp_path / "reference.npz")
    assert Reference.read(tmp_path / "reference.npz").is_equal(reference)
    features(graphs).write(tmp_path / "features.npz")
    with pytest.raises(InputError, match=r"features.npz: not a file of reference"):
        Reference.read(tmp_path / "features.npz")


def test_a_reference_of_other_labels_is_refused(graphs, tmp_path):
    Reference.of(graphs, labels="none").write(tmp_path / "reference.npz")
    reference = Reference.read(tmp_path / "reference.npz")
    with pytest.raises(InputError, match="features are of different labels: degree and none"):
        mean_similarity(graphs, reference, labels="degree")
    with pytest.raises(InputError, match="features are of different labels: none and degree"):
        reference + Reference.of(graphs, labels="degree")
    assert not reference.is_equal(Reference.of(graphs, labels=lambda g: np.zeros(g.nodes, dtype=int)))
    with np.load(tmp_path / "reference.npz") as file:
        stored = dict(file)
    np.savez(tmp_path / "reference.npz", **(stored | {"limbs": stored["limbs"][:-1]}))
    with pytest.raises(InputError, match="limbs of a reference has the shape"):
        Reference.read(tmp_path / "reference.npz")


def test_says_what_cannot_be_compared(graphs):
    reference = Reference.of(graphs[:5])
    with pytest.raises(InputError, match="of different kinds: sp with h=0 and wl with h=2"):
        mean_similarity(graphs, reference, kind="sp")
    with pytest.raises(InputError, match="of different kinds"):
        reference + Reference.of(graphs, h=0)
    with pytest.raises(InputError, match="the reference has no graphs"):
        mean_similarity(graphs, Reference.of(graphs[:0]))
    with pytest.raises(InputError, match="no partitions"):
        Reference.of([])
    with pytest.raises(InputError, match="features are made already"):
        mean_similarity(features(graphs), reference, h=2)

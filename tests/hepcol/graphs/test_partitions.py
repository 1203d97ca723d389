import itertools

import awkward as ak
import dask
import dask.threaded
import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import Features, JetGraphs, Reference, build, classes, features, gram, labels, mean_similarity
from tests.hepcol.graphs.toys import toy_jets

KINDS = ("wl", "sp", "vertex", "graphlet3")
N_GRAPHS = 100
CUTS = {1: [], 2: [37], 7: [1, 5, 5, 30, 31, 90]}


@pytest.fixture(scope="module")
def graphs():
    return build(toy_jets(N_GRAPHS, most=30), node_features=("pt", "ptfrac"))


def cut(graphs, number):
    edges = [0, *CUTS[number], N_GRAPHS]
    return [graphs[start:stop] for start, stop in itertools.pairwise(edges)]


def computed(lazy):
    return dask.compute(lazy, scheduler=dask.threaded.get, num_workers=2)[0]


@pytest.mark.parametrize("delayed", [True, False])
@pytest.mark.parametrize("number", CUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_partitions_change_no_bit(graphs, kind, number, delayed):
    parts = cut(graphs, number)
    given = [dask.delayed(part) for part in parts] if delayed else parts
    made = features(given, kind)
    assert len(made) == number
    assert Features.concatenate(computed(made)).is_equal(features(graphs, kind))
    for normalize in (True, False):
        expected = gram(graphs, kind=kind, normalize=normalize)
        assert np.array_equal(computed(gram(given, kind=kind, normalize=normalize)), expected)
        assert np.array_equal(computed(gram(made, normalize=normalize)), expected)
    block = gram(graphs[:9], graphs, kind=kind)
    assert np.array_equal(computed(gram(graphs[:9], given, kind=kind)), block)
    assert np.array_equal(computed(gram(given, graphs[:9], kind=kind)), block.T)
    reference = Reference.of(given, kind=kind)
    assert computed(reference).is_equal(Reference.of(graphs, kind=kind))
    expected = mean_similarity(graphs, graphs, kind=kind)
    assert np.array_equal(computed(mean_similarity(given, reference, kind=kind)), expected)
    assert np.array_equal(computed(mean_similarity(made, reference)), expected)
    assert np.array_equal(computed(mean_similarity(graphs, given, kind=kind)), expected)
    assert np.array_equal(computed(classes(given, 3)), classes(graphs, 3))


@pytest.mark.parametrize("number", CUTS)
def test_exact_classes_do_not_depend_on_partitions(number):
    pytest.importorskip("networkx", reason="networkx of the extra graphs is not installed")
    graphs = build(toy_jets(N_GRAPHS, most=7), node_features=("pt", "ptfrac"))
    expected = classes(graphs, 0, "none", exact=True)
    assert len(set(expected.tolist())) < N_GRAPHS
    given = [dask.delayed(part) for part in cut(graphs, number)]
    assert np.array_equal(computed(classes(given, 0, "none", exact=True)), expected)


def test_what_is_delayed_waits_to_be_asked_for(graphs):
    given = [dask.delayed(part) for part in cut(graphs, 2)]
    for lazy in (*features(given), gram(given), mean_similarity(given, graphs), classes(given), Reference.of(given)):
        assert type(lazy).__module__.startswith("dask.")


def test_workers_change_no_bit(graphs, scheduler):
    from distributed import Client

    with Client(scheduler) as client:
        given = [dask.delayed(part) for part in cut(graphs, 7)]
        lazy = (gram(given, h=5), mean_similarity(given, given), classes(given))
        found = client.gather(client.compute(lazy))
    assert np.array_equal(found[0], gram(graphs, h=5))
    assert np.array_equal(found[1], mean_similarity(graphs, graphs))
    assert np.array_equal(found[2], classes(graphs))


def test_labels_of_partitions_are_a_name_or_a_function(graphs):
    parts = cut(graphs, 2)
    coarse = gram(graphs, labels=labels(graphs, bins=[0.1]))
    assert np.array_equal(gram(parts, labels=lambda g: labels(g, bins=[0.1])), coarse)
    with pytest.raises(InputError, match="labels of partitions must be a name or a function of graphs"):
        features(parts, labels=labels(graphs))
    with pytest.raises(InputError, match="kind must be one of"):
        features([dask.delayed(part) for part in parts], "other")


def nested(jets):
    columns = {"pt": jets.pt, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass, **jets.columns}
    return ak.unflatten(ak.zip(columns), np.diff(jets.offsets))


def test_graphs_of_dask_awkward_are_those_of_awkward():
    dask_awkward = pytest.importorskip("dask_awkward")
    array = nested(toy_jets(40, most=30, charge=lambda n, rng: rng.integers(-1, 2, n)))
    options = {"node_features": ("pt", "eta", "phi", "charge"), "edges": "knn"}
    lazy = build(dask_awkward.from_awkward(array, 3), **options)
    assert len(lazy) == 3
    expected = build(array, **options)
    made = JetGraphs.concatenate(computed(lazy))
    for name in ("x", "ptr", "edge_index", "edge_ptr", "edge_attr"):
        assert np.array_equal(getattr(made, name), getattr(expected, name))
    assert np.array_equal(computed(gram(lazy)), gram(expected))


def test_of_a_file_only_what_graphs_are_made_of_is_read(tmp_path, monkeypatch):
    dask_awkward = pytest.importorskip("dask_awkward")
    from dask_awkward.lib.io.parquet import ak_from_parquet

    array = nested(toy_jets(40, most=30, charge=lambda n, rng: rng.integers(-1, 2, n)))
    ak.to_parquet(array, tmp_path / "jets.parquet")
    read = []
    load = ak_from_parquet._load

    def watched(*given, parquet_columns, **options):
        read.extend(parquet_columns)
        return load(*given, parquet_columns=parquet_columns, **options)

    monkeypatch.setattr(ak_from_parquet, "_load", watched)
    (part,) = build(dask_awkward.from_parquet(str(tmp_path / "jets.parquet")))
    assert read == []
    assert np.array_equal(computed(part).x, build(array).x)
    assert {name.rpartition(".")[2] for name in read} == {"pt", "eta", "phi", "mass"}


def test_says_at_once_what_is_wrong_with_an_array_of_dask_awkward():
    dask_awkward = pytest.importorskip("dask_awkward")
    lazy = dask_awkward.from_awkward(nested(toy_jets(10)), 2)
    with pytest.raises(InputError, match="node feature 'charge' is neither"):
        build(lazy, node_features=("pt", "charge"))
    with pytest.raises(InputError, match="constituents have no field phi"):
        build(lazy[["pt", "eta"]])

import dataclasses
import sys

import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import build, gram
from tests.hepcol.graphs.toys import toy_jets

WHERE = "of the extra graphs-bench is not installed"


@pytest.fixture(scope="module")
def graphs():
    jets = dataclasses.replace(toy_jets(12), jets={"event": np.arange(12, dtype=np.uint64), "y": np.ones(12)})
    return build(jets, edge_features=("dr", "lnkt"))


def test_round_trip_of_pytorch_geometric(graphs):
    torch = pytest.importorskip("torch", reason=f"torch {WHERE}")
    geometric = pytest.importorskip("torch_geometric", reason=f"torch-geometric {WHERE}")
    from hepcol.graphs.conversion import to_pyg_slices

    data = graphs.to_pyg()
    assert len(data) == len(graphs)
    for i, one in enumerate(data):
        mine = graphs[i : i + 1]
        assert np.array_equal(one.x.numpy(), mine.x)
        assert np.array_equal(one.edge_index.numpy(), mine.edge_index)
        assert np.array_equal(one.edge_attr.numpy(), mine.edge_attr)
        assert (one.event.item(), one.y.item()) == (i, 1.0)
        assert one.edge_index.dtype == torch.int64
        assert one.validate()
        assert one.is_undirected()
    batch = geometric.data.Batch.from_data_list(data)
    assert batch.num_nodes == graphs.nodes
    assert np.array_equal(batch.ptr.numpy(), graphs.ptr)

    class Stored(geometric.data.InMemoryDataset):
        def __init__(self):
            super().__init__()
            self.data, self.slices = to_pyg_slices(graphs)

    stored = Stored()
    assert len(stored) == len(graphs)
    for one, other in zip(data, stored, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one.keys())  # noqa: SIM118  (PyG's own)


def test_what_changes_in_pytorch_does_not_change_the_graphs(graphs):
    pytest.importorskip("torch", reason=f"torch {WHERE}")
    pytest.importorskip("torch_geometric", reason=f"torch-geometric {WHERE}")
    from hepcol.graphs.conversion import to_pyg_slices

    before = dataclasses.replace(
        graphs,
        x=graphs.x.copy(),
        edge_attr=graphs.edge_attr.copy(),
        columns={name: one.copy() for name, one in graphs.columns.items()},
    )
    stored, slices = to_pyg_slices(graphs)
    for one in (*graphs.to_pyg(), stored):
        for tensor in (one.x, one.edge_attr, one.edge_index, one.event, one.y):
            tensor.add_(1)
    slices["x"].add_(1)
    assert graphs.is_equal(before)


@pytest.mark.parametrize("name", ["x", "batch", "ptr", "num_nodes", "jet_index", "face", "keys", "my_batch", "to_dict"])
def test_refuses_columns_of_names_that_pytorch_geometric_has(graphs, name):
    pytest.importorskip("torch", reason=f"torch {WHERE}")
    pytest.importorskip("torch_geometric", reason=f"torch-geometric {WHERE}")
    from hepcol.graphs.conversion import to_pyg_slices

    named = dataclasses.replace(graphs, columns={name: np.arange(12)})
    for convert in (named.to_pyg, lambda: to_pyg_slices(named)):
        with pytest.raises(InputError, match=f"a meaning of its own for the column '{name}': leave it out"):
            convert()


@pytest.mark.parametrize("name", ["y", "pos", "time", "jet_pt", "luminosityBlock", "weight"])
def test_other_columns_are_in_batches(graphs, name):
    pytest.importorskip("torch", reason=f"torch {WHERE}")
    geometric = pytest.importorskip("torch_geometric", reason=f"torch-geometric {WHERE}")
    named = dataclasses.replace(graphs, columns={name: np.arange(12)})
    batch = geometric.data.Batch.from_data_list(named.to_pyg())
    assert batch[name].tolist() == list(range(12))
    assert batch.num_nodes == graphs.nodes


def test_graphs_of_networkx(graphs):
    networkx = pytest.importorskip("networkx", reason=f"networkx {WHERE}")
    for i in (0, 1, 2, 3, 9):
        one = graphs.to_networkx(i)
        assert type(one) is networkx.Graph
        assert list(one.nodes) == list(range(graphs.ptr[i + 1] - graphs.ptr[i]))
        assert 2 * one.number_of_edges() == graphs.edge_ptr[i + 1] - graphs.edge_ptr[i]
        assert {(s, t) for s, t in graphs.adjacency(i) if s < t} == {tuple(sorted(edge)) for edge in one.edges}
        assert [one.nodes[n]["pt"] for n in one] == graphs[i : i + 1].feature("pt").tolist()
        assert one.graph == {"event": i, "y": 1.0}
    directed = build(toy_jets(12), edges="knn", k=3, undirected=False)
    one = directed.to_networkx(9)
    assert type(one) is networkx.DiGraph
    assert set(one.edges) == set(directed.adjacency(9))


def test_graphs_of_grakel(graphs):
    grakel = pytest.importorskip("grakel", reason=f"grakel {WHERE}")
    labels = np.arange(graphs.nodes) % 3
    one = graphs.to_grakel(9, labels)
    edges = one.get_edges(purpose="adjacency")
    assert set(edges) == set(graphs.adjacency(9))
    assert list(one.get_labels(purpose="adjacency").values()) == labels[graphs.ptr[9] : graphs.ptr[10]].tolist()
    alone = build(toy_jets(12), r=0.05)  # with nodes that have no neighbours
    paths = grakel.ShortestPath().fit_transform([alone.to_grakel(i, labels) for i in (3, 8, 9)])
    assert np.array_equal(
        paths, gram(alone[[3, 8, 9]], kind="sp", labels=_of(alone, labels, [3, 8, 9]), normalize=False)
    )
    with pytest.raises(InputError, match="expected a label for each of"):
        graphs.to_grakel(9, labels[:3])


def _of(graphs, labels, rows):
    return np.concatenate([labels[graphs.ptr[row] : graphs.ptr[row + 1]] for row in rows])


@pytest.mark.parametrize("name", ["torch", "networkx", "grakel"])
def test_says_what_to_install(graphs, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    convert = {"torch": graphs.to_pyg, "networkx": lambda: graphs.to_networkx(3), "grakel": lambda: graphs.to_grakel(3)}
    with pytest.raises(InputError, match=f"needs {name}, which is not installed: pip install {name}"):
        convert[name]()


def test_refuses_a_graph_that_is_not_there(graphs):
    pytest.importorskip("networkx", reason=f"networkx {WHERE}")
    with pytest.raises(InputError, match="graph 12 is none of the 12 graphs, 0 to 11"):
        graphs.to_networkx(12)

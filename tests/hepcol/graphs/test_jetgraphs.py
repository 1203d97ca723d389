import dataclasses

import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import Features, JetGraphs, build
from tests.hepcol.graphs.toys import graphs_of, toy_jets


@pytest.fixture(scope="module")
def graphs():
    jets = toy_jets(60)
    jets = dataclasses.replace(jets, jets={"event": np.arange(60, dtype=np.uint64)})
    return build(jets, edges="knn", k=3, undirected=False, edge_features=("dr", "lnz"))


def test_some_graphs_are_those_that_are_asked_for(graphs):
    for which in (slice(3, 9), [5, 0, 4, 4], np.arange(60) % 7 == 0, slice(None, None, 5), slice(9, 3)):
        some = graphs[which]
        rows = np.arange(60)[which]
        assert some.columns["event"].tolist() == rows.tolist()
        assert len(some) == len(rows)
        for place, row in enumerate(rows):
            node, edge = slice(*graphs.ptr[row : row + 2]), slice(*graphs.edge_ptr[row : row + 2])
            assert np.array_equal(some.x[some.ptr[place] : some.ptr[place + 1]], graphs.x[node])
            mine = slice(*some.edge_ptr[place : place + 2])
            assert np.array_equal(some.edge_index[:, mine], graphs.edge_index[:, edge])
            assert np.array_equal(some.edge_attr[mine], graphs.edge_attr[edge])


def test_a_number_gives_graphs_that_are_one_and_so_does_going_through_them(graphs):
    for number in (7, np.int64(7), np.uint8(7), -53):
        assert graphs[number].is_equal(graphs[7:8])
    each = list(graphs)
    assert len(each) == len(graphs)
    assert JetGraphs.concatenate(each).is_equal(graphs)
    bare = dataclasses.replace(graphs, columns={})
    assert [one.nodes for one in bare] == np.diff(graphs.ptr).tolist()


def test_nothing_may_be_chosen(graphs):
    for which in ([], np.array([], dtype=np.int64), np.zeros(60, dtype=bool), ()):
        assert graphs[which].is_equal(graphs[:0])


@pytest.mark.parametrize(
    ("which", "told"),
    [
        (60, "graph 60 is none of the 60 graphs, 0 to 59"),
        ([3, -61], "graph -61 is none of the 60 graphs"),
        ("jet_pt", "graphs are chosen by a number, a slice, a list of numbers or a mask of 60, got 'jet_pt'"),
        (True, "or a mask of 60, got True"),
        (1.0, "got 1.0"),
        (np.zeros(3, dtype=bool), r"got bool\[3\]"),
        (np.zeros((2, 2), dtype=int), r"got int64\[2, 2\]"),
    ],
)
def test_says_which_graphs_cannot_be_chosen(graphs, which, told):
    counted = Features(np.zeros(61, np.int64), np.empty(0, np.uint64), np.empty(0, np.int64))
    for given in (graphs, counted):
        with pytest.raises(InputError, match=told):
            given[which]


def test_parts_joined_are_the_whole(graphs):
    assert JetGraphs.concatenate([graphs[:1], graphs[1:1], graphs[1:20], graphs[20:]]).is_equal(graphs)
    assert not graphs[:59].is_equal(graphs)


def test_does_not_join_what_was_made_in_different_ways(graphs):
    other = build(toy_jets(3), edges="none")
    with pytest.raises(InputError, match="graphs were made in different ways"):
        JetGraphs.concatenate([graphs, other])
    with pytest.raises(InputError, match="no graphs"):
        JetGraphs.concatenate([])


def test_degrees_count_the_edges_to_a_node(graphs):
    expected = []
    for graph in range(len(graphs)):
        targets = [target for _, target in graphs.adjacency(graph)]
        expected += [targets.count(node) for node in range(graphs.ptr[graph + 1] - graphs.ptr[graph])]
    assert graphs.degrees.tolist() == expected
    assert graphs.degrees.sum() == graphs.edges


def test_comes_back_from_awkward(graphs):
    rows = graphs.to_awkward()
    assert rows[7].nodes.pt.to_list() == graphs[7:8].feature("pt").tolist()
    assert JetGraphs.from_awkward(rows, graphs.recipe).is_equal(graphs)
    assert JetGraphs.from_awkward(rows[10:20], graphs.recipe).is_equal(graphs[10:20])


def test_refuses_arrays_that_do_not_fit(graphs):
    with pytest.raises(InputError, match=r"x of graphs has the shape \(2, 3\), expected"):
        dataclasses.replace(graphs, x=np.zeros((2, 3), np.float32))
    with pytest.raises(InputError, match="column y of graphs has the shape"):
        dataclasses.replace(graphs, columns={"y": np.zeros(2)})
    with pytest.raises(InputError, match="the graphs have no node feature 'energy'; they have pt, eta, phi"):
        graphs.feature("energy")


@pytest.mark.parametrize("name", ["node_pt", "edge_x", "nodes", "edges", "node", "edge", "nnode", "nedge", "", 3])
def test_refuses_names_of_columns_that_files_have_for_nodes_and_edges(graphs, name):
    with pytest.raises(InputError, match=f"column {name!r} of graphs: names must be texts, not node, edge, "):
        dataclasses.replace(graphs, columns={name: np.zeros(60)})


@pytest.mark.parametrize(
    "column",
    [
        np.full(60, "a"),
        np.full(60, "a", dtype=object),
        np.zeros(60, "M8[s]"),
        np.zeros(60, "m8[s]"),
        np.zeros(60, "f2"),
        np.zeros(60, np.longdouble),
        np.zeros(60, complex),
    ],
)
def test_refuses_columns_that_files_cannot_have(graphs, column):
    with pytest.raises(InputError) as error:
        dataclasses.replace(graphs, columns={"a": column})
    expected = f"column a of graphs is {column.dtype}, expected truth values, integers, float32 or float64"
    assert str(error.value) == expected


def test_refuses_columns_with_missing_values(graphs):
    with pytest.raises(InputError, match="column a of graphs has 1 missing values"):
        dataclasses.replace(graphs, columns={"a": np.ma.masked_equal(np.arange(60), 3)})


def test_a_pair_that_is_joined_both_ways_is_two_edges_and_a_loop_is_one():
    graphs = graphs_of((3, [(0, 1), (1, 2), (2, 2)]), self_loops=True)
    assert (graphs.edges, graphs.edge_index.shape) == (5, (2, 5))
    assert graphs.degrees.tolist() == [1, 2, 2]


SOUND = {
    "x": np.ones((3, 3), np.float32),
    "ptr": np.array([0, 2, 3]),
    "edge_index": np.array([[1, 0], [0, 1]], np.int32),
    "edge_ptr": np.array([0, 2, 2]),
    "edge_attr": np.zeros((2, 1), np.float32),
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ptr": np.array([0, 5_000_000, 3])}, "ptr of graphs decreases from 5000000 to 3 at graph 1"),
        ({"ptr": np.array([0, -5, 3])}, "ptr of graphs decreases from 0 to -5 at graph 0"),
        ({"ptr": np.array([1, 2, 3])}, "ptr of graphs begins with 1, expected 0"),
        ({"ptr": np.array([0, 2, 3], np.int32)}, r"ptr of graphs is int32\[3\], expected int64\[graphs \+ 1\]"),
        ({"ptr": np.array(3)}, r"ptr of graphs is int64\[\], expected"),
        ({"ptr": np.array([], dtype=np.int64)}, r"ptr of graphs is int64\[0\], expected"),
        ({"edge_ptr": np.array([0, 9, 2])}, "edge_ptr of graphs decreases from 9 to 2 at graph 1"),
        ({"edge_ptr": np.array([0, 2])}, r"edge_ptr of graphs has the shape \(2,\), expected \(3,\)"),
        ({"x": np.ones((3, 3))}, r"x of graphs is float64\[3, 3\], expected float32"),
        ({"edge_index": np.array([[1, 0], [0, 1]])}, r"edge_index of graphs is int64\[2, 2\], expected int32"),
        ({"edge_attr": np.zeros((2, 1))}, "edge_attr of graphs is float64"),
        ({"edge_index": np.array([[1, 2], [0, 1]], np.int32)}, "edge 2 -> 1 of graph 0 is of no node: it has 2"),
        ({"edge_index": np.array([[1, 0], [0, -1]], np.int32)}, "edge 0 -> -1 of graph 0 is of no node"),
        (
            {"edge_index": np.array([[1, 0], [0, 1]], np.int32), "edge_ptr": np.array([0, 1, 2])},
            "edge 0 -> 1 of graph 1 is of no node: it has 1",
        ),
    ],
)
def test_refuses_arrays_that_kernels_would_read_beyond(changed, told, tmp_path):
    JetGraphs(**SOUND).write(tmp_path / "g.npz", "all")
    with np.load(tmp_path / "g.npz") as file:
        stored = dict(file)
    np.savez(tmp_path / "g.npz", **(stored | changed))
    for make in (lambda: JetGraphs(**(SOUND | changed)), lambda: JetGraphs.read(tmp_path / "g.npz")):
        with pytest.raises(InputError, match=told):
            make()


def test_does_not_make_edges_again_without_positions():
    graphs = build(toy_jets(5), node_features=("lnpt", "eta"))
    with pytest.raises(InputError, match="edges cannot be made again of nodes with the features lnpt, eta"):
        graphs.without_edges()

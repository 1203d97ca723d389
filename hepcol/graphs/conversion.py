"""Graphs as other libraries have them, which are imported when they are asked for."""

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError

if TYPE_CHECKING:
    from hepcol.graphs.jetgraphs import JetGraphs

Integers = npt.NDArray[np.int64]


def to_pyg(graphs: "JetGraphs") -> list[Any]:
    """Return a ``torch_geometric.data.Data`` for each graph.

    All is copied, once for all graphs together: what is changed in place in PyTorch does not change the arrays here.
    ``edge_index`` is int64, which PyTorch wants. Columns of the jets are tensors of one element.

    Raises
    ------
    InputError
        If PyTorch Geometric is missing, or has a meaning of its own for the name of a column.
    """
    torch, data = _needed("torch", "to_pyg"), _needed("torch_geometric.data", "to_pyg")
    x, edge_index, edge_attr, columns = _tensors(graphs, torch, data)
    ptr, edge_ptr = graphs.ptr.tolist(), graphs.edge_ptr.tolist()
    return [
        data.Data(
            x=x[ptr[i] : ptr[i + 1]],
            edge_index=edge_index[:, edge_ptr[i] : edge_ptr[i + 1]],
            edge_attr=edge_attr[edge_ptr[i] : edge_ptr[i + 1]],
            **{name: column[i : i + 1] for name, column in columns.items()},
        )
        for i in range(len(graphs))
    ]


def to_pyg_slices(graphs: "JetGraphs") -> tuple[Any, dict[str, Any]]:
    """Return data and slices, as an ``InMemoryDataset`` of PyTorch Geometric keeps all graphs; see :func:`to_pyg`."""
    torch, data = _needed("torch", "to_pyg_slices"), _needed("torch_geometric.data", "to_pyg_slices")
    ptr, edge_ptr = torch.from_numpy(graphs.ptr.copy()), torch.from_numpy(graphs.edge_ptr.copy())
    x, edge_index, edge_attr, columns = _tensors(graphs, torch, data)
    all_graphs = data.Data(x=x, edge_index=edge_index, edge_attr=edge_attr, **columns)
    rows = torch.arange(len(graphs) + 1)
    return all_graphs, {"x": ptr, "edge_index": edge_ptr, "edge_attr": edge_ptr, **dict.fromkeys(columns, rows)}


def _tensors(graphs: "JetGraphs", torch: Any, data: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Copy nodes, edges, their features and the columns into tensors."""
    for name in graphs.columns:
        _check_name(name, data.Data)
    x, edge_index, edge_attr = (
        torch.from_numpy(np.array(array, dtype=dtype, order="C"))
        for array, dtype in ((graphs.x, np.float32), (graphs.edge_index, np.int64), (graphs.edge_attr, np.float32))
    )
    columns = {name: torch.from_numpy(_signed(np.array(one))) for name, one in graphs.columns.items()}
    return x, edge_index, edge_attr, columns


def _check_name(name: str, data: Any) -> None:
    """Refuse names that PyTorch Geometric uses, or takes for numbers of nodes that it counts on from graph to graph."""
    is_used = hasattr(data, name) and name not in _FREE
    if is_used or name in _BATCHED or any(part in name for part in _COUNTED_ON):
        raise InputError(
            f"to_pyg: PyTorch Geometric has a meaning of its own for the column '{name}': leave it out, or give it a "
            f"name that is none of torch_geometric.data.Data and has no {' or '.join(_COUNTED_ON)} in it"
        )


_FREE = ("y", "pos", "time")  # what users are to fill in
_BATCHED = ("ptr",)  # of batches
_COUNTED_ON = ("batch", "index")


def to_networkx(graphs: "JetGraphs", graph: int) -> Any:
    """Return one graph as a ``networkx.Graph``, or a ``DiGraph`` if edges lead one way only."""
    networkx = _needed("networkx", "to_networkx")
    _check_number(graphs, graph)
    one = graphs[graph : graph + 1]
    recipe = graphs.recipe
    made = networkx.DiGraph() if recipe.is_directed else networkx.Graph()
    made.graph.update({name: column[0].item() for name, column in one.columns.items()})
    features = zip(*(column.tolist() for column in one.x.T), strict=True)
    for node, values in enumerate(features):
        made.add_node(node, **dict(zip(recipe.node_features, values, strict=True)))
    names = tuple(str(name) for name in recipe.edge_features)
    for (source, target), values in zip(one.adjacency(0), one.edge_attr.tolist(), strict=True):
        made.add_edge(source, target, **dict(zip(names, values, strict=True)))
    return made


def to_grakel(graphs: "JetGraphs", graph: int, labels: Integers | None = None) -> Any:
    """Return one graph as a ``grakel.Graph``, with labels of the nodes: those of all graphs, or 0 for each."""
    grakel = _needed("grakel", "to_grakel")
    _check_number(graphs, graph)
    first, last = graphs.ptr[graph], graphs.ptr[graph + 1]
    if labels is not None and len(labels) != graphs.nodes:
        raise InputError(f"to_grakel: expected a label for each of {graphs.nodes} nodes, got {len(labels)}")
    numbers = np.zeros(last - first, np.int64) if labels is None else labels[first:last]
    # as a matrix: of a list of neighbours, GraKeL's shortest paths fail for nodes that have none
    joined = np.zeros((last - first, last - first), dtype=np.int64)
    source, target = graphs.edge_index[:, graphs.edge_ptr[graph] : graphs.edge_ptr[graph + 1]]
    joined[source, target] = 1
    return grakel.Graph(joined, node_labels=dict(enumerate(numbers.tolist())))


def _needed(module: str, what: str) -> Any:
    """Import a library that only this needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.split(".", maxsplit=1)[0].replace("_", "-")
        raise InputError(f"{what} needs {name}, which is not installed: pip install {name}") from error


def _check_number(graphs: "JetGraphs", graph: int) -> None:
    if not 0 <= graph < len(graphs):
        raise InputError(f"graph {graph} is none of the {len(graphs)} graphs, 0 to {len(graphs) - 1}")


def _signed(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Unsigned integers as signed ones of the same size, with the same bits: PyTorch hardly knows the others."""
    return column.view(column.dtype.str.replace("u", "i")) if column.dtype.kind == "u" else column

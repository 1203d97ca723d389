"""Files of graphs: npz, parquet and ROOT.

Nodes alone are enough where the edges can be made again of them, which takes less time than reading these.
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.chunkfiles import read_index
from hepcol.errors import InputError
from hepcol.graphs.arrays import replace_file
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.recipe import EDGE_PREFIX, NODE_PREFIX, Recipe, read_recipe
from hepcol.keptbytes import KeptBytes

Array = npt.NDArray[Any]

VERSION = 1
NODES, ALL = "nodes", "all"
KIND = "graphs"  # name of the folder with the files of a run
_ABOUT = "hepcol_graphs"  # what a file says of its graphs, in JSON
_COLUMN = "column_"  # before the names of columns, in npz
_TREE = "graphs"
_ARRAYS = ("x", "ptr", "edge_index", "edge_ptr", "edge_attr")
_SOURCE, _TARGET = f"{EDGE_PREFIX}source", f"{EDGE_PREFIX}target"


class _Format(NamedTuple):
    """How graphs are written and read."""

    write: Callable[[IO[bytes], JetGraphs, str], None]
    read: Callable[[Path], tuple[JetGraphs, bool]]


def write_graphs(path: str | Path, graphs: JetGraphs, stored: str = NODES) -> None:
    """Write graphs to a file, as a whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file: its ending, ``.npz``, ``.parquet`` or ``.root``, says the format.
    graphs : JetGraphs
        The graphs.
    stored : {"nodes", "all"}
        Whether to leave out the edges, which are made again when it is read.

    Raises
    ------
    InputError
        If the ending is another one, edges that are left out could not be made again, or the file cannot be written.
    """
    path = Path(path)
    replace_file(path, to_bytes(graphs, path.suffix, stored))


def to_bytes(graphs: JetGraphs, suffix: str, stored: str = NODES) -> bytes:
    """Return what a file of graphs with an ending has in it; see :func:`write_graphs`."""
    form = _format(suffix)
    if stored not in (NODES, ALL):
        raise InputError(f"stored must be {NODES} or {ALL}, got '{stored}'")
    if stored == NODES:
        graphs = graphs.without_edges()
    about = json.dumps({"version": VERSION, "recipe": graphs.recipe.to_dict(), "stored": stored})
    file = KeptBytes()
    form.write(file, graphs, about)
    return file.getvalue()


def read_graphs(path: str | Path) -> JetGraphs:
    """Read graphs from a file of :func:`write_graphs`; edges that it leaves out are made again.

    Raises
    ------
    InputError
        If it is no such file.
    """
    path = Path(path)
    form = _format(path.suffix)
    with _damage_told(path):
        graphs, has_edges = form.read(path)
    return graphs if has_edges else graphs.rebuilt()


def read_folder(
    folder: str | Path, dataset: str | None = None, kind: str = KIND, *, allow_incomplete: bool = False
) -> Iterator[JetGraphs]:
    """Read the graphs of a run, those of one chunk at a time, in the order of the events.

    Parameters
    ----------
    folder : str or Path
        Output folder of a run.
    dataset : str, optional
        One of its datasets; by default all, one after another.
    kind : str
        Name of the folder with the files.
    allow_incomplete : bool
        Whether to read what there is of a run of which chunks are missing.

    Raises
    ------
    InputError
        If there is no such run or dataset, the run is incomplete, or a file is missing, damaged or of graphs that were
        made in another way than those of the first.
    """
    index = read_index(folder, kind)
    if not index.is_complete and not allow_incomplete:
        raise InputError(
            f"{folder}: the run is incomplete: beside the {len(index.files)} files of {kind} there are chunks without "
            "one; complete it with --resume, or read what there is with allow_incomplete=True"
        )
    if dataset is not None and dataset not in index.datasets:
        raise InputError(f"{folder}: no graphs of a dataset '{dataset}'; there are {', '.join(index.datasets)}")
    return _read_alike([index.path_of(file) for file in index.files if dataset in (None, file.dataset)])


def _read_alike(paths: list[Path]) -> Iterator[JetGraphs]:
    """Read files of one run, of which a torn one may have left others than the index means."""
    recipe = None
    for path in paths:
        graphs = read_graphs(path)
        recipe = recipe or graphs.recipe
        if graphs.recipe != recipe:
            told = _differences(graphs.recipe, recipe)
            raise InputError(f"{path} and {paths[0]} are of different runs: their graphs were made with {told}")
        yield graphs


def _differences(one: Recipe, other: Recipe) -> str:
    return ", ".join(
        f"{name}={getattr(one, name)} and {getattr(other, name)}"
        for name in Recipe.__dataclass_fields__
        if getattr(one, name) != getattr(other, name)
    )


def _format(suffix: str) -> _Format:
    if suffix not in _FORMATS:
        raise InputError(f"files of graphs end in {', '.join(_FORMATS)}, got '{suffix}'")
    return _FORMATS[suffix]


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Say in one line what is wrong with a file."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: truncated, or no file of graphs: {reason:.200}") from error


def _told(path: Path, text: str | bytes | None) -> dict[str, Any]:
    """Read what a file says of its graphs."""
    if text is None:
        raise InputError(f"{path}: no file of graphs of hepcol")
    about: dict[str, Any] = json.loads(text)
    if about["version"] != VERSION:
        raise InputError(f"{path}: written in version {about['version']} of the format, this hepcol reads {VERSION}")
    return about


def _write_npz(file: IO[bytes], graphs: JetGraphs, about: str) -> None:
    arrays: dict[str, Any] = {name: getattr(graphs, name) for name in _ARRAYS}
    arrays |= {f"{_COLUMN}{name}": column for name, column in graphs.columns.items()}
    arrays[_ABOUT] = np.frombuffer(about.encode(), dtype=np.uint8)
    np.savez(file, **arrays)


def _read_npz(path: Path) -> tuple[JetGraphs, bool]:
    if not zipfile.is_zipfile(path):
        path.open("rb").close()  # says if it is not there
        raise InputError(f"{path}: truncated, or no file of graphs")
    with np.load(path, allow_pickle=False) as stored:
        about = _told(path, stored[_ABOUT].tobytes() if _ABOUT in stored else None)
        columns = {name.removeprefix(_COLUMN): stored[name] for name in stored.files if name.startswith(_COLUMN)}
        arrays = {name: stored[name] for name in _ARRAYS}
    return JetGraphs(**arrays, columns=columns, recipe=read_recipe(about["recipe"])), about["stored"] == ALL


def _write_parquet(file: IO[bytes], graphs: JetGraphs, about: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    lists = {
        name: pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(flat)))
        for name, (flat, offsets) in _jagged(graphs).items()
    }
    columns = {name: pa.array(column) for name, column in graphs.columns.items()}
    table = pa.table(columns | lists).replace_schema_metadata({_ABOUT: about})
    pyarrow.parquet.write_table(table, file, compression="zstd")


def _read_parquet(path: Path) -> tuple[JetGraphs, bool]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path, memory_map=False)
    about = _told(path, (table.schema.metadata or {}).get(_ABOUT.encode()))
    table = table.combine_chunks()

    def lists(name: str) -> tuple[Array, Array]:
        column = table.column(name).chunks
        if not column:
            return np.empty(0, dtype=table.schema.field(name).type.value_type.to_pandas_dtype()), np.zeros(1, np.int64)
        return column[0].values.to_numpy(), np.asarray(column[0].offsets)

    plain = [name for name in table.column_names if not name.startswith((NODE_PREFIX, EDGE_PREFIX))]
    columns = {name: table.column(name).to_numpy() for name in plain}
    return _gathered(about, lists, columns)


def _write_root(file: IO[bytes], graphs: JetGraphs, about: str) -> None:
    from hepcol.rootwriting import recreate

    for name in (*graphs.columns, *graphs.recipe.node_features):
        if "[" in name:
            raise InputError(f"'{name}': ROOT takes what follows [ in a name for a length, expected a name without it")

    rows = graphs.to_awkward()
    named = {"node": rows.nodes, "edge": rows.edges}
    with recreate(file) as root:
        tree = root.mktree(
            _TREE,
            {name: column.dtype for name, column in graphs.columns.items()}
            | {name: array.type.content for name, array in named.items()},
        )
        if len(graphs):  # of nothing, uproot writes a basket that it cannot read
            tree.extend({**graphs.columns, **named})
        root[_ABOUT] = about


def _read_root(path: Path) -> tuple[JetGraphs, bool]:
    from hepcol.events import open_file

    with open_file(path) as root:
        about = _told(path, str(root[_ABOUT]) if _ABOUT in root else None)
        tree = root[_TREE]
        arrays = {name: tree[name].array() for name in tree.keys()}  # noqa: SIM118  (a tree is no mapping)

    def lists(name: str) -> tuple[Array, Array]:
        packed = ak.to_packed(arrays[name]).layout
        return np.asarray(packed.content.data), np.asarray(packed.offsets.data, dtype=np.int64)

    lists_of = (NODE_PREFIX, EDGE_PREFIX)
    counters = ("nnode", "nedge")
    plain = {
        name: ak.to_numpy(array)
        for name, array in arrays.items()
        if not name.startswith(lists_of) and name not in counters
    }
    return _gathered(about, lists, plain)


def _jagged(graphs: JetGraphs) -> dict[str, tuple[Array, Array]]:
    """Columns with a list for each graph, by name: what is in the lists, and the offsets."""
    nodes = {f"{NODE_PREFIX}{name}": graphs.x[:, number] for number, name in enumerate(graphs.recipe.node_features)}
    edges = {_SOURCE: graphs.edge_index[0], _TARGET: graphs.edge_index[1]}
    edges |= {f"{EDGE_PREFIX}{name}": graphs.edge_attr[:, n] for n, name in enumerate(graphs.recipe.edge_features)}
    return {
        **{name: (np.ascontiguousarray(flat), graphs.ptr) for name, flat in nodes.items()},
        **{name: (np.ascontiguousarray(flat), graphs.edge_ptr) for name, flat in edges.items()},
    }


def _gathered(
    about: Mapping[str, Any], lists: Callable[[str], tuple[Array, Array]], columns: Mapping[str, Array]
) -> tuple[JetGraphs, bool]:
    """Put graphs together of columns with a list for each."""
    recipe = read_recipe(about["recipe"])
    features = [lists(f"{NODE_PREFIX}{name}") for name in recipe.node_features]
    source, edge_ptr = lists(_SOURCE)
    target, _ = lists(_TARGET)
    attributes = [lists(f"{EDGE_PREFIX}{name}")[0] for name in recipe.edge_features]
    graphs = JetGraphs(
        np.stack([flat for flat, _ in features], axis=1),
        features[0][1],
        np.stack([source, target]),
        edge_ptr,
        np.stack(attributes, axis=1) if attributes else np.empty((len(source), 0), dtype=np.float32),
        columns,
        recipe,
    )
    return graphs, about["stored"] == ALL


_FORMATS = {
    ".npz": _Format(_write_npz, _read_npz),
    ".parquet": _Format(_write_parquet, _read_parquet),
    ".root": _Format(_write_root, _read_root),
}
SUFFIXES = tuple(_FORMATS)

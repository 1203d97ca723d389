"""Scalar products of all pairs of graphs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol import threads
from hepcol.errors import InputError
from hepcol.graphs.counts import Features, check_alike, check_options, features
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.partitions import called, is_partitioned, mapped
from hepcol.kernels import products

Array = npt.NDArray[Any]
_MIN_ROWS = 64  # for each thread

Graphs = JetGraphs | Features | Sequence[Any]


def gram(a: Graphs, b: Graphs | None = None, normalize: bool = True, **how: Any) -> Any:
    """Kernel of all pairs of graphs, each of ``a`` with each of ``b``.

    Parameters
    ----------
    a, b : JetGraphs or Features, or sequences of them or of dask's delayed ones
        Graphs; ``b`` is ``a`` by default.
    normalize : bool
        Whether each graph has the kernel 1 with itself; one without any feature then has 0 with all, itself included.
    **how
        ``kind``, ``h`` and ``labels`` of :func:`hepcol.graphs.features`, where graphs are given.

    Returns
    -------
    float64[a, b], or with ``normalize=False`` int64[a, b]
        Delayed if a partition is.

    Raises
    ------
    InputError
        If an option is wrong, or the features are not of the same kind and labels.
    """
    check_options(how)
    if not is_partitioned(a) and not is_partitioned(b):
        first = as_features(a, how)
        return _multiplied(first, first if b is None else as_features(b, how), normalize)
    rows = mapped(as_features, a if is_partitioned(a) else [a], how)
    columns = rows if b is None else mapped(as_features, b if is_partitioned(b) else [b], how)
    if not rows or not columns:
        raise InputError("no partitions of graphs to compare")
    blocks: list[list[Any]] = [[None] * len(columns) for _ in rows]
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if b is None and j < i:
                blocks[i][j] = called(np.transpose, blocks[j][i])
            else:
                blocks[i][j] = called(_multiplied, row, column, normalize)
    return called(_assembled, [block for line in blocks for block in line], width=len(columns))


def as_features(given: Any, how: dict[str, Any]) -> Features:
    """Return features, of graphs in the way that is given.

    Raises
    ------
    InputError
        If they are features already and a way is given, or neither.
    """
    if isinstance(given, JetGraphs):
        return features(given, **how)
    if not isinstance(given, Features):
        raise InputError(f"expected JetGraphs, Features or a sequence of them, got {type(given).__name__}")
    if how:
        raise InputError(f"features are made already: {', '.join(how)} can only be given with graphs")
    return given


def _multiplied(a: Features, b: Features, normalize: bool) -> Array:
    check_alike(a, b)
    numbers, of_a, different = products.number(b.keys, b.keys[:0] if a is b else a.keys)
    columns = products.transpose(b.ptr, numbers, b.counts, different)
    written = products.spread(*columns, len(b))
    # of a graph without features every product is 0, and 0 / 1 is 0
    squares, other_squares = np.maximum(a.squares, 1), np.maximum(b.squares, 1)
    whole = np.empty((len(a), len(b)), dtype=np.int64)
    similarities = whole.view(np.float64)

    def work(rows: slice) -> None:
        products.multiply(
            *(a.ptr, numbers if a is b else of_a, a.counts, squares, *columns, *written, other_squares),
            *(rows.start, rows.stop, normalize, whole, similarities),
        )

    threads.over_parts(len(a), work, _MIN_ROWS)
    return similarities if normalize else whole


def _assembled(blocks: list[Array], width: int) -> Array:
    return np.block([blocks[first : first + width] for first in range(0, len(blocks), width)])

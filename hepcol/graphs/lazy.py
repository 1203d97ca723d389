"""Graphs of arrays of dask-awkward, made when they are asked for."""

from collections.abc import Callable
from typing import Any

import awkward as ak

from hepcol.graphs.constituents import MOMENTA
from hepcol.graphs.recipe import Recipe


def is_lazy(constituents: Any) -> bool:
    """Whether an array is one of dask-awkward."""
    return type(constituents).__module__.partition(".")[0] == "dask_awkward"


def delayed_graphs(make: Callable[..., Any], constituents: Any, recipe: Recipe) -> list[Any]:
    """Delay what makes graphs for each partition; of files, the columns that are needed are read, and no others.

    What is wrong with the types of the array is said at once: graphs of none of its jets are made.
    """
    import dask

    make(ak.typetracer.length_zero_if_typetracer(constituents._meta), recipe)
    needed = [name for name in (*MOMENTA, *recipe.columns) if name in constituents.fields]
    parts = constituents[needed].to_delayed(optimize_graph=True)
    return [dask.delayed(make, pure=False)(part, recipe) for part in parts]

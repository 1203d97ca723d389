"""From jets to graphs."""

from typing import Any, overload

from hepcol.errors import InputError
from hepcol.graphs.connection import connect
from hepcol.graphs.constituents import Constituents
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.lazy import delayed_graphs, is_lazy
from hepcol.graphs.nodes import describe
from hepcol.graphs.recipe import Recipe, read_recipe


@overload
def build(jets: Constituents, recipe: Recipe | None = None, **options: Any) -> JetGraphs: ...


@overload
def build(jets: Any, recipe: Recipe | None = None, **options: Any) -> Any: ...


def build(jets: Any, recipe: Recipe | None = None, **options: Any) -> Any:
    """Make graphs of all jets at once.

    Parameters
    ----------
    jets : Constituents, ak.Array or dask_awkward.Array
        Constituents; nested records of them (:meth:`Constituents.from_awkward`).
    recipe : Recipe, optional
        How; by default of ``options``, which are those of :class:`Recipe`.

    Returns
    -------
    JetGraphs
        A graph for each jet, also for one without constituents. Of an array of dask-awkward, a list: of each partition
        delayed graphs, whose column ``row`` counts from 0.

    Raises
    ------
    InputError
        If an option is wrong, or a column that becomes a feature is missing or not made of finite numbers that single
        precision can hold.
    """
    if recipe is not None and options:
        raise InputError(f"give a recipe or options, not both: got {', '.join(options)} beside the recipe")
    recipe = recipe or read_recipe(options)
    if is_lazy(jets):
        return delayed_graphs(build, jets, recipe)
    if not isinstance(jets, Constituents):
        jets = Constituents.from_awkward(jets)
    nodes, x, ptr = describe(jets, recipe)
    return JetGraphs(x, ptr, *connect(nodes, ptr, recipe), dict(jets.jets), recipe)

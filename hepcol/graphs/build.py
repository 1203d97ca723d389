"""From jets to graphs."""

from typing import Any, overload

import numpy as np

from hepcol.errors import InputError
from hepcol.graphs.connection import connect
from hepcol.graphs.constituents import Constituents
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.lazy import delayed_graphs, is_lazy
from hepcol.graphs.recipe import NodeFeature, Recipe, Transform, read_recipe
from hepcol.kernels import jets as jet_kernels

_TRANSFORMS = {
    Transform.NONE: jet_kernels.NONE,
    Transform.CENTRE: jet_kernels.CENTRE,
    Transform.CENTRE_ROTATE_FLIP: jet_kernels.CENTRE_ROTATE_FLIP,
    Transform.REFERENCE_BOOST: jet_kernels.REFERENCE_BOOST,
    Transform.FIXED_M_PT: jet_kernels.FIXED_M_PT,
}
_NODE_FEATURES = {
    NodeFeature.PT: jet_kernels.PT,
    NodeFeature.ETA: jet_kernels.ETA,
    NodeFeature.PHI: jet_kernels.PHI,
    NodeFeature.MASS: jet_kernels.MASS,
    NodeFeature.ENERGY: jet_kernels.ENERGY,
    NodeFeature.LN_PT: jet_kernels.LN_PT,
    NodeFeature.LN_ENERGY: jet_kernels.LN_ENERGY,
    NodeFeature.FRACTION: jet_kernels.FRACTION,
    NodeFeature.LN_FRACTION: jet_kernels.LN_FRACTION,
    NodeFeature.RADIUS: jet_kernels.RADIUS,
}


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
        If an option is wrong, or a column that becomes a feature is missing.
    """
    if recipe is not None and options:
        raise InputError(f"give a recipe or options, not both: got {', '.join(options)} beside the recipe")
    recipe = recipe or read_recipe(options)
    if is_lazy(jets):
        return delayed_graphs(build, jets, recipe)
    if not isinstance(jets, Constituents):
        jets = Constituents.from_awkward(jets)
    missing = [name for name in recipe.columns if name not in jets.columns]
    if missing:
        raise InputError(
            f"node feature '{missing[0]}' is neither one of {', '.join(NodeFeature)} nor a column of the constituents"
            f" ({', '.join(jets.columns) or 'none'})"
        )
    pt, eta, phi, mass = (
        np.ascontiguousarray(column, dtype=np.float64) for column in (jets.pt, jets.eta, jets.phi, jets.mass)
    )
    chosen, ptr = jet_kernels.hardest(pt, jets.offsets, -1 if recipe.nmax is None else recipe.nmax)
    nodes = np.empty((4, len(chosen)), dtype=np.float32)
    of_boost = (
        (recipe.mpt, 0.0)
        if recipe.transform is Transform.FIXED_M_PT
        else (recipe.reference_mass, recipe.reference_energy)
    )
    jet_kernels.transform(
        *(pt, eta, phi, mass, jets.offsets, chosen, ptr), _TRANSFORMS[recipe.transform], *of_boost, nodes
    )
    fraction = jet_kernels.fractions(pt, jets.offsets, chosen, ptr)
    x = np.empty((len(chosen), len(recipe.node_features)), dtype=np.float32)
    kinds = [_NODE_FEATURES[NodeFeature(name)] if name in _NODE_FEATURES else -1 for name in recipe.node_features]
    jet_kernels.describe(nodes, fraction, np.array(kinds, dtype=np.int64), x)
    for column, name in enumerate(recipe.node_features):
        if kinds[column] < 0:
            x[:, column] = jets.columns[name][chosen]
    return JetGraphs(x, ptr, *connect(nodes, ptr, recipe), dict(jets.jets), recipe)

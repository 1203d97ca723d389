"""Nodes of graphs: the hardest constituents of jets in a frame, and what is known of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.constituents import MOMENTA, Constituents
from hepcol.graphs.recipe import NodeFeature, Recipe, Transform
from hepcol.kernels import jets as kernels
from hepcol.kernels.constituents import leading

Array = npt.NDArray[Any]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

BLOCK = 500  # jets that are worked on at a time, for what is known of them to stay in the CPU's cache
_LARGEST_INTEGER = 2**24  # up to which single precision holds every integer
_TRANSFORMS = {
    Transform.NONE: kernels.NONE,
    Transform.CENTRE: kernels.CENTRE,
    Transform.CENTRE_ROTATE_FLIP: kernels.CENTRE_ROTATE_FLIP,
    Transform.REFERENCE_BOOST: kernels.REFERENCE_BOOST,
    Transform.FIXED_M_PT: kernels.FIXED_M_PT,
}
_NODE_FEATURES = {
    NodeFeature.PT: kernels.PT,
    NodeFeature.ETA: kernels.ETA,
    NodeFeature.PHI: kernels.PHI,
    NodeFeature.MASS: kernels.MASS,
    NodeFeature.ENERGY: kernels.ENERGY,
    NodeFeature.LN_PT: kernels.LN_PT,
    NodeFeature.LN_ENERGY: kernels.LN_ENERGY,
    NodeFeature.FRACTION: kernels.FRACTION,
    NodeFeature.LN_FRACTION: kernels.LN_FRACTION,
    NodeFeature.RADIUS: kernels.RADIUS,
}


def describe(jets: Constituents, recipe: Recipe) -> tuple[Singles, Singles, Integers]:
    """Choose the constituents that become nodes, and find what is known of them.

    Returns
    -------
    nodes : float32[4, n]
        pt, eta, phi and mass in the frame of the transform.
    x : float32[n, F]
        Features.
    ptr : int64[jets + 1]
        Offsets of the jets into the nodes.

    Raises
    ------
    InputError
        If a column that becomes a feature is missing, or a feature is not finite in single precision.
    """
    _check_columns(jets, recipe)
    counts = np.diff(jets.offsets)
    kept = counts if recipe.nmax is None else np.minimum(counts, recipe.nmax)
    ptr = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
    nodes = np.empty((len(MOMENTA), ptr[-1]), dtype=np.float32)
    x = np.empty((ptr[-1], len(recipe.node_features)), dtype=np.float32)
    for first in range(0, len(jets), BLOCK):
        block = slice(first, min(first + BLOCK, len(jets)))
        own = slice(ptr[block.start], ptr[block.stop])
        nodes[:, own] = _describe_block(jets, recipe, block, x[own])
    return nodes, x, ptr


def _describe_block(jets: Constituents, recipe: Recipe, block: slice, x: Singles) -> Singles:
    """Fill in the features of the nodes of some jets, and return their momenta in the frame."""
    offsets = jets.offsets[block.start : block.stop + 1] - jets.offsets[block.start]
    own = slice(jets.offsets[block.start], jets.offsets[block.stop])
    pt, eta, phi, mass = (getattr(jets, name)[own].astype(np.float64) for name in MOMENTA)
    chosen, ptr = leading(pt, offsets, -1 if recipe.nmax is None else recipe.nmax)
    nodes = np.empty((len(MOMENTA), len(chosen)), dtype=np.float32)
    of_boost = (
        (recipe.mpt, 0.0)
        if recipe.transform is Transform.FIXED_M_PT
        else (recipe.reference_mass, recipe.reference_energy)
    )
    kernels.transform(*(pt, eta, phi, mass, offsets, chosen, ptr), _TRANSFORMS[recipe.transform], *of_boost, nodes)
    fraction = kernels.fractions(pt, offsets, chosen, ptr)
    kinds = [_NODE_FEATURES[NodeFeature(name)] if name in _NODE_FEATURES else -1 for name in recipe.node_features]
    kernels.describe(nodes, fraction, np.array(kinds, dtype=np.int64), x)
    for number, name in enumerate(recipe.node_features):
        if kinds[number] < 0:
            column = jets.columns[name][own][chosen]
            _check_integers(jets, name, column, own.start + chosen)
            x[:, number] = _as_single(column)
    finite = np.isfinite(x)
    if not finite.all():
        node, number = (int(one) for one in np.argwhere(~finite)[0])
        name = recipe.node_features[number]
        given = jets.columns[name][own.start + chosen[node]] if kinds[number] < 0 else x[node, number]
        frame = "" if kinds[number] < 0 or recipe.transform is Transform.NONE else f" in the frame {recipe.transform}"
        raise InputError(
            f"node feature {name} of {jets.place(own.start + chosen[node])} is {given}{frame}, expected a finite "
            "number in single precision"
        )
    return nodes


def _check_columns(jets: Constituents, recipe: Recipe) -> None:
    for name in recipe.columns:
        if name not in jets.columns:
            raise InputError(
                f"node feature '{name}' is neither one of {', '.join(NodeFeature)} nor a column of the constituents"
                f" ({', '.join(jets.columns) or 'none'})"
            )
        kind = np.asarray(jets.columns[name]).dtype
        if kind.kind not in "biuf":
            raise InputError(f"column {name} of constituents has the type {kind}, expected numbers")


def _check_integers(jets: Constituents, name: str, column: Array, positions: Integers) -> None:
    """Refuse integers of which single precision would make others."""
    if column.dtype.kind not in "iu":
        return
    large = (column > _LARGEST_INTEGER) | (column < -_LARGEST_INTEGER)
    if large.any():
        where = int(np.argmax(large))
        raise InputError(
            f"node feature {name} of {jets.place(positions[where])} is {column[where]}, expected integers up to "
            f"{_LARGEST_INTEGER}: single precision does not hold larger ones"
        )


def _as_single(column: Array) -> Singles:
    with np.errstate(over="ignore"):  # told by the check of all features
        return column.astype(np.float32)

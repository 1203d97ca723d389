"""Variations of an analysis: records, never names that are parsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Kind(StrEnum):
    """What a variation changes."""

    NOMINAL = "nominal"
    WEIGHT = "weight"
    KINEMATIC = "kinematic"


class Direction(StrEnum):
    """Which way a systematic variation goes."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Variation:
    """One variation of an analysis.

    Parameters
    ----------
    name : str
        Name in histograms and tables; systematics keep their official name.
    kind : Kind
        What it changes.
    direction : Direction, optional
        For systematics with two sides.
    replica : int, optional
        Number of the random draw, for variations that repeat one smearing.
    """

    name: str
    kind: Kind
    direction: Direction | None = None
    replica: int | None = None


def replicas(count: int, name: str) -> tuple[Variation, ...]:
    """Repeat one smearing ``count`` times, with the draws 0 to ``count - 1``."""
    digits = len(str(count - 1))
    return tuple(Variation(f"{name}_{draw:0{digits}}", Kind.KINEMATIC, replica=draw) for draw in range(count))


NOMINAL = "nominal"  # the variation that is none
# Of the names that systematics have on both sides, by ATLAS's convention: histograms on disk have no other record
SIDES = ("__1up", "__1down")


def systematic_of(variation: str) -> str:
    """Name the systematic that a variation is one side of; itself, if its name does not tell.

    Examples
    --------
    >>> systematic_of("EG_SCALE_ALL__1up")
    'EG_SCALE_ALL'
    """
    return next((variation.removesuffix(side) for side in SIDES if variation.endswith(side)), variation)


def sides_of(
    systematic: str, changes: Mapping[str, npt.NDArray[np.float64]]
) -> tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None]:
    """Return what a systematic changes up and down; None for a side that is not there.

    A variation whose name tells no side is up.
    """
    up, down = (changes.get(f"{systematic}{side}") for side in SIDES)
    return (changes.get(systematic) if up is None else up), down


def envelope(changes: Mapping[str, npt.ArrayLike]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Add up changes by variations in quadrature, those up and those down, the second at most 0.

    Of a systematic whose sides change something in one direction, the larger change counts. One that has a single
    side is not mirrored: errors show what was evaluated. A likelihood needs both sides, so that models mirror it, and
    say so; see :mod:`hepcol.export.model` and :mod:`hepcol.inference.templates`.

    Parameters
    ----------
    changes : mapping of str to array
        Changes, by the name of the variation.
    """
    sides: dict[str, list[npt.ArrayLike]] = {}
    for name, change in changes.items():
        sides.setdefault(systematic_of(name), []).append(change)
    up = sum(np.maximum(0.0, np.max(np.array(both), axis=0)) ** 2 for both in sides.values())
    down = sum(np.minimum(0.0, np.min(np.array(both), axis=0)) ** 2 for both in sides.values())
    return np.sqrt(np.asarray(up, dtype=np.float64)), -np.sqrt(np.asarray(down, dtype=np.float64))

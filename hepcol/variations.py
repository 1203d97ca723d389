"""Variations of an analysis: records, never names that are parsed."""

from dataclasses import dataclass
from enum import StrEnum


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

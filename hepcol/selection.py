"""Cuts and regions as data, and what passes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Column = npt.NDArray[Any]


@dataclass(frozen=True)
class Cut:
    """Accepted values of a column: all conditions that are given have to hold; NaN meets none.

    Parameters
    ----------
    label : str
        Name in cutflows.
    column : str
        The column; of single precision, its values are compared in double precision.
    above, at_least, below, at_most : float, optional
        Bounds, in the unit of the column; ``above`` and ``below`` are not accepted themselves.
    equal : tuple of float
        The accepted values, if there are any.
    kinds : tuple of str
        Kinds of samples that the cut is made for; all, if there are none.
    source : str
        Where the numbers are from.
    """

    label: str
    column: str
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    equal: tuple[float, ...] = ()
    kinds: tuple[str, ...] = ()
    source: str = ""

    def is_for(self, kind: str) -> bool:
        """Whether the cut is made for a kind of samples."""
        return not self.kinds or kind in self.kinds

    def passed(self, values: Column) -> BoolArray:
        """Whether each value is accepted."""
        conditions = [
            compare(values, np.float64(bound))
            for bound, compare in (
                (self.above, np.greater),
                (self.at_least, np.greater_equal),
                (self.below, np.less),
                (self.at_most, np.less_equal),
            )
            if bound is not None
        ]
        if self.equal:
            conditions.append(np.isin(values.astype(np.float64), self.equal))
        passed = conditions[0]
        for condition in conditions[1:]:
            passed = passed & condition
        return np.asarray(passed)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The bounds that are given."""
        return tuple(bound for bound in (self.above, self.at_least, self.below, self.at_most) if bound is not None)


@dataclass(frozen=True)
class Region:
    """Events that pass some cuts, which are made in their order.

    Parameters
    ----------
    name : str
        Name in histograms and tables.
    cuts : tuple of Cut
        The cuts.
    """

    name: str
    cuts: tuple[Cut, ...]

    def of(self, kind: str) -> "Region":
        """Return the region as it is for a kind of samples."""
        return Region(self.name, tuple(cut for cut in self.cuts if cut.is_for(kind)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that its cuts look at, each once."""
        return tuple(dict.fromkeys(cut.column for cut in self.cuts))


@dataclass(frozen=True, eq=False)
class Passed:
    """What the cuts of a region say of the events of a chunk.

    Parameters
    ----------
    region : Region
        The region.
    masks : tuple of bool[n]
        Whether each event passes each cut.
    """

    region: Region
    masks: tuple[BoolArray, ...]

    @cached_property
    def rows(self) -> IntArray:
        """Events that pass all cuts."""
        return np.flatnonzero(_all(self.masks, len(self.masks[0])))

    def steps(self) -> IntArray:
        """Count the cuts that each event passes until it fails the first, which a cutflow is a histogram of."""
        steps = np.full(len(self.masks[0]), len(self.masks), dtype=np.int64)
        for number in range(len(self.masks) - 1, -1, -1):
            steps[~self.masks[number]] = number
        return steps

    def all_but(self, *columns: str) -> IntArray:
        """Events that pass all cuts but those on some columns."""
        chosen = [mask for cut, mask in zip(self.region.cuts, self.masks, strict=True) if cut.column not in columns]
        return np.flatnonzero(_all(chosen, len(self.masks[0])))


def apply(regions: Sequence[Region], columns: Mapping[str, Column]) -> list[Passed]:
    """Apply the cuts of regions to the events of a chunk; a cut that several have is made once.

    Parameters
    ----------
    regions : sequence of Region
        The regions.
    columns : mapping
        The columns, by name.
    """
    cuts = dict.fromkeys(cut for region in regions for cut in region.cuts)
    masks = {cut: cut.passed(columns[cut.column]) for cut in cuts}
    return [Passed(region, tuple(masks[cut] for cut in region.cuts)) for region in regions]


def _all(masks: Sequence[BoolArray], count: int) -> BoolArray:
    """Whether each of ``count`` events is in all masks."""
    passed = np.ones(count, dtype=np.bool_)
    for mask in masks:
        passed &= mask
    return passed

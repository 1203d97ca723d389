"""Histograms of a chunk: yields in all regions and variations, cutflows, and distributions without one cut."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import hist
import numpy as np

from hepcol.histograms import Axes, Histogram
from hepcol.selection import IntArray, Passed
from hepcol.sums import LIMBS, ExactSum, split
from processors.stop4b.campaigns import CAMPAIGNS
from processors.stop4b.observables import AXES, Column, FloatArray
from processors.stop4b.selection import ROWS

CAMPAIGN_AXIS = hist.axis.StrCategory(list(CAMPAIGNS), name="campaign", overflow=False)
YIELDS, ENTRIES, CUTFLOW, CUTFLOW_ENTRIES, ALL_BUT = "yields", "entries", "cutflow", "cutflow_entries", "all_but"
TREES = "trees"
_QUANTITIES = ("events", "checksum")
# Columns of a tree that no kinematic variation leaves as they are, all of them
CHECKED = ("lep1pT", "lep2pT", "jet1pT", "MET", "METsig")
ALL_EVENTS = "all events"


def category(names: Sequence[str], name: str) -> hist.axis.StrCategory:
    """Return an axis of some names."""
    return hist.axis.StrCategory(list(names), name=name, overflow=False)


def check_campaigns(campaign: Column, tree: str, folder: str) -> IntArray:
    """Return the campaigns of events as positions on their axis.

    Raises
    ------
    ValueError
        If there is another one, or not that of the folder, where that is a campaign's.
    """
    outside = (campaign < 0) | (campaign >= len(CAMPAIGNS))
    if outside.any():
        raise ValueError(
            f"tree '{tree}': campaign {campaign[outside][0]} in {np.count_nonzero(outside)} events; accepted are "
            + ", ".join(f"{number} ({name})" for number, name in enumerate(CAMPAIGNS))
        )
    if folder in CAMPAIGNS and (other := np.flatnonzero(campaign != list(CAMPAIGNS).index(folder))).size:
        raise ValueError(
            f"tree '{tree}': campaign {campaign[other[0]]} in {other.size} events of a file in the folder {folder}"
        )
    return campaign.astype(np.int64)


def check_numbers(columns: Mapping[str, Column], names: Iterable[str], where: str) -> None:
    """Refuse events with values that are not numbers: no cut accepts them, so that they would be lost in silence.

    Raises
    ------
    ValueError
        If there is one.
    """
    for name in names:
        column = columns[name]
        if column.dtype.kind == "f" and (bad := np.count_nonzero(np.isnan(column))):
            raise ValueError(f"{where}: {name} is not a number (NaN) in {bad} of {len(column)} places")


def summed(axes: Axes, bins: IntArray, weights: FloatArray, max_weight: float) -> Histogram:
    """Histogram weights by the number of their bin.

    Parameters
    ----------
    axes : tuple of axes
        Axes without flow bins.
    bins : int64[n]
        Bin of each event, counted through all axes, the last one fastest.
    weights : float64[n]
        Weights.
    max_weight : float
        Declared bound on them.
    """
    shape = tuple(axis.size for axis in axes)
    size = int(np.prod(shape))
    counts = np.bincount(bins, minlength=size).astype(np.int64).reshape(shape)
    return Histogram(axes, counts, *_sums(bins, weights, max_weight, shape))


def _sums(bins: IntArray, weights: FloatArray, max_weight: float, shape: tuple[int, ...]) -> tuple[ExactSum, ExactSum]:
    """Sum weights and their squares by bin: sums of limbs are exact in any order, and so is numpy's."""
    found = []
    for values, bound in ((weights, max_weight), (weights * weights, max_weight * max_weight)):
        limbs = split(values, bound)
        sums = [np.bincount(bins, limbs[:, limb], minlength=int(np.prod(shape))) for limb in range(LIMBS)]
        found.append(ExactSum(bound, np.stack(sums, axis=-1).astype(np.float64).reshape(*shape, LIMBS), len(weights)))
    return found[0], found[1]


@dataclass(frozen=True, eq=False)
class Events:
    """Events of a chunk, as far as histograms need them.

    Parameters
    ----------
    campaign : int64[n]
        Position of the campaign on its axis.
    weight : float64[n]
        Nominal weights.
    max_weight : float
        Declared bound on weights.
    """

    campaign: IntArray
    weight: FloatArray
    max_weight: float

    def __getitem__(self, rows: IntArray) -> "Events":
        """Choose some of the events."""
        return Events(self.campaign[rows], self.weight[rows], self.max_weight)


@dataclass(frozen=True, eq=False)
class Contribution:
    """Events that pass a region, and their weights.

    Parameters
    ----------
    region : int
        Its position on the axis.
    events : int64[n]
        Their positions in the chunk.
    weights : float64[n]
        Their weights.
    """

    region: int
    events: IntArray
    weights: FloatArray


def fill_yields(
    events: Events, regions: Sequence[str], contributions: Mapping[str, Sequence[Contribution]]
) -> Histogram:
    """Histogram what passes the regions, by campaign, region and variation.

    Parameters
    ----------
    events : Events
        All events of the chunk.
    regions : sequence of str
        Names of the regions.
    contributions : mapping
        What passes, by variation.
    """
    axes = (CAMPAIGN_AXIS, category(regions, "region"), category(list(contributions), "variation"))
    bins = [
        (events.campaign[one.events] * len(regions) + one.region) * len(contributions) + number
        for number, of_variation in enumerate(contributions.values())
        for one in of_variation
    ]
    weights = [one.weights for of_variation in contributions.values() for one in of_variation]
    return summed(axes, np.concatenate(bins), np.concatenate(weights), events.max_weight)


def count_rows(campaign: IntArray, columns: Mapping[str, Column]) -> dict[int, tuple[int, int]]:
    """Return the number of rows of a tree, and the sum of the bits of some columns, by campaign.

    The sum does not depend on the order, and trees of which it is equal have equal rows.
    """
    found = {}
    for number in np.unique(campaign):
        rows = campaign == number
        bits = sum(
            int(np.asarray(columns[name], np.float32)[rows].view(np.uint32).sum(dtype=np.uint64)) for name in CHECKED
        )
        found[int(number)] = (int(np.count_nonzero(rows)), bits)
    return found


def fill_trees(variations: Mapping[str, Mapping[int, tuple[int, int]]]) -> Histogram:
    """Histogram what tells the trees of the kinematic variations apart, by campaign and variation.

    Parameters
    ----------
    variations : mapping
        By variation and campaign, the number of rows, and another number that is equal for identical ones.
    """
    axes = (CAMPAIGN_AXIS, category(list(variations), "variation"), category(_QUANTITIES, "quantity"))
    counts = np.zeros(tuple(axis.size for axis in axes), dtype=np.int64)
    for number, by_campaign in enumerate(variations.values()):
        for campaign, told in by_campaign.items():
            counts[campaign, number] = told
    return Histogram(axes, counts)


def fill_cutflow(events: Events, passed: Passed) -> Histogram:
    """Histogram rows by campaign and cut: all of them, then those that pass the cuts up to each."""
    labels = [ROWS, *(cut.label for cut in passed.region.cuts)]
    steps = passed.steps()
    last = summed(
        (CAMPAIGN_AXIS, category(labels, "step")),
        events.campaign * len(labels) + steps,
        events.weight,
        events.max_weight,
    )

    def from_the_end(values: np.ndarray) -> np.ndarray:
        """Add what passes further cuts: multiples of one quantum, so that this is exact, too."""
        return np.ascontiguousarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])

    return Histogram(
        last.axes,
        from_the_end(last.counts),
        *(
            ExactSum(one.bound, from_the_end(one.limbs), one.terms)
            for one in (last.weights, last.squares)
            if one is not None
        ),
    )


def fill_all_but(events: Events, passed: Sequence[Passed], columns: Mapping[str, Column]) -> dict[str, Histogram]:
    """Histogram what the cuts look at, of events that pass all cuts but those on it."""
    regions = category([one.region.name for one in passed], "region")
    campaigns = np.array(list(CAMPAIGNS))
    histograms: dict[str, Histogram] = {}
    for name, axis in AXES.items():
        if not any(name in one.region.columns for one in passed):
            continue
        axes = (CAMPAIGN_AXIS, regions, axis)
        filled = []
        for one in passed:
            rows = one.all_but(name) if name in one.region.columns else one.rows
            filled.append(
                Histogram.fill(
                    axes,
                    campaigns[events.campaign[rows]],
                    one.region.name,
                    columns[name][rows],
                    weight=events.weight[rows],
                    max_weight=events.max_weight,
                )
            )
        total = filled[0]
        for one_filled in filled[1:]:
            total = total + one_filled
        histograms[f"{ALL_BUT}_{name}"] = total
    return histograms

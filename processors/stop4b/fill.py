"""Histograms of a chunk: yields in all regions and variations, cutflows, and distributions without one cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import hist
import numpy as np

from hepcol.histograms import Axes, Histogram
from hepcol.selection import IntArray, Passed
from hepcol.sums import LIMBS, ExactSum, split
from processors.stop4b.campaigns import CAMPAIGNS
from processors.stop4b.observables import AXES, Column, FloatArray

CAMPAIGN_AXIS = hist.axis.StrCategory(list(CAMPAIGNS), name="campaign", overflow=False)
YIELDS, CUTFLOW, ALL_BUT = "yields", "cutflow", "all_but"  # beginnings of names
ALL_EVENTS = "all events"


def category(names: Sequence[str], name: str) -> hist.axis.StrCategory:
    """Return an axis of some names."""
    return hist.axis.StrCategory(list(names), name=name, overflow=False)


def check_campaigns(campaign: Column, tree: str) -> IntArray:
    """Return the campaigns of events as positions on their axis.

    Raises
    ------
    ValueError
        If there is another one.
    """
    outside = (campaign < 0) | (campaign >= len(CAMPAIGNS))
    if outside.any():
        raise ValueError(
            f"tree '{tree}': campaign {campaign[outside][0]} in {np.count_nonzero(outside)} events; accepted are "
            + ", ".join(f"{number} ({name})" for number, name in enumerate(CAMPAIGNS))
        )
    return campaign.astype(np.int64)


def summed(
    axes: Axes, bins: IntArray, weights: FloatArray, max_weight: float, entries: IntArray | None = None
) -> Histogram:
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
    entries : int64[n], optional
        Entries that each counts as; one unless given.
    """
    shape = tuple(axis.size for axis in axes)
    size = int(np.prod(shape))
    counts = np.bincount(bins, entries, minlength=size).astype(np.int64).reshape(shape)
    return Histogram(axes, counts, *_sums(bins, weights, max_weight, shape))


def _sums(
    bins: IntArray, weights: FloatArray, max_weight: float, shape: tuple[int, ...]
) -> tuple[ExactSum, ExactSum]:
    """Sum weights and their squares by bin: sums of limbs are exact in any order, and so is numpy's."""
    found = []
    for values, bound in ((weights, max_weight), (weights * weights, max_weight * max_weight)):
        limbs = split(values, bound)
        sums = [np.bincount(bins, limbs[:, limb], minlength=int(np.prod(shape))) for limb in range(LIMBS)]
        found.append(ExactSum(bound, np.stack(sums, axis=-1).reshape(*shape, LIMBS), len(weights)))
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


def fill_yields(
    events: Events, passed: Sequence[Passed], weights: Mapping[str, FloatArray], rows: IntArray
) -> Histogram:
    """Histogram what passes the regions, by campaign, region and variation.

    Parameters
    ----------
    events : Events
        The events.
    passed : sequence of Passed
        What passes the regions.
    weights : mapping
        By variation, weights of the events in ``rows``.
    rows : int64[n]
        Events that pass at least one region, ascending.
    """
    axes = (
        CAMPAIGN_AXIS,
        category([one.region.name for one in passed], "region"),
        category(list(weights), "variation"),
    )
    varied = np.stack(list(weights.values()))  # [variations, rows]
    bins, values = [], []
    for number, one in enumerate(passed):
        at = np.searchsorted(rows, one.rows)
        first = (events.campaign[one.rows] * len(passed) + number) * len(weights)
        bins.append((first[:, np.newaxis] + np.arange(len(weights))).ravel())
        values.append(varied[:, at].T.ravel())
    return summed(axes, np.concatenate(bins), np.concatenate(values), events.max_weight)


def fill_cutflow(events: Events, passed: Passed) -> Histogram:
    """Histogram events by campaign and cut: all events, then those that pass the cuts up to each."""
    labels = [ALL_EVENTS, *(cut.label for cut in passed.region.cuts)]
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
            ExactSum(one.bound, from_the_end(one.limbs), one.terms * len(labels))
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

"""The histograms of the event loop, checked and scaled: what each dataset contributes to its sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import Template
from processors.stop4b.datasets import Dataset
from processors.stop4b.fill import ENTRIES, TREES, YIELDS
from processors.stop4b.kinds import Kind
from processors.stop4b.systematics import NOMINAL

AXES = ("campaign", "region", "variation")
EVENTS = "events"  # a quantity of the last
_STORAGES = {YIELDS: hist.storage.Weight, ENTRIES: hist.storage.Int64}

ByRegion = Mapping[str, Template]


@dataclass(frozen=True, eq=False)
class Part:
    """Events of a campaign in a dataset, scaled to the luminosity that they stand for.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    campaign : str
        The campaign.
    variations : mapping
        By variation and region; of simulation as many as are expected in data.
    trees : mapping of str to tuple of int, optional
        By variation, what tells its tree from others, whatever passes the regions; None if that is not known.
    rows : int, optional
        Events of the nominal tree, whatever passes the regions; None if that is not known, or it is another tree.
    """

    dataset: Dataset
    campaign: str
    variations: Mapping[str, ByRegion]
    trees: Mapping[str, tuple[int, ...]] | None = None
    rows: int | None = None


@dataclass(frozen=True, eq=False)
class Contributions:
    """What all datasets contribute.

    Parameters
    ----------
    parts : tuple of Part
        By dataset and campaign.
    regions : tuple of str
        The regions, the same of all datasets.
    notes : tuple of Note
        What was found on the way.
    """

    parts: tuple[Part, ...]
    regions: tuple[str, ...]
    notes: tuple[Note, ...]


def read_contributions(
    histograms: Mapping[str, Mapping[str, hist.Hist]], metadata: Mapping[str, Mapping[str, Any]]
) -> Contributions:
    """Read what there is for each dataset.

    Parameters
    ----------
    histograms : mapping
        By dataset, the histograms ``yields`` (of weights) and ``entries`` (of counts), with the axes campaign, region
        and variation. A dataset has those variations that are on its axis. If there is ``trees``, with the axes
        campaign, variation and quantity, equal numbers mean identical trees; one of the quantities is ``events``.
    metadata : mapping
        By dataset, see :class:`processors.stop4b.datasets.Dataset`.

    Raises
    ------
    InputError
        If something is missing, wrong or contradicts itself.
    """
    if not histograms:
        raise InputError("yields: no histograms of any dataset")
    parts: list[Part] = []
    notes: list[Note] = []
    regions: tuple[str, ...] = ()
    for name, found in histograms.items():
        if name not in metadata:
            raise InputError(f"dataset '{name}' has histograms, but no metadata")
        dataset = Dataset.from_metadata(name, metadata[name])
        yields, entries = (_checked(name, found, which) for which in (YIELDS, ENTRIES))
        if yields.axes != entries.axes:
            raise InputError(f"dataset '{name}': '{YIELDS}' and '{ENTRIES}' have different axes")
        own = tuple(yields.axes["region"])
        if regions and own != regions:
            raise InputError(f"dataset '{name}' has the regions {', '.join(own)}; others have {', '.join(regions)}")
        regions = own
        parts += _split(dataset, yields, entries, found.get(TREES))
        notes += _tell(dataset, yields, entries, found.get(TREES))
    return Contributions(tuple(parts), regions, tuple(notes))


def _checked(dataset: str, found: Mapping[str, hist.Hist], which: str) -> hist.Hist:
    """Return a histogram of a dataset, if it is what it must be."""
    if which not in found:
        raise InputError(f"dataset '{dataset}' has no histogram '{which}', only {', '.join(found) or 'none'}")
    histogram, storage = found[which], _STORAGES[which]
    where = f"dataset '{dataset}', histogram '{which}'"
    if histogram.storage_type is not storage:
        raise InputError(f"{where}: storage must be {storage.__name__}, got {histogram.storage_type.__name__}")
    names = tuple(axis.name for axis in histogram.axes)
    if names != AXES:
        raise InputError(f"{where}: axes must be {', '.join(AXES)}, got {', '.join(names)}")
    values = histogram.values(flow=True)
    if not (np.isfinite(values).all() and np.isfinite(histogram.variances(flow=True)).all()):
        raise InputError(f"{where}: contents must be finite")
    if which == ENTRIES and (beyond := values.sum() - histogram.values().sum()):
        raise InputError(f"{where}: {beyond:,.0f} entries of campaigns, regions or variations that are not on its axes")
    return histogram


def _split(dataset: Dataset, yields: hist.Hist, entries: hist.Hist, trees: hist.Hist | None) -> list[Part]:
    """Scale the events of each campaign; of one that stands for no data, nothing counts."""
    campaigns, regions, variations = (tuple(axis) for axis in yields.axes)
    counts = entries.values().astype(np.int64)
    contents, variances = yields.values(), yields.variances()
    if dataset.kind is Kind.DATA:  # an event counts one, whatever weight it has (bug 6)
        contents = variances = counts.astype(np.float64)
    found = []
    for i, campaign in enumerate(campaigns):
        if not dataset.has(campaign) and not counts[i].any():
            continue
        factor = dataset.factor(campaign)
        counted = counts[i] if factor else np.zeros_like(counts[i])
        by_variation = {
            variation: {
                region: Template.of_one_bin(contents[i, j, k], variances[i, j, k], int(counted[j, k])).scaled(factor)
                for j, region in enumerate(regions)
            }
            for k, variation in enumerate(variations)
        }
        told = None if trees is None else _tell_trees(trees, i)
        found.append(Part(dataset, campaign, by_variation, told, _count_rows(trees, campaign)))
    if not found:
        raise InputError(
            f"dataset '{dataset.name}': luminosity must be given of its campaigns {', '.join(campaigns)}, "
            f"got {', '.join(dataset.luminosity) or 'none'}"
        )
    return found


def _tell_trees(trees: hist.Hist, campaign: int) -> dict[str, tuple[int, ...]]:
    """Return what tells the trees of a campaign apart, by variation."""
    numbers = trees.values()[campaign].astype(np.int64)
    return {name: tuple(numbers[k].tolist()) for k, name in enumerate(trees.axes["variation"])}


def _count_rows(trees: hist.Hist | None, campaign: str) -> int | None:
    """Count the events of a campaign in the nominal tree; None if that is not known."""
    if trees is None or NOMINAL.name not in trees.axes["variation"] or campaign not in trees.axes["campaign"]:
        return None
    return int(trees[{"campaign": campaign, "variation": NOMINAL.name, "quantity": EVENTS}])


def _tell(dataset: Dataset, yields: hist.Hist, entries: hist.Hist, trees: hist.Hist | None) -> list[Note]:
    """Tell what is odd about a dataset."""
    notes = []
    if dataset.fallback:
        text = f"dataset {dataset.name}: its tree is missing, the nominal one was taken in its place"
        varied = ", ".join(name for name in yields.axes["variation"] if name != NOMINAL.name)
        notes.append(Note("missing tree", text, True, sample=dataset.sample, systematic=varied))
    if dataset.missing:
        text = (
            f"dataset {dataset.name}: no column {', '.join(dataset.missing)}: the nominal weight was taken in its place"
        )
        notes.append(Note("missing column", text, True, sample=dataset.sample))
    if dataset.kind is Kind.DATA and not np.array_equal(yields.values(), entries.values()):
        text = f"dataset {dataset.name}: yields of data have weights; the entries are taken"
        notes.append(Note("weighted data", text, True, sample=dataset.sample))
    if not dataset.kind.is_simulated or NOMINAL.name not in yields.axes["variation"]:
        return notes
    for campaign, luminosity in dataset.luminosity.items():
        there = campaign in yields.axes["campaign"] and _count_rows(trees, campaign) != 0  # else another note tells
        if luminosity > 0 and there and not entries[{"campaign": campaign}].values().any():
            part = "" if dataset.component in ("", dataset.sample) else f" of {dataset.component}"
            text = f"no entries{part} of {campaign} in any region"
            notes.append(Note("no entries", text, True, sample=dataset.sample))
    return notes

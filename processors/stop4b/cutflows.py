"""Cutflows of the search: those of datasets, scaled to the luminosity of data and added up by sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

from hepcol.errors import InputError
from hepcol.report.cutflows import Cutflow, CutflowRow, add_cutflows
from processors.stop4b.datasets import Dataset
from processors.stop4b.kinds import Kind

AXES = ("campaign", "step")


@dataclass(frozen=True)
class CutflowStep:
    """Events of a dataset that passed a step and all before it.

    Parameters
    ----------
    label : str
        Name of the step.
    entries : mapping of str to int
        Events by campaign, each counted once.
    sum_weights, sum_squares : mapping of str to float
        Sums of their weights, and of the squares, by campaign; not used of data.
    """

    label: str
    entries: Mapping[str, int]
    sum_weights: Mapping[str, float]
    sum_squares: Mapping[str, float]


def read_steps(weighted: hist.Hist, entries: hist.Hist) -> tuple[CutflowStep, ...]:
    """Read the steps of a cutflow out of histograms with the axes campaign and step.

    Parameters
    ----------
    weighted : hist.Hist
        Weights, with the storage Weight.
    entries : hist.Hist
        Counts.

    Raises
    ------
    InputError
        If they have other axes.
    """
    names = tuple(axis.name for axis in weighted.axes)
    if names != AXES or weighted.axes != entries.axes:
        raise InputError(f"cutflow: axes must be {', '.join(AXES)}, the same of weights and counts, got {names}")
    campaigns, labels = (tuple(axis) for axis in weighted.axes)
    counts, sums, squares = entries.values().astype(np.int64), weighted.values(), weighted.variances()

    def by_campaign(values: np.ndarray, step: int) -> dict[str, Any]:
        return dict(zip(campaigns, values[:, step].tolist(), strict=True))

    return tuple(
        CutflowStep(label, by_campaign(counts, k), by_campaign(sums, k), by_campaign(squares, k))
        for k, label in enumerate(labels)
    )


def scale_steps(dataset: Dataset, steps: Sequence[CutflowStep], factor: float = 1.0) -> tuple[CutflowRow, ...]:
    """Return expected events after each step, all campaigns together, times a factor; data are counted."""
    rows = []
    for step in steps:
        if dataset.kind is Kind.DATA:
            entries = sum(step.entries.values())
            rows.append(CutflowRow(step.label, entries, float(entries), float(np.sqrt(entries))))
            continue
        scales = {campaign: factor * dataset.factor(campaign) for campaign, number in step.entries.items() if number}
        entries = sum(step.entries[campaign] for campaign, scale in scales.items() if scale)
        value = sum(scale * step.sum_weights[campaign] for campaign, scale in scales.items())
        variance = sum(scale**2 * step.sum_squares[campaign] for campaign, scale in scales.items())
        rows.append(CutflowRow(step.label, entries, value, float(np.sqrt(variance))))
    return tuple(rows)


def add_datasets(
    cutflows: Mapping[str, Mapping[str, Sequence[CutflowStep]]],
    datasets: Mapping[str, Dataset],
    factors: Mapping[str, float],
) -> dict[str, dict[str, Cutflow]]:
    """Add the cutflows of datasets up to those of samples.

    Parameters
    ----------
    cutflows : mapping
        By dataset and region, the steps of its nominal events.
    datasets : mapping of str to Dataset
        By name.
    factors : mapping of str to float
        By sample, the factor of its normalisation, if it has one.

    Returns
    -------
    dict
        By region and sample.

    Raises
    ------
    InputError
        If a dataset is not known, or cutflows do not fit together.
    """
    scaled: dict[str, dict[str, dict[str, Cutflow]]] = {}
    for name, by_region in cutflows.items():
        if name not in datasets:
            raise InputError(f"cutflow of dataset '{name}', which has no histograms; there are {', '.join(datasets)}")
        dataset = datasets[name]
        for region, steps in by_region.items():
            rows = scale_steps(dataset, steps, factors.get(dataset.sample, 1.0))
            scaled.setdefault(region, {}).setdefault(dataset.sample, {})[name] = rows
    return {
        region: {sample: add_cutflows(found, region) for sample, found in by_sample.items()}
        for region, by_sample in scaled.items()
    }

"""What the cuts look at, in events that pass all the others: stacks of all samples, to be drawn."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hist
import numpy as np

from hepcol import store
from hepcol.inference.templates import Template, sum_templates
from hepcol.report.bands import Band
from hepcol.report.stack_plots import Layer, Stack
from processors.stop4b import fill
from processors.stop4b.datasets import Dataset, read_regions
from processors.stop4b.kinds import Kind
from processors.stop4b.normalisation import FACTORS
from processors.stop4b.observables import AXES
from processors.stop4b.yields import BACKGROUNDS, label_of

Parts = dict[str, list[Template]]  # by sample


def stacks(
    histograms: Mapping[tuple[str, ...], hist.Hist], metadata: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, Stack]]:
    """Make a stack of each region and column that it cuts on; of all columns, if the cuts are not known.

    Parameters
    ----------
    histograms : mapping
        By dataset and name.
    metadata : mapping
        Metadata of the datasets, which tell the regions, whose thresholds are marked.

    Yields
    ------
    region, column, Stack
        Names, and what to draw.
    """
    cuts = {region.name: region.cuts for region in read_regions(metadata)}
    for column, axis in AXES.items():
        name = (f"{fill.ALL_BUT}_{column}",)
        found = {given[0]: one for given, one in histograms.items() if given[1:] == name and given[0] in metadata}
        for region in next(iter(found.values())).axes["region"] if found else ():
            own = [bound for cut in cuts.get(region, ()) if cut.column == column for bound in cut.thresholds]
            if own or not cuts:
                yield region, column, _stack(found, metadata, region, axis, own)


def _stack(
    found: Mapping[str, hist.Hist],
    metadata: Mapping[str, Mapping[str, Any]],
    region: str,
    axis: Any,
    thresholds: Sequence[float],
) -> Stack:
    """Add the datasets up to samples, in the order of tables."""
    parts, luminosity = _parts(found, metadata, region)
    samples = {sample: sum_templates(templates) for sample, templates in parts.items()}
    signals = {about["sample"] for about in metadata.values() if about.get("is_signal")}
    data = next((about["sample"] for about in metadata.values() if about["kind"] == Kind.DATA.value), None)

    def layers(names: Iterable[str]) -> list[Layer]:
        return [Layer(name, _band(samples[name], axis)) for name in names if name in samples]

    return Stack(
        f"{region}, all cuts but this   {luminosity:.1f} fb$^{{-1}}$",
        axis,
        layers(BACKGROUNDS),
        layers(sample for sample in samples if sample in signals),
        _band(samples[data], axis) if data is not None and data in samples else None,
        label_of(metadata),
        tuple(thresholds),
    )


def _band(template: Template, axis: Any) -> Band:
    """Take a template as a band, without systematics; what lies beyond the axis is in its first and last bin."""
    return Band(axis.edges, template.contents, np.sqrt(template.variances), {})


def _parts(
    found: Mapping[str, hist.Hist], metadata: Mapping[str, Mapping[str, Any]], region: str
) -> tuple[Parts, float]:
    """Scale what each dataset has, by sample; and the luminosity of all [fb^-1]."""
    parts: Parts = {}
    luminosity = 0.0
    for name, histogram in found.items():
        dataset = Dataset.from_metadata(name, metadata[name])
        normalisation = FACTORS[dataset.sample].value if dataset.sample in FACTORS else 1.0
        luminosity = max(luminosity, sum(dataset.luminosity.values()))
        for campaign in histogram.axes["campaign"]:
            if dataset.has(campaign):
                one = histogram[{"campaign": campaign, "region": region}]
                template = Template.from_hist(one).scaled(dataset.factor(campaign) * normalisation)
                parts.setdefault(dataset.sample, []).append(template)
    return parts, luminosity


def plot_distributions(folder: str | Path) -> list[Path]:
    """Draw the distributions of a run into ``plots/all_but`` of its output folder."""
    from hepcol.report.stack_plots import plot_stack
    from hepcol.report.style import save, style

    histograms, summary = store.read(folder)
    provenance = store.read_provenance(folder)
    metadata = {name: about["metadata"] for name, about in provenance["fileset"].items()}
    written: list[Path] = []
    with style():
        for region, column, stack in stacks(histograms, metadata):
            written += save(plot_stack(stack, summary), store.plot_paths(Path(folder), (fill.ALL_BUT, region, column)))
    return written

"""Contributions of datasets, added up to samples: trees, campaigns, periods of data and parts of a background."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import sum_templates
from processors.stop4b.contributions import ByRegion, Contribution
from processors.stop4b.datasets import Dataset
from processors.stop4b.kinds import Kind
from processors.stop4b.systematics import NOMINAL

_TOLERANCE = 1e-6  # relative, of luminosities that are compared


@dataclass(frozen=True, eq=False)
class SampleSum:
    """The events of a sample.

    Parameters
    ----------
    name : str
        Name of the sample.
    kinds : frozenset of Kind
        What it is made of.
    is_signal : bool
        Whether it is a signal.
    variations : mapping
        Templates by variation and region; the nominal ones among them.
    luminosity : float
        Integrated luminosity [fb^-1] that its simulation stands for, the smallest of its components'; 0 of data.
    notes : tuple of Note
        What was found on the way.
    untouched : frozenset of str, optional
        Kinematic variations whose trees are identical to the nominal one; None if that is not known.
    """

    name: str
    kinds: frozenset[Kind]
    is_signal: bool
    variations: Mapping[str, ByRegion]
    luminosity: float
    notes: tuple[Note, ...]
    untouched: frozenset[str] | None = None

    @property
    def is_fake(self) -> bool:
        """Whether it is the background of fake leptons."""
        return all(kind.is_fake for kind in self.kinds)

    @property
    def nominal(self) -> ByRegion:
        """Nominal events by region."""
        return self.variations[NOMINAL.name]


def add_samples(parts: Iterable[Contribution]) -> dict[str, SampleSum]:
    """Add up what datasets contribute to each sample.

    Raises
    ------
    InputError
        If datasets of a sample do not fit together.
    """
    by_sample: dict[str, list[Contribution]] = {}
    for part in parts:
        by_sample.setdefault(part.dataset.sample, []).append(part)
    return {name: _add(name, found) for name, found in by_sample.items()}


def name_components(sample: str, parts: Sequence[Contribution]) -> dict[str, str]:
    """Component of each dataset of a sample, where the metadata do not name it.

    Datasets that all have nominal events are a component each. Else they are the trees of a single component, in which
    no campaign and variation may come twice.

    Raises
    ------
    InputError
        If they do, so that nobody knows what belongs to what.
    """
    unnamed = [part for part in parts if not part.dataset.component]
    named = {part.dataset.name: part.dataset.component for part in parts if part.dataset.component}
    if all(NOMINAL.name in part.variations for part in unnamed):
        return named | {part.dataset.name: part.dataset.name for part in unnamed}
    owners: dict[tuple[str, str], str] = {}
    for part in unnamed:
        for variation in part.variations:
            owner = owners.setdefault((part.campaign, variation), part.dataset.name)
            if owner != part.dataset.name:
                raise InputError(
                    f"sample '{sample}': datasets '{owner}' and '{part.dataset.name}' both have {variation} of "
                    f"{part.campaign}; name the component of each in the metadata, so that its trees can be told apart"
                )
    return named | {part.dataset.name: sample for part in unnamed}


def _add(sample: str, parts: Sequence[Contribution]) -> SampleSum:
    """Add up a sample; a component that lacks a variation takes its nominal events to it."""
    kinds, is_signal = _common(sample, [part.dataset for part in parts])
    components = name_components(sample, parts)
    cells: dict[tuple[str, str], list[Contribution]] = {}
    for part in parts:
        cells.setdefault((components[part.dataset.name], part.campaign), []).append(part)
    templates: dict[str, list[ByRegion]] = {name: [] for part in parts for name in part.variations}
    lacking: dict[tuple[str, str], list[str]] = {}
    for (component, campaign), found in cells.items():
        nominal = [part.variations[NOMINAL.name] for part in found if NOMINAL.name in part.variations]
        if not nominal:
            raise InputError(f"sample '{sample}': no nominal events of {component} in {campaign}")
        for variation in templates:
            given = [part.variations[variation] for part in found if variation in part.variations]
            templates[variation] += given or nominal
            if not given:
                lacking.setdefault((component, variation), []).append(campaign)
    from_data = {components[part.dataset.name] for part in parts if not part.dataset.kind.is_simulated}
    return SampleSum(
        sample,
        kinds,
        is_signal,
        {variation: _sum_regions(collected) for variation, collected in templates.items()},
        _luminosity(parts, components),
        tuple(_tell_lacking(sample, lacking, from_data)),
        _untouched(cells.values()),
    )


def _untouched(cells: Iterable[Sequence[Contribution]]) -> frozenset[str] | None:
    """Return the variations whose trees are identical to the nominal one in all components and campaigns."""
    touched: set[str] = set()
    seen: set[str] = set()
    for parts in cells:
        trees: dict[str, tuple[int, ...]] = {}
        for part in parts:
            if part.trees is None:
                return None
            trees |= part.trees
        seen |= trees.keys()
        touched |= {name for name, told in trees.items() if told != trees.get(NOMINAL.name)}
    return frozenset(seen - touched - {NOMINAL.name})


def _common(sample: str, datasets: Sequence[Dataset]) -> tuple[frozenset[Kind], bool]:
    """Return what the datasets of a sample share, if they do."""
    kinds = frozenset(dataset.kind for dataset in datasets)
    if len(kinds) > 1 and not all(kind.is_fake for kind in kinds):
        raise InputError(f"sample '{sample}' has datasets of the kinds {' and '.join(sorted(kinds))}, which do not mix")
    if len({dataset.is_signal for dataset in datasets}) > 1:
        raise InputError(f"sample '{sample}' is a signal in some datasets and none in others")
    return kinds, datasets[0].is_signal


def _sum_regions(parts: Sequence[ByRegion]) -> ByRegion:
    return {region: sum_templates(part[region] for part in parts) for region in parts[0]}


def _luminosity(parts: Sequence[Contribution], components: Mapping[str, str]) -> float:
    """Smallest luminosity [fb^-1] that the simulation of a component stands for; 0 if there is none."""
    found: dict[str, dict[str, float]] = {}
    for part in parts:
        if part.dataset.kind.is_simulated:
            campaigns = found.setdefault(components[part.dataset.name], {})
            campaigns[part.campaign] = part.dataset.luminosity[part.campaign]
    return min((sum(campaigns.values()) for campaigns in found.values()), default=0.0)


def _tell_lacking(sample: str, lacking: Mapping[tuple[str, str], list[str]], from_data: set[str]) -> Iterable[Note]:
    """Tell which components lack variations; data have none of simulation."""
    for (component, variation), campaigns in lacking.items():
        text = f"{component} lacks it in {', '.join(campaigns)}: nominal events in its place"
        yield Note("lacking", text, component not in from_data, sample=sample, systematic=variation)


def compare_luminosities(samples: Iterable[SampleSum]) -> list[Note]:
    """Tell which samples stand for less luminosity than others: campaigns of them are missing."""
    simulated = [sample for sample in samples if sample.luminosity]
    largest = max((sample.luminosity for sample in simulated), default=0.0)
    return [
        Note(
            "luminosity",
            f"stands for {sample.luminosity:.2f} fb^-1, others for {largest:.2f} fb^-1",
            True,
            sample=sample.name,
        )
        for sample in simulated
        if sample.luminosity < largest * (1 - _TOLERANCE)
    ]

"""Contributions of datasets, added up to samples: trees, campaigns, periods of data and parts of a background."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import sum_templates
from processors.stop4b.contributions import ByRegion, Part
from processors.stop4b.datasets import Dataset
from processors.stop4b.kinds import Kind
from processors.stop4b.systematics import NOMINAL


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
    luminosity : mapping of str to float
        Integrated luminosity [fb^-1] that each campaign of its simulation stands for; none of data.
    notes : tuple of Note
        What was found on the way.
    campaigns : mapping of str to frozenset of str
        By component of simulation, the campaigns that its nominal trees have events of, as far as it is known.
    untouched : frozenset of str, optional
        Variations that change nothing: their trees are identical to the nominal one, or the columns of their weights
        are not there; None if that is not known.
    """

    name: str
    kinds: frozenset[Kind]
    is_signal: bool
    variations: Mapping[str, ByRegion]
    luminosity: Mapping[str, float]
    notes: tuple[Note, ...]
    campaigns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    untouched: frozenset[str] | None = None

    @property
    def is_fake(self) -> bool:
        """Whether it is the background of fake leptons."""
        return all(kind.is_fake for kind in self.kinds)

    @property
    def nominal(self) -> ByRegion:
        """Nominal events by region."""
        return self.variations[NOMINAL.name]


def add_samples(parts: Iterable[Part]) -> dict[str, SampleSum]:
    """Add up what datasets contribute to each sample.

    Raises
    ------
    InputError
        If datasets of a sample do not fit together.
    """
    by_sample: dict[str, list[Part]] = {}
    for part in parts:
        by_sample.setdefault(part.dataset.sample, []).append(part)
    return {name: _add(name, found) for name, found in by_sample.items()}


def name_components(sample: str, parts: Sequence[Part]) -> dict[str, str]:
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


def _add(sample: str, parts: Sequence[Part]) -> SampleSum:
    """Add up a sample; a component that lacks a variation takes its nominal events to it."""
    kinds, is_signal = _common(sample, [part.dataset for part in parts])
    components = name_components(sample, parts)
    cells: dict[tuple[str, str], list[Part]] = {}
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
        _luminosity(parts),
        tuple(_tell_lacking(sample, lacking, from_data)),
        _find_campaigns(parts, components),
        _untouched(cells.values()),
    )


def _untouched(cells: Iterable[Sequence[Part]]) -> frozenset[str] | None:
    """Return the variations that are not there in any component and campaign, but as the nominal one.

    Their trees are identical to the nominal one, or the columns of their weights are missing.
    """
    touched: set[str] = set()
    seen: set[str] = set()
    for parts in cells:
        trees: dict[str, tuple[int, ...]] = {}
        for part in parts:
            if part.trees is None:
                return None
            trees |= part.trees
            seen |= part.variations.keys()
            touched |= part.variations.keys() - part.trees.keys() - {*part.dataset.missing}
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


def _luminosity(parts: Sequence[Part]) -> dict[str, float]:
    """Luminosity [fb^-1] that each campaign of simulation stands for, the largest of all datasets."""
    found: dict[str, float] = {}
    for part in parts:
        for campaign, luminosity in part.dataset.luminosity.items() if part.dataset.kind.is_simulated else ():
            found[campaign] = max(luminosity, found.get(campaign, 0.0))
    return found


def _find_campaigns(parts: Sequence[Part], components: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Find the campaigns of each component of simulation; one of an unknown number of rows counts as there."""
    found: dict[str, frozenset[str]] = {}
    for part in parts:
        if part.dataset.kind.is_simulated and NOMINAL.name in part.variations:
            component = components[part.dataset.name]
            own = frozenset() if part.rows == 0 else frozenset({part.campaign})
            found[component] = found.get(component, frozenset()) | own
    return found


def _tell_lacking(sample: str, lacking: Mapping[tuple[str, str], list[str]], from_data: set[str]) -> Iterable[Note]:
    """Tell which components lack variations; data have none of simulation."""
    for (component, variation), campaigns in lacking.items():
        text = f"{component} lacks it in {', '.join(campaigns)}: nominal events in its place"
        yield Note("lacking", text, component not in from_data, sample=sample, systematic=variation)


def check_campaigns(samples: Iterable[SampleSum], has_data: bool) -> list[Note]:
    """Tell which simulation has no events of a campaign that stands for data: its yields are too low.

    Raises
    ------
    InputError
        If there are data, and a whole sample has none.
    """
    simulated = [sample for sample in samples if sample.campaigns]
    luminosities: dict[str, float] = {}
    for sample in simulated:
        for campaign, luminosity in sample.luminosity.items():
            luminosities[campaign] = max(luminosity, luminosities.get(campaign, 0.0))
    notes = []
    for sample in simulated:
        for campaign, luminosity in luminosities.items():
            empty = [name for name, campaigns in sample.campaigns.items() if campaign not in campaigns]
            if not (luminosity and empty):
                continue
            text = f"no events of {campaign}, which stands for {luminosity:.1f} fb^-1 of data: yields would be too low"
            whole = len(empty) == len(sample.campaigns)
            if whole and has_data:
                raise InputError(f"sample {sample.name} has {text}")
            notes.append(Note("no events", text if whole else f"{', '.join(empty)}: {text}", True, sample.name))
    return notes

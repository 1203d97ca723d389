"""Tables of the search: templates of all samples with their systematics, observed events, cutflows and notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import Template
from hepcol.inference.yields import OBSERVED, SampleYield, Yields
from hepcol.report.cutflows import Cutflow
from hepcol.report.expectations import YieldTable
from processors.stop4b.campaigns import LUMINOSITY_ERROR
from processors.stop4b.contributions import ByRegion
from processors.stop4b.normalisation import Factor
from processors.stop4b.sample_systematics import Pairs

TITLE = "Stop four-body search"
ASIMOV, PSEUDO = "Asimov data", "pseudo-data"
NO_DATA = "no data"  # kind of a note


@dataclass(frozen=True, eq=False)
class SampleTemplates:
    """Expected events of a sample.

    Parameters
    ----------
    nominal : mapping of str to Template
        By region; above 0 in all bins.
    systematics : mapping
        By name and region, the events high and low.
    is_signal : bool
        Whether it is a signal.
    is_data_driven : bool
        Whether it is made from data.
    factor : Factor, optional
        Factor of its normalisation, which the events contain.
    """

    nominal: ByRegion
    systematics: Pairs
    is_signal: bool = False
    is_data_driven: bool = False
    factor: Factor | None = None

    def to_yield(self) -> SampleYield:
        """Return the events of all bins of each region together."""
        return SampleYield(
            {region: template.total for region, template in self.nominal.items()},
            {region: template.error for region, template in self.nominal.items()},
            {
                name: {region: (high.total, low.total) for region, (high, low) in by_region.items()}
                for name, by_region in self.systematics.items()
            },
            None if self.factor is None else (self.factor.value, self.factor.error),
            self.is_data_driven,
        )

    def entries(self) -> dict[str, int]:
        """Count the simulated events of each region."""
        return {r: int(template.entries.sum()) for r, template in self.nominal.items() if template.entries is not None}

    def notes(self, sample: str) -> list[Note]:
        """Tell what was done to its templates."""
        found = [note.at(sample=sample, region=r) for r, template in self.nominal.items() for note in template.notes]
        return found + [
            note.at(sample=sample, region=region, systematic=name)
            for name, by_region in self.systematics.items()
            for region, pair in by_region.items()
            for note in dict.fromkeys(note for side in pair for note in side.notes)
        ]


@dataclass(frozen=True, eq=False)
class Tables:
    """Expected and observed events of the search.

    Parameters
    ----------
    regions : tuple of str
        The regions.
    samples : mapping of str to SampleTemplates
        Backgrounds, then signals.
    data : mapping of str to Template, optional
        Observed events by region; None without data.
    cutflows : mapping
        By region and sample, the cutflows that there are.
    notes : tuple of Note
        What was done, and what a reader should know.
    is_asimov : bool
        Whether the data are the expected background, and no data.
    sources : mapping
        By region and step of the cutflows, where the numbers of the cut are from, if that is known.
    label : str
        What the data are called, where they were not observed.
    """

    regions: tuple[str, ...]
    samples: Mapping[str, SampleTemplates]
    data: ByRegion | None
    cutflows: Mapping[str, Mapping[str, Cutflow]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    is_asimov: bool = False
    label: str = OBSERVED
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the samples that are signals."""
        return tuple(name for name, sample in self.samples.items() if sample.is_signal)

    def with_asimov_data(self) -> Self:
        """Return the same with the expected background, not rounded, in the place of data.

        Raises
        ------
        InputError
            If there are no backgrounds.
        """
        backgrounds = [sample for sample in self.samples.values() if not sample.is_signal]
        if not backgrounds:
            raise InputError("data: without a background there is none to take in their place")
        expected = {region: sum(sample.nominal[region].total for sample in backgrounds) for region in self.regions}
        data = {region: Template.of_one_bin(events, events) for region, events in expected.items()}
        note = Note("asimov data", "data are the expected background, not rounded", is_warning=True)
        others = tuple(other for other in self.notes if other.kind != NO_DATA)
        return replace(self, data=data, is_asimov=True, label=ASIMOV, notes=(note, *others))

    def to_yields(self) -> Yields:
        """Return the yields for the statistical model.

        Raises
        ------
        InputError
            If there are no backgrounds, or no data.
        """
        if self.data is None:
            raise InputError(
                "data are missing: add their files to the run, or take the expected background (hepcol yields --asimov)"
            )
        return Yields(
            self.regions,
            LUMINOSITY_ERROR,
            {region: template.total for region, template in self.data.items()},
            {name: sample.to_yield() for name, sample in self.samples.items()},
            self.signals,
            label=self.label,
        )

    def to_table(self) -> YieldTable:
        """Return what the tables of a report show."""
        return YieldTable(
            self.regions,
            {name: sample.to_yield() for name, sample in self.samples.items()},
            self.signals,
            None if self.data is None else {region: template.total for region, template in self.data.items()},
            LUMINOSITY_ERROR,
            {name: sample.entries() for name, sample in self.samples.items()},
            self.cutflows,
            self.notes,
            TITLE,
            self.label,
            self.sources,
        )

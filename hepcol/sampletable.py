"""Which samples there are: cross-sections, campaigns with their luminosities, and which datasets of runs they are."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hepcol import barns
from hepcol.errors import InputError
from hepcol.tablefile import Row, read_rows

DATA, BACKGROUND, SIGNAL = "data", "background", "signal"
_OF_SIMULATION = ("cross_section", "k_factor", "filter_efficiency", "uncertainty", "dsid")


def _number(value: Any) -> Any:
    """Read a number that YAML takes for a text, as it does 1e-3 without a point."""
    number = barns.plain_number(value.strip()) if isinstance(value, str) else None
    return value if number is None else number


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,)


def _amount(value: Any, read: Any) -> Any:
    amount = read(value)
    if not amount > 0 or amount == float("inf"):
        raise ValueError(f"'{value}': must be above 0")
    return amount


def _relative(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"must be relative and from 0 to 1, as 0.05 of 5 %, got {value:g}")
    return value


def _energy(value: Any) -> Any:
    if not isinstance(value, str):
        # pydantic turns no other error into one line
        raise ValueError(f"must be a text with its unit, such as 13 TeV, got {value!r}")  # noqa: TRY004
    return value


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"'{value}' is given twice")
    return values


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


_Text = Annotated[str, Field(strict=True), AfterValidator(_not_empty)]
_Texts = Annotated[tuple[_Text, ...], BeforeValidator(_listed), Field(min_length=1)]
_Factor = Annotated[float, BeforeValidator(_number), Field(strict=True, gt=0, allow_inf_nan=False)]
_Relative = Annotated[float, BeforeValidator(_number), Field(strict=True), AfterValidator(_relative)]
_Dsids = Annotated[tuple[Annotated[int, Field(strict=True, gt=0)], ...], BeforeValidator(_listed)]
_CrossSection = Annotated[float, BeforeValidator(lambda value: _amount(value, barns.cross_section))]
_Luminosity = Annotated[float, BeforeValidator(lambda value: _amount(value, barns.luminosity))]


class Campaign(Row):
    """Data that were taken together, and the simulation of them.

    Parameters
    ----------
    luminosity : float
        Integrated luminosity [fb^-1]; in the table with its unit, such as ``36.2 fb^-1``.
    uncertainty : float
        Relative uncertainty of it, the same one in all campaigns: 0.01 is 1 %.
    """

    luminosity: _Luminosity
    uncertainty: _Relative = 0.0

    @model_validator(mode="before")
    @classmethod
    def _read_luminosity(cls, given: Any) -> Any:
        """Take a luminosity alone, too."""
        return given if isinstance(given, Mapping) else {"luminosity": given}


class Sample(Row):
    """Datasets that are normalised together.

    Parameters
    ----------
    kind : {"data", "background", "signal"}
        What it is.
    process : str
        Samples of one process are one in pictures and tables; by default the sample's name.
    label : str
        What pictures call the process, with formulas between dollars; by default as ``process``.
    colour : str
        Of the process, as matplotlib names it; by default the next of a palette.
    dsid : tuple of int
        Numbers of the samples in ATLAS; without ``datasets``, a dataset with one of them in its name is one.
    cross_section : float
        In pb; in the table with its unit, such as ``1901.1 pb``.
    k_factor, filter_efficiency : float
        Factors of the cross-section.
    uncertainty : float
        Relative uncertainty of the cross-section, the same one in all samples of a process.
    campaigns : tuple of str
        Campaigns that it is of, together; by default all.
    datasets : tuple of str, or mapping of str to these
        Datasets of runs, as names or with ``*``; by campaign, if each has a sum of weights of its own. By default the
        sample's name, or what ``dsid`` says.
    """

    kind: Literal["data", "background", "signal"]
    process: _Text = ""
    label: _Text = ""
    colour: _Text = ""
    dsid: _Dsids = ()
    cross_section: _CrossSection | None = None
    k_factor: _Factor = 1.0
    filter_efficiency: Annotated[_Factor, Field(le=1)] = 1.0
    uncertainty: _Relative = 0.0
    campaigns: Annotated[_Texts, AfterValidator(_once)] | None = None
    datasets: dict[str, _Texts] | _Texts | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_form(cls, given: Any) -> Any:
        """Refuse what pydantic would take for one of two things, and tell of both."""
        datasets = given.get("datasets") if isinstance(given, Mapping) else None
        lists = list(datasets.values()) if isinstance(datasets, Mapping) else [datasets]
        for one in lists if datasets is not None else ():
            patterns = one if isinstance(one, list | tuple) else [one]
            if not patterns or not all(isinstance(pattern, str) and pattern.strip() for pattern in patterns):
                raise ValueError(f"datasets: {one!r}: must be names of datasets, or lists of them by campaign")
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == DATA:
            for key in _OF_SIMULATION:
                if key in self.model_fields_set:
                    raise ValueError(f"{key}: {getattr(self, key)}: data are never rescaled, so they have none")
        elif self.cross_section is None:
            raise ValueError(f"cross_section: is missing; a {self.kind} needs one, such as 1901.1 pb")
        if isinstance(self.datasets, dict) and self.campaigns is not None:
            raise ValueError("campaigns: are told by datasets already")
        return self

    @property
    def is_data(self) -> bool:
        """Whether it was observed."""
        return self.kind == DATA


@dataclass(frozen=True)
class Part:
    """Datasets of a sample that are normalised together.

    Parameters
    ----------
    sample : str
        The sample.
    campaigns : tuple of str
        Campaigns whose luminosity they are normalised to.
    """

    sample: str
    campaigns: tuple[str, ...]


class SampleTable(Row):
    """All samples.

    Parameters
    ----------
    campaigns : mapping of str to Campaign
        Campaigns by name.
    samples : mapping of str to Sample
        Samples by name.
    ignored : tuple of str
        Datasets that are left out, as names or with ``*``.
    energy : str
        Energy of the collisions, for pictures: ``13 TeV``.
    """

    campaigns: Annotated[dict[_Text, Campaign], Field(min_length=1)]
    samples: Annotated[dict[_Text, Sample], Field(min_length=1)]
    ignored: Annotated[tuple[_Text, ...], BeforeValidator(_listed)] = ()
    energy: Annotated[str, BeforeValidator(_energy)] = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        processes: dict[str, str] = {}
        for name, sample in self.samples.items():
            for campaign in (one for part in self.parts_of(name) for one in part.campaigns):
                if campaign not in self.campaigns:
                    raise ValueError(
                        f"samples.{name}: campaign '{campaign}' is unknown; there are {', '.join(self.campaigns)}"
                    )
            first = processes.setdefault(self.process_of(name), name)
            for key in ("kind", "label", "colour"):
                given, before = getattr(sample, key), getattr(self.samples[first], key)
                if given != before and (given or key == "kind"):
                    raise ValueError(
                        f"samples.{name}.{key}: '{given}' differs from '{before}' of '{first}', which is the same "
                        f"process '{self.process_of(name)}'"
                    )
        return self

    def process_of(self, sample: str) -> str:
        """Name the process of a sample."""
        return self.samples[sample].process or sample

    def processes(self, *kinds: str) -> tuple[str, ...]:
        """Name the processes of some kinds, in the order of the table."""
        found = (self.process_of(name) for name, sample in self.samples.items() if sample.kind in kinds)
        return tuple(dict.fromkeys(found))

    def look_of(self, process: str) -> tuple[str, str]:
        """Return the label of a process, and its colour, which is empty unless one was given."""
        first = next(sample for name, sample in self.samples.items() if self.process_of(name) == process)
        return first.label or process, first.colour

    def parts_of(self, sample: str) -> tuple[Part, ...]:
        """Return what is normalised together in a sample."""
        told = self.samples[sample]
        if isinstance(told.datasets, dict):
            return tuple(Part(sample, (campaign,)) for campaign in told.datasets)
        return (Part(sample, told.campaigns or tuple(self.campaigns)),)

    def luminosity(self, campaigns: Iterable[str]) -> float:
        """Add up the luminosities of some campaigns [fb^-1]."""
        return math.fsum(self.campaigns[name].luminosity for name in campaigns)

    def luminosity_uncertainty(self, campaigns: Iterable[str]) -> float:
        """Relative uncertainty of the luminosity of some campaigns together."""
        chosen = [self.campaigns[name] for name in campaigns]
        return math.fsum(one.luminosity * one.uncertainty for one in chosen) / math.fsum(
            one.luminosity for one in chosen
        )

    def assign(self, datasets: Iterable[str]) -> dict[str, Part]:
        """Find out of which sample each dataset is; those that are ignored are left out.

        Raises
        ------
        InputError
            If a dataset is of no sample or of two, so that events would be lost, or counted twice.
        """
        found: dict[str, Part] = {}
        lost = []
        for dataset in datasets:
            if any(fnmatchcase(dataset, pattern) for pattern in self.ignored):
                continue
            parts = [part for name in self.samples for part in self._matches(name, dataset)]
            if len(parts) > 1:
                told = " and ".join(f"'{one.sample}' ({', '.join(one.campaigns)})" for one in parts)
                raise InputError(f"dataset '{dataset}' is of samples {told}: its events would count twice")
            if parts:
                found[dataset] = parts[0]
            else:
                lost.append(f"'{dataset}'")
        if lost:
            raise InputError(
                f"dataset{'s' if len(lost) > 1 else ''} {', '.join(lost)}: of no sample, so that events would be lost; "
                f"samples are {', '.join(self.samples)}: name it in 'datasets' of one, or in 'ignored'"
            )
        return found

    def unmatched(self, datasets: Iterable[str]) -> list[tuple[Part, str]]:
        """Return what is named of samples, as a pattern or number, and is no dataset."""
        names = [one for one in datasets if not any(fnmatchcase(one, pattern) for pattern in self.ignored)]
        return [
            (part, named)
            for sample in self.samples
            for part, tests in self._tests(sample)
            for named, test in tests.items()
            if not any(map(test, names))
        ]

    def _matches(self, name: str, dataset: str) -> list[Part]:
        """Return the parts of a sample that a dataset is of."""
        return [part for part, tests in self._tests(name) if any(test(dataset) for test in tests.values())]

    def _tests(self, name: str) -> list[tuple[Part, dict[str, Callable[[str], bool]]]]:
        """Return the tests that a dataset is of the parts of a sample, by the pattern or number that is given."""
        sample = self.samples[name]
        if sample.datasets is None and sample.dsid:
            numbers = {str(dsid): re.compile(rf"(?<!\d){dsid}(?!\d)") for dsid in sample.dsid}
            return [(part, {dsid: _searches(one) for dsid, one in numbers.items()}) for part in self.parts_of(name)]
        given = sample.datasets
        patterns = list(given.values()) if isinstance(given, dict) else [given or (name,)]
        return [
            (part, {pattern: _is_like(pattern) for pattern in own})
            for part, own in zip(self.parts_of(name), patterns, strict=True)
        ]


def _is_like(pattern: str) -> Callable[[str], bool]:
    return lambda dataset: fnmatchcase(dataset, pattern)


def _searches(number: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda dataset: number.search(dataset) is not None


def read_sample_table(path: str | Path) -> SampleTable:
    """Read a table of samples in YAML.

    Raises
    ------
    InputError
        If it cannot be read or understood.
    """
    return read_rows(path, SampleTable)

"""Data and simulation of some runs together, as a table of samples tells what they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import hist
import numpy as np

from hepcol import store
from hepcol.errors import InputError
from hepcol.filesums import EVENTS, NO_SKIMS
from hepcol.histograms import VARIATION, observables
from hepcol.inference.histfactory import LUMINOSITY
from hepcol.inference.notes import Note
from hepcol.normalisation import Scale, scales_of
from hepcol.report.bands import Band, band_of_any, categories, has_systematics, sum_bands
from hepcol.report.run_notes import SourceRun, notes_of_runs
from hepcol.sampletable import DATA, Part, SampleTable
from hepcol.variations import SIDES, systematic_of

CROSS_SECTION = "cross_section"  # beginning of the names of uncertainties
_MOST_NAMED = 5  # in a note, of systematics and the like
_STORAGES = (hist.storage.Int64, hist.storage.Weight)


@dataclass(frozen=True, eq=False)
class Composition:
    """Data and simulation together.

    Parameters
    ----------
    table : SampleTable
        The samples.
    assigned : mapping of str to Part
        Of which sample each dataset is.
    histograms : mapping
        By dataset, and name of the histogram.
    parts : mapping
        By dataset, what the summary of its run says of it.
    summary : mapping
        What pictures say of all runs: whether they are complete, their events and marks.
    notes : tuple of Note
        What a reader should know.
    """

    table: SampleTable
    assigned: Mapping[str, Part]
    histograms: Mapping[str, Mapping[str, hist.Hist]]
    parts: Mapping[str, Mapping[str, Any]]
    summary: Mapping[str, Any]
    notes: tuple[Note, ...]

    @cached_property
    def scales(self) -> Mapping[Part, Scale]:
        """What simulation is multiplied by."""
        return scales_of(self.table, self.assigned, self.parts)

    @property
    def datasets_of(self) -> Mapping[str, tuple[str, ...]]:
        """Datasets of each process that has some, in the order of the table, so that no order of folders matters."""
        found: dict[str, list[str]] = {}
        for name in self.table.samples:
            for dataset in sorted(one for one, part in self.assigned.items() if part.sample == name):
                found.setdefault(self.table.process_of(name), []).append(dataset)
        return {process: tuple(datasets) for process, datasets in found.items()}

    def processes(self, kind: str) -> list[str]:
        """Name the processes of a kind that have datasets."""
        return [process for process in self.table.processes(kind) if process in self.datasets_of]

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Campaigns of the data; without data, of the simulation."""
        of_data = [part for part in self.assigned.values() if self.table.samples[part.sample].is_data]
        chosen = {name for part in of_data or self.assigned.values() for name in part.campaigns}
        return tuple(name for name in self.table.campaigns if name in chosen)

    @property
    def luminosity(self) -> float:
        """Luminosity of them [fb^-1]."""
        return self.table.luminosity(self.campaigns)

    def factor(self, dataset: str) -> float:
        """Return what the weights of a dataset are multiplied by: 1 of data."""
        part = self.assigned[dataset]
        return self.scales[part].factor if part in self.scales else 1.0

    def sum(self, process: str, bands: Mapping[str, Band]) -> Band:
        """Add up the datasets of a process, scaled, with the uncertainties of cross-section and luminosity.

        Parameters
        ----------
        process : str
            The process.
        bands : mapping of str to Band
            By dataset, at least those of the process.
        """
        return sum_bands(self._scaled(process, dataset, bands[dataset]) for dataset in self.datasets_of[process])

    def _scaled(self, process: str, dataset: str, band: Band) -> Band:
        part = self.assigned[dataset]
        if part not in self.scales:  # of data only what was observed counts
            return Band(band.edges, band.nominal, band.error, {})
        luminosity = self.table.luminosity_uncertainty(part.campaigns)
        uncertainty = self.table.samples[part.sample].uncertainty
        scaled = _with_sides(band).scaled(self.scales[part].factor)
        varied = scaled.with_change(LUMINOSITY, luminosity)
        return varied.with_change(f"{CROSS_SECTION}_{process}", uncertainty)

    @cached_property
    def refused(self) -> Mapping[str, str]:
        """By name of a histogram of any dataset, why it cannot be a stack; empty if it can."""
        names = dict.fromkeys(name for own in self.histograms.values() for name in own)
        return {name: self._refusal(name) for name in names}

    def _refusal(self, name: str) -> str:
        """Say why a histogram cannot be a stack."""
        without = [dataset for dataset, own in self.histograms.items() if name not in own]
        if without:
            return f"dataset '{without[0]}' has none"
        found = {dataset: own[name] for dataset, own in self.histograms.items()}
        axes = {
            dataset: [histogram.axes[axis] for axis in observables(histogram)] for dataset, histogram in found.items()
        }
        first = next(iter(axes))
        for dataset, own in axes.items():
            if len(own) != 1:
                return f"that of dataset '{dataset}' has {len(own)} observables"
            if own != axes[first]:
                return f"datasets '{first}' and '{dataset}' have different axes"
            if not issubclass(found[dataset].storage_type, _STORAGES):
                storage = found[dataset].storage_type.__name__
                return f"that of dataset '{dataset}' has storage {storage}, without errors; fill Weight or Int64"
        return ""


def _with_sides(band: Band) -> Band:
    """Take a variation that names no side for the one up, so that it adds to that of other samples."""
    up = SIDES[0]
    changes = {
        name if systematic_of(name) != name or f"{name}{up}" in band.changes else f"{name}{up}": change
        for name, change in band.changes.items()
    }
    return replace(band, changes=changes)


def compose(folders: Sequence[str | Path], table: SampleTable, *, allow_missing: bool = False) -> Composition:
    """Read runs, and find out what their datasets are.

    Parameters
    ----------
    folders : sequence of str or Path
        Output folders of runs.
    table : SampleTable
        The samples.
    allow_missing : bool
        Whether datasets of data may lack that the table names, although the luminosity counts in full.

    Raises
    ------
    InputError
        If a folder is no run, or a dataset is in two of them, or of no sample or of two, or if data have weights.
    """
    histograms: dict[str, dict[str, hist.Hist]] = {}
    parts: dict[str, Mapping[str, Any]] = {}
    summaries: dict[Path, Mapping[str, Any]] = {}
    where: dict[str, Path] = {}
    for folder in dict.fromkeys(Path(one).resolve() for one in folders):
        read, summaries[folder] = store.read(folder)
        told = summaries[folder].get("datasets", {})
        for dataset in dict.fromkeys([*(name[0] for name in read), *told]):
            if dataset in where:
                raise InputError(
                    f"dataset '{dataset}' is in {where[dataset]} and in {folder}: its events would count twice; "
                    "hepcol run --dataset gives another name"
                )
            where[dataset] = folder
            parts[dataset] = told.get(dataset, {})
        for (dataset, *rest), histogram in read.items():
            histograms.setdefault(dataset, {})["/".join(rest)] = histogram
    assigned = table.assign(where)
    if not assigned:
        raise InputError(
            f"{', '.join(map(str, folders))}: no dataset of any sample; there are {', '.join(where) or 'none'}"
        )
    made = Composition(
        table,
        assigned,
        {dataset: histograms.get(dataset, {}) for dataset in assigned},
        {dataset: parts[dataset] for dataset in assigned},
        {},
        (),
    )
    _check_data(made)
    runs = [
        SourceRun.read(
            folder,
            summaries[folder],
            {name: table.samples[part.sample].kind for name, part in assigned.items() if where[name] == folder},
        )
        for folder in dict.fromkeys(where[dataset] for dataset in assigned)
    ]
    partial = [scale for scale in made.scales.values() if not scale.weights.whole]
    notes = (
        *notes_of_runs(runs),
        *_tell_samples(made),
        *_tell_unmatched(made, where, allow_missing),
        *_tell_systematics(made),
        *_tell_variations(made),
    )
    return replace(made, summary=_summarise([run.summary for run in runs], bool(partial)), notes=notes)


def _check_data(made: Composition) -> None:
    """Refuse data with weights: most likely simulation, which would not be scaled."""
    for dataset, own in made.histograms.items():
        sample = made.assigned[dataset].sample
        for name, histogram in own.items():
            if not made.table.samples[sample].is_data or made.refused[name]:
                continue
            band = band_of_any(histogram)
            if not (np.array_equal(band.nominal, np.round(band.nominal)) and _is_count(band)):
                raise InputError(
                    f"sample '{sample}' is {DATA}, and histogram '{name}' of its dataset '{dataset}' has weighted "
                    "events; expected counts"
                )


def _is_count(band: Band) -> bool:
    """Whether variances are contents, as those of events are that count one each."""
    return np.allclose(band.error**2, band.nominal, rtol=1e-9, atol=0)


def _summarise(summaries: Iterable[Mapping[str, Any]], partial: bool) -> dict[str, Any]:
    """Tell what pictures say of all runs together."""
    runs = list(summaries)
    marks = dict.fromkeys(mark for one in runs for mark in str(one.get("mark", "")).split(", ") if mark)
    return {
        "complete": all(one["complete"] for one in runs),
        "events": {key: sum(one["events"][key] for one in runs) for key in ("processed", "files", "unknown_files")},
        "mark": ", ".join(marks),
        "lacks": "FILES READ IN PART" if partial else "",
    }


def _tell_samples(made: Composition) -> Iterator[Note]:
    """Tell of samples without datasets, of other campaigns than the data, and where sums of weights are from."""
    table = made.table
    there = set(made.assigned.values())
    for name in table.samples:
        for part in table.parts_of(name):
            if part not in there:
                yield Note(
                    "no dataset",
                    f"has no dataset in these runs, of {', '.join(part.campaigns)}: it is left out",
                    True,
                    name,
                )
    for name, sample in table.samples.items():
        campaigns = {one for part in there if part.sample == name for one in part.campaigns}
        others = [one for one in table.campaigns if one in campaigns.symmetric_difference(made.campaigns)]
        if campaigns and others and not sample.is_data:
            told = f"is of {', '.join(sorted(campaigns))}, and the data are of {', '.join(made.campaigns)}"
            yield Note("campaigns", told, True, name)
    for scale in made.scales.values():
        if not scale.weights.whole:
            lacks = scale.weights.lacks
            wrong = "wrong" if NO_SKIMS in lacks else "too low"
            text = f"normalised with sums of weights of files that were read in part, so that yields are {wrong}"
            told = f"{text}: {_named(lacks)} not there" if lacks else text
            yield Note("normalisation", told, True, scale.part.sample)
        elif EVENTS in scale.weights.sources:
            yield Note("normalisation", "normalised with the weights of the processed events", False, scale.part.sample)


def _tell_unmatched(made: Composition, datasets: Iterable[str], allow_missing: bool) -> Iterator[Note]:
    """Tell what the table names of samples that are there, and no dataset matches.

    Raises
    ------
    InputError
        If that is of data, unless it is allowed.
    """
    names = tuple(datasets)
    there = set(made.assigned.values())
    for part, pattern in made.table.unmatched(names):
        if part not in there:  # told already
            continue
        campaigns = ", ".join(part.campaigns)
        if made.table.samples[part.sample].is_data and not allow_missing:
            raise InputError(
                f"sample '{part.sample}': no dataset matches '{pattern}', and the luminosity of {campaigns} would "
                "count in full; add its run, or allow that with --allow-missing"
            )
        text = f"no dataset matches '{pattern}', and the luminosity of {campaigns} counts in full"
        yield Note("no dataset", text, True, part.sample)


def _tell_systematics(made: Composition) -> Iterator[Note]:
    """Tell of systematics that some simulation lacks and other has: there they do nothing."""
    found: dict[str, set[str]] = {}
    for part, scale in made.scales.items():
        for own in (_systematics(made, dataset) for dataset in scale.datasets):
            found[part.sample] = own & found.get(part.sample, own)
    first: dict[str, str] = {}
    for sample, own in found.items():
        first |= {name: sample for name in sorted(own) if name not in first}
    for sample, own in found.items():
        if first and not own:
            yield Note("systematics", f"has no systematics at all, and others have {_named(list(first))}", True, sample)
            continue
        lacking: dict[str, list[str]] = {}
        for name, other in first.items():
            if name not in own:
                lacking.setdefault(other, []).append(name)
        for other, names in lacking.items():
            yield Note("systematics", f"has no {_named(names)}, which {other} has", False, sample)


def _named(names: Sequence[str]) -> str:
    """Name the first of some."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _systematics(made: Composition, dataset: str) -> set[str]:
    """Name the systematics of the histograms of a dataset that can be a stack."""
    shown = [one for name, one in made.histograms[dataset].items() if not made.refused[name]]
    of_each = [set(band_of_any(one).systematics) for one in shown]
    return set.union(*of_each) if of_each else set()


def _tell_variations(made: Composition) -> Iterator[Note]:
    """Tell where variations are no systematics."""
    for dataset, own in made.histograms.items():
        several = [
            name
            for name, one in own.items()
            if VARIATION in categories(one) and one.axes[VARIATION].size > 1 and not has_systematics(one)
        ]
        if several:
            first = own[several[0]].axes[VARIATION][0]
            text = f"variations of {', '.join(several)} are around no nominal one: '{first}', the first, is taken"
            yield Note("replicas", text, False, made.assigned[dataset].sample)

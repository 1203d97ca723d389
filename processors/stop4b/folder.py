"""Tables of the search out of the output folder of a run, and into it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hist

from hepcol import store
from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.yields import FILE, write_yields
from hepcol.report.yield_tables import FILES, write_tables
from processors.stop4b import fill
from processors.stop4b.cutflows import CutflowStep, read_steps
from processors.stop4b.datasets import Dataset
from processors.stop4b.distributions import plot_distributions
from processors.stop4b.histos import FILE as HISTOS
from processors.stop4b.histos import write_histos
from processors.stop4b.tables import Tables
from processors.stop4b.theory import read_closure, read_theory
from processors.stop4b.yields import make_tables

_PARTS = (fill.YIELDS, fill.ENTRIES, fill.TREES)


@dataclass(frozen=True)
class Written:
    """Files that were written, and why others were not."""

    files: tuple[Path, ...]
    not_written: dict[str, str]


def tables_of_folder(
    folder: str | Path, *, theory: str | Path | None = None, closure: str | Path | None = None, asimov: bool = False
) -> Tables:
    """Make the tables of a run.

    Parameters
    ----------
    folder : str or Path
        Its output folder.
    theory : str or Path, optional
        Folder of ``<SAMPLE>ThSyst.json``, see :func:`processors.stop4b.theory.read_theory`.
    closure : str or Path, optional
        File with the error of the fakes' closure, see :func:`processors.stop4b.theory.read_closure`.
    asimov : bool
        Whether the expected background is taken in the place of data.

    Raises
    ------
    InputError
        If the folder has no run of the search, or something does not fit together.
    """
    histograms, summary = store.read(folder)
    metadata = _read_metadata(folder, histograms)
    tables = tables_of(histograms, metadata, theory=theory, closure=closure)
    if asimov:
        tables = tables.with_asimov_data()
    return replace(tables, notes=(*_tell_incomplete(summary), *_tell_oddities(summary, metadata), *tables.notes))


def _read_metadata(folder: str | Path, histograms: Mapping[tuple[str, ...], hist.Hist]) -> dict[str, Mapping[str, Any]]:
    """Read the metadata of the datasets of a run, which may be of any processor that makes what yields need."""
    provenance = store.read_provenance(folder)
    of_another = f"{folder}: made by {provenance['processor']}; yields are of runs of stop4b"
    fileset = provenance.get("fileset")
    has_yields = not histograms or any(name[1:] == (fill.YIELDS,) for name in histograms)
    if not (isinstance(fileset, dict) and has_yields):
        raise InputError(of_another)
    metadata = {name: about["metadata"] for name, about in fileset.items()}
    for name, about in metadata.items():
        try:
            Dataset.from_metadata(name, about)
        except InputError as error:
            raise InputError(f"{of_another}: {error}") from error
    return metadata


def _tell_incomplete(summary: Mapping[str, Any]) -> Iterator[Note]:
    if not summary["complete"]:
        events = summary["events"]
        text = f"the run is incomplete: {events['processed']:,} of {events['files']:,} events were processed"
        yield Note("incomplete", text, True)


def _tell_oddities(summary: Mapping[str, Any], metadata: Mapping[str, Mapping[str, Any]]) -> Iterator[Note]:
    """Tell what the run counted: stored variables that differ from what they are derived of, scale factors of 0."""
    counts: dict[tuple[str, str], int] = {}
    for name, about in (summary.get("datasets") or {}).items():
        for tally, count in about["tallies"].items() if name in metadata else ():
            key = (metadata[name]["sample"], tally)
            counts[key] = counts.get(key, 0) + count
    for (sample, tally), count in counts.items():
        if count > 0:
            yield Note("oddity", f"{tally} in {count:,} events", True, sample=sample)


def tables_of(
    histograms: Mapping[tuple[str, ...], hist.Hist],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    theory: str | Path | None = None,
    closure: str | Path | None = None,
) -> Tables:
    """Make tables of the histograms of a run.

    Parameters
    ----------
    histograms : mapping
        By dataset and name.
    metadata : mapping
        Metadata of the datasets, as :func:`processors.stop4b.arrangement.arrange` gave them.
    theory, closure : str or Path, optional
        See :func:`tables_of_folder`.
    """
    datasets = dict.fromkeys(dataset for dataset, *names in histograms if len(names) == 1)
    parts = {
        dataset: {name: histograms[dataset, name] for name in _PARTS if (dataset, name) in histograms}
        for dataset in datasets
    }
    regions = [*next(iter(parts.values()))[fill.YIELDS].axes["region"]] if parts else []
    return make_tables(
        parts,
        metadata,
        theory=None if theory is None else read_theory(theory, regions),
        closure=None if closure is None else read_closure(closure),
        cutflows={dataset: _cutflows(histograms, dataset, regions) for dataset in datasets},
    )


def _cutflows(
    histograms: Mapping[tuple[str, ...], hist.Hist], dataset: str, regions: list[str]
) -> dict[str, tuple[CutflowStep, ...]]:
    """Read the cutflows of a dataset, if it has some."""
    found = {}
    for region in regions:
        names = [(dataset, f"{name}_{region}") for name in (fill.CUTFLOW, fill.CUTFLOW_ENTRIES)]
        if all(name in histograms for name in names):
            found[region] = read_steps(*(histograms[name] for name in names))
    return found


def write_into(tables: Tables, folder: str | Path, plots: bool = True) -> Written:
    """Write the tables, and plots, into the output folder of their run; they go when its results are replaced.

    Fits of earlier yields go at once.
    """
    path = Path(folder)
    names = (FILE, HISTOS, *FILES, *([str(Path(store.PLOTS) / fill.ALL_BUT)] if plots else []))
    with store.adding(path, fill.YIELDS, names, outdated=[store.fit_entry(store.HISTFACTORY)]):
        written = write_all(tables, path)
        if plots:
            plot_distributions(path)
    return written


def write_all(tables: Tables, folder: Path | str) -> Written:
    """Write ``yields.json``, ``histos.root`` and the tables to read.

    Without data, or without a background, there is no ``yields.json``: a statistical model needs both.

    Parameters
    ----------
    tables : Tables
        What to write.
    folder : Path or str
        Made if it is not there; the same files of earlier times are replaced.

    Raises
    ------
    InputError
        If a name cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files, not_written = [], {}
    try:
        write_yields(tables.to_yields(), folder / FILE)
        files.append(folder / FILE)
    except InputError as error:
        (folder / FILE).unlink(missing_ok=True)  # of earlier times, which would not belong to the rest
        not_written[FILE] = str(error)
    files.append(write_histos(tables, folder))
    files += write_tables(tables.to_table(), folder)
    return Written(tuple(files), not_written)

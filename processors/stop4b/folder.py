"""Tables of the search out of the output folder of a run, and into it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hist

from hepcol import store
from hepcol.errors import InputError
from hepcol.inference.notes import Note
from processors.stop4b import fill
from processors.stop4b.cutflows import CutflowStep, read_steps
from processors.stop4b.distributions import plot_distributions
from processors.stop4b.output import Written, write_all
from processors.stop4b.tables import Tables
from processors.stop4b.theory import read_closure, read_theory
from processors.stop4b.yields import make_tables

_PARTS = (fill.YIELDS, fill.ENTRIES, fill.TREES)
PROCESSOR = "processors.stop4b.processor:Stop4bProcessor"


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
    provenance = store.read_provenance(folder)
    if provenance["processor"] != PROCESSOR or not isinstance(provenance.get("fileset"), dict):
        raise InputError(f"{folder}: made by {provenance['processor']}; yields are of runs of stop4b")
    metadata = {name: about["metadata"] for name, about in provenance["fileset"].items()}
    tables = tables_of(histograms, metadata, theory=theory, closure=closure)
    if asimov:
        tables = tables.with_asimov_data()
    if summary["complete"]:
        return tables
    events = summary["events"]
    text = f"the run is incomplete: {events['processed']:,} of {events['files']:,} events were processed"
    return replace(tables, notes=(Note("incomplete", text, True), *tables.notes))


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
    datasets = dict.fromkeys(dataset for dataset, _ in histograms)
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
    """Write the tables, and plots, into the output folder of their run; they go when its results are replaced."""
    path = Path(folder)
    with store.adding(path, fill.YIELDS) as names:
        written = write_all(tables, path)
        names += [str(file.relative_to(path)) for file in written.files]
        if plots:
            names.append(str(Path(store.PLOTS) / fill.ALL_BUT))
            plot_distributions(path)
    return written

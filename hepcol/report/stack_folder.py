"""Stacks and yields of runs into a folder: pictures, tables, and what made them."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hepcol import store
from hepcol.errors import InputError
from hepcol.histogram_files import escape
from hepcol.provenance import describe_derived
from hepcol.report.composition import compose
from hepcol.report.expectations import YieldTable
from hepcol.report.markup import latex_file, markdown_file
from hepcol.report.normalisation_table import normalisation_csv, normalisation_table
from hepcol.report.stack_plots import plot_stack
from hepcol.report.stack_yields import yields_of
from hepcol.report.stacks import Stacks
from hepcol.report.style import save, style
from hepcol.report.yield_tables import write_tables
from hepcol.sampletable import read_sample_table
from hepcol.wholefile import writing

STACKS = "stacks"  # folder, and what is added to a run
RECORD = "stacks.json"
NORMALISATION = "normalisation"


@dataclass(frozen=True, eq=False)
class Stacked:
    """What was made of some runs."""

    stacks: Stacks
    yields: YieldTable


def stack_folders(
    folders: Sequence[str | Path],
    samples: str | Path,
    output: str | Path,
    *,
    histograms: Sequence[str] = (),
    by: str = "",
    blind: tuple[float, float] | None = None,
    log: bool = False,
    plots: bool = True,
    allow_missing: bool = False,
    report: Callable[[int, int], None] | None = None,
) -> Stacked:
    """Put data and simulation of runs together, and write pictures and tables.

    Parameters
    ----------
    folders : sequence of str or Path
        Output folders of runs.
    samples : str or Path
        Table of samples in YAML.
    output : str or Path
        Folder whose subfolder ``stacks`` they are written into, also that of a run; earlier ones are replaced.
    histograms, by, blind, log
        See :class:`hepcol.report.stacks.Stacks`.
    plots : bool
        Whether to draw, too.
    allow_missing : bool
        See :func:`hepcol.report.composition.compose`.
    report : function of int and int, optional
        Told how many pictures are drawn, of how many.

    Raises
    ------
    InputError
        If something does not fit together, or a folder ``stacks`` is there that is another's.
    """
    stacks = Stacks(
        compose(folders, read_sample_table(samples), allow_missing=allow_missing), histograms, by, blind, log
    )
    yields = yields_of(stacks)
    place = Path(output) / STACKS
    _check_ours(place)
    with writing(Path(output)):
        Path(output).mkdir(parents=True, exist_ok=True)
    with store.adding(Path(output), STACKS, (STACKS,)):
        store.delete_inside(Path(output), STACKS)
        place.mkdir()
        # first of all, so that what a killed command leaves is known as ours
        told = describe_derived(
            runs=[str(Path(folder).resolve()) for folder in folders],
            samples={"path": str(samples), "sha256": hashlib.sha256(Path(samples).read_bytes()).hexdigest()},
            histograms=list(stacks.chosen),
            by=by,
            blind=blind,
            factors={dataset: stacks.made.factor(dataset) for dataset in sorted(stacks.made.assigned)},
        )
        store.replace_text(place / RECORD, json.dumps(told, indent=2, allow_nan=False) + "\n")
        write_tables(yields, place)
        _write_normalisation(stacks, place, yields.mark)
        if plots:
            _draw(stacks, place, report)
    return Stacked(stacks, yields)


def _check_ours(place: Path) -> None:
    """Refuse a folder with files in it that no such command has made."""
    there = [path.name for path in place.iterdir()] if place.is_dir() else []
    if (there and RECORD not in there) or (place.exists() and not place.is_dir()):
        raise InputError(f"{place} is there and is not hepcol's: choose another output folder")


def _write_normalisation(stacks: Stacks, place: Path, mark: str) -> None:
    """Write how simulation is normalised."""
    table = normalisation_table(stacks.made)
    marked = replace(table, title=f"{table.title} ({mark})") if mark else table
    store.replace_text(place / f"{NORMALISATION}.md", markdown_file("Samples", [marked]))
    store.replace_text(place / f"{NORMALISATION}.tex", latex_file([marked]))
    store.replace_text(place / f"{NORMALISATION}.csv", normalisation_csv(stacks.made, mark))


def _draw(stacks: Stacks, place: Path, report: Callable[[int, int], None] | None) -> None:
    """Draw all views."""
    with style():
        for number, view in enumerate(stacks.views, start=1):
            target = place.joinpath(*map(escape, view.path))
            targets = [target.with_name(f"{target.name}.{extension}") for extension in store.PLOT_FORMATS]
            save(plot_stack(stacks.stack(view), stacks.made.summary), targets)
            if report is not None:
                report(number, len(stacks.views))

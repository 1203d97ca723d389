"""Cutflows of data and simulation together, scaled as their yields are."""

import math
from collections.abc import Iterable

from hepcol.errors import InputError
from hepcol.histograms import VARIATION, observables
from hepcol.inference.notes import Note
from hepcol.report.bands import categories
from hepcol.report.composition import Composition
from hepcol.report.cutflows import Cutflow, CutflowRow, add_cutflows
from hepcol.report.dataset_cutflows import STEP
from hepcol.sampletable import BACKGROUND

CUTFLOW = "cutflow"  # of notes


def cutflows_of(made: Composition, processes: Iterable[str]) -> tuple[dict[str, Cutflow], list[Note]]:
    """Return the cutflows of some processes, and what a reader should know of those that there are none of.

    A process has one if all its datasets have, with steps in the same order.
    """
    found: dict[str, Cutflow] = {}
    notes = []
    for process in processes:
        by_dataset = {one: _of_dataset(made, one) for one in made.datasets_of[process]}
        without = [dataset for dataset, rows in by_dataset.items() if not rows]
        if without:
            notes.append(Note(CUTFLOW, f"no cutflow, as dataset '{without[0]}' has no weighted one", False, process))
            continue
        try:
            found[process] = add_cutflows(by_dataset, process)
        except InputError as error:
            notes.append(Note(CUTFLOW, f"no cutflow: {error}", True, process))
    try:
        add_cutflows({name: rows for name, rows in found.items() if name in made.processes(BACKGROUND)}, "all")
    except InputError as error:  # there is no total then
        return {}, [*notes, Note(CUTFLOW, f"no cutflows: {error}", True)]
    return found, notes


def _of_dataset(made: Composition, dataset: str) -> Cutflow:
    """Return the cutflow of a dataset: of its histogram of steps, or of counts, if every event counts one."""
    part, factor = made.parts[dataset], made.factor(dataset)
    counts = part.get("cutflow") or {}
    histograms = made.histograms[dataset].values()
    of_steps = [one for one in histograms if not observables(one) and STEP in categories(one)]
    if len(of_steps) == 1:
        histogram = of_steps[0]
        if VARIATION in histogram.axes.name:  # of which the first is the nominal one
            histogram = histogram[{VARIATION: 0}]
        steps = histogram.project(STEP)
        if list(counts) == [str(step) for step in steps.axes[0]]:
            rows = zip(counts.items(), steps.values(), steps.variances(), strict=True)
            return [
                CutflowRow(label, count, factor * float(value), factor * math.sqrt(float(variance)))
                for (label, count), value, variance in rows
            ]
    if counts and part["sum_weights"] == part["events"]:
        return [CutflowRow(step, count, factor * count, factor * math.sqrt(count)) for step, count in counts.items()]
    return []

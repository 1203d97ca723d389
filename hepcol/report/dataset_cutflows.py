"""Cutflows of the datasets of a run: events, and weighted ones where histograms tell them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import hist
import numpy as np

from hepcol.histograms import VARIATION, observables
from hepcol.report.bands import categories
from hepcol.report.blocks import Block, Table, folded
from hepcol.report.markup import Quantity, TextTable
from hepcol.report.numbers import measured

STEP = "step"  # axis of histograms that are cutflows
MAX_CUTFLOWS = 4  # each with a table of its own
_SMALL = 0.1


def tell_cutflows(
    datasets: Mapping[str, Mapping[str, Any]], histograms: Mapping[tuple[str, ...], hist.Hist]
) -> Iterator[Block]:
    """Tabulate the cutflow of each dataset; of many, those with the same steps together."""
    by_steps: dict[tuple[str, ...], list[str]] = {}
    for name, part in datasets.items():
        by_steps.setdefault((*part["cutflow"],), []).append(name)
    by_steps.pop((), None)  # without a cutflow there is nothing to tabulate
    for steps, names in by_steps.items():
        if len(names) <= MAX_CUTFLOWS:
            yield from (Table(one_cutflow(name, datasets[name])) for name in names)
        else:
            yield Table(common_cutflow(steps, {name: datasets[name] for name in names}))
    tallies = _tally_table(datasets)
    if tallies.rows:
        yield Table(tallies, texts=2)
    weighted = [table for name, one in histograms.items() if (table := weighted_cutflow(name, one)) is not None]
    tables = [Table(table) for table in weighted]
    yield from folded(f"{len(tables)} weighted cutflows", tables, len(tables) > MAX_CUTFLOWS)


def steps_of(part: Mapping[str, Any]) -> dict[str, int]:
    """Return the steps of a dataset; those that events took when they were skimmed come first."""
    skimmed = part.get("skim", {}).get("cutflow", {})
    return {f"skim: {step}": count for step, count in skimmed.items()} | dict(part["cutflow"])


def one_cutflow(name: str, part: Mapping[str, Any]) -> TextTable:
    """Tabulate a cutflow, with the sum of weights of all events if they have some."""
    of_steps = steps_of(part)
    steps, counts = list(of_steps), list(of_steps.values())
    total = counts[0] if "skim" in part and counts else part["events"]
    weights = "" if part["sum_weights"] == part["events"] else f", sum of weights {measured(part['sum_weights'])}"
    rows = [
        (step, f"{count:,}", _part(count, total), before)
        for step, count, before in zip(steps, counts, ["-", *(_part(b, a) for a, b in pairwise(counts))], strict=True)
    ]
    return TextTable(f"{name}{weights}", ("step", "events", "of all", "of the step before"), rows)


def common_cutflow(steps: Sequence[str], datasets: Mapping[str, Mapping[str, Any]]) -> TextTable:
    """Tabulate the cutflows of datasets with the same steps, and their sum."""
    parts = datasets.values()
    totals = [sum(part["cutflow"][step] for part in parts) for step in steps]
    rows = [
        (name, measured(part["sum_weights"]), *(f"{count:,}" for count in part["cutflow"].values()))
        for name, part in datasets.items()
    ]
    rows.append(("all", "", *(f"{total:,}" for total in totals)))
    return TextTable(f"{len(datasets)} datasets", ("dataset", "sum of weights", *steps), rows, (len(rows) - 1,))


def _tally_table(datasets: Mapping[str, Mapping[str, Any]]) -> TextTable:
    """Tabulate what else was counted, where it is not nothing."""
    rows = [
        (name, tally, f"{count:,}")
        for name, part in datasets.items()
        for tally, count in part.get("tallies", {}).items()
        if count
    ]
    return TextTable("counted besides", ("dataset", "what", "number"), rows)


def weighted_cutflow(name: tuple[str, ...], histogram: hist.Hist) -> TextTable | None:
    """Tabulate the weights of a histogram of steps; None of any other one."""
    if (
        observables(histogram)
        or STEP not in categories(histogram)
        or not issubclass(histogram.storage_type, hist.storage.Weight)
    ):
        return None
    if VARIATION in histogram.axes.name:  # of which the first is the nominal one
        histogram = histogram[{VARIATION: 0}]
    further = [category for category in categories(histogram) if category != STEP]
    summed = f", sum over {', '.join(further)}" if further else ""
    steps = histogram.project(STEP)
    values, errors = steps.values(), np.sqrt(steps.variances())
    rows = [
        (str(step), Quantity(float(value), float(error)), ratio)
        for step, value, error, ratio in zip(
            steps.axes[0], values, errors, ["-", *(_part(b, a) for a, b in pairwise(values))], strict=True
        )
    ]
    return TextTable("/".join(name) + summed, ("step", "weighted events", "of the step before"), rows)


def _part(count: float, whole: float) -> str:
    """Write a part of a whole in per cent."""
    if not whole:
        return "-"
    ratio = count / whole
    return f"{ratio:.1%}" if abs(ratio) >= _SMALL else f"{ratio:.2%}"

"""The results of a run as tidy tables in CSV: one number in a row, with all its digits."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import hist
import numpy as np

from hepcol.histogram_files import escape
from hepcol.histograms import CATEGORIES
from hepcol.report.record import RunRecord

OTHER = "other"  # the bin of a category axis for all that have none


def csv_files(run: RunRecord) -> dict[str, bytes]:
    """Write the tables of a run, by their paths: each histogram, cutflows, tallies, single numbers, and what it is."""
    files = {
        f"histograms/{'/'.join(map(escape, name))}.csv": histogram_table(histogram)
        for name, histogram in run.histograms.items()
    }
    datasets = run.summary.get("datasets") or {}
    cutflows = [
        (name, number, step, passed)
        for name, part in datasets.items()
        for number, (step, passed) in enumerate(part["cutflow"].items())
    ]
    tallies = [(name, what, count) for name, part in datasets.items() for what, count in part["tallies"].items()]
    tables: dict[str, tuple[Sequence[str], list[Any]]] = {
        "cutflows.csv": (("dataset", "number", "step", "events"), cutflows),
        "tallies.csv": (("dataset", "tally", "count"), tallies),
        "values.csv": (("name", "value"), list((run.summary.get("values") or {}).items())),
        "run.csv": (("what", "value"), list(_origin(run))),
    }
    files |= {name: _write(header, rows) for name, (header, rows) in tables.items() if rows}
    return files


def histogram_table(histogram: hist.Hist) -> bytes:
    """Write a histogram: a row for each bin, flow bins included, with edges or category, value and variance."""
    values = np.asarray(histogram.values(flow=True))
    variances = histogram.variances(flow=True)
    axes = [(_columns(axis), list(_bins(axis))) for axis in histogram.axes]
    header = [column for columns, _ in axes for column in columns]
    spread = np.full(values.shape, "", dtype=object) if variances is None else np.asarray(variances)
    rows = (
        (*(cell for cells in bins for cell in cells), value, variance)
        for bins, value, variance in zip(
            product(*(bins for _, bins in axes)), values.ravel(), spread.ravel(), strict=True
        )
    )
    return _write([*header, "value", "variance"], rows)


def _columns(axis: Any) -> tuple[str, ...]:
    return (axis.name,) if isinstance(axis, CATEGORIES) else (f"{axis.name}_low", f"{axis.name}_high")


def _bins(axis: Any) -> Iterator[tuple[Any, ...]]:
    """Return what tells the bins of an axis, in their order."""
    if isinstance(axis, CATEGORIES):
        yield from ((category,) for category in axis)
        yield from [(OTHER,)] if axis.traits.overflow else []
        return
    edges = [float(edge) for edge in axis.edges]
    if axis.traits.underflow:
        edges.insert(0, -np.inf)
    if axis.traits.overflow:
        edges.append(np.inf)
    yield from pairwise(edges)


def _origin(run: RunRecord) -> Iterator[tuple[str, Any]]:
    """Tell what the numbers are of."""
    events = run.summary["events"]
    yield "processor", run.provenance["processor"]
    yield "created", run.provenance.get("created", "")
    yield "hepcol", run.provenance.get("packages", {}).get("hepcol", "")
    yield "complete", str(run.summary["complete"]).lower()
    yield "events processed", events["processed"]
    yield "events in the files", events["files"]
    yield "mark", run.summary.get("mark", "")
    yield from (("warning", text) for text in run.summary.get("warnings", ()))


def _write(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_digits(cell) for cell in row] for row in rows)
    return file.getvalue().encode()


def _digits(cell: Any) -> Any:
    """Write a number with all its digits; numpy's own text has its type."""
    return cell.item() if isinstance(cell, np.generic) else cell

"""Tables of a cut-and-count analysis for programs: numbers in full precision, one in a column."""

import csv
import io
from collections.abc import Iterable, Sequence

from hepcol.inference.notes import Note
from hepcol.report.cutflows import relative
from hepcol.report.expectations import TOTAL, YieldTable

_BACKGROUND, _SIGNAL, _SUM, _DATA = "background", "signal", "total", "data"


def yields(table: YieldTable) -> str:
    """Write expected and observed events; systematic errors are events, high at least and low at most 0."""
    header = ("region", "sample", "kind", "value", "stat", "syst_high", "syst_low", "entries")
    rows: list[tuple[object, ...]] = []
    for region in table.regions:
        for name in table.expected_names:
            found = table.expected[region][name]
            rows.append(
                (region, name, _kind(table, name), found.nominal, found.error, *found.systematic, found.entries)
            )
        if table.data is not None:
            rows.append((region, _DATA, _DATA, float(table.data[region]), "", "", "", ""))
    return write_csv(header, rows, table.mark)


def impacts(table: YieldTable) -> str:
    """Write the events with each systematic high and low, and what that changes in per cent."""
    header = ("region", "systematic", "sample", "kind", "nominal", "high", "low", "high_percent", "low_percent")
    rows: list[tuple[object, ...]] = []
    for region in table.regions:
        for systematic in table.ranking(region):
            for name in table.expected_names:
                found = table.expected[region][name]
                if systematic in found.changes:
                    nominal = found.nominal
                    varied = (nominal + change for change in found.changes[systematic])
                    percents = found.percent(systematic) or ("", "")
                    rows.append((region, systematic, name, _kind(table, name), nominal, *varied, *percents))
    return write_csv(header, rows, table.mark)


def cutflows(table: YieldTable) -> str:
    """Write the steps of the cutflows; ``relative`` is the ratio to the weighted events of the step before."""
    header = ("region", "sample", "step", "entries", "value", "stat", "relative")
    return write_csv(
        header,
        [
            (region, name, row.label, row.entries, row.value, row.error, ratio)
            for region in table.regions
            for name, rows in table.cutflows_of(region).items()
            for row, ratio in zip(rows, relative(rows), strict=True)
        ],
        table.mark,
    )


def notes(found: Iterable[Note]) -> str:
    """Write notes, one for each place."""
    header = ("warning", "kind", "sample", "region", "systematic", "text")
    return write_csv(
        header,
        [(int(one.is_warning), one.kind, one.sample, one.region, one.systematic, one.text) for one in found],
    )


def _kind(table: YieldTable, name: str) -> str:
    if name == TOTAL:
        return _SUM
    return _SIGNAL if name in table.signals else _BACKGROUND


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]], mark: str = "") -> str:
    """Write rows, each with what the table has to say, if that is something; numbers have all their digits.

    None is an empty field.
    """
    marked = [mark] if mark else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*header, *(["mark"] if mark else [])])
    writer.writerows([*("" if cell is None else _digits(cell) for cell in row), *marked] for row in rows)
    return file.getvalue()


def _digits(cell: object) -> object:
    return repr(float(cell)) if isinstance(cell, float) else cell  # also of numpy, whose repr has its type

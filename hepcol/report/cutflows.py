"""Cutflows: events after each step of a selection, their sums over samples, and their tables."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hepcol.errors import InputError
from hepcol.report.markup import Quantity, TextTable


@dataclass(frozen=True)
class CutflowRow:
    """Events that passed a step and all before it.

    Parameters
    ----------
    label : str
        Name of the step.
    entries : int
        Events, each counted once.
    value : float
        Events, weighted.
    error : float
        Statistical error of ``value``.
    """

    label: str
    entries: int
    value: float
    error: float


Cutflow = Sequence[CutflowRow]
_SMALL = 0.1  # ratios below have one decimal more


def relative(rows: Cutflow) -> list[float | None]:
    """Divide the events of each step by those of the step before it; None for the first, and where there are none."""
    ratios = [later.value / earlier.value if earlier.value else None for earlier, later in pairwise(rows)]
    return [None, *ratios]


def add_cutflows(cutflows: Mapping[str, Cutflow], region: str) -> tuple[CutflowRow, ...]:
    """Add cutflows step by step; what is not asked for in a step passes it.

    Parameters
    ----------
    cutflows : mapping of str to Cutflow
        By name, which errors tell. They begin with the same step, and have common steps in the same order.
    region : str
        The region, which errors tell.

    Raises
    ------
    InputError
        If they do not fit together.
    """
    order = _merge_steps(cutflows, region)
    filled = [_at_steps(rows, order) for rows in cutflows.values()]
    return tuple(
        CutflowRow(
            label,
            sum(row.entries for row in step),
            math.fsum(row.value for row in step),
            math.hypot(*(row.error for row in step)),
        )
        for label, step in zip(order, zip(*filled, strict=True), strict=True)
    )


def _merge_steps(cutflows: Mapping[str, Cutflow], region: str) -> list[str]:
    """Names of all steps, in the order of all cutflows."""
    order: list[str] = []
    for name, rows in cutflows.items():
        where = f"cutflow of '{name}' in '{region}'"
        labels = [row.label for row in rows]
        if not labels or len(set(labels)) < len(labels):
            raise InputError(f"{where}: steps must be some, each once, got {', '.join(labels) or 'none'}")
        if order and labels[0] != order[0]:
            raise InputError(f"{where} begins with '{labels[0]}', others with '{order[0]}'")
        position = 0
        for label in labels:
            if label not in order:
                order.insert(position, label)
            elif order.index(label) < position:
                raise InputError(f"{where}: step '{label}' comes after '{order[position - 1]}', in others before it")
            position = order.index(label) + 1
    return order


def _at_steps(rows: Cutflow, order: Iterable[str]) -> list[CutflowRow]:
    """Return the row at each step: where there is none, the last one before it."""
    own = {row.label: row for row in rows}
    found: list[CutflowRow] = []
    for label in order:
        found.append(own[label] if label in own else found[-1])
    return found


def cutflow_table(title: str, rows: Cutflow, sources: Mapping[str, str] | None = None) -> TextTable:
    """Make the table of a cutflow, with a column of the sources of its cuts, by label, if they are given."""
    return TextTable(
        title,
        ("step", "raw", "weighted", "of the step before", *(["source"] if sources else [])),
        [
            (
                row.label,
                f"{row.entries:,}",
                Quantity(row.value, row.error),
                "-" if ratio is None else f"{ratio:.1%}" if ratio >= _SMALL else f"{ratio:.2%}",
                *([sources.get(row.label) or "-"] if sources else []),
            )
            for row, ratio in zip(rows, relative(rows), strict=True)
        ],
    )

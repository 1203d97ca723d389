"""What is in an event file: trees, format, columns and sums of weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from hepcol.events import open_file, read_events
from hepcol.formats import TREE_CLASSES, Layout, identify, unit_of
from hepcol.skimnote import TreeNote


@dataclass(frozen=True)
class Column:
    """A column of the events: its name in the schema, type and unit."""

    name: str
    type: str
    unit: str


@dataclass(frozen=True)
class Inspection:
    """What was found in a file."""

    path: str
    uuid: str
    size: int | None
    trees: tuple[tuple[str, str, int], ...]
    layout: Layout
    entries: int
    columns: tuple[Column, ...]
    sums_of_weights: dict[str, float]


def inspect_file(path: str | Path, tree: str | None = None) -> Inspection:
    """Look into a file; only weights are read.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it has no event tree in a known format.
    """
    with open_file(path) as directory:
        layout = identify(directory, tree)
        kinds = directory.classnames(cycle=False)
        trees = tuple((name, kind, directory[name].num_entries) for name, kind in kinds.items() if kind in TREE_CLASSES)
        events = read_events(directory, layout, 0, directory[layout.tree].num_entries, {})
        columns = tuple(Column(name, kind, unit_of(layout, name)) for name, kind in _leaves(events.layout.form))
        local = Path(str(path))
        return Inspection(
            str(path),
            str(directory.file.uuid),
            local.stat().st_size if local.exists() else None,
            trees,
            layout,
            len(events),
            columns,
            _sums_of_weights(directory, events, layout.note),
        )


def _leaves(form: Any, name: str = "", nesting: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Names and types of the columns of a form; the form, since coffea's vectors check their fields when sliced."""
    if form.is_record:
        fields = sorted(zip(form.fields, form.contents, strict=True), key=lambda field: field[0])
        return [
            leaf
            for field, content in fields
            for leaf in _leaves(content, f"{name}.{field}" if name else field, nesting)
        ]
    content = getattr(form, "content", None)
    if content is None or form.parameter("__array__") in ("string", "bytestring"):
        kind = "string" if form.parameter("__array__") else getattr(form, "primitive", type(form).__name__)
        return [(name, " * ".join((*nesting, str(kind))))]
    if form.is_regular:
        nesting = (*nesting, str(form.size))
    elif form.is_list:
        nesting = (*nesting, "var")
    elif form.is_option:
        nesting = (*nesting, "?")
    return _leaves(content, name, nesting)


def _sums_of_weights(directory: Any, events: ak.Array, note: TreeNote | None) -> dict[str, float]:
    """Look up the sums of weights that the file holds, by where they come from."""
    sums = {}
    if note is not None:
        sums[f"all {note.events:,} events that were skimmed"] = float(note.sum_weights.value)
        sums |= note.declared or {}
    runs = directory.get("Runs", {})
    for name in ("genEventSumw", "genEventSumw_"):  # with the underscore until NanoAOD v7
        if name in runs:
            sums[f"Runs.{name}"] = float(np.sum(runs[name].array(library="np")))
    if "EventHeader" in events.fields and "weight" in events.EventHeader.fields:
        sums["EventHeader.weight"] = float(ak.sum(events.EventHeader.weight))
    if "genWeight" in events.fields:
        sums["genWeight"] = float(ak.sum(events.genWeight))
    return sums

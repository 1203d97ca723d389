"""A file of a sample: what it is called, its two forms, and its writing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np

from samples.error import SampleError

if TYPE_CHECKING:
    from samples.stop4b.columns import Events

NAME = "stop4b"
# Part of every file's UUID: raise it whenever the same seed would give other events.
VERSION = 2
FLAT, OBJECTS = "flat", "objects"
FORMS = (FLAT, OBJECTS)
_CHUNK = 20_000  # stored events that are made into rows at once


def check_form(form: str) -> None:
    """Refuse a form that there is not.

    Raises
    ------
    SampleError
        If there is not.
    """
    if form not in FORMS:
        raise SampleError(f"form must be {' or '.join(FORMS)}, got {form!r}")


def identify(facts: dict[str, Any], *more: str) -> UUID:
    """UUID of the file that these facts make."""
    return uuid5(NAMESPACE_URL, "/".join(("hepcol", NAME, str(VERSION), json.dumps(facts, sort_keys=True), *more)))


def write(path: Path, uuid: UUID, events: "Events", note: dict[str, Any]) -> None:
    """Write events of ``note["sample"]`` in the form ``note["form"]``, and what the file says about itself."""
    from samples.stop4b.files import FlatWriter, create, write_note, write_objects
    from samples.stop4b.flat import make_rows

    with create(path, uuid) as file:
        if note["form"] == OBJECTS:
            write_objects(file, _chunks(events))
        else:
            writer = FlatWriter(file)
            for chunk in _chunks(events):
                for name, columns in make_rows(chunk, note["sample"]):
                    writer.extend(name, columns)
        write_note(file, note | {"kept": len(events)})


def _chunks(events: "Events") -> "Iterator[Events]":
    """Events in chunks, of which there is at least one: no events have columns too."""
    for start in range(0, max(len(events), 1), _CHUNK):
        yield events.take(np.arange(start, min(start + _CHUNK, len(events))))


def read_note_of_objects(path: str | Path) -> dict[str, Any]:
    """Read what a file of objects says about itself.

    Raises
    ------
    SampleError
        If it says that it is something else, or of another version.
    """
    from samples.stop4b.files import read_note

    note = read_note(path)
    if note.get("form") != OBJECTS:
        raise SampleError(f"{path}: its form is {note.get('form')!r}; expected {OBJECTS}")
    if note.get("sample_version") != VERSION:
        raise SampleError(f"{path}: its version is {note.get('sample_version')}; expected {VERSION}, make it again")
    return note

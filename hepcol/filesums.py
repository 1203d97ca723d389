"""Sums of weights that simulation is normalised to: of all events that files stand for, and not of what is left."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hepcol.ledger import FileRecord
from hepcol.skimnote import TreeNote

EVENTS, SKIM = "events", "skim"  # where a sum is from: processed events, the note of a skim
NO_SKIMS = "files that are no skims, among skims"  # whose events no sum of skims has
_RUNS = "Runs"
_NAMES = ("genEventSumw", "genEventSumw_")  # with the underscore until NanoAOD v7


def declared_by(directory: Any) -> dict[str, float]:
    """Read the sums of weights that an open file tells of the events that it was made of, by where it does."""
    runs = directory.get(_RUNS, {})
    return {
        f"{_RUNS}.{name}": math.fsum(np.asarray(runs[name].array(library="np"), dtype=np.float64))
        for name in _NAMES
        if name in runs
    }


def notes_of(found: Iterable[FileRecord]) -> dict[str, TreeNote]:
    """Join what the files of each dataset tell of the skim that they are of.

    Raises
    ------
    InputError
        If the same events are in two of them.
    """
    notes: dict[str, list[TreeNote]] = {}
    for file in found:
        if file.note is not None:
            notes.setdefault(file.dataset, []).append(TreeNote.of(file.note))
    return {name: TreeNote.total(those) for name, those in notes.items()}


def normalisation(
    dataset: str,
    files: Sequence[FileRecord],
    note: TreeNote | None,
    processed: tuple[int, float],
    is_complete: bool,
) -> dict[str, Any]:
    """Say what a dataset is normalised to, as JSON can hold it.

    Parameters
    ----------
    dataset : str
        Its name.
    files : sequence of FileRecord
        Its files.
    note : TreeNote, optional
        What these tell together of the skim that they are of, see :func:`notes_of`.
    processed : tuple of (int, float)
        Events that were processed, and the sum of their weights.
    is_complete : bool
        Whether all events of the files were.

    Returns
    -------
    dict
        ``sum_weights`` and ``events``; ``source``, where they are from; ``whole``, whether they are of what was
        processed, as a sum that files tell is not if they were read in part; ``lacks``, what was not processed then.
    """
    unread = [] if is_complete else [f"events of dataset '{dataset}' that were not processed"]
    unread += [
        f"{stored - entries:,} of {stored:,} entries of {file.path}"
        for file in files
        if (stored := file.stored or 0) > (entries := file.entries or 0)
    ]
    if note is not None:
        if any(file.note is None for file in files):
            unread.append(NO_SKIMS)
        lacks = [*note.lacking(), *unread]
        told = {"sum_weights": float(note.sum_weights.value), "events": note.events, "source": SKIM}
        if note.declared:
            told |= _declared(note.declared)
        return {**told, "weight": note.weighed_by, "whole": not lacks, "lacks": lacks}
    events, sum_weights = processed
    own = {"sum_weights": sum_weights, "events": events, "source": EVENTS}
    declared = [file.declared or {} for file in files]
    in_all = [name for name in declared[0] if all(name in one for one in declared)] if declared else []
    if not in_all:
        return {**own, "whole": True, "lacks": []}
    sums = _declared({name: math.fsum(one[name] for one in declared) for name in in_all})
    return {**own, **sums, "whole": not unread, "lacks": unread}


def _declared(sums: Mapping[str, float]) -> dict[str, Any]:
    name, value = next(iter(sums.items()))
    return {"sum_weights": value, "source": name}

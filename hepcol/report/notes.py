"""Notes for readers: the same one of many places is told once, with all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hepcol.inference.notes import Note

_PLACES = ("region", "sample", "systematic")


@dataclass(frozen=True)
class GroupedNote:
    """A note that is of all combinations of some systematics, samples and regions.

    Parameters
    ----------
    note : Note
        The note, without a place.
    region, sample, systematic : tuple of str
        Its places; an empty name where it has none.
    """

    note: Note
    region: tuple[str, ...]
    sample: tuple[str, ...]
    systematic: tuple[str, ...]

    def __str__(self) -> str:
        named = (", ".join(filter(None, names)) for names in (self.systematic, self.sample, self.region))
        where = " of ".join(filter(None, [next(named), " in ".join(filter(None, named))]))
        return f"{where}: {self.note.text}" if where else self.note.text


def group_notes(notes: Iterable[Note]) -> list[GroupedNote]:
    """Group notes, warnings first; where each was can still be told, as only full combinations are put together."""
    found = []
    for note in dict.fromkeys(notes):
        anywhere = replace(note, sample="", region="", systematic="")
        found.append(GroupedNote(anywhere, (note.region,), (note.sample,), (note.systematic,)))
    for place in _PLACES:
        found = _join(found, place)
    return sorted(found, key=lambda grouped: not grouped.note.is_warning)  # which keeps the order of others


def _join(notes: Sequence[GroupedNote], place: str) -> list[GroupedNote]:
    """Put together notes that differ in one place only."""
    groups: dict[GroupedNote, tuple[str, ...]] = {}
    for grouped in notes:
        key = _with(grouped, place, ())
        groups[key] = groups.get(key, ()) + getattr(grouped, place)
    return [_with(key, place, names) for key, names in groups.items()]


def _with(grouped: GroupedNote, place: str, names: tuple[str, ...]) -> GroupedNote:
    changes: dict[str, Any] = {place: names}
    return replace(grouped, **changes)

"""What a skimmed file tells of itself: which events it is made of, their sums of weights, and what its columns were."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Self

import numpy as np

from hepcol.errors import InputError
from hepcol.sums import ExactSum

KEY = "hepcol_skim"  # of the note, in a file
VERSION = 1


@dataclass(frozen=True)
class Source:
    """Entries of a file that was skimmed.

    Parameters
    ----------
    path, uuid : str
        The file.
    entries : int
        How many it has.
    start, stop : int
        Those that are accounted for, ``start`` up to ``stop``.
    """

    path: str
    uuid: str
    entries: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class TreeNote:
    """What a file tells of one of its trees.

    Parameters
    ----------
    dataset : str
        Dataset that was skimmed.
    format, version : str
        Format of its files, and the version of that.
    paths : mapping of str to str
        Columns that were called otherwise there, by what they are called here.
    counters : tuple of str
        Branches that are here alone: numbers of objects.
    types : mapping of str to str
        C++ types of the collections that it has columns of, as schemas of EDM4hep need them.
    links : mapping of str to str
        Likewise podio's types of collections.
    sources : tuple of Source
        Entries that it stands for, of files that are no skims.
    parts : tuple of Source
        Entries of the skims that it was made of, if it was.
    events : int
        Events that it stands for.
    sum_weights : ExactSum
        Sum of their weights, of those that were not kept, too.
    cutflow : mapping of str to int
        Events that passed each step.
    declared : mapping of str to float, optional
        Sums of weights that all of the files tell, by where they do; None if it stands for the beginning of no file.
    weighed_by : str
        What the weights are.
    made : str
        Hash of what made it, but for columns and files.
    """

    dataset: str
    format: str
    version: str
    paths: Mapping[str, str]
    counters: tuple[str, ...]
    types: Mapping[str, str]
    links: Mapping[str, str]
    sources: tuple[Source, ...]
    parts: tuple[Source, ...]
    events: int
    sum_weights: ExactSum
    cutflow: Mapping[str, int] = field(default_factory=dict)
    declared: Mapping[str, float] | None = None
    weighed_by: str = ""
    made: str = ""

    def __add__(self, other: "TreeNote") -> "TreeNote":
        """Join the notes of two parts of a tree, or of a dataset.

        Raises
        ------
        InputError
            If they were not made alike, or the same events are in both.
        """
        if (self.made, list(self.cutflow)) != (other.made, list(other.cutflow)):
            raise InputError(
                "skims that were made with other cuts, columns or weights do not add up: "
                f"{_told(self)} and {_told(other)}"
            )
        if self.sum_weights.bound != other.sum_weights.bound:
            raise InputError(
                f"skims with the bounds {self.sum_weights.bound:g} and {other.sum_weights.bound:g} on weights do not "
                "add up: make them with the same max_weight"
            )
        return replace(
            self,
            sources=joined([*self.sources, *other.sources]),
            parts=joined([*self.parts, *other.parts]),
            events=self.events + other.events,
            sum_weights=self.sum_weights + other.sum_weights,
            cutflow={step: passed + other.cutflow[step] for step, passed in self.cutflow.items()},
            declared=_in_both(self.declared, other.declared),
        )

    @classmethod
    def total(cls, notes: Sequence["TreeNote"]) -> "TreeNote":
        """Join many notes, whose entries are sorted once."""
        total = replace(notes[0], sources=(), parts=())
        for note in notes[1:]:
            total = total + replace(note, sources=(), parts=())
        return replace(
            total,
            sources=joined(source for note in notes for source in note.sources),
            parts=joined(part for note in notes for part in note.parts),
        )

    def lacking(self) -> list[str]:
        """Say which entries of files that it stands for in part are not there."""
        return [*lacking(self.sources), *lacking(self.parts)]

    def sums(self) -> dict[str, Any]:
        """Describe what it stands for, and not what its columns are."""
        told = self.told()
        return {name: told[name] for name in told if name not in ("paths", "counters", "types", "links")}

    def told(self) -> dict[str, Any]:
        """Describe it as JSON can hold it, to the last bit."""
        return {
            "dataset": self.dataset,
            "format": self.format,
            "version": self.version,
            "paths": dict(self.paths),
            "counters": list(self.counters),
            "types": dict(self.types),
            "links": dict(self.links),
            "sources": [vars(source) for source in self.sources],
            "parts": [vars(part) for part in self.parts],
            "events": self.events,
            "sum_weights": {
                "value": float(self.sum_weights.value),
                "bound": self.sum_weights.bound,
                "limbs": self.sum_weights.limbs.tolist(),
                "terms": self.sum_weights.terms,
            },
            "cutflow": dict(self.cutflow),
            "declared": None if self.declared is None else dict(self.declared),
            "weighed_by": self.weighed_by,
            "made": self.made,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Read it back."""
        weights = told["sum_weights"]
        return cls(
            told["dataset"],
            told["format"],
            told["version"],
            told.get("paths", {}),
            tuple(told.get("counters", ())),
            told.get("types", {}),
            told.get("links", {}),
            tuple(Source(**source) for source in told["sources"]),
            tuple(Source(**part) for part in told["parts"]),
            int(told["events"]),
            ExactSum(float(weights["bound"]), np.array(weights["limbs"], dtype=np.float64), int(weights["terms"])),
            dict(told["cutflow"]),
            None if told["declared"] is None else dict(told["declared"]),
            told["weighed_by"],
            told["made"],
        )


def _told(note: TreeNote) -> str:
    return f"{', '.join(note.cutflow)} (weight {note.weighed_by})"


def _in_both(first: Mapping[str, float] | None, second: Mapping[str, float] | None) -> Mapping[str, float] | None:
    """Add numbers that both have; what has none at all says nothing."""
    if first is None or second is None:
        return first if second is None else second
    return {name: first[name] + second[name] for name in first if name in second}


def joined(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Join neighbouring entries of the same file, which its UUID tells; files stay in the order in which they come.

    Raises
    ------
    InputError
        If an entry is there twice.
    """
    by_file: dict[str, list[Source]] = {}
    for source in sources:
        by_file.setdefault(source.uuid or source.path, []).append(source)
    made: list[Source] = []
    for those in by_file.values():
        those.sort(key=attrgetter("start", "stop"))
        last = those[0]
        for source in those[1:]:
            if source.start < last.stop or (source.start, source.stop) == (last.start, last.stop):
                stop = min(last.stop, source.stop)
                raise InputError(
                    f"entries {source.start} to {stop} of {source.path} are in two skims: they would count twice"
                )
            if source.start > last.stop:
                made.append(last)
                last = source
            else:
                last = replace(last, stop=max(last.stop, source.stop))
        made.append(last)
    return tuple(made)


def lacking(sources: Iterable[Source]) -> list[str]:
    """Say which entries of the files are in none of the skims that are there."""
    there: dict[str, int] = {}
    files: dict[str, Source] = {}
    for source in sources:
        key = source.uuid or source.path
        there[key] = there.get(key, 0) + source.stop - source.start
        files.setdefault(key, source)
    return [
        f"{file.entries - there[key]:,} of {file.entries:,} entries of {file.path}"
        for key, file in files.items()
        if there[key] < file.entries
    ]


def to_text(trees: Mapping[str, TreeNote]) -> str:
    """Write the notes of the trees of a file."""
    told = {name: note.told() for name, note in trees.items()}
    return json.dumps({"format": KEY, "version": VERSION, "trees": told}, allow_nan=False)


def read_text(text: str | bytes, path: str) -> dict[str, TreeNote]:
    """Read the notes of the trees of a file.

    Raises
    ------
    InputError
        If they are damaged, or of another version.
    """
    try:
        told = json.loads(text)
        if told["version"] == VERSION:
            return {name: TreeNote.of(note) for name, note in told["trees"].items()}
        reason = f"written in version {told['version']} of the format, this hepcol reads {VERSION}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"damaged: {type(error).__name__}: {error}"
    raise InputError(f"{path}: its note on skimming ({KEY}) is {reason}")


def read_note(directory: Any, tree: str) -> TreeNote | None:
    """Read what an open ROOT file tells of a tree; None if it is no skim.

    Raises
    ------
    InputError
        If the note is damaged, or does not tell of the tree.
    """
    if KEY not in directory:
        return None
    path = directory.file.file_path
    notes = read_text(str(directory[KEY]), path)
    if tree not in notes:
        raise InputError(f"{path}: is a skim of {', '.join(notes)}; its note does not tell of tree '{tree}'")
    return notes[tree]

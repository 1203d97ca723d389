"""What a skimmed file tells of itself: which events it is made of, their sums of weights, and what its columns were."""

import json
from collections.abc import Iterable, Mapping
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
        Entries that were looked at.
    events : int
        How many that were.
    sum_weights : ExactSum
        Sum of their weights, of those that were not kept, too.
    cutflow : mapping of str to int
        Events that passed each step.
    declared : mapping of str to float
        Sums of weights that the files themselves tell, by where they do.
    is_whole : bool
        Whether all that it stands for was there, where it was made of skims.
    made : str
        Hash of what made it: processor, options, versions.
    """

    dataset: str
    format: str
    version: str
    paths: Mapping[str, str]
    counters: tuple[str, ...]
    types: Mapping[str, str]
    links: Mapping[str, str]
    sources: tuple[Source, ...]
    events: int
    sum_weights: ExactSum
    cutflow: Mapping[str, int] = field(default_factory=dict)
    declared: Mapping[str, float] = field(default_factory=dict)
    is_whole: bool = True
    made: str = ""

    def __add__(self, other: "TreeNote") -> "TreeNote":
        """Join the notes of two parts of a tree, or of a dataset."""
        if list(self.cutflow) != list(other.cutflow):
            raise InputError(
                f"skims with different cuts do not add up: {', '.join(self.cutflow)} and {', '.join(other.cutflow)}"
            )
        return replace(
            self,
            sources=joined([*self.sources, *other.sources]),
            events=self.events + other.events,
            sum_weights=self.sum_weights + other.sum_weights,
            cutflow={step: passed + other.cutflow[step] for step, passed in self.cutflow.items()},
            declared=summed(self.declared, other.declared),
            is_whole=self.is_whole and other.is_whole,
        )

    def without_sources(self) -> Self:
        """Return it without its sources, which many notes have to be joined at once of."""
        return replace(self, sources=())

    def with_sources(self, sources: tuple[Source, ...]) -> Self:
        """Return it with other sources."""
        return replace(self, sources=sources)

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
            "events": self.events,
            "sum_weights": {
                "value": float(self.sum_weights.value),
                "bound": self.sum_weights.bound,
                "limbs": self.sum_weights.limbs.tolist(),
                "terms": self.sum_weights.terms,
            },
            "cutflow": dict(self.cutflow),
            "declared": dict(self.declared),
            "is_whole": self.is_whole,
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
            dict(told["paths"]),
            tuple(told["counters"]),
            dict(told["types"]),
            dict(told["links"]),
            tuple(Source(**source) for source in told["sources"]),
            int(told["events"]),
            ExactSum(float(weights["bound"]), np.array(weights["limbs"], dtype=np.float64), int(weights["terms"])),
            dict(told["cutflow"]),
            dict(told["declared"]),
            bool(told["is_whole"]),
            told["made"],
        )


def summed(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """Add numbers by their names."""
    return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in dict.fromkeys([*first, *second])}


def joined(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Join neighbouring entries of the same file; files stay in the order in which they come.

    Raises
    ------
    InputError
        If an entry is there twice.
    """
    by_file: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        by_file.setdefault((source.path, source.uuid), []).append(source)
    made: list[Source] = []
    for those in by_file.values():
        those.sort(key=attrgetter("start", "stop"))
        last = those[0]
        for source in those[1:]:
            if source.start < last.stop and source.start < source.stop:
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
    by_file: dict[tuple[str, str, int], int] = {}
    for source in sources:
        key = (source.path, source.uuid, source.entries)
        by_file[key] = by_file.get(key, 0) + source.stop - source.start
    return [
        f"{entries - there:,} of {entries:,} entries of {path}"
        for (path, _, entries), there in by_file.items()
        if there < entries
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

"""Columns that are going to be read: asked for before they are touched, all of a chunk at once.

NanoEvents read a branch when it is touched, which is one request for each. Which branches a processor touches is
what it declares, and what it was seen to touch in the chunks before, in this process.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any
from urllib.parse import unquote

import numpy as np

from hepcol.schemas import Columns
from hepcol.storage.source import RemoteSource

Key = tuple[bytes, str]

MOST_BYTES = 256 * 1024**2  # of a chunk; what is beyond is read as it is touched
_MOST = 100  # processors, with the trees that they read, of which is kept what they touch
_touched: dict[Key, frozenset[str]] = {}


@dataclass(frozen=True)
class _Branch:
    """Where a branch is in its file: first entry and one past the last, and bytes, of every basket."""

    name: str
    entry_starts: np.ndarray[Any, Any]
    entry_stops: np.ndarray[Any, Any]
    starts: np.ndarray[Any, Any]
    stops: np.ndarray[Any, Any]

    def ranges(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Ranges of bytes of the baskets that have some of the entries."""
        first = int(np.searchsorted(self.entry_stops, start, side="right"))
        last = int(np.searchsorted(self.entry_starts, stop, side="left"))
        yield from zip(self.starts[first:last].tolist(), self.stops[first:last].tolist(), strict=True)


@dataclass(frozen=True)
class _Table:
    """The branches of a tree, by their names."""

    branches: Mapping[str, _Branch]

    @cached_property
    def owners(self) -> dict[int, str]:
        """Names of branches by where each of their baskets begins."""
        return {start: branch.name for branch in self.branches.values() for start in branch.starts.tolist()}


def begin(source: Any, tree: Any, key: Key, columns: Columns, events: Any, start: int, stop: int) -> None:
    """Ask for what a processor is going to read of the entries from ``start`` up to ``stop``.

    Parameters
    ----------
    source : uproot.source.chunk.Source
        The file; one that is not on a server is left alone.
    tree : uproot.TTree
        The tree.
    key : tuple of bytes and str
        Which processor, and which tree.
    columns : tuple
        Columns that it declares.
    events : ak.Array
        Its NanoEvents.
    start, stop : int
        Entries.
    """
    table = _table(source, tree)
    if table is None:
        return
    source.asked.clear()
    names = _touched.get(key) or _branches_of(events.attrs["@form"], columns)
    source.prefetch(_as_many(_ranges(table, names, start, stop)))


def end(source: Any, tree: Any, key: Key, stop: int) -> None:
    """Learn what a processor has read of a chunk, and keep what it shares with the one that begins at ``stop``."""
    table = _table(source, tree)
    if table is None:
        return
    seen = {table.owners[start] for start, _ in source.asked if start in table.owners}
    source.asked.clear()
    _touched[key] = _touched.pop(key, frozenset()) | seen  # the latest last
    while len(_touched) > _MOST:
        del _touched[next(iter(_touched))]
    source.keep_only(_ranges(table, _touched[key], stop, stop + 1))


def _table(source: Any, tree: Any) -> _Table | None:
    """Return what is known of the branches of a tree in a file on a server; None of an RNTuple, which has pages."""
    from uproot.behaviors.TBranch import HasBranches

    if not isinstance(source, RemoteSource) or not isinstance(tree, HasBranches):
        return None
    name = tree.object_path
    if name not in source.tables:
        branches = [found for path, branch in tree.iteritems(recursive=True) if (found := _branch(path, branch))]
        source.tables[name] = _Table({branch.name: branch for branch in branches})
    return source.tables[name]


def _branch(name: str, branch: Any) -> _Branch | None:
    """Find where a branch is; None if it has nothing of its own in the file but in the tree."""
    number = int(branch.member("fWriteBasket"))  # the last is not written yet, and stays in the tree
    if number < 1:
        return None
    starts = np.asarray(branch.member("fBasketSeek")[:number], dtype=np.int64)
    sizes = np.asarray(branch.member("fBasketBytes")[:number], dtype=np.int64)
    entries = np.asarray(branch.member("fBasketEntry")[: number + 1], dtype=np.int64)
    if len(entries) <= number:
        entries = np.append(entries, int(branch.member("fEntries")))
    written = (starts > 0) & (sizes > 0)
    return _Branch(name, entries[:-1][written], entries[1:][written], starts[written], (starts + sizes)[written])


def _ranges(table: _Table, names: Iterable[str], start: int, stop: int) -> list[tuple[int, int]]:
    """Ranges of bytes of the baskets of branches that have some of the entries."""
    return [one for name in sorted(names) if name in table.branches for one in table.branches[name].ranges(start, stop)]


def _as_many(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return as many ranges as may be held at a time."""
    sizes = accumulate(stop - start for start, stop in ranges)
    return [one for one, size in zip(ranges, sizes, strict=True) if size <= MOST_BYTES]


def _branches_of(form: Mapping[str, Any], columns: Columns) -> set[str]:
    """Names of the branches that columns of events are made of, as their form tells."""
    names = [name for one in columns for name in ((one,) if isinstance(one, str) else one)]
    return {branch for name in names for key in _keys(form, name.split(".")) for branch in _loaded(key)}


def _keys(form: Any, path: list[str]) -> Iterator[str]:
    """Keys of what has to be read of a form for what is at a path in it: on the way there only offsets."""
    if not isinstance(form, dict):
        return
    is_record = form.get("class") == "RecordArray"
    if form.get("form_key") and not is_record:
        yield form["form_key"]
    if is_record:
        contents = dict(zip(form["fields"], form["contents"], strict=True))
        for name in path[:1] if path else contents:
            yield from _keys(contents.get(name), path[1:])
    else:
        yield from _keys(form.get("content"), path)


def _loaded(key: str) -> Iterator[str]:
    """Names of branches in the key of a form: each comes before the word for loading it."""
    for name, word in pairwise(unquote(key).split(",")):
        if word == "!load":
            yield name


def forget() -> None:
    """Forget what processors have touched."""
    _touched.clear()

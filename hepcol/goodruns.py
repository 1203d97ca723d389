"""Lists of good runs: which luminosity blocks of which runs may be used, and the luminosity that they leave."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.luminositytable import read_luminosity
from hepcol.runnumbers import MAX_BLOCK, MAX_RUN, read_number

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Range = tuple[int, int, int]  # run, first and last block

# Elements of ATLAS's lists, by the one that they are in; others, such as a misspelt one, would be lost in silence
_ROOT, _NAMED, _COLLECTION, _RUN, _RANGE = (
    "LumiRangeCollection",
    "NamedLumiRange",
    "LumiBlockCollection",
    "Run",
    "LBRange",
)
_EXAMPLE = '<LBRange Start="1" End="9"/>'
_ELEMENTS = {_ROOT: (_NAMED,), _NAMED: ("Name", "Version", "Metadata", _COLLECTION), _COLLECTION: (_RUN, _RANGE)}


@dataclass(frozen=True, eq=False)
class GoodRuns:
    """Good luminosity blocks.

    Parameters
    ----------
    ranges : tuple of (int, int, int)
        Run, first and last block, both of them good, in any order.
    named : int
        Named ranges of a list in XML that were joined.

    They are kept sorted and merged: no two overlap or touch.
    """

    ranges: tuple[Range, ...]
    named: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranges", tuple(_merged(self.ranges)))

    @cached_property
    def _columns(self) -> Integers:
        return np.array(self.ranges, dtype=np.int64).reshape(-1, 3).T

    @property
    def runs(self) -> Integers:
        """Run of each range."""
        return self._columns[0]

    @property
    def first(self) -> Integers:
        """First block of each range."""
        return self._columns[1]

    @property
    def last(self) -> Integers:
        """Last block of each range."""
        return self._columns[2]

    @cached_property
    def _keys(self) -> tuple[Integers, Integers]:
        """Run and block as one number, of the first and the last block of each range."""
        return _key(self.runs, self.first), _key(self.runs, self.last)

    @property
    def blocks(self) -> int:
        """Number of good blocks."""
        return int((self.last - self.first + 1).sum())

    @property
    def is_open(self) -> bool:
        """Whether a range goes on to the end of its run, so that its blocks cannot be counted."""
        return bool((self.last == MAX_BLOCK).any())

    @property
    def number_of_runs(self) -> int:
        """Number of runs."""
        return len(np.unique(self.runs))

    @property
    def digest(self) -> str:
        """Hash of what is good, whatever file it is from."""
        return hashlib.sha256(repr(self.ranges).encode()).hexdigest()[:16]

    def mask(self, run: npt.ArrayLike, luminosity_block: npt.ArrayLike) -> Booleans:
        """Whether events are good.

        Parameters
        ----------
        run, luminosity_block : int[events]
            Run and luminosity block of each event.

        Returns
        -------
        bool[events]

        Raises
        ------
        InputError
            If they are not whole numbers: NaN would be taken for some run.
        """
        runs, blocks = _whole("run", run), _whole("luminosity_block", luminosity_block)
        if not self.ranges:
            return np.zeros(np.broadcast_shapes(runs.shape, blocks.shape), dtype=np.bool_)
        starts, ends = self._keys
        key = _key(runs, blocks)
        # the last range that begins at the block or before is the only one that may hold it
        found = np.searchsorted(starts, key, side="right") - 1
        inside: Booleans = (found >= 0) & (key <= ends[found])
        return inside & (blocks >= 0) & (blocks <= MAX_BLOCK) & (runs <= MAX_RUN)


def _whole(what: str, given: npt.ArrayLike) -> Integers:
    """Return whole numbers, and refuse others."""
    array = np.asarray(given)
    if array.dtype.kind not in "iu" and array.size:
        raise InputError(f"{what}: expected whole numbers, got {array.dtype} such as {array.flat[0]}")
    return array.astype(np.int64, copy=False)


def _key(runs: Integers, blocks: Integers) -> Integers:
    return (runs << 32) + blocks


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    """Sort ranges and join those that overlap or touch."""
    waiting: Range | None = None
    for run, first, last in sorted(ranges):
        if waiting is not None and waiting[0] == run and first <= waiting[2] + 1:
            waiting = (run, waiting[1], max(last, waiting[2]))
            continue
        if waiting is not None:
            yield waiting
        waiting = (run, first, last)
    if waiting is not None:
        yield waiting


def read_good_runs(path: str | Path) -> GoodRuns:
    """Read a list of good runs: ATLAS's in XML (``LumiRangeCollection``), or CMS's in JSON.

    Raises
    ------
    InputError
        If it cannot be read or understood; it names the file, the run and the value.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text: {error}") from error
    if text.lstrip().startswith("<"):
        root = _parsed(path, text)
        good = GoodRuns(tuple(_from_xml(path, root)), len(root))
    else:
        good = GoodRuns(tuple(_from_json(path, text)))
    if not good.ranges:
        raise InputError(f"{path}: has no good run in it")
    return good


def _parsed(path: str | Path, text: str) -> ElementTree.Element:
    """Parse ATLAS's XML, and refuse elements that are not of it."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: not XML: {error}") from error
    if root.tag != _ROOT:
        raise InputError(f"{path}: expected a {_ROOT}, got {root.tag}")
    for element in root.iter():
        for inner in element:
            accepted = _ELEMENTS.get(element.tag, ())
            if inner.tag not in accepted:
                raise InputError(
                    f"{path}: {element.tag} has an element {inner.tag}; accepted: {', '.join(accepted) or 'none'}"
                )
    return root


def _from_xml(path: str | Path, root: ElementTree.Element) -> Iterator[Range]:
    """Read the ranges of all collections of ATLAS's XML."""
    for collection in root.iter(_COLLECTION):
        runs = collection.findall(_RUN)
        if len(runs) != 1:
            raise InputError(f"{path}: a LumiBlockCollection has {len(runs)} elements Run; expected one")
        run = read_number(runs[0].text, f"{path}: Run", MAX_RUN)
        blocks = collection.findall(_RANGE)
        if not blocks:
            raise InputError(f"{path}: run {run} has no {_RANGE}; expected one or more, such as {_EXAMPLE}")
        for block in blocks:
            where = f"{path}: run {run}: LBRange"
            first, last = (read_number(block.get(name), f"{where} {name}", MAX_BLOCK) for name in ("Start", "End"))
            yield _checked(f"{path}: run {run}", run, first, last)


def _from_json(path: str | Path, text: str) -> Iterator[Range]:
    """Read the ranges of CMS's JSON."""
    try:
        # as pairs: of a run that is there twice the last would count in silence
        content = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    except ValueError as error:  # also of a number with thousands of digits
        raise InputError(f"{path}: neither XML nor JSON: {error}") from error
    if not isinstance(content, list) or not all(isinstance(one, tuple) for one in content):
        raise InputError(f'{path}: expected {{"run": [[first, last], ...]}}, got {text.strip()[:20]!r}')
    for name, ranges in content:
        run = read_number(name, f"{path}: run", MAX_RUN)
        if not isinstance(ranges, list):
            raise InputError(f"{path}: run {run}: expected [[first, last], ...], got {ranges!r}")
        for one in ranges:
            # numbers of JSON are whole, and no truth values
            if not (isinstance(one, list) and len(one) == 2 and all(type(end) is int for end in one)):  # noqa: PLR2004
                raise InputError(f"{path}: run {run}: expected [first, last], two whole numbers, got {one!r}")
            yield _checked(f"{path}: run {run}", run, *one)


def _checked(where: str, run: int, first: int, last: int) -> Range:
    """Check a range."""
    if not 0 <= first <= last <= MAX_BLOCK:
        raise InputError(f"{where}: blocks {first} to {last}: expected first <= last, both from 0 to {MAX_BLOCK}")
    return run, first, last


@dataclass(frozen=True, eq=False)
class Luminosity:
    """What a list of good runs leaves of the luminosity in a table.

    Parameters
    ----------
    by_run : mapping of int to float
        By run of the list, the luminosity of its good blocks [pb^-1].
    table : float
        Luminosity of all blocks in the table [pb^-1].
    missing : tuple of (int, int, int)
        Run, first and last block of what is good and has no luminosity in the table.
    column : str
        Column of the table that it is of.
    """

    by_run: Mapping[int, float]
    table: float
    missing: tuple[Range, ...]
    column: str

    @property
    def total(self) -> float:
        """Luminosity of all good blocks [pb^-1]."""
        return math.fsum(self.by_run.values())


def luminosity_of(good: GoodRuns, path: str | Path) -> Luminosity:
    """Add up the luminosity of good blocks.

    Parameters
    ----------
    good : GoodRuns
        The list.
    path : str or Path
        Table of luminosity by run and block, see :func:`hepcol.luminositytable.read_luminosity`.

    Raises
    ------
    InputError
        If the table cannot be read or understood.
    """
    table = read_luminosity(path)
    key = _key(table.runs, table.blocks)
    inside = good.mask(table.runs, table.blocks)
    luminosity = {int(run): 0.0 for run in good.runs} | table.sum_by_run(inside)
    return Luminosity(luminosity, table.total, tuple(_gaps(good, np.sort(key[inside]))), table.column)


def _gaps(good: GoodRuns, keys: Integers) -> Iterator[Range]:
    """Return what is good and not among some sorted keys; ranges may be as long as they like."""
    for run, first, last in good.ranges:
        low, high = np.searchsorted(keys, [(run << 32) + first, (run << 32) + last + 1])
        there = keys[low:high] - (run << 32)
        if last == MAX_BLOCK and len(there):  # a range that is open ends with the run
            last = there[-1]  # noqa: PLW2901
        ends = np.concatenate([[first - 1], there, [last + 1]])
        for before, after in pairwise(ends):
            if after - before > 1:
                yield run, int(before) + 1, int(after) - 1


def by_run(ranges: Iterable[Range]) -> dict[int, str]:
    """Write ranges by run: ``1-20, 25, 30-end``."""
    found: dict[int, list[str]] = {}
    for run, first, last in ranges:
        end = "end" if last == MAX_BLOCK else str(last)
        found.setdefault(run, []).append(str(first) if first == last else f"{first}-{end}")
    return {run: ", ".join(texts) for run, texts in found.items()}

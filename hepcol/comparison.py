"""Two results: histogram by histogram, and number by number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from hepcol import store
from hepcol.chunkfiles import Index, indexes
from hepcol.errors import InputError
from hepcol.histogram_files import Name, read_zip
from hepcol.skimfolder import is_skim, read_index

_LONGEST = 80  # of an axis, in characters
_OF_SKIMS = (("normalisation", "source"), ("normalisation", "lacks"))
_SHOWN = 3  # differing numbers


@dataclass(frozen=True)
class Difference:
    """What two results say of one histogram, or of what their summaries count.

    Parameters
    ----------
    name : tuple of str
        Name of the histogram, the dataset first; or of what was counted.
    equal : bool
        Whether it is the same in both, bit for bit.
    text : str
        What differs.
    """

    name: Name
    equal: bool
    text: str


def compare(first: str | Path, second: str | Path) -> list[Difference]:
    """Compare two results: their histograms, and of folders their events, cutflows, sums of weights and values.

    Parameters
    ----------
    first, second : str or Path
        Output folders of runs, or ``histograms.zip`` of one.

    Returns
    -------
    list of Difference
        One for each histogram of either, and one for each part of the summaries.

    Raises
    ------
    InputError
        If there are no histograms.
    """
    (ours, told), (theirs, told_too) = _read(first), _read(second)
    found = []
    if told is not None and told_too is not None:
        found = _compare_numbers(told, told_too)
        for compare_more in (_compare_files, _compare_samples, _compare_skims):
            found += compare_more(Path(first), Path(second))
    for name in sorted({*ours, *theirs}):
        if name not in ours or name not in theirs:
            found.append(Difference(name, False, f"only in {second if name in theirs else first}"))
            continue
        text = _difference(ours[name], theirs[name])
        found.append(Difference(name, not text, text or "equal"))
    return found


def _read(path: str | Path) -> tuple[dict[Name, hist.Hist], dict[str, Any] | None]:
    """Read the histograms and the summary of a folder, or the histograms of an archive."""
    if Path(path).is_dir():
        return store.read(path)
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file or folder; expected the output folder of a run, or a histograms.zip")
    return read_zip(Path(path)), None


def _compare_numbers(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[Difference]:
    """Compare what two summaries count: events, and of each dataset its cutflow, tallies and sum of weights."""
    found = []
    for part in ("events", "datasets", "values"):
        one, other = (_counted(summary.get(part) or {}) for summary in (ours, theirs))
        if one or other:
            found.append(_difference_of_numbers((part,), one, other))
    return found


def _counted(part: Mapping[str, Any]) -> dict[Name, Any]:
    """Return the numbers of a part of a summary, but not where they are from, as a skim has those of its files."""
    return {name: number for name, number in _numbers(part) if name[1:3] not in _OF_SKIMS and "skim" not in name[1:2]}


def _difference_of_numbers(what: Name, one: Mapping[Name, Any], other: Mapping[Name, Any]) -> Difference:
    """Compare numbers by their names."""
    differing = [
        f"{'/'.join(name)} {one.get(name, 'missing')} and {other.get(name, 'missing')}"
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]
    more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return Difference(what, not differing, "; ".join(differing[:_SHOWN]) + more or "equal")


def _compare_files(first: Path, second: Path) -> Iterator[Difference]:
    """Compare files of chunks: what is in them, by dataset; and their bytes, where both have the same entries."""
    ours, theirs = indexes(first), indexes(second)
    for kind in sorted({*ours, *theirs}):
        if kind not in ours or kind not in theirs:
            yield Difference(("files", kind), False, f"only in {first if kind in ours else second}")
            continue
        counts, others = (
            dict(_numbers({name: totals.counts for name, totals in index[kind].datasets.items()}))
            for index in (ours, theirs)
        )
        yield _difference_of_numbers(("files", kind), counts, others)
        digests, other_digests = (_digests(index[kind]) for index in (ours, theirs))
        both = [key for key in digests if key in other_digests]
        differing = [key for key in both if digests[key] != other_digests[key]]
        if both:
            text = f"{len(differing)} of {len(both)} of the same entries differ" if differing else "equal"
            more = "".join(f"; first {dataset}, {start} to {stop}" for dataset, _, start, stop, _ in differing[:1])
            yield Difference(("files", kind, "content"), not differing, text + more)


def _digests(index: Index) -> dict[tuple[str, str, int, int, str], list[str]]:
    """Hashes of files by dataset, source and entries; of copies, which have one UUID, there are several."""
    found: dict[tuple[str, str, int, int, str], list[str]] = {}
    for file in index.files:
        found.setdefault((file.dataset, file.uuid, file.start, file.stop, file.suffix), []).append(file.sha256)
    return {key: sorted(digests) for key, digests in found.items()}


def _compare_skims(first: Path, second: Path) -> Iterator[Difference]:
    """Compare the files of skims by their hashes: equal skims have equal files, whatever the chunks were."""
    ours, theirs = (
        {file["path"]: file["sha256"] for file in read_index(path)["files"]} if is_skim(path) else {}
        for path in (first, second)
    )
    if ours or theirs:
        differing = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        text = (
            f"{len(differing)} of {len({**ours, **theirs})} files differ; first {differing[0]}"
            if differing
            else "equal"
        )
        yield Difference(("skim",), not differing, text)


def _compare_samples(first: Path, second: Path) -> Iterator[Difference]:
    """Compare samples of rows."""
    ours, theirs = (
        {(dataset, name): sample for dataset, part in store.read_samples(path).items() for name, sample in part.items()}
        for path in (first, second)
    )
    for name in sorted({*ours, *theirs}):
        if name not in ours or name not in theirs:
            yield Difference(("samples", *name), False, f"only in {first if name in ours else second}")
            continue
        equal = ours[name].equals(theirs[name])
        yield Difference(("samples", *name), equal, "equal" if equal else "other rows")


def not_compared(first: str | Path, second: str | Path) -> list[str]:
    """Name what is in two folders' results and in none of their files, such as columns."""
    told = [store.read_summary(path) for path in (first, second) if Path(path).is_dir()]
    return sorted({f"{name} ({kind})" for summary in told for name, kind in summary.get("not_written", {}).items()})


def _numbers(told: Mapping[str, Any], name: Name = ()) -> Iterator[tuple[Name, Any]]:
    """Return numbers in nested mappings by their names."""
    for key, value in told.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, (*name, key))
        else:
            yield (*name, key), value


def _difference(ours: hist.Hist, theirs: hist.Hist) -> str:
    """Say what differs between two histograms; nothing if nothing does."""
    if ours.axes != theirs.axes:
        return f"other axes: {_other_axes(ours, theirs)}"
    if ours.storage_type is not theirs.storage_type:
        return f"other storage: {ours.storage_type.__name__} and {theirs.storage_type.__name__}"
    differing = _bits(ours) != _bits(theirs)
    if not differing.any():
        return ""
    text = f"{int(differing.sum())} of {differing.size} bins differ"
    values, others = (_flat(h.values(flow=True))[differing] for h in (ours, theirs))
    if np.array_equal(values, others, equal_nan=True) and ours.storage_type is not hist.storage.Double:
        text += ", in variances"
        values, others = (_flat(h.variances(flow=True))[differing] for h in (ours, theirs))
    are_numbers = np.isfinite(values) & np.isfinite(others)
    if are_numbers.any():
        largest = float(np.max(np.abs(values - others)[are_numbers]))
        at = float(np.max(np.abs(values)[are_numbers]))
        text += f", by at most {largest:.3g}" + (f", {largest / at:.2g} of the largest there" if at else "")
    return text if are_numbers.all() else f"{text}; {int((~are_numbers).sum())} are not finite"


def _bits(histogram: hist.Hist) -> npt.NDArray[np.void]:
    """Return what is in each bin, to be compared bit for bit: NaN equals itself then, and -0 is not 0."""
    view = np.ascontiguousarray(histogram.view(flow=True))
    bits: npt.NDArray[np.void] = view.view(np.dtype((np.void, view.dtype.itemsize))).reshape(-1)
    return bits


def _flat(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _other_axes(ours: hist.Hist, theirs: hist.Hist) -> str:
    """Name the first axes that differ."""
    if ours.ndim != theirs.ndim:
        return f"{ours.ndim} and {theirs.ndim} of them"
    return next(f"{_axis(a)} and {_axis(b)}" for a, b in zip(ours.axes, theirs.axes, strict=True) if a != b)


def _axis(axis: hist.axis.AxisProtocol) -> str:
    """Name an axis by all that it is, unless that is long."""
    text = " ".join(repr(axis).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..., of {axis.size} bins"

"""Two results, histogram by histogram."""

from dataclasses import dataclass
from pathlib import Path

import hist
import numpy as np

from hepcol import store
from hepcol.errors import InputError
from hepcol.histogram_files import Name, read_zip


@dataclass(frozen=True)
class Difference:
    """What two results say of one histogram.

    Parameters
    ----------
    name : tuple of str
        Name of the histogram, the dataset first.
    equal : bool
        Whether it is the same in both, bit for bit.
    text : str
        What differs.
    """

    name: Name
    equal: bool
    text: str


def compare(first: str | Path, second: str | Path) -> list[Difference]:
    """Compare the histograms of two results.

    Parameters
    ----------
    first, second : str or Path
        Output folders of runs, or ``histograms.zip`` of one.

    Returns
    -------
    list of Difference
        One for each histogram of either.

    Raises
    ------
    InputError
        If there are no histograms.
    """
    ours, theirs = _read(first), _read(second)
    found = []
    for name in sorted({*ours, *theirs}):
        if name not in ours or name not in theirs:
            found.append(Difference(name, False, f"only in {second if name in theirs else first}"))
            continue
        text = _difference(ours[name], theirs[name])
        found.append(Difference(name, not text, text or "equal"))
    return found


def _read(path: str | Path) -> dict[Name, hist.Hist]:
    """Read the histograms of a folder or of an archive."""
    if Path(path).is_dir():
        return store.read(path)[0]
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file or folder; expected the output folder of a run, or a histograms.zip")
    return read_zip(Path(path))


def _difference(ours: hist.Hist, theirs: hist.Hist) -> str:
    """Say what differs between two histograms; nothing if nothing does."""
    if ours.axes != theirs.axes:
        return f"other axes: {_axes(ours)} and {_axes(theirs)}"
    if ours.storage_type is not theirs.storage_type:
        return f"other storage: {ours.storage_type.__name__} and {theirs.storage_type.__name__}"
    mine, other = np.asarray(ours.view(flow=True)), np.asarray(theirs.view(flow=True))
    if mine.tobytes() == other.tobytes():
        return ""
    values, others = (np.asarray(h.values(flow=True), dtype=np.float64) for h in (ours, theirs))
    differing = mine != other
    largest = float(np.max(np.abs(values - others)[differing], initial=0.0))
    at = float(np.max(np.abs(values)[differing], initial=0.0))
    relative = f", {largest / at:.2g} of the largest there" if at else ""
    return f"{int(differing.sum())} of {differing.size} bins differ, by at most {largest:.3g}{relative}"


def _axes(histogram: hist.Hist) -> str:
    return ", ".join(f"{axis.name or 'axis'} ({axis.size})" for axis in histogram.axes)

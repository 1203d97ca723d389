"""Templates: expected events per bin with their variances, and what is done to them and to their systematics.

Nothing is done in silence: what had to be changed leaves a :class:`hepcol.inference.notes.Note`, in the template.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import hist
import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.inference.notes import Note

FLOOR = 1e-4  # events of a bin where there are none or less, which a likelihood cannot have

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Ratios = tuple[float, float]  # events with a systematic high and low, relative to the nominal ones


@dataclass(frozen=True, eq=False)
class Template:
    """Expected events of each bin.

    Parameters
    ----------
    contents : float64[bins]
        Events.
    variances : float64[bins]
        Squares of their statistical errors.
    entries : int64[bins], optional
        Simulated events behind them, each counted once; None if that is not known.
    notes : tuple of Note
        What was done to it.
    """

    contents: Floats
    variances: Floats
    entries: Integers | None = None
    notes: tuple[Note, ...] = ()

    @classmethod
    def from_hist(cls, histogram: hist.Hist) -> Self:
        """Take a histogram of one axis; what lies beyond its ends is added to the bins there, with its variance.

        Parameters
        ----------
        histogram : hist.Hist
            Of weights, or of counts, whose variances are themselves.

        Raises
        ------
        InputError
            If it has other axes, or other contents.
        """
        weighted = histogram.storage_type is hist.storage.Weight
        if not (weighted or histogram.storage_type is hist.storage.Int64):
            raise InputError(f"a template is made of weights or counts, got {histogram.storage_type.__name__}")
        contents = _folded(histogram, histogram.values(flow=True))
        variances = _folded(histogram, histogram.variances(flow=True)) if weighted else contents
        return cls(contents, variances)

    @classmethod
    def of_one_bin(cls, content: float, variance: float, entries: int | None = None) -> Self:
        """Make the template of a region where events are only counted."""
        counts = None if entries is None else np.array([entries], dtype=np.int64)
        return cls(np.array([content], dtype=np.float64), np.array([variance], dtype=np.float64), counts)

    @property
    def total(self) -> float:
        """Events in all bins."""
        return math.fsum(self.contents)

    @property
    def variance(self) -> float:
        """Square of the statistical error of ``total``."""
        return math.fsum(self.variances)

    @property
    def error(self) -> float:
        """Statistical error of ``total``."""
        return math.sqrt(self.variance)

    def scaled(self, factor: float) -> "Template":
        """Multiply the events by a factor without an error; entries stay."""
        return replace(self, contents=self.contents * factor, variances=self.variances * factor**2)

    def varied(self, ratio: float) -> "Template":
        """Multiply the nominal events by the ratio of a systematic, which tells no statistical error: it is 0."""
        return replace(self, contents=self.contents * ratio, variances=np.zeros_like(self.variances), notes=())


def sum_templates(templates: Iterable[Template]) -> Template:
    """Add some templates, at least one, bin by bin; the order does not matter, not even to the last bit.

    Entries are known if all are.
    """
    parts = tuple(templates)
    counts = [part.entries for part in parts if part.entries is not None]
    return Template(
        exact_sum([part.contents for part in parts]),
        exact_sum([part.variances for part in parts]),
        np.sum(counts, axis=0) if len(counts) == len(parts) else None,
        tuple(note for part in parts for note in part.notes),
    )


def exact_sum(arrays: Sequence[Floats]) -> Floats:
    """Add arrays element by element; the order does not matter, not even to the last bit."""
    return np.array([math.fsum(values) for values in zip(*arrays, strict=True)])


def _folded(histogram: hist.Hist, values: npt.NDArray[np.float64]) -> Floats:
    """Add what lies beyond the ends of the only axis to the bins there."""
    if histogram.ndim != 1 or not isinstance(
        histogram.axes[0], (hist.axis.Regular, hist.axis.Variable, hist.axis.Integer, hist.axis.Boolean)
    ):
        raise InputError(f"a template has one axis of numbers, got {', '.join(map(repr, histogram.axes))}")
    traits = histogram.axes[0].traits
    folded = np.array(values, dtype=np.float64)
    if traits.underflow:
        folded[1] += folded[0]
        folded = folded[1:]
    if traits.overflow:
        folded[-2] += folded[-1]
        folded = folded[:-1]
    return folded


def floored(template: Template, floor: float = FLOOR) -> Template:
    """Put ``floor`` events into bins that have none or less; their errors stay as they are."""
    empty = template.contents <= 0
    if not empty.any():
        return template
    notes = tuple(
        Note(
            "negative" if content < 0 else "empty",
            f"{_of_bin(template, k)}{content:.3g} events, taken as {floor:g}; the error stays",
            is_warning=True,
        )
        for k, content in enumerate(template.contents)
        if empty[k]
    )
    return replace(template, contents=np.where(empty, floor, template.contents), notes=template.notes + notes)


def clipped(template: Template, side: str) -> Template:
    """Put no events into bins of a side of a systematic, high or low, that have less."""
    if not (template.contents < 0).any():
        return template
    notes = tuple(
        Note("clipped", f"{side} has {_of_bin(template, k)}{content:.3g} events, taken as 0", is_warning=True)
        for k, content in enumerate(template.contents)
        if content < 0
    )
    return replace(template, contents=np.maximum(template.contents, 0.0), notes=template.notes + notes)


def symmetrised(nominal: Template, side: Template) -> Template:
    """Mirror one side of a systematic at the nominal events: 2 nominal - side, where that is above 0, and else 0.

    The errors are those of ``side``, which the mirrored events follow.
    """
    return Template(np.maximum(0.0, 2 * nominal.contents - side.contents), side.variances)


def identical(nominal: Template, side: Template) -> bool:
    """Whether contents and entries are equal in all bins, to the last bit; of unknown entries it is not known: no."""
    if nominal.entries is None or side.entries is None:
        return False
    return np.array_equal(nominal.contents, side.contents) and np.array_equal(nominal.entries, side.entries)


def pair_sides(
    nominal: Mapping[str, Template],
    high: Mapping[str, Template] | None,
    low: Mapping[str, Template] | None,
    untouched: Collection[str] | None = None,
) -> dict[str, tuple[Template, Template]]:
    """Return both sides of a systematic in every channel; a side that is missing is the other one mirrored.

    A side that was made without the systematic is missing, too. If both were, nothing changes.

    Parameters
    ----------
    nominal : mapping of str to Template
        By channel.
    high, low : mapping of str to Template, optional
        By channel; at least one is there.
    untouched : collection of str, optional
        Which of ``high`` and ``low`` were made without the systematic. Unless it is known, those that are identical
        to the nominal events in all channels, which with few events may be so by chance.
    """
    sides = {"high": high, "low": low}
    if untouched is None:
        untouched = [name for name, side in sides.items() if side is not None and _all_identical(nominal, side)]
    unchanged = [name for name, side in sides.items() if side is not None and name in untouched]
    given = {name: side for name, side in sides.items() if side is not None and name not in unchanged}
    if not given:
        note = Note("no effect", f"{' and '.join(unchanged)} identical to nominal: does nothing")
        return {channel: (replace(template, notes=(note,)),) * 2 for channel, template in nominal.items()}
    if len(given) == len(sides):
        return {
            channel: (clipped(given["high"][channel], "high"), clipped(given["low"][channel], "low"))
            for channel in nominal
        }
    (source,) = given
    (target,) = set(sides) - {source}
    if unchanged:
        note = Note("identical", f"{target} is identical to nominal, made by mirroring {source}")
    else:
        note = Note("one-sided", f"{target} made by mirroring {source}")
    return {channel: _mirrored(nominal[channel], given[source][channel], source, note) for channel in nominal}


def _all_identical(nominal: Mapping[str, Template], side: Mapping[str, Template]) -> bool:
    return all(identical(template, side[channel]) for channel, template in nominal.items())


def _mirrored(nominal: Template, side: Template, source: str, note: Note) -> tuple[Template, Template]:
    """Return high and low, of which one is given."""
    given = clipped(side, source)
    made = replace(symmetrised(nominal, given), notes=(note,))
    return (given, made) if source == "high" else (made, given)


def settle(nominal: Template, high: Template, low: Template) -> tuple[Template, Template]:
    """Take a systematic back where there are no nominal events that it could be relative to.

    Parameters
    ----------
    nominal : Template
        Before it is floored.
    high, low : Template
        With the systematic.
    """
    empty = nominal.contents <= 0
    if not empty.any():
        return high, low
    taken = tuple(_taken_back(nominal, side, empty) for side in (high, low))
    return taken[0], taken[1]


def _taken_back(nominal: Template, side: Template, empty: npt.NDArray[np.bool_]) -> Template:
    safe = floored(nominal)
    contents = np.where(empty, safe.contents, side.contents)
    notes = side.notes
    if (side.contents[empty] > 0).any():
        notes += (Note("not relative", "no nominal events that it could be relative to: does nothing", True),)
    return replace(side, contents=contents, variances=np.where(empty, safe.variances, side.variances), notes=notes)


def one_sided_ratios(ratio: float) -> Ratios:
    """Ratios of an uncertainty that only its size is known of: 1 +- abs(1 - ratio), and low at least 0."""
    size = abs(1 - ratio)
    return 1 + size, max(0.0, 1 - size)


def two_sided_ratios(high: float, low: float) -> tuple[Ratios, bool]:
    """Ratios of an uncertainty with two sides, and whether they are as they were given.

    They are if 1 lies between them. Else both go the same way, or one does nothing, and the larger deviation counts
    for both sides; low is at least 0.
    """
    if (high - 1) * (low - 1) < 0:
        return (high, low), True
    return one_sided_ratios(1 + max(abs(high - 1), abs(low - 1))), False


def _of_bin(template: Template, number: int) -> str:
    return f"in bin {number} " if len(template.contents) > 1 else ""

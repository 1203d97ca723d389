"""Systematic bands: what is nominal, its statistical error, and what all systematics together change about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import hist
import numpy as np

from hepcol.histograms import VARIATION, observables
from hepcol.inference.arrays import FloatArray
from hepcol.inference.templates import exact_sum
from hepcol.variations import NOMINAL, SIDES, envelope, systematic_of


@dataclass(frozen=True, eq=False)
class Band:
    """A histogram of one observable with its systematics.

    Parameters
    ----------
    edges : float64[bins + 1]
        Edges of the bins.
    nominal, error : float64[bins]
        Nominal contents and their statistical error.
    changes : mapping of str to float64[bins]
        By variation, what it adds to the nominal contents.
    """

    edges: FloatArray
    nominal: FloatArray
    error: FloatArray
    changes: Mapping[str, FloatArray]

    @property
    def systematics(self) -> list[str]:
        """Names of the systematics, of one or two sides."""
        return list(dict.fromkeys(systematic_of(name) for name in self.changes))

    @property
    def envelope(self) -> tuple[FloatArray, FloatArray]:
        """Systematic error up and down of each bin, see :func:`hepcol.variations.envelope`."""
        if not self.changes:
            return np.zeros_like(self.nominal), np.zeros_like(self.nominal)
        return envelope(self.changes)

    @property
    def whole_error(self) -> tuple[FloatArray, FloatArray]:
        """Statistical and systematic error together, up and down, the second at most 0."""
        up, down = self.envelope
        return np.hypot(self.error, up), -np.hypot(self.error, down)

    def scaled(self, factor: float) -> "Band":
        """Multiply the events by a factor without an error."""
        changes = {name: change * factor for name, change in self.changes.items()}
        return Band(self.edges, self.nominal * factor, self.error * factor, changes)

    def with_change(self, systematic: str, relative: float) -> "Band":
        """Add a systematic that changes all bins alike, up and down; none if it does nothing."""
        if not relative:
            return self
        sides = dict(zip(SIDES, (relative * self.nominal, -relative * self.nominal), strict=True))
        return replace(self, changes={**self.changes, **{f"{systematic}{side}": by for side, by in sides.items()}})


def sum_bands(bands: Iterable[Band]) -> Band:
    """Add at least one band, bin by bin; the order does not matter, not even to the last bit.

    Variations of the same name change all of them together, and do nothing to one that has none of this name;
    statistical errors are independent.
    """
    parts = tuple(bands)
    names = dict.fromkeys(name for part in parts for name in part.changes)
    return Band(
        parts[0].edges,
        exact_sum([part.nominal for part in parts]),
        np.sqrt(exact_sum([part.error**2 for part in parts])),
        {name: exact_sum([part.changes[name] for part in parts if name in part.changes]) for name in names},
    )


class Effect(NamedTuple):
    """What a variation changes.

    Parameters
    ----------
    name : str
        The variation.
    total : float
        Change of all contents together, relative to them.
    moved : float
        The same of the changes of the bins regardless of their signs: what moves between bins counts, too.
    largest : float
        The largest change of a bin, relative to its nominal content.
    """

    name: str
    total: float
    moved: float
    largest: float


def has_systematics(histogram: hist.Hist) -> bool:
    """Whether the variations of a histogram are systematics, around a nominal one, and no replicas."""
    return VARIATION in categories(histogram) and NOMINAL in histogram.axes[VARIATION]


def categories(histogram: hist.Hist) -> list[str]:
    """Names of the axes that divide the events of the observables."""
    observed = observables(histogram)
    return [axis.name for axis in histogram.axes if axis.name not in observed]


def band_of(histogram: hist.Hist) -> Band:
    """Take the band of a histogram of one observable; over further categories it is summed.

    Raises
    ------
    ValueError
        If it has no systematics, or not one observable.
    """
    others = observables(histogram)
    if not has_systematics(histogram) or len(others) != 1:
        raise ValueError(
            f"a band needs an axis '{VARIATION}' with '{NOMINAL}' and one observable, got {', '.join(others) or 'none'}"
        )
    return _band(histogram.project(VARIATION, others[0]), histogram.axes[others[0]].edges)


def total_of(histogram: hist.Hist) -> Band:
    """Take the band of all events of a histogram together, those beyond the ends of its axes, too, as one bin."""
    edges = np.array([0.0, 1.0])
    if VARIATION not in histogram.axes.name:
        whole = histogram.sum(flow=True)
        value, variance = (whole.value, whole.variance) if hasattr(whole, "variance") else (whole, whole)
        return Band(edges, np.array([float(value)]), np.sqrt([float(variance)]), {})
    return _band(histogram.project(VARIATION), edges)


def band_of_any(histogram: hist.Hist) -> Band:
    """Take the band of a histogram of one observable, with or without variations.

    Replicas, which are around no nominal one, are no systematics: the first of them counts.
    """
    (observed,) = observables(histogram)
    edges = histogram.axes[observed].edges
    if VARIATION in histogram.axes.name:
        return _band(histogram.project(VARIATION, observed), edges)
    summed = histogram.project(observed)
    return Band(edges, np.asarray(summed.values(), dtype=np.float64), np.sqrt(_variances(summed)), {})


def _band(histogram: hist.Hist, edges: FloatArray) -> Band:
    """Take the band of a histogram whose first axis are variations; without a nominal one, of the first alone."""
    names = list(histogram.axes[VARIATION])
    shape = (len(names), len(edges) - 1)
    contents = np.asarray(histogram.values(), dtype=np.float64).reshape(shape)
    nominal = names.index(NOMINAL) if NOMINAL in names else 0
    return Band(
        edges,
        contents[nominal],
        np.sqrt(_variances(histogram).reshape(shape)[nominal]),
        {name: contents[k] - contents[nominal] for k, name in enumerate(names) if k != nominal and NOMINAL in names},
    )


def _variances(histogram: hist.Hist) -> FloatArray:
    """Variances of contents; of counts, these themselves."""
    variances = histogram.variances()
    return np.asarray(histogram.values() if variances is None else variances, dtype=np.float64)


def largest(histogram: hist.Hist, count: int, *, of_a_bin: bool = False) -> list[Effect]:
    """Name the variations that do most, those that do nothing left out.

    Parameters
    ----------
    histogram : hist.Hist
        With systematics, and one observable.
    count : int
        How many, at most.
    of_a_bin : bool
        Whether the largest change of a bin counts, and not that of all bins together, which bins with few events do
        not rule.
    """
    band = band_of(histogram)
    effects = [_effect(name, change, band.nominal) for name, change in band.changes.items()]
    ranked = sorted(effects, key=lambda effect: (-(effect.largest if of_a_bin else effect.moved), effect.name))
    return [effect for effect in ranked if effect.moved > 0][:count]


def _effect(name: str, change: FloatArray, nominal: FloatArray) -> Effect:
    total = abs(nominal.sum()) or np.nan
    filled = nominal != 0
    relative = np.abs(change[filled] / nominal[filled])
    return Effect(
        name,
        float(np.nan_to_num(change.sum() / total)),
        float(np.nan_to_num(np.abs(change).sum() / total)),
        float(relative.max(initial=0.0)),
    )

"""One spectrum out of a result: a histogram in one variation, summed over its other axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.histograms import VARIATION, Histogram, observables
from hepcol.spectra import Name, named
from hepcol.variations import NOMINAL

FloatArray = npt.NDArray[np.float64]

DATASET = "dataset"
_MOST_NAMES = 12  # in a message


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Contents of bins, and what they are of.

    Parameters
    ----------
    axis : hist axis
        The bins.
    values, variances : float64[bins]
        Events, or the sums of their weights, and the squares of their errors.
    title : str
        Datasets and variation.
    """

    axis: Any
    values: FloatArray
    variances: FloatArray
    title: str


@dataclass(frozen=True)
class Choice:
    """What to take of a result.

    Parameters
    ----------
    histogram : str
        Name of the histogram, such as ``m_ee``, or ``zee/m_ee`` where a name occurs several times.
    variation : str, optional
        Name of the variation; by default ``nominal``, or the first if there is none.
    dataset : str, optional
        Name of the dataset; by default the sum over all.
    """

    histogram: str
    variation: str | None = None
    dataset: str | None = None

    def of(self, result: Any) -> Spectrum:
        """Take it of hepcol's results, or of the nested mappings of any coffea processor.

        Raises
        ------
        InputError
            If there is no such histogram, variation or dataset.
        """
        found = self._found(result)
        parts = [self._spectrum(histogram, name) for name, histogram in found.items()]
        first = parts[0]
        if any(part.axis != first.axis for part in parts):
            raise InputError(
                f"histogram '{self.histogram}' has different axes in {_listed(['/'.join(name) for name in found])}"
            )
        datasets = [self.dataset] if self.dataset is not None else list(dict.fromkeys(name[0] for name in found))
        titles = [*([_listed(datasets, 2)] if self.dataset or len(next(iter(found))) > 1 else []), first.title]
        return Spectrum(
            first.axis,
            np.sum([part.values for part in parts], axis=0),
            np.sum([part.variances for part in parts], axis=0),
            "\n".join(title for title in titles if title),
        )

    def _found(self, result: Any) -> dict[Name, hist.BaseHist]:
        """Histograms of the name, of the dataset."""
        histograms = {name: item for name, item in named(result) if isinstance(item, Histogram | hist.BaseHist)}
        found = {
            name: item.to_hist() if isinstance(item, Histogram) else item
            for name, item in histograms.items()
            if f"/{'/'.join(name)}".endswith(f"/{self.histogram}")
        }
        if not found:
            there = _listed(["/".join(name) for name in histograms])
            raise InputError(f"histogram '{self.histogram}': there is none; there are {there}")
        if self.dataset is None:
            return found
        chosen = {
            name: item
            for name, item in found.items()
            if self.dataset in name[:-1] or self.dataset in _categories(item, DATASET)
        }
        if not chosen:
            datasets = [part for name, item in found.items() for part in (*name[:-1], *_categories(item, DATASET))]
            there = _listed(list(dict.fromkeys(datasets)))
            raise InputError(f"dataset '{self.dataset}': there is none with '{self.histogram}'; there are {there}")
        return chosen

    def _spectrum(self, histogram: hist.BaseHist, name: Name) -> Spectrum:
        """Choose the variation, and sum over what is left beside the observable."""
        chosen = {VARIATION: self._variation(histogram), DATASET: self.dataset if self.dataset not in name else None}
        taken = {
            axis: histogram.axes[axis].index(category)
            for axis, category in chosen.items()
            if category is not None and _categories(histogram, axis)
        }
        observed = observables(histogram)
        numeric = [axis for axis in histogram.axes if axis.name in observed]
        if not numeric:
            raise InputError(f"histogram '{self.histogram}': all of its axes are categories")
        axis = next((axis for axis in numeric if axis.name == name[-1]), numeric[0])
        position = [other.name for other in histogram.axes if other.name not in taken].index(axis.name)
        reduced = histogram[taken] if taken else histogram
        spectrum = reduced.project(position)
        values = np.asarray(spectrum.values(), dtype=np.float64)
        variances = spectrum.variances()  # None for plain sums of weights
        return Spectrum(axis, values, np.abs(values) if variances is None else variances, chosen[VARIATION] or "")

    def _variation(self, histogram: hist.BaseHist) -> str | None:
        """Return the name of the variation; None of a histogram without any."""
        there = _categories(histogram, VARIATION)
        if self.variation is None:
            return NOMINAL if NOMINAL in there else next(iter(there), None)
        if self.variation not in there:
            raise InputError(
                f"variation '{self.variation}': there is none in '{self.histogram}'; there are {_listed(there)}"
            )
        return self.variation


def _categories(histogram: hist.BaseHist, name: str) -> list[str]:
    """Names on a category axis; none if there is no such axis."""
    axis = next((axis for axis in histogram.axes if axis.name == name), None)
    return list(axis) if isinstance(axis, hist.axis.StrCategory) else []


def _listed(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """List names, the first of them if they are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or "none"

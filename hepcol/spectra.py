"""The histograms, numbers and other things in what a processor returned, by name."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import hist
import numpy as np

from hepcol.histograms import Histogram
from hepcol.result import Result

Name = tuple[str, ...]


@dataclass
class Contents:
    """What can be written of a result.

    Parameters
    ----------
    histograms : dict
        Histograms by name, the dataset first.
    values : dict
        Numbers.
    others : dict
        Names of the types of what has no place in the files, so that nothing is left out without a word.
    """

    histograms: dict[Name, hist.Hist] = field(default_factory=dict)
    values: dict[Name, Any] = field(default_factory=dict)
    others: dict[Name, str] = field(default_factory=dict)


def collect(result: Any) -> Contents:
    """Collect the contents of hepcol's results, or of the nested mappings of any coffea processor."""
    contents = Contents()
    for name, item in named(result):
        if isinstance(item, Histogram):
            contents.histograms[name] = item.to_hist()
        elif isinstance(item, hist.BaseHist):
            contents.histograms[name] = hist.Hist(item)
        elif isinstance(item, (Real, np.number)):
            number = item.item() if isinstance(item, np.generic) else item
            # JSON has no NaN and no infinity
            contents.values[name] = number if math.isfinite(number) else str(number)
        else:
            contents.others[name] = type(item).__name__
    return contents


def named(result: Any) -> Iterator[tuple[Name, Any]]:
    """Iterate over what is in a result, by name: of hepcol's, the histograms."""
    if isinstance(result, Result):
        for dataset, part in result.items():
            for name, histogram in part.histograms.items():
                yield (dataset, name), histogram
    else:
        yield from _leaves(result, ())


def _leaves(item: Any, name: Name) -> Iterator[tuple[Name, Any]]:
    """Iterate over what is in nested mappings."""
    if isinstance(item, Mapping):
        for key, value in item.items():
            yield from _leaves(value, (*name, str(key)))
    else:
        yield name or ("result",), item

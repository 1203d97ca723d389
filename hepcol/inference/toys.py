"""Pretended data: what a model expects, exactly or as a random draw."""

from collections.abc import Mapping

import numpy as np

from hepcol.inference.arrays import FloatArray
from hepcol.inference.model import Model
from hepcol.inference.spectrum import Spectrum


def asimov(model: Model, edges: FloatArray, values: Mapping[str, float]) -> Spectrum:
    """Return the expectation as if it had been measured (G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554).

    Parameters
    ----------
    model : Model
        The model.
    edges : float64[n + 1]
        Edges of the bins.
    values : mapping of str to float
        Values of all parameters.
    """
    return Spectrum(edges, model.expected(edges, values))


def toys(model: Model, edges: FloatArray, values: Mapping[str, float], number: int, seed: int) -> list[Spectrum]:
    """Draw the entries of each bin from a Poisson distribution, ``number`` times.

    Parameters
    ----------
    model : Model
        The model.
    edges : float64[n + 1]
        Edges of the bins.
    values : mapping of str to float
        Values of all parameters.
    number : int
        How many.
    seed : int
        Equal seeds give equal toys.
    """
    expected = model.expected(edges, values)
    draws = np.random.Generator(np.random.Philox(seed)).poisson(expected, (number, len(expected)))
    return [Spectrum(edges, draw.astype(np.float64)) for draw in draws]

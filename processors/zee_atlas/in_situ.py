"""The calibration from the Z peak: energy scales and constant terms of regions of eta, from a fit to pairs of them.

The method is that of ATLAS, arXiv:1812.03848: templates of simulation for each pair of regions, and all
pairs fitted together. The likelihood of Dembinski and Abdelmotteleb (arXiv:2206.12346) takes in that
templates have statistical errors of their own.
"""

from dataclasses import dataclass

import hist
import numpy as np
import numpy.typing as npt
from iminuit import Minuit
from iminuit.cost import template_chi2_da
from numpy.polynomial.chebyshev import chebvander
from scipy.interpolate import BSpline

from hepcol.errors import InputError
from hepcol.units import GeV
from processors.zee_atlas.observables import M_EE
from processors.zee_atlas.regions import PAIRS, REGIONS
from processors.zee_atlas.templates import ALPHA, CONSTANT

Floats = npt.NDArray[np.float64]

RANGE = (80 * GeV, 100 * GeV)  # of m_ee: the peak, where simulation has entries in all bins
_ALPHA_START, _CONSTANT_START = 0.0, 0.012
_MIN_VARIANCE = -8e-4  # far below 0, or errors of small constant terms would be those of a bound
_MIN_ENTRIES = 60  # of data in a pair of regions, below which it says nothing of its shape
_DEGREE = 3
_EMPTY = 0.3  # of an entry, in bins without any: logarithms need something, and minimisations no kinks
_VARIANCES = CONSTANT.centers**2  # in which templates change about linearly


@dataclass(frozen=True, eq=False)
class InSitu:
    """Energy scales and constant terms, by region of eta.

    Parameters
    ----------
    alpha : float64[regions]
        E(data) = (1 + alpha) E(simulation).
    variance : float64[regions]
        Square of the constant term of the resolution of data beside that of simulation; may come out below 0.
    covariance : float64[2 regions, 2 regions]
        Statistical, of scales, then squares of constant terms.
    chi2, ndof : float, int
        Of all bins of all pairs, with what smoothing leaves of the variances of simulation.
    pair_chi2 : float64[pairs]
        Of the bins of each pair; NaN of those that were left out.
    entries : int64[pairs]
        Entries of data.
    valid : bool
        Whether the fit converged, with errors, and no parameter at a bound.
    at_bound : tuple of str
        Parameters that ended at a bound.
    """

    alpha: Floats
    variance: Floats
    covariance: Floats
    chi2: float
    ndof: int
    pair_chi2: Floats
    entries: npt.NDArray[np.int64]
    valid: bool
    at_bound: tuple[str, ...]

    @property
    def alpha_error(self) -> Floats:
        """Errors of the scales."""
        return np.sqrt(np.diag(self.covariance))[: len(self.alpha)]

    @property
    def variance_error(self) -> Floats:
        """Errors of the squares of the constant terms."""
        return np.sqrt(np.diag(self.covariance))[len(self.alpha) :]

    @property
    def constant(self) -> Floats:
        """Constant terms; 0 where their square came out below."""
        return np.sqrt(np.maximum(self.variance, 0.0))

    @property
    def constant_error(self) -> Floats:
        """Errors of the constant terms.

        Half the interval that one standard deviation of the square stands for; where that reaches below 0, the
        distance to its upper end, which is at least that of a square of 0.
        """
        up = np.sqrt(np.maximum(self.variance, 0.0) + self.variance_error)
        down = np.sqrt(np.maximum(self.variance - self.variance_error, 0.0))
        return np.asarray(np.where(down > 0, (up - down) / 2, up - self.constant))

    @property
    def correlation(self) -> Floats:
        """Correlations of scales, then squares of constant terms."""
        errors = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(errors, errors))


def parameter_names() -> list[str]:
    """Names of scales, then constant terms."""
    return [f"{name}_{region}" for name in ("alpha", "c2") for region in range(len(REGIONS))]


class Templates:
    """m_ee of simulation by pair of regions, as smooth functions of scale and constant term.

    All pairs together are a spline in m / (1 + alpha), for a scale moves what there is, with coefficients that are
    polynomials in the square of the constant term. Each pair is this times a correction of the same kind with far
    fewer coefficients. Interpolation between points of the grid would take the noise of simulation for a change of
    shape: of as many entries as data it is as large, errors come out too small, and a minimisation gets stuck. One
    spline for each pair, coarse enough not to follow the noise, moves scales by 1e-4.

    Parameters
    ----------
    histogram : hist.Hist
        Axes pair, alpha, constant, m_ee; of m_ee the bins that are fitted.
    """

    def __init__(self, histogram: hist.Hist) -> None:
        self._masses = histogram.axes[M_EE.name].centers
        values = np.asarray(histogram.values(), dtype=np.float64)
        stored = histogram.variances()
        variances = values if stored is None else np.asarray(stored, dtype=np.float64)
        totals = values.sum(axis=(1, 2, 3))
        # of one entry: the mean weight of the squares
        self.entry = np.divide(variances.sum(axis=(1, 2, 3)), totals, out=np.ones_like(totals), where=totals > 0)
        grid = [axis.ravel() for axis in np.meshgrid(ALPHA.centers, _VARIANCES, indexing="ij")]
        self._common = _solve(self._functions(*_FINE, *grid), values.sum(axis=0).ravel())
        common = self._functions(*_FINE, *grid) @ self._common
        corrected = self._functions(*_COARSE, *grid) * common[:, :, np.newaxis]
        self._corrections = np.stack([_solve(corrected, one.ravel()) for one in values])

    def at(self, alpha: Floats, variance: Floats) -> Floats:
        """Evaluate the templates of all pairs.

        Parameters
        ----------
        alpha : float64[pairs]
            Scale that both electrons have.
        variance : float64[pairs]
            Square of the constant term that both electrons have.

        Returns
        -------
        values : float64[pairs, bins]
            Positive, also where splines swing below 0.
        """
        common = self._functions(*_FINE, alpha, variance) @ self._common
        correction = np.einsum("ibk,ik->ib", self._functions(*_COARSE, alpha, variance), self._corrections)
        values, least = common * correction, _EMPTY * self.entry[:, np.newaxis]
        return np.asarray(0.5 * (values + np.sqrt(values * values + least * least)))

    def _functions(self, knots: Floats, degree: int, alpha: Floats, variance: Floats) -> Floats:
        """Splines in m / (1 + alpha) times polynomials in the square of the constant term, ``[points, bins, k]``."""
        scaled = self._masses / (1 + alpha[:, np.newaxis])
        splines = BSpline.design_matrix(scaled.ravel(), knots, _DEGREE).toarray().reshape(*scaled.shape, -1)
        powers = chebvander(2 * variance / _VARIANCES[-1] - 1, degree)
        products = splines[:, :, :, np.newaxis] * powers[:, np.newaxis, np.newaxis, :]
        return np.asarray(products.reshape(*scaled.shape, -1))


def _solve(functions: Floats, values: Floats) -> Floats:
    """Coefficients of functions ``[points, bins, k]`` that come nearest to values."""
    return np.asarray(np.linalg.lstsq(functions.reshape(-1, functions.shape[-1]), values)[0])


def _knots(step: float) -> Floats:
    """Knots that cover the range at all scales of the grid."""
    low, high = RANGE[0] / (1 + ALPHA.centers[-1]) - 1, RANGE[1] / (1 + ALPHA.centers[0]) + 1
    inner = np.linspace(low, high, max(2, round((high - low) / step) + 1))
    return np.concatenate([[low] * _DEGREE, inner, [high] * _DEGREE])


# knots in m, and degree of the polynomials in the square of the constant term
_COARSE_STEP = 2.5 * GeV
_LEFT = M_EE.widths[0] / _COARSE_STEP  # of the variances: as many splines as there are for each bin
_FINE, _COARSE = (_knots(1.25 * GeV), 3), (_knots(_COARSE_STEP), 1)


class _Cost:
    """What is minimised: of squares of the constant terms, which may be at 0."""

    def __init__(self, data: Floats, templates: Templates) -> None:
        self.data, self._templates = data, templates
        self.used = data.sum(axis=1) >= _MIN_ENTRIES
        self._first, self._second = np.array(PAIRS).T

    def of_pairs(self, parameters: Floats) -> Floats:
        """Chi2 of each pair, with the errors that smooth templates have; NaN of those that are left out.

        In the minimum every bin has the error of its own entries; were they added up for the chi2, it would come out a
        quarter too small for as many events of simulation as of data.
        """
        values, variances = self.expected(parameters)
        variances = variances * _LEFT
        return np.array(
            [
                template_chi2_da(n, mu, variance) if used else np.nan
                for n, mu, variance, used in zip(self.data, values, variances, self.used, strict=True)
            ]
        )

    def expected(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Templates with as many entries as there are data, and their variances."""
        alpha, variance = np.split(np.asarray(parameters), 2)
        scale = np.sqrt((1 + alpha[self._first]) * (1 + alpha[self._second])) - 1
        values = self._templates.at(scale, (variance[self._first] + variance[self._second]) / 2)
        ratio = (self.data.sum(axis=1) / values.sum(axis=1))[:, np.newaxis]
        # each entry of simulation stands for so many of data, and its square for its variance
        return values * ratio, values * ratio * (ratio * self._templates.entry[:, np.newaxis])

    def __call__(self, parameters: Floats) -> float:
        values, variances = self.expected(parameters)
        return float(
            template_chi2_da(self.data[self.used].ravel(), values[self.used].ravel(), variances[self.used].ravel())
        )


def fit(data: hist.Hist, templates: hist.Hist) -> InSitu:
    """Fit scales and constant terms to data.

    Parameters
    ----------
    data : hist.Hist
        Of axes pair and m_ee: :data:`processors.zee_atlas.templates.DATA`.
    templates : hist.Hist
        Of axes pair, alpha, constant and m_ee: :data:`processors.zee_atlas.templates.TEMPLATES`.

    Raises
    ------
    InputError
        If a region has too few data to say anything.
    """
    inside = {M_EE.name: slice(hist.loc(RANGE[0]), hist.loc(RANGE[1]))}
    cost = _Cost(np.asarray(data[inside].values(), dtype=np.float64), Templates(templates[inside]))
    _check(cost.used, cost.data)
    regions = len(REGIONS)
    start = [_ALPHA_START] * regions + [_CONSTANT_START**2] * regions
    minuit = Minuit(cost, np.array(start), name=parameter_names())
    minuit.errordef = Minuit.LEAST_SQUARES
    low, high = ALPHA.centers[0], ALPHA.centers[-1]
    minuit.limits = [(low, high)] * regions + [(_MIN_VARIANCE, _VARIANCES[-1])] * regions
    minuit.errors = [1e-3] * regions + [5e-5] * regions
    minuit.strategy = 1
    minuit.migrad(ncall=100_000)
    minuit.hesse()
    values, covariance = np.array(minuit.values), np.asarray(minuit.covariance)
    of_pairs = cost.of_pairs(values)
    bins = cost.data[cost.used].size
    at_bound = _at_bound(values, minuit)
    alpha, variance = np.split(values, 2)
    return InSitu(
        alpha,
        variance,
        covariance,
        float(np.nansum(of_pairs)),
        bins - int(cost.used.sum()) - 2 * regions,
        of_pairs,
        cost.data.sum(axis=1).astype(np.int64),
        bool(minuit.valid and minuit.accurate and not at_bound),
        at_bound,
    )


def _at_bound(values: Floats, minuit: Minuit) -> tuple[str, ...]:
    """Parameters that are at the end of their range."""
    return tuple(
        parameter.name
        for parameter, value in zip(minuit.params, values, strict=True)
        if min(value - parameter.lower_limit, parameter.upper_limit - value)
        < 1e-3 * (parameter.upper_limit - parameter.lower_limit)
    )


def _check(used: npt.NDArray[np.bool_], data: Floats) -> None:
    """Refuse data that leave a region without a pair."""
    covered = {region for pair, is_used in zip(PAIRS, used, strict=True) if is_used for region in pair}
    lacking = [region for region in range(len(REGIONS)) if region not in covered]
    if lacking:
        raise InputError(
            f"region {lacking[0]} of eta has no pair with {_MIN_ENTRIES} entries of data, which have "
            f"{int(data.sum())} in all: more are needed"
        )

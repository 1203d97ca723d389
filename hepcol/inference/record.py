"""What a fit gives: values, errors, and whether they may be used."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hepcol.inference.arrays import FloatArray


class Status(StrEnum):
    """How a fit ended; only a converged one may be used."""

    CONVERGED = "converged"
    AT_BOUND = "at bound"
    NO_COVARIANCE = "no covariance"
    NOT_CONVERGED = "not converged"
    TOO_FEW_ENTRIES = "too few entries"


@dataclass(frozen=True)
class Estimate:
    """Value of a parameter.

    Parameters
    ----------
    value : float
        Where the likelihood is largest, or the value at which it was fixed.
    error : float
        Standard error; 0 if it was fixed.
    fixed, at_bound : bool
        Whether it was fixed; whether it ended at a bound, so that the error means little.
    lower, upper : float, optional
        Bounds of the profile likelihood's interval relative to ``value``, if Minos was asked for; NaN where it failed.
    """

    value: float
    error: float
    fixed: bool
    at_bound: bool
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, eq=False)
class FitRecord:
    """The record of one fit.

    Parameters
    ----------
    model : str
        Name of the model.
    range : tuple of float
        Fitted range.
    status : Status
        How it ended.
    message : str
        Why it may not be used; empty if it may.
    estimates : dict
        Values of all parameters; empty if there was nothing to fit.
    free : tuple of str
        Names of the free parameters, in the order of ``correlation``.
    correlation : float64[n, n]
        Their correlation; NaN where there is no covariance.
    entries : float
        Sum of weights in the range.
    deviance : float
        Twice the negative logarithm of the likelihood, relative to a perfect expectation.
    chi2, ndof, p_value : float, int, float
        Pearson's chi2 over bins merged until 5 entries are expected in each; NaN if there are too few.
    peak : float
        Where the fitted density is highest.
    distance : float
        Minuit's estimated distance to the minimum.
    calls : int
        Evaluations of the likelihood.
    """

    model: str
    range: tuple[float, float]
    status: Status
    message: str
    estimates: Mapping[str, Estimate]
    free: tuple[str, ...]
    correlation: FloatArray
    entries: float
    deviance: float = math.nan
    chi2: float = math.nan
    ndof: int = 0
    p_value: float = math.nan
    peak: float = math.nan
    distance: float = math.nan
    calls: int = 0

    @property
    def usable(self) -> bool:
        """Whether the values and errors may be used."""
        return self.status is Status.CONVERGED

    @property
    def values(self) -> dict[str, float]:
        """Values of all parameters."""
        return {name: estimate.value for name, estimate in self.estimates.items()}

    @property
    def at_bound(self) -> tuple[str, ...]:
        """Parameters that ended at a bound."""
        return tuple(name for name, estimate in self.estimates.items() if estimate.at_bound)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it: what is not a number is None."""
        return {
            "status": self.status.value,
            "message": self.message,
            "parameters": {
                name: {
                    "value": json_number(estimate.value),
                    "error": json_number(estimate.error),
                    "fixed": estimate.fixed,
                    "at_bound": estimate.at_bound,
                    **(
                        {}
                        if estimate.lower is None or estimate.upper is None
                        else {"minos": [json_number(estimate.lower), json_number(estimate.upper)]}
                    ),
                }
                for name, estimate in self.estimates.items()
            },
            "free": list(self.free),
            "correlation": [[json_number(value) for value in row] for row in self.correlation],
            "entries": self.entries,
            "deviance": json_number(self.deviance),
            "chi2": json_number(self.chi2),
            "ndof": self.ndof,
            "p_value": json_number(self.p_value),
            "peak": json_number(self.peak),
            "distance": json_number(self.distance),
            "calls": self.calls,
        }


def json_number(value: float) -> float | None:
    """Return a number, or None: JSON has no NaN and no infinity."""
    return float(value) if math.isfinite(value) else None

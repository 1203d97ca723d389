"""What a fit of yields gives: parameters, their impacts on the signal strength, and predictions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hepcol.inference.arrays import FloatArray
from hepcol.inference.histfactory import SIGNAL_STRENGTH
from hepcol.inference.record import Status, json_number


@dataclass(frozen=True)
class Parameter:
    """A parameter of the model and what the fit found.

    Parameters
    ----------
    value, error : float
        Best value and standard error.
    start : float
        Value before the fit.
    width : float
        Its uncertainty before the fit; 0 if nothing but data tells it.
    at_bound : bool
        Whether the value is at a bound, so that the error means little.
    """

    value: float
    error: float
    start: float
    width: float
    at_bound: bool = False

    @property
    def is_constrained(self) -> bool:
        """Whether the parameter was known before."""
        return self.width > 0

    @property
    def pull(self) -> float:
        """How far the fit moved it, in its uncertainty before; NaN if there was none."""
        return (self.value - self.start) / self.width if self.is_constrained else math.nan

    @property
    def constraint(self) -> float:
        """Its error relative to its uncertainty before; NaN if there was none."""
        return self.error / self.width if self.is_constrained else math.nan


@dataclass(frozen=True)
class Impact:
    """What a parameter does to the signal strength: the changes when it is fixed one error up and down.

    Parameters
    ----------
    status : Status
        Whether the fits worked; at bound, if the signal strength came to a bound in one of them.
    up, down : float
        With its error after the fit; NaN where a fit failed, or the signal strength came to a bound.
    up_before, down_before : float
        With its uncertainty before; 0 if there was none.
    """

    status: Status
    up: float
    down: float
    up_before: float
    down_before: float

    @property
    def size(self) -> float:
        """The larger change, for the ranking; those that failed come first."""
        if self.status is Status.NOT_CONVERGED:
            return math.inf
        return max((abs(change) for change in (self.up, self.down) if math.isfinite(change)), default=math.inf)


@dataclass(frozen=True)
class Prediction:
    """Expected events in a region: of each sample, and in all with their uncertainty."""

    samples: Mapping[str, float]
    total: float
    error: float


@dataclass(frozen=True, eq=False)
class YieldFit:
    """A fit of the model.

    Parameters
    ----------
    status : Status
        How it ended.
    message : str
        Why it may not be used; empty if it may.
    parameters : mapping of str to Parameter
        What it found; empty if it did not converge.
    correlation : float64[n, n]
        Their correlation, in their order; NaN where there is no covariance.
    deviance : float
        -2 ln L at the minimum, with pyhf's normalisation.
    p_value : float
        Goodness of fit against the saturated model; NaN without degrees of freedom.
    before, after : mapping of str to Prediction
        Expected events by region, before the fit (signal strength 1) and after.
    impacts : mapping of str to Impact
        The ranking: parameters by the size of their impact on the signal strength; empty if it was not asked for.
    remark : str
        What to know of a fit that may be used.
    """

    status: Status
    message: str
    parameters: Mapping[str, Parameter]
    correlation: FloatArray
    deviance: float
    p_value: float
    before: Mapping[str, Prediction]
    after: Mapping[str, Prediction]
    impacts: Mapping[str, Impact]
    remark: str = ""

    @property
    def usable(self) -> bool:
        """Whether the values and errors may be used, and the ranking, if there is one.

        An impact at which the signal strength came to its bound is not told, but no failure.
        """
        return self.status is Status.CONVERGED and all(
            impact.status in (Status.CONVERGED, Status.AT_BOUND) for impact in self.impacts.values()
        )

    @property
    def signal_strength(self) -> Parameter | None:
        """The signal strength; None of a fit without signal, or of one that failed."""
        return self.parameters.get(SIGNAL_STRENGTH)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return {
            "usable": self.usable,
            "status": self.status.value,
            "message": self.message,
            "remark": self.remark,
            "parameters": {
                name: {
                    "value": json_number(found.value),
                    "error": json_number(found.error),
                    "start": found.start,
                    "width": found.width,
                    "pull": json_number(found.pull),
                    "constraint": json_number(found.constraint),
                    "at_bound": found.at_bound,
                }
                for name, found in self.parameters.items()
            },
            "correlation": [[json_number(value) for value in row] for row in self.correlation],
            "deviance": json_number(self.deviance),
            "p_value": json_number(self.p_value),
            "before": {region: _told(prediction) for region, prediction in self.before.items()},
            "after": {region: _told(prediction) for region, prediction in self.after.items()},
            "impacts": {
                name: {
                    "status": impact.status.value,
                    "up": json_number(impact.up),
                    "down": json_number(impact.down),
                    "up_before": json_number(impact.up_before),
                    "down_before": json_number(impact.down_before),
                }
                for name, impact in self.impacts.items()
            },
        }


def _told(prediction: Prediction) -> dict[str, Any]:
    return {
        "samples": {name: json_number(events) for name, events in prediction.samples.items()},
        "total": json_number(prediction.total),
        "error": json_number(prediction.error),
    }

"""What a search for a signal gives: limits and a significance, and whether they may be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scipy.stats import norm

from hepcol.inference.record import Status, json_number

LEVEL = 0.05  # of CLs: the limit has 95 % confidence
SIGMAS = (-2, -1, 0, 1, 2)  # of the expected limits

Curves = tuple[float, ...]  # observed CLs, then the expected ones in the order of SIGMAS


@dataclass(frozen=True)
class Limit:
    """An upper limit.

    Parameters
    ----------
    status : Status
        How the search ended: converged; at bound, if signal strengths are not large enough for it; not converged.
    message : str
        Why it may not be used; empty if it may.
    method : str
        How CLs was found.
    observed : float or None
        The limit; None if it was not found.
    expected : tuple of float or None
        The limits expected without signal: at -2, -1, 0, 1 and 2 standard deviations.
    scan : mapping of float to tuple of float
        By signal strength, in its order: the observed CLs, then the expected ones.
    errors : tuple of float
        Statistical errors of the observed and the expected limits; empty if there are none.
    toys, failed_toys, seed : int
        Of toys: how many at each signal strength and hypothesis, how many in all could not be fitted, their seed.
    remark : str
        What to know of a limit that may be used.
    tails : mapping of float to tuple of int
        Of toys, by signal strength: those with signal beyond the data, and those without.
    """

    status: Status
    message: str
    method: str
    observed: float | None
    expected: tuple[float | None, ...]
    scan: Mapping[float, Curves]
    errors: tuple[float, ...] = ()
    toys: int = 0
    failed_toys: int = 0
    seed: int | None = None
    remark: str = ""
    tails: Mapping[float, tuple[int, int]] = field(default_factory=dict)

    @property
    def median(self) -> float | None:
        """The limit expected without signal."""
        return self.expected[SIGMAS.index(0)]

    @property
    def usable(self) -> bool:
        """Whether the observed limit and the median of the expected ones may be used; outer ones may be None."""
        return self.status is Status.CONVERGED

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        toys = {"toys": self.toys, "failed_toys": self.failed_toys, "seed": self.seed} if self.toys else {}
        return {
            "usable": self.usable,
            "status": self.status.value,
            "message": self.message,
            "remark": self.remark,
            "method": self.method,
            "level": LEVEL,
            "observed": self.observed,
            "expected": list(self.expected),
            "errors": [json_number(error) for error in self.errors],
            **toys,
            "scan": [
                {
                    "strength": strength,
                    "observed": json_number(cls[0]),
                    "expected": [json_number(value) for value in cls[1:]],
                    **({"toys_beyond_data": list(self.tails[strength])} if strength in self.tails else {}),
                }
                for strength, cls in self.scan.items()
            ],
        }


@dataclass(frozen=True)
class Discovery:
    """How unlikely the data are without signal.

    Parameters
    ----------
    status : Status
        Whether the fits worked.
    message : str
        Why it may not be used; empty if it may.
    significance, expected_significance : float or None
        Standard deviations of a Gaussian, of the data and expected with the signal.
    """

    status: Status
    message: str
    significance: float | None = None
    expected_significance: float | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a p-value."""
        return self.significance is not None

    @property
    def observed(self) -> float | None:
        """The p-value of the data."""
        return _beyond(self.significance)

    @property
    def expected(self) -> float | None:
        """The p-value expected with the signal."""
        return _beyond(self.expected_significance)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return {
            "usable": self.usable,
            "status": self.status.value,
            "message": self.message,
            "p_value": self.observed,
            "significance": self.significance,
            "expected_p_value": self.expected,
            "expected_significance": self.expected_significance,
        }


def _beyond(significance: float | None) -> float | None:
    return None if significance is None else float(norm.sf(significance))

"""Factors that the original study found for the normalisation of two backgrounds, in control regions of data."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Factor:
    """Factor of a sample's normalisation.

    Parameters
    ----------
    value : float
        Number that simulation is multiplied with.
    error : float
        Its standard error.
    source : str
        Where they are from.
    """

    value: float
    error: float
    source: str


_NOTEBOOKS = "notebooks of the original study (SPEC 4.1 [N])"
FACTORS = MappingProxyType(
    {"ttbar": Factor(0.90, 0.12, _NOTEBOOKS), "VV": Factor(1.00, 0.25, _NOTEBOOKS)},
)

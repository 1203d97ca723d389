"""What a processor wants fitted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hepcol.inference.model import Model
from hepcol.inference.spectrum import Spectrum


@dataclass(frozen=True)
class FitPlan:
    """A fit of one observable of a processor, in every variation.

    Parameters
    ----------
    observable : str
        Name of the histogram.
    build : callable
        Makes the model for a spectrum, which tells it where to start.
    parameter : str
        The parameter that is the result.
    quantity : str
        What that is, with its symbol, for axes and tables, such as ``resolution of $m_{ee}$``.
    unit : str
        Its unit.
    expected : float, optional
        What it should be, if that is known.
    expected_label : str
        How it is known.
    is_whole : bool
        Whether that is all that the result should be; if not, a result may well be larger.
    against : tuple of str
        Histograms whose means the result is compared with, variation by variation.
    range : tuple of float, optional
        Range that is fitted unless the user asks for another; by default all of the histogram.
    """

    observable: str
    build: Callable[[Spectrum], Model]
    parameter: str
    quantity: str
    unit: str
    expected: float | None = None
    expected_label: str = "expected"
    is_whole: bool = True
    against: tuple[str, ...] = ()
    range: tuple[float, float] | None = None


@runtime_checkable
class Fitted(Protocol):
    """A processor whose histograms can be fitted."""

    def fits(self) -> dict[str, FitPlan]:
        """Return the plans by the name of their model, the default first."""

"""What a selection says of the events of a chunk, for a skim."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hepcol.sums import DEFAULT_BOUND, LIMBS, split

ALL_EVENTS = "all events"


@dataclass(frozen=True, eq=False)
class Passed:
    """Which events of a chunk pass: what the method ``skim`` of a processor returns.

    Parameters
    ----------
    steps : mapping of str to bool[n]
        Whether each event passes each step and all before, in their order; the last one says what is kept.
    weight : float64[n], optional
        Weights of the events, of which the sum is kept for all of them; None where each counts one.
    max_weight : float
        Bound on the weights, see :mod:`hepcol.sums`.
    """

    steps: Mapping[str, npt.NDArray[np.bool_]]
    weight: npt.NDArray[np.float64] | None = None
    max_weight: float = field(default=DEFAULT_BOUND)

    def limbs(self, events: int) -> npt.NDArray[np.float64]:
        """Limbs of the weights of a number of events, ``[events, LIMBS]``."""
        if self.weight is None:
            return np.broadcast_to(split(1.0, self.bound), (events, LIMBS))
        return split(self.weight, self.bound)

    @property
    def bound(self) -> float:
        """Bound that the limbs are made for."""
        return max(1.0, self.max_weight) if self.weight is None else self.max_weight

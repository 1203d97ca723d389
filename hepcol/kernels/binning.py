"""Bin numbers of regular axes, flow bins included."""

from hepcol.kernels._jit import inlined


@inlined
def bin_number(value: float, low: float, high: float, n_bins: int) -> int:
    """0 for underflow, 1 to ``n_bins``, and ``n_bins + 1`` for overflow and NaN.

    The arithmetic and its order are those of boost-histogram's regular axis
    (``boost/histogram/axis/regular.hpp``, ``index``), so a kernel fills what ``hist`` would fill. ROOT's
    ``TAxis::FindBin`` multiplies first: the two differ only for a double on an edge, or one rounding beside it.
    """
    z = (value - low) / (high - low)
    if z < 1.0:
        if z >= 0.0:
            return int(z * n_bins) + 1
        return 0
    return n_bins + 1

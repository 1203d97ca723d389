"""Angular distances from Cartesian momenta."""

import math

import numpy as np

from hepcol.kernels._jit import Floats, kernel
from hepcol.kernels.elementary import asinh, atan2


@kernel
def delta_r(px: Floats, py: Floats, pz: Floats) -> Floats:
    """Distance of two directions in pseudorapidity and azimuth.

    ``px``, ``py``, ``pz`` are float64[n, 2]. Infinite or NaN where a direction is along the beam.
    """
    out = np.empty(len(px))
    for n in range(len(px)):
        eta = np.empty(2)
        for k in range(2):
            eta[k] = asinh(pz[n, k] / math.sqrt(px[n, k] * px[n, k] + py[n, k] * py[n, k]))
        d_phi = abs(atan2(py[n, 0], px[n, 0]) - atan2(py[n, 1], px[n, 1]))
        if d_phi > math.pi:
            d_phi = 2.0 * math.pi - d_phi
        d_eta = eta[0] - eta[1]
        out[n] = math.sqrt(d_eta * d_eta + d_phi * d_phi)
    return out


@kernel
def pseudorapidity(px: Floats, py: Floats, pz: Floats) -> Floats:
    """Pseudorapidity of directions, float64[n, 2]. Infinite along the beam, NaN at rest."""
    out = np.empty(px.shape)
    for n in range(len(px)):
        for k in range(2):
            slope = pz[n, k] / math.sqrt(px[n, k] * px[n, k] + py[n, k] * py[n, k])
            out[n, k] = slope if math.isinf(slope) else asinh(slope)  # which is NaN of infinity
    return out

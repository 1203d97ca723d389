"""Rounding to what is stored, so that files compress: as in NanoAOD, the last bits of a float32 are zeros.

Particles are rounded before jets are found, so that the stored jets are those of the stored particles.

========================== =============== ============================
column                     rounded to      error at most
========================== =============== ============================
pt of particles            11 bits         2.4e-4 of it
eta, phi of particles      1 / 2048        2.4e-4 each, 3.5e-4 in dR
pt, mass, tau of jets      16 bits         7.6e-6 of it
eta, phi of jets           1 / 65536       7.6e-6
========================== =============== ============================
"""

import numpy as np
import numpy.typing as npt

from samples.draws import Floats

PARTICLE_BITS, JET_BITS = 11, 16  # of a float32's mantissa, which has 23
PARTICLE_STEP, JET_STEP = 2.0**-11, 2.0**-16


def keep_bits(values: Floats, bits: int) -> npt.NDArray[np.float32]:
    """Round to a number of bits behind the leading one."""
    mantissa, exponent = np.frexp(values)  # from 1/2 to 1: the leading bit is the first behind the point
    return np.ldexp(np.round(np.ldexp(mantissa, bits + 1)), exponent - bits - 1).astype(np.float32)


def to_grid(values: Floats, step: float) -> npt.NDArray[np.float32]:
    """Round to multiples of a step."""
    return (np.round(values / step) * step).astype(np.float32)

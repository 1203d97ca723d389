"""Numba kernels of the EGamma calibration: loops over flat arrays, without checks or state."""

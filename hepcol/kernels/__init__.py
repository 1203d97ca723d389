"""Numba kernels: loops over flat arrays, without awkward, strings, checks or state.

Every kernel on the path to a result uses only ``+ - * /``, ``sqrt`` and integer operations, which IEEE 754
rounds correctly, so that it gives the same bits on every CPU; what needs more has its own polynomial in
:mod:`hepcol.kernels.elementary`.
"""

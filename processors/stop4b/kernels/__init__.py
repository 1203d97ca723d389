"""Kernels of the stop four-body search on objects; numba only."""

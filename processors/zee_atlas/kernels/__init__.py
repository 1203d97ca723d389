"""Kernels of the analysis of Z -> ee in ATLAS."""

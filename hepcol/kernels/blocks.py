"""How building blocks of large kernels are compiled: without counting references to the arrays they are given.

A function that is inlined counts them, too, for each of the arrays in the tables, by atomic operations that numba
removes only where there is one way through the function: that took 0.3 of 0.34 us of the nominal calibration of fast
simulation, and 1.7 of 2.1 us of eight variations. numba names the option in ``register_jitable``, which, beside, leaves
the functions as they are for calls from Python, so that they need no wrapper: a fifth of the time of compilation.
"""

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable

_OPTIONS = {"error_model": "numpy", "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a building block of kernels, inlined by LLVM; it must not make arrays."""
    return register_jitable(forceinline=True, **_OPTIONS)(function)


def block(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a building block of kernels that is called; it must not make arrays."""
    return register_jitable(**_OPTIONS)(function)

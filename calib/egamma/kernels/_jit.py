"""How the building blocks of the calibration are compiled: without counting references to the arrays they are given."""

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

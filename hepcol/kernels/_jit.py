"""How kernels are compiled, in one documented place."""

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from hepcol.kernels.cache import cache_root

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Unsigned = npt.NDArray[np.uint64]


@functools.cache
def cache_folder(kernels: Path = Path(__file__).parent) -> Path:
    """Folder of the compiled kernels of a folder of sources: per user, and per state of the sources.

    In :func:`hepcol.kernels.cache.cache_root`, or in a temporary folder where that cannot be written. Numba's own
    key sees only the source file of the kernel itself and gives stale code when a building block in another file
    changes, so the folder is named by all of them, and by hepcol's own, which kernels elsewhere are built of.
    """
    sources = sorted({*Path(__file__).parent.glob("*.py"), *kernels.glob("*.py")})
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = cache_root() / "numba" / state
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        shared = Path(tempfile.gettempdir()) / f"hepcol-{os.getuid()}"
        shared.mkdir(mode=0o700, exist_ok=True)
        if shared.stat().st_uid != os.getuid():  # somebody else's code must not be loaded
            shared = Path(tempfile.mkdtemp(prefix="hepcol-"))
        folder = shared / "numba" / state
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel: cached on disk, without the GIL, division as in numpy, and never ``fastmath``.

    ``fastmath`` allows fused operations, which differ between CPUs, and assumes that there is no NaN.
    """
    previous = numba.config.CACHE_DIR
    # numba reads the folder once, when it decorates: other packages' caches stay where they were
    numba.config.CACHE_DIR = str(cache_folder(Path(function.__code__.co_filename).parent))
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = previous


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a building block of kernels, inlined by LLVM (``inline='always'`` compiles longer)."""
    return numba.njit(forceinline=True, error_model="numpy")(function)

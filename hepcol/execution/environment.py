"""What the bits of a result depend on beside code of the analysis: versions, and the CPU."""

import functools
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping

from hepcol.execution.code import hepcol_digest

# Those whose results a run is made of; a patch of one of them may round differently
PACKAGES = ("awkward", "boost-histogram", "coffea", "hist", "numba", "numpy", "uproot")
HEPCOL = "hepcol's code"
_CPU = "CPU"
# With another one of these, work is not that of the run
NEEDED = ("python", "awkward", "coffea", "numba", HEPCOL)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make results."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


@functools.cache
def environment() -> Mapping[str, str]:
    """Describe this process: versions, hepcol's code, and the CPU, as LLVM names it."""
    from llvmlite import binding

    return {**versions(), HEPCOL: hepcol_digest(), _CPU: binding.get_host_cpu_name()}


def unlike(other: Mapping[str, str]) -> str:
    """Say how this process differs from the one that has ``other``; nothing if it does not."""
    here = environment()
    return _difference(here, other, other)


def unfit(here: Mapping[str, str], worker: Mapping[str, str]) -> str:
    """Say why a worker cannot work for a client; nothing if it can."""
    return _difference(worker, here, NEEDED)


def _difference(there: Mapping[str, str], here: Mapping[str, str], names: Iterable[str]) -> str:
    return ", ".join(
        f"{name} {there.get(name)} instead of {here.get(name)}" for name in names if there.get(name) != here.get(name)
    )

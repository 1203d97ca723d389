"""What look-ups of bins cost of a pass: those of some electrons are recorded uncompiled, and made again compiled."""

import functools
import importlib
import os
import pkgutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.egamma_electrons import electrons
from benchmarks.measurement import run_once

RECORDED = 2000  # electrons; uncompiled they take a few ms each

Work = Callable[[], Any]


def passes(model: str, area: str, count: int) -> tuple[Any, dict[str, Work]]:
    """Return the tables that are looked into, and the passes."""
    from benchmarks.egamma_subjects import tool_of

    tool = tool_of(model, area)
    data, simulation = (electrons(count, model, simulated) for simulated in (False, True))
    return tool._tables, {
        "data": lambda: tool.calibrate(data),
        "nominal": lambda: tool.calibrate(simulation),
        "all": lambda: tool.calibrate_all(simulation),
    }


def record(model: str, area: str, count: str, path: str) -> None:
    """Write every look-up of each pass over electrons: axis and number."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # before numba is imported
    found: dict[str, Any] = {}
    made = _recorder()
    for name, work in passes(model, area, int(count))[1].items():
        made.clear()
        with np.errstate(over="ignore"):  # random numbers wrap around
            work()
        axes, numbers = zip(*made, strict=True)
        found |= {f"{name}_axes": np.array(axes, dtype=np.int64), f"{name}_numbers": np.array(numbers, dtype=float)}
    np.savez(path, allow_pickle=False, **found)


def _recorder() -> list[tuple[int, float]]:
    """Have all kernels note their look-ups in a list."""
    from calib.egamma import kernels
    from calib.egamma.kernels import lookup

    original, made = lookup.find_bin, []

    @functools.wraps(original)
    def find_bin(t: Any, axis: int, x: float) -> int:
        made.append((axis, x))
        return original(t, axis, x)

    for one in pkgutil.iter_modules(kernels.__path__, f"{kernels.__name__}."):
        module = importlib.import_module(one.name)
        if getattr(module, "find_bin", None) is original:
            module.find_bin = find_bin
    return made


def replay(model: str, area: str, count: int) -> dict[str, Any]:
    """Time the look-ups of passes by themselves, beside the passes."""
    import numba

    from benchmarks.egamma_subjects import timed
    from calib.egamma.kernels.lookup import find_bin

    @numba.njit(error_model="numpy")
    def look_up(t: Any, axes: Any, numbers: Any) -> int:
        total = 0
        for n in range(len(axes)):
            total += find_bin(t, axes[n], numbers[n])
        return total

    count = min(count, RECORDED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lookups.npz"
        run_once(("-m", "benchmarks.egamma_lookups", model, area, str(count), str(path)))
        with np.load(path) as file:
            recorded = {name: file[name] for name in file.files}
    tables, works = passes(model, area, count)
    found = {"total_s": 0.0}
    for name, work in works.items():
        given = tables, recorded[f"{name}_axes"], recorded[f"{name}_numbers"]
        assert look_up(*given) > 0
        work()
        alone, whole = timed(functools.partial(look_up, *given), work)
        found |= {f"{name}_lookups": len(given[1]) / count, f"{name}_percent": 100.0 * alone / whole}
        found["total_s"] += alone
    return found


if __name__ == "__main__":
    record(*sys.argv[1:])

"""What look-ups of bins cost of a pass: those of some electrons are recorded uncompiled, and made again compiled."""

import functools
import importlib
import os
import pkgutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.egamma_electrons import electrons
from benchmarks.measurement import run_once

RECORDED = 2000  # electrons; uncompiled they take a few ms each
PASSES = {"nominal": [], "all": "all"}  # systematics


def record(model: str, area: str, count: str, path: str) -> None:
    """Write every look-up of each pass over electrons: axis and number."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # before numba is imported
    from benchmarks.egamma_subjects import tool_of

    tool, columns, found = tool_of(model, area), electrons(int(count), model, simulated=True), {}
    made = _recorder()
    for name, systematics in PASSES.items():
        made.clear()
        with np.errstate(over="ignore"):  # random numbers wrap around
            tool.calibrate_all(columns, systematics=systematics)
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

    from benchmarks.egamma_subjects import timed, tool_of
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
    tool, columns = tool_of(model, area), electrons(count, model, simulated=True)
    found = {"total_s": 0.0}
    for name, systematics in PASSES.items():
        given = tool._tables, recorded[f"{name}_axes"], recorded[f"{name}_numbers"]
        assert look_up(*given) > 0
        tool.calibrate_all(columns, systematics=systematics)
        alone, whole = timed(
            lambda given=given: look_up(*given),
            lambda systematics=systematics: tool.calibrate_all(columns, systematics=systematics),
        )
        found |= {
            f"{name}_lookups": len(given[1]) / count,
            f"{name}_us": alone / count * 1e6,
            f"{name}_fraction": alone / whole,
        }
        found["total_s"] += alone
    return found


if __name__ == "__main__":
    record(*sys.argv[1:])

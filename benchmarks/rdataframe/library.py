"""The passes in C++ that are compiled ahead: built once, and called through ctypes."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pairs import ROOT

SOURCES = Path(__file__).parent
NAME = "libstudy.so"
# ROOT's own exceptions and errno are not looked at; neither flag changes a number
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-Wall")
UNITS = {
    "study.cpp": (),
    "values.cpp": (),
    "action.cpp": (),
    "equal.cpp": ("-ffp-contract=off",),
    "edm4hep_dictionary.cxx": (),
}


class Options(ctypes.Structure):
    """``study::Options``."""

    _fields_ = (
        ("path", ctypes.c_char_p),
        ("electrons", ctypes.c_char_p),
        ("algorithm", ctypes.c_char_p),
        ("flat", ctypes.c_int),
        ("variations", ctypes.c_int),
        ("sigma", ctypes.c_double),
        ("seed", ctypes.c_uint64),
        ("keys", ctypes.c_uint64 * 3),
    )


class Outcome(ctypes.Structure):
    """``study::Outcome``."""

    _fields_ = (("counts", ctypes.c_void_p), ("cutflow", ctypes.c_longlong * 3), ("loop", ctypes.c_double))


def build() -> tuple[Path, float | None]:
    """Return the library, and how many seconds it took to compile if it was not there yet."""
    compiler = os.environ.get("CXX", "g++")
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
    # the dictionary names the headers by their path: of another copy they would be seen twice
    key = (ROOT.gROOT.GetVersion(), version, FLAGS, UNITS, _processor(), str(SOURCES))
    state = hashlib.sha256(repr(key).encode())
    for source in sorted((*SOURCES.glob("*.hpp"), *SOURCES.glob("*.cpp"))):
        state.update(source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepcol" / "rdataframe"
    folder = cache / state.hexdigest()[:16]
    if (folder / NAME).is_file():
        return folder / NAME, None
    start = time.perf_counter()
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=cache))
    try:
        _compile(compiler, building)
        try:
            building.rename(folder)
        except OSError:  # another process was first
            if not (folder / NAME).is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder / NAME, time.perf_counter() - start


def _processor() -> str:
    """What ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))


def _compile(compiler: str, folder: Path) -> None:
    """Compile the sources and the dictionary of the EDM4hep structures to a library."""
    include, libraries = str(ROOT.TROOT.GetIncludeDir()), str(ROOT.TROOT.GetSharedLibDir())
    dictionary = folder / "edm4hep_dictionary.cxx"
    rootcling = str(Path(str(ROOT.TROOT.GetBinDir())) / "rootcling")
    headers = ["edm4hep.hpp", "edm4hep_linkdef.hpp"]
    _call([rootcling, "-f", dictionary, "-s", folder / NAME, f"-I{include}", f"-I{SOURCES}", *headers])
    standard = f"-std=c++{ROOT.gInterpreter.ProcessLine('__cplusplus;') // 100 % 100}"
    objects = []
    for unit, flags in UNITS.items():
        source = dictionary if unit == dictionary.name else SOURCES / unit
        objects.append(folder / f"{unit}.o")
        command = [compiler, standard, *FLAGS, *flags, f"-I{include}", f"-I{SOURCES}", "-c", source, "-o", objects[-1]]
        _call(command)
    linked = ("-lCore", "-lRIO", "-lTree", "-lTreePlayer", "-lHist", "-lROOTVecOps", "-lROOTDataFrame", "-lImt")
    search = [f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    _call([compiler, "-shared", "-Wl,-Bsymbolic-functions", *objects, *search, *linked, "-o", folder / NAME])


def _call(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SOURCES)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr}")


def load(library: Path) -> Any:
    """Load the library, with the dictionary in it."""
    # ROOT's own loader also finds the dictionary's module beside the library
    if ROOT.gSystem.Load(str(library)) < 0:
        raise RuntimeError(f"ROOT cannot load {library}")
    loaded = ctypes.CDLL(str(library))
    loaded.study_run.restype = loaded.study_prepare.restype = ctypes.c_char_p
    return loaded


def run(loaded: Any, options: Options, n_cells: int) -> tuple[npt.NDArray[np.int64], list[int], float]:
    """Run a pass; return the counts ``[variation, histogram, cell]``, the cutflow and the seconds of the event loop."""
    counts = np.zeros((options.variations, 3, n_cells), dtype=np.int64)
    outcome = Outcome(counts=counts.ctypes.data)
    _check(loaded.study_run(ctypes.byref(options), ctypes.byref(outcome)))
    return counts, list(outcome.cutflow), outcome.loop


def prepare(loaded: Any, options: Options, path: Path) -> list[int]:
    """Write the pairs to a flat file; return the cutflow."""
    outcome = Outcome()
    _check(loaded.study_prepare(ctypes.byref(options), ctypes.byref(outcome), str(path).encode()))
    return list(outcome.cutflow)


def _check(message: bytes | None) -> None:
    if message:
        raise RuntimeError(message.decode())

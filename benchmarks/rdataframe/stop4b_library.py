"""The passes of the stop 4-body analysis that are compiled ahead: built once, called through ctypes, without PyROOT."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from stop4b_cuts import Selection, Yields, no_yields, write_header

SOURCES = Path(__file__).parent
# neither flag changes a number; smearing.hpp asks for -ffp-contract=off
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fPIC", "-Wall")
LINKED = ("-lCore", "-lRIO", "-lTree", "-lTreePlayer", "-lHist", "-lROOTVecOps", "-lROOTDataFrame", "-lImt")


def build(name: str, selection: Selection) -> tuple[Path, float | None]:
    """Return the library of a pass, and how many seconds it took to compile if it was not there yet."""
    root, header, compiler = _root(), write_header(selection), os.environ.get("CXX", "g++")
    identity = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
    key = (version("root"), str(root), identity, FLAGS, name, header, _processor())
    state = hashlib.sha256(repr(key).encode())
    for source in sorted((*SOURCES.glob("stop4b*.hpp"), SOURCES / "smearing.hpp", SOURCES / f"stop4b_{name}.cpp")):
        state.update(source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepcol" / "rdataframe"
    folder = cache / f"stop4b_{name}_{state.hexdigest()[:16]}"
    library = folder / f"libstop4b_{name}.so"
    if library.is_file():
        return library, None
    start = time.perf_counter()
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=cache))
    try:
        (building / "stop4b_cuts.hpp").write_text(header)
        _compile(compiler, root, SOURCES / f"stop4b_{name}.cpp", building / library.name)
        try:
            building.rename(folder)
        except OSError:  # another process was first
            if not library.is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return library, time.perf_counter() - start


def _root() -> Path:
    """Folder of ROOT's package, which is not loaded: that takes 0.5 s, the C++ libraries 0.15 s."""
    found = find_spec("ROOT")
    if found is None or found.origin is None:
        raise RuntimeError("ROOT is not installed: pip install 'hepcol[rdf]'")
    return Path(found.origin).parent


def _processor() -> str:
    """What ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))


def _compile(compiler: str, root: Path, source: Path, library: Path) -> None:
    printed = subprocess.run([root / "bin" / "root-config", "--cflags"], capture_output=True, text=True, check=True)
    standard = [flag for flag in printed.stdout.split() if flag.startswith("-std=")]
    folders = [f"-I{folder}" for folder in (root / "include", SOURCES, library.parent)]
    search = [f"-L{root / 'lib'}", f"-Wl,-rpath,{root / 'lib'}"]
    command = [compiler, *standard, *FLAGS, *folders, "-shared", source, "-o", library, *search, *LINKED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr}")


def run(
    library: Path, paths: list[Path], threads: int | None, chosen: frozenset[str] | None
) -> tuple[Yields, int, float]:
    """Run a pass; return what was found, the number of rows and the seconds it took, without loading."""
    function = ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL).stop4b_run
    function.restype = ctypes.c_char_p
    arguments = ("\n".join(map(str, paths)), "\n".join(sorted(chosen or ())))
    first, *lines = function(*(text.encode() for text in arguments), threads or 0).decode().splitlines()
    if first.startswith("error"):
        raise RuntimeError(first.partition("\t")[2])
    yields = no_yields()
    for line in lines:
        sample, variation, region, number, *weights = line.split("\t")
        yields[sample][variation][region] = [int(number), *map(float, weights)]
    rows, seconds = first.split("\t")
    return yields, int(rows), float(seconds)

"""The stop 4-body analysis in versions of RDataFrame: what hepcol's yields and times are held against.

Each mode prints one JSON object with the numbers of rows, sums of weights and sums of squared weights of every
sample, variation and region, without luminosity and normalisation. Nothing of hepcol is imported; the cuts are read
from the table of its processor.

original    a loop for each tree, region and number, as the study was written
best        strings, one graph for all trees of a kind: what one who knows RDataFrame writes in Python
dask        ``best``, distributed to processes of a local cluster
compiled    the graphs of ``best`` in C++, compiled ahead by g++; PyROOT is not loaded
objects     from objects, with RDataFrame's ``Vary``; compiled ahead

`total_s` is the time since the process was started; `start_s` of it passes before ROOT is ready (`compiled` loads it
later), `loop_s` from the first look at the files until all yields are read, compiling by RDataFrame included;
`cluster_s` is the start of the cluster; `build_s` that of the library, if it had to be compiled.

`total_s` of 41 trees of Wt, of two cores that others used as well: with 218 k rows original 4.8 to 5.4 s, best 2.5 to
2.8 s, compiled 0.4 to 0.5 s, objects (6000 events) 0.5 s; with 4.4 M rows 19 to 20 s, 3.1 to 3.9 s, 0.9 to 1.0 s.
"""

import time

STARTED = time.time()  # before ROOT is loaded, as all other imports do

import argparse
import json
import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stop4b_library
from cluster import local_cluster
from stop4b_cuts import CUTS, KINEMATIC, NOMINAL, Kind, Selection, Yields, kind_of, read_selection

ORIGINAL, BEST, DASK, COMPILED, OBJECTS = MODES = ("original", "best", "dask", "compiled", "objects")
LIBRARIES = {COMPILED: "flat", OBJECTS: "objects"}


@dataclass(frozen=True)
class Task:
    """What is to be run.

    Parameters
    ----------
    mode : str
        Of ``MODES``.
    paths : list of Path
        Files, flat or of objects.
    selection : Selection
        The cuts.
    chosen : set of str, optional
        Variations; all if there are none.
    threads, workers : int, optional
        ROOT's implicit multi-threading, and processes of Dask.
    """

    mode: str
    paths: list[Path]
    selection: Selection
    chosen: frozenset[str] | None
    threads: int | None
    workers: int | None

    def check(self, yields: Yields) -> None:
        """Raise an error if a sample lacks a variation that is asked for, as it does if its tree is not there."""
        for sample, found in yields.items():
            kind = kind_of(sample)
            expected = {NOMINAL, *kind.variations, *(() if kind == Kind.DATA else KINEMATIC)}
            if missing := expected & (self.chosen or expected) - set(found):
                raise ValueError(f"sample {sample} lacks {', '.join(sorted(missing))}")


@dataclass(frozen=True)
class Found:
    """Yields, number of rows, and more for the report: times [s]."""

    yields: Yields
    rows: int
    facts: dict[str, Any]


def run_compiled(task: Task) -> Found:
    """Run a pass that is compiled ahead."""
    library, build_s = stop4b_library.build(LIBRARIES[task.mode], task.selection)
    start = _since_start()
    yields, rows, seconds = stop4b_library.run(library, task.paths, task.threads, task.chosen)
    return Found(yields, rows, {"build_s": build_s, "start_s": start, "loop_s": seconds})


def run_strings(task: Task) -> Found:
    """Run a pass that RDataFrame compiles."""
    if task.mode != ORIGINAL:
        # Compiling is most of the work: by default `best` takes 1 s more, with -O2 1.5 s. Code that is not optimised
        # costs 0.1 s per 4.4 M rows, as the loop is in ROOT's libraries.
        os.environ.setdefault("EXTRA_CLING_ARGS", "-O0")
    from stop4b_strings import ROOT, find_datasets, run_best, run_original

    ROOT.gInterpreter.ProcessLine(";")
    if task.threads:
        ROOT.EnableImplicitMT(task.threads)
    facts: dict[str, Any] = {"start_s": _since_start()}
    start = time.perf_counter()
    with (
        local_cluster(task.workers, _load_root) as client,
        redirect_stdout(sys.stderr),
    ):  # where Dask draws a progress bar
        if client:
            facts["cluster_s"] = time.perf_counter() - start
            start = time.perf_counter()
        datasets = find_datasets(task.paths, task.chosen)
        if task.mode == ORIGINAL:
            yields, rows = run_original(datasets, task.selection, task.chosen)
        else:
            yields, rows = run_best(datasets, task.selection, task.chosen, client)
        facts["loop_s"] = time.perf_counter() - start
    return Found(yields, rows, facts)


def _load_root() -> None:
    """Load ROOT in a worker: ROOT 6.40 crashes if the first that a worker gets is one of its objects."""
    import ROOT

    ROOT.gInterpreter.ProcessLine(";")


def _since_start() -> float:
    """Time since this process was started, by the clock of the one that started it if it tells [s]."""
    return time.time() - float(os.environ.get("HEPCOL_BENCHMARK_STARTED", STARTED))


def find_files(path: Path) -> list[Path]:
    """Files of a folder with a folder for each campaign, or the file itself."""
    return sorted((*path.glob("mc16*/*.root"), *path.glob("data1*.root"))) if path.is_dir() else [path]


def _parser() -> argparse.ArgumentParser:
    # click takes 0.03 s to load, of the 0.4 s of `compiled`
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="files, or folders that hold mc16*/*.root and data*.root")
    parser.add_argument("--mode", choices=MODES, default=BEST)
    parser.add_argument("--threads", type=int, help="of ROOT's implicit multi-threading; serial if not given")
    parser.add_argument("--workers", type=int, default=2, help="processes of dask")
    parser.add_argument("--variations", help="names of trees and of columns, separated by commas; all if not given")
    parser.add_argument("--selection", type=Path, default=CUTS, help="table of cuts")
    return parser


def main() -> None:
    """Run a mode and print what it found."""
    parser = _parser()
    given = parser.parse_args()
    chosen = frozenset(given.variations.split(",")) if given.variations else None
    if unknown := (chosen or set()) - {NOMINAL, *KINEMATIC, *Kind.FAKES.variations}:
        parser.error(f"no variations {', '.join(sorted(unknown))}")
    if given.mode == DASK and given.threads:
        parser.error("give either --threads or --mode dask")
    paths = [path for one in given.paths for path in find_files(one)]
    workers = given.workers if given.mode == DASK else None
    task = Task(given.mode, paths, read_selection(given.selection), chosen, given.threads, workers)
    found = run_compiled(task) if task.mode in LIBRARIES else run_strings(task)
    report = {"mode": task.mode, "threads": task.threads or 1, "workers": task.workers or 1, **found.facts}
    report |= {"total_s": _since_start(), "rows": found.rows, "yields": found.yields}
    task.check(found.yields)
    print(json.dumps(report))


if __name__ == "__main__":
    main()

"""Skims by RDataFrame's Snapshot, which hepcol's are held against: ten columns of what passes a cut.

columns     as RDataFrame is written: ``Filter``, ``Define`` and ``Snapshot`` of columns by their names
restricted  the same, with all other branches switched off, which a careful analyst does

Prints one JSON object: ``total_s`` since the process was started, ``loop_s`` from the call until the file is closed,
compiling by RDataFrame included, and how many ``events`` pass.
"""

import time

STARTED = time.time()

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ROOT

from library import SOURCES

COLUMNS, RESTRICTED = MODES = ("columns", "restricted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("file")
    parser.add_argument("output")
    parser.add_argument("--tree", default="events")
    parser.add_argument("--cut", required=True)
    parser.add_argument("--columns", nargs="+", required=True)
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    ROOT.gErrorIgnoreLevel = ROOT.kFatal  # of classes without dictionaries
    if told.threads > 1:
        ROOT.EnableImplicitMT(told.threads)
    started = float(os.environ.get("HEPCOL_BENCHMARK_STARTED", STARTED))
    ready = time.time()
    frame, kept = _frame(told.mode, told.file, told.tree, told.columns)
    frame = frame.Filter(told.cut)
    names = []
    for number, column in enumerate(told.columns):
        name = f"column_{number}"
        # a column with # in its name is nothing for C++: an alias first
        frame = frame.Alias(f"alias_{number}", column).Define(name, f"alias_{number}")
        names.append(name)
    count = frame.Count()
    frame.Snapshot(told.tree, told.output, names)
    done = time.time()
    del kept
    print(
        json.dumps(
            {
                "total_s": done - started,
                "start_s": ready - started,
                "loop_s": done - ready,
                "events": count.GetValue(),
                "size": Path(told.output).stat().st_size,
            }
        )
    )


def _frame(mode: str, file: str, tree: str, columns: list[str]) -> tuple[object, object]:
    """Return the frame, and what has to live as long as it does."""
    if mode == COLUMNS:
        return ROOT.RDataFrame(tree, file), None
    ROOT.gInterpreter.Declare(f'#include "{SOURCES / "reading.hpp"}"')
    branches = [*{column.partition(".")[0] for column in columns if "." in column}, *columns]
    restricted = ROOT.study.Restricted(file, tree, branches)
    return restricted.frame.value(), restricted


if __name__ == "__main__":
    sys.exit(main())

"""The timed versions of the study in RDataFrame, one after the other in a process of their own."""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "rdataframe"))
import library
import study
from pairs import ROOT


def run(folder, runs, clustered, flat):
    """Write a copy in small clusters and the flat files that are asked for, then what each run finds."""
    ROOT.gErrorIgnoreLevel = ROOT.kError
    built, _ = library.build()
    for source, copy in clustered.items():
        copy_in_clusters(source, copy)
    for path, (source, electrons) in flat.items():
        study.prepare(make(source, "best", electrons), Path(path), built)
    for name, threads, options in runs:
        task = make(**options)
        if threads:
            ROOT.EnableImplicitMT(threads)
        found = study.run_compiled(task, built) if task.is_compiled_ahead else study.run_interpreted(task, None, None)
        ROOT.DisableImplicitMT()
        np.savez(folder / f"{name}.npz", **found.counts)
        (folder / f"{name}.json").write_text(json.dumps(found.cutflow))


def make(path, version, electrons, variations=1, sigma=2.0, seed=1):
    return study.Study(Path(path), version, electrons, variations, sigma, seed)


def copy_in_clusters(source, copy, events=300):
    """Copy a file so that ROOT has something to share out among threads, which take whole clusters."""
    read = ROOT.TFile.Open(source)
    tree = read.Get("events")
    written = ROOT.TFile(copy, "RECREATE")
    cloned = tree.CloneTree(0)
    cloned.SetAutoFlush(events)
    cloned.CopyEntries(tree)
    cloned.Write()
    written.Close()


if __name__ == "__main__":
    run(Path(sys.argv[1]), **json.load(sys.stdin))

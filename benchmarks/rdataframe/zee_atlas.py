"""Z -> ee in ATLAS's PHYSLITE by RDataFrame, without calibration: what hepcol's nominal histograms are held against.

Strings, and functions that ROOT compiles once (``zee_atlas.cpp``), as one who knows RDataFrame would write it. The
events are of simulation. Nothing of hepcol is imported. Prints one JSON object: entries of m_ee, and the sums of
weights and of their squares of all observables, by the number of electrons in the endcaps.

`total_s` is the time since the process was started; `start_s` of it passes before ROOT is ready and what it compiled
loaded, `loop_s` from the first look at the file until all histograms are read, compiling by RDataFrame included;
`build_s` is the time of compiling, the first time; `cluster_s` that of the start of a cluster.
"""

import time

STARTED = time.time()  # before ROOT is loaded, as all other imports do

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from cluster import local_cluster

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "\\s*This distribution of ROOT is in alpha stage", UserWarning)
    import ROOT

SOURCES = (Path(__file__).with_suffix(".cpp"), Path(__file__).with_name("zee_atlas_links.hpp"))
TREE = "CollectionTree"
ELECTRONS = ("pt", "eta", "phi", "charge", "topoetcone20")
TRIGGERS = (
    "HLT_e24_lhmedium_L1EM20VH",
    "HLT_e60_lhmedium",
    "HLT_e120_lhloose",
    "HLT_e26_lhtight_nod0_ivarloose",
    "HLT_e60_lhmedium_nod0",
    "HLT_e140_lhloose_nod0",
)
REGIONS, BINS = 3, 50
OBSERVABLES = {
    "m_ee": (BINS, 66.0, 116.0),
    "leading_pt": (BINS, 20.0, 120.0),
    "subleading_pt": (BINS, 20.0, 120.0),
    "leading_eta": (BINS, -2.5, 2.5),
    "subleading_eta": (BINS, -2.5, 2.5),
}


def load_functions() -> float | None:
    """Load what ``zee_atlas.cpp`` has; return the seconds that compiling took, if it was not compiled yet."""
    state = hashlib.sha256(str(ROOT.gROOT.GetVersion()).encode())
    for source in SOURCES:
        state.update(source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepcol" / "rdataframe"
    folder = cache / f"zee_atlas_{state.hexdigest()[:16]}"
    library = folder / "zee_atlas_cpp.so"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits for the first to compile
        if library.is_file():
            ROOT.gSystem.Load(str(library))
            return None
        start = time.perf_counter()
        for source in SOURCES:
            shutil.copyfile(source, folder / source.name)
        # k: keep the library; O: optimise; s: silently; -: beside the source
        if not ROOT.gSystem.CompileMacro(str(folder / SOURCES[0].name), "kOs-", "", str(folder)):
            raise RuntimeError(f"{folder / SOURCES[0].name} cannot be compiled")
        return time.perf_counter() - start


def book(path: Path, client: Any) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Book all that is asked for: the number of events of each step, and histograms with and without weights."""
    frame = ROOT.RDataFrame(TREE, str(path), **({"executor": client} if client else {}))
    there = {str(name) for name in frame.GetColumnNames()}
    for name in ELECTRONS:
        frame = frame.Alias(name, f"AnalysisElectronsAuxDyn.{name}")
    frame = (
        frame.Alias("medium", "AnalysisElectronsAuxDyn.DFCommonElectronsLHMedium")
        .Alias("ptvarcone30", "AnalysisElectronsAuxDyn.ptvarcone30_Nonprompt_All_MaxWeightTTVALooseCone_pt1000")
        .Alias("clusters", "AnalysisElectronsAuxDyn.caloClusterLinks")
        .Alias("cluster_eta", "egammaClustersAuxDyn.ETA2CALOFRAME")
        .Alias("is_clean", "EventInfoAuxDyn.DFCommonJets_eventClean_LooseBad")
        .Alias("generator_weights", "EventInfoAuxDyn.mcEventWeights")
        .Alias("pile_up_weight", "EventInfoAuxDyn.PileupWeight_NOSYS")
    )
    fired = []
    for trigger in TRIGGERS:
        branch = f"AnalysisTrigMatch_{trigger}AuxDyn.TrigMatchedObjects"
        if branch in there:
            frame = frame.Alias(trigger, branch)
            fired.append(f"zee_atlas::matched({trigger}, pt.size())")
    clean = frame.Filter("is_clean != 0")
    candidates = (
        clean.Define("abs_eta", "zee_atlas::abs_eta(clusters, cluster_eta)")
        .Define("good", "zee_atlas::select(pt, abs_eta, medium, ptvarcone30, topoetcone20)")
        .Filter("Sum(good) >= 2")
    )
    triggered = candidates.Define("matched", " || ".join(fired) or "good").Filter("zee_atlas::fires(good, matched)")
    hard = triggered.Define("pair", "zee_atlas::hard(pt, good)").Filter("pair.size() == 2")
    opposite = hard.Filter("charge[pair[0]] * charge[pair[1]] < 0")
    selected = (
        opposite.Define("m_ee", "zee_atlas::mass(pt, eta, phi, pair)")
        .Filter("m_ee > 66 && m_ee < 116")
        .Define("leading_pt", "pt[pair[0]] * 1e-3")
        .Define("subleading_pt", "pt[pair[1]] * 1e-3")
        .Define("leading_eta", "eta[pair[0]]")
        .Define("subleading_eta", "eta[pair[1]]")
        .Define("endcap_electrons", "(abs_eta[pair[0]] > 1.37) + (abs_eta[pair[1]] > 1.37)")
        .Define("weight", "double(generator_weights[0]) * pile_up_weight")
    )
    axes = {
        name: ("", "", REGIONS, 0.0, float(REGIONS), bins, low, high) for name, (bins, low, high) in OBSERVABLES.items()
    }
    steps = {
        "all events": frame,
        "event cleaning": clean,
        "two isolated medium electrons": candidates,
        "one fires a trigger": triggered,
        "exactly two with pt > 27 GeV": hard,
        "of opposite charge": opposite,
        "66 < m_ee < 116 GeV": selected,
    }
    weighted = {
        name: selected.Histo2D((name, *axis[1:]), "endcap_electrons", name, "weight") for name, axis in axes.items()
    }
    entries = selected.Histo2D(("entries", *axes["m_ee"][1:]), "endcap_electrons", "m_ee")
    return {name: one.Count() for name, one in steps.items()}, weighted, entries


def run(path: Path, client: Any = None) -> dict[str, Any]:
    """Run the analysis over a file, in this process or on a cluster."""
    if client:
        ROOT.RDF.Distributed.initialize(load_functions)
    steps, weighted, entries = book(path, client)
    return {
        "cutflow": {name: int(count.GetValue()) for name, count in steps.items()},
        "entries": _cells(entries.GetArray(), np.int64),
        "sums": {name: _cells(one.GetArray(), np.float64) for name, one in weighted.items()},
        "squares": {name: _cells(one.GetSumw2().GetArray(), np.float64) for name, one in weighted.items()},
    }


def _cells(array: Any, kind: Any) -> list[Any]:
    """Bins of a histogram, with flow, by region."""
    cells = np.frombuffer(array, dtype=np.float64, count=(REGIONS + 2) * (BINS + 2)).reshape(BINS + 2, REGIONS + 2)
    found: list[Any] = cells[:, 1:-1].T.astype(kind).tolist()
    return found


def _since_start() -> float:
    """Time since this process was started, by the clock of the one that started it if it tells [s]."""
    return time.time() - float(os.environ.get("HEPCOL_BENCHMARK_STARTED", STARTED))


def main() -> None:
    """Run the analysis and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="file of PHYSLITE, of simulation")
    parser.add_argument("--threads", type=int, help="of ROOT's implicit multi-threading; serial if not given")
    parser.add_argument("--dask", type=int, help="processes of a local cluster")
    given = parser.parse_args()
    if given.dask and given.threads:
        parser.error("give either --threads or --dask")
    # nearly all that is done for an event is compiled already: optimising the rest takes 2 s, and gains less of 10^6
    os.environ.setdefault("EXTRA_CLING_ARGS", "-O0")
    ROOT.gErrorIgnoreLevel = ROOT.kError  # one warning for each class without dictionary
    ROOT.gInterpreter.ProcessLine(";")
    build_s = load_functions()
    if given.threads:
        ROOT.EnableImplicitMT(given.threads)
    report: dict[str, Any] = {"root": str(ROOT.gROOT.GetVersion()), "threads": given.threads or 1, "build_s": build_s}
    report["start_s"], start = _since_start(), time.perf_counter()
    # stdout: Dask draws a progress bar
    with local_cluster(given.dask, load_functions) as client, redirect_stdout(sys.stderr):
        if client:
            report["cluster_s"] = time.perf_counter() - start
            start = time.perf_counter()
        found = run(given.path, client)
        report["loop_s"] = time.perf_counter() - start
    print(json.dumps(report | {"total_s": _since_start(), **found}))


if __name__ == "__main__":
    main()

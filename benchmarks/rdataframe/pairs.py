"""The electron pairs of the events, chosen by RDataFrame as hepcol chooses them."""

import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "\\s*This distribution of ROOT is in alpha stage", UserWarning)
    import ROOT

GENERATOR, RECONSTRUCTED, ORIGINAL = ELECTRONS = ("generator", "reconstructed", "original")
ORIGINAL_MASS = 0.0005124  # GeV, the electron mass of the original study

# podio::ObjectID points nowhere if its collection is -1 (untracked) or -2 (invalid)
LINKED = "index >= 0 && index < static_cast<int>(all_px.size()) && collection != -1 && collection != -2"


def select_pairs(frame: Any, electrons: str) -> tuple[Any, dict[str, Any]]:
    """Define the momenta and masses of the pairs; return them and the steps of the selection."""
    include("smearing.hpp")
    frame = name_columns(frame, electrons)
    frame, steps = _original_pair(frame) if electrons == ORIGINAL else _leading_pair(frame)
    for name in ("px", "py", "pz", "mass"):
        frame = frame.Define(name, f"ROOT::RVecD(Take(all_{name}, pair))")
    return frame.Define("energy", "zee::energies(px, py, pz, mass)"), steps


def name_columns(frame: Any, electrons: str) -> Any:
    """Name the branches, and list the electron candidates as positions in their collection."""
    collection = "ReconstructedParticles" if electrons == RECONSTRUCTED else "Particle"
    frame = frame.Alias("charge", f"{collection}.charge")
    for axis in "xyz":
        frame = frame.Alias(f"all_p{axis}", f"{collection}.momentum.{axis}")
    if electrons == ORIGINAL:
        return frame.Define("all_mass", f"ROOT::RVecD(charge.size(), {ORIGINAL_MASS})")
    frame = frame.Alias("all_mass", f"{collection}.mass")
    if electrons == GENERATOR:
        return (
            frame.Alias("pdg", "Particle.PDG")
            .Alias("status", "Particle.generatorStatus")
            .Define("candidates", "Nonzero(abs(pdg) == 11 && status == 1)")
        )
    return (
        frame.Alias("index", "Electron#0.index")
        .Alias("collection", "Electron#0.collectionID")
        .Define("candidates", f"ROOT::RVec<std::size_t>(index[{LINKED}])")
    )


def _leading_pair(frame: Any) -> tuple[Any, dict[str, Any]]:
    """Choose the electron of highest energy and its highest-energy partner of opposite charge."""
    steps = {"all events": frame}
    frame = steps["at least two electrons"] = frame.Filter("candidates.size() >= 2")
    frame = frame.Define("all_energy", "zee::energies(all_px, all_py, all_pz, all_mass)").Define(
        "pair", "zee::leading_pair(all_energy, charge, candidates)"
    )
    frame = steps["opposite-charge pair"] = frame.Filter("!pair.empty()")
    return frame, steps


def _original_pair(frame: Any) -> tuple[Any, dict[str, Any]]:
    """Take the first two particles, which are the beams, if their charges are opposite."""
    steps = {"all events": frame}
    frame = steps["at least two particles"] = frame.Filter("charge.size() >= 2")
    frame = steps["opposite-charge pair"] = frame.Filter("charge[0] * charge[1] < 0")
    return frame.Define("pair", "ROOT::RVec<std::size_t>{0, 1}"), steps


def include(header: str) -> None:
    """Give a header of this folder to ROOT's interpreter."""
    if not ROOT.gInterpreter.Declare(f'#include "{Path(__file__).with_name(header)}"'):
        raise RuntimeError(f"{header} does not compile in ROOT {ROOT.gROOT.GetVersion()}")

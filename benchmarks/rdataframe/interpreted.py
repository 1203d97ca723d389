"""The passes that RDataFrame compiles while it runs: those of strings, and ``best`` on a cluster."""

import os
from typing import Any

from pairs import GENERATOR, ORIGINAL, RECONSTRUCTED, select_pairs
from reference import SMEARED, book_histograms

COLUMNS = {"e1": "e1_energy", "e2": "e2_energy", "m_ee": "m_ee"}  # as the original study names them
CHOICES = {
    GENERATOR: "study::choose_generated(Particle)",
    RECONSTRUCTED: "study::choose_reconstructed(ReconstructedParticles, links)",
    ORIGINAL: "study::choose_original(Particle)",
}
PREPARED = {
    GENERATOR: "study::prepare(Particle, choice, 0)",
    RECONSTRUCTED: "study::prepare(ReconstructedParticles, choice, 0)",
    ORIGINAL: "study::prepare_original(Particle, choice, 0)",
}


def set_up(header: str, library: str | None, seed: int, slots: int, *, distributed: bool) -> None:
    """Give the functions to ROOT and seed the generators: in this process, or in each worker before its tasks."""
    import ROOT

    ROOT.gErrorIgnoreLevel = ROOT.kError
    if library and ROOT.gSystem.Load(library) < 0:
        raise RuntimeError(f"ROOT cannot load {library}")
    if not ROOT.gInterpreter.Declare(f'#include "{header}"'):
        raise RuntimeError(f"{header} does not compile in ROOT {ROOT.gROOT.GetVersion()}")
    process = os.getpid() if distributed else 0  # so that workers draw different numbers
    if library:
        ROOT.study.seed_process(seed, process)
    else:
        ROOT.original.seed(slots, (seed + process) % 2**32)


def book_original(frame: Any, electrons: str, variations: int, sigma: float) -> tuple[dict[str, list[Any]], list[Any]]:
    """Define a column and book a histogram for each variation and observable.

    Returns the histograms of each observable and the frames of the cutflow.
    """
    frame, steps = select_pairs(frame, electrons)
    frame = _define_unsmeared(frame, electrons)
    smear = f"original::smear(energies, {sigma}, rdfslot_)"
    for i in range(variations):
        if electrons == ORIGINAL:  # each from draws of its own
            frame = frame.Define(f"m_ee_{i}", f"original::pair_mass({smear}, p_square)")
            e1, e2 = f"{smear}[0]", f"{smear}[1]"
        else:
            frame = frame.Define(f"smeared_{i}", smear)
            frame = frame.Define(f"m_ee_{i}", f"original::rescaled_mass(smeared_{i}, mass, cosine)")
            e1, e2 = f"smeared_{i}[0]", f"smeared_{i}[1]"
        frame = frame.Define(f"e1_energy_{i}", e1).Define(f"e2_energy_{i}", e2)
    histograms = {
        name: [frame.Histo1D((f"{column}_{i}", "", *SMEARED[name]), f"{column}_{i}") for i in range(variations)]
        for name, column in COLUMNS.items()
    }
    return histograms, list(steps.values())


def book_columns(frame: Any, electrons: str, variations: int, sigma: float) -> tuple[dict[str, Any], list[Any]]:
    """Define all smeared values at once, and book a histogram of variation and value for each observable."""
    frame, steps = select_pairs(frame, electrons)
    frame = _define_unsmeared(frame, electrons)
    if electrons == ORIGINAL:
        smear = f"smear_independently(energies, p_square, {sigma}, {variations}, rdfslot_)"
    else:
        smear = f"smear(energies, mass, cosine, {sigma}, {variations}, rdfslot_)"
    return _book_smeared(frame.Define("smeared", f"columns::{smear}"), variations), list(steps.values())


def book_best(
    frame: Any, electrons: str, variations: int, sigma: float, *, flat: bool
) -> tuple[dict[str, Any], list[Any]]:
    """As ``book_columns``, with the functions of ``best``: on a cluster RDataFrame takes no compiled frame."""
    frames = [frame]
    if flat:
        members = "0, mass_square, sum" if electrons == ORIGINAL else "opening"
        frame = frame.Define("pair", f"study::Pair{{0, {{}}, {{e1, e2}}, {members}}}")
    else:
        if electrons == RECONSTRUCTED:
            frame = frame.Alias("links", "Electron#0")
        frame = frame.Define("choice", CHOICES[electrons])
        for step in (1, 2):
            frame = frame.Filter(f"choice.passed >= {step}")
            frames.append(frame)
        frame = frame.Define("pair", PREPARED[electrons])
    independent = str(electrons == ORIGINAL).lower()
    frame = frame.Define("task", f"study::Task{{{variations}, {sigma}f, 0, {{}}, {independent}}}").Define(
        "smeared", "study::smear(pair, task)"
    )
    return _book_smeared(frame, variations), frames


def _define_unsmeared(frame: Any, electrons: str) -> Any:
    """Define what the smearing of the original study takes."""
    frame = frame.Define("energies", "ROOT::RVecF(energy)")
    if electrons == ORIGINAL:
        return frame.Define("p_square", "zee::total_momentum_square(px, py, pz)")
    return frame.Define("cosine", "zee::cos_angle(px, py, pz)")


def _book_smeared(frame: Any, variations: int) -> dict[str, Any]:
    for name in SMEARED:
        frame = frame.Define(f"smeared_{name}", f"smeared.{name}")
    return book_histograms(frame, variations, prefix="smeared_")

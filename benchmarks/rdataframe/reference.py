"""The Z -> ee study as RDataFrame passes over one file: what hepcol's results and times are held against.

``smeared`` runs hepcol's random numbers and arithmetic, written again in ``smearing.hpp``; ``plain`` is what one
would write with ROOT's own vectors, without smearing. RDataFrame reads the branches, selects, and fills ROOT's
own histograms. Nothing of hepcol, awkward or coffea is imported.
"""

import hashlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from pairs import ELECTRONS, ORIGINAL, RECONSTRUCTED, ROOT, include, name_columns, select_pairs

SMEARED = {"e1": (50, 0.0, 100.0), "e2": (50, 0.0, 100.0), "m_ee": (50, 84.0, 98.0)}
DELTA_R = (50, 0.0, 5.0)


@dataclass(frozen=True)
class Pass:
    """What an RDataFrame pass found.

    Parameters
    ----------
    counts : dict of str to int64[variations, bins + 2]
        Entries of the histograms, with flow bins.
    cutflow : dict of str to int
        Events that passed each step.
    seconds : float
        Time of the event loop, just-in-time compilation included.
    """

    counts: dict[str, npt.NDArray[np.int64]]
    cutflow: dict[str, int]
    seconds: float


def smeared(path: str | Path, electrons: str, sigma: float, variations: int, seed: int) -> Pass:
    """Histogram the smeared pairs, all variations in one pass."""
    frame, steps = _smear(path, electrons, sigma, variations, seed)
    histograms = book_histograms(frame, variations)
    distance = frame.Histo1D(("delta_r", "", *DELTA_R), "delta_r")
    cutflow, seconds = _run(steps)
    counts = {name: counts_of(histogram)[1:-1] for name, histogram in histograms.items()}
    return Pass(counts | {"delta_r": np.tile(counts_of(distance), (variations, 1))}, cutflow, seconds)


def smeared_values(
    path: str | Path, electrons: str, sigma: float, variations: int, seed: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what ``smeared`` fills: ``delta_r[n]`` and the others ``[n, variations]``."""
    frame, _ = _smear(path, electrons, sigma, variations, seed)
    columns = frame.AsNumpy([*SMEARED, "delta_r"])
    return {name: np.stack([np.asarray(value) for value in column]) for name, column in columns.items()}


def plain(path: str | Path, electrons: str) -> Pass:
    """Fill the unsmeared pairs from ROOT's four-vectors in double precision; not for ``original``."""
    include("plain.hpp")
    frame = (
        name_columns(ROOT.RDataFrame("events", str(path)), electrons)
        .Define("p4", "Take(ROOT::VecOps::Construct<plain::P4>(all_px, all_py, all_pz, all_mass), candidates)")
        .Define("q", "Take(charge, candidates)")
        .Define("by_energy", "StableArgsort(-plain::energies(p4))")
    )
    steps = {"all events": frame}
    frame = steps["at least two electrons"] = frame.Filter("p4.size() >= 2")
    frame = frame.Define("leading", "by_energy[0]").Define("partners", "by_energy[Take(q, by_energy) * q[leading] < 0]")
    frame = steps["opposite-charge pair"] = frame.Filter("!partners.empty()")
    frame = (
        frame.Define("subleading", "partners[0]")
        .Define("e1", "p4[leading].E()")
        .Define("e2", "p4[subleading].E()")
        .Define("m_ee", "(p4[leading] + p4[subleading]).M()")
        .Define("delta_r", "ROOT::Math::VectorUtil::DeltaR(p4[leading], p4[subleading])")
    )
    histograms = {
        name: frame.Histo1D((name, "", *axis), name) for name, axis in (SMEARED | {"delta_r": DELTA_R}).items()
    }
    cutflow, seconds = _run(steps)
    counts = {name: counts_of(histogram)[np.newaxis] for name, histogram in histograms.items()}
    return Pass(counts, cutflow, seconds)


def book_histograms(frame: Any, variations: int, prefix: str = "") -> dict[str, Any]:
    """Book a histogram of variation and value for each smeared observable, of which columns have all variations."""
    frame = frame.Define("variation", f"ROOT::VecOps::Range({variations})")
    return {
        name: frame.Histo2D((name, "", variations, -0.5, variations - 0.5, *axis), "variation", f"{prefix}{name}")
        for name, axis in SMEARED.items()
    }


def stream_key(seed: int, stream: str, namespace: str) -> int:
    """Key of a random stream, as documented in ``hepcol.random``."""
    message = f"{seed}:{len(stream)}:{stream}:{len(namespace)}:{namespace}"
    return int.from_bytes(hashlib.blake2b(message.encode(), digest_size=8).digest(), "little")


def _smear(path: str | Path, electrons: str, sigma: float, variations: int, seed: int) -> tuple[Any, dict[str, Any]]:
    """Define the smeared observables; event and object are the entry in the file and the index in its collection."""
    frame, steps = select_pairs(ROOT.RDataFrame("events", str(path)), electrons)
    # hepcol adds its terms in quadrature, and the root of a square may differ from the number in the last bit
    width = repr(math.sqrt(sigma * sigma))
    namespace = uuid_of(path)
    if electrons == ORIGINAL:
        keys = ", ".join(f"{stream_key(seed, f'zee.original.{name}', namespace)}ull" for name in SMEARED)
        frame = frame.Define(
            "smeared",
            "zee::smear_independently(rdfentry_, pair, ROOT::RVecD(ROOT::RVecF(energy)), "
            f"zee::total_momentum_square(px, py, pz), {width}, {{{keys}}}, {variations})",
        )
    else:
        key = stream_key(seed, "zee.energy", namespace)
        frame = frame.Define(
            "smeared",
            f"zee::smear(rdfentry_, pair, energy, mass, zee::cos_angle(px, py, pz), {width}, {key}ull, {variations})",
        )
    for name in SMEARED:
        frame = frame.Define(name, f"smeared.{name}")
    return frame.Define("delta_r", "zee::delta_r(px, py, pz)"), steps


def _run(steps: dict[str, Any]) -> tuple[dict[str, int], float]:
    """Run the event loop, which fills everything that was booked."""
    booked = {name: frame.Count() for name, frame in steps.items()}
    start = time.perf_counter()
    cutflow = {name: int(count.GetValue()) for name, count in booked.items()}
    return cutflow, time.perf_counter() - start


def counts_of(histogram: Any) -> npt.NDArray[np.int64]:
    """Entries of a histogram with flow bins, indexed as its axes."""
    axes = [histogram.GetXaxis(), histogram.GetYaxis()][: histogram.GetDimension()]
    shape = [axis.GetNbins() + 2 for axis in axes]
    entries = np.frombuffer(histogram.GetArray(), dtype=np.float64, count=math.prod(shape))
    return entries.astype(np.int64).reshape(shape, order="F")


def uuid_of(path: str | Path) -> str:
    """UUID of a file, which makes its entry numbers unique."""
    file = ROOT.TFile.Open(str(path))
    uuid = str(file.GetUUID().AsString())
    file.Close()
    return uuid


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False))
@click.option("--electrons", type=click.Choice(ELECTRONS), default=RECONSTRUCTED, show_default=True)
@click.option("--sigma", type=click.FloatRange(min=0), default=2.0, show_default=True, help="Resolution [GeV].")
@click.option("--variations", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the entries as .npz.")
def main(path: str, electrons: str, sigma: float, variations: int, seed: int, output: str | None) -> None:
    """Smear the electron pairs of a file with RDataFrame, in hepcol's arithmetic."""
    ROOT.gErrorIgnoreLevel = ROOT.kError  # one warning for each class without dictionary
    found = smeared(path, electrons, sigma, variations, seed)
    for step, events in found.cutflow.items():
        click.echo(f"{step:24}{events:10}")
    click.echo(f"ROOT {ROOT.gROOT.GetVersion()}: {found.seconds:.2f} s, compilation included")
    if output:
        np.savez_compressed(output, allow_pickle=False, **found.counts)


if __name__ == "__main__":
    main()

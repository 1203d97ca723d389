"""hepcol against RDataFrame: the same events, the same entries in every bin, the same bits of every value."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import hepcol
from hepcol.kernels.binning import bin_number
from hepcol.kernels.smearing import pair_mass_square
from hepcol.random import normals, stream_key
from processors.zee import ZeeProcessor
from processors.zee.electrons import Electrons, energy_of, select_pairs
from processors.zee.observables import cos_angle, delta_r

CHECKOUT = Path(__file__).parents[2]
STUDY = CHECKOUT.parent / "shared" / "data" / "ee_Z_ee_EDM4Hep.root"  # the events of the original study
SHIPPED = CHECKOUT / "samples" / "data" / "zee_fcc.root"
FILES = {"study": STUDY, "shipped": SHIPPED}
HISTOGRAMS = ("e1", "e2", "m_ee", "delta_r")

SEED = 2**40 + 7  # needs more than 32 bits
SMEARING = {"sigma": 2.0, "variations": 100, "seed": SEED}
# a width that is no power of two, so that fused operations would show; not a multiple of the 4 draws of a call
FEW_SMEARINGS = {"sigma": 1.7, "variations": 7, "seed": SEED}

AXES = ((50, 0.0, 100.0), (50, 84.0, 98.0), (50, 0.0, 5.0))
ROUNDINGS = np.arange(-8, 9)  # steps from a bin edge to the doubles beside it


@pytest.fixture(params=FILES)
def path(request):
    if not FILES[request.param].is_file():
        pytest.skip(f"{FILES[request.param].name} is not beside the checkout, in {FILES[request.param].parent}")
    return FILES[request.param]


@pytest.fixture(scope="module")
def rdataframe(tmp_path_factory):
    """Folder of what RDataFrame found."""
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    folder = tmp_path_factory.mktemp("rdataframe")
    task = {
        "files": [str(path) for path in FILES.values() if path.is_file()],
        "smearing": SMEARING,
        "few_smearings": FEW_SMEARINGS,
        "axes": AXES,
        "points": [points_at_edges(*axis).tolist() for axis in AXES],
    }
    script = Path(__file__).with_name("run_rdataframe.py")
    done = subprocess.run(
        [sys.executable, script, folder], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("electrons", ["generator", "reconstructed"])
def test_unsmeared_histograms_equal_those_of_plain_root(rdataframe, path, electrons):
    ours = run(path, electrons, sigma=0.0, variations=2, seed=1)
    theirs = np.load(rdataframe / f"{path.stem}-{electrons}-plain.npz")
    assert ours.cutflow == cutflow(rdataframe / f"{path.stem}-{electrons}-plain.json")
    for name in HISTOGRAMS:
        assert theirs[name].sum() == ours.cutflow["opposite-charge pair"]
        for variation in ours.histograms[name].counts:
            np.testing.assert_array_equal(variation, theirs[name][0], err_msg=name)


@pytest.mark.parametrize("electrons", Electrons)
def test_smeared_histograms_equal_those_of_rdataframe(rdataframe, path, electrons):
    # In `original` the beams have no pseudorapidity. Ours is infinite or NaN, here as in the C++; ROOT's
    # own vectors say +-(z + 22756), so only the C++ of the same convention is compared.
    ours = run(path, electrons, **SMEARING)
    theirs = np.load(rdataframe / f"{path.stem}-{electrons}-smeared.npz")
    assert ours.cutflow == cutflow(rdataframe / f"{path.stem}-{electrons}-smeared.json")
    for name in HISTOGRAMS:
        np.testing.assert_array_equal(ours.histograms[name].counts, theirs[name], err_msg=name)


@pytest.mark.parametrize("electrons", ["generator", "reconstructed"])
def test_smeared_values_have_the_bits_of_rdataframe(rdataframe, path, electrons):
    events = hepcol.open_events(path)
    pairs = select_pairs(events, Electrons(electrons))
    energy = energy_of(pairs.px, pairs.py, pairs.pz, pairs.mass)
    key = stream_key(SEED, "zee.energy", events.metadata["fileuuid"])
    drawn = normals(key, pairs.event[:, None, None], pairs.obj[:, :, None], np.arange(FEW_SMEARINGS["variations"]))
    e1, e2 = np.moveaxis(energy[:, :, None] + FEW_SMEARINGS["sigma"] * drawn, 1, 0)
    m1, m2 = pairs.mass[:, :1], pairs.mass[:, 1:]
    square = np.vectorize(pair_mass_square)(e1, e2, m1, m2, cos_angle(pairs)[:, None])
    m_ee = np.sqrt(np.maximum(square, 0.0))  # negative where the smeared energy is
    ours = {"e1": e1, "e2": e2, "m_ee": m_ee, "delta_r": delta_r(pairs)}
    theirs = np.load(rdataframe / f"{path.stem}-{electrons}-values.npz")
    for name in HISTOGRAMS:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("number", range(len(AXES)))
def test_bins_equal_those_of_roots_axis_but_for_the_double_at_an_edge(rdataframe, number):
    # ROOT's formula and boost-histogram's round differently: to ROOT 58 GeV are in 58-60 GeV, to hist in
    # 56-58 GeV. No value further than one rounding from an edge may change its bin.
    bins, low, high = AXES[number]
    ours = [bin_number(x, low, high, bins) for x in points_at_edges(bins, low, high)]
    differs = np.not_equal(ours, json.loads((rdataframe / "bins.json").read_text())[number])
    assert np.all(np.abs(np.tile(ROUNDINGS, bins + 1)[differs]) <= 1)


def points_at_edges(bins, low, high):
    """Doubles on the edges of the bins and beside them; beside 0 in units of the last bit of the bin width."""
    edges = low + np.arange(bins + 1) * (high - low) / bins
    steps = np.spacing(np.maximum(edges, (high - low) / bins))
    return (edges[:, None] + ROUNDINGS * steps[:, None]).ravel()


def run(path, electrons, **options):
    (result,) = hepcol.run(ZeeProcessor(electrons=electrons, precision="double", **options), path).result.values()
    return result


def cutflow(path):
    return json.loads(path.read_text())

"""The table of kinematic variations, and its formulas against plain numbers."""

import math

import numpy as np
import pytest
from stop4b_events import make_events

from hepcol.random import normals, stream_key
from samples.stop4b.selection import nominal_momenta, select
from samples.stop4b.variations import NOMINAL, TREES, VARIATIONS

EVENT = 1 << 40
TWO_SIDED = (
    *("EG_RESOLUTION_ALL", "EG_SCALE_ALL"),
    *(f"JET_EtaIntercalibration_NonClosure_{part}" for part in ("highE", "negEta", "posEta")),
    "JET_Flavor_Response",
    *(f"JET_GroupedNP_{n}" for n in (1, 2, 3)),
    *(f"MUON_{name}" for name in ("ID", "MS", "SAGITTA_RESBIAS", "SAGITTA_RHO", "SCALE")),
)
ONE_SIDED = ("DataVsMC_MC16", *(f"EffectiveNP_{n}" for n in range(1, 7)), "EffectiveNP_7restTerm")
SOFT = ("MET_SoftTrk_ScaleUp", "MET_SoftTrk_ScaleDown", "MET_SoftTrk_ResoPara", "MET_SoftTrk_ResoPerp")


@pytest.fixture(scope="module")
def events():
    return make_events(
        electrons=[{"pt": 30.0, "eta": 0.5, "phi": 1.0, "truth_pt": 28.0}],
        muons=[{"pt": 50.0, "eta": -1.5, "phi": 2.5, "charge": -1, "truth_pt": 51.0}],
        jets=[
            {"pt": 200.0, "eta": 2.2, "phi": -1.0, "m": 20.0, "flavour": 5},
            {"pt": 40.0, "eta": -2.5, "phi": -2.0, "m": 5.0},
        ],
        soft=(3.0, -4.0),
        number=EVENT,
    )


@pytest.fixture(scope="module")
def varied(events):
    nominal = select(events, nominal_momenta(events))
    return {tree.suffix.removeprefix("_"): tree.apply(events, nominal) for tree in TREES}


def test_there_are_the_41_trees_of_the_original():
    expected = {"_WEIGHTS", *(f"_{name}" for name in SOFT)}
    expected |= {f"_{name}__1{side}" for name in TWO_SIDED for side in ("up", "down")}
    expected |= {f"_JET_JER_{name}__1up" for name in ONE_SIDED}
    assert len(expected) == len(TREES) == 41
    assert {tree.suffix for tree in TREES} == expected
    assert (NOMINAL, *VARIATIONS) == TREES
    assert len({tree.name for tree in VARIATIONS}) == 25


def test_the_identical_tree_is_the_one_of_the_original():
    assert [tree.suffix for tree in VARIATIONS if tree.change is None] == ["_MUON_SAGITTA_RHO__1down"]


def test_electron_variations(varied):
    assert varied["EG_SCALE_ALL__1up"].electron_pt == pytest.approx([30 * 1.003])
    assert varied["EG_SCALE_ALL__1down"].electron_pt == pytest.approx([30 * 0.997])
    assert varied["EG_RESOLUTION_ALL__1up"].electron_pt == pytest.approx([30.2])
    assert varied["EG_RESOLUTION_ALL__1down"].electron_pt == pytest.approx([29.8])


def test_muon_variations(varied):
    assert varied["MUON_ID__1up"].muon_pt == pytest.approx([50 - 0.03])
    assert varied["MUON_MS__1down"].muon_pt == pytest.approx([50 + 0.05])
    assert varied["MUON_SCALE__1up"].muon_pt == pytest.approx([50 * 1.002])
    assert varied["MUON_SAGITTA_RESBIAS__1up"].muon_pt == pytest.approx([50 / (1 - 50e-4)])
    assert varied["MUON_SAGITTA_RESBIAS__1down"].muon_pt == pytest.approx([50 / (1 + 50e-4)])
    assert varied["MUON_SAGITTA_RHO__1up"].muon_pt == pytest.approx([50 / (1 - 25e-4)])


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("JET_GroupedNP_1", [0.003 + 0.025 * math.exp(-5), 0.003 + 0.025 * math.exp(-1)]),
        ("JET_GroupedNP_2", [0.0064 + 0.010 * math.exp(-5), 0.007 + 0.010 * math.exp(-1)]),
        ("JET_GroupedNP_3", [0.012 + 0.010 * math.exp(-5), 0.002 + 0.010 * math.exp(-1)]),
        ("JET_Flavor_Response", [-0.003, -0.003 - 0.020 * math.exp(-0.8)]),
        ("JET_EtaIntercalibration_NonClosure_highE", [0.010, 0.0]),
        ("JET_EtaIntercalibration_NonClosure_negEta", [0.0, 0.015]),
        ("JET_EtaIntercalibration_NonClosure_posEta", [0.015, 0.0]),
    ],
)
def test_jet_scales(varied, name, sizes):
    pt = np.array([200.0, 40.0])
    assert varied[f"{name}__1up"].jet_pt == pytest.approx(pt * (1 + np.array(sizes)), rel=1e-6)
    assert varied[f"{name}__1down"].jet_pt == pytest.approx(pt * (1 - np.array(sizes)), rel=1e-6)


def test_jet_resolutions_take_their_own_draw_of_each_jet(varied):
    key = stream_key(0, "stop4b.JER", "stop4b")
    sizes = (0.30, 0.35, 0.35, 0.30, 0.30, 0.25, 0.25, 0.20)
    for draw, (name, size) in enumerate(zip(ONE_SIDED, sizes, strict=True)):
        expected = []
        for jet, (pt, eta) in enumerate(((200.0, 2.2), (40.0, 2.5))):
            z = float(normals(key, EVENT, jet, draw))
            resolution = math.sqrt((3.5 / pt) ** 2 + 0.75**2 / pt + 0.03**2) * (1 + 0.05 * eta)
            expected.append(pt * max(0.1, 1 + size * resolution * z))
        assert varied[f"JET_JER_{name}__1up"].jet_pt == pytest.approx(expected, rel=1e-6)


def test_soft_term_moves_along_and_across_the_hard_system(events, varied):
    hard = [30 * math.cos(1.0) + 50 * math.cos(2.5) + 200 * math.cos(-1.0) + 40 * math.cos(-2.0)]
    hard.append(30 * math.sin(1.0) + 50 * math.sin(2.5) + 200 * math.sin(-1.0) + 40 * math.sin(-2.0))
    along = np.array(hard) / math.hypot(*hard)
    across = np.array([-along[1], along[0]])
    soft = np.array([3.0, -4.0])
    key = stream_key(0, "stop4b.soft_term", "stop4b")
    expected = {
        "ScaleUp": soft + 0.1 * (soft @ along) * along,
        "ScaleDown": soft - 0.1 * (soft @ along) * along,
        "ResoPara": soft + 2.0 * float(normals(key, EVENT, 0, 0)) * along,
        "ResoPerp": soft + 2.0 * float(normals(key, EVENT, 0, 1)) * across,
    }
    for name, value in expected.items():
        momenta = varied[f"MET_SoftTrk_{name}"]
        assert [momenta.soft_x[0], momenta.soft_y[0]] == pytest.approx(value, rel=1e-6)


def test_a_variation_changes_only_what_it_names(events, varied):
    nominal = nominal_momenta(events)
    for suffix, momenta in varied.items():
        touched = {"EG": "electron_pt", "MUON": "muon_pt", "JET": "jet_pt"}.get(suffix.split("_")[0])
        for name in ("electron_pt", "muon_pt", "jet_pt", "soft_x", "soft_y"):
            if name != touched and not (name.startswith("soft") and suffix.startswith("MET")):
                np.testing.assert_array_equal(getattr(momenta, name), getattr(nominal, name))

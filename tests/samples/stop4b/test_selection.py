"""Selection, missing momentum and variables against plain Python, object by object."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from stop4b_events import make_events, make_many

from samples.stop4b import kernels
from samples.stop4b.observables import leading, observe
from samples.stop4b.selection import nominal_momenta, select

# a small area, so that objects overlap, and momenta around every threshold
angles = st.floats(-1.0, 1.0, width=32)
leptons = st.fixed_dictionaries({"pt": st.floats(3.5, 150.0, width=32), "eta": angles, "phi": angles})
jets = st.fixed_dictionaries(
    {
        "pt": st.floats(15.0, 300.0, width=32),
        "eta": st.one_of(angles, st.floats(-4.375, 4.375, width=32)),
        "phi": angles,
        "m": st.floats(0.0, 30.0, width=32),
        "isb": st.booleans(),
        "passJvt": st.booleans(),
        "ntrk": st.integers(0, 5),
    }
)
softs = st.tuples(st.floats(-30, 30, width=32), st.floats(-30, 30, width=32))
one_event = st.tuples(st.lists(leptons, max_size=3), st.lists(leptons, max_size=3), st.lists(jets, max_size=5), softs)
many = st.lists(one_event, min_size=1, max_size=4)


def distance(lepton, other):
    y = other["eta"]
    if "m" in other:
        y = math.asinh(math.sinh(other["eta"]) / math.sqrt(1 + (other["m"] / other["pt"]) ** 2))
    dphi = abs(lepton["phi"] - other["phi"])
    return math.hypot(lepton["eta"] - y, min(dphi, 2 * math.pi - dphi))


def tagged(jet):
    return jet["isb"] and abs(jet["eta"]) < 2.5


def oracle(electrons, muons, jets):
    """What is left of lists of records, by SPEC 1."""
    electrons = [e for e in electrons if e["pt"] > 4.5 and abs(e["eta"]) < 2.47]
    muons = [m for m in muons if m["pt"] > 4 and abs(m["eta"]) < 2.4]
    left = [j for j in jets if j["pt"] > 20 and abs(j["eta"]) < 2.8]
    electrons = [e for e in electrons if not any(distance(e, m) < 0.01 for m in muons)]
    left = [j for j in left if not any(distance(e, j) < 0.2 and (not tagged(j) or e["pt"] > 100) for e in electrons)]
    electrons = [e for e in electrons if not any(distance(e, j) < 0.2 for j in left if tagged(j))]
    left = [j for j in left if not (j["ntrk"] < 3 and any(distance(m, j) < 0.2 for m in muons))]
    electrons, muons = (
        [one for one in some if not any(distance(one, j) < min(0.4, 0.04 + 10 / one["pt"]) for j in left)]
        for some in (electrons, muons)
    )
    left = [j for j in left if j["passJvt"] or j["pt"] >= 120 or abs(j["eta"]) >= 2.5]
    forward = [j for j in jets if j["pt"] > 30 and 2.8 <= abs(j["eta"]) < 4.5]
    return electrons, muons, left, forward


def objects_with_widths(electrons, muons, jets):
    for e in electrons:
        relative = math.sqrt((0.2 / e["pt"]) ** 2 + 0.01 / e["pt"] + 1e-4)
        yield e, relative * e["pt"], 0.0
    for m in muons:
        yield m, math.hypot(0.017, 1e-4 * m["pt"]) * (1 + 0.2 * abs(m["eta"])) * m["pt"], 0.0
    for j in jets:
        relative = math.sqrt((3.5 / j["pt"]) ** 2 + 0.75**2 / j["pt"] + 0.03**2) * (1 + 0.05 * abs(j["eta"]))
        yield j, relative * j["pt"], 0.03 * j["pt"]


def missing_momentum(objects, soft):
    """Missing momentum and its significance from the covariance matrix."""
    total, covariance = np.array(soft, dtype=float), np.eye(2) * 81.0
    for one, along, across in objects:
        c, s = math.cos(one["phi"]), math.sin(one["phi"])
        turn = np.array([[c, -s], [s, c]])
        total += one["pt"] * turn[:, 0]
        covariance += turn @ np.diag([along**2, across**2]) @ turn.T
    met = math.hypot(*total)
    turn = np.array([[total[0], total[1]], [-total[1], total[0]]]) / met
    turned = turn @ covariance @ turn.T
    rho = turned[0, 1] / math.sqrt(turned[0, 0] * turned[1, 1])
    return -total, met / math.sqrt(turned[0, 0] * (1 - rho**2))


@given(many)
def test_leaves_the_objects_of_the_oracle(many):
    events = make_many(*zip(*many, strict=True), range(len(many)))
    selected = select(events, nominal_momenta(events))
    for row, (electrons, muons, jets, soft) in enumerate(many):
        expected = oracle(electrons, muons, jets)
        for name, collection, values in zip(
            ("electron", "muon", "jet"), (events.electrons, events.muons, events.jets), expected[:3], strict=True
        ):
            mark = getattr(selected, name) & (collection.event == row)
            assert collection["pt"][mark].tolist() == pytest.approx([one["pt"] for one in values])
        assert selected.n_leptons[row] == len(expected[0]) + len(expected[1])
        objects = list(objects_with_widths(*expected[:2], expected[2] + expected[3]))
        (x, y), significance = missing_momentum(objects, soft) if objects or any(soft) else ((0, 0), None)
        assert [selected.met_x[row], selected.met_y[row]] == pytest.approx([x, y], abs=1e-4)
        if math.hypot(x, y) > 0.1:
            assert selected.significance[row] == pytest.approx(significance, rel=1e-4)


def test_a_b_jet_gives_way_to_a_hard_electron_only():
    for pt, left in ((99.0, (0, 1)), (101.0, (1, 0))):
        events = make_events(electrons=[{"pt": pt, "phi": 0.1}], jets=[{"isb": True}])
        selected = select(events, nominal_momenta(events))
        assert (selected.electron.sum(), selected.jet.sum()) == left


@pytest.fixture(scope="module")
def event():
    return make_events(
        electrons=[{"pt": 24.0, "eta": 0.5, "phi": 2.9, "charge": -1}],
        muons=[{"pt": 9.0, "eta": -1.1, "phi": 2.0, "d0sig": 3.5, "iff": 8}],
        jets=[
            {"pt": 420.0, "eta": 0.3, "phi": -0.1, "m": 40.0},
            {"pt": 60.0, "eta": 2.0, "phi": 0.6, "isb": True},
            {"pt": 30.0, "eta": -2.6, "phi": 1.0},
        ],
        soft=(5.0, 2.0),
    )


def test_variables_are_those_of_the_formulas(event):
    momenta = nominal_momenta(event)
    row = {name: column[0] for name, column in observe(event, momenta, select(event, momenta)).items()}
    first, second = (24.0, 0.5, 2.9), (9.0, -1.1, 2.0)
    jets = [(420.0, -0.1), (60.0, 0.6), (30.0, 1.0)]
    met = -np.array(
        [
            sum(pt * turn(phi) for pt, phi in [(24.0, 2.9), (9.0, 2.0), *jets]) + soft
            for turn, soft in ((math.cos, 5.0), (math.sin, 2.0))
        ]
    )
    size = math.hypot(*met)
    pair = np.array([sum(pt * turn(phi) for pt, _, phi in (first, second)) for turn in (math.cos, math.sin)])
    assert row["MET"] == pytest.approx(size)
    assert row["METphi"] == pytest.approx(math.atan2(met[1], met[0]))
    assert row["TST_soft"] == pytest.approx(math.hypot(5, 2))
    assert row["R2l"] == pytest.approx(size / 33)
    assert row["R2l4j"] == pytest.approx(size / (size + 33 + 510))
    assert row["pbll"] == pytest.approx(math.hypot(*(met + pair)))
    cosine = met @ (met + pair) / size / math.hypot(*(met + pair))
    assert row["dphi_boost"] == pytest.approx(math.acos(cosine), abs=1e-5)
    assert row["mll"] == pytest.approx(math.sqrt(2 * 24 * 9 * (math.cosh(1.6) - math.cos(0.9))))
    assert row["pTll"] == pytest.approx(math.hypot(*pair))
    assert row["dphill"] == pytest.approx(0.9)
    y = math.asinh(math.sinh(-2.6) / math.sqrt(1 + (5 / 30) ** 2))
    assert row["minDRl2j"] == pytest.approx(math.hypot(y + 1.1, 1.0))
    assert (row["nlep"], row["njet"], row["nbjet"]) == (2, 3, 1)
    assert (row["lepflav1"], row["lepflav2"]) == (11, -13)
    assert (row["isOS"], row["isSF"], row["isTruthMatched"]) == (True, False, False)
    assert (row["isSignalLep1"], row["isSignalLep2"]) == (True, False)
    assert (row["jet2isb"], row["jet4pT"]) == (True, 0.0)


def test_without_jets_the_distance_is_a_large_number():
    events = make_events(electrons=[{"pt": 300.0}], muons=[{"pt": 20.0, "phi": 1.0}])
    momenta = nominal_momenta(events)
    row = observe(events, momenta, select(events, momenta))
    assert row["minDRl2j"] == [1000.0]


def transverse_mass_squared(visible, invisible):
    return 2 * (math.hypot(*visible) * math.hypot(*invisible) - visible @ invisible)


def test_stransverse_mass_is_the_smallest_larger_transverse_mass():
    generator = np.random.default_rng(1)
    pairs = generator.normal(size=(60, 3, 2)) * [[30.0], [15.0], [80.0]]
    got = np.empty(len(pairs))
    kernels.stransverse_mass(*(np.ascontiguousarray(pairs[:, k, axis]) for k in range(3) for axis in range(2)), got)
    assert np.sum(got > 1) > 20
    for (first, second, missing), value in zip(pairs, got, strict=True):

        def larger(split, first=first, second=second, missing=missing):
            return math.sqrt(
                max(0.0, transverse_mass_squared(first, split), transverse_mass_squared(second, missing - split))
            )

        starts = [missing * part + shift for part in (0.0, 0.3, 0.7, 1.0) for shift in (0.0, 20.0, -20.0)]
        tight = {"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000}
        best = min(minimize(larger, start, method="Nelder-Mead", options=tight).fun for start in starts)
        assert value <= best + 1e-3
        assert value == pytest.approx(best, abs=0.05, rel=1e-3)


def test_leading_objects_come_by_momentum_and_first_of_equals():
    event, pt = np.array([0, 0, 0, 2, 2]), np.array([5.0, 9.0, 9.0, 1.0, 2.0])
    assert leading(event, pt, 3, 2).tolist() == [[1, 2], [-1, -1], [4, 3]]

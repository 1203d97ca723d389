"""Bosons decayed again, without Pythia."""

import numpy as np
import pytest

from samples.stop4b.campaigns import MC
from samples.stop4b.decays import boost, decay
from samples.stop4b.processes import TTBAR, VV, ZJETS, find_process
from samples.stop4b.truth import FROM_TAU, Bosons

M_W, M_TOP = 80.4, 172.5


def bosons(pdg, momentum, parent=(0.0, 0.0, 0.0, 0.0)):
    n = len(pdg)
    return Bosons(
        event=np.zeros(n, dtype=np.int64),
        index=np.arange(n),
        pdg=np.array(pdg),
        momentum=np.array(momentum, dtype=float),
        parent=np.tile(np.array(parent, dtype=float), (n, 1)),
    )


def test_boost_takes_the_rest_frame_to_the_momentum():
    frame = np.array([[30.0, -40.0, 100.0, np.sqrt(12500.0 + M_W**2)]])
    at_rest = np.array([[0.0, 0.0, 0.0, M_W]])
    np.testing.assert_allclose(boost(at_rest, frame, np.array([M_W])), frame)


def test_w_pairs_give_leptons_neutrinos_and_hadronic_taus():
    energy = np.sqrt(M_W**2 + 120.0**2)
    made = decay(bosons([24, -24], [[120, 0, 0, energy], [120, 0, 0, energy]]), np.arange(1), TTBAR, 1, "test")
    assert np.all(made.branching == pytest.approx((3 * 0.1086) ** 2))
    total = made.invisible.copy()
    for seen in (made.leptons, made.jets):
        total[:, 0] += np.bincount(seen.event, seen.px, minlength=len(total))
        total[:, 1] += np.bincount(seen.event, seen.py, minlength=len(total))
    np.testing.assert_allclose(total, np.tile([240.0, 0.0], (len(total), 1)), atol=1e-6)
    per_event = np.bincount(made.leptons.event, minlength=TTBAR.copies)
    per_event += np.bincount(made.jets.event, minlength=TTBAR.copies)
    assert np.all(per_event == 2)
    assert set(np.abs(made.leptons.pdg)) == {11, 13}
    assert FROM_TAU in made.leptons.iff


def test_charges_are_those_of_the_bosons():
    for pdg, sign in ((24, -1), (-24, 1)):
        made = decay(bosons([pdg], [[0, 0, 0, M_W]]), np.arange(4), TTBAR, 1, "test")
        assert set(np.sign(made.leptons.pdg)) == {sign}
    made = decay(bosons([23], [[0, 0, 0, 91.19]]), np.arange(1), ZJETS, 1, "test")
    charges = np.bincount(made.leptons.event, np.sign(made.leptons.pdg), minlength=ZJETS.copies)
    pairs = np.bincount(made.leptons.event, minlength=ZJETS.copies) == 2
    assert np.all(charges[pairs] == 0)


def test_leptons_of_a_top_follow_the_helicity_fractions():
    """<cos> is (F_R - F_L) / 2; the W flies along x in the frame of its top at rest."""
    momentum = (M_TOP**2 - M_W**2) / (2 * M_TOP)
    n = 20_000
    w = bosons([24] * n, [[momentum, 0, 0, np.hypot(momentum, M_W)]] * n, (0.0, 0.0, 0.0, M_TOP))
    process = find_process("ttbar")
    one_copy = type(process)(**{**vars(process), "copies": 1})
    made = decay(w, np.arange(1), one_copy, 1, "test")
    direct = made.leptons[made.leptons.iff != FROM_TAU]
    vectors = np.stack([direct.px, direct.py, direct.pt * np.sinh(direct.eta), direct.pt * np.cosh(direct.eta)], axis=1)
    back = np.tile([-momentum, 0.0, 0.0, np.hypot(momentum, M_W)], (len(vectors), 1))
    at_rest = boost(vectors, back, np.full(len(vectors), M_W))
    assert at_rest[:, 3] == pytest.approx(M_W / 2)
    assert np.mean(at_rest[:, 0] / at_rest[:, 3]) == pytest.approx((0.002 - 0.311) / 2, abs=0.02)


def test_z_bosons_of_pairs_also_go_to_neutrinos():
    z = bosons([23] * 100, [[100, 0, 0, 135.3]] * 100)
    z.event[:], z.index[:] = np.arange(100), 0
    made = decay(z, np.arange(100), VV, 1, "test")
    assert np.all(made.branching == pytest.approx(3 * 0.033658 + 0.20))
    with_leptons = len(set(made.leptons.event) | set(made.jets.event)) / (100 * VV.copies)
    assert with_leptons == pytest.approx(0.335, abs=0.03)


def test_decays_do_not_depend_on_what_is_beside_them():
    both = Bosons(
        event=np.array([0, 1]),
        index=np.zeros(2, dtype=np.int64),
        pdg=np.array([24, -24]),
        momentum=np.array([[50.0, 0, 0, 100.0], [0, 60.0, 0, 110.0]]),
        parent=np.zeros((2, 4)),
    )
    second = Bosons(*(np.array(vars(both)[name][1:]) for name in ("event", "index", "pdg", "momentum", "parent")))
    second.event[:] = 0
    together = decay(both, np.array([7, 8]), TTBAR, 1, "test")
    alone = decay(second, np.array([8]), TTBAR, 1, "test")
    np.testing.assert_array_equal(together.leptons.pt[together.leptons.event >= TTBAR.copies], alone.leptons.pt)


def test_event_numbers_and_channels_are_unique():
    from samples.stop4b.detector import number_events
    from samples.stop4b.processes import BACKGROUNDS, STOP_CROSS_SECTIONS, make_signal

    points = [make_signal(stop, stop - split) for stop in STOP_CROSS_SECTIONS for split in range(8, 81)]
    processes = [*BACKGROUNDS, *points]
    assert len({process.mc_channel for process in processes}) == len(processes)
    first = [int(number_events(np.array([0]), process, c)[0]) for process in processes for c in MC]
    assert len(set(first)) == len(first)
    assert max(first) + 2**30 < 2**53

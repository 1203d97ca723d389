"""The parametrised detector, without Pythia or ROOT."""

import numpy as np
import pytest

from samples.zee_fcc.detector import DRAWS, DetectorCard, energy_resolution, pt_resolution, respond
from samples.zee_fcc.draws import DETECTOR, GENERATOR, draw, open_stream, to_normal
from samples.zee_fcc.layout import BRANCHES, COLLECTION_IDS, RECORDS, links, rows

CARD = DetectorCard()
NEVER, ALWAYS = 1.0 - 1e-12, 1e-12


def particles(pdg, energy, theta, status=1):
    generated = rows("Particle", 1)
    generated["PDG"], generated["generatorStatus"] = pdg, status
    generated["charge"] = -np.sign(pdg) if abs(pdg) == 11 else 0
    generated["momentum"]["x"] = energy * np.sin(theta)
    generated["momentum"]["z"] = energy * np.cos(theta)
    return generated


def uniforms(track=ALWAYS, identification=ALWAYS, n=1):
    numbers = np.full((n, DRAWS), 0.5)
    numbers[:, 0], numbers[:, 1] = track, identification
    return numbers


def test_draws_depend_on_seed_event_and_purpose_only():
    first = draw(open_stream(7, 3, DETECTOR), 100)
    np.testing.assert_array_equal(first, draw(open_stream(7, 3, DETECTOR), 100))
    for other in ((8, 3, DETECTOR), (7, 4, DETECTOR), (7, 3, GENERATOR), (3, 7, DETECTOR)):
        assert not np.any(first == draw(open_stream(*other), 100))


def test_draws_are_uniform_and_never_zero_or_one():
    numbers = draw(open_stream(1, 1, DETECTOR), 100_000)
    assert 0 < numbers.min() < numbers.max() < 1
    assert numbers.mean() == pytest.approx(0.5, abs=5 / np.sqrt(12 * len(numbers)))
    largest = ((np.uint64(2**64 - 1) >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52
    assert largest < 1


def test_normal_numbers_have_unit_width_and_no_correlation():
    numbers = to_normal(draw(open_stream(1, 2, DETECTOR), 120_000).reshape(-1, 6))
    np.testing.assert_allclose(np.cov(numbers.T), np.eye(6), atol=0.04)
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=0.04)


def test_calorimeter_resolution_at_45_gev():
    """Crystals, arXiv:2008.00338: 3 %/sqrt(E) and 0.5 % give 0.67 % at 45 GeV."""
    assert energy_resolution(np.array([45.0]), CARD)[0] / 45 == pytest.approx(0.0067, abs=1e-4)


def test_track_resolution_grows_where_the_lever_arm_shrinks():
    theta = np.arccos([0.0, 0.5, 0.8, 0.95])
    resolution = pt_resolution(45 * np.sin(theta), theta, CARD)
    assert resolution[0] == pytest.approx(1.25 * np.hypot(3e-5 * 45, 6e-4))
    assert resolution[1] < resolution[2] < resolution[3]


@pytest.mark.parametrize(
    ("pdg", "energy", "theta", "numbers", "tracks", "electrons", "clusters", "photons"),
    [
        (11, 45.0, 1.5, uniforms(), 1, 1, 0, 0),
        (-11, 45.0, 1.5, uniforms(track=NEVER), 0, 1, 0, 0),
        (11, 45.0, 1.5, uniforms(identification=NEVER), 1, 0, 0, 0),
        (11, 45.0, 0.12, uniforms(), 0, 1, 0, 0),  # eta 2.8: calorimeter only
        (11, 45.0, 0.09, uniforms(), 0, 0, 0, 0),  # eta 3.1: beyond both
        (11, 1.0, 1.5, uniforms(), 1, 0, 0, 0),
        (22, 5.0, 1.5, uniforms(), 0, 0, 1, 1),
        (22, 1.0, 1.5, uniforms(), 0, 0, 1, 0),
        (22, 0.0, 1.5, uniforms(), 0, 0, 0, 0),
        (22, 5.0, 0.0, uniforms(), 0, 0, 0, 0),  # along the beam
    ],
)
def test_who_is_seen(pdg, energy, theta, numbers, tracks, electrons, clusters, photons):
    response = respond(particles(pdg, energy, theta), numbers, CARD)
    seen = [response.tracks.particle, response.electrons, response.clusters.particle, response.photons]
    assert [len(rows) for rows in seen] == [tracks, electrons, clusters, photons]


def test_only_the_final_state_is_seen():
    response = respond(particles(11, 45.0, 1.5, status=23), uniforms(n=0), CARD)
    assert len(response.tracks.particle) == len(response.electrons) == 0


def test_smeared_momenta_have_the_width_and_centre_of_the_card():
    n = 40_000
    generated = np.repeat(particles(11, 45.0, 1.5), n)
    numbers = draw(open_stream(1, 3, DETECTOR), DRAWS * n).reshape(n, DRAWS)
    tracks = respond(generated, numbers, CARD).tracks
    assert len(tracks.particle) / n == pytest.approx(0.97, abs=0.005)
    pull = (tracks.pt / (45 * np.sin(1.5)) - 1) / tracks.pt_resolution
    assert np.std(pull) == pytest.approx(1, abs=0.02)
    assert np.mean(pull) == pytest.approx(0, abs=0.025)
    assert np.std(tracks.theta) == pytest.approx(CARD.track_angle, rel=0.02)


def test_links_keep_the_invalid_mark():
    linked = links(np.array([0, -2, 3]), "ReconstructedParticles")
    assert linked["index"].tolist() == [0, -2, 3]
    assert linked["collectionID"].tolist() == [6, -2, 6]


def test_every_branch_has_a_record():
    assert set(BRANCHES.values()) <= set(RECORDS)
    assert len(BRANCHES) == 54
    assert sorted(COLLECTION_IDS.values()) == list(range(1, 13))

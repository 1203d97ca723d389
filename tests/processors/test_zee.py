import hist
import numpy as np
import pytest
from pydantic import ValidationError

import hepcol
from hepcol import random
from hepcol.events import open_events
from processors.zee import ZeeProcessor
from processors.zee.electrons import Electrons, select_pairs
from processors.zee.resolution import Resolution


def run(file, **options):
    run = hepcol.run(ZeeProcessor(**options), file)
    return run.result[file.stem]


@pytest.mark.parametrize(
    ("electrons", "cutflow"),
    [
        ("original", {"all events": 5000, "at least two particles": 5000, "opposite-charge pair": 5000}),
        ("generator", {"all events": 5000, "at least two electrons": 5000, "opposite-charge pair": 5000}),
        ("reconstructed", {"all events": 5000, "at least two electrons": 2918, "opposite-charge pair": 2918}),
    ],
)
def test_selects_the_known_events_of_the_real_file(reference_file, electrons, cutflow):
    assert run(reference_file, electrons=electrons, variations=1).cutflow == cutflow


def test_counts_the_links_that_lead_nowhere(reference_file):
    tallies = run(reference_file, electrons="reconstructed", variations=1).tallies
    assert tallies == {"electron links": 8922, "invalid electron links": 1329}


def oracle_pairs(events, electrons):
    """Choose pairs event by event in plain Python: event, and position in the stored collection."""
    name = "ReconstructedParticles" if electrons == "reconstructed" else "Particle"
    collection = events[name]
    columns = [collection[key].to_list() for key in ("px", "py", "pz", "mass", "charge")]
    if electrons == "reconstructed":
        links = zip(events.Electronidx0.index.to_list(), events.Electronidx0.collectionID.to_list(), strict=True)
        candidates = [
            [i for i, c in zip(index, ids, strict=True) if 0 <= i < len(charge) and c >= 0]
            for (index, ids), charge in zip(links, columns[4], strict=True)
        ]
    else:
        codes = zip(events.Particle.PDG.to_list(), events.Particle.generatorStatus.to_list(), strict=True)
        candidates = [
            [i for i, (p, s) in enumerate(zip(pdg, status, strict=True)) if abs(p) == 11 and s == 1]
            for pdg, status in codes
        ]
    for event, (px, py, pz, mass, charge) in enumerate(zip(*columns, strict=True)):
        energy = [np.sqrt(x * x + y * y + z * z + m * m) for x, y, z, m in zip(px, py, pz, mass, strict=True)]
        ordered = sorted(candidates[event], key=lambda i: -energy[i])
        partners = [i for i in ordered if charge[i] * charge[ordered[0]] < 0]
        if partners:
            yield event, (ordered[0], partners[0]), (energy[ordered[0]], energy[partners[0]])


@pytest.mark.parametrize("electrons", ["reconstructed", "generator"])
def test_selection_agrees_with_plain_python(shipped_file, electrons):
    events = open_events(shipped_file, stop=600)
    pairs = select_pairs(events, Electrons(electrons))
    expected = list(oracle_pairs(events, electrons))
    assert pairs.event.tolist() == [event for event, _, _ in expected]
    assert pairs.obj.tolist() == [list(objects) for _, objects, _ in expected]


def test_smears_with_the_draws_that_are_documented(shipped_file):
    """One energy from the file's columns, its identity and the public generator, without kernels or selection."""
    events = open_events(shipped_file)
    result = run(shipped_file, electrons="generator", variations=3, sigma=1.5, seed=11, precision="double")
    event, objects, energy = zip(*oracle_pairs(events, "generator"), strict=True)
    key = random.stream_key(11, "zee.energy", events.metadata["fileuuid"])
    for replica in range(3):
        draws = random.normals(key, np.array(event)[:, None], np.array(objects), replica)
        smeared = np.array(energy) + 1.5 * draws
        for k, name in enumerate(("e1", "e2")):
            expected = hist.Hist(hist.axis.Regular(50, 0, 100)).fill(smeared[:, k])
            np.testing.assert_array_equal(result.histograms[name].counts[replica], expected.values(flow=True))


def test_without_smearing_all_variations_are_alike(shipped_file):
    result = run(shipped_file, sigma=0, variations=4)
    for histogram in result.histograms.values():
        assert (histogram.counts == histogram.counts[0]).all()


def test_the_width_of_the_mass_is_that_of_the_smearing(reference_file):
    """Beams of fixed energy: the mass has the resolution sqrt(2) * sigma, on an axis that holds +-2.5 of it."""
    m_ee = run(reference_file, electrons="original", sigma=1.0, variations=100).histograms["m_ee"].to_hist()
    counts, centers = m_ee.project("m_ee").values(), m_ee.axes["m_ee"].centers
    mean = np.average(centers, weights=counts)
    width = np.sqrt(np.average((centers - mean) ** 2, weights=counts))
    assert mean == pytest.approx(91.0, abs=0.02)
    assert width == pytest.approx(np.sqrt(2.0), rel=0.01)


def test_more_variations_do_not_change_the_first_ones(shipped_file):
    few, many = run(shipped_file, variations=5), run(shipped_file, variations=9)
    for name, histogram in few.histograms.items():
        np.testing.assert_array_equal(histogram.counts, many.histograms[name].counts[:5])


def test_another_seed_gives_other_draws(shipped_file):
    first, second = run(shipped_file, variations=1), run(shipped_file, variations=1, seed=2)
    assert (first.histograms["m_ee"].counts != second.histograms["m_ee"].counts).any()
    assert (first.histograms["delta_r"].counts == second.histograms["delta_r"].counts).all()


def test_every_selected_event_is_in_every_histogram(shipped_file):
    result = run(shipped_file, variations=7, stochastic=0.1, noise=0.2, constant=0.01)
    for histogram in result.histograms.values():
        assert (histogram.counts.sum(axis=1) == result.selected).all()


def test_edm4hep_1_has_other_links_and_weights(shared_data):
    file = shared_data / "p8_ee_WW_ecm240_edm4hep.root"
    result = run(file, variations=2)
    assert result.events == 10
    assert result.sum_weights.value == 10
    assert result.histograms["m_ee"].weights is not None
    assert result.tallies == {"electron links": 3, "invalid electron links": 0}


def test_zero_terms_of_a_calorimeter_are_no_smearing():
    assert ZeeProcessor(constant=0).smearing.resolution == Resolution(0, 0, 0, 0)
    assert ZeeProcessor().smearing.resolution == Resolution(sigma=2.0)
    assert ZeeProcessor(sigma=0).smearing.resolution == Resolution(sigma=0.0)


def test_an_empty_range_gives_an_empty_result(shipped_file):
    result = ZeeProcessor(variations=2).process(open_events(shipped_file)[:0])["zee_fcc"]
    assert result.events == result.selected == 0
    assert result.histograms["m_ee"].counts.sum() == 0


def test_the_calorimeter_adds_its_terms_in_quadrature():
    energy = np.array([25.0, 100.0])
    got = Resolution(stochastic=0.1, noise=0.3, constant=0.01).at(energy)
    relative = np.sqrt((0.1 / np.sqrt(energy)) ** 2 + (0.3 / energy) ** 2 + 0.01**2)
    np.testing.assert_allclose(got, relative * energy, rtol=1e-14)
    assert Resolution(sigma=2.0).at(energy).tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variations": 0}, "greater than or equal to 1"),
        ({"electrons": "muons"}, "'reconstructed', 'generator' or 'original'"),
        ({"sigma": -1}, "greater than or equal to 0"),
        ({"sigma": float("nan")}, "finite number"),
        ({"sigma": 2, "noise": 1}, "not both"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"max_weight": 0}, "greater than 0"),
        ({"smearings": 3}, "smearings"),
    ],
)
def test_rejects_options_that_are_wrong(options, message):
    with pytest.raises(ValidationError, match=message):
        ZeeProcessor(**options)


def test_a_weight_over_the_bound_is_named(shared_data):
    with pytest.raises(
        hepcol.IncompleteRun,
        match=r"weight 1\.0: 10 of 10 weights .*, the declared bound \(option max_weight",
    ):
        run(shared_data / "p8_ee_WW_ecm240_edm4hep.root", max_weight=0.5)

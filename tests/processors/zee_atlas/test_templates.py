"""Templates of the calibration from the peak against plain arrays, and the fit of them."""

import awkward as ak
import hist
import numpy as np
import oracle
import pytest

import hepcol
from calib.egamma import EgammaCalibration
from hepcol.errors import InputError
from hepcol.random import normals, stream_key
from processors.zee_atlas.in_situ import fit
from processors.zee_atlas.regions import ETA_EDGES, PAIRS, REGIONS, pair_of
from processors.zee_atlas.templates import ALPHA, CONSTANT, DATA, STREAM, TEMPLATES
from samples.zee_atlas.truth import ETA_EDGES as TRUE_EDGES

pytestmark = pytest.mark.usefixtures("synthetic_area_once")

EVENTS = 1500


def test_regions_are_those_that_pseudo_data_were_made_with():
    assert ETA_EDGES == TRUE_EDGES


def test_pairs_have_regions_beside_the_crack():
    eta = np.array([[-2.4, -2.4], [2.4, -2.4], [-2.4, 2.4], [0.1, -0.1], [1.4, 0.1], [2.48, 0.0], [-1.37, -1.52]])
    last = len(REGIONS) - 1
    expected = [
        *(PAIRS.index(pair) for pair in ((0, 0), (0, last), (0, last), (3, 4))),
        -1,
        -1,
        -1,
    ]
    assert pair_of(eta).tolist() == expected


def test_a_template_is_what_plain_arrays_give(full, simulation):
    given = {
        "zee": {
            "files": {str(simulation): {"object_path": "CollectionTree", "steps": [[0, EVENTS]]}},
            "metadata": {"form": "simulation"},
        }
    }
    found = hepcol.run(full, given, chunksize=400).result["zee"].histograms[TEMPLATES]
    events = hepcol.open_events(simulation, stop=EVENTS)
    good, clusters, passes = oracle.candidates(events)
    bare = EgammaCalibration("es2022_R22_PRE", simulation="full", area="synthetic", smear=False)
    pt = bare.calibrate(events.Electrons, events)
    key = stream_key(1, STREAM, f"{events.EventInfo.mcChannelNumber[0]}:{events.EventInfo.runNumber[0]}")
    a, c = 15, 4
    alpha, constant = ALPHA.centers[a], CONSTANT.centers[c]
    number = ak.to_numpy(events.EventInfo.eventNumber).astype(np.uint64)
    shift = [
        [(1 + constant * normals(key, number[k], index, 0)) * (1 + alpha) for index in range(len(pts))]
        for k, pts in enumerate(pt.to_list())
    ]
    scaled = ak.Array(np.array(pt.to_list(), dtype=object).tolist()) * ak.Array([[float(x) for x in s] for s in shift])
    pairs = oracle.masses(events, scaled, good, passes)
    selected = oracle.chosen(pairs)
    eta = clusters.ETACALOFRAME[good]
    regions = np.full(len(events), -1)
    for event in np.flatnonzero(selected):
        hard = good[event] & (scaled[event] > 27_000)
        regions[event] = pair_of(np.array([clusters.ETACALOFRAME[event][hard].to_list()]))[0]
    assert len(eta) == len(events)
    expected = hist.Hist(*(found.axes[k] for k in (0, 3)), storage=hist.storage.Int64())
    inside = selected & (regions >= 0)
    expected.fill(regions[inside], pairs[inside, 0])
    # float32 of the calibration's pt against the double that plain arrays have: an event on an edge may differ
    different = np.abs(found.counts[:, a, c] - expected.values(flow=True)).sum()
    assert different <= 2
    assert expected.sum() > 700


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Smooth templates with many entries: a Gaussian peak of 2 GeV in every pair."""
    pair = hist.axis.Integer(0, len(PAIRS), name="pair", flow=False)
    m_ee = hist.axis.Regular(50, 66, 116, name="m_ee")
    histogram = hist.Hist(pair, ALPHA, CONSTANT, m_ee, storage=hist.storage.Int64())
    a, c = np.meshgrid(ALPHA.centers, CONSTANT.centers, indexing="ij")
    histogram.view()[...] = np.round(_peak(m_ee, a, c, 2e5))
    return histogram


def _peak(axis, alpha, constant, entries):
    """Expected entries: mass 90.5 GeV, resolution 2 GeV and the constant term of both electrons."""
    from scipy.stats import norm

    mean = 90.5 * (1 + np.asarray(alpha))[..., np.newaxis]
    own = 2 * (1 + np.asarray(alpha))[..., np.newaxis]  # scales with the energies
    sigma = np.sqrt(own**2 + (np.asarray(constant)[..., np.newaxis] * mean) ** 2 / 2)
    return entries * np.diff(norm.cdf(axis.edges, mean, sigma), axis=-1)


def test_the_fit_finds_what_was_put_in(templates):
    alpha = np.linspace(-0.015, 0.018, len(REGIONS))
    constant = np.linspace(0.008, 0.022, len(REGIONS))
    first, second = np.array(PAIRS).T
    scale = np.sqrt((1 + alpha[first]) * (1 + alpha[second])) - 1
    common = np.sqrt((constant[first] ** 2 + constant[second] ** 2) / 2)
    data = hist.Hist(templates.axes[0], templates.axes[3], storage=hist.storage.Int64())
    data.view(flow=False)[...] = np.round(_peak(templates.axes[3], scale, common, 1e5))
    found = fit(data, templates)
    assert found.valid
    assert found.at_bound == ()
    np.testing.assert_allclose(found.alpha, alpha, atol=2e-5)
    np.testing.assert_allclose(found.constant, constant, atol=3e-4)
    assert found.chi2 < 0.2 * found.ndof  # there are no fluctuations
    assert (found.alpha_error < 1e-4).all()


def test_errors_are_those_of_repeated_pseudo_data(templates):
    random = np.random.default_rng(5)
    expected = _peak(templates.axes[3], np.zeros(len(PAIRS)), np.full(len(PAIRS), 0.012), 3000)
    pulls = []
    for _ in range(8):
        data = hist.Hist(templates.axes[0], templates.axes[3], storage=hist.storage.Int64())
        data.view(flow=False)[...] = random.poisson(expected)
        found = fit(data, templates)
        pulls += [*(found.alpha / found.alpha_error), *((found.variance - 0.012**2) / found.variance_error)]
    assert 0.8 < np.std(pulls) < 1.25
    assert abs(np.mean(pulls)) < 0.25


def test_a_constant_term_of_zero_has_an_error(templates):
    random = np.random.default_rng(6)
    expected = _peak(templates.axes[3], np.zeros(len(PAIRS)), np.zeros(len(PAIRS)), 1500)
    pulls = []
    for _ in range(5):
        data = hist.Hist(templates.axes[0], templates.axes[3], storage=hist.storage.Int64())
        data.view(flow=False)[...] = random.poisson(expected)
        found = fit(data, templates)
        assert found.valid
        assert (found.constant_error > 1e-3).all()
        pulls += [*(found.variance / found.variance_error)]
    assert 0.7 < np.std(pulls) < 1.35
    assert np.min(pulls) > -4


def test_refuses_data_that_leave_a_region_empty(templates):
    data = hist.Hist(templates.axes[0], templates.axes[3], storage=hist.storage.Int64())
    with pytest.raises(InputError, match="region 0 of eta has no pair with 60 entries of data, which have 0 in all"):
        fit(data, templates)


def test_names_of_histograms_are_those_of_the_folder():
    assert (DATA, TEMPLATES) == ("in_situ_data", "in_situ_templates")

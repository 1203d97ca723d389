"""Fits of the output folder of a run, and what they add to it."""

import json
import shutil

import hist
import numpy as np
import pytest

import hepcol
from hepcol import lock
from hepcol.errors import InputError
from hepcol.inference.folder import fit_folder
from processors.zee import ZeeProcessor

VARIATIONS = 12


@pytest.fixture(scope="module")
def original_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    hepcol.run(ZeeProcessor(variations=VARIATIONS, electrons="generator"), "zee-fcc", output=folder)
    return folder


@pytest.fixture
def run_folder(original_run, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(original_run, folder)
    return folder


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def test_the_summary_gains_value_error_and_status_of_every_variation(run_folder):
    before = summary_of(run_folder)
    fits = fit_folder(run_folder)
    after = summary_of(run_folder)
    told = after.pop("fit")
    assert after == before
    assert list(told) == ["resolution"]
    part = told["resolution"]["datasets"]["zee-fcc"]
    assert part["expected"] == pytest.approx(2 * 2**0.5)
    assert (part["fits"], part["usable"]) == (VARIATIONS, VARIATIONS)
    assert list(part["variations"]) == [f"smear_{number:02}" for number in range(VARIATIONS)]
    for variation, record in zip(part["variations"].values(), fits.datasets[0].records, strict=True):
        assert variation["value"] == record.values["sigma"]
        assert variation["error"] == record.estimates["sigma"].error
        assert variation["status"] == "converged"
    assert part["mean"] == pytest.approx(np.mean([v["value"] for v in part["variations"].values()]))


def test_the_full_record_has_correlations_and_what_made_it(run_folder):
    fit_folder(run_folder, minos=True)
    record = json.loads((run_folder / "fit_resolution.json").read_text())
    assert record["provenance"]["packages"]["iminuit"]
    assert record["provenance"]["minos"] is True
    variation = record["datasets"]["zee-fcc"]["variations"]["smear_03"]
    assert variation["free"] == ["yield", "mean", "sigma"]
    correlation = np.array(variation["correlation"])
    np.testing.assert_allclose(np.diag(correlation), 1)
    np.testing.assert_allclose(correlation, correlation.T)
    lower, upper = variation["parameters"]["sigma"]["minos"]
    assert lower < 0 < upper
    assert record["datasets"]["zee-fcc"]["sum_of_variations"]["status"] == "converged"


def test_a_range_is_of_bins_of_the_histogram(run_folder):
    fits = fit_folder(run_folder, range_=(86.24, 96.32))
    assert fits.datasets[0].records[0].range == pytest.approx((86.24, 96.32))
    with pytest.raises(InputError, match=r"86 is no edge of the 50 bins of m_ee from 84 to 98; the nearest is 85.96"):
        fit_folder(run_folder, range_=(86, 96.32))
    with pytest.raises(InputError, match="range 98 84: the first number has to be smaller"):
        fit_folder(run_folder, range_=(98, 84))


def test_both_models_stay_side_by_side_and_the_ill_posed_one_is_not_used(run_folder):
    fit_folder(run_folder)
    fit_folder(run_folder, "original")
    told = summary_of(run_folder)["fit"]
    assert list(told) == ["resolution", "original"]
    part = told["original"]["datasets"]["zee-fcc"]
    statuses = {variation["status"] for variation in part["variations"].values()}
    assert "at bound" in statuses
    assert part["usable"] == sum(v["status"] == "converged" for v in part["variations"].values()) < VARIATIONS


def test_a_run_that_replaces_the_histograms_removes_their_fits(run_folder):
    fit_folder(run_folder)
    mine = run_folder / "plots" / "zee-fcc" / "mine.png"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("not hepcol's")
    hepcol.run(ZeeProcessor(variations=2), "zee-fcc", output=run_folder, force=True)
    assert not (run_folder / "fit_resolution.json").exists()
    assert "fit" not in summary_of(run_folder)
    assert mine.exists()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"model": "gauss"}, "model must be one of resolution, original, got 'gauss'"),
        ({"changes": {"gamma": {}}}, "model resolution has no parameter 'gamma'; it has yield, mean, sigma, "),
        ({"changes": {"sigma": {"start": -1.0}}}, r"parameter sigma: starts at -1 GeV, outside \[0.028, 7\]"),
    ],
)
def test_says_in_one_line_what_cannot_be_fitted(run_folder, how, message):
    before = summary_of(run_folder)
    with pytest.raises(InputError, match=message):
        fit_folder(run_folder, **how)
    assert summary_of(run_folder) == before


def test_says_which_files_are_missing_or_broken(run_folder, tmp_path):
    with pytest.raises(InputError, match=r"no histograms.zip there; expected the output folder of 'hepcol run'"):
        fit_folder(tmp_path)
    (run_folder / "provenance.json").write_text("{}")
    with pytest.raises(InputError, match=r"provenance.json: not the provenance of a run"):
        fit_folder(run_folder)
    (run_folder / "provenance.json").unlink()
    with pytest.raises(InputError, match=r"provenance.json: cannot be read"):
        fit_folder(run_folder)


def test_a_processor_that_fits_nothing_is_named(tmp_path):
    def count(events):
        axis = hist.axis.Regular(5, 0, 5, name="n")
        return {"n": hist.Hist(axis, storage=hist.storage.Int64()).fill(np.zeros(len(events)))}

    hepcol.run(count, "zee-fcc", output=tmp_path / "out")
    with pytest.raises(InputError, match=r"cannot be made again|has nothing to fit"):
        fit_folder(tmp_path / "out")


def test_a_folder_in_use_is_left_alone(run_folder):
    before = summary_of(run_folder)
    with lock.locked(run_folder), pytest.raises(InputError, match="is in use by process"):
        fit_folder(run_folder)
    assert summary_of(run_folder) == before
    assert not (run_folder / "fit_resolution.json").exists()

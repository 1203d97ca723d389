"""Closure of the calibration from the peak on the shipped pair: what was put in is found; applied, peaks agree."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

import hepcol
from calib.egamma import EgammaCalibration
from hepcol.errors import InputError
from hepcol.histograms import inclusive
from processors.commands import insitu
from processors.zee_atlas import ZeeAtlasProcessor
from processors.zee_atlas.in_situ_folder import calibrate_folder
from samples.zee_atlas.truth import ALPHA, CONSTANT

pytestmark = pytest.mark.usefixtures("synthetic_area_once")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, simulation, data):
    target = tmp_path_factory.mktemp("in_situ") / "run"
    processor = ZeeAtlasProcessor(in_situ=True, systematics="none", scale_factors="zee-atlas", area="synthetic")
    hepcol.run(processor, [simulation, data], dataset="zee", output=target, chunksize=20_000)
    return target


@pytest.fixture(scope="module")
def done(folder):
    return calibrate_folder(folder, folder.parent / "area")


def test_scales_and_constant_terms_are_found_again(done):
    assert done.found.valid
    chi2, number = done.closure
    assert number == 16
    assert chi2 < 32  # 1 % of the probability
    for pulls in done.pulls:
        assert np.abs(pulls).max() < 3
    assert done.found.chi2 < 1.15 * done.found.ndof
    told = json.loads((done.folder / "in_situ.json").read_text())
    crack = (2, 7)
    assert told["injected"]["alpha"] == [alpha for region, alpha in enumerate(ALPHA) if region not in crack]
    assert told["injected"]["constant"] == [c for region, c in enumerate(CONSTANT) if region not in crack]


def _distance(result):
    """Chi2 of the peaks of data and simulation from 80 to 100 GeV, with equal areas; 19 degrees of freedom."""
    data, simulation = (
        inclusive(result[name].histograms["m_ee"].to_hist())["nominal", 80j:100j]
        for name in ("zee-data", "zee-simulation")
    )
    scale = data.values().sum() / simulation.values().sum()
    variance = data.values() + scale**2 * simulation.variances()
    return float(((data.values() - scale * simulation.values()) ** 2 / variance).sum())


def test_with_the_new_area_the_peaks_agree(done, simulation, data):
    def peaks(area):
        processor = ZeeAtlasProcessor(systematics="none", scale_factors="zee-atlas", area=str(area))
        return hepcol.run(processor, [simulation, data], dataset="zee", chunksize=20_000).result

    assert _distance(peaks("synthetic")) > 100
    assert _distance(peaks(done.area)) < 36  # 1 % of the probability


def test_the_area_reads_back_what_was_found(done):
    tool = EgammaCalibration("es2022_R22_PRE", "FULL_v1", simulation="full", area=done.area)
    assert tool.is_synthetic
    middle = [(low + high) / 2 for low, high in ((-2.47, -2.0), (-2.0, -1.52), (-1.37, -0.8))]
    columns = {name: np.full(3, 0.3) for name in ("eta", "cl_eta", "cl_phi", "cl_eta_s2", "cl_phi_calo")}
    columns |= {
        "cl_eta_calo": np.array(middle),
        "pt": np.full(3, 5e4),
        "event_number": np.arange(3),
        "run_number": np.full(3, 330_000),
        "is_simulation": np.zeros(3, dtype=bool),
    }
    np.testing.assert_allclose(tool.scale(columns), done.found.alpha[:3], rtol=1e-12)
    plain = tool.resolution(columns, constant_term=False)
    np.testing.assert_allclose(np.sqrt(tool.resolution(columns) ** 2 - plain**2), done.found.constant[:3], rtol=1e-9)


def test_the_command_prints_and_refuses_an_area_that_is_there(done, folder):
    printed = CliRunner().invoke(insitu, [str(folder)])
    assert printed.exit_code == 0, printed.output
    assert "against what was put in: chi2" in printed.output
    again = CliRunner().invoke(insitu, [str(folder), "--area", str(done.area)])
    assert again.exit_code == 2
    assert "is there: choose another name" in again.output


def test_an_area_is_made_of_the_one_that_the_run_had(tmp_path, folder, monkeypatch):
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["options"]["area"] == "synthetic"
    copied = tmp_path / "run"
    shutil.copytree(folder, copied)
    provenance["options"]["tables"] = "others"
    (copied / "provenance.json").write_text(json.dumps(provenance))
    with pytest.raises(InputError, match="its tables have changed since the run"):
        calibrate_folder(copied, tmp_path / "area")
    assert not (tmp_path / "area").exists()


def test_says_what_an_incomplete_run_lacks(tmp_path, simulation, data):
    whole = data.read_bytes()
    (tmp_path / "broken.root").write_bytes(whole[: len(whole) // 2])
    processor = ZeeAtlasProcessor(in_situ=True, systematics="none", scale_factors="zee-atlas", area="synthetic")
    files = [simulation, data, tmp_path / "broken.root"]
    target = tmp_path / "run"
    hepcol.run(processor, files, dataset="zee", output=target, chunksize=20_000, allow_incomplete=True)
    done = calibrate_folder(target)
    assert "INCOMPLETE" in (target / "in_situ.md").read_text()
    assert json.loads((target / "in_situ.json").read_text())["complete"] is False
    assert done.injected is not None


def test_refuses_a_folder_without_templates(tmp_path, simulation):
    hepcol.run(
        ZeeAtlasProcessor(systematics="none", area="synthetic"), simulation, output=tmp_path / "run", chunksize=20_000
    )
    with pytest.raises(InputError, match=r"0 datasets of data .* in_situ=true"):
        calibrate_folder(tmp_path / "run")

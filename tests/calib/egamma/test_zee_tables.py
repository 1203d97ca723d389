"""Calibration areas with other tables from Z -> ee."""

import numpy as np
import pytest

from calib.egamma import EgammaCalibration
from calib.egamma.calibrator import SYNTHETIC_AREA
from calib.egamma.zee_tables import ZeeTables, write_area
from hepcol.errors import InputError

EDGES = (-2.5, -1.0, 0.5, 2.5)


def tables(**changes):
    columns = {
        "alpha": np.array([0.01, -0.02, 0.003]),
        "alpha_error": np.array([0.001, 0.002, 0.003]),
        "constant": np.array([0.012, 0.0, 0.02]),
        "constant_error": np.array([0.001, 0.001, 0.001]),
    }
    return ZeeTables(EDGES, **{name: np.asarray(value) for name, value in (columns | changes).items()})


def electrons(run, is_simulation):
    columns = {name: np.full(4, 0.3) for name in ("eta", "cl_eta", "cl_phi", "cl_eta_s2", "cl_phi_calo")}
    return columns | {
        "cl_eta_calo": np.array([-2.4, -0.5, 1.9, 2.6]),
        "pt": np.full(4, 5e4),
        "event_number": np.arange(4),
        "run_number": np.full(4, run),
        "random_run_number": np.full(4, run),
        "is_simulation": np.full(4, is_simulation),
    }


@pytest.mark.parametrize("model", ["es2022_R22_PRE", "es2023_R22_Run2_v1", "es2024_Run3_v0"])
def test_the_tables_are_read_back_in_all_periods(model, tmp_path):
    area = write_area(SYNTHETIC_AREA, tmp_path / "area", model, tables())
    tool = EgammaCalibration(model, "FULL_v1", simulation="full", area=area)
    for run in (280_000, 310_000, 330_000, 360_000, 420_000, 450_000, 480_000):
        # beyond the last edge it is ROOT's overflow bin, which is empty
        np.testing.assert_allclose(tool.scale(electrons(run, False)), [0.01, -0.02, 0.003, 0.0], rtol=1e-12)
    plain = tool.resolution(electrons(330_000, True), constant_term=False)
    added = np.sqrt(tool.resolution(electrons(330_000, True)) ** 2 - plain**2)
    np.testing.assert_allclose(added, [0.012, 0.0, 0.02, 0.0], rtol=1e-9, atol=1e-9)


def test_the_statistical_uncertainty_is_that_of_the_tables(tmp_path):
    area = write_area(SYNTHETIC_AREA, tmp_path / "area", "es2022_R22_PRE", tables())
    tool = EgammaCalibration(
        "es2022_R22_PRE", "FULL_v1", simulation="full", area=area, full_statistical_error=True, smear=False
    )
    given = electrons(330_000, True)
    nominal = tool.calibrate(given)
    up = tool.calibrate(given, systematic="EG_SCALE_ZEESTAT__ETABIN1__1up")
    np.testing.assert_allclose(up / nominal - 1, [0.0, 0.002, 0.0, 0.0], atol=2e-7)  # of float32


def test_what_is_made_of_the_synthetic_area_still_says_so(tmp_path):
    area = write_area(SYNTHETIC_AREA, tmp_path / "area", "es2022_R22_PRE", tables())
    assert EgammaCalibration("es2022_R22_PRE", area=area).is_synthetic


def test_fingerprints_are_of_what_is_read(tmp_path):
    area = write_area(SYNTHETIC_AREA, tmp_path / "area", "es2022_R22_PRE", tables())
    first, second = (EgammaCalibration("es2022_R22_PRE", area=one).fingerprint for one in ("synthetic", area))
    assert first != second
    assert first == EgammaCalibration("es2022_R22_PRE", area=SYNTHETIC_AREA).fingerprint


def test_refuses_a_target_that_is_there_and_leaves_it(tmp_path):
    (tmp_path / "area").mkdir()
    (tmp_path / "area" / "mine").touch()
    with pytest.raises(InputError, match="is there: choose another name"):
        write_area(SYNTHETIC_AREA, tmp_path / "area", "es2022_R22_PRE", tables())
    assert [path.name for path in tmp_path.iterdir()] == ["area"]
    assert (tmp_path / "area" / "mine").exists()


def test_leaves_nothing_behind_when_it_cannot(tmp_path):
    with pytest.raises(InputError, match="/nowhere: no calibration area"):
        write_area("/nowhere", tmp_path / "area", "es2022_R22_PRE", tables())
    (tmp_path / "file").write_text("")  # where a folder would have to be
    with pytest.raises(InputError, match="cannot be written"):
        write_area(SYNTHETIC_AREA, tmp_path / "file" / "area", "es2022_R22_PRE", tables())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("alpha", [[0.01, 0.02], [0.01, np.nan, 0.0]])
def test_refuses_tables_that_are_no_numbers_for_each_bin(alpha):
    with pytest.raises(InputError, match="alpha: expected 3 finite numbers"):
        tables(alpha=alpha)


def test_blocks_do_not_divide_events():
    tool = EgammaCalibration("es2022_R22_PRE", "1NP_v1", simulation="full", area="synthetic")
    random = np.random.default_rng(3)
    counts = random.integers(0, 6, 400)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    number = int(offsets[-1])
    columns = {name: random.uniform(-1, 1, number) for name in ("eta", "cl_eta", "cl_phi", "cl_eta_s2", "cl_eta_calo")}
    columns |= {
        "cl_phi_calo": columns["cl_phi"],
        "pt": random.uniform(2e4, 9e4, number),
        "event_number": np.repeat(np.arange(400), counts),
        "run_number": np.full(number, 300_000),
        "random_run_number": np.full(number, 330_000),
        "is_simulation": np.ones(number, dtype=bool),
    }
    whole = np.stack(list(tool.calibrate_all(columns).values()))
    for size in (1, 7, 100, 10_000):
        parts = [(part, block.copy()) for part, block in tool.blocks(columns, size=size, offsets=offsets)]
        edges = [0, *(part.stop for part, _ in parts)]
        assert edges[-1] == number
        assert set(edges) <= set(offsets.tolist())
        np.testing.assert_array_equal(np.concatenate([block for _, block in parts], axis=1), whole)

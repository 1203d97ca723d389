"""A real calibration area of ATLAS, where there is one: it loads, every object is there, results are finite."""

import os

import numpy as np
import pytest

from calib.egamma import MODELS, EgammaCalibration

AREA = os.environ.get("HEPCOL_CALIB_AREA")
pytestmark = pytest.mark.skipif(not AREA, reason="HEPCOL_CALIB_AREA names no calibration area of ATLAS")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("photons", [False, True])
def test_every_object_is_found_and_results_are_finite(model, photons):
    rng = np.random.default_rng(1)
    eta = rng.uniform(-2.47, 2.47, 5000).astype(np.float32)
    run = 450_000 if MODELS[model].run3 else 300_000
    columns = {
        "pt": rng.uniform(10e3, 200e3, 5000).astype(np.float32),
        **dict.fromkeys(("eta", "cl_eta", "cl_eta_s2", "cl_eta_calo"), eta),
        **dict.fromkeys(("cl_phi", "cl_phi_calo"), rng.uniform(-3.1, 3.1, 5000).astype(np.float32)),
        **dict.fromkeys(("run_number", "random_run_number"), np.full(5000, run)),
        "event_number": np.arange(5000, dtype=np.uint64),
    }
    if photons:
        columns["converted"] = np.arange(5000) % 2 == 0
    for simulated in (False, True):
        tool = EgammaCalibration(model, "FULL_v1", simulation="full")
        found = tool.calibrate_all(columns | {"is_simulation": np.full(5000, simulated)})
        for name, pt in found.items():
            assert np.isfinite(pt).all(), name
            assert (np.abs(pt / columns["pt"] - 1) < 0.5).all(), name

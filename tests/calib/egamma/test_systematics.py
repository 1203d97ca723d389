"""The lists of systematics are those of the C++ tool."""

import json
from pathlib import Path

import numpy as np
import pytest

from calib.egamma.calibrator import SYNTHETIC_AREA
from calib.egamma.models import MODELS
from calib.egamma.systematics import EVERYWHERE, systematics_of

TOLD = json.loads((Path(__file__).parents[2] / "data" / "egamma" / "systematics.json").read_text())["models"]


@pytest.mark.parametrize("model", TOLD)
def test_names_order_and_ranges(model):
    for decorrelation, told in TOLD[model].items():
        found = systematics_of(MODELS[model], decorrelation)
        assert [one.name for one in found] == [one["name"] for kind in ("scale", "resolution") for one in told[kind]]
        for one, expected in zip(found, told["scale"], strict=False):
            if expected["abs_etacalo"] is None:
                assert one.ranges == EVERYWHERE
            else:
                np.testing.assert_allclose(np.ravel(one.ranges), expected["abs_etacalo"])


def test_the_scheme_of_mostly_correlated_sources():
    names = [one.name for one in systematics_of(MODELS["es2023_R22_Run2_v1"], "1NPCOR_PLUS_UNCOR")]
    assert names == [
        "EG_SCALE_LARTEMPERATURE_EXTRA2015PRE",
        "EG_SCALE_LARTEMPERATURE_EXTRA2016PRE",
        "EG_SCALE_E4SCINTILLATOR",
        "EG_SCALE_LARCALIB_EXTRA2015PRE",
        "EG_SCALE_ALLCORR",
        "EG_RESOLUTION_ALL",
        "EG_RESOLUTION_AF3",
    ]


def test_the_shipped_area_is_that_of_the_golden_numbers():
    shared = Path(__file__).parents[4] / "shared" / "egamma" / "golden" / "calib"
    if not shared.is_dir():
        pytest.skip("the golden numbers are not there: no ../shared/egamma beside the checkout")
    names = sorted(path.relative_to(shared) for path in shared.rglob("*.root"))
    assert names == sorted(path.relative_to(SYNTHETIC_AREA) for path in SYNTHETIC_AREA.rglob("*.root"))
    assert all((shared / name).read_bytes() == (SYNTHETIC_AREA / name).read_bytes() for name in names)

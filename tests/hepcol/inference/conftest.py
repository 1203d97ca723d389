import json
from pathlib import Path

import pytest

from hepcol.inference.yields import SampleYield, Yields

FB_PER_PB = 1000.0


@pytest.fixture(scope="session")
def published():
    """The published numbers of the stop 4-body search, with their source."""
    return json.loads((Path(__file__).parents[2] / "data" / "stop4b_published.json").read_text())


@pytest.fixture(scope="session")
def published_yields(published):
    """Two regions with their total backgrounds, whose errors have nothing in common, and 15 signals."""
    regions, luminosity = published["regions"], published["luminosity_per_fb"]
    totals = {name: region["expected"] for name, region in regions.items()}
    errors = {
        f"bkg_{name}": {name: (region["expected"] + region["error"], region["expected"] - region["error"])}
        for name, region in regions.items()
    }
    signals = {
        f"stop_{point['stop']}_{point['neutralino']}": SampleYield(
            {
                name: efficiency * point["cross_section_pb"] * FB_PER_PB * luminosity
                for name, efficiency in point["acceptance_times_efficiency"].items()
            }
        )
        for point in published["points"]
    }
    background = SampleYield(totals, systematics=errors, is_data_driven=True)
    data = {name: region["observed"] for name, region in regions.items()}
    return Yields(tuple(regions), published["luminosity_error"], data, {"bkg": background, **signals}, tuple(signals))


@pytest.fixture(scope="session")
def small_yields():
    """Two signal regions and a control region, and every kind of uncertainty."""
    nominal = {
        "ttbar": {"SRA": 4.0, "SRB": 6.0, "CR": 80.0},
        "VV": {"SRA": 3.0, "SRB": 5.0, "CR": 12.0},
        "Fakes": {"SRA": 4.0, "SRB": 7.0, "CR": 5.0},
        "signal": {"SRA": 3.0, "SRB": 15.0, "CR": 0.5},
    }

    def varied(name, up, down):
        return {region: (up * events, down * events) for region, events in nominal[name].items()}

    def sample(name, systematics, **more):
        errors = {region: 0.1 * events for region, events in nominal[name].items()}
        return SampleYield(nominal[name], errors, systematics, **more)

    samples = {
        "ttbar": sample("ttbar", {"JES": varied("ttbar", 1.06, 0.95)}, normalisation=(0.9, 0.12)),
        "VV": sample("VV", {"JES": varied("VV", 1.1, 0.92)}, normalisation=(1.0, 0.25)),
        "Fakes": sample("Fakes", {"closure": {"SRA": (5.2, 2.8)}}, is_data_driven=True),
        "signal": sample("signal", {"JES": varied("signal", 1.08, 0.9)}),
    }
    return Yields(("SRA", "SRB", "CR"), 0.017, {"SRA": 10, "SRB": 19, "CR": 95}, samples, ("signal",), {"ttbar": "CR"})

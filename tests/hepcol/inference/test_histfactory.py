"""The workspace of yields."""

import json
import math
import re
from dataclasses import replace

import pytest

from hepcol.errors import InputError
from hepcol.inference.histfactory import build_workspace, model_and_data, quiet_pyhf, workspace
from hepcol.inference.templates import FLOOR
from hepcol.inference.yields import SampleYield, Yields

POINT = "stop_400_320"


def modifiers(spec, region, sample):
    (channel,) = (channel for channel in spec["channels"] if channel["name"] == region)
    (found,) = (entry for entry in channel["samples"] if entry["name"] == sample)
    return {modifier["name"]: modifier for modifier in found["modifiers"]}


def events(spec, region, sample):
    (channel,) = (channel for channel in spec["channels"] if channel["name"] == region)
    return next(entry["data"] for entry in channel["samples"] if entry["name"] == sample)


def with_sample(yields, name, **changes):
    return replace(yields, samples={**yields.samples, name: replace(yields.samples[name], **changes)})


def test_is_what_the_specification_shows(published_yields):
    spec = workspace(published_yields, POINT, signal_error=0.15)
    assert [channel["name"] for channel in spec["channels"]] == ["Stop4b_SRA", "Stop4b_SRB"]
    assert [channel["samples"][0]["name"] for channel in spec["channels"]] == [POINT, POINT]
    signal = modifiers(spec, "Stop4b_SRA", POINT)
    assert list(signal) == ["mu_SIG", "lumi", "sig_syst"]
    assert signal["mu_SIG"] == {"name": "mu_SIG", "type": "normfactor", "data": None}
    assert signal["lumi"] == {"name": "lumi", "type": "normsys", "data": {"hi": 1.017, "lo": 0.983}}
    assert signal["sig_syst"]["data"] == pytest.approx({"hi": 1.15, "lo": 0.85})
    assert events(spec, "Stop4b_SRA", POINT) == pytest.approx([2.775], rel=1e-3)
    assert modifiers(spec, "Stop4b_SRB", "bkg") == {
        "bkg_Stop4b_SRB": {
            "name": "bkg_Stop4b_SRB",
            "type": "normsys",
            "data": pytest.approx({"hi": 1.1398963730569949, "lo": 0.8601036269430051}),
        }
    }
    assert spec["observations"] == [
        {"name": "Stop4b_SRA", "data": [10.0]},
        {"name": "Stop4b_SRB", "data": [19.0]},
    ]
    assert spec["measurements"][0]["config"] == {
        "poi": "mu_SIG",
        "parameters": [{"name": "mu_SIG", "bounds": [[0, 50]], "inits": [1.0]}],
    }


def test_has_the_structure_of_the_example_workspace(published_yields, shared_data):
    example = json.loads((shared_data.parent / "stop4b" / "ws_example.json").read_text())
    # its events are those of acceptances with more digits than the published ones
    signal = SampleYield({"Stop4b_SRA": 2.77500156, "Stop4b_SRB": 17.66831085})
    spec = workspace(published_yields.with_signal("signal", signal), "signal", signal_error=0.15)

    def rounded(entry):
        match entry:
            case dict():
                return {key: rounded(value) for key, value in entry.items()}
            case list():
                return [rounded(value) for value in entry]
            case float() | int():
                return float(f"{entry:.12g}")
        return entry

    assert json.dumps(rounded(spec), sort_keys=True) == json.dumps(rounded(example), sort_keys=True)


def test_systematics_are_relative_and_share_their_parameter_by_name(small_yields):
    spec = workspace(small_yields, "signal")
    assert modifiers(spec, "SRA", "VV")["JES"]["data"] == pytest.approx({"hi": 1.1, "lo": 0.92})
    assert modifiers(spec, "SRB", "signal")["JES"]["data"] == pytest.approx({"hi": 1.08, "lo": 0.9})
    model, _ = model_and_data(spec)
    assert model.config.par_names.count("JES") == 1
    start = model.config.suggested_init()
    up = list(start)
    up[model.config.par_names.index("JES")] = 1.0
    changed = model.expected_actualdata(up) - model.expected_actualdata(start)
    # SRA: ttbar with the factor that it starts from, VV, and the signal, all at once
    assert changed[model.config.channels.index("SRA")] == pytest.approx(4 * 0.06 + 3 * 0.1 + 3 * 0.08)


def test_a_systematic_of_another_name_is_another_parameter(small_yields):
    other = small_yields.samples["VV"].systematics["JES"]
    spec = workspace(with_sample(small_yields, "VV", systematics={"JES_2": other}), "signal")
    model, _ = model_and_data(spec)
    assert {"JES", "JES_2"} <= set(model.config.par_names)


def test_luminosity_is_for_what_scales_with_it(small_yields):
    spec = workspace(small_yields, "signal")
    carriers = {name for name in small_yields.samples if "lumi" in modifiers(spec, "SRA", name)}
    assert carriers == {"signal"}  # others are from data, or normalised to data
    free = with_sample(small_yields, "VV", normalisation=None)
    assert "lumi" in modifiers(workspace(free, "signal"), "SRA", "VV")
    assert "lumi" not in modifiers(workspace(replace(free, luminosity_error=0.0), "signal"), "SRA", "VV")


def test_a_factor_is_free_where_a_control_region_fixes_it_and_else_has_its_error(small_yields):
    spec = workspace(small_yields, "signal")
    assert modifiers(spec, "SRA", "VV")["norm_VV"]["data"] == pytest.approx({"hi": 1.25, "lo": 0.75})
    assert modifiers(spec, "SRA", "ttbar")["mu_ttbar"]["type"] == "normfactor"
    assert events(spec, "SRA", "ttbar") == pytest.approx([4.0 / 0.9])  # the parameter is the factor itself
    parameters = {entry["name"]: entry for entry in spec["measurements"][0]["config"]["parameters"]}
    assert parameters["mu_ttbar"]["inits"] == [0.9]
    without = workspace(small_yields, "signal", regions=("SRA", "SRB"))
    assert "mu_ttbar" not in modifiers(without, "SRA", "ttbar")
    assert modifiers(without, "SRA", "ttbar")["norm_ttbar"]["data"] == pytest.approx(
        {"hi": 1.02 / 0.9, "lo": 0.78 / 0.9}
    )
    assert events(without, "SRA", "ttbar") == [4.0]


def test_statistical_errors_are_one_parameter_a_region_and_the_signals_is_its_own(small_yields):
    spec = workspace(small_yields, "signal")
    with quiet_pyhf():
        model, _ = model_and_data(spec)
    sra = model.config.param_set("staterror_SRA")
    backgrounds = 4 / 0.9 + 3 + 4
    assert sra.width() == pytest.approx([math.hypot(0.4 / 0.9, 0.3, 0.4) / backgrounds])
    assert modifiers(spec, "SRA", "signal")["mcstat_signal_SRA"]["data"] == pytest.approx({"hi": 1.1, "lo": 0.9})


def test_what_does_next_to_nothing_is_left_out_and_told(small_yields):
    tiny = {region: (1.0009 * n, 0.9991 * n) for region, n in small_yields.samples["VV"].nominal.items()}
    made = build_workspace(with_sample(small_yields, "VV", systematics={"JES": tiny}), "signal")
    assert "JES" not in modifiers(made.spec, "SRA", "VV")
    assert "JES of VV in SRA" in made.pruned
    assert "JES" in modifiers(
        build_workspace(with_sample(small_yields, "VV", systematics={"JES": tiny}), "signal", prune=0.0005).spec,
        "SRA", "VV",
    )  # fmt: skip


def test_a_systematic_that_leaves_no_events_is_clipped_with_a_warning(small_yields):
    gone = {"DRvsDS": {"SRA": (6.5, -0.5), "SRB": (10.0, 0.0)}}
    made = build_workspace(with_sample(small_yields, "VV", systematics=gone), "signal")
    assert modifiers(made.spec, "SRA", "VV")["DRvsDS"]["data"] == {"hi": pytest.approx(6.5 / 3), "lo": 0.01}
    assert modifiers(made.spec, "SRB", "VV")["DRvsDS"]["data"]["lo"] == 0.01
    assert made.warnings[0] == "DRvsDS low of VV in SRA: -0.167 of the nominal events, taken as 0.01"


def test_what_leaves_next_to_no_events_is_clipped_as_what_leaves_none(small_yields):
    def low(events):
        gone = {"DRvsDS": {"SRA": (6.5, events)}}
        made = build_workspace(with_sample(small_yields, "VV", systematics=gone), "signal")
        return modifiers(made.spec, "SRA", "VV")["DRvsDS"]["data"]["lo"], len(made.warnings)

    assert low(1e-9) == low(-1e-9) == (0.01, 1)
    assert low(0.0301) == (pytest.approx(0.01, rel=0.01), 0)


@pytest.mark.parametrize("nominal", [0.0, FLOOR])
def test_a_signal_with_no_more_than_the_floor_has_no_statistical_error(small_yields, nominal):
    none = with_sample(small_yields, "signal", nominal={"SRA": nominal, "SRB": 15.0, "CR": 0.0}, error={"SRA": 0.4},
                       systematics={})  # fmt: skip
    spec = workspace(none, "signal")
    assert events(spec, "SRA", "signal") == [FLOOR]
    assert list(modifiers(spec, "SRA", "signal")) == ["mu_SIG", "lumi"]
    assert events(spec, "SRB", "signal") == [15.0]


@pytest.mark.parametrize("error", [0.995, 1.0, 7.0])
def test_a_statistical_error_of_the_signal_leaves_some_of_it(small_yields, error):
    few = with_sample(small_yields, "signal", error={"SRA": 3.0 * error}, systematics={})
    made = build_workspace(few, "signal")
    assert modifiers(made.spec, "SRA", "signal")["mcstat_signal_SRA"]["data"] == pytest.approx({"hi": 1.99, "lo": 0.01})
    assert f"signal in SRA: a statistical error of {error:.0%}, taken as 99%" in made.warnings


def test_samples_without_events_stay_as_next_to_nothing(small_yields):
    nominal = {"SRA": 0.0, "SRB": -0.3, "CR": 1.0}
    varied = {"JES": {"SRA": (0.5, 0.0), "SRB": (0.1, -0.1), "CR": (1.1, 0.9)}}
    made = build_workspace(with_sample(small_yields, "VV", nominal=nominal, systematics=varied), "signal")
    assert events(made.spec, "SRA", "VV") == events(made.spec, "SRB", "VV") == [1e-4]
    assert "JES" not in modifiers(made.spec, "SRA", "VV")
    assert modifiers(made.spec, "SRA", "VV")["staterror_SRA"]["data"] == [pytest.approx(0.3)]
    assert "VV in SRB: -0.3 events, taken as 0.0001" in made.warnings
    assert "VV in SRA: no nominal events, so that JES cannot be relative to them" in made.warnings
    model_and_data(made.spec)


def test_too_little_simulation_is_told(small_yields):
    one = SampleYield({"SRA": 1.0, "SRB": 1.0, "CR": 1.0}, {"SRA": 1.0})
    made = build_workspace(replace(small_yields, samples={"one": one, "signal": small_yields.samples["signal"]},
                                   control_regions={}), "signal")  # fmt: skip
    assert made.warnings == ("SRA: the simulation of the backgrounds has a statistical error of 100%",)


def test_other_signals_are_not_in_it_and_there_may_be_none(published_yields):
    spec = workspace(published_yields, POINT)
    assert {sample["name"] for channel in spec["channels"] for sample in channel["samples"]} == {POINT, "bkg"}
    spec = workspace(published_yields, None)
    assert {sample["name"] for channel in spec["channels"] for sample in channel["samples"]} == {"bkg"}
    assert model_and_data(spec)[0].config.poi_name is None


def test_yields_without_an_uncertainty_have_nothing_to_fit():
    certain = Yields(("SR",), 0.0, {"SR": 1}, {"bkg": SampleYield({"SR": 1.0})})
    with pytest.raises(InputError, match="the yields make no model that can be fitted: No parameters"):
        model_and_data(workspace(certain, None))


@pytest.mark.parametrize("name", ["lumi", "sig_syst", "mu_ttbar", "norm_VV", "staterror_SRA", "mcstat_x"])
def test_a_systematic_may_not_be_called_like_a_parameter_of_the_model(small_yields, name):
    clash = with_sample(small_yields, "VV", systematics={name: {"SRA": (4.0, 2.0)}})
    with pytest.raises(InputError, match=f"systematic '{name}': the model has a parameter that is called so"):
        workspace(clash, "signal")


def test_rejects_a_signal_error_that_is_no_fraction(small_yields):
    with pytest.raises(InputError, match=re.escape("signal_error must be from 0 to 1 (relative), got 15")):
        workspace(small_yields, "signal", signal_error=15)
    with pytest.raises(InputError, match="signal must be one of signal, got 'stop'"):
        workspace(small_yields, "stop")

"""Yields and their file."""

import json
from dataclasses import replace

import pytest

from hepcol.errors import InputError
from hepcol.inference.yields import SampleYield, Yields, read_yields, write_yields


def test_the_file_gives_back_what_was_written(small_yields, tmp_path):
    path = tmp_path / "yields.json"
    write_yields(small_yields, path)
    assert read_yields(path) == small_yields
    assert [entry.name for entry in tmp_path.iterdir()] == ["yields.json"]


def test_the_label_of_data_is_in_the_file_only_if_they_were_not_observed(small_yields, tmp_path):
    assert "label" not in small_yields.to_json()
    assert not small_yields.is_simulated
    asimov = replace(small_yields, label="Asimov data")
    assert asimov.is_simulated
    write_yields(asimov, tmp_path / "yields.json")
    assert read_yields(tmp_path / "yields.json") == asimov != small_yields


def spoil(content, *path, value):
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, r"yields of version 2; accepted is 1"),
        (["regions"], [], "regions must be some, each once, got none"),
        (["regions"], ["SRA", "SRA"], "regions must be some, each once, got SRA, SRA"),
        (["luminosity_error"], 1.7, r"luminosity_error must be from 0 to 1 \(relative\), got 1.7"),
        (["luminosity_error"], "1 %", "luminosity_error: Input should be a valid number"),
        (["data", "SRC"], 1, "data: 'SRC' is none of the regions SRA, SRB, CR"),
        (["data", "SRA"], -1, "data in SRA: events must be at least 0, got -1"),
        (["signals"], ["stop"], "signal 'stop' is none of the samples ttbar, VV, Fakes, signal"),
        (["signals"], ["ttbar", "VV", "Fakes", "signal"], "samples: there must be one that is no signal"),
        (["samples", "VV", "nominal"], {"SRA": 1, "SRB": 1}, "sample 'VV', nominal: nothing for region 'CR'"),
        (["samples", "VV", "nominal", "SRA"], None, "samples.VV.nominal.SRA: Input should be a valid number"),
        (["samples", "VV", "error", "SRA"], -0.1, "sample 'VV': errors must be at least 0"),
        (["samples", "VV", "systematics", "JES", "SRA"], [1.0], "samples.VV.systematics.JES.SRA.1: Field required"),
        (["samples", "VV", "systematics", "JES", "SRD"], [1, 1], "sample 'VV', JES: 'SRD' is none of the regions"),
        (["samples", "VV", "normalisation"], [0, 1], "sample 'VV': normalisation must be a factor above 0"),
        (["samples", "VV", "eror"], {}, "samples.VV.eror: Unexpected keyword argument"),
        (["control_regions"], {"Fakes": "CR"}, "control_regions: 'Fakes' is no sample with a normalisation"),
        (["label"], " ", "label: must say what the data are"),
        (["control_regions"], {"signal": "CR"}, "control_regions: 'signal' is a signal, whose strength no control"),
        (["control_regions"], {"VV": "CRVV"}, "control_regions: 'CRVV' is none of the regions"),
    ],
)
def test_says_in_one_line_what_is_wrong_in_a_file(small_yields, tmp_path, path, value, message):
    content = json.loads(json.dumps(small_yields.to_json()))
    spoil(content, *path, value=value)
    (tmp_path / "yields.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as error:
        read_yields(tmp_path / "yields.json")
    assert str(error.value).startswith(str(tmp_path / "yields.json"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("[]", "not yields"), ("{}", "not yields")])
def test_a_file_that_holds_no_yields_is_named(tmp_path, text, message):
    (tmp_path / "yields.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_yields(tmp_path / "yields.json")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_yields(tmp_path / "none.json")


def test_numbers_that_are_not_finite_are_refused(small_yields):
    nominal = {"SRA": 1.0, "SRB": float("nan"), "CR": 1.0}
    with pytest.raises(InputError, match="sample 'signal': events must be finite"):
        small_yields.with_signal("signal", SampleYield(nominal))
    with pytest.raises(InputError, match="at least 0, got inf"):
        replace(small_yields, data={**small_yields.data, "SRA": float("inf")})


def test_an_unknown_signal_lists_the_accepted(published_yields):
    with pytest.raises(InputError, match=r"signal must be one of stop_260_180, .*, stop_580_500, got 'stop_1_2'"):
        published_yields.signal("stop_1_2")
    none = Yields(("SR",), 0.0, {"SR": 1}, {"bkg": SampleYield({"SR": 1.0})})
    with pytest.raises(InputError, match="signal must be one of none, as there are none, got 'x'"):
        none.signal("x")

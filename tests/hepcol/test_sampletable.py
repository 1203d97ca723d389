import copy
from pathlib import Path

import pytest
import yaml

from hepcol.errors import InputError
from hepcol.filesums import EVENTS
from hepcol.normalisation import scales_of
from hepcol.sampletable import Part, read_sample_table

SHIPPED = Path(__file__).parents[2] / "examples" / "zee_samples.yaml"
TABLE = {
    "campaigns": {"a": {"luminosity": "36.2 fb^-1", "uncertainty": 0.02}, "b": "44300 pb^-1"},
    "samples": {
        "data": {"kind": "data", "datasets": "data*"},
        "ttbar": {"kind": "background", "dsid": 410470, "cross_section": "0.8 nb", "k_factor": 1.1},
        "Zee": {
            "kind": "background", "process": "Z", "label": "$Z$", "cross_section": "2 pb", "filter_efficiency": 0.5,
        },
        "Zmumu": {"kind": "background", "process": "Z", "cross_section": "4 pb", "campaigns": ["a"]},
        "stop": {
            "kind": "signal", "cross_section": "30 fb", "uncertainty": "1e-1",
            "datasets": {"a": "stop-a", "b": ["stop-b", "stop-b-more"]},
        },
    },
    "ignored": ["test*"],
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def read_with(sample="", drop=(), top=None, **changes):
        table = copy.deepcopy(TABLE) | (top or {})
        if sample:
            table["samples"].setdefault(sample, {}).update(changes)
            for key in drop:
                del table["samples"][sample][key]
        path = tmp_path / "samples.yaml"
        path.write_text(yaml.safe_dump(table, sort_keys=False))
        return read_sample_table(path)

    return read_with


def test_reads_units_and_defaults(read):
    table = read()
    assert [one.luminosity for one in table.campaigns.values()] == [36.2, 44.3]
    assert table.samples["ttbar"].cross_section == 800
    assert table.samples["stop"].uncertainty == 0.1
    assert table.processes("background") == ("ttbar", "Z")
    assert table.look_of("Z") == ("$Z$", "")
    assert table.look_of("ttbar") == ("ttbar", "")
    assert table.luminosity(("a", "b")) == 80.5
    assert table.luminosity_uncertainty(("a", "b")) == 36.2 * 0.02 / 80.5


def test_datasets_are_found_by_name_number_and_campaign(read):
    found = read().assign(
        ["mc20.410470.PhPy8_ttbar", "stop-b", "stop-b-more", "stop-a", "data15", "data16", "Zee", "test1"]
    )
    both = ("a", "b")
    assert found == {
        "mc20.410470.PhPy8_ttbar": Part("ttbar", both),
        "stop-b": Part("stop", ("b",)),
        "stop-b-more": Part("stop", ("b",)),
        "stop-a": Part("stop", ("a",)),
        "data15": Part("data", both),
        "data16": Part("data", both),
        "Zee": Part("Zee", both),
    }


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        (["Zee", "other", "more"], "datasets 'other', 'more': of no sample, .*samples are data, ttbar, .*'ignored'"),
        (["mc.4104701.x"], "dataset 'mc.4104701.x': of no sample"),  # another number
        (["data-410470"], "dataset 'data-410470' is of samples 'data' \\(a, b\\) and 'ttbar' \\(a, b\\).*count twice"),
    ],
)
def test_no_dataset_is_lost_or_counted_twice(read, datasets, message):
    with pytest.raises(InputError, match=message):
        read().assign(datasets)


@pytest.mark.parametrize(
    ("sample", "changes", "message"),
    [
        ("Zee", {"cross_section": 5}, "samples.Zee.cross_section: '5': needs a number and its unit"),
        ("Zee", {"cross_section": "5 kg"}, "samples.Zee.cross_section: '5 kg': unit must be one of fb, pb,"),
        ("Zee", {"cross_section": "-5 pb"}, "samples.Zee.cross_section: '-5 pb': must be above 0"),
        ("Zee", {"k_factor": 0}, "samples.Zee.k_factor: .*greater than 0, got 0"),
        ("Zee", {"k_factor": "x"}, "samples.Zee.k_factor: .*number, got 'x'"),
        ("Zee", {"kfactor": 1}, "samples.Zee.kfactor: is unknown; accepted: kind, process, .*k_factor"),
        ("Zee", {"filter_efficiency": 1.5}, "samples.Zee.filter_efficiency: .*less than or equal to 1, got 1.5"),
        ("Zee", {"uncertainty": 5}, "samples.Zee.uncertainty: must be relative and from 0 to 1, .*got 5"),
        ("Zee", {"uncertainty": 1.01}, "samples.Zee.uncertainty: must be relative and from 0 to 1, .*got 1.01"),
        ("Zee", {"k_factor": "1_0"}, "samples.Zee.k_factor: .*number, got '1_0'"),
        ("Zee", {"kind": "mc"}, "samples.Zee.kind: .*'data', 'background' or 'signal', got 'mc'"),
        ("Zee", {"dsid": "x"}, "samples.Zee.dsid.0: .*integer, got 'x'"),
        ("Zee", {"campaigns": ["c"]}, "samples.Zee: campaign 'c' is unknown; there are a, b"),
        ("Zee", {"campaigns": ["a", "a"]}, "samples.Zee.campaigns: 'a' is given twice"),
        ("Zee", {"datasets": []}, "samples.Zee: datasets: \\[\\]: must be names of datasets"),
        ("Zee", {"datasets": {"a": 3}}, "samples.Zee: datasets: 3: must be names of datasets"),
        (
            "Zee",
            {"label": "$Z'$", "colour": "C1", "process": "ttbar"},
            "samples.Zee.label: .*differs from '' of 'ttbar'",
        ),
        ("Zmumu", {"label": "Z"}, "samples.Zmumu.label: 'Z' differs from '\\$Z\\$' of 'Zee', .*process 'Z'"),
        ("Zmumu", {"kind": "signal"}, "samples.Zmumu.kind: 'signal' differs from 'background' of 'Zee'"),
        ("data", {"cross_section": "1 pb"}, "samples.data: cross_section: 1.0: data are never rescaled"),
        ("data", {"k_factor": 1.0}, "samples.data: k_factor: 1.0: data are never rescaled"),
        ("stop", {"campaigns": "a"}, "samples.stop: campaigns: are told by datasets already"),
        ("new", {"kind": "signal"}, "samples.new: cross_section: is missing; a signal needs one"),
        ("new", {"cross_section": "1 pb"}, "samples.new.kind: is missing"),
    ],
)
def test_an_error_is_one_line_that_names_sample_key_and_value(read, sample, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        read(sample, **changes)
    assert "\n" not in str(caught.value)
    assert "samples.yaml: " in str(caught.value)


def test_an_uncertainty_may_be_as_large_as_what_it_is_of(read):
    assert read("Zee", uncertainty=1).samples["Zee"].uncertainty == 1


def test_mappings_of_yaml_may_be_put_into_others(tmp_path):
    """As ``<<`` does: the keys there are given once, and override those of what is put in."""
    path = tmp_path / "samples.yaml"
    path.write_text(
        "campaigns: {a: 1 fb^-1}\n"
        "samples:\n"
        "  zee: &z {kind: background, cross_section: 2 pb, label: Z}\n"
        "  taus: &taus {<<: *z, label: tau}\n"
        "  more: {<<: *taus, cross_section: 3 pb}\n"
        "  both: {<<: [*taus, *z]}\n"
    )
    samples = read_sample_table(path).samples
    assert [(one.label, one.cross_section) for one in samples.values()] == [
        ("Z", 2.0), ("tau", 2.0), ("tau", 3.0), ("tau", 2.0)
    ]  # fmt: skip
    text = path.read_text()
    for twice in ("{<<: *z, label: Z, label: tau}", "{<<: *z, <<: *z}"):
        path.write_text(text.replace("{<<: *taus, cross_section: 3 pb}", twice))
        with pytest.raises(InputError, match=r"samples.yaml: not YAML: '(label|<<)' is given twice"):
            read_sample_table(path)


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ({"campaigns": {"a": "36.2"}}, "campaigns.a.luminosity: '36.2': needs a number and its unit"),
        (
            {"campaigns": {"a": {"luminosity": "1 fb^-1", "error": 1}}},
            "campaigns.a.error: is unknown; accepted: luminosity",
        ),
        ({"campaigns": {}}, "campaigns: .*at least 1"),
        ({"energy": 13}, "energy: must be a text with its unit, such as 13 TeV, got 13$"),
        ({"lumi": 3}, "lumi: is unknown; accepted: campaigns, samples, ignored, energy"),
    ],
)
def test_campaigns_are_checked_too(read, top, message):
    with pytest.raises(InputError, match=message):
        read(top=top)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("samples: {a: {kind: data}, a: {kind: data}}", "'a' is given twice"),
        ("- 1", "expected a table with 'campaigns' and 'samples', got list"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, text, message):
    path = tmp_path / "samples.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_sample_table(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_sample_table(tmp_path / "none.yaml")


def test_the_shipped_table_is_of_the_shipped_samples():
    assert read_sample_table(SHIPPED).assign(["zee-atlas", "zee-atlas-data"]).keys() == {"zee-atlas", "zee-atlas-data"}


def part(weights, events=10, **more):
    return {"events": events, "sum_weights": weights, **more}


def test_scales_are_luminosity_times_cross_section_over_the_sum_of_weights(read):
    table = read()
    carried = {"sum_weights": 400.0, "events": 50, "source": "Runs", "whole": False}
    parts = {
        "410470-1": part(100.0),
        "410470-2": part(60.0, normalisation=carried),
        "stop-a": part(5.0),
        "stop-b": part(8.0),
        "stop-b-more": part(2.0),
        "data": part(10.0),
    }
    assigned = table.assign(parts)
    scales = {(part.sample, *part.campaigns): scale for part, scale in scales_of(table, assigned, parts).items()}
    assert scales.keys() == {("ttbar", "a", "b"), ("stop", "a"), ("stop", "b")}  # data have none
    ttbar = scales["ttbar", "a", "b"]
    # 80.5 fb^-1 x 800 pb x 1.1 over 100 processed + 400 in files
    assert ttbar.factor == pytest.approx(80_500 * 800 * 1.1 / 500, rel=1e-15)
    assert (ttbar.weights.events, ttbar.weights.sources, ttbar.weights.whole) == (60, (EVENTS, "Runs"), False)
    assert scales["stop", "a"].factor == pytest.approx(36_200 * 0.030 / 5, rel=1e-15)
    assert scales["stop", "b"].factor == pytest.approx(44_300 * 0.030 / 10, rel=1e-15)
    assert scales["stop", "b"].weights.whole


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (part(0.0), "sample 'Zee': sum of weights of Zee is 0, .*expected more than 0"),
        (part(float("nan")), "sum of weights of Zee is nan"),
        ({"events": 3}, "dataset 'Zee': its summary has no sum of weights"),
        (part(None), "dataset 'Zee': sum of weights in its summary is damaged: .*'sum_weights': None"),
        (
            part(1.0, normalisation={"sum_weights": "x"}),
            "weights in its summary is damaged: .*'sum_weights': 'x'",
        ),
    ],
)
def test_what_cannot_be_normalised_is_named(read, told, message):
    table = read()
    with pytest.raises(InputError, match=message):
        scales_of(table, table.assign(["Zee"]), {"Zee": told})

"""Results of runs in the formats of other programs, read back by those or by others."""

import csv
import math

import hist
import numpy as np
import pytest
import yaml

from hepcol.cli import main
from hepcol.export import FORMATS, export
from hepcol.ledger import FileRecord, close
from hepcol.outputfolder import OutputFolder
from hepcol.spectra import collect

VARIATIONS = ("nominal", "JES__1up", "JES__1down", "MET_RESO", "IDLE__1up")
MASS = hist.axis.Variable([60, 80, 90, 120], name="m_ee", label="$m_{ee}$ [GeV]")
REGION = hist.axis.StrCategory(["SR", "CR"], name="region", overflow=False)
NOMINAL = {"signal": [2.0, 8.0, 1.0], "bkg/x.1": [20.0, 10.0, 40.0], "data": [22.0, 19.0, 40.0]}
FACTORS = {"nominal": 1.0, "JES__1up": 1.1, "JES__1down": 0.95, "MET_RESO": 1.02, "IDLE__1up": 1.0}


def mass(contents, variations=VARIATIONS):
    """A histogram with two categories, whose sum is as given, and flow bins that are not in it."""
    made = hist.Hist(
        hist.axis.StrCategory(variations, name="variation", overflow=False), MASS, REGION, storage=hist.storage.Weight()
    )
    for k, name in enumerate(variations):
        tilted = np.array(contents) * (1 + (FACTORS.get(name, 1.0) - 1) * np.array([1.0, 2.0, 3.0]))
        for region, share in enumerate((0.75, 0.25)):
            made.view(flow=True)["value"][k, :, region] = share * np.array([5.0, *tilted, 7.0])
            made.view(flow=True)["variance"][k, :, region] = share * np.array([5.0, *contents, 7.0]) / 2
    return made


def write_run(path, complete=True, **histograms):
    """Write the folder of a run, whose datasets have all the same histograms."""
    files = [FileRecord("signal", "a.root", "events", 100), *([] if complete else [FileRecord("data", "b.root")])]
    summary = {
        "complete": complete,
        "events": close(files, []).summary() | {"processed": 100},
        "datasets": {"signal": {"cutflow": {"all": 100, "a pair": 11}, "tallies": {"links": 3}}},
        "values": {"n": 7},
        "warnings": ["beware, of this"],
        "mark": "not physics",
    }
    with OutputFolder.prepare(path, False) as folder:
        folder.write_histograms(collect({name: {"m_ee": mass(c), **histograms} for name, c in NOMINAL.items()}))
        folder.finish(summary, {"processor": "mine:Processor", "options": {}, "packages": {"hepcol": "0.1.0"}}, files)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    counts = hist.Hist(hist.axis.Regular(3, 0, 3, name="n", label="number"), storage=hist.storage.Int64())
    return write_run(tmp_path_factory.mktemp("run") / "out", counts=counts.fill([-1, 0.5, 0.6, 2.5, 9]))


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_tables_hold_every_bin_with_all_digits(run, tmp_path):
    done = export(run, "csv", tmp_path / "csv")
    assert done.warnings == ("not physics",)
    rows = rows_of(tmp_path / "csv/histograms/bkg%2Fx.1/m_ee.csv")
    assert list(rows[0]) == ["variation", "m_ee_low", "m_ee_high", "region", "value", "variance"]
    expected = mass(NOMINAL["bkg/x.1"])
    assert len(rows) == 5 * 5 * 2
    read = np.array([[float(row["value"]), float(row["variance"])] for row in rows]).reshape(5, 5, 2, 2)
    assert read[..., 0].tobytes() == np.ascontiguousarray(expected.values(flow=True)).tobytes()
    assert read[..., 1].tobytes() == np.ascontiguousarray(expected.variances(flow=True)).tobytes()
    assert [row["m_ee_low"] for row in rows[:10:2]] == ["-inf", "60.0", "80.0", "90.0", "120.0"]
    assert {row["region"] for row in rows} == {"SR", "CR"}
    assert rows_of(tmp_path / "csv/histograms/data/counts.csv") == [
        {"n_low": low, "n_high": high, "value": number, "variance": number}
        for low, high, number in (
            ("-inf", "0.0", "1"), ("0.0", "1.0", "2"), ("1.0", "2.0", "0"), ("2.0", "3.0", "1"), ("3.0", "inf", "1")
        )
    ]  # fmt: skip
    assert rows_of(tmp_path / "csv/cutflows.csv")[1] == {
        "dataset": "signal", "number": "1", "step": "a pair", "events": "11"
    }  # fmt: skip
    assert rows_of(tmp_path / "csv/tallies.csv") == [{"dataset": "signal", "tally": "links", "count": "3"}]
    assert rows_of(tmp_path / "csv/values.csv") == [{"name": "n", "value": "7"}]
    assert {"what": "warning", "value": "beware, of this"} in rows_of(tmp_path / "csv/run.csv")


def test_a_submission_has_errors_of_each_systematic(run, tmp_path):
    export(run, "hepdata", tmp_path / "hepdata")
    first, *tables = yaml.safe_load_all((tmp_path / "hepdata/submission.yaml").read_text())
    assert first["comment"].startswith("not physics. Results of Processor, made by hepcol from 100 of 100 events")
    assert [table["name"] for table in tables] == [
        *(f"{dataset}/{name}" for dataset in NOMINAL for name in ("m_ee", "counts")), "signal/cutflow"
    ]  # fmt: skip
    files = [table["data_file"] for table in tables]
    assert {path.name for path in (tmp_path / "hepdata").iterdir()} == {"submission.yaml", *files}
    table = yaml.safe_load((tmp_path / "hepdata" / files[0]).read_text())
    mass_axis, region = table["independent_variables"]
    assert mass_axis["header"] == {"name": "$m_{ee}$", "units": "GeV"}
    assert mass_axis["values"][::2] == [{"low": 60, "high": 80}, {"low": 80, "high": 90}, {"low": 90, "high": 120}]
    assert [value["value"] for value in region["values"]] == ["SR", "CR"] * 3
    (variable,) = table["dependent_variables"]
    value = variable["values"][2]  # 80 to 90 GeV in SR
    assert value["value"] == 6.0
    errors = {error.pop("label"): error for error in value["errors"]}
    assert list(errors) == ["stat", "JES", "MET_RESO"]
    assert errors["stat"]["symerror"] == math.sqrt(3.0)
    assert errors["JES"]["asymerror"] == pytest.approx({"plus": 1.2, "minus": -0.6})
    assert errors["MET_RESO"]["asymerror"] == pytest.approx({"plus": 0.24, "minus": 0})
    counts = yaml.safe_load((tmp_path / "hepdata" / files[1]).read_text())
    assert counts["dependent_variables"][0]["values"] == [
        {"value": 2.0, "errors": [{"symerror": math.sqrt(2.0), "label": "stat"}]},
        {"value": 0.0},
        {"value": 1.0, "errors": [{"symerror": 1.0, "label": "stat"}]},
    ]
    cutflow = yaml.safe_load((tmp_path / "hepdata" / files[-1]).read_text())
    assert cutflow["dependent_variables"][0]["values"] == [{"value": 100}, {"value": 11}]


# the validator leaves files open
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_hepdata_takes_the_submission(run, tmp_path):
    validator = pytest.importorskip(
        "hepdata_validator.full_submission_validator", reason="hepdata_validator is not there: under the GPL, optional"
    )
    export(run, "hepdata", tmp_path / "hepdata")
    checked = validator.FullSubmissionValidator(schema_version="1.1.1")
    assert checked.validate(directory=str(tmp_path / "hepdata")), checked.get_messages()


def test_of_replicas_a_submission_has_mean_and_spread(tmp_path):
    replicas = mass([4.0, 0.0, 1.0], ("smear_0", "smear_1"))
    replicas.view()["value"][1] += 2.0
    export(write_run(tmp_path / "out", replicas=replicas), "hepdata", tmp_path / "hepdata")
    table = yaml.safe_load((tmp_path / "hepdata" / "signal_replicas.yaml").read_text())
    first = table["dependent_variables"][0]["values"][0]
    assert first["value"] == 4.0
    assert first["errors"][1] == {"symerror": 1.0, "label": "spread of 2 variations"}


@pytest.mark.parametrize("to", FORMATS)
def test_an_incomplete_run_says_so(tmp_path, to):
    out = write_run(tmp_path / "out", complete=False)
    options = {"histograms": ["m_ee"], "signals": ["signal"]} if to == "cabinetry" else {}
    done = export(out, to, **options)
    assert done.folder == out / "export" / to
    assert done.warnings[0] == "INCOMPLETE: 100 of 100 events processed and 1 file that could not be read"
    told = {"cabinetry": "cabinetry.yml", "csv": "run.csv", "hepdata": "submission.yaml"}[to]
    assert ("complete,false" if to == "csv" else "INCOMPLETE") in (done.folder / told).read_text()


def test_cabinetry_builds_the_workspace_of_histograms(run, tmp_path, monkeypatch):
    cabinetry = pytest.importorskip("cabinetry", reason="cabinetry is of the extra 'stats'")
    options = {"histograms": ["m_ee"], "data": "data", "signals": ["signal"], "scales": {"bkg/x.1": 0.5}}
    export(run, "cabinetry", tmp_path / "model", **options)
    monkeypatch.chdir(tmp_path / "model")
    spec = cabinetry.workspace.build(cabinetry.configuration.load("cabinetry.yml"))
    (channel,) = spec["channels"]
    assert [sample["name"] for sample in channel["samples"]] == ["signal", "bkg_x_1"]
    background = channel["samples"][1]
    assert background["data"] == [10.0, 5.0, 20.0]
    modifiers = {(one["name"], one["type"]): one["data"] for one in background["modifiers"]}
    assert set(modifiers) == {
        ("staterror_m_ee", "staterror"),
        *((name, kind) for name in ("JES", "MET_RESO") for kind in ("normsys", "histosys")),
    }
    assert modifiers["staterror_m_ee", "staterror"] == pytest.approx(np.sqrt([5.0, 2.5, 10.0]) / math.sqrt(2))
    up, down = ([1 + change * k for k in (1, 2, 3)] for change in (0.1, -0.05))
    for side, factors in (("hi", up), ("lo", down)):
        varied = np.array(factors) * background["data"]
        assert modifiers["JES", "normsys"][side] == pytest.approx(varied.sum() / 35)
        shape = np.array(modifiers["JES", "histosys"][f"{side}_data"])
        assert shape * modifiers["JES", "normsys"][side] == pytest.approx(varied)
    reso = modifiers["MET_RESO", "normsys"]
    assert reso["hi"] - 1 == pytest.approx(1 - reso["lo"])  # the side that is not there mirrors the other
    assert spec["observations"] == [{"name": "m_ee", "data": NOMINAL["data"]}]
    model, data = cabinetry.model_utils.model_and_data(spec)
    expected = model.main_model.expected_data(np.array(model.config.suggested_init()))
    assert expected == pytest.approx([12.0, 13.0, 21.0])
    assert data[:3] == NOMINAL["data"]


def test_without_data_the_sum_of_samples_stands_in_their_place(run, tmp_path):
    done = export(run, "cabinetry", tmp_path / "model", histograms=["m_ee"], signals=["signal"])
    assert "no data: the sum of signal, bkg/x.1, data stands in their place" in done.warnings
    with np.load(tmp_path / "model/histograms/m_ee_Asimov_data.npz") as template:
        assert template["yields"].tolist() == np.sum(list(NOMINAL.values()), axis=0).tolist()


def test_what_a_model_does_not_take_as_it_is_is_said(run, tmp_path):
    options = {"histograms": ["m_ee"], "data": "data", "signals": ["signal"], "scales": {"bkg/x.1": 0.5}}
    assert export(run, "cabinetry", tmp_path / "model", **options).warnings == (
        "not physics",
        "no scale of signal: what their weights add up to stands beside data",
        (
            "m_ee: under- and overflow are in no bin of the model and left out: "
            "signal 5 and 7; bkg/x.1 2.5 and 3.5; data 5 and 7"
        ),
        (
            "mirrored, as a likelihood needs both sides and there is one: MET_RESO; "
            "the errors of hepcol stack and of pictures have the one side alone"
        ),
    )


def test_a_systematic_of_a_side_down_keeps_its_sign(tmp_path):
    """Mirrored or not, one parameter of the model moves all regions to their own up."""
    name = ("nominal", "JES__1down")
    out = write_run(tmp_path / "out", down=mass(NOMINAL["signal"], name))
    export(out, "cabinetry", tmp_path / "model", histograms=["down"], signals=["signal"])
    with np.load(tmp_path / "model/histograms/down_signal_JES_Up.npz") as template:
        assert template["yields"] == pytest.approx([2.0 * 1.05, 8.0 * 1.1, 1.0 * 1.15])


def test_without_flow_and_with_all_scales_nothing_is_said(tmp_path):
    plain = hist.Hist(hist.axis.Regular(3, 0, 3, name="n"), storage=hist.storage.Int64()).fill([0.5, 0.6, 2.5])
    out = write_run(tmp_path / "out", plain=plain)
    scales = {"signal": 1.0, "bkg/x.1": 2.0}
    done = export(out, "cabinetry", histograms=["plain"], data="data", signals=["signal"], scales=scales)
    assert done.warnings == ("not physics",)
    with np.load(done.folder / "histograms/plain_bkg_x_1.npz") as template:
        assert template["yields"].tolist() == [4.0, 0.0, 2.0]
        assert template["stdev"] == pytest.approx(2 * np.sqrt([2.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "no yields.json, so that cabinetry needs a histogram, one of counts, m_ee"),
        ({"histograms": ["m_ee"]}, r"signals: expected one or more of signal, bkg/x.1, data"),
        ({"histograms": ["m_ee"], "signals": ["zee"]}, r"signals: no dataset 'zee'; there are: signal, bkg/x.1, data"),
        ({"histograms": ["m"], "signals": ["signal"]}, "no histogram 'm' of dataset 'signal'; there are: m_ee, counts"),
        ({"histograms": ["m_ee"], "signals": ["data"], "data": "data"}, "'data' cannot be both data and a signal"),
        ({"histograms": ["m_ee"], "signals": ["signal"], "scales": {"y": 2.0}}, "scales: no dataset 'y'"),
        (
            {"histograms": ["m_ee"], "signals": ["signal"], "data": "data", "scales": {"data": 2.0}},
            "scale 'data=2': data are never rescaled",
        ),
        *(
            (
                {"histograms": ["m_ee"], "signals": ["signal"], "scales": {"signal": factor}},
                f"scale 'signal={factor:g}': expected a number above 0",
            )
            for factor in (0.0, -0.5, math.inf, math.nan)
        ),
    ],
)
def test_a_model_that_cannot_be_is_one_line(run, tmp_path, options, text):
    with pytest.raises(ValueError, match=text):
        export(run, "cabinetry", tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()


def test_two_datasets_that_cabinetry_would_call_alike_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(NOMINAL, "bkg_x_1", [1.0, 1.0, 1.0])
    out = write_run(tmp_path / "out")
    with pytest.raises(ValueError, match=r"template 'm_ee_bkg_x_1': two have this name"):
        export(out, "cabinetry", histograms=["m_ee"], signals=["signal"])


def test_a_folder_is_replaced_only_if_it_is_an_export(run, tmp_path):
    target = tmp_path / "csv"
    export(run, "csv", target)
    (target / "mine.txt").touch()
    with pytest.raises(ValueError, match="csv is there already: choose another folder, or give --force"):
        export(run, "csv", target)
    export(run, "csv", target, force=True)
    assert not (target / "mine.txt").exists()
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "mine.txt").touch()
    with pytest.raises(ValueError, match=r"thesis has none of .* in it: it is no export"):
        export(run, "csv", other, force=True)
    with pytest.raises(ValueError, match="holds the run, which would be lost"):
        export(run, "csv", run.parent, force=True)
    assert [path.name for path in other.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").touch()
    for place, reason in (("/proc/x", "No such file"), (f"{tmp_path}/file/x", f"{tmp_path}/file is a file")):
        with pytest.raises(ValueError, match=f"^output folder {place} cannot be written: {reason}"):
            export(run, "csv", place)


def test_the_command_says_where_and_refuses_what_means_nothing(run, capsys):
    for arguments, code, text in (
        (("--to", "csv"), 0, f"{run}/export/csv: 10 files\nwarning: not physics\n"),
        (("--to", "csv", "--signal", "signal"), 2, "hepcol: option signals means nothing to csv, but to cabinetry\n"),
        (("--to", "cabinetry", "--scale", "data=two"), 2, "hepcol: scale 'data=two': expected a number\n"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["export", str(run), *arguments])
        assert ended.value.code == code
        shown = capsys.readouterr()
        assert shown.out + shown.err == text

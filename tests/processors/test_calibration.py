"""Calibrated electrons and photons of PHYSLITE: by the command, in a processor, and in memory."""

import json

import awkward as ak
import numpy as np
import pyarrow.parquet
import pytest
import uproot
from coffea.processor import ProcessorABC
from coffea.processor.accumulator import column_accumulator

import hepcol
from calib.egamma import EgammaCalibration
from hepcol.cli import main
from processors.calibration import calibrate_events, calibrate_file

pytestmark = pytest.mark.usefixtures("synthetic_area_once")

FILE = "PHYSLITE_example.root"


@pytest.fixture(scope="module")
def physlite(shared_data):
    return shared_data / FILE


@pytest.fixture(scope="module")
def tool():
    return EgammaCalibration("es2023_R22_Run2_v1", "1NP_v1", simulation="full", area="synthetic")


@pytest.fixture(scope="module")
def expected(physlite, tool):
    return calibrate_events(hepcol.open_events(physlite), tool)


def command(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["calibrate", *map(str, arguments)])
    return caught.value.code


HOW = ("--model", "es2023_R22_Run2_v1", "--simulation", "full", "--calib-area", "synthetic")


def test_events_have_electrons_and_photons_with_every_variation(expected, tool):
    assert len(expected) == 100
    assert [int(ak.sum(ak.num(expected[name]))) for name in ("electrons", "photons")] == [134, 292]
    for name in ("electrons", "photons"):
        assert [field for field in expected[name].fields if field.startswith("pt_")] == [
            "pt_NOSYS",
            *(f"pt_{systematic}" for systematic in tool.systematics),
        ]
        assert ak.all(np.isfinite(expected[name].pt_NOSYS))
        assert ak.any(expected[name].pt_NOSYS != expected[name].pt)


@pytest.mark.parametrize("chunksize", [17, 1000])
def test_the_command_writes_parquet(physlite, expected, tmp_path, capsys, chunksize):
    out = tmp_path / "out.parquet"
    assert command(physlite, *HOW, "-o", out, "--chunksize", chunksize) == 0
    assert ak.to_list(ak.from_parquet(out)) == ak.to_list(expected)
    printed = capsys.readouterr().out
    assert "out.parquet: 100 events, 134 electrons, 292 photons; nominal and 8 variations of pt" in printed
    assert "warning: calibrated with the synthetic calibration area that hepcol ships" in printed
    told = json.loads(pyarrow.parquet.read_schema(out).metadata[b"hepcol_provenance"])
    assert told["model"] == "es2023_R22_Run2_v1"
    assert "not physics" in told["area"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_the_command_writes_root(physlite, expected, tmp_path):
    assert command(physlite, *HOW, "-o", tmp_path / "out.root", "--chunksize", 40) == 0
    with uproot.open(tmp_path / "out.root") as file:
        tree = file["events"]
        for name in ("electrons", "photons"):
            for field in expected[name].fields:
                found = tree[f"{name}_{field}"].array()
                assert ak.to_list(found) == ak.to_list(expected[name][field])
        assert tree["event_number"].array().to_list() == expected.event_number.to_list()
        assert json.loads(str(file["hepcol_provenance"]))["units"] == "MeV"


class Calibrated(ProcessorABC):
    def __init__(self, tool):
        self.tool = tool

    def process(self, events):
        found = self.tool.calibrate_all(events.Electrons, events)
        number = ak.broadcast_arrays(events.EventInfo.eventNumber, events.Electrons.pt)[0]
        return {
            "number": column_accumulator(ak.to_numpy(ak.flatten(number))),
            **{name: column_accumulator(ak.to_numpy(ak.flatten(pt))) for name, pt in found.items()},
        }


@pytest.mark.parametrize("chunksize", [23, 1000])
def test_a_processor_gives_the_same_numbers(physlite, expected, tool, chunksize):
    run = hepcol.run(Calibrated(tool), physlite, chunksize=chunksize)
    order = np.argsort(run.result["number"].value, kind="stable")
    counts = ak.num(expected.electrons)
    numbers = np.repeat(ak.to_numpy(expected.event_number), ak.to_numpy(counts))
    reference = np.argsort(numbers, kind="stable")
    for name in ("nominal", *tool.systematics):
        field = "pt_NOSYS" if name == "nominal" else f"pt_{name}"
        wanted = ak.to_numpy(ak.flatten(expected.electrons[field]))[reference]
        np.testing.assert_array_equal(run.result[name].value[order], wanted)


def test_one_systematic_alone(physlite, tmp_path, expected):
    name = "EG_SCALE_ALL__1up"
    assert command(physlite, *HOW, "-o", tmp_path / "one.parquet", "-s", name) == 0
    found = ak.from_parquet(tmp_path / "one.parquet")
    assert [field for field in found.electrons.fields if field.startswith("pt_")] == ["pt_NOSYS", f"pt_{name}"]
    assert ak.to_list(found.electrons[f"pt_{name}"]) == ak.to_list(expected.electrons[f"pt_{name}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.root", *HOW, "-o", "out.root"], "nowhere.root: no such file"),
        (["FILE", *HOW, "-o", "out.csv"], "output out.csv: expected a file that ends in .parquet or .root"),
        (["FILE", *HOW, "-o", "there.root"], "output there.root is there: choose another, or give --force"),
        (
            ["FILE", *HOW, "-o", "no/folder/out.root"],
            "output no/folder/out.root cannot be written: there is no folder no/folder",
        ),
        (["FILE", *HOW, "-o", "out.root", "-s", "EG_X"], "systematic 'EG_X' is unknown to model es2023_R22_Run2_v1"),
        (["FILE", "--model", "es2023", *HOW[2:], "-o", "out.root"], "model 'es2023' is not ported; there are: "),
        (["FILE", *HOW[:2], *HOW[4:], "-o", "out.root"], "the events are simulation: simulation must be full or fast"),
        (["FILE", *HOW[:4], "-o", "out.root"], "no calibration area: HEPCOL_CALIB_AREA or --calib-area"),
        (["zee-fcc", *HOW, "-o", "out.root"], "electrons and photons are calibrated from PHYSLITE"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(physlite, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEPCOL_CALIB_AREA", raising=False)
    (tmp_path / "there.root").write_text("mine")
    assert command(*(physlite if argument == "FILE" else argument for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert error.startswith("hepcol: ")
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.root"]
    assert (tmp_path / "there.root").read_text() == "mine"


def test_a_failure_in_the_middle_leaves_nothing(physlite, tmp_path, tool, monkeypatch):
    calls = []

    def fails(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise uproot.deserialization.DeserializationError("bytes that are none", None, None, {}, "here")
        return calibrate_events(*arguments)

    monkeypatch.setattr("processors.calibration.calibrate_events", fails)
    for name in ("out.root", "out.parquet"):
        calls.clear()
        with pytest.raises(ValueError, match=r"root: events 50 to 100 cannot be read: bytes that are none") as caught:
            calibrate_file(physlite, tmp_path / name, tool, chunksize=50)
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(physlite, tmp_path, tool, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", full)
    with pytest.raises(ValueError, match=r"out\.parquet cannot be written: No space left on device"):
        calibrate_file(physlite, tmp_path / "out.parquet", tool)
    assert list(tmp_path.iterdir()) == []


def test_neither_the_input_is_replaced_nor_are_other_files_left_out(physlite, tmp_path, tool, capsys):
    for name in ("a.root", "b.root"):
        (tmp_path / name).write_bytes(physlite.read_bytes())
    assert command(tmp_path / "a.root", *HOW, "-o", tmp_path / "a.root", "--force") == 2
    assert (tmp_path / "a.root").read_bytes() == physlite.read_bytes()
    assert command(tmp_path, *HOW, "-o", tmp_path / "out.root") == 2
    error = capsys.readouterr().err
    assert "a.root is the input: choose another" in error
    assert "2 files; expected one at a time" in error


def test_particles_that_are_selected_one_by_one_keep_their_clusters(physlite, tool):
    events = hepcol.open_events(physlite)
    events = events[ak.num(events.Electrons) > 0]
    expected = tool.calibrate(events.Electrons, events)[:, 0]
    found = tool.calibrate(events.Electrons[:, 0], events)
    assert ak.to_list(found) == ak.to_list(expected)
    for wrong in (events[::-1], events[1:]):
        with pytest.raises(
            ValueError, match=r"not those of each other|lead beyond|there are .* particles and .* events"
        ):
            tool.calibrate(events.Electrons, wrong)

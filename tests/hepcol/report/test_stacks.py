import csv
import itertools
import json
import math
from dataclasses import replace

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
import yaml
from coffea.processor import ProcessorABC
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

import hepcol
from hepcol.cli import main
from hepcol.errors import InputError
from hepcol.histogram_files import write_zip
from hepcol.histograms import Histogram
from hepcol.inference.notes import Note
from hepcol.report.bands import Band, sum_bands
from hepcol.report.composition import compose
from hepcol.report.normalisation_table import normalisation_table
from hepcol.report.page import write_page
from hepcol.report.stack_folder import stack_folders
from hepcol.report.stack_plots import Layer, Stack, plot_stack, poisson_errors
from hepcol.report.stack_yields import yields_of
from hepcol.report.stacks import Stacks, View
from hepcol.report.style import style
from hepcol.report.yield_summary import print_yields
from hepcol.result import DatasetResult, Result
from hepcol.sampletable import SampleTable
from hepcol.store import remove_added
from hepcol.sums import ExactSum

from .folders import write_run

X = hist.axis.Regular(2, 0, 2, name="x", label="x [GeV]")
Y = hist.axis.Regular(4, 0, 8, name="y")
REGION = hist.axis.StrCategory(["SR", "CR"], name="region")
STEP = hist.axis.StrCategory(["all", "cut"], name="step")
BOTH = ("nominal", "JES__1up", "JES__1down")
TABLE = {
    "energy": "13 TeV",
    "campaigns": {"a": {"luminosity": "2 fb^-1", "uncertainty": 0.1}},
    "samples": {
        "data": {"kind": "data", "label": "observed"},
        "top": {"kind": "background", "label": "$t$", "cross_section": "10 fb", "uncertainty": 0.2},
        "Z1": {"kind": "background", "process": "Z", "cross_section": "4 fb", "k_factor": 1.5, "uncertainty": 0.5},
        "Z2": {"kind": "background", "process": "Z", "cross_section": "1 fb", "uncertainty": 0.5},
        "stop": {"kind": "signal", "cross_section": "0.5 fb"},
    },
}
COMPLETE = {"processed": 10, "files": 10, "failed": 0, "skipped": 0, "missing": 0, "unknown_files": 0}


def varied(*names, **contents):
    """A histogram of x by variation and region, in weights of one half: of SR as given, of CR one entry."""
    axes = (hist.axis.StrCategory(names, name="variation"), REGION, X)
    made = hist.Hist(*axes, storage=hist.storage.Weight())
    for name in names:
        low, high = contents[name]
        made.fill(name, "SR", [0.5] * low + [1.5] * high, weight=0.5)
        made.fill(name, "CR", [5.0], weight=0.5)  # beyond the axis
    return made


def steps(*weights):
    made = hist.Hist(STEP, storage=hist.storage.Weight())
    for step, weight in zip(STEP, weights, strict=True):
        made.fill([step] * 2, weight=weight / 2)
    return made


def part(weights, events=10, **more):
    return {"events": events, "sum_weights": weights, "selected": 2, "cutflow": {"all": events, "cut": 2}, **more}


def observed(low=6, high=1):
    made = hist.Hist(hist.axis.StrCategory(["nominal"], name="variation"), REGION, X, storage=hist.storage.Int64())
    return made.fill("nominal", "SR", [0.5] * low + [1.5] * high)


def run_of(folder, datasets, **more):
    """Write the output folder of a run."""
    folder.mkdir(parents=True)
    histograms = {(name, one): histogram for name, (own, _) in datasets.items() for one, histogram in own.items()}
    write_zip(folder / "histograms.zip", histograms)
    told = {"complete": True, "warnings": [], "events": COMPLETE, **more}
    (folder / "summary.json").write_text(json.dumps({**told, "datasets": {n: p for n, (_, p) in datasets.items()}}))
    return folder


SIMULATION = {
    "top": (
        {"x": varied(*BOTH, nominal=(8, 4), JES__1up=(10, 4), JES__1down=(6, 4)), "cutflow": steps(8, 6)},
        part(5.0),
    ),
    "Z1": ({"x": varied(*BOTH, nominal=(4, 4), JES__1up=(2, 4), JES__1down=(8, 4)), "cutflow": steps(5, 4)}, part(6.0)),
    "Z2": ({"x": varied("nominal", "EL", nominal=(2, 0), EL=(2, 2)), "cutflow": steps(3, 1)}, part(2.0)),
    "stop": ({"x": varied("nominal", nominal=(0, 2)), "cutflow": steps(1, 1)}, part(1.0)),
}
DATA = {"data": ({"x": observed()}, part(10.0, events=10))}
FACTORS = {"top": 2 * 10 / 5, "Z1": 2 * 6 / 6, "Z2": 2 * 1 / 2, "stop": 2 * 0.5 / 1}


class OfX(ProcessorABC):
    """Fills the values of the events."""

    def process(self, events):
        x = Histogram.fill((X,), ak.to_numpy(events.x))
        result = DatasetResult(len(events), ExactSum.of(np.ones(len(events)), 2.0), {"all": len(events)}, {}, {"x": x})
        return Result({events.metadata["dataset"]: result})

    def postprocess(self, accumulator):
        return accumulator


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def table():
    return SampleTable.model_validate(TABLE)


@pytest.fixture
def folders(tmp_path):
    return [run_of(tmp_path / "mc", SIMULATION), run_of(tmp_path / "data", DATA)]


@pytest.fixture
def samples(tmp_path):
    path = tmp_path / "samples.yaml"
    path.write_text(yaml.safe_dump(TABLE, sort_keys=False))
    return path


def test_a_stack_is_what_a_hand_finds(folders, table):
    made = compose(folders, table)
    assert {name: made.factor(name) for name in FACTORS} == pytest.approx(FACTORS, rel=1e-14)
    assert made.factor("data") == 1
    stack = Stacks(made).stack(View("x"))
    top, z = stack.backgrounds
    assert [layer.label for layer in stack.backgrounds] == ["$t$", "Z"]
    # entries x weight 0.5 x factor
    np.testing.assert_allclose(top.band.nominal, [16, 8])
    np.testing.assert_allclose(z.band.nominal, [4 * 0.5 * 2 + 2 * 0.5, 4 * 0.5 * 2])
    np.testing.assert_allclose(z.band.error**2, [4 * 0.25 * 4 + 2 * 0.25, 4 * 0.25 * 4])
    total = stack.total
    up, down = total.envelope
    # JES moves top up and Z down: what both change is added first. EL has one side and is of Z2 alone
    changes = {
        "JES": ([+4 - 2, 0], [-4 + 4, 0]),
        "EL": ([0, 1], [0, 0]),
        "luminosity": ([2.1, 1.2], [-2.1, -1.2]),
        "cross_section_top": ([3.2, 1.6], [-3.2, -1.6]),
        "cross_section_Z": ([2.5, 2.0], [-2.5, -2.0]),  # the same one of Z1 and Z2
    }
    np.testing.assert_allclose(up, np.sqrt(sum(np.square(high) for high, _ in changes.values())))
    np.testing.assert_allclose(down, -np.sqrt(sum(np.square(low) for _, low in changes.values())))
    np.testing.assert_allclose(total.whole_error[0], np.hypot(up, total.error))
    assert stack.data.nominal.tolist() == [6, 1]
    assert stack.data_label == "observed"
    assert stack.title.splitlines() == ["\N{SQUARE ROOT}$s$ = 13 TeV, 2 fb$^{-1}$", "sum over region"]


def test_folders_and_their_order_do_not_matter(tmp_path, table):
    apart = [run_of(tmp_path / name, {name: told}) for name, told in {**SIMULATION, **DATA}.items()]
    one, other = (Stacks(compose(some, table)).stack(View("x")).total for some in (apart, apart[::-1]))
    for a, b in ((one.nominal, other.nominal), (one.error, other.error)):
        np.testing.assert_array_equal(a, b)
    assert {k: v.tolist() for k, v in one.changes.items()} == {k: v.tolist() for k, v in other.changes.items()}


@pytest.mark.parametrize("of_z", [*itertools.permutations(BOTH), ("nominal", "JES__1down"), ("JES__1up", "nominal")])
def test_picture_and_table_add_systematics_by_side_in_any_order_of_variations(tmp_path, table, of_z):
    contents = {"nominal": (4, 0), "JES__1up": (2, 0), "JES__1down": (8, 0)}
    z = varied(*of_z, **{name: contents[name] for name in of_z})
    runs = {"top": SIMULATION["top"], "Z1": ({"x": z}, part(6.0)), **DATA}
    stacks = Stacks(compose([run_of(tmp_path / "run", runs)], table))
    found = yields_of(stacks).expected["selected"]["total background"]
    # in events: top is 2 each, Z 1 each
    high = +4 + (-2 if "JES__1up" in of_z else 0)
    low = -4 + (+4 if "JES__1down" in of_z else 0)
    assert found.changes["JES"] == (pytest.approx(high), pytest.approx(low))
    whole = sum_bands(list(stacks.sums(View("x"), whole=True).values())[1:])
    assert found.systematic == pytest.approx(tuple(side[0] for side in whole.envelope))


def test_a_variation_without_a_side_adds_to_those_up_of_others(tmp_path, table):
    top = varied("nominal", "EL", nominal=(8, 0), EL=(10, 0))
    z = varied("nominal", "EL__1down", "EL__1up", nominal=(4, 0), EL__1down=(2, 0), EL__1up=(8, 0))
    runs = {"top": ({"x": top}, part(5.0)), "Z1": ({"x": z}, part(6.0))}
    stacks = Stacks(compose([run_of(tmp_path / "run", runs)], table))
    found = yields_of(stacks).expected["selected"]["total background"]
    assert found.changes["EL"] == (pytest.approx(4 + 4), pytest.approx(-2))
    whole = sum_bands(list(stacks.sums(View("x"), whole=True).values()))
    assert found.systematic == pytest.approx(tuple(side[0] for side in whole.envelope))


def test_yields_have_what_is_beyond_the_axis_too(folders, table):
    found = yields_of(Stacks(compose(folders, table)))
    assert found.regions == ("selected",)
    by_name = found.expected["selected"]
    assert by_name["top"].nominal == pytest.approx((12 + 1) * 0.5 * 4)
    assert by_name["Z"].nominal == pytest.approx((8 + 1) * 0.5 * 2 + (2 + 1) * 0.5)
    assert by_name["total background"].nominal == pytest.approx(26 + 10.5)
    assert by_name["total background"].error == pytest.approx(math.sqrt(13 * 4 + 9 * 1 + 3 * 0.25))
    assert by_name["total background"].changes["JES"] == (pytest.approx(4 - 2), pytest.approx(-4 + 4))
    assert by_name["stop"].nominal == 1.5
    assert found.data == {"selected": 7}
    told = {note.kind: note.text for note in found.notes}
    assert told["beyond the axis"] == "0.5000 of 1.500 events lie beyond the axis of x: in yields, and in no picture"


def test_categories_are_columns_and_pictures_of_their_own(folders, table):
    stacks = Stacks(compose(folders, table), by="region")
    assert [str(view) for view in stacks.views] == ["x, region = SR", "x, region = CR"]
    found = yields_of(stacks)
    assert found.regions == ("region = SR", "region = CR")
    assert found.expected["region = SR"]["top"].nominal == pytest.approx(24)
    assert found.expected["region = CR"]["top"].nominal == pytest.approx(2)
    assert found.data == {"region = SR": 7, "region = CR": 0}
    assert stacks.stack(stacks.views[1]).title.splitlines()[1] == "region = CR"


def test_cutflows_are_weighted_as_yields(folders, table):
    cutflows = yields_of(Stacks(compose(folders, table))).cutflows_of("selected")
    rows = {name: [(row.label, row.entries, row.value, row.error) for row in rows] for name, rows in cutflows.items()}
    approx = pytest.approx
    assert rows["top"] == [("all", 10, approx(32), approx(32 / 2**0.5)), ("cut", 2, approx(24), approx(24 / 2**0.5))]
    assert [row[2] for row in rows["Z"]] == approx([5 * 2 + 3, 4 * 2 + 1])
    assert [row[2] for row in rows["total background"]] == approx([45, 33])
    # those of data are counts
    assert rows["data"] == [("all", 10, 10, approx(10**0.5)), ("cut", 2, 2, approx(2**0.5))]


def test_cutflows_that_do_not_end_with_the_yield_are_told(folders, table, samples, tmp_path):
    notes = yields_of(Stacks(compose(folders, table))).notes
    told = {note.sample: note.text for note in notes if note.kind == "cutflow"}
    assert told["top"] == (
        "the cutflow ends with 24 events, and the yield is 26: it has no scale factors and cuts that come after "
        "its steps"
    )
    assert "stop" in told  # 1, and 1.5
    stack_folders(folders, samples, tmp_path / "out", plots=False)
    for end in ("md", "tex"):
        text = (tmp_path / "out" / "stacks" / f"cutflow.{end}").read_text()
        assert "such as scale factors, are in yields and not in cutflows." in text


def test_one_note_is_no_plural_and_titles_are_not_broken(capsys, table, folders):
    found = yields_of(Stacks(compose(folders, table)))
    found = replace(found, notes=(Note("a", "one"),), title="A title that is wider than the table of it is, by far")
    print_yields(found)
    printed = capsys.readouterr().out
    assert "\n1 note on how numbers were made in yields.md\n" in printed
    assert printed.startswith("A title that is wider than the table of it is, by far\n")


def test_histograms_of_the_same_events_are_one_column(tmp_path, table):
    def with_y(told):
        (own, about) = told
        y = hist.Hist(*own["x"].axes[:2], Y, storage=own["x"].storage_type())
        x = own["x"].project("variation", "region")
        view = y.view(flow=True)
        view[:, : len(REGION), 2] = x.view(flow=True)[:, : len(REGION)]
        return {**own, "y": y}, about

    both = {name: with_y(told) for name, told in {**SIMULATION, **DATA}.items()}
    found = yields_of(Stacks(compose([run_of(tmp_path / "run", both)], table)))
    assert found.regions == ("selected",)
    assert [note.text for note in found.notes if note.kind == "same events"] == ["the events of each of x, y"]
    # of other events it is another column
    both["data"][0]["y"].fill("nominal", "SR", [1.0])
    found = yields_of(Stacks(compose([run_of(tmp_path / "other", both)], table)))
    assert found.data == {"x": 7, "y": 8}


def test_replicas_are_no_systematics(tmp_path, table):
    replicas = varied("smear_0", "smear_1", smear_0=(2, 2), smear_1=(4, 4))
    made = compose([run_of(tmp_path / "run", {"top": ({"x": replicas}, part(4.0))})], table)
    band = Stacks(made).stack(View("x")).backgrounds[0].band
    np.testing.assert_allclose(band.nominal, np.array([2, 2]) * 0.5 * 5)
    assert band.systematics == ["lumi", "cross_section_top"]
    (note,) = (note for note in made.notes if note.kind == "replicas")
    assert note.text == "variations of x are around no nominal one: 'smear_0', the first, is taken"


@pytest.mark.parametrize(
    ("datasets", "how", "message"),
    [
        ({"x": varied("nominal", nominal=(1, 1))}, {"names": ["z"]}, "no dataset has a histogram 'z'; there are x"),
        ({"z": steps(1, 1)}, {}, "no histogram can be a stack: z: dataset 'data' has none"),
        ({"x": hist.Hist(X)}, {}, "x: .*has storage Double, without errors; fill Weight or Int64|different axes"),
        ({"x": hist.Hist(Y, storage=hist.storage.Int64())}, {}, "datasets '.*' and '.*' have different axes"),
        (
            {"x": varied("nominal", nominal=(1, 1))},
            {"by": "sign"},
            "no histogram has an axis 'sign' .*; there are region",
        ),
        (
            {"x": hist.Hist(X, storage=hist.storage.Int64())},
            {"by": "region"},
            "dataset 'top' has no axis 'region', and",
        ),
        ({"x": hist.Hist(REGION, X, storage=hist.storage.Int64())}, {"names": ["x"]}, "region and no variations"),
        ({"x": varied("nominal", nominal=(1, 1))}, {"blind": (2.0, 1.0)}, "from low to high, got 2 to 1"),
    ],
)
def test_what_cannot_be_shown_is_told(tmp_path, table, datasets, how, message):
    folder = run_of(tmp_path / "run", {"top": (datasets, part(1.0)), **DATA})
    with pytest.raises(InputError, match=message):
        Stacks(compose([folder], table), **how)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "$\\nothing$"}, "samples.top.label: '.*nothing.*' is no text with formulas"),
        ({"colour": "greenish"}, "samples.top.colour: 'greenish' is no colour"),
    ],
)
def test_labels_and_colours_are_checked_before_drawing(folders, changes, message):
    table = {**TABLE, "samples": {**TABLE["samples"], "top": {**TABLE["samples"]["top"], **changes}}}
    with pytest.raises(InputError, match=message):
        Stacks(compose(folders, SampleTable.model_validate(table)))


def test_a_dataset_of_two_runs_is_refused(tmp_path, table):
    folders = [run_of(tmp_path / name, {"top": SIMULATION["top"]}) for name in ("a", "b")]
    with pytest.raises(InputError, match=r"dataset 'top' is in .*a and in .*b: its events would count twice"):
        compose(folders, table)


def made_by(folder, files=(), options=None, **identity):
    """Write a provenance into the folder of a run."""
    told = {"processor": "p:P", "code": "c", "hepcol": "h", "content of files": {}, "options": options or {}}
    listed = [{"dataset": dataset, "path": path, "uuid": uuid} for dataset, path, uuid in files]
    provenance = {"processor": "p:P", "options": options or {}, "identity": {**told, **identity}, "files": listed}
    (folder / "provenance.json").write_text(json.dumps(provenance))


@pytest.mark.parametrize("is_one_run", [True, False])
def test_a_file_of_several_datasets_is_one_line_and_counts_twice_within_a_kind(tmp_path, table, is_one_run):
    places = {"top": "a", "Z1": "a", "Z2": "a", "stop": "a"} if is_one_run else {n: n for n in SIMULATION}
    folders = []
    for place in dict.fromkeys(places.values()):
        those = [name for name in places if places[name] == place]
        folders.append(run_of(tmp_path / place, {name: SIMULATION[name] for name in those}))
        files = [(name, "same.root", "one") for name in those if name != "stop"]
        files += [(name, "both.root", "two") for name in those if name in ("top", "stop")]
        files += [(name, f"{name}-lost.root", "") for name in those]  # which could not be read, so has no identity
        made_by(folders[-1], files)
    told = [(note.text, note.is_warning) for note in compose(folders, table).notes if note.kind == "copy"]
    assert told == [
        ("same.root is in 3 datasets of background, 'top', 'Z1', 'Z2': its events count 3 times", True),
        ("both.root is in datasets 'top' (background) and 'stop' (signal)", False),
    ]


def test_runs_that_do_not_belong_together_are_told_by_difference(tmp_path, table):
    apart = [run_of(tmp_path / name, {name: told}) for name, told in {**SIMULATION, **DATA}.items()]
    simulation, data = apart[:-1], apart[-1]
    for folder in simulation:
        made_by(folder, options={"seed": 1, "good_runs": "", "in_situ": False})
    made_by(data, options={"seed": 1, "good_runs": "good.xml", "in_situ": True})

    def told():
        notes = compose(apart, table).notes
        return [(note.text.replace(f"{tmp_path}/", ""), note.is_warning) for note in notes if "together" in note.kind]

    of_kinds = [
        ("option good_runs: runs differ: '' in top, Z1, Z2, stop; 'good.xml' in data", False),
        ("option in_situ: runs differ: False in top, Z1, Z2, stop; True in data", False),
    ]
    assert told() == of_kinds
    # within simulation nothing is of one kind
    made_by(apart[1], options={"seed": 2, "good_runs": "good.xml", "in_situ": False}, code="d")
    assert told() == [
        ("the code of the processors: runs differ: 'c' in top, Z2, stop, data; 'd' in Z1", True),
        ("option seed: runs differ: 1 in top, Z2, stop, data; 2 in Z1", True),
        ("option good_runs: runs differ: '' in top, Z2, stop; 'good.xml' in Z1, data", True),
        of_kinds[1],
    ]
    made_by(apart[1], processor="q:Q")
    assert told() == [("processors: runs differ: 'p:P' in top, Z2, stop, data; 'q:Q' in Z1", True)]
    (data / "provenance.json").unlink()
    assert told()[0] == (
        "the provenance of data does not tell what made it: nothing was compared with other runs",
        False,
    )


def test_masked_data_and_lists_that_nothing_passes_are_told(tmp_path, table):
    cutflow = {"all events": 10, "good runs": 0, "cut": 0}
    folder = run_of(tmp_path / "data", {"data": (DATA["data"][0], {**part(10.0), "cutflow": cutflow})})
    made_by(folder, options={"good_runs": "/lists/good.xml", "good_blocks": "abc"})
    told = [(note.text, note.is_warning) for note in compose([folder], table).notes if note.kind == "good runs"]
    assert told == [
        ("data: data in good blocks of /lists/good.xml (digest abc) alone", False),
        ("no event of dataset 'data' is in a good block of /lists/good.xml", True),
    ]


@pytest.mark.parametrize("storage", [hist.storage.Weight(), hist.storage.Int64()])
def test_data_have_no_weights(tmp_path, table, storage):
    x = hist.Hist(REGION, X, storage=storage)
    x.fill("SR", [0.5] * 4)
    compose([run_of(tmp_path / "counts", {"data": ({"x": x}, part(4.0))})], table)
    if isinstance(storage, hist.storage.Int64):
        return
    for name, weight in (("half", 0.5), ("two", 2.0)):
        weighted = x.copy().reset().fill("SR", [0.5] * 4, weight=weight)
        folder = run_of(tmp_path / name, {"data": ({"x": weighted}, part(4.0))})
        with pytest.raises(InputError, match="sample 'data' is data, and histogram 'x' of its dataset 'data' has weig"):
            compose([folder], table)


def test_systematics_that_some_simulation_lacks_are_told(folders, table):
    told = [
        (note.sample, note.text, note.is_warning) for note in compose(folders, table).notes if "system" in note.kind
    ]
    assert told == [
        ("top", "has no EL, which Z2 has", False),
        ("Z1", "has no EL, which Z2 has", False),
        ("Z2", "has no JES, which top has", False),
        ("stop", "has no systematics at all, and others have JES, EL", True),
    ]


def test_datasets_that_the_table_names_and_no_run_has_are_told(tmp_path):
    samples = {
        **TABLE["samples"],
        "data": {"kind": "data", "datasets": ["data", "data16*"]},
        "top": {**TABLE["samples"]["top"], "dsid": [410470, 410471]},
    }
    table = SampleTable.model_validate({**TABLE, "samples": samples})
    told = {"mc.410470.x": SIMULATION["top"]}
    made = compose([run_of(tmp_path / "mc", told)], table)
    (note,) = (note for note in made.notes if note.kind == "no dataset" and note.sample == "top")
    assert note.text == "no dataset matches '410471', and the luminosity of a counts in full"
    assert note.is_warning
    run = run_of(tmp_path / "run", {**told, **DATA})
    with pytest.raises(
        InputError, match=r"sample 'data': no dataset matches 'data16\*', and the luminosity of a would"
    ):
        compose([run], table)
    notes = compose([run], table, allow_missing=True).notes
    assert ("data", "no dataset matches 'data16*', and the luminosity of a counts in full") in [
        (note.sample, note.text) for note in notes if note.is_warning
    ]


def test_files_that_could_not_be_read_are_told(tmp_path, samples):
    events = {**COMPLETE, "unknown_files": 1}
    run = run_of(tmp_path / "run", {**SIMULATION, **DATA}, complete=False, events=events)
    done = stack_folders([run], samples, tmp_path / "out", plots=False)
    assert done.yields.mark == "INCOMPLETE: 10 of 10 events and 1 file that could not be read"


def test_samples_without_datasets_and_other_campaigns_are_told(tmp_path):
    table = {**TABLE, "campaigns": {**TABLE["campaigns"], "b": "3 fb^-1"}}
    table["samples"] = {**TABLE["samples"], "top": {**TABLE["samples"]["top"], "campaigns": ["a"]}}
    made = compose([run_of(tmp_path / "run", {"top": SIMULATION["top"], **DATA})], SampleTable.model_validate(table))
    told = [(note.kind, note.sample) for note in made.notes if note.is_warning]
    assert told == [("no dataset", "Z1"), ("no dataset", "Z2"), ("no dataset", "stop"), ("campaigns", "top")]
    assert made.luminosity == 5
    assert made.scales[made.assigned["top"]].luminosity == 2


@pytest.mark.parametrize("has_runs", [False, True])
def test_a_file_read_in_part_is_whole_unless_it_tells_a_sum(tmp_path, has_runs):
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        file["Events"] = {"x": np.linspace(0, 2, 100, endpoint=False)}
        if has_runs:
            file["Runs"] = {"genEventSumw": np.array([100.0])}
    fileset = {"top": {"files": {str(path): {"object_path": "Events", "steps": [[0, 30], [50, 60]]}}}}
    hepcol.run(OfX(), fileset, output=tmp_path / "run")
    made = compose([tmp_path / "run"], SampleTable.model_validate(TABLE))
    (scale,) = made.scales.values()
    (note,) = (note for note in made.notes if note.kind == "normalisation")
    table = normalisation_table(made).rows[0]
    assert made.factor("top") == pytest.approx(2 * 10 / (100 if has_runs else 40))
    assert scale.weights.events == 40
    assert note.is_warning is has_runs
    assert made.summary["lacks"] == ("FILES READ IN PART" if has_runs else "")
    if has_runs:
        text = f"so that yields are too low: 60 of 100 entries of {path} not there"
        assert note.text == f"normalised with sums of weights of files that were read in part, {text}"
        assert "40 events, of Runs.genEventSumw (FILES READ IN PART)" in table
    else:
        assert note.text == "normalised with the weights of the processed events"
        assert "40 events, of what was processed" in table


def test_errors_of_data_are_those_of_garwood():
    # of 68.27 %: 0, 1 and 9 events, as of ROOT's TH1::kPoisson
    low, high = poisson_errors(Band(np.arange(4.0), np.array([0.0, 1, 9]), np.sqrt([0.0, 1, 9]), {}))
    np.testing.assert_allclose(low, [0, 0.827246, 2.943461], atol=1e-6)
    np.testing.assert_allclose(high, [1.841022, 2.299527, 4.110204], atol=1e-6)
    # nine events of weight 2
    low, high = poisson_errors(Band(np.arange(2.0), np.array([18.0]), np.array([6.0]), {}))
    np.testing.assert_allclose([low[0], high[0]], [2 * 2.943461, 2 * 4.110204], atol=1e-5)


def points_of(axes):
    """Positions of the points of data with their errors."""
    (drawn,) = axes.containers
    line, _, (bars,) = drawn.lines
    assert isinstance(bars, LineCollection)
    return line.get_xydata(), [segment[:, 1] for segment in bars.get_segments()]


def test_the_picture_shows_data_and_their_ratio_to_the_sum(folders, table):
    stack = Stacks(compose(folders, table), blind=(0.9, 0.95)).stack(View("x"))
    assert stack.blinded.tolist() == [True, False]
    with style():
        figure = plot_stack(stack, {"complete": True, "events": COMPLETE})
    above, below = figure.axes
    xy, ((low, high),) = points_of(above)
    assert xy.tolist() == [[1.5, 1]]  # the other bin is blinded
    assert (low, high) == pytest.approx((1 - 0.827246, 1 + 2.299527), rel=1e-5)
    xy, ((low, high),) = points_of(below)
    total = stack.total.nominal[1]
    np.testing.assert_allclose(xy, [[1.5, 1 / total]])
    assert (low, high) == pytest.approx(((1 - 0.827246) / total, 3.299527 / total), rel=1e-5)
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels == [
        "observed, not from 0.9 to 0.95",
        "Z",
        "$t$",
        "stat. error",
        r"stat. $\oplus$ syst. error",
        "stop",
    ]
    assert below.get_ylim() == (0, 2)


def many(backgrounds, signals, label="process {}"):
    """A picture of many processes, and data that are 30 % higher in the first bin and else 1 %."""
    axis = hist.axis.Regular(30, 0, 30, name="x")
    contents = np.full(30, 10_000.0)
    layers = [Layer(label.format(n), Band(axis.edges, contents, contents / 100, {})) for n in range(backgrounds)]
    found = np.round(contents * backgrounds * 1.01)
    found[0] *= 1.3
    data = Band(axis.edges, found, np.sqrt(found), {})
    others = [Layer(label.format(f"s{n}"), layers[0].band) for n in range(signals)]
    with style():
        stack = Stack("one\ntwo", axis, layers, others, data, "data", ratio=True)
        figure = plot_stack(stack, {"complete": True, "events": COMPLETE})
        figure.canvas.draw()
    return figure


@pytest.mark.parametrize(("backgrounds", "signals"), [(1, 0), (4, 2), (8, 5)])
def test_the_legend_takes_a_third_of_the_picture_and_is_clear_of_it(backgrounds, signals):
    above = many(backgrounds, signals).axes[0]
    legend, panel = above.get_legend().get_window_extent(), above.get_window_extent()
    assert legend.height <= panel.height * 0.36  # the size of the panel is known about
    assert panel.x0 < legend.x0 < legend.x1 < panel.x1
    highest = above.transData.transform((0, 10_000 * backgrounds * 1.01 * 1.3))[1]
    assert highest < legend.y0


def test_long_labels_have_a_legend_as_narrow_as_it_can_be():
    legend = many(6, 0, label="a process with a very long name indeed {}").axes[0].get_legend()
    assert legend.get_texts()[0].get_fontsize() == pytest.approx(17 * 0.579)
    assert legend._ncols == 2  # nothing else tells


def test_signals_differ_in_colour_and_line():
    signals = [one for one in many(1, 7).axes[0].patches if one.get_label().startswith("process s")]
    looks = {(to_hex(one.get_edgecolor()), str(one.get_linestyle())) for one in signals}
    assert len(looks) == 7
    assert len({colour for colour, _ in looks}) == 5


def test_a_single_bin_does_not_rule_the_axis_of_ratios():
    below = many(1, 0).axes[1]
    assert below.get_ylim() == (0.9, 1.1)  # 1 % is seen, and the bin of 30 % is an arrow
    (arrow,) = (line for line in below.get_lines() if line.get_marker() == "^")
    assert arrow.get_xdata().tolist() == [0.5]


def test_a_logarithmic_axis_has_all_contents_above_its_end():
    band = Band(np.arange(3.0), np.array([1000.0, 0.4]), np.array([10.0, 0.1]), {})
    with style():
        figure = plot_stack(Stack("", X, [Layer("b", band)], log=True), {"complete": True, "events": COMPLETE})
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "log"
    assert 0 < low < 0.4
    assert high > 1010


def test_what_is_missing_is_marked_everywhere(tmp_path, samples):
    lost = {**COMPLETE, "processed": 10, "files": 30}
    carried = {"sum_weights": 8.0, "events": 20, "source": "Runs", "whole": False, "lacks": ["b"]}
    top = {"top": (SIMULATION["top"][0], part(5.0, normalisation=carried))}
    first = run_of(tmp_path / "mc", top, complete=False, events=lost, mark="generated")
    second = run_of(tmp_path / "data", DATA)
    done = stack_folders([first, second], samples, tmp_path / "out")
    mark = "INCOMPLETE: 20 of 40 events, FILES READ IN PART, generated"
    assert done.yields.mark == mark
    place = tmp_path / "out" / "stacks"
    for name in ("yields", "impacts", "cutflow", "normalisation"):
        for end in ("md", "tex"):
            text = (place / f"{name}.{end}").read_text()
            tables = text.count("\n|:--" if end == "md" else "\\caption{")
            assert text.count(mark) == tables > 0
        rows = rows_of(place / f"{name}.csv")
        assert rows
        assert {row["mark"] for row in rows} == {mark}
    with style():
        figure = plot_stack(done.stacks.stack(View("x")), done.stacks.made.summary)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "INCOMPLETE: 20 of 40 events, FILES READ IN PART" in texts
    warnings = [note.text for note in done.yields.notes if note.is_warning]
    assert any("is incomplete: 10 of 30 events processed" in text for text in warnings)
    text = "normalised with sums of weights of files that were read in part, so that yields are too low: b not there"
    assert text in warnings


def test_the_command_writes_pictures_and_tables(folders, samples, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["stack", *map(str, folders), "--samples", str(samples), "-o", str(out)]
    with pytest.raises(SystemExit) as caught:
        main([*command, "--by", "region", "--log"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert "total background" in printed
    place = out / "stacks"
    pictures = {str(path.relative_to(place)) for path in place.rglob("*.p*")}
    assert pictures == {f"x/region_{region}.{end}" for region in ("SR", "CR") for end in ("png", "pdf")}
    yields = {(row["region"], row["sample"]): row for row in rows_of(place / "yields.csv")}
    assert float(yields["region = SR", "top"]["value"]) == pytest.approx(24)
    assert float(yields["region = SR", "top"]["stat"]) == pytest.approx(math.sqrt(12) * 2)
    factors = {row["sample"]: float(row["factor"]) for row in rows_of(place / "normalisation.csv")}
    assert factors == pytest.approx(FACTORS)
    record = json.loads((place / "stacks.json").read_text())
    assert record["runs"] == [str(folder) for folder in folders]
    # again, and without data where they are blinded
    with pytest.raises(SystemExit) as caught:
        main([*command, "--histogram", "x", "--blind", "0", "1", "--no-plots"])
    assert caught.value.code == 0
    assert not [*place.rglob("*.p*")]
    assert {row["sample"] for row in rows_of(place / "yields.csv")} == {
        "top", "Z", "total background", "stop"
    }  # fmt: skip
    assert "data" not in {row["sample"] for row in rows_of(place / "cutflow.csv")}


def test_a_file_in_the_place_of_the_folder_is_named(folders, samples, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^output folder .*/file cannot be written: .*/file is a file$"):
        stack_folders(folders, samples, tmp_path / "file")


def test_a_folder_of_another_is_left_alone(folders, samples, tmp_path, capsys):
    place = tmp_path / "out" / "stacks"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit) as caught:
        main(["stack", *map(str, folders), "--samples", str(samples), "-o", str(tmp_path / "out")])
    assert caught.value.code == 2
    assert "is there and is not hepcol's: choose another output folder" in capsys.readouterr().err
    assert (place / "mine.txt").read_text() == "mine"


def test_stacks_in_the_folder_of_a_run_are_on_its_page_and_go_with_its_results(tmp_path, samples):
    run = write_run(tmp_path / "run")
    inner = run_of(tmp_path / "mc", {"top": SIMULATION["top"], **DATA})
    stack_folders([inner], samples, run)
    page = write_page(run).read_text()
    assert "<h2>Stacks" in page
    assert "total background" in page
    assert "factor of weights" in page
    remove_added(run)
    assert not (run / "stacks").exists()

"""Making samples, where Pythia, fastjet and ROOT are installed."""

import json
from importlib.util import find_spec

import awkward as ak
import numpy as np
import pytest
import uproot

from samples.note import NOTE_KEY
from samples.stop4b import near_regions, weights
from samples.stop4b.campaigns import MC, TOTAL_LUMINOSITY, find_campaign
from samples.stop4b.files import read_objects
from samples.stop4b.flat import make_rows
from samples.stop4b.processes import BACKGROUNDS, VV
from samples.stop4b.sample import _BLOCK
from samples.stop4b.variations import TREES

WT = {"process": "Wt", "campaign": "mc16a", "events": 30, "form": "objects"}
SIGNAL = WT | {"process": "signal", "events": 4, "point": (400, 320)}
MANY = SIGNAL | {"events": 120}
FAKES = WT | {"process": "Fakes", "events": 80}
PSEUDO = WT | {"process": "Data", "campaign": "data15", "events": 60}
NEAR = MANY | {"near_regions": True}
# those of one generator follow each other: it is set up once
REQUESTS = {
    "objects": WT,
    "longer": WT | {"events": 50},
    "flat": WT | {"form": "flat"},
    "none near": WT | {"near_regions": True, "events": 3},
    "none near flat": WT | {"near_regions": True, "events": 3, "form": "flat"},
    "seed": WT | {"seed": 2, "events": 10},
    "Wt mc16d": WT | {"campaign": "mc16d", "events": 4},
    "signal mc16a": SIGNAL,
    "many": MANY,
    "near": NEAR,
    "near flat": NEAR | {"form": "flat"},
    "again": NEAR | {"workers": 2},
    "signal mc16d": SIGNAL | {"campaign": "mc16d"},
    "signal mc16e": SIGNAL | {"campaign": "mc16e"},
    "Fakes": FAKES,
    "Fakes flat": FAKES | {"form": "flat"},
    **{
        f"background {process.name}": PSEUDO | {"process": process.name, "campaign": "mc16a"} for process in BACKGROUNDS
    },
    "data": PSEUDO,
    "ttbar": WT | {"process": "ttbar", "events": 130},
}
FLATTENED = ("objects", "many", "near", "none near", "Fakes", "data")  # what is compared with flat files
# in one process, which imports ROOT and Pythia once, by small blocks, as many samples need few events
CODE = f"""
import json, sys
from samples.stop4b import Request, flatten, generate, sample
from samples.stop4b.pseudo_data import draw
if __name__ == '__main__':
    sample._BLOCK = {_BLOCK // 5}
    folder, requests, flattened = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    uuids, backgrounds = {{}}, []
    for name, options in requests.items():
        path, workers = f'{{folder}}/{{name}}.root', options.pop('workers', 1)
        uuids[name] = str(generate(path, Request(**options), workers=workers))
        if name.startswith('background'):
            backgrounds.append(path)
        elif name in flattened:
            flatten(path, f'{{folder}}/{{name}} flattened.root')
    draw(reversed(backgrounds), f'{{folder}}/drawn.root', 'data15')
    print(json.dumps(uuids))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stop4b")


@pytest.fixture(scope="module")
def uuids(run_python, folder):
    for module in ("ROOT", "pythia8mc", "fastjet"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    return json.loads(run_python(CODE, folder, json.dumps(REQUESTS), json.dumps(FLATTENED)))


@pytest.fixture
def path(uuids, folder):
    return lambda name: folder / f"{name}.root"


def note(path):
    with uproot.open(path) as file:
        return json.loads(str(file[NOTE_KEY]))


def test_is_the_same_again_and_for_any_number_of_workers(uuids, path, folder):
    """Of several blocks, which two workers make at the same time; of blocks of any size, too."""
    assert read_objects(path("many")).columns["eventNumber"][-1] % 2**30 > 5 * _BLOCK
    assert uuids["again"] == uuids["near"]
    assert path("again").read_bytes() == path("near").read_bytes()
    with uproot.open(path("near")) as file:
        assert str(file.file.uuid) == uuids["near"]
    flattened = {f"{name} flattened" for name in FLATTENED}
    assert {one.name for one in folder.iterdir()} == {f"{name}.root" for name in (*REQUESTS, *flattened, "drawn")}


def test_a_longer_sample_begins_with_the_shorter(path):
    shorter = read_objects(path("objects"))
    longer = read_objects(path("longer")).take(np.arange(len(shorter)))
    for collection in ("electrons", "muons", "jets"):
        for name, column in getattr(shorter, collection).columns.items():
            np.testing.assert_array_equal(column, getattr(longer, collection).columns[name])
    for name in set(shorter.columns) - {"weight"}:
        np.testing.assert_array_equal(shorter.columns[name], longer.columns[name])


@pytest.mark.parametrize("other", ["seed", "Wt mc16d"])
def test_seeds_and_campaigns_have_events_of_their_own(uuids, path, other):
    assert uuids[other] != uuids["objects"]
    first, second = read_objects(path("objects")), read_objects(path(other))
    assert not np.any(np.isin(second.jets["truth_pt"], first.jets["truth_pt"]))


def trees(path):
    with uproot.open(path) as file:
        return {name: file[name].arrays(library="np") for name in file.keys(cycle=False) if name != NOTE_KEY}


def assert_equal(first, second):
    assert list(first) == list(second)
    for name, column in first.items():
        assert column.dtype == second[name].dtype
        np.testing.assert_array_equal(column, second[name])


@pytest.mark.parametrize(
    ("flat", "objects", "sample"),
    [
        ("flat", "objects", "Wt"),
        ("near flat", "near", "signal_400_320"),
        ("none near flat", "none near", "Wt"),
        ("Fakes flat", "Fakes", "Fakes"),
        ("drawn", "data", "Data"),
    ],
)
def test_the_flat_form_has_the_events_of_the_object_form(path, flat, objects, sample):
    made, flattened = trees(path(flat)), trees(path(f"{objects} flattened"))
    assert set(made) == set(flattened)
    assert len(made) == (1 if sample == "Data" else len(TREES))
    for name, columns in make_rows(read_objects(path(objects)), sample):
        assert_equal(made[name], flattened[name])
        assert set(made[name]) == set(columns)
        for branch, column in columns.items():
            np.testing.assert_array_equal(made[name][branch], column)


def near(rows):
    """What the skim looks for, but that it may be in another tree."""
    chosen = np.ones(len(rows["MET"]), dtype=bool)
    for name, bound in near_regions.ABOVE.items():
        chosen &= rows[name] > bound
    for name, bound in near_regions.BELOW.items():
        chosen &= rows[name] < bound
    return {name: column[chosen] for name, column in rows.items()}


def test_a_skimmed_sample_has_all_rows_near_the_regions_at_their_weights(path):
    everything, kept = trees(path("many flattened")), trees(path("near flat"))
    assert list(everything) == list(kept)
    rows = 0
    for name, columns in everything.items():
        assert_equal(near(columns), near(kept[name]))
        rows += len(near(columns)["MET"])
    assert rows > 10 * len(TREES)
    assert len(read_objects(path("near"))) < 0.3 * MANY["events"]


def test_a_skimmed_sample_says_so_and_how_many_it_keeps(path):
    said, before = note(path("near")), note(path("many"))
    assert (said["near_regions"], before["near_regions"]) == (True, False)
    assert said["kept"] == len(read_objects(path("near")))
    assert before["kept"] == before["events"] == said["events"] == MANY["events"]
    assert said["tried"] == before["tried"]
    assert "MET > 380" in said["skim"]
    assert "skim" not in before
    assert note(path("none near"))["kept"] == 0


def test_fakes_have_their_factor_in_both_forms(path):
    events = read_objects(path("Fakes"))
    of_event = {name: events.columns[name] for name in weights.FAKE_COLUMNS}
    assert all(column.dtype == np.float32 for column in of_event.values())
    factor = of_event["fakeWeight"]
    assert np.all((factor > 0.05) & (factor < 0.3))
    assert np.any(factor < 0.12)
    assert np.any(factor > 0.16)
    for rows in trees(path("Fakes flat")).values():
        found = np.searchsorted(events.columns["eventNumber"], rows["eventNumber"])
        for name, column in of_event.items():
            np.testing.assert_array_equal(rows[name], column[found])
    assert not set(weights.FAKE_COLUMNS) & set(read_objects(path("objects")).columns)


COUNT = """
import json, sys
from samples.stop4b.campaigns import find_campaign
from samples.stop4b.generator import Generator
from samples.stop4b.processes import find_process
counts = {}
for file, (name, point, campaign, events) in json.loads(sys.argv[1]).items():
    generator = Generator(find_process(name, point and tuple(point)), find_campaign(campaign), 1, False)
    counts[file] = [0]
    for number in range(events):
        generator.block(number, 1)
        counts[file].append(generator._pythia.infoPython().nSelected(0))  # of all events so far, by Pythia itself
print(json.dumps(counts))
"""
BRANCHINGS = {"ttbar": (3 * 0.1086) ** 2, **{f"signal {campaign.name}": 1 / 9 for campaign in MC}}


def last_stored(path):
    """Number of the last generated event, and which of its copies is the last stored one."""
    return divmod(int(read_objects(path).columns["eventNumber"][-1]) % 2**30, note(path)["copies"])


@pytest.fixture(scope="module")
def counted(uuids, folder, run_python):
    """Events that Pythia has selected before each generated one, and in the end."""
    facts = {}
    for file in BRANCHINGS:
        request, (last, _) = REQUESTS[file], last_stored(folder / f"{file}.root")
        facts[file] = [request["process"], request.get("point"), request["campaign"], last + 1]
    return json.loads(run_python(COUNT, json.dumps(facts)))


@pytest.mark.parametrize(("file", "branching"), BRANCHINGS.items())
def test_weights_are_cross_section_over_the_events_that_pythia_selected(path, counted, file, branching):
    """Of the last generated event, the copies up to the last stored one count."""
    said, selected = note(path(file)), counted[file]
    copies, (last, copy) = said["copies"], last_stored(path(file))
    tried = copies * selected[last] + (copy + 1) * (selected[last + 1] - selected[last])
    assert (copy + 1 < copies) == (copies > 1), "the last event should be one that is partly used"
    assert selected[-1] > 2 * (last + 1), "the filter should reject something"
    assert said["tried"] == tried
    share = find_campaign(REQUESTS[file]["campaign"]).luminosity / sum(campaign.luminosity for campaign in MC)
    sigma = 1000 * said["cross_section"]["value"] * branching * share / tried
    np.testing.assert_allclose(read_objects(path(file)).columns["weight"], sigma, rtol=1e-12)


MIXTURE = """
import json
import pythia8mc
from samples.stop4b.generator import COMMON, MPI_OFF
from samples.stop4b.processes import VV
pythia = pythia8mc.Pythia("", False)
for setting in (*COMMON, *MPI_OFF, *VV.settings, "PartonLevel:all = off", "Random:setSeed = on", "Random:seed = 5"):
    assert pythia.readString(setting)
assert pythia.init()
for _ in range(60_000):
    pythia.next()
print(json.dumps([pythia.infoPython().nSelected(code) for code in (233, 232, 231)]))  # WW, WZ, ZZ
"""


def test_pairs_of_bosons_are_mixed_as_in_the_literature(uuids, run_python):
    selected = np.array(json.loads(run_python(MIXTURE)))
    mixed = selected / selected.sum() * VV.corrections
    literature = np.array([118.7, 51.1, 16.9]) / (118.7 + 51.1 + 16.9)
    assert mixed == pytest.approx(literature, rel=0.06)
    assert mixed[:2] == pytest.approx(literature[:2], rel=0.03)


def test_an_event_of_two_bosons_has_the_correction_of_its_number_of_z(path):
    said = note(path("background VV"))
    w, z = 3 * 0.1086, 3 * 0.033658 + 0.20
    correction = np.array([part["correction"] for part in said["parts"]]) * (w * w, w * z, z * z)
    expected = 1000 * said["cross_section"]["value"] * said["campaign_share"] / said["tried"] * correction
    found = np.unique(read_objects(path("background VV")).columns["weight"])
    assert len(found) >= 2
    np.testing.assert_allclose(found, [expected[np.argmin(np.abs(expected / one - 1))] for one in found])


def test_says_that_it_is_generated_and_what_is_a_surrogate(path):
    said = note(path("objects"))
    assert said["generated"] is True
    assert said["generator"]["name"] == "Pythia"
    assert said["remark"].startswith("Surrogate: ")
    assert said["campaign_share"] == pytest.approx(MC[0].luminosity / TOTAL_LUMINOSITY)


def test_pseudo_data_have_one_tree_of_weight_one(path):
    with uproot.open(path("data flattened")) as file:
        assert set(file.keys(cycle=False)) == {"Data_NONE", NOTE_KEY}
        rows = file["Data_NONE"].arrays()
    assert ak.all(rows["weight"] == 1)
    assert not any(name.startswith("WeightEvents") for name in rows.fields if name != "WeightEvents")
    assert len(set(rows["eventNumber"].to_list())) == len(rows) > 0
    assert "Not data of ATLAS" in note(path("data"))["process"]

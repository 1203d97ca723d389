"""Making samples, where Pythia, fastjet and ROOT are installed."""

import json
from importlib.util import find_spec

import awkward as ak
import numpy as np
import pytest
import uproot

from samples.stop4b.campaigns import MC, TOTAL_LUMINOSITY
from samples.stop4b.files import NOTE_KEY, read_objects
from samples.stop4b.flat import make_rows
from samples.stop4b.variations import TREES

WT = {"process": "Wt", "campaign": "mc16a", "events": 30, "form": "objects"}
SIGNAL = WT | {"process": "signal", "events": 4, "point": (400, 320)}
REQUESTS = {
    "objects": WT,
    "again": WT | {"workers": 2},
    "longer": WT | {"events": 50},
    "seed": WT | {"seed": 2, "events": 10},
    "flat": WT | {"form": "flat"},
    "data": WT | {"process": "Data", "campaign": "data15", "events": 150, "form": "flat"},
    **{f"Wt {campaign.name}": WT | {"campaign": campaign.name, "events": 4} for campaign in MC},
    **{f"signal {campaign.name}": SIGNAL | {"campaign": campaign.name} for campaign in MC},
}
# in one process, which imports ROOT and Pythia once
CODE = """
import json, sys
from samples.stop4b import Request, generate
if __name__ == '__main__':
    uuids = {}
    for name, options in json.loads(sys.argv[2]).items():
        workers = options.pop('workers', 1)
        uuids[name] = str(generate(f'{sys.argv[1]}/{name}.root', Request(**options), workers=workers))
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
    return json.loads(run_python(CODE, folder, json.dumps(REQUESTS)))


@pytest.fixture
def path(uuids, folder):
    return lambda name: folder / f"{name}.root"


def note(path):
    with uproot.open(path) as file:
        return json.loads(str(file[NOTE_KEY]))


def test_is_the_same_again_and_for_any_number_of_workers(uuids, path, folder):
    assert uuids["again"] == uuids["objects"]
    assert path("again").read_bytes() == path("objects").read_bytes()
    with uproot.open(path("objects")) as file:
        assert str(file.file.uuid) == uuids["objects"]
    assert {one.name for one in folder.iterdir()} == {f"{name}.root" for name in REQUESTS}


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


def test_the_flat_form_has_the_events_of_the_object_form(path):
    with uproot.open(path("flat")) as file:
        for name, columns in make_rows(read_objects(path("objects")), "Wt"):
            stored = file[name].arrays(library="np")
            assert set(stored) == set(columns)
            for branch, column in columns.items():
                np.testing.assert_array_equal(stored[branch], column)
        assert len(file.keys(cycle=False)) == len(TREES) + 1


@pytest.mark.parametrize(("process", "branching"), [("Wt", (3 * 0.1086) ** 2), ("signal", 1 / 9)])
def test_weights_add_up_to_cross_section_times_luminosity(path, process, branching):
    """One weight stands for a try: with all that were tried, the campaigns give sigma BR L."""
    total = 0.0
    for campaign in MC:
        file = path(f"{process} {campaign.name}")
        weights = read_objects(file).columns["weight"]
        assert np.all(weights == weights[0])
        total += weights[0] * note(file)["tried"] * TOTAL_LUMINOSITY
    cross_section = note(file)["cross_section"]["value"]
    assert total == pytest.approx(1000 * cross_section * branching * TOTAL_LUMINOSITY, rel=1e-6)


def test_says_that_it_is_generated_and_what_is_a_surrogate(path):
    said = note(path("objects"))
    assert said["generated"] is True
    assert said["generator"]["name"] == "Pythia"
    assert said["remark"].startswith("Surrogate: ")
    assert said["campaign_share"] == pytest.approx(MC[0].luminosity / TOTAL_LUMINOSITY)


def test_pseudo_data_have_one_tree_of_weight_one(path):
    with uproot.open(path("data")) as file:
        assert set(file.keys(cycle=False)) == {"Data_NONE", NOTE_KEY}
        rows = file["Data_NONE"].arrays()
    assert ak.all(rows["weight"] == 1)
    assert not any(name.startswith("WeightEvents") for name in rows.fields if name != "WeightEvents")
    assert len(set(rows["eventNumber"].to_list())) == len(rows) > 0
    assert "Not data of ATLAS" in note(path("data"))["process"]

"""The generator of Z -> ee in ATLAS: the same events for any number of processes, and what coffea reads."""

import json
import warnings
from importlib.util import find_spec

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory, PHYSLITESchema

from samples.catalogue import ZEE_ATLAS, ZEE_ATLAS_DATA
from samples.error import SampleError
from samples.zee_atlas import generate
from samples.zee_atlas.scale_factors import corrections
from samples.zee_atlas.truth import ALPHA, CONSTANT, SCALE_FACTORS, inject

TREE = "CollectionTree"
SHIPPED = {"simulation": ZEE_ATLAS.path, "data": ZEE_ATLAS_DATA.path}


CODE = """
import sys
from samples.zee_atlas import generate
if __name__ == '__main__':
    folder = sys.argv[1]
    generate(f'{folder}/simulation.root', 60)
    generate(f'{folder}/longer.root', 90, workers=2)
    generate(f'{folder}/data.root', 60, 'data')
"""


@pytest.fixture(scope="session")
def made(run_python, tmp_path_factory):
    """Files of 60 events by one process, and of 90 by two: ROOT stays out of this one."""
    for module in ("ROOT", "pythia8mc"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    folder = tmp_path_factory.mktemp("zee-atlas")
    run_python(CODE, folder)
    return folder


@pytest.fixture(scope="module")
def real(shared_data):
    return nano(shared_data / "PHYSLITE_example.root")


def columns(path, stop=60):
    with uproot.open(path) as file:
        return file[TREE].arrays(filter_name="/(?!.*Links|.*Matched).*/", entry_stop=stop)


@pytest.mark.parametrize("form", ["simulation", "data"])
def test_the_shipped_file_begins_with_the_same_events(form, made):
    assert ak.array_equal(columns(made / f"{form}.root"), columns(SHIPPED[form]), check_parameters=False)


def test_a_longer_sample_of_more_processes_begins_with_the_shorter_one(made):
    assert ak.array_equal(columns(made / "simulation.root"), columns(made / "longer.root"), check_parameters=False)


@pytest.mark.parametrize("form", ["simulation", "data"])
def test_branches_have_names_and_types_of_the_real_file(form, shared_data):
    with uproot.open(shared_data / "PHYSLITE_example.root") as real, uproot.open(SHIPPED[form]) as ours:
        of_atlas = {branch.name: branch for branch in real[TREE].branches}
        for branch in ours[TREE].branches:
            assert branch.typename == of_atlas[branch.name].typename
            assert str(branch.interpretation) == str(of_atlas[branch.name].interpretation)


def nano(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return NanoEventsFactory.from_root({str(path): TREE}, schemaclass=PHYSLITESchema).events()


@pytest.mark.parametrize("form", ["simulation", "data"])
def test_coffea_makes_the_same_records_of_it(form, real):
    ours = nano(SHIPPED[form])
    for collection in ours.fields:
        if not ours[collection].fields:
            continue
        for name in ours[collection].fields:
            # as types without their lengths
            first, second = (str(events[collection][name].type).split("*", 1)[1] for events in (ours, real))
            assert first == second


def test_links_lead_to_the_cluster_of_each_electron():
    events = nano(SHIPPED["simulation"])[:2000]
    clusters = events.egammaClusters[ak.firsts(events.Electrons.caloClusterLinks.m_persIndex, axis=2)]
    energy = events.Electrons.pt * np.cosh(events.Electrons.eta)
    np.testing.assert_allclose(ak.flatten(clusters.calE / energy), 1, rtol=1e-4)
    # some are not where the electron is in its own list
    assert ak.any(ak.firsts(events.Electrons.caloClusterLinks.m_persIndex, axis=2) != ak.local_index(energy))


def test_files_say_that_they_are_generated_and_data_what_was_put_in():
    notes = {}
    for form, path in SHIPPED.items():
        with uproot.open(path) as file:
            notes[form] = json.loads(str(file["hepcol_sample"]))
    assert all(note["generated"] for note in notes.values())
    assert "injected" not in notes["simulation"]
    assert notes["data"]["injected"]["alpha"] == list(ALPHA)
    assert notes["data"]["injected"]["constant_term"] == list(CONSTANT)


def test_scales_and_constant_terms_are_put_in_by_region():
    eta = np.full(200_000, 1.7)
    normals = np.random.default_rng(1).standard_normal(len(eta))
    factor = inject(eta, normals)
    assert factor.mean() == pytest.approx(1.018, abs=2e-4)
    assert factor.std() == pytest.approx(1.018 * 0.018, rel=0.01)


def test_efficiencies_of_data_are_lower_by_the_scale_factors():
    share = {}
    for form, path in SHIPPED.items():
        events = nano(path)
        electrons = events.Electrons[(events.Electrons.pt > 40_000) & (abs(events.Electrons.eta) < 0.6)]
        medium = ak.flatten(electrons.DFCommonElectronsLHMedium == 1)
        share[form] = (float(ak.mean(medium)), len(medium))
    ratio = share["data"][0] / share["simulation"][0]
    error = np.sqrt(sum((1 - value) / (value * number) for value, number in share.values()))
    expected = SCALE_FACTORS[1].at(np.array([0.3]), np.array([45.0]))[0]
    assert abs(ratio - expected) < 4 * error


def test_the_shipped_scale_factors_are_those_of_the_sample():
    from processors.zee_atlas.weights import _SHIPPED_FILE

    assert json.loads(_SHIPPED_FILE.read_text()) == json.loads(json.dumps(corrections()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"events": 0}, "events must be at least 1, got 0"),
        ({"events": 1, "form": "truth"}, "form must be simulation or data, got 'truth'"),
        ({"events": 1, "seed": -1}, "seed must be from 0"),
        ({"events": 1, "workers": 0}, "workers must be at least 1, got 0"),
    ],
)
def test_refuses_in_one_line(arguments, message, tmp_path):
    with pytest.raises(SampleError, match=message):
        generate(tmp_path / "x.root", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_does_not_overwrite(tmp_path):
    (tmp_path / "x.root").write_text("mine")
    with pytest.raises(SampleError, match="exists"):
        generate(tmp_path / "x.root", 1)
    assert (tmp_path / "x.root").read_text() == "mine"

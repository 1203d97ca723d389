"""Making large-R jets, where Pythia, fastjet, ROOT and g++ are installed."""

import json
import sys
from importlib.util import find_spec
from uuid import UUID

import awkward as ak
import numpy as np
import pytest
import uproot
from click.testing import CliRunner

from samples.catalogue import JETS_QCD, JETS_WPRIME
from samples.commands import sample
from samples.error import SampleError
from samples.jets import Request, generate

SHIPPED = {"qcd": JETS_QCD.path, "wprime": JETS_WPRIME.path}
EVENTS = 30  # of more than one block
# Cross sections of CMS's samples QCD_Pt_*_TuneCUETP8M1_13TeV_pythia8 [pb]: Pythia 8 with the same parton densities,
# in bins of pTHat [GeV]
PUBLISHED = {(300, 470): 7823, (470, 600): 648.2, (600, 800): 186.9, (800, 1000): 32.293, (1000, 1400): 9.4183}
# in one process, which imports ROOT and Pythia once
CODE = """
import json, sys
from samples.jets import Request, generate
from samples.jets.processes import COMMON, find_process
from samples.pythia import configure, start

def partons():
    settings = ('PartonLevel:all = off', 'Random:setSeed = on', 'Random:seed = 5')
    pythia = start(configure((*COMMON, *find_process('qcd').settings, *settings)))
    rows = []
    for _ in range(20_000):
        pythia.next()
        info = pythia.infoPython()
        rows.append((info.pTHat(), info.weight()))
    return {'rows': rows, 'cross_section': 1e9 * info.sigmaGen()}

if __name__ == '__main__':
    folder, events = sys.argv[1], int(sys.argv[2])
    uuid = generate(f'{folder}/qcd.root', Request('qcd', events))
    generate(f'{folder}/workers.root', Request('qcd', events), workers=2)
    generate(f'{folder}/wprime.root', Request('wprime', 8))
    generate(f'{folder}/heavy.root', Request('wprime', 40, mass=4000, seed=2, mpi=False))
    print(json.dumps({'uuid': str(uuid), 'partons': partons()}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("jets")


@pytest.fixture(scope="module")
def printed(run_python, folder):
    for module in ("ROOT", "pythia8mc", "fastjet"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    return json.loads(run_python(CODE, folder, EVENTS))


@pytest.fixture
def path(printed, folder):
    return lambda name: folder / f"{name}.root"


def columns(path, stop=None):
    with uproot.open(path) as file:
        return file["Events"].arrays(entry_stop=stop)


def read_note(path):
    with uproot.open(path) as file:
        return json.loads(str(file["hepcol_sample"]))


def test_is_the_same_byte_for_byte_for_any_number_of_workers(path, printed):
    assert path("qcd").read_bytes() == path("workers").read_bytes()
    with uproot.open(path("qcd")) as file:
        assert file.file.uuid == UUID(printed["uuid"]) != UUID(int=0)


@pytest.mark.parametrize("process", ["qcd", "wprime"])
def test_the_shipped_file_begins_with_the_same_events(process, path):
    made = columns(path(process))
    assert ak.array_equal(made, columns(SHIPPED[process], len(made)), check_parameters=False)


def test_a_heavier_w_prime_without_multiparton_interactions_has_fewer_soft_particles(path):
    heavy, shipped = columns(path("heavy")), columns(JETS_WPRIME.path)
    bosons = heavy.GenPart_mass[heavy.GenPart_genPartIdxMother == -1]
    assert ak.count(bosons) == 40
    assert np.median(ak.to_numpy(ak.flatten(bosons))) == pytest.approx(4000, rel=0.05)
    soft = [ak.mean(ak.sum(events.PFCands_pt < 1, axis=1)) for events in (heavy, shipped)]
    assert soft[0] < 0.8 * soft[1]
    assert "PartonLevel:MPI = off" in read_note(path("heavy"))["generator"]["settings"]


def test_partons_have_the_published_cross_sections_once_they_are_weighted(printed):
    pt_hat, weight = np.array(printed["partons"]["rows"]).T
    for (low, high), published in PUBLISHED.items():
        here = weight[(pt_hat > low) & (pt_hat < high)]
        found = printed["partons"]["cross_section"] * here.sum() / weight.sum()
        error = found * np.sqrt(np.sum(here**2)) / here.sum()
        assert abs(found - published) < 4 * error
        assert error < 0.05 * published


def test_the_cross_section_of_the_file_is_that_of_the_partons(path, printed):
    note = read_note(path("qcd"))["cross_section"]
    assert note["value"] == pytest.approx(printed["partons"]["cross_section"], rel=0.02)
    assert note["unit"] == "pb"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"process": "top"}, "process must be qcd or wprime, got 'top'"),
        ({"process": "qcd", "mass": 2000}, "process qcd has no mass; only wprime has"),
        ({"process": "wprime", "mass": 500}, "mass of the W' must be from 1000 to 6000 GeV, got 500"),
        ({"process": "qcd", "events": 0}, "events must be at least 1, got 0"),
        ({"process": "qcd", "seed": -1}, "seed must be from 0"),
    ],
)
def test_refuses_in_one_line(options, message):
    with pytest.raises(SampleError, match=message):
        Request(**{"events": 1} | options)
    arguments = [f"--{name}={value}" for name, value in ({"events": 1} | options).items()]
    result = CliRunner().invoke(sample, ["make", "jets", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


def test_refuses_no_workers_and_does_not_overwrite(tmp_path):
    with pytest.raises(SampleError, match="workers must be at least 1, got 0"):
        generate(tmp_path / "x.root", Request("qcd", 1), workers=0)
    (tmp_path / "x.root").write_text("mine")
    with pytest.raises(SampleError, match="exists"):
        generate(tmp_path / "x.root", Request("qcd", 1))
    assert (tmp_path / "x.root").read_text() == "mine"


@pytest.mark.parametrize("module", ["pythia8mc", "fastjet"])
def test_names_the_extra_that_is_missing(module, monkeypatch, tmp_path):
    import samples.jets

    monkeypatch.setitem(sys.modules, module, None)
    for name in ("pythia", "clustering", "jets.events", "jets.generator", "jets.substructure"):
        monkeypatch.delitem(sys.modules, f"samples.{name}", raising=False)
    for name in ("events", "generator"):  # what was imported is an attribute of the package, too
        monkeypatch.delattr(samples.jets, name, raising=False)
    with pytest.raises(SampleError, match=r"Pythia 8 or fastjet is not installed.*hepcol\[samples\]"):
        generate(tmp_path / "x.root", Request("qcd", 1))
    assert list(tmp_path.iterdir()) == []

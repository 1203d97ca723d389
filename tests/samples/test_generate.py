"""Making a sample, where Pythia, ROOT and g++ are installed."""

from uuid import UUID

import awkward as ak
import pytest
import uproot

from samples.catalogue import ZEE_FCC
from samples.error import SampleError
from samples.zee_fcc import NOTE_KEY
from samples.zee_fcc import generate as generate_here

EVENTS = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("generated")


@pytest.fixture(scope="module")
def uuids(generate, folder):
    return generate(folder, {"made.root": {"events": EVENTS}, "other.root": {"events": 600, "seed": 2}})


@pytest.fixture(scope="module")
def repeated(uuids, generate, folder):
    """The same in another process, and by two workers."""
    requests = {"again.root": {"events": EVENTS}, "workers.root": {"events": 600, "seed": 2, "workers": 2}}
    return generate(folder, requests)


@pytest.fixture
def made(uuids, folder):
    return folder / "made.root", uuids["made.root"]


@pytest.fixture
def other(uuids, folder):
    return folder / "other.root", uuids["other.root"]


def columns(path, stop=None):
    with uproot.open(path) as file:
        tree = file["events"]
        names = [
            name
            for name, branch in tree.iteritems(recursive=True, full_paths=True)
            # the branches of empty records hold nothing that uproot could read
            if not branch.branches and "RecoParticleRefData" not in branch.typename
        ]
        return {name: tree[name].array(entry_stop=stop) for name in names}


def same(first, second):
    return first.keys() == second.keys() and all(ak.array_equal(first[name], second[name]) for name in first)


def test_makes_the_same_file_again_with_the_uuid_it_promises(made, repeated, folder):
    path, uuid = made
    assert repeated["again.root"] == uuid
    assert (folder / "again.root").read_bytes() == path.read_bytes()
    with uproot.open(path) as file:
        assert file.file.uuid == UUID(uuid) != UUID(int=0)
        assert file["events"].num_entries == EVENTS
        assert f"{NOTE_KEY};1" in file
    assert sorted(one.name for one in folder.iterdir() if one.name.startswith(".")) == []


def test_a_longer_sample_begins_with_the_shorter(made):
    """The shipped file was made by the same code, in blocks of another size."""
    assert same(columns(made[0]), columns(ZEE_FCC.path, stop=EVENTS))


def test_another_seed_gives_other_events_and_another_uuid(made, other):
    assert made[1] != other[1]
    name = "Particle/Particle.momentum.x"
    assert not ak.array_equal(columns(made[0])[name], columns(other[0], stop=EVENTS)[name])


def test_is_the_same_for_any_number_of_workers(other, repeated, folder):
    assert repeated["workers.root"] == other[1]
    assert (folder / "workers.root").read_bytes() == other[0].read_bytes()


def test_root_reads_it_without_our_dictionaries(made, run_python):
    code = (
        "import sys\n"
        "from samples.rootfile import load_root, silenced\n"
        "root = load_root()\n"
        "with silenced(root, 'Error'):\n"
        "    frame = root.RDataFrame('events', sys.argv[1]).Define('beam', 'Particle.momentum.z[0]')\n"
        "    print(frame.Count().GetValue(), frame.Mean('beam').GetValue())\n"
    )
    count, beam = run_python(code, made[0]).split()
    assert int(count) == EVENTS
    assert float(beam) == pytest.approx(91.19 / 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"events": 0}, "events must be at least 1, got 0"),
        ({"events": 1, "seed": -1}, "seed must be from 0"),
        ({"events": 1, "workers": 0}, "workers must be at least 1"),
    ],
)
def test_rejects_arguments_out_of_range(tmp_path, arguments, message):
    with pytest.raises(SampleError, match=message):
        generate_here(tmp_path / "sample.root", **arguments)
    assert list(tmp_path.iterdir()) == []

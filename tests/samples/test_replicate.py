"""Replicas, where ROOT is installed."""

from uuid import UUID

import awkward as ak
import pytest
import uproot
from coffea.nanoevents import FCCSchema, NanoEventsFactory

from samples.catalogue import ZEE_FCC
from samples.error import SampleError
from samples.replicate import replicate as replicate_here
from samples.rootfile import replacing, set_uuid

TIMES = 3
COLUMNS = (
    "Particle/Particle.PDG",
    "Particle/Particle.momentum.x",
    "Particle#0/Particle#0.index",
    "ReconstructedParticles/ReconstructedParticles.covMatrix[10]",
    "Electron#0/Electron#0.index",
    "EFlowTrack_1/EFlowTrack_1.omega",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("replicated")


@pytest.fixture(scope="module")
def replica(replicate, folder):
    path = folder / "replica.root"
    return path, UUID(replicate(ZEE_FCC.path, path, TIMES))


def check_repeats(source, replica):
    with uproot.open(source) as original, uproot.open(replica) as repeated:
        assert repeated["events"].num_entries == TIMES * original["events"].num_entries
        for name in COLUMNS:
            expected = ak.concatenate([original["events"][name].array()] * TIMES)
            assert ak.array_equal(repeated["events"][name].array(), expected)
        others = [key for key in original.keys(cycle=False) if key != "events"]
        assert set(others) < set(repeated.keys(cycle=False))


def test_repeats_every_column(replica):
    check_repeats(ZEE_FCC.path, replica[0])


def test_repeats_a_file_of_others(reference_file, replicate, folder):
    path = folder / "reference.root"
    replicate(reference_file, path, TIMES)
    check_repeats(reference_file, path)
    events = NanoEventsFactory.from_root({str(path): "events"}, schemaclass=FCCSchema).events()
    assert len(events) == TIMES * 5000


def test_has_an_identity_of_its_own_that_is_always_the_same(replica, replicate, folder):
    path, uuid = replica
    again = folder / "again.root"
    assert UUID(replicate(ZEE_FCC.path, again, TIMES)) == uuid
    assert again.read_bytes() == path.read_bytes()
    with uproot.open(path) as file, uproot.open(ZEE_FCC.path) as source:
        assert file.file.uuid == uuid != source.file.uuid


def test_fcc_schema_reads_it(replica):
    events = NanoEventsFactory.from_root({str(replica[0]): "events"}, schemaclass=FCCSchema).events()
    n_events = len(events) // TIMES
    assert ak.array_equal(events.Particle.px[:n_events], events.Particle.px[-n_events:])


def test_rejects_what_it_cannot_replicate(tmp_path):
    with pytest.raises(SampleError, match="times must be at least 1, got 0"):
        replicate_here(ZEE_FCC.path, tmp_path / "replica.root", 0)
    with pytest.raises(SampleError, match="is not a file"):
        replicate_here(tmp_path / "missing.root", tmp_path / "replica.root")
    with pytest.raises(SampleError, match="is the source itself"):
        replicate_here(ZEE_FCC.path, ZEE_FCC.path, force=True)


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file.root"
    path.write_text("old")

    def fail():
        with replacing(path, force=True) as temporary:
            temporary.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert [one.name for one in tmp_path.iterdir()] == ["file.root"]
    assert path.read_text() == "old"


def test_refuses_to_overwrite_a_uuid_that_is_not_empty(tmp_path):
    path = tmp_path / "copy.root"
    path.write_bytes(ZEE_FCC.path.read_bytes())
    with pytest.raises(RuntimeError, match="no empty UUID"):
        set_uuid(path, UUID(int=1))
    assert path.read_bytes() == ZEE_FCC.path.read_bytes()

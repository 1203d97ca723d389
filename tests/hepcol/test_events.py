import gc

import awkward as ak
import numpy as np
import psutil
import pytest
import uproot

from hepcol.events import missing_columns, open_events, open_file
from hepcol.formats import identify, unit_of

FILES = [
    ("ee_Z_ee_EDM4Hep.root", "EDM4hep before version 1", 5000, "Particle.px"),
    ("test_FCC_Spring2021.root", "EDM4hep before version 1", 100, "Particle.px"),
    ("test_FCC_Winter2023.root", "EDM4hep before version 1", 100, "Particle.px"),
    ("p8_ee_WW_ecm240_edm4hep.root", "EDM4hep 1", 10, "Particle.px"),
    ("edm4hep.root", "EDM4hep 1", 3, "MCParticleCollection.px"),
    ("PHYSLITE_example.root", "PHYSLITE", 100, "Electrons.pt"),
    ("pfnano.root", "PFNano", 10, "PFCands.pt"),
    ("nano_dy.root", "NanoAOD", 40, "Electron.pt"),
]


@pytest.mark.parametrize(("name", "form", "entries", "column"), FILES)
def test_picks_the_schema_that_the_file_needs(shared_data, name, form, entries, column):
    with open_file(shared_data / name) as directory:
        layout = identify(directory)
    assert layout.format.name == form
    events = open_events(shared_data / name)
    assert len(events) == entries
    assert missing_columns(events, [column]) == []
    collection, field = column.split(".")
    assert np.isfinite(ak.to_numpy(ak.flatten(events[collection][field]))).all()
    assert unit_of(layout, column) == ("MeV" if form == "PHYSLITE" else "GeV")


def test_reads_the_version_of_edm4hep_from_the_file(shared_data):
    with open_file(shared_data / "edm4hep.root") as directory:
        assert identify(directory).version == "00.99.01"


@pytest.fixture
def write(tmp_path):
    def write(**trees):
        path = tmp_path / "file.root"
        with uproot.recreate(path) as file:
            for name, columns in trees.items():
                if name.startswith("rntuple"):
                    file["events"] = columns
                else:
                    file.mktree(name, {key: value.dtype for key, value in columns.items()}).extend(columns)
        return path

    return write


def test_opens_flat_trees_and_flat_rntuples(write):
    x = np.arange(5.0)
    assert open_events(write(t={"x": x})).x.to_list() == x.tolist()
    assert open_events(write(rntuple={"x": x})).x.to_list() == x.tolist()


def test_gives_a_part_of_the_events_with_what_identifies_them(shipped_file):
    events = open_events(shipped_file, start=10, stop=30)
    assert len(events) == 20
    assert events.metadata["entrystart"] == 10
    assert events.metadata["fileuuid"] == str(open_file(shipped_file).file.uuid)
    whole = open_events(shipped_file)
    assert events.Particle.px.to_list() == whole.Particle.px[10:30].to_list()


def test_rejects_an_rntuple_that_schemas_open_with_no_fields(write):
    path = write(rntuple={"Particle": ak.Array([[{"PDG": 11}], []])})
    with pytest.raises(ValueError, match=r"'events' is an RNTuple of records \(Particle\).*accepted are") as caught:
        open_events(path)
    assert "\n" not in str(caught.value)


def test_says_which_trees_there_are(write):
    x = np.arange(5.0)
    with pytest.raises(ValueError, match=r"no tree 'c'; trees in the file: a \(TTree\), b \(TTree\)"):
        open_events(write(a={"x": x}, b={"x": x}), tree="c")
    with pytest.raises(ValueError, match=r"no event tree \(events, CollectionTree, Events\).*--tree"):
        open_events(write(a={"x": x}, b={"x": x}))
    with pytest.raises(ValueError, match="no tree in the file; accepted are EDM4hep"):
        open_events(write())


def test_says_which_file_cannot_be_read(tmp_path, shipped_file):
    with pytest.raises(FileNotFoundError, match=r"nothing\.root: no such file"):
        open_file(tmp_path / "nothing.root")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        open_file(tmp_path)
    bad = tmp_path / "bad.root"
    for content in (b"", b"hello, this is text" * 100, shipped_file.read_bytes()[:50_000]):
        bad.write_bytes(content)
        with pytest.raises(OSError, match=r"bad\.root: truncated, or not a ROOT file"):
            open_file(bad)


def test_missing_columns_accepts_one_of_several_names():
    events = ak.Array([{"a": {"x": 1}, "b": 2}])
    assert missing_columns(events, ["a.x", "b", ("c", "b")]) == []
    assert missing_columns(events, ["a.y", ("c", "d")]) == ["a.y", "c or d"]


def test_a_file_is_closed_with_the_last_of_its_events(shipped_file):
    """And not before: columns that are left are read from it."""
    before = _open_files()
    events = open_events(shipped_file)
    particles = events.Particle
    del events
    gc.collect()
    assert len(particles.px) == 4000
    assert _open_files() - before
    del particles
    gc.collect()
    assert not _open_files() - before


def _open_files():
    return {(one.path, one.fd) for one in psutil.Process().open_files()}

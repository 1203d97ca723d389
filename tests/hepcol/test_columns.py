import awkward as ak
import numpy as np
import pytest

from hepcol.columns import Collection, JaggedColumns
from hepcol.events import open_events, open_file, read_events
from hepcol.formats import identify
from processors.zee import ZeeProcessor

# The branches of the real file, by the names of their leaves; those of a collection hold its offsets, too
_MOMENTUM = ["momentum.x", "momentum.y", "momentum.z", "charge"]
BRANCHES = {
    "generator": [f"Particle.{name}" for name in [*_MOMENTUM, "mass", "PDG", "generatorStatus"]],
    "reconstructed": [
        *(f"ReconstructedParticles.{name}" for name in [*_MOMENTUM, "mass"]),
        "Electron#0.index",
        "Electron#0.collectionID",
    ],
    "original": [f"Particle.{name}" for name in _MOMENTUM],
}


@pytest.mark.parametrize("electrons", BRANCHES)
def test_a_selection_reads_the_branches_that_it_needs_and_no_other(shipped_file, electrons):
    processor = ZeeProcessor(electrons=electrons, variations=1)
    log = []
    with open_file(shipped_file) as directory:
        metadata = {"dataset": "zee", "entrystart": 0, "fileuuid": str(directory.file.uuid)}
        events = read_events(directory, identify(directory), 0, 100, metadata, processor.required_columns, log)
        processor.process(events)
    assert {access.branch.split("/")[-1] for access in log} == set(BRANCHES[electrons])


def test_offsets_do_not_depend_on_the_column_that_they_come_from(shipped_file):
    with open_file(shipped_file) as directory:
        layout = identify(directory)
        plain = read_events(directory, layout, 0, 500, {})
        chosen = read_events(directory, layout, 0, 500, {}, ("Particle.py", ("Nothing.px", "Electronidx0.index")))
        for name in ("Particle", "Electronidx0", "ReconstructedParticles"):
            np.testing.assert_array_equal(Collection(chosen[name]).offsets, Collection(plain[name]).offsets)
            assert ak.array_equal(chosen[name], plain[name], check_parameters=False)


def test_missing_objects_and_members_of_another_length_are_refused(shipped_file):
    particles = open_events(shipped_file, stop=50).Particle
    with pytest.raises(ValueError, match="missing"):
        Collection(particles.mask[particles.px > 0])["px"]
    layout = ak.contents.ListOffsetArray(
        ak.index.Index64(np.array([0, 2, 3])), ak.contents.RecordArray([ak.contents.NumpyArray(np.ones(2))], ["px"], 2)
    )
    with pytest.raises(ValueError, match="column px has 2 objects where its collection has 3"):
        Collection(ak.Array(ak.contents.ListOffsetArray(layout.offsets, layout.content, parameters=None)))["px"]


def test_the_columns_of_the_events_cannot_be_changed(shipped_file):
    column = Collection(open_events(shipped_file, stop=50).Particle)["px"]
    with pytest.raises(ValueError, match="read-only"):
        column *= -1.0


@pytest.mark.parametrize(
    "select",
    [
        lambda records: records,
        lambda records: records[10:20],
        lambda records: records[[3, 1, 2]],
        lambda records: records[records.px > 0],
        lambda records: records[records.PDG == 11][:5],
        lambda records: records[:0],
    ],
)
def test_gives_the_objects_of_any_selection_of_events(shipped_file, select):
    records = select(open_events(shipped_file, stop=50).Particle)
    collection = Collection(records)
    assert np.diff(collection.offsets).tolist() == ak.num(records, axis=1).to_list()
    assert collection.offsets[0] == 0
    assert collection["pz"].tolist() == ak.flatten(records.pz).to_list()
    assert collection["pt"].tolist() == ak.flatten(records.pt).to_list()  # not stored: the vector's own


class TestJaggedColumns:
    events = ak.Array(
        {
            "Jet_pt": [[1.0, 2.0], [], [3.0]],
            "Jet_charge": ak.values_astype(ak.Array([[1, -1], [], [1]]), "int8"),
            "Jet_other": [[1.0], [2.0], [3.0]],
            "MET": [1.0, 2.0, 3.0],
        }
    )

    def test_columns_and_offsets(self):
        jets = JaggedColumns(self.events, "Jet")
        assert jets.offsets.tolist() == [0, 2, 2, 3]
        assert jets["pt"].tolist() == [1.0, 2.0, 3.0]
        assert jets["charge"].dtype == np.int8

    def test_a_slice_begins_at_zero(self):
        jets = JaggedColumns(self.events[1:], "Jet")
        assert jets["pt"].tolist() == [3.0]
        assert jets.offsets.tolist() == [0, 0, 1]

    def test_the_memory_of_the_events_is_not_to_be_written_to(self):
        with pytest.raises(ValueError, match="read-only"):
            JaggedColumns(self.events, "Jet")["pt"][0] = 5.0

    def test_columns_of_other_numbers_of_objects_are_an_error(self):
        jets = JaggedColumns(self.events, "Jet")
        assert len(jets["pt"]) == 3
        with pytest.raises(ValueError, match="Jet_other has other numbers of objects"):
            jets["other"]

    def test_a_plain_column_is_an_error(self):
        with pytest.raises(ValueError, match="column Jet_flat is not jagged"):
            JaggedColumns(ak.Array({"Jet_flat": [1.0]}), "Jet")["flat"]

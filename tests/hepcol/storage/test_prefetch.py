from hepcol.events import open_events
from hepcol.storage import prefetch
from hepcol.storage.prefetch import _branches_of
from hepcol.storage.source import _joined


def test_columns_are_found_as_branches_by_the_form(shipped_file):
    form = open_events(shipped_file).attrs["@form"]
    name = "ReconstructedParticles"
    assert _branches_of(form, (f"{name}.px", ("Electronidx0.index", "Electron_objIdx.index"), "no.such")) == {
        f"{name}/{name}.momentum.x",
        f"{name}/{name}.type",  # whose offsets are those of the collection, as no column was named when it was opened
        "Electron#0/Electron#0.index",
        "Electron#0/Electron#0.collectionID",
    }


def test_a_chunk_is_held_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(prefetch, "MOST_BYTES", 250)
    assert prefetch._as_many([(0, 100), (500, 600), (1000, 1100)]) == [(0, 100), (500, 600)]


def test_neighbours_are_asked_for_together():
    ranges = [(100, 200), (0, 90), (205, 300), (5000, 6000), (950_000, 2_000_000)]
    assert _joined(ranges, 1_000_000, 10, 10_000) == [
        ((0, 300), [(0, 90), (100, 200), (205, 300)]),
        ((5000, 6000), [(5000, 6000)]),
        ((950_000, 1_000_000), [(950_000, 2_000_000)]),
    ]
    assert _joined([(0, 10), (10, 20)], 100, 0, 15) == [((0, 10), [(0, 10)]), ((10, 20), [(10, 20)])]

"""The skim of events near a signal region: without Pythia."""

from dataclasses import replace

import numpy as np
import pytest
from stop4b_events import make_many

from processors.stop4b.selection import read_selection
from samples.catalogue import STOP4B_OBJECTS
from samples.stop4b.files import read_objects
from samples.stop4b.flat import FLAGS, IDS, make_rows
from samples.stop4b.near_regions import ABOVE, BELOW, comes_near_a_region, describe

LEPTONS = [{"pt": 15.0, "phi": 2.0}, {"pt": 8.0, "phi": -2.0, "charge": -1}]


def events(*jet_pts, leptons=LEPTONS):
    """An event of leptons and a b-jet for each momentum."""
    n = len(jet_pts)
    jets = [[{"pt": pt, "flavour": 5}] for pt in jet_pts]
    made = make_many([[]] * n, [leptons] * n, jets, [(0.0, 0.0)] * n, range(n))
    columns = {name: np.zeros(n) for name in (*IDS, *FLAGS, "weight", "WeightEvents")}
    return replace(made, columns=columns | made.columns)


@pytest.mark.parametrize("region", read_selection().regions, ids=lambda region: region.name)
def test_every_bound_is_looser_than_that_of_the_region(region):
    cuts = {cut.column: cut for cut in region.cuts}
    assert all(cuts[name].above > bound for name, bound in ABOVE.items())
    assert all(cuts[name].below < bound for name, bound in BELOW.items())
    assert cuts["nlep"].equal == (2,)


def test_an_event_needs_missing_momentum_and_two_soft_leptons():
    hard, soft = LEPTONS
    assert comes_near_a_region(events(370.0, 450.0)).tolist() == [False, True]
    assert comes_near_a_region(events(450.0, 500.0, leptons=[hard])).tolist() == [False, False]
    # in R_2l, and by itself
    assert comes_near_a_region(events(450.0, 1500.0, leptons=[hard | {"pt": 40.0}, soft])).tolist() == [False, True]
    for leptons in ([hard | {"pt": 115.0}, soft], [hard | {"pt": 60.0}, soft | {"pt": 58.0}]):
        assert comes_near_a_region(events(1500.0, 1600.0, leptons=leptons)).tolist() == [False, False]


def test_one_tree_is_enough():
    """At some momenta of the jet the missing momentum passes in a variation alone."""
    some = events(*np.arange(370.0, 410.0, 0.25))
    trees = dict(make_rows(some, ""))
    passed = {
        name: np.isin(some.columns["eventNumber"], rows["eventNumber"][rows["MET"] > ABOVE["MET"]])
        for name, rows in trees.items()
    }
    near = np.any(list(passed.values()), axis=0)
    assert np.array_equal(comes_near_a_region(some), near)
    assert np.any(near & ~passed["_WEIGHTS"])
    assert np.any(near & passed["_WEIGHTS"])
    assert not np.all(near)


@pytest.mark.parametrize("sample", STOP4B_OBJECTS, ids=lambda sample: sample.name)
def test_what_is_shipped_comes_near(sample):
    assert np.all(comes_near_a_region(read_objects(sample.path)))


def test_no_events_are_no_problem():
    assert comes_near_a_region(events(450.0, 500.0).take(np.zeros(0, dtype=np.int64))).tolist() == []


def test_is_described_by_its_bounds():
    assert "MET > 380" in describe()
    assert "lep2pT < 55" in describe()

"""Objects against the samples' own selection, on events made to be difficult."""

import awkward as ak
import numpy as np
import pytest

from hepcol.selection import Cut, Region, apply
from processors.stop4b import objects
from processors.stop4b.kernels import layout
from processors.stop4b.response import VARIATIONS, Change, JetScale
from samples.collection import Collection
from samples.stop4b.columns import Events
from samples.stop4b.observables import observe
from samples.stop4b.selection import nominal_momenta, select
from samples.stop4b.variations import TREES

N_EVENTS = 1500
# where selections begin, end, or change
EDGES = (1.05, 1.37, 1.52, 2.0, -2.0, 2.4, 2.47, 2.5, -2.5, 2.8, -2.8, 4.5)
SIZES = (0.0, 0.004, 0.05, 0.15, 0.3, 1.5)  # of the distances to the centres of events
NEAR = 2e-6  # of a threshold, where the last bit of a value decides
WHOLE = ("nlep", "njet", "nbjet", "IFFTypeLep1", "IFFTypeLep2", "isSignalLep1", "isSignalLep2", "isOS", "isSF")


def single(values):
    return np.asarray(values, dtype=np.float32)


class Maker:
    """Events with many objects near each other, near thresholds, and with equal momenta."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.is_whole = seed % 2 == 1  # momenta in whole GeV: equal ones
        self.centres = np.stack(
            [self.rng.normal(size=(N_EVENTS, 3)) * 1.3, self.rng.uniform(-np.pi, np.pi, (N_EVENTS, 3))], axis=-1
        )

    def sizes(self, most, none):
        return np.where(self.rng.random(N_EVENTS) < none, 0, self.rng.integers(0, most + 1, N_EVENTS))

    def directions(self, sizes):
        event = np.repeat(np.arange(N_EVENTS), sizes)
        count = len(event)
        centre = self.centres[event, self.rng.integers(0, 3, count)]
        width = self.rng.choice(SIZES, count)
        eta = centre[:, 0] + width * self.rng.normal(size=count)
        phi = centre[:, 1] + width * self.rng.normal(size=count)
        eta = np.where(self.rng.random(count) < 0.15, self.rng.choice(EDGES, count), eta)
        return single(np.clip(eta, -4.9, 4.9)), single((phi + np.pi) % (2 * np.pi) - np.pi)

    def momenta(self, count, near, falling, least):
        close = self.rng.choice(near, count) * (1 + 0.02 * self.rng.normal(size=count))
        pt = np.where(self.rng.random(count) < 0.5, close, self.rng.exponential(falling, count) + least)
        return np.maximum(np.round(pt) if self.is_whole else pt, 1.0)

    def leptons(self, near):
        rng, sizes = self.rng, self.sizes(5, 0.2)
        count = int(sizes.sum())
        eta, phi = self.directions(sizes)
        pt = self.momenta(count, near, 15.0, 3.0)
        columns = {
            "pt": single(pt),
            "eta": eta,
            "phi": phi,
            "truth_pt": single(pt * (1 + 0.1 * rng.normal(size=count))),
            "charge": rng.choice([-1, 1], count).astype(np.int8),
            "iff": rng.integers(0, 12, count).astype(np.int8),
            "isMedium": rng.random(count) < 0.8,
            "isIso": rng.random(count) < 0.8,
            "d0sig": single(3 * rng.normal(size=count)),
        }
        return Collection(columns, offsets(sizes))

    def jets(self):
        rng, sizes = self.rng, self.sizes(8, 0.1)
        count = int(sizes.sum())
        eta, phi = self.directions(sizes)
        pt = self.momenta(count, (20, 30, 120, 72), 80.0, 12.0)
        columns = {
            "pt": single(pt),
            "eta": eta,
            "phi": phi,
            "m": single(pt * rng.uniform(0, 0.4, count)),
            "flavour": rng.choice([0, 4, 5, 15], count).astype(np.int8),
            "isb": rng.random(count) < 0.3,
            "passJvt": rng.random(count) < 0.7,
            "ntrk": rng.integers(0, 6, count).astype(np.int16),
        }
        return Collection(columns, offsets(sizes))

    def events(self):
        rng = self.rng
        soft, phi = rng.uniform(100, 500, N_EVENTS), rng.uniform(-np.pi, np.pi, N_EVENTS)
        columns = {
            "soft_px": single(soft * np.cos(phi)),
            "soft_py": single(soft * np.sin(phi)),
            "eventNumber": rng.integers(0, 2**63, N_EVENTS).astype(np.uint64),
            "passBadEvents": rng.random(N_EVENTS) < 0.9,
            "MET_trigger": rng.random(N_EVENTS) < 0.9,
        }
        return Events(self.leptons((4.5, 5, 10, 25, 100)), self.leptons((4, 6, 10, 20)), self.jets(), columns)

    def regions(self, nominal):
        """Cuts on observables anywhere in their range."""
        rng = self.rng
        found = []
        for number in range(rng.integers(1, 9)):
            cuts = [
                self.cut(name, nominal[name].astype(float))
                for name in rng.choice(layout.OBSERVABLES, rng.integers(1, 5), replace=False)
            ]
            if rng.random() < 0.3:
                cuts.append(Cut("cleaning", "passBadEvents", equal=(1.0,)))
            found.append(Region(f"r{number}", tuple(cuts)))
        return found

    def cut(self, name, values):
        rng = self.rng
        if name.startswith("IFF"):
            return Cut(name, name, equal=tuple(float(one) for one in rng.choice(12, 6, replace=False)))
        if name.startswith("is"):
            return Cut(name, name, equal=(1.0,))
        if name in WHOLE:
            return Cut(name, name, at_least=float(np.median(values)))
        bound = float(np.quantile(values, rng.random())) * (1 + 1e-3 * rng.normal())
        return Cut(name, name, **{str(rng.choice(["above", "at_least", "below", "at_most"])): bound})


def offsets(sizes):
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def as_read(events):
    columns = dict(events.columns)
    for prefix, collection in (("Electron", events.electrons), ("Muon", events.muons), ("Jet", events.jets)):
        for name, column in collection.columns.items():
            layout_ = ak.contents.ListOffsetArray(
                ak.index.Index64(collection.offsets), ak.contents.NumpyArray(np.asarray(column))
            )
            columns[f"{prefix}_{name}"] = ak.Array(layout_)
    return ak.Array(columns)


def is_near(region, columns, row):
    return any(
        abs(float(columns[cut.column][row]) - bound) <= NEAR * (1 + abs(bound))
        for cut in region.cuts
        for bound in cut.thresholds
    )


# the order of the analysis; another one; a few of them in another
@pytest.mark.parametrize("seed", range(6))
def test_every_event_is_where_the_samples_have_it(seed):
    maker = Maker(seed)
    events = maker.events()
    nominal = select(events, nominal_momenta(events))
    rows = {}
    for tree in TREES:
        momenta = tree.apply(events, nominal)
        selected = select(events, momenta)
        name = tree.suffix.removeprefix("_").replace("WEIGHTS", "nominal")
        rows[name] = np.flatnonzero(selected.passes_skim), observe(events, momenta, selected)
    regions = maker.regions(rows["nominal"][1])
    others = list(VARIATIONS[1:])
    if seed % 3:
        maker.rng.shuffle(others)
    variations = ("nominal", *(others[:9] if seed % 3 == 2 else others))
    found = objects.select(as_read(events), np.zeros(N_EVENTS, dtype=np.int64), regions, variations)
    passing = 0
    for number, name in enumerate(variations):
        there, columns = rows[name]
        columns = columns | {one: events.columns[one][there] for one in objects.EVENT_COLUMNS}
        for bit, passed in enumerate(apply(regions, columns)):
            expected, got = set(there[passed.rows]), set(found.rows_of(bit, number))
            passing += len(expected)
            for event in expected ^ got:
                row = np.searchsorted(there, event)
                assert there[row] == event, (name, bit, event)
                assert is_near(regions[bit], columns, row), (name, bit, event)
    assert passing > 1000
    there, columns = rows["nominal"]
    assert np.array_equal(found.rows, there)
    for name in layout.OBSERVABLES:
        assert found.columns[name].dtype == columns[name].dtype, name
        assert found.columns[name] == pytest.approx(columns[name], rel=1e-5, abs=1e-5), name


def test_the_kernel_has_the_numbers_of_the_table():
    for change in Change:
        name = {
            "NOTHING": "NOTHING",
            "ELECTRON_SCALE": "E_SCALE",
            "ELECTRON_RESOLUTION": "E_RESOLUTION",
            "MUON_SCALE": "MU_SCALE",
            "MUON_RESOLUTION": "MU_RESOLUTION",
            "MUON_CURVATURE": "MU_CURVATURE",
        }.get(change.name, change.name)
        assert getattr(layout, name) == change, change
    assert len(JetScale) == layout.N_JET_SCALES
    assert layout.LOCAL == JetScale.HIGH_ENERGY


@pytest.mark.parametrize("column", ["soft_px", "Jet_pt", "Electron_truth_pt"])
def test_what_is_not_a_number_is_named(column):
    events = as_read(Maker(0).events())
    values = ak.to_numpy(ak.flatten(events[column], axis=None)).copy()
    values[3] = np.nan
    events[column] = ak.unflatten(values, ak.num(events[column])) if column != "soft_px" else values
    region = Region("r", (Cut("MET", "MET", above=0.0),))
    with pytest.raises(ValueError, match=r"is not a number \(NaN\) in 1 of"):
        objects.select(events, np.zeros(N_EVENTS, dtype=np.int64), [region], VARIATIONS[:1])


def test_events_without_any_objects_pass_nothing():
    events = as_read(Maker(0).events())[:0]
    region = Region("r", (Cut("MET", "MET", above=0.0),))
    found = objects.select(events, np.zeros(0, dtype=np.int64), [region], VARIATIONS)
    assert found.rows.tolist() == []
    assert found.passed.shape == (0, 41)

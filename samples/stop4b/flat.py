"""Flat trees out of stored events: one row for each event that passes the skim in the tree's variation."""

from collections.abc import Iterator

import numpy as np

from samples.stop4b.columns import Column, Events
from samples.stop4b.draws import normals, stream_key
from samples.stop4b.observables import observe
from samples.stop4b.processes import DATA, FAKES
from samples.stop4b.selection import nominal_momenta, select
from samples.stop4b.variations import NOMINAL, TREES, KinematicVariation
from samples.stop4b.weights import COLUMNS, FACTORS

IDS = ("runNumber", "eventNumber", "campaign", "mcChannel")
FLAGS = ("MET_trigger", "passBadEvents")
DATA_SUFFIX = "_NONE"

# An invented fake factor: rare at low momentum for muons, twice that for electrons; errors of 10 % (statistics),
# 20 % (composition in SRA) and 15 % (in SRB).
_FAKE_FACTORS = {11: 0.20, 13: 0.10}
_FAKE_SPREAD = 0.05
_FAKE_ERRORS = (("statUp", 1.10), ("statDown", 0.90))
_FAKE_COMPOSITION = (
    ("compSyst_SRAUp", 1.20),
    ("compSyst_SRADown", 0.80),
    ("compSyst_SRBUp", 1.15),
    ("compSyst_SRBDown", 0.85),
)


def make_rows(events: Events, sample: str) -> Iterator[tuple[str, dict[str, Column]]]:
    """Name and columns of each tree, for a chunk of events."""
    nominal = select(events, nominal_momenta(events))
    for tree in (NOMINAL,) if sample == DATA else TREES:
        momenta = tree.apply(events, nominal)
        # the tree that is identical to nominal is made of the same numbers
        selected = nominal if tree.change is None else select(events, momenta)
        rows = np.flatnonzero(selected.passes_skim)
        columns = {name: events.columns[name][rows] for name in IDS} | observe(events, momenta, selected)
        columns |= {name: events.columns[name][rows] for name in FLAGS}
        columns |= _weights(events, rows, tree)
        if sample == FAKES:
            columns |= _fake_weights(columns)
        yield name_tree(sample, tree), columns


def name_tree(sample: str, tree: KinematicVariation) -> str:
    """Name of a tree: data have one, with a suffix of its own."""
    return sample + (DATA_SUFFIX if sample == DATA else tree.suffix)


def _weights(events: Events, rows: np.ndarray, tree: KinematicVariation) -> dict[str, Column]:
    factors = COLUMNS if tree is NOMINAL else FACTORS
    columns: dict[str, Column] = {name: events.columns[name][rows] for name in ("weight", "WeightEvents")}
    return columns | {name: events.columns[name][rows] for name in factors if name in events.columns}


def _fake_weights(columns: dict[str, Column]) -> dict[str, Column]:
    """Fake factor of the lepton that is not prompt (the second of two)."""
    second = ~np.isin(columns["IFFTypeLep2"], (2, 4, 7))
    flavour = np.abs(np.where(second, columns["lepflav2"], columns["lepflav1"]))
    z = normals(stream_key(0, "stop4b.fake_factor", "stop4b"), columns["eventNumber"], 0, 0)
    factor = np.where(flavour == max(_FAKE_FACTORS), _FAKE_FACTORS[13], _FAKE_FACTORS[11]) * (1 + _FAKE_SPREAD * z)
    varied = {f"fakeWeight_{name}": factor * size for name, size in (*_FAKE_ERRORS, *_FAKE_COMPOSITION)}
    return {name: column.astype(np.float32) for name, column in ({"fakeWeight": factor} | varied).items()}

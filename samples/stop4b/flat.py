"""Flat trees out of stored events: one row for each event that passes the skim in the tree's variation."""

from collections.abc import Iterator

import numpy as np

from samples.collection import Column
from samples.stop4b.columns import Events
from samples.stop4b.observables import observe
from samples.stop4b.processes import DATA
from samples.stop4b.selection import nominal_momenta, select
from samples.stop4b.variations import NOMINAL, TREES, KinematicVariation
from samples.stop4b.weights import COLUMNS, FACTORS, FAKE_COLUMNS

IDS = ("runNumber", "eventNumber", "campaign", "mcChannel")
FLAGS = ("MET_trigger", "passBadEvents")
DATA_SUFFIX = "_NONE"


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
        yield name_tree(sample, tree), columns


def name_tree(sample: str, tree: KinematicVariation) -> str:
    """Name of a tree: data have one, with a suffix of its own."""
    return sample + (DATA_SUFFIX if sample == DATA else tree.suffix)


def _weights(events: Events, rows: np.ndarray, tree: KinematicVariation) -> dict[str, Column]:
    """Columns of the weights, which are the event's: the nominal tree has all, the others leave out variations."""
    factors = (*(COLUMNS if tree is NOMINAL else FACTORS), *FAKE_COLUMNS)
    columns: dict[str, Column] = {name: events.columns[name][rows] for name in ("weight", "WeightEvents")}
    return columns | {name: events.columns[name][rows] for name in factors if name in events.columns}

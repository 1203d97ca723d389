"""Events made by hand."""

import numpy as np

from samples.collection import Collection
from samples.stop4b.columns import Events

LEPTON = {
    "pt": 20.0,
    "eta": 0.0,
    "phi": 0.0,
    "charge": 1,
    "truth_pt": None,
    "isMedium": True,
    "isIso": True,
    "d0sig": 0.0,
    "iff": 2,
}
JET = {
    "pt": 50.0,
    "eta": 0.0,
    "phi": 0.0,
    "m": 5.0,
    "truth_pt": None,
    "flavour": 0,
    "isb": False,
    "passJvt": True,
    "ntrk": 10,
}
TYPES = {
    **dict.fromkeys(("pt", "eta", "phi", "m", "truth_pt", "d0sig"), np.float32),
    **dict.fromkeys(("isMedium", "isIso", "isb", "passJvt"), np.bool_),
    **dict.fromkeys(("charge", "flavour", "iff"), np.int8),
    "ntrk": np.int16,
}


def collect(objects_of_events, template):
    rows = [template | one for objects in objects_of_events for one in objects]
    for row in rows:
        if row["truth_pt"] is None:
            row["truth_pt"] = row["pt"]
    columns = {name: np.array([row[name] for row in rows], dtype=TYPES[name]) for name in template}
    sizes = [len(objects) for objects in objects_of_events]
    return Collection(columns, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def make_many(electrons, muons, jets, soft, numbers):
    """Events out of lists of lists of records."""
    return Events(
        collect(electrons, LEPTON),
        collect(muons, LEPTON | {"iff": 4}),
        collect(jets, JET),
        {
            "soft_px": np.array([x for x, _ in soft], dtype=np.float32),
            "soft_py": np.array([y for _, y in soft], dtype=np.float32),
            "eventNumber": np.array(numbers, dtype=np.uint64),
        },
    )


def make_events(electrons=(), muons=(), jets=(), soft=(0.0, 0.0), number=1):
    """One event."""
    return make_many([list(electrons)], [list(muons)], [list(jets)], [soft], [number])

"""Branches of PFNano files, and the rows of a block of events for them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from samples.collection import Collection
from samples.jets.events import MIN_JET_PT, NO_BOSON, OF_W, OF_Z, RADIUS, Events
from samples.treewriter import Rows

TREE, TITLE = "Events", "Events"
RUN = 1
_LUMINOSITY_BLOCK = 1


@dataclass(frozen=True)
class Branch:
    """A branch of the tree.

    Parameters
    ----------
    kind : str
        C++ type of a value.
    title : str
        What it holds.
    """

    kind: str
    title: str


# Names and types of the real files, but nConstituents (there 8 bits, if at all), genLabel and that a particle has its
# own PDG code, where reconstruction has classes of particles.
_SCALARS = {
    "run": Branch("uint32_t", "run"),
    "luminosityBlock": Branch("uint32_t", "luminosityBlock"),
    "event": Branch("uint64_t", "event"),
    "genWeight": Branch("float", "generator weight"),
}
_MOMENTUM = {name: Branch("float", name) for name in ("pt", "eta", "phi", "mass")}
_COLLECTIONS = {
    "FatJet": (
        f"anti-kt jets R = {RADIUS:g}, pt > {MIN_JET_PT:g} GeV, of particles of the generator",
        _MOMENTUM
        | {
            "msoftdrop": Branch("float", "mass after soft drop, beta = 0, z_cut = 0.1"),
            "tau1": Branch("float", "N-subjettiness (1 axis), beta = 1"),
            "tau2": Branch("float", "N-subjettiness (2 axes), beta = 1"),
            "tau3": Branch("float", "N-subjettiness (3 axes), beta = 1"),
            "nConstituents": Branch("int32_t", "number of constituents: they are in FatJetPFCands, jet by jet"),
            "genLabel": Branch(
                "int32_t",
                f"{OF_W} (W) or {OF_Z} (Z) if the boson and both of its quarks are within {RADIUS:g} of the axis, "
                f"else {NO_BOSON}",
            ),
        },
    ),
    "FatJetPFCands": (
        "constituents of the jets",
        {
            "pt": Branch("float", "pt"),
            "jetIdx": Branch("int32_t", "index of the jet"),
            "pFCandsIdx": Branch("int32_t", "index in PFCands"),
        },
    ),
    "PFCands": (
        "particles of the generator in the jets",
        _MOMENTUM
        | {"pdgId": Branch("int32_t", "PDG code of the particle"), "charge": Branch("int32_t", "electric charge")},
    ),
    "GenPart": (
        "the hard process: two partons, or W', W, Z and their quarks",
        _MOMENTUM
        | {
            "genPartIdxMother": Branch("int32_t", "index of the mother particle"),
            "pdgId": Branch("int32_t", "PDG code"),
            "status": Branch("int32_t", "Pythia's status, without its sign"),
        },
    ),
}


def branches() -> Iterator[tuple[str, str, str]]:
    """Name, type as the writer calls it, and title of each branch."""
    for name, branch in _SCALARS.items():
        yield name, branch.kind, branch.title
    for collection, (title, members) in _COLLECTIONS.items():
        counter = f"n{collection}"
        yield counter, "uint32_t", title
        for name, branch in members.items():
            yield f"{collection}_{name}", f"{branch.kind}[{counter}]", branch.title


def to_rows(events: Events) -> dict[str, Rows]:
    """Rows of all branches."""
    count = len(events)
    rows = {
        "run": Rows(np.full(count, RUN, dtype=np.uint32)),
        "luminosityBlock": Rows(np.full(count, _LUMINOSITY_BLOCK, dtype=np.uint32)),
        "event": Rows((events.number + 1).astype(np.uint64)),
        "genWeight": Rows(events.weight),
    }
    stored = {
        "FatJet": events.jets,
        "FatJetPFCands": _link(events.jets, events.candidates),
        "PFCands": events.candidates,
        "GenPart": events.hard,
    }
    for collection, (_, members) in _COLLECTIONS.items():
        columns, offsets = stored[collection].columns, stored[collection].offsets
        rows[f"n{collection}"] = Rows(np.diff(offsets).astype(np.uint32))
        rows |= {f"{collection}_{name}": Rows(np.ascontiguousarray(columns[name]), offsets) for name in members}
    return rows


def _link(jets: Collection, candidates: Collection) -> Collection:
    """Links from jets to candidates, which are stored jet by jet."""
    columns = {
        "pt": candidates.columns["pt"],
        "jetIdx": np.repeat(jets.index, jets.columns["nConstituents"]).astype(np.int32),
        "pFCandsIdx": candidates.index.astype(np.int32),
    }
    return Collection(columns, candidates.offsets)

"""The columns of the sample: the layout of EDM4hep before version 1, as Delphes wrote it for FCC-ee."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

INVALID = -2  # podio's index and collectionID of a link that points nowhere

Rows = NDArray[Any]
Offsets = NDArray[np.int64]


class Table(NamedTuple):
    """Rows of a block of events; those of event ``k`` are ``offsets[k]`` up to ``offsets[k + 1]``."""

    rows: Rows
    offsets: Offsets


Block = dict[str, Table]


@dataclass(frozen=True)
class Collection:
    """One podio collection: a branch of records, one of links per relation, one per vector member."""

    name: str
    record: str
    relations: int = 0
    members: tuple[str, ...] = ()

    def branches(self) -> list[tuple[str, str]]:
        """Name and record type of each branch, in the order of the file."""
        return [
            (self.name, self.record),
            *((f"{self.name}#{index}", "podio::ObjectID") for index in range(self.relations)),
            *((f"{self.name}_{index}", member) for index, member in enumerate(self.members)),
        ]


# Order and number (1, 2, ...) of the collections are those of the files that the FCC software wrote in 2022.
COLLECTIONS = (
    Collection("Electron", "edm4hep::RecoParticleRefData", 1),
    Collection("Muon", "edm4hep::RecoParticleRefData", 1),
    Collection("EFlowNeutralHadron", "edm4hep::ClusterData", 3, ("float", "float", "float")),
    Collection("Particle", "edm4hep::MCParticleData", 2),
    Collection("Photon", "edm4hep::RecoParticleRefData", 1),
    Collection("ReconstructedParticles", "edm4hep::ReconstructedParticleData", 6),
    Collection("EFlowPhoton", "edm4hep::ClusterData", 3, ("float", "float", "float")),
    Collection("MCRecoAssociations", "edm4hep::MCRecoParticleAssociationData", 2),
    Collection("MissingET", "edm4hep::ReconstructedParticleData", 6),
    Collection("ParticleIDs", "edm4hep::ParticleIDData", 0, ("float",)),
    Collection("Jet", "edm4hep::ReconstructedParticleData", 6),
    Collection("EFlowTrack", "edm4hep::TrackData", 2, ("int", "edm4hep::TrackState")),
)
COLLECTION_IDS = {collection.name: number for number, collection in enumerate(COLLECTIONS, start=1)}
BRANCHES = dict(branch for collection in COLLECTIONS for branch in collection.branches())


def _record(*fields: Any) -> np.dtype[Any]:
    """C layout of a struct: ``align`` puts the padding where the compiler puts it; the writer checks the size."""
    return np.dtype(list(fields), align=True)


def _ranges(*names: str) -> list[tuple[str, str]]:
    """First and past-the-last row of each relation or vector member."""
    return [(f"{name}_{edge}", "u4") for name in names for edge in ("begin", "end")]


_VECTOR2I = _record(("a", "i4"), ("b", "i4"))
_VECTOR3F = _record(("x", "f4"), ("y", "f4"), ("z", "f4"))
_VECTOR3D = _record(("x", "f8"), ("y", "f8"), ("z", "f8"))

RECORDS: dict[str, np.dtype[Any]] = {
    "int": np.dtype("i4"),
    "float": np.dtype("f4"),
    "podio::ObjectID": _record(("index", "i4"), ("collectionID", "i4")),
    "edm4hep::RecoParticleRefData": np.dtype("V1"),  # an empty struct takes a byte in memory, none in the file
    "edm4hep::MCRecoParticleAssociationData": _record(("weight", "f4")),
    "edm4hep::MCParticleData": _record(
        ("PDG", "i4"),
        ("generatorStatus", "i4"),
        ("simulatorStatus", "i4"),
        ("charge", "f4"),
        ("time", "f4"),
        ("mass", "f8"),
        ("vertex", _VECTOR3D),
        ("endpoint", _VECTOR3D),
        ("momentum", _VECTOR3F),
        ("momentumAtEndpoint", _VECTOR3F),
        ("spin", _VECTOR3F),
        ("colorFlow", _VECTOR2I),
        *_ranges("parents", "daughters"),
    ),
    "edm4hep::ReconstructedParticleData": _record(
        ("type", "i4"),
        ("energy", "f4"),
        ("momentum", _VECTOR3F),
        ("referencePoint", _VECTOR3F),
        ("charge", "f4"),
        ("mass", "f4"),
        ("goodnessOfPID", "f4"),
        ("covMatrix", "f4", (10,)),
        *_ranges("clusters", "tracks", "particles", "particleIDs"),
    ),
    "edm4hep::ClusterData": _record(
        ("type", "i4"),
        ("energy", "f4"),
        ("energyError", "f4"),
        ("position", _VECTOR3F),
        ("positionError", "f4", (6,)),
        ("iTheta", "f4"),
        ("phi", "f4"),
        ("directionError", _VECTOR3F),
        *_ranges("shapeParameters", "hitContributions", "subdetectorEnergies", "clusters", "hits", "particleIDs"),
    ),
    "edm4hep::TrackData": _record(
        ("type", "i4"),
        ("chi2", "f4"),
        ("ndf", "i4"),
        ("dEdx", "f4"),
        ("dEdxError", "f4"),
        ("radiusOfInnermostHit", "f4"),
        *_ranges("subDetectorHitNumbers", "trackStates", "trackerHits", "tracks"),
    ),
    "edm4hep::TrackState": _record(
        ("location", "i4"),
        ("D0", "f4"),
        ("phi", "f4"),
        ("omega", "f4"),
        ("Z0", "f4"),
        ("tanLambda", "f4"),
        ("referencePoint", _VECTOR3F),
        ("covMatrix", "f4", (15,)),
    ),
    "edm4hep::ParticleIDData": _record(
        ("type", "i4"),
        ("PDG", "i4"),
        ("algorithmType", "i4"),
        ("likelihood", "f4"),
        *_ranges("parameters"),
    ),
}


def rows(branch: str, count: int) -> Rows:
    """``count`` zeroed records of a branch."""
    return np.zeros(count, dtype=RECORDS[BRANCHES[branch]])


def links(index: NDArray[np.int64], collection: str) -> Rows:
    """Podio links to ``collection``; an index of ``INVALID`` points nowhere."""
    linked = np.zeros(len(index), dtype=RECORDS["podio::ObjectID"])
    linked["index"] = index
    linked["collectionID"] = np.where(index == INVALID, INVALID, COLLECTION_IDS[collection])
    return linked


def count_to_offsets(counts: NDArray[np.int64]) -> Offsets:
    """Offsets of consecutive groups of ``counts`` rows."""
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

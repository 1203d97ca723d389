"""From what the detector saw to the reconstructed collections and the links between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples.zee_fcc.detector import (
    DRAWS,
    Clusters,
    DetectorCard,
    Momenta,
    Response,
    Tracks,
    is_visible,
    respond,
)
from samples.zee_fcc.draws import DETECTOR, draw, open_stream
from samples.zee_fcc.layout import (
    BRANCHES,
    INVALID,
    Block,
    Offsets,
    Rows,
    Table,
    count_to_offsets,
    links,
    rows,
)

ELECTRON_MASS = 0.00051099895  # GeV, PDG 2024
# 1/mm per GeV and T: omega = 0.3 B / pT for pT in GeV, B in T and radius in m
_CURVATURE = 0.299792458e-3
# the diagonal of a symmetric 5x5 matrix stored as its upper triangle: D0, phi, omega, Z0, tanLambda
_D0_D0, _PHI_PHI, _OMEGA_OMEGA, _Z0_Z0, _TAN_TAN = 0, 5, 9, 12, 14
_AT_IP = 1  # edm4hep::TrackState::AtIP

IntArray = NDArray[np.int64]


def reconstruct(generated: Block, first: int, seed: int, card: DetectorCard) -> Block:
    """All branches of a block of generated events, of which the first is number ``first``."""
    particles, offsets = generated["Particle"]
    event_of = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    response = respond(particles, _draw_block(particles, event_of, first, seed), card)
    block = {branch: _empty(branch, len(offsets) - 1) for branch in BRANCHES} | generated
    block |= _tracks(response.tracks, event_of, offsets, card)
    block |= _clusters(response.clusters, event_of, offsets)
    merged = _merge(response, event_of, offsets)
    block |= _reconstructed(merged, particles, offsets)
    block |= _identities(merged, particles, offsets)
    block |= _missing_momentum(merged, len(offsets) - 1)
    row_of = np.full(len(particles), INVALID)
    row_of[merged.source] = merged.local
    block |= _references("Electron", response.electrons, row_of, event_of, offsets)
    block |= _references("Photon", response.photons, row_of, event_of, offsets)
    return block


def _draw_block(particles: Rows, event_of: IntArray, first: int, seed: int) -> NDArray[np.float64]:
    """Numbers of every visible particle, drawn event by event so that no event depends on another."""
    visible = np.bincount(event_of, is_visible(particles)).astype(np.int64)
    drawn = [draw(open_stream(seed, first + event, DETECTOR), DRAWS * count) for event, count in enumerate(visible)]
    return np.concatenate(drawn).reshape(-1, DRAWS)


def _tracks(tracks: Tracks, event_of: IntArray, offsets: Offsets, card: DetectorCard) -> Block:
    in_event = _group(event_of[tracks.particle], offsets)
    local = _local_index(event_of[tracks.particle], in_event)
    track = rows("EFlowTrack", len(local))
    track["trackStates_begin"], track["trackStates_end"] = local, local + 1
    omega = tracks.charge * _CURVATURE * card.magnetic_field / tracks.pt
    state = rows("EFlowTrack_1", len(local))
    state["location"] = _AT_IP
    state["D0"], state["Z0"] = tracks.d0, tracks.z0
    state["phi"], state["omega"], state["tanLambda"] = tracks.phi, omega, 1.0 / np.tan(tracks.theta)
    covariance = state["covMatrix"]
    covariance[:, _D0_D0] = covariance[:, _Z0_Z0] = card.track_impact**2
    covariance[:, _PHI_PHI] = card.track_angle**2
    covariance[:, _OMEGA_OMEGA] = (tracks.pt_resolution * omega) ** 2
    covariance[:, _TAN_TAN] = (card.track_angle / np.sin(tracks.theta) ** 2) ** 2
    return {"EFlowTrack": Table(track, in_event), "EFlowTrack_1": Table(state, in_event)}


def _clusters(clusters: Clusters, event_of: IntArray, offsets: Offsets) -> Block:
    cluster = rows("EFlowPhoton", len(clusters.particle))
    cluster["energy"], cluster["energyError"] = clusters.energy, clusters.energy_error
    _set_vector(cluster["position"], clusters.position)
    return {"EFlowPhoton": Table(cluster, _group(event_of[clusters.particle], offsets))}


@dataclass(frozen=True)
class _Reconstructed:
    """Tracks and clusters of a block, sorted by event, the tracks of an event before its clusters."""

    source: IntArray  # row among the particles
    from_cluster: NDArray[np.bool_]
    momentum: Momenta
    event: IntArray
    in_event: Offsets
    local: IntArray

    @property
    def from_track(self) -> NDArray[np.bool_]:
        return ~self.from_cluster


def _merge(response: Response, event_of: IntArray, offsets: Offsets) -> _Reconstructed:
    tracks, clusters = response.tracks, response.clusters
    source = np.concatenate([tracks.particle, clusters.particle])
    from_cluster = np.arange(len(source)) >= len(tracks.particle)
    order = np.lexsort((from_cluster, event_of[source]))
    x, y, z = (
        np.concatenate([track, cluster])[order]
        for track, cluster in zip(tracks.momentum, clusters.momentum, strict=True)
    )
    event = event_of[source[order]]
    in_event = _group(event, offsets)
    return _Reconstructed(
        source=source[order],
        from_cluster=from_cluster[order],
        momentum=(x, y, z),
        event=event,
        in_event=in_event,
        local=_local_index(event, in_event),
    )


def _reconstructed(merged: _Reconstructed, particles: Rows, offsets: Offsets) -> Block:
    """Reconstructed particles and their links to what they are made of."""
    name, count = "ReconstructedParticles", len(merged.source)
    reconstructed = rows(name, count)
    mass = np.where(merged.from_cluster, 0.0, ELECTRON_MASS)
    x, y, z = merged.momentum
    reconstructed["energy"] = np.sqrt(x**2 + y**2 + z**2 + mass**2)
    _set_vector(reconstructed["momentum"], merged.momentum)
    reconstructed["charge"] = np.where(merged.from_cluster, 0.0, particles["charge"][merged.source])
    reconstructed["mass"] = mass
    block = {}
    for number, relation, collection, chosen in (
        (0, "clusters", "EFlowPhoton", merged.from_cluster),
        (1, "tracks", "EFlowTrack", merged.from_track),
        (3, "particleIDs", "ParticleIDs", np.ones(count, dtype=np.bool_)),
    ):
        before = _before_in_event(chosen, merged.event, merged.in_event)
        reconstructed[f"{relation}_begin"], reconstructed[f"{relation}_end"] = before, before + chosen
        link_offsets = _group(merged.event[chosen], offsets)
        block[f"{name}#{number}"] = Table(links(before[chosen], collection), link_offsets)
    nowhere = Table(links(np.full(count, INVALID), "ParticleIDs"), merged.in_event)
    return block | {
        name: Table(reconstructed, merged.in_event),
        f"{name}#4": nowhere,
        f"{name}#5": nowhere,
    }


def _identities(merged: _Reconstructed, particles: Rows, offsets: Offsets) -> Block:
    """Tell what each reconstructed particle is taken for, and the generated particle behind it."""
    count = len(merged.source)
    identity = rows("ParticleIDs", count)
    identity["PDG"] = particles["PDG"][merged.source]
    identity["parameters_begin"], identity["parameters_end"] = merged.local, merged.local + 1
    association = rows("MCRecoAssociations", count)
    association["weight"] = 1.0
    in_event = merged.in_event
    generated = merged.source - offsets[merged.event]
    return {
        "ParticleIDs": Table(identity, in_event),
        "ParticleIDs_0": Table(rows("ParticleIDs_0", count), in_event),
        "MCRecoAssociations": Table(association, in_event),
        "MCRecoAssociations#0": Table(links(merged.local, "ReconstructedParticles"), in_event),
        "MCRecoAssociations#1": Table(links(generated, "Particle"), in_event),
    }


def _references(name: str, chosen: IntArray, row_of: IntArray, event_of: IntArray, offsets: Offsets) -> Block:
    """List identified particles; one that was not reconstructed keeps its place with an invalid link."""
    in_event = _group(event_of[chosen], offsets)
    return {
        name: Table(rows(name, len(chosen)), in_event),
        f"{name}#0": Table(links(row_of[chosen], "ReconstructedParticles"), in_event),
    }


def _missing_momentum(merged: _Reconstructed, n_events: int) -> Block:
    """One entry an event: what balances the reconstructed particles in the transverse plane."""
    x, y = (-np.bincount(merged.event, component, minlength=n_events) for component in merged.momentum[:2])
    missing = rows("MissingET", n_events)
    missing["energy"] = np.hypot(x, y)
    missing["momentum"]["x"], missing["momentum"]["y"] = x, y
    once = np.arange(n_events + 1)
    nowhere = Table(links(np.full(n_events, INVALID), "MissingET"), once)
    return {"MissingET": Table(missing, once), "MissingET#4": nowhere, "MissingET#5": nowhere}


def _empty(branch: str, n_events: int) -> Table:
    return Table(rows(branch, 0), np.zeros(n_events + 1, dtype=np.int64))


def _group(event: IntArray, offsets: Offsets) -> Offsets:
    """Offsets of rows that are sorted by event."""
    return count_to_offsets(np.bincount(event, minlength=len(offsets) - 1))


def _local_index(event: IntArray, in_event: Offsets) -> IntArray:
    """Index of each row in its event."""
    return np.arange(len(event)) - in_event[event]


def _before_in_event(chosen: NDArray[np.bool_], event: IntArray, in_event: Offsets) -> IntArray:
    """How many chosen rows come before each row of the same event."""
    before = np.concatenate(([0], np.cumsum(chosen)))
    return before[:-1] - before[in_event[event]]


def _set_vector(target: Rows, components: Momenta) -> None:
    for axis, component in zip("xyz", components, strict=True):
        target[axis] = component

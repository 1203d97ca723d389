"""A parametrised detector like IDEA at FCC-ee: what is seen of electrons and photons.

The numbers are those of the public Delphes card ``delphes_card_IDEA.tcl`` (E. Fontanesi, L. Pezzotti,
M. Antonello, M. Selvaggi) where it states them, and otherwise our own, as marked. This is neither Delphes nor a
simulation of IDEA: no bremsstrahlung, no shower, no overlap of photons with electrons, no fakes, no charge flips.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples.zee_fcc.draws import to_normal
from samples.zee_fcc.layout import Rows

ELECTRON, PHOTON = 11, 22
FINAL_STATE = 1
DRAWS = 8  # per particle: two decisions, three pairs for normal numbers
_SMALLEST_PT = 1e-12  # GeV; gives a particle along the beam a large eta instead of an infinite one

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Momenta = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class DetectorCard:
    """Response of the detector; energies in GeV, angles in rad, lengths in mm, field in T."""

    name: str = "IDEA-like"
    magnetic_field: float = 2.0  # card: B
    # Tracks. Card: acceptance. The card tracks every electron in it; our 3 % loss stands for hard bremsstrahlung
    # and gives files the broken links that analyses meet.
    track_max_abs_eta: float = 2.56
    track_min_pt: float = 0.1
    track_efficiency: float = 0.97
    # sigma(pT)/pT = scale (a pT lever^2 (+) b lever), with lever = outer radius over the radius at which the track
    # leaves the tracker. a, b and scale are ours: within a third of the widths of electrons in Delphes IDEA files.
    track_pt_linear: float = 3e-5  # 1/GeV
    track_pt_constant: float = 6e-4
    electron_scale: float = 1.25
    tracker_radius: float = 2020.0  # card: outer radius and half length of the drift chamber
    tracker_half_length: float = 2125.0
    track_angle: float = 5e-5  # ours: phi and theta
    track_impact: float = 3e-3  # ours: D0 and Z0
    # Calorimeter. Card: crystals after arXiv:2008.00338, sigma(E) = constant E (+) stochastic sqrt(E) (+) noise.
    calorimeter_max_abs_eta: float = 3.0
    calorimeter_constant: float = 0.005
    calorimeter_stochastic: float = 0.03
    calorimeter_noise: float = 0.002
    calorimeter_min_significance: float = 2.0
    calorimeter_radius: float = 2250.0  # card: R and HL, where particles leave the field
    calorimeter_half_length: float = 2500.0
    photon_angle: float = 1e-3  # ours: a cell of 1 cm at 2 m is 1 to 2 mrad after division by sqrt(12)
    # Identification. Card: the same for electrons and photons.
    identification_min_energy: float = 2.0
    identification_efficiency: float = 0.99


@dataclass(frozen=True)
class Tracks:
    """Electrons seen in the tracker, by their row among the particles."""

    particle: NDArray[np.int64]
    charge: FloatArray
    momentum: Momenta
    phi: FloatArray
    theta: FloatArray
    pt: FloatArray
    d0: FloatArray
    z0: FloatArray
    pt_resolution: FloatArray


@dataclass(frozen=True)
class Clusters:
    """Photons seen in the calorimeter, by their row among the particles."""

    particle: NDArray[np.int64]
    momentum: Momenta
    energy: FloatArray
    energy_error: FloatArray
    position: Momenta


@dataclass(frozen=True)
class Response:
    """What the detector makes of a block of particles.

    ``electrons`` and ``photons`` are the rows of particles that are identified. An electron is identified in the
    calorimeter, so that it can be without a track.
    """

    tracks: Tracks
    clusters: Clusters
    electrons: NDArray[np.int64]
    photons: NDArray[np.int64]


def is_visible(particles: Rows) -> BoolArray:
    """Final-state electrons and photons: those that take random numbers."""
    final = particles["generatorStatus"] == FINAL_STATE
    return final & np.isin(np.abs(particles["PDG"]), (ELECTRON, PHOTON))


def respond(particles: Rows, uniforms: FloatArray, card: DetectorCard) -> Response:
    """Detector response to the visible particles.

    Parameters
    ----------
    particles : structured array
        Rows of ``Particle``.
    uniforms : array, shape (visible particles, DRAWS)
        Random numbers in (0, 1), a row for each particle that ``is_visible``.
    card : DetectorCard
        Acceptance, efficiencies and resolutions.
    """
    visible = np.flatnonzero(is_visible(particles))
    seen = particles[visible]
    normals = to_normal(uniforms[:, 2:])
    px, py, pz = (seen["momentum"][axis].astype(np.float64) for axis in "xyz")
    pt = np.hypot(px, py)
    energy = np.sqrt(pt**2 + pz**2 + seen["mass"] ** 2)
    phi, theta = np.arctan2(py, px), np.arctan2(pt, pz)
    abs_eta = np.arcsinh(np.abs(pz) / np.maximum(pt, _SMALLEST_PT))

    is_electron = np.abs(seen["PDG"]) == ELECTRON
    in_calorimeter = abs_eta <= card.calorimeter_max_abs_eta
    identified = (
        in_calorimeter & (energy >= card.identification_min_energy) & (uniforms[:, 1] < card.identification_efficiency)
    )
    tracked = (
        is_electron
        & (abs_eta <= card.track_max_abs_eta)
        & (pt >= card.track_min_pt)
        & (uniforms[:, 0] < card.track_efficiency)
    )
    tracks = _measure_tracks(visible, seen["charge"], pt, phi, theta, normals, tracked, card)

    sigma = energy_resolution(energy, card)
    measured = energy + sigma * normals[:, 0]
    clustered = ~is_electron & in_calorimeter & (measured > card.calorimeter_min_significance * sigma)
    clusters = _measure_clusters(visible, measured, sigma, phi, theta, normals, clustered, card)
    return Response(
        tracks=tracks,
        clusters=clusters,
        electrons=visible[is_electron & identified],
        photons=visible[clustered & identified],
    )


def pt_resolution(pt: FloatArray, theta: FloatArray, card: DetectorCard) -> FloatArray:
    """Relative resolution of an electron's transverse momentum [GeV]."""
    exit_radius = np.minimum(card.tracker_radius, card.tracker_half_length * np.abs(np.tan(theta)))
    lever = card.tracker_radius / exit_radius
    return card.electron_scale * np.hypot(card.track_pt_linear * pt * lever**2, card.track_pt_constant * lever)


def energy_resolution(energy: FloatArray, card: DetectorCard) -> FloatArray:
    """Absolute resolution of the electromagnetic calorimeter [GeV]."""
    constant = card.calorimeter_constant * energy
    return np.sqrt(constant**2 + card.calorimeter_stochastic**2 * energy + card.calorimeter_noise**2)


def _measure_tracks(
    visible: NDArray[np.int64],
    charge: FloatArray,
    pt: FloatArray,
    phi: FloatArray,
    theta: FloatArray,
    normals: FloatArray,
    tracked: BoolArray,
    card: DetectorCard,
) -> Tracks:
    pt, phi, theta, normals = pt[tracked], phi[tracked], theta[tracked], normals[tracked]
    resolution = pt_resolution(pt, theta, card)
    pt = pt * (1.0 + resolution * normals[:, 0])
    phi = np.remainder(phi + card.track_angle * normals[:, 1] + np.pi, 2 * np.pi) - np.pi
    theta = theta + card.track_angle * normals[:, 2]
    return Tracks(
        particle=visible[tracked],
        charge=charge[tracked],
        momentum=(pt * np.cos(phi), pt * np.sin(phi), pt / np.tan(theta)),
        phi=phi,
        theta=theta,
        pt=pt,
        d0=card.track_impact * normals[:, 3],
        z0=card.track_impact * normals[:, 4],
        pt_resolution=resolution,
    )


def _measure_clusters(
    visible: NDArray[np.int64],
    energy: FloatArray,
    energy_error: FloatArray,
    phi: FloatArray,
    theta: FloatArray,
    normals: FloatArray,
    clustered: BoolArray,
    card: DetectorCard,
) -> Clusters:
    energy = energy[clustered]
    phi = phi[clustered] + card.photon_angle * normals[clustered, 1]
    theta = theta[clustered] + card.photon_angle * normals[clustered, 2]
    direction = (np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta))
    # where the straight line from the origin meets the cylinder
    distance = 1.0 / np.maximum(
        np.abs(np.sin(theta)) / card.calorimeter_radius, np.abs(np.cos(theta)) / card.calorimeter_half_length
    )
    x, y, z = direction
    return Clusters(
        particle=visible[clustered],
        momentum=(energy * x, energy * y, energy * z),
        energy=energy,
        energy_error=energy_error[clustered],
        position=(distance * x, distance * y, distance * z),
    )

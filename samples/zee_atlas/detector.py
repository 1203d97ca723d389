"""A parametrised detector with numbers like those of ATLAS in Run 2: electrons, photons and their clusters.

All numbers are ours unless a source stands beside them. There is no background: no jets, no fake electrons. Every
random number belongs to (event number, object, draw), so that it does not depend on what else is in a block.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from samples.draws import Floats, normals, stream_key, uniforms
from samples.zee_atlas.conditions import Conditions
from samples.zee_atlas.generator import Particles, Truth
from samples.zee_atlas.truth import DATA, SCALE_FACTORS, inject

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]

RADIUS, HALF_LENGTH = 1500.0, 3800.0  # mm, of the calorimeter's second layer in barrel and endcaps
_BARREL = 1.475
_BENDING = 0.45  # rad GeV: 0.3 B R / 2 in 2 T at RADIUS
_MEV = 1000.0


@dataclass(frozen=True)
class DetectorCard:
    """Acceptance, response and efficiencies; energies in GeV, lengths in mm. Tuples go with ``eta_edges``."""

    name: str = "ATLAS-like"
    min_pt: float = 5.0
    max_abs_eta: float = 2.6
    dressing_cone: float = 0.1  # photons this near are in the cluster of the electron
    eta_edges: tuple[float, ...] = (0.0, 0.8, 1.37, 1.52, 2.0, 2.6)  # of the cluster
    # sigma(E) / E = a / sqrt(E) (+) b sqrt(mu) / ET (+) c; a of the design, ATLAS-TDR-1
    sampling: tuple[float, ...] = (0.10, 0.12, 0.20, 0.14, 0.12)
    pile_up_noise: float = 0.06
    constant: tuple[float, ...] = (0.005, 0.006, 0.030, 0.007, 0.006)
    # energy lost in front of the calorimeter: how often, and the mean of an exponential
    radiating: tuple[float, ...] = (0.05, 0.10, 0.30, 0.14, 0.08)
    lost_fraction: float = 0.04
    max_lost: float = 0.6
    vertex_z: float = 36.0
    eta_resolution: float = 5e-4
    phi_resolution: float = 1e-3
    misalignment: float = 1e-3  # of the frame of the calorimeter
    reconstruction: tuple[float, ...] = (0.985, 0.975, 0.93, 0.97, 0.96)
    # plateau - loss exp(-(pt - 20) / 20); arXiv:1902.04655: loose 93 %, medium 88 %, tight 80 % at 40 GeV
    loose: tuple[float, float] = (0.95, 0.06)
    medium: tuple[float, float] = (0.91, 0.09)
    tight: tuple[float, float] = (0.84, 0.13)
    endcap_loss: float = 0.03  # of all three beyond the crack
    charge_flip: tuple[float, ...] = (0.001, 0.004, 0.01, 0.015, 0.03)
    trigger: float = 0.96  # of tight electrons above its threshold
    trigger_pt: float = 26.0
    track_isolated: float = 0.80  # have no track in the cone
    track_scale: float = 1.2  # GeV, mean of the others
    calo_noise: float = 0.9  # GeV at 40 collisions
    calo_leakage: float = 0.01  # of pt
    calo_tail: float = 0.03  # have an exponential with this mean
    calo_tail_scale: float = 5.0
    photon_min_pt: float = 8.0
    photon_converted: tuple[float, ...] = (0.15, 0.30, 0.45, 0.45, 0.35)
    photon_loose: float = 0.95
    photon_tight: float = 0.85


@dataclass(frozen=True, eq=False)
class Seen:
    """Electrons or photons as they are measured, by falling pt in each event.

    Parameters
    ----------
    event : int64[n]
        Row of the event in the block.
    values : dict of str to array
        Columns: ``pt`` [GeV], ``eta``, ``phi``, and what belongs to either.
    """

    event: Integers
    values: dict[str, Column]

    def __getitem__(self, name: str) -> Column:
        """Return a column."""
        return self.values[name]

    def __len__(self) -> int:
        """Count them."""
        return len(self.event)

    def take(self, chosen: Integers) -> "Seen":
        """Return some of them."""
        return Seen(self.event[chosen], {name: column[chosen] for name, column in self.values.items()})

    def of_events(self, events: Integers, count: int) -> "Seen":
        """Return those of some of ``count`` events, which are numbered anew."""
        row = np.full(count, -1)
        row[events] = np.arange(len(events))
        kept = self.take(np.flatnonzero(row[self.event] >= 0))
        return Seen(row[kept.event], kept.values)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Random numbers of the particles of a block."""

    seed: int
    form: str
    stream: str
    event: npt.NDArray[np.uint64]
    index: Integers

    def _key(self, what: str) -> np.uint64:
        return stream_key(self.seed, f"zee_atlas.{self.stream}.{what}", self.form)

    def uniform(self, what: str) -> Floats:
        return uniforms(self._key(what), self.event, self.index, 0)

    def normal(self, what: str) -> Floats:
        return normals(self._key(what), self.event, self.index, 0)


def reconstruct(
    truth: Truth, conditions: Conditions, form: str, seed: int, card: DetectorCard
) -> tuple[Seen, Seen]:
    """Electrons and photons that the detector sees in a block of events."""
    in_reach = (truth.electrons.pt > card.min_pt) & (np.abs(truth.electrons.eta) < card.max_abs_eta)
    electrons = _select(truth.electrons, in_reach)
    dressed, is_alone = _dress(electrons, truth.photons, len(truth.number), card)
    seen_photons = is_alone & (truth.photons.pt > card.photon_min_pt) & (np.abs(truth.photons.eta) < card.max_abs_eta)
    photons = _select(truth.photons, seen_photons)
    return (
        _sorted(_electrons(electrons, dressed, truth, conditions, form, seed, card)),
        _sorted(_photons(photons, truth, conditions, form, seed, card)),
    )


def _select(particles: Particles, mask: Booleans) -> Particles:
    return Particles(*(getattr(particles, name)[mask] for name in ("event", "charge", "pt", "eta", "phi")))


def _sorted(seen: Seen) -> Seen:
    """Sort by falling pt in each event."""
    return seen.take(np.lexsort((-seen["pt"].astype(np.float64), seen.event)))


def index_in_event(event: Integers) -> Integers:
    """Number the particles of each event; they are sorted by event."""
    first = np.searchsorted(event, event, side="left")
    return np.arange(len(event)) - first


def _dress(electrons: Particles, photons: Particles, events: int, card: DetectorCard) -> tuple[Floats, Booleans]:
    """Transverse momenta of electrons with the photons around them, and the photons that are around none."""
    starts = np.searchsorted(electrons.event, np.arange(events + 1))
    counts = np.diff(starts)
    nearest = np.full(len(photons), np.inf)
    owner = np.full(len(photons), -1)
    for number in range(int(counts.max(initial=0))):
        there = number < counts[photons.event]
        which = np.where(there, starts[photons.event] + number, 0)
        distance = np.hypot(
            photons.eta - electrons.eta[which], _wrap(photons.phi - electrons.phi[which])
        )
        nearer = there & (distance < nearest)
        nearest[nearer], owner[nearer] = distance[nearer], which[nearer]
    inside = nearest < card.dressing_cone
    dressed = electrons.pt.copy()
    np.add.at(dressed, owner[inside], photons.pt[inside])
    return dressed, ~inside


def _wrap(phi: Floats) -> Floats:
    return (phi + np.pi) % (2 * np.pi) - np.pi


def _at_calorimeter(eta: Floats, vertex_z: Floats) -> Floats:
    """Pseudorapidity, from the centre of the detector, of where particles from the vertex reach the calorimeter."""
    in_barrel = np.arcsinh((vertex_z + RADIUS * np.sinh(eta)) / RADIUS)
    plane = np.copysign(HALF_LENGTH, eta)
    slope = np.where(np.abs(eta) > 0.1, np.sinh(eta), np.copysign(1.0, eta))  # noqa: PLR2004 (far from the endcaps)
    radius = (plane - vertex_z) / slope
    in_endcap = np.arcsinh(plane / radius)
    return np.where(np.abs(in_barrel) < _BARREL, in_barrel, in_endcap)


def _clusters(
    particles: Particles, charge: Floats, draws: _Draws, vertex_z: Floats, card: DetectorCard
) -> dict[str, Column]:
    """Directions of clusters."""
    eta = _at_calorimeter(particles.eta, vertex_z) + card.eta_resolution * draws.normal("cluster_eta")
    phi = _wrap(particles.phi - charge * _BENDING / particles.pt + card.phi_resolution * draws.normal("cluster_phi"))
    shift = card.misalignment
    return {
        "cl_eta": eta,
        "cl_phi": phi,
        "cl_eta_calo": eta + shift * np.tanh(eta),
        "cl_phi_calo": _wrap(phi + shift * np.sin(phi)),
        "cl_eta2_calo": eta + shift * np.tanh(eta) + card.eta_resolution * draws.normal("cluster_eta2"),
        "cl_phi2_calo": _wrap(phi + shift * np.sin(phi) + card.phi_resolution * draws.normal("cluster_phi2")),
    }


def _measure(
    pt: Floats, eta: Floats, bins: Integers, mu: Floats, draws: _Draws, card: DetectorCard
) -> Floats:
    """Smear transverse momenta of what radiates nothing outside its cluster."""
    energy = pt * np.cosh(eta)
    terms = (
        np.array(card.sampling)[bins] / np.sqrt(energy),
        card.pile_up_noise * np.sqrt(mu) / pt,
        np.array(card.constant)[bins],
    )
    sigma = np.sqrt(sum(term * term for term in terms))
    return np.maximum(pt * (1 + sigma * draws.normal("energy")), 0.01 * pt)


def _electrons(
    electrons: Particles,
    dressed: Floats,
    truth: Truth,
    conditions: Conditions,
    form: str,
    seed: int,
    card: DetectorCard,
) -> Seen:
    """Measure electrons."""
    event = electrons.event
    draws = _Draws(seed, form, "electron", truth.number[event].astype(np.uint64), index_in_event(event))
    mu = conditions.mu[event]
    cluster = _clusters(electrons, electrons.charge, draws, conditions.vertex_z[event], card)
    bins = _bins(cluster["cl_eta"], card)
    pt = _measure(dressed, electrons.eta, bins, mu, draws, card)
    radiates = draws.uniform("radiates") < np.array(card.radiating)[bins]
    lost = np.minimum(-card.lost_fraction * np.log(draws.uniform("lost")), card.max_lost)
    pt = np.where(radiates, pt * (1 - lost), pt)
    if form == DATA:
        factors = {one.name: one.at(cluster["cl_eta2_calo"], pt) for one in SCALE_FACTORS}
        stored = pt * inject(cluster["cl_eta_calo"], draws.normal("constant")) / non_uniformity(cluster)
    else:
        factors = {one.name: np.ones(len(pt)) for one in SCALE_FACTORS}
        stored = pt
    flipped = draws.uniform("charge") < np.array(card.charge_flip)[bins]
    quality = draws.uniform("quality")
    identified = draws.uniform("identified") < factors["identification"]
    ids = {
        "is_loose": quality < _efficiency(card.loose, pt, cluster["cl_eta"], card),
        "is_medium": identified & (quality < _efficiency(card.medium, pt, cluster["cl_eta"], card)),
        "is_tight": identified & (quality < _efficiency(card.tight, pt, cluster["cl_eta"], card)),
    }
    fires = ids["is_tight"] & (pt > card.trigger_pt) & (draws.uniform("trigger") < card.trigger)
    spoiled = draws.uniform("isolated") > factors["isolation"]
    found = draws.uniform("found") < np.array(card.reconstruction)[bins] * factors["reconstruction"]
    values = {
        "pt": stored,
        "eta": electrons.eta + card.eta_resolution * draws.normal("eta"),
        "phi": _wrap(electrons.phi + card.phi_resolution * draws.normal("phi")),
        "charge": np.where(flipped, -electrons.charge, electrons.charge),
        "true_charge": electrons.charge,
        **ids,
        "fires": fires,
        **_isolation(pt, mu, spoiled, draws, card),
        **cluster,
    }
    return Seen(event, values).take(np.flatnonzero(found))


def _photons(
    photons: Particles, truth: Truth, conditions: Conditions, form: str, seed: int, card: DetectorCard
) -> Seen:
    """Measure photons that are near no electron; they are at the scale of simulation, in data, too."""
    event = photons.event
    draws = _Draws(seed, form, "photon", truth.number[event].astype(np.uint64), index_in_event(event))
    mu = conditions.mu[event]
    cluster = _clusters(photons, np.zeros(len(photons)), draws, conditions.vertex_z[event], card)
    bins = _bins(cluster["cl_eta"], card)
    pt = _measure(photons.pt, photons.eta, bins, mu, draws, card)
    quality = draws.uniform("quality")
    values = {
        "pt": pt / non_uniformity(cluster) if form == DATA else pt,
        "eta": photons.eta,
        "phi": photons.phi,
        "is_loose": quality < card.photon_loose,
        "is_tight": quality < card.photon_tight,
        "is_converted": draws.uniform("converted") < np.array(card.photon_converted)[bins],
        **_isolation(pt, mu, np.zeros(len(pt), dtype=np.bool_), draws, card),
        **cluster,
    }
    found = draws.uniform("found") < np.array(card.reconstruction)[bins]
    return Seen(event, values).take(np.flatnonzero(found))


def _bins(eta: Column, card: DetectorCard) -> Integers:
    position = np.searchsorted(card.eta_edges, np.abs(eta.astype(np.float64)), side="right") - 1
    return np.minimum(position, len(card.eta_edges) - 2)


def _efficiency(
    curve: tuple[float, float], pt: Floats, eta: Column, card: DetectorCard
) -> Floats:
    plateau, loss = curve
    endcap = np.abs(eta.astype(np.float64)) > _BARREL
    return plateau - loss * np.exp(-(pt - 20.0) / 20.0) - np.where(endcap, card.endcap_loss, 0.0)


def _isolation(
    pt: Floats, mu: Floats, spoiled: Booleans, draws: _Draws, card: DetectorCard
) -> dict[str, Column]:
    """Transverse momentum of tracks and energy of clusters in cones [GeV]; what is spoiled has a track inside."""
    track = -card.track_scale * np.log(draws.uniform("tracks"))
    track = np.where(draws.uniform("has_tracks") < card.track_isolated, 0.0, track)
    noise = card.calo_noise * np.sqrt(mu / 40.0) * draws.normal("cone")
    tail = np.where(
        draws.uniform("has_tail") < card.calo_tail, -card.calo_tail_scale * np.log(draws.uniform("tail")), 0.0
    )
    return {"ptvarcone30": track + np.where(spoiled, pt, 0.0), "topoetcone20": noise + tail + card.calo_leakage * pt}


def non_uniformity(cluster: dict[str, Column]) -> Floats:
    """Factors by which the calibration tool corrects what the calorimeter of data loses between its modules.

    They are those of es2022_R22_PRE, the same at all energies.
    """
    count = len(cluster["cl_eta"])
    given = 50.0 * _MEV
    columns = {name: cluster[name] for name in ("cl_eta", "cl_phi", "cl_eta_calo", "cl_phi_calo")} | {
        "pt": np.full(count, given),
        "m": np.zeros(count),
        "eta": cluster["cl_eta"],
        "cl_eta_s2": cluster["cl_eta2_calo"],
        "event_number": np.zeros(count, dtype=np.int64),
        "run_number": np.full(count, 330000),
        "is_simulation": np.zeros(count, dtype=np.bool_),
    }
    return np.asarray(_tool().calibrate(columns)) / given


@lru_cache(maxsize=1)
def _tool() -> Any:
    """The calibration without the scale: what it corrects before."""
    from calib.egamma import EgammaCalibration

    return EgammaCalibration("es2022_R22_PRE", "1NP_v1", area="synthetic", scale_correction=False, dtype="float64")

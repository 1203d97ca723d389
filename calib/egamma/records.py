"""Columns of awkward records: particles in events, flat or of PHYSLITE, where links lead to their clusters."""

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from calib.egamma.columns import OF_EVENTS, OF_PARTICLES, Array, Columns, as_flag, finished
from hepcol.errors import InputError

_CLUSTERS, _INFO, _LINKS, _NUMBER = "egammaClusters", "EventInfo", "caloClusterLinks", "_eventindex"
_SAMPLINGS, _LAYER_2 = ("samplingPattern", "e_sampl", "eta_sampl"), "ETA2CALOFRAME"
_MIN_SUM = 100.0  # MeV, below which etaBE takes the mean
_BARREL_2, _ENDCAP_2 = 2, 6  # numbers of the samplings EMB2 and EME2
_DEPTH = 2  # of particles in events


def of_records(particles: ak.Array, events: Any) -> Columns:
    """Take the columns of records, flat or one list for each event.

    Raises
    ------
    InputError
        If they do not belong together, or values are missing.
    """
    events = ak.zip(dict(events), depth_limit=1) if isinstance(events, Mapping) else events
    flat = particles.ndim == 1
    if particles.ndim > _DEPTH:
        raise InputError(
            f"particles are lists in {particles.ndim - 1} levels; expected one list for each event, or flat"
        )
    if events is not None:
        if len(particles) != len(events):
            what = "particles" if flat else "lists of particles"
            raise InputError(f"there are {len(particles)} {what} and {len(events)} events; expected as many")
        if flat:  # one in each event
            particles = ak.unflatten(particles, np.ones(len(particles), dtype=np.int64))
    counts = None if particles.ndim == 1 else ak.num(particles)
    values = _of_particles(particles, events)
    record = particles if events is None else events
    record = record[_INFO] if _INFO in record.fields else record
    for name, accepted in OF_EVENTS.items():
        found = next((one for one in accepted if one in record.fields), None)
        if found is not None:
            column = record[found]
            if counts is not None and column.ndim == 1:
                column = ak.broadcast_arrays(column, particles.pt)[0]
            values[name] = as_flag(name, found, _flattened(name, column))
    return finished(values, lambda array: ak.Array(array) if flat or counts is None else ak.unflatten(array, counts))


def needed(particles: ak.Array, events: Any) -> tuple[ak.Array, Any]:
    """Return particles and events with nothing but what may be read."""
    names = {name for accepted in OF_PARTICLES.values() for name in accepted}
    kept = particles[[name for name in particles.fields if name in names | {_LINKS, "vertexLinks", _NUMBER}]]
    if events is None:
        of_events = {name for accepted in OF_EVENTS.values() for name in accepted}
        return particles[[name for name in particles.fields if name in names | of_events]], None
    if not isinstance(events, ak.Array):
        return kept, events
    parts: dict[str, Any] = {}
    of_events = {name for accepted in OF_EVENTS.values() for name in accepted}
    if _INFO in events.fields:
        info = events[_INFO]
        parts[_INFO] = info[[name for name in info.fields if name in of_events]]
    else:
        parts |= {name: events[name] for name in events.fields if name in of_events}
    if _CLUSTERS in events.fields and _LINKS in particles.fields:
        clusters = events[_CLUSTERS]
        layer = set(_SAMPLINGS) if set(_SAMPLINGS) <= set(clusters.fields) else {_LAYER_2}
        parts[_CLUSTERS] = clusters[[name for name in clusters.fields if name in names | layer | {_NUMBER}]]
    return kept, ak.zip(parts, depth_limit=1)


def _of_particles(particles: ak.Array, events: Any) -> dict[str, Array]:
    """Take the columns of particles and of their clusters."""
    clusters = _clusters(particles, events)
    values = {}
    for name, accepted in OF_PARTICLES.items():
        for record in (particles, clusters):
            found = next((one for one in accepted if record is not None and one in record.fields), None)
            if found is not None:
                values[name] = _flattened(name, record[found], record is clusters)
                break
    if "cl_eta_s2" not in values and clusters is not None:
        values["cl_eta_s2"] = eta_second_layer(clusters)
    if "converted" not in values and "vertexLinks" in particles.fields:
        values["converted"] = _to_numpy(ak.flatten(ak.num(particles.vertexLinks, axis=-1) > 0, axis=None))
    return values


def _clusters(particles: ak.Array, events: Any) -> Any:
    """Follow the links of PHYSLITE to the first cluster of each particle; None if there are none.

    Raises
    ------
    InputError
        If links lead to more than one collection.
    """
    if _LINKS not in particles.fields:
        return None
    if events is None or _CLUSTERS not in events.fields:
        raise InputError("the clusters of the particles are not at hand: give the events of NanoEvents, too")
    links = ak.firsts(particles[_LINKS], axis=particles.ndim)
    keys = np.unique(_to_numpy(ak.drop_none(ak.flatten(links.m_persKey, axis=None))))
    if len(keys) > 1:
        raise InputError(f"{_LINKS} lead to {len(keys)} collections of clusters; expected {_CLUSTERS} only")
    if ak.any(links.m_persIndex >= ak.num(events[_CLUSTERS]), axis=None):
        raise InputError(f"{_LINKS} lead beyond {_CLUSTERS}: expected links to those of the same events")
    clusters = events[_CLUSTERS][links.m_persIndex]
    # NanoEvents gives all collections of an event its number
    if _NUMBER in particles.fields and _NUMBER in clusters.fields:
        same = particles[_NUMBER] == clusters[_NUMBER]
        if not ak.all(same, axis=None):
            raise InputError("particles and events are not those of each other: expected the same selection of events")
    return clusters


def _flattened(name: str, column: ak.Array, of_clusters: bool = False) -> Array:
    """Return a column of records without its lists."""
    flat = ak.flatten(column, axis=None) if column.ndim > 1 else column
    if len(flat) != int(ak.count(column, axis=None)) or ak.any(ak.is_none(column, axis=-1), axis=None):
        why = ": particles without a cluster cannot be calibrated" if of_clusters else ""
        raise InputError(f"column {name} has values that are missing{why}")
    return _to_numpy(flat)


def _to_numpy(flat: Any) -> Array:
    return np.asarray(ak.to_numpy(flat, allow_missing=False))


def eta_second_layer(clusters: Any) -> Array:
    """Pseudorapidity of clusters in the second layer: ``CaloCluster_v1::etaBE(2)`` of Athena.

    Where a cluster spans barrel and endcap, it is weighted by energy, or the mean if that is below 100 MeV. Files
    without ``samplingPattern`` do not tell which layers the numbers of ``eta_sampl`` are of; there it is
    ``ETA2CALOFRAME``, in the frame of the calorimeter, 1e-3 beside. It only chooses the bin of the leakage correction.

    Parameters
    ----------
    clusters : ak.Array
        Clusters of PHYSLITE, one for each particle.

    Returns
    -------
    array
        Flat, float32.
    """
    if not set(_SAMPLINGS) <= set(clusters.fields):
        return _flattened("cl_eta_s2", clusters[_LAYER_2], True)
    pattern = _flattened("samplingPattern", clusters.samplingPattern, True).astype(np.uint32)
    depth = clusters.eta_sampl.ndim - 2
    etas, energies = (_rows(clusters[name], depth) for name in ("eta_sampl", "e_sampl"))
    barrel, endcap = (_sampling(pattern, etas, number) for number in (_BARREL_2, _ENDCAP_2))
    e_barrel, e_endcap = (_sampling(pattern, energies, number) for number in (_BARREL_2, _ENDCAP_2))
    has_barrel, has_endcap = (pattern >> number & 1 != 0 for number in (_BARREL_2, _ENDCAP_2))
    total = (e_barrel + e_endcap).astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        weighted = (e_barrel * barrel + e_endcap * endcap) / total
    both = np.where(total > _MIN_SUM, weighted, np.float32(0.5) * (barrel + endcap))
    nowhere = np.float32(-999)  # as in Athena
    found = np.where(has_barrel, np.where(has_endcap, both, barrel), np.where(has_endcap, endcap, nowhere))
    return np.asarray(found, dtype=np.float32)


def _rows(samples: Any, depth: int) -> Any:
    """Return one list for each particle."""
    return ak.flatten(samples, axis=1) if depth else samples


def _sampling(pattern: Array, samples: Any, number: int) -> Array:
    """Take what belongs to a sampling: values are those of the bits that are set in the pattern, in their order."""
    below = pattern & np.uint32((1 << number) - 1)
    position = np.array([int(bits).bit_count() for bits in below], dtype=np.int64)
    counts = _to_numpy(ak.num(samples, axis=1))
    flat = _to_numpy(ak.flatten(samples, axis=1)).astype(np.float32)
    there = (pattern >> number & 1 != 0) & (position < counts)
    starts = np.concatenate(([0], np.cumsum(counts)))[:-1]
    found = np.zeros(len(pattern), dtype=np.float32)
    found[there] = flat[(starts + position)[there]]
    return found

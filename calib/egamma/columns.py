"""What the calibration reads of particles and events, as flat columns.

Awkward is imported by whoever has awkward arrays: columns of numpy work without it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calib.egamma.kernels import slots
from hepcol.errors import InputError

Array = npt.NDArray[Any]

ELECTRON_MASS, PHOTON_MASS = 0.51099895, 0.0  # MeV

# What it is called here, and in ATLAS's files
OF_PARTICLES = {
    "pt": ("pt",),
    "eta": ("eta",),
    "m": ("m", "mass"),
    "cl_eta": ("cl_eta", "calEta"),
    "cl_phi": ("cl_phi", "calPhi"),
    "cl_eta_s2": ("cl_eta_s2",),
    "cl_eta_calo": ("cl_eta_calo", "ETACALOFRAME", "etaCalo"),
    "cl_phi_calo": ("cl_phi_calo", "PHICALOFRAME", "phiCalo"),
    "converted": ("converted",),
    "index": ("index",),
}
OF_EVENTS = {
    "event_number": ("event_number", "eventNumber"),
    "run_number": ("run_number", "runNumber"),
    "random_run_number": ("random_run_number", "RandomRunNumber"),
    "is_simulation": ("is_simulation", "eventTypeBitmask"),
    "channel": ("channel", "mcChannelNumber"),
}
OPTIONAL = ("m", "converted", "index", "random_run_number", "channel")
_MIN_SUM = 100.0  # MeV, below which etaBE takes the mean
_BARREL_2, _ENDCAP_2 = 2, 6  # numbers of the samplings EMB2 and EME2


@dataclass(frozen=True)
class Columns:
    """Flat columns, one entry for each particle, and the way back to the shape that they came in.

    Parameters
    ----------
    values : dict of arrays
        By the names of :data:`OF_PARTICLES` and :data:`OF_EVENTS`; those that are optional may be missing.
    kind : array of int64
        ``slots.ELECTRON``, ``UNCONVERTED`` or ``CONVERTED``.
    restore : function
        Gives a flat array the shape of the particles.
    """

    values: Mapping[str, Array]
    kind: npt.NDArray[np.int64]
    restore: Callable[[Array], Any]

    def __len__(self) -> int:
        """Count the particles."""
        return len(self.kind)

    def get(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column in double precision; :meth:`exact` as it is.

        Raises
        ------
        InputError
            If it is missing.
        """
        return np.ascontiguousarray(self.exact(name), dtype=np.float64)

    def exact(self, name: str) -> Array:
        """Return a column as it was given, such as event numbers, which need not fit into doubles."""
        if name not in self.values:
            raise InputError(_lacking(name))
        return self.values[name]

    def identity(self) -> npt.NDArray[np.uint64]:
        """Return what tells the particles of an event apart.

        That is their index in the collection that is stored, where a column ``index`` has it; else the direction of
        the cluster, bit for bit, which the tool seeds its generator by, too: it does not change with selections.
        """
        if "index" in self.values:
            return np.ascontiguousarray(self.values["index"], dtype=np.uint64)
        eta, phi = (
            np.ascontiguousarray(self.exact(name), dtype=np.float32).view(np.uint32).astype(np.uint64)
            for name in ("cl_eta", "cl_phi")
        )
        mixed = (eta << np.uint64(32) | phi) * np.uint64(0x9E3779B97F4A7C15)  # Knuth's multiplicative hash
        return np.asarray(mixed >> np.uint64(32))

    def samples(self) -> Iterator[tuple[str, npt.NDArray[np.bool_] | None]]:
        """Return what makes event numbers unique, the sample and its run, and which particles are of each.

        Where all are of one, as in any file, None stands for all of them.
        """
        named = [self.values[name] for name in ("channel", "run_number") if name in self.values]
        if all(len(column) == 0 or (column == column[0]).all() for column in named):
            yield ":".join(str(int(column[0])) for column in named if len(column)), None
            return
        rows = np.stack([column.astype(np.int64) for column in named], axis=1)
        found, which = np.unique(rows, axis=0, return_inverse=True)
        for number, row in enumerate(found):
            yield ":".join(map(str, row.tolist())), which.reshape(-1) == number


def _lacking(name: str) -> str:
    accepted = {**OF_PARTICLES, **OF_EVENTS}[name]
    whose = "particles or their clusters" if name in OF_PARTICLES else "events"
    return f"the {whose} have no column {name} (accepted names: {', '.join(accepted)})"


def flat_columns(particles: Any, events: Any = None) -> Columns:
    """Take the columns of particles, and of the events that they are in.

    Parameters
    ----------
    particles : mapping of str to array, or ak.Array of records
        Flat columns; or records, flat or one list for each event. Of electrons and photons of PHYSLITE in NanoEvents
        the links to clusters are followed. A column ``converted``, or ``vertexLinks`` as photons of PHYSLITE have,
        makes them photons.
    events : mapping of str to array, or ak.Array of records, optional
        One entry for each event, or for each particle if they are flat. Of NanoEvents, the events themselves. By
        default the columns are looked for among those of the particles.

    Raises
    ------
    InputError
        If the lengths of columns differ, or a column has values that are missing.
    """
    if isinstance(particles, Mapping):
        given = {**particles, **(events or {})} if isinstance(events, Mapping) or events is None else None
        if given is None:
            raise InputError(f"particles are columns, but events are {type(events).__name__}; expected columns, too")
        return _of_mapping(given)
    if "awkward" in sys.modules:
        import awkward as ak

        if isinstance(particles, ak.Array):
            return _of_records(particles, events)
    raise InputError(f"particles are {type(particles).__name__}; expected columns by name, or an ak.Array of records")


def _of_mapping(given: Mapping[str, Any]) -> Columns:
    """Take flat columns by name."""
    values = {}
    for name, accepted in {**OF_PARTICLES, **OF_EVENTS}.items():
        found = next((given[one] for one in accepted if one in given), None)
        if found is not None:
            values[name] = _as_flag(name, accepted, given, np.atleast_1d(np.asarray(found)))
    lengths = {name: len(column) for name, column in values.items() if column.ndim == 1}
    if len(lengths) < len(values):
        name = next(name for name in values if name not in lengths)
        raise InputError(f"column {name} has {values[name].ndim} dimensions; expected flat columns")
    return _finished(values, lambda flat: flat)


def _as_flag(name: str, accepted: tuple[str, ...], given: Any, column: Array) -> Array:
    """Turn ATLAS's bit mask of event types into a flag, of which the first bit is simulation."""
    if name != "is_simulation" or accepted[0] in (given.fields if hasattr(given, "fields") else given):
        return column
    return (column & 1).astype(np.bool_)


def _finished(values: dict[str, Array], restore: Callable[[Array], Any]) -> Columns:
    """Check the lengths, and tell electrons from photons."""
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        first, *others = lengths.items()
        other = next(one for one in others if one[1] != first[1])
        raise InputError(f"column {first[0]} has {first[1]} entries, {other[0]} has {other[1]}; expected one length")
    count = next(iter(lengths.values()), 0)
    kind = np.full(count, slots.ELECTRON, dtype=np.int64)
    if "converted" in values:
        kind = np.where(values["converted"].astype(np.bool_), slots.CONVERTED, slots.UNCONVERTED).astype(np.int64)
    return Columns(values, kind, restore)


def _of_records(particles: Any, events: Any) -> Columns:
    """Take the columns of records, flat or one list for each event."""
    import awkward as ak

    jagged = particles.ndim > 1
    counts = ak.num(particles) if jagged else None
    clusters = _clusters(particles, events)
    values = {}
    for name, accepted in OF_PARTICLES.items():
        for record in (particles, clusters):
            found = next((record[one] for one in accepted if record is not None and one in record.fields), None)
            if found is not None:
                values[name] = _flattened(name, found)
                break
    if "cl_eta_s2" not in values and clusters is not None:
        values["cl_eta_s2"] = eta_second_layer(clusters)
    if "converted" not in values and "vertexLinks" in particles.fields:
        values["converted"] = _to_numpy(ak.flatten(ak.num(particles.vertexLinks, axis=-1) > 0, axis=None))
    record = particles if events is None else events
    record = record.EventInfo if "EventInfo" in record.fields else record
    for name, accepted in OF_EVENTS.items():
        for one in accepted:
            if one in record.fields:
                column = record[one]
                if jagged and column.ndim == 1:
                    column = ak.broadcast_arrays(column, particles.pt)[0]
                values[name] = _as_flag(name, accepted, record, _flattened(name, column))
                break
    return _finished(values, lambda flat: ak.unflatten(flat, counts) if jagged else ak.Array(flat))


def _clusters(particles: Any, events: Any) -> Any:
    """Follow the links of PHYSLITE to the first cluster of each particle; None if there are none.

    Raises
    ------
    InputError
        If links lead to more than one collection.
    """
    if "caloClusterLinks" not in particles.fields:
        return None
    import awkward as ak

    if events is None or "egammaClusters" not in events.fields:
        raise InputError("the clusters of the particles are not at hand: give the events of NanoEvents, too")
    links = ak.firsts(particles.caloClusterLinks, axis=particles.ndim)
    keys = np.unique(_to_numpy(ak.drop_none(ak.flatten(links.m_persKey, axis=None))))
    if len(keys) > 1:
        raise InputError(f"caloClusterLinks lead to {len(keys)} collections of clusters; expected egammaClusters only")
    return events.egammaClusters[links.m_persIndex]


def _flattened(name: str, column: Any) -> Array:
    """Return a column of records without its lists."""
    import awkward as ak

    flat = ak.flatten(column, axis=None) if column.ndim > 1 else column
    if len(flat) != int(ak.count(column, axis=None)) or _has_missing(column):
        raise InputError(f"column {name} has values that are missing: particles without a cluster cannot be calibrated")
    return _to_numpy(flat)


def _has_missing(column: Any) -> bool:
    import awkward as ak

    return bool(ak.any(ak.is_none(column, axis=-1), axis=None))


def _to_numpy(flat: Any) -> Array:
    import awkward as ak

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
    if not {"samplingPattern", "e_sampl", "eta_sampl"} <= set(clusters.fields):
        return _flattened("cl_eta_s2", clusters["ETA2CALOFRAME"])
    pattern = _flattened("samplingPattern", clusters.samplingPattern).astype(np.uint32)
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
    import awkward as ak

    return ak.flatten(samples, axis=1) if depth else samples


def _sampling(pattern: Array, samples: Any, number: int) -> Array:
    """Take what belongs to a sampling: values are those of the bits that are set in the pattern, in their order."""
    import awkward as ak

    below = pattern & np.uint32((1 << number) - 1)
    position = np.array([int(bits).bit_count() for bits in below], dtype=np.int64)
    counts = _to_numpy(ak.num(samples, axis=1))
    flat = _to_numpy(ak.flatten(samples, axis=1)).astype(np.float32)
    there = (pattern >> number & 1 != 0) & (position < counts)
    starts = np.concatenate(([0], np.cumsum(counts)))[:-1]
    found = np.zeros(len(pattern), dtype=np.float32)
    found[there] = flat[(starts + position)[there]]
    return found

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
        # writable, too, or the kernels would be compiled again
        return np.require(self.exact(name), np.float64, ["C", "A", "W"])

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
            return np.require(self.values["index"], np.uint64, ["C", "A", "W"])
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
            from calib.egamma.records import of_records

            return of_records(particles, events)
    raise InputError(f"particles are {type(particles).__name__}; expected columns by name, or an ak.Array of records")


def _of_mapping(given: Mapping[str, Any]) -> Columns:
    """Take flat columns by name."""
    values = {}
    for name, accepted in {**OF_PARTICLES, **OF_EVENTS}.items():
        found = next((one for one in accepted if one in given), None)
        if found is not None:
            if np.ma.is_masked(given[found]):
                raise InputError(f"column {name} has values that are missing")
            values[name] = as_flag(name, found, np.atleast_1d(np.asarray(given[found])))
    lengths = {name: len(column) for name, column in values.items() if column.ndim == 1}
    if len(lengths) < len(values):
        name = next(name for name in values if name not in lengths)
        raise InputError(f"column {name} has {values[name].ndim} dimensions; expected flat columns")
    return finished(values, lambda flat: flat)


def as_flag(name: str, found: str, column: Array) -> Array:
    """Turn ATLAS's bit mask of event types into a flag, of which the first bit is simulation."""
    return (column & 1).astype(np.bool_) if name == "is_simulation" and found != name else column


def finished(values: dict[str, Array], restore: Callable[[Array], Any]) -> Columns:
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

"""Where events are from: file and entry, which random numbers and samples are made of, and which skims keep."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

import awkward as ak
import numpy as np
import numpy.typing as npt

# Columns of skims: halves of the UUID of the file that an event was in first, and its entry there
UUID_HIGH, UUID_LOW, ENTRY = "hepcol_uuid_high", "hepcol_uuid_low", "hepcol_entry"
COLUMNS = (UUID_HIGH, UUID_LOW, ENTRY)
_HALF = 64
_LOW = (1 << _HALF) - 1

Entries = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Origin:
    """Events of a chunk, one after another, that are from one file.

    Parameters
    ----------
    uuid : str
        UUID of the file, in which entries are unique.
    rows : slice
        Which events of the chunk.
    entry : uint64[n]
        Their entries in that file.
    """

    uuid: str
    rows: slice
    entry: Entries


def origins(events: ak.Array) -> tuple[Origin, ...]:
    """Say where the events of a chunk are from; at least one origin, be it of no events.

    Those of a skim are what they were before it, so that they are smeared alike.

    Parameters
    ----------
    events : ak.Array
        Events, with the metadata that coffea's Runner and hepcol's give.
    """
    if ENTRY in events.fields and len(events):
        high, low, entry = (np.asarray(ak.to_numpy(events[name])).astype(np.uint64) for name in COLUMNS)
        return tuple(_runs(high, low, entry))
    metadata = events.metadata
    entry = np.arange(int(metadata["entrystart"]), int(metadata["entrystart"]) + len(events), dtype=np.uint64)
    return (Origin(str(metadata["fileuuid"]), slice(0, len(events)), entry),)


def _runs(high: Entries, low: Entries, entry: Entries) -> Iterator[Origin]:
    changes = np.flatnonzero((np.diff(high) != 0) | (np.diff(low) != 0)) + 1
    edges = [0, *changes.tolist(), len(entry)]
    for start, stop in pairwise(edges):
        uuid = UUID(int=(int(high[start]) << _HALF) | int(low[start]))
        yield Origin(str(uuid), slice(start, stop), entry[start:stop])


def columns_of(origins_: tuple[Origin, ...]) -> Mapping[str, Entries]:
    """Return the columns that tell where events are from, as skims have them."""
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for origin in origins_:
        number = UUID(origin.uuid).int
        for name, half in ((UUID_HIGH, number >> _HALF), (UUID_LOW, number & _LOW)):
            columns[name].append(np.full(len(origin.entry), half, dtype=np.uint64))
        columns[ENTRY].append(origin.entry)
    return {name: np.concatenate(parts) for name, parts in columns.items()}

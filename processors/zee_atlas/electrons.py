"""The electrons of events of PHYSLITE that may be of a Z: all cuts are made that no variation changes."""

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from calib.egamma.records import eta_second_layer
from hepcol.columns import Collection
from hepcol.errors import InputError
from hepcol.goodruns import GoodRuns
from hepcol.schemas import Columns
from processors.zee_atlas.selection import (
    CALO_ISOLATION,
    CANDIDATES,
    CLEAN,
    CLEANING,
    CRACK,
    ELECTRON_CUTS,
    GOOD_RUNS,
    MEDIUM,
    N_ELECTRONS,
    TRACK_ISOLATION,
    TRIGGERED,
    TRIGGERS,
)

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]

_KINEMATICS = ("pt", "eta", "phi", "m", "charge")
# Of clusters: what it is called in the calibration
_CLUSTER = {
    "cl_eta": "calEta",
    "cl_phi": "calPhi",
    "cl_eta_calo": "ETACALOFRAME",
    "cl_phi_calo": "PHICALOFRAME",
}
_MEASURED = ("pt", "eta", "phi", "charge", TRACK_ISOLATION, CALO_ISOLATION)
_LAYER_2, _SAMPLING_PATTERN = "ETA2CALOFRAME", "samplingPattern"
_EVENT = ("eventNumber", "runNumber", "eventTypeBitmask")
COLUMNS: Columns = (
    *(f"Electrons.{name}" for name in (*_KINEMATICS, MEDIUM, TRACK_ISOLATION, CALO_ISOLATION, "caloClusterLinks")),
    *(f"egammaClusters.{name}" for name in _CLUSTER.values()),
    (f"egammaClusters.{_SAMPLING_PATTERN}", f"egammaClusters.{_LAYER_2}"),
    *(f"EventInfo.{name}" for name in _EVENT),
)
RUN_OF_SIMULATION, BLOCK = "EventInfo.RandomRunNumber", "EventInfo.lumiBlock"
# what is read where it is there: of EventInfo, and of triggers
OPTIONAL = (CLEANING, "RandomRunNumber", "mcChannelNumber", "lumiBlock")
TRIGGER_COLUMNS = tuple(f"TrigMatch_{name}" for name in TRIGGERS)
# tallies
ELECTRONS, WITHOUT_CLUSTER = "electrons", "electrons without a cluster"
NOT_MEASURED, BROKEN_LINKS = "electrons that are not numbers", "trigger links to no electron"
NO_CLEANING, NO_TRIGGER = "events without cleaning", "events without triggers"


@dataclass(frozen=True, eq=False)
class Candidates:
    """Electrons that pass all cuts but that on pt, of the events that have two of them.

    Parameters
    ----------
    row : int64[m]
        Events, as positions in the chunk.
    offsets : int64[m + 1]
        Where the electrons of each begin.
    charge : float64[n]
        Electric charge.
    columns : dict of str to array
        What the calibration reads of the electrons, their clusters and events (MeV).
    """

    row: Integers
    offsets: Integers
    charge: Floats
    columns: dict[str, Column]

    def __len__(self) -> int:
        """Count the electrons."""
        return len(self.charge)


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in the events of a chunk.

    Parameters
    ----------
    candidates : Candidates
        The electrons.
    steps : dict of str to bool[events]
        Whether each event passes each step, and all before.
    tallies : dict of str to int
        Electrons that were seen, and what could not be done.
    """

    candidates: Candidates
    steps: dict[str, Booleans]
    tallies: dict[str, int]


def find_electrons(events: ak.Array, good_runs: GoodRuns | None = None) -> Found:
    """Find the electrons of a chunk of events, of good runs if a list of them is given."""
    info = events.EventInfo
    stored = Collection(events.Electrons)
    offsets, count = stored.offsets, len(events)
    event = np.repeat(np.arange(count), np.diff(offsets))
    clusters = Collection(events.egammaClusters)
    cluster, has_cluster = _cluster_rows(events, event, clusters.offsets)
    eta_s2 = _second_layer(events, clusters)
    is_measured = np.all([np.isfinite(stored[name]) for name in _MEASURED], axis=0)
    passed = has_cluster & is_measured & _pass_cuts(stored, np.abs(eta_s2[cluster].astype(np.float64)))
    clean = _read(info, CLEANING).astype(np.bool_) if CLEANING in info.fields else np.ones(count, dtype=np.bool_)
    in_good_runs = {}
    if good_runs is not None:
        good = good_runs.mask(_read(info, "runNumber"), _read(info, "lumiBlock"))
        in_good_runs = {GOOD_RUNS: good}
        clean &= good
    passed &= clean[event]
    with_two = np.bincount(event[passed], minlength=count) >= N_ELECTRONS
    fires, has_triggers, broken = _fires(events, event, offsets)
    triggered = with_two & (np.bincount(event[passed & fires], minlength=count) > 0)
    chosen = np.flatnonzero(passed & triggered[event])
    row = np.flatnonzero(triggered)
    columns = _columns(stored, clusters, info, event, chosen, cluster[chosen])
    columns |= {"cl_eta_s2": eta_s2[cluster[chosen]], "index": chosen - offsets[event[chosen]]}
    candidates = Candidates(
        row,
        np.searchsorted(event[chosen], np.append(row, count)).astype(np.int64),
        stored["charge"][chosen].astype(np.float64),
        columns,
    )
    tallies = {
        ELECTRONS: len(event),
        WITHOUT_CLUSTER: int(np.count_nonzero(~has_cluster)),
        NOT_MEASURED: int(np.count_nonzero(~is_measured)),
        BROKEN_LINKS: broken,
        NO_CLEANING: 0 if CLEANING in info.fields else count,
        NO_TRIGGER: 0 if has_triggers else count,
    }
    return Found(candidates, {**in_good_runs, CLEAN: clean, CANDIDATES: with_two, TRIGGERED: triggered}, tallies)


def _read(record: Any, name: str) -> Column:
    return np.asarray(ak.to_numpy(record[name], allow_missing=False))


def _cluster_rows(events: ak.Array, event: Integers, cluster_offsets: Integers) -> tuple[Integers, Booleans]:
    """Row of the first cluster of each electron, and whether it has one that is there.

    Raises
    ------
    InputError
        If links lead to more than one collection.
    """
    links = ak.flatten(ak.firsts(events.Electrons.caloClusterLinks, axis=2), axis=1)
    keys, index = (ak.to_numpy(ak.fill_none(links[name], 0)) for name in ("m_persKey", "m_persIndex"))
    there = ~np.asarray(ak.to_numpy(ak.is_none(links))) & (keys != 0)
    if there.any() and keys[there].min() != keys[there].max():
        raise InputError(f"caloClusterLinks lead to {len(np.unique(keys[there]))} collections; expected egammaClusters")
    there &= index < np.diff(cluster_offsets)[event]
    return np.where(there, cluster_offsets[event] + index, 0), there


def _second_layer(events: ak.Array, clusters: Collection) -> Column:
    """Pseudorapidity of clusters in the second layer, at least one of them, as rows may lead to the first."""
    if _SAMPLING_PATTERN in events.egammaClusters.fields:
        eta = eta_second_layer(ak.flatten(events.egammaClusters, axis=1))
    else:
        eta = clusters[_LAYER_2]
    return eta if len(eta) else np.zeros(1, dtype=np.float32)


def _pass_cuts(stored: Collection, abs_eta: Floats) -> Booleans:
    """Whether each electron passes the cuts."""
    pt = stored["pt"].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            MEDIUM: stored[MEDIUM],
            "abs_eta": abs_eta,
            "in_crack": (abs_eta > CRACK[0]) & (abs_eta < CRACK[1]),
            "track_isolation": stored[TRACK_ISOLATION].astype(np.float64) / pt,
            "calo_isolation": stored[CALO_ISOLATION].astype(np.float64) / pt,
        }
    passed = np.ones(len(pt), dtype=np.bool_)
    for cut in ELECTRON_CUTS:
        passed &= cut.passed(values[cut.column])
    return passed


def _fires(events: ak.Array, event: Integers, offsets: Integers) -> tuple[Booleans, bool, int]:
    """Whether each electron fires one of the triggers, whether any of them is in the file, and links to no electron.

    Without triggers all electrons fire.
    """
    broken = 0
    fires = np.zeros(len(event), dtype=np.bool_)
    collections = [name for name in TRIGGER_COLUMNS if name in events.fields]
    for collection in collections:
        matched = events[collection]
        links = matched.TrigMatchedObjects if "TrigMatchedObjects" in matched.fields else matched
        index = ak.flatten(links.m_persIndex, axis=2)  # combinations of one electron have one link each
        of_event = np.repeat(np.arange(len(events)), ak.to_numpy(ak.num(index, axis=1)))
        position = np.asarray(ak.to_numpy(ak.flatten(index, axis=1)))
        there = position < np.diff(offsets)[of_event]
        fires[(offsets[of_event] + position)[there]] = True
        broken += int(np.count_nonzero(~there))
    return (fires if collections else ~fires), bool(collections), broken


def _columns(
    stored: Collection, clusters: Collection, info: Any, event: Integers, chosen: Integers, cluster: Integers
) -> dict[str, Column]:
    """Take what the calibration reads."""
    columns = {name: stored[name][chosen] for name in ("pt", "eta", "phi", "m")}
    columns |= {name: clusters[branch][cluster] for name, branch in _CLUSTER.items()}
    of_event = {
        "event_number": "eventNumber",
        "run_number": "runNumber",
        "random_run_number": "RandomRunNumber",
        "channel": "mcChannelNumber",
    }
    columns |= {name: _read(info, branch)[event[chosen]] for name, branch in of_event.items() if branch in info.fields}
    columns["is_simulation"] = (_read(info, "eventTypeBitmask")[event[chosen]] & 1).astype(np.bool_)
    return columns


def check_form(events: ak.Array, is_simulation: bool) -> None:
    """Refuse events that are not what their dataset is said to be, or not all.

    Raises
    ------
    InputError
        If there are any.
    """
    others = int(np.count_nonzero((_read(events.EventInfo, "eventTypeBitmask") & 1).astype(np.bool_) != is_simulation))
    if others:
        said, is_none = ("simulation", "data") if is_simulation else ("data", "simulation")
        raise InputError(f"{others} of {len(events)} events are {is_none}, in a dataset of {said}: one at a time")


def check_unique(events: ak.Array) -> None:
    """Refuse events that are there twice: their electrons would be smeared alike.

    Raises
    ------
    InputError
        If there are any.
    """
    number = _read(events.EventInfo, "eventNumber")
    if len(np.unique(number)) == len(number):
        return
    identity = np.stack([_read(events.EventInfo, "runNumber").astype(np.uint64), number.astype(np.uint64)], axis=1)
    repeated = len(identity) - len(np.unique(identity, axis=0))
    if repeated:
        raise InputError(
            f"{repeated} of {len(identity)} events have run and event number of another, and would be smeared like it; "
            "duplicates=keep takes them all the same"
        )

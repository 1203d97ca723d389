"""From the objects of an event to what its row in each of the flat trees would say: observables, and regions passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.columns import JaggedColumns
from hepcol.errors import InputError
from hepcol.kernels._jit import Floats, Integers, Unsigned
from hepcol.random import stream_key
from hepcol.selection import BoolArray, Cut, Region
from processors.stop4b.campaigns import CAMPAIGNS
from processors.stop4b.fill import check_numbers
from processors.stop4b.kernels import layout
from processors.stop4b.kernels.select import select as select_events
from processors.stop4b.observables import Column
from processors.stop4b.response import JER_STREAM, NAMESPACE, SOFT_STREAM, tables

EVENT_COLUMNS = ("passBadEvents", "MET_trigger")  # what regions may cut on beside the observables
MAX_REGIONS = 63
_ELECTRON_MAX_D0SIG, _MUON_MAX_D0SIG = 5.0, 3.0  # samples.stop4b.selection
_SOFT = ("soft_px", "soft_py")
_LEPTON = ("pt", "eta", "phi", "truth_pt", "charge", "iff", "isMedium", "isIso", "d0sig")
_JET = ("pt", "eta", "phi", "m", "ntrk", "isb", "passJvt", "flavour")
COLUMNS = (
    *(f"Electron_{name}" for name in _LEPTON),
    *(f"Muon_{name}" for name in _LEPTON),
    *(f"Jet_{name}" for name in _JET),
    "eventNumber",
    *_SOFT,
    *EVENT_COLUMNS,
)
# The types of the observables in flat trees; those that are not here are of single precision
_TYPES: dict[str, type] = {
    **dict.fromkeys(("nlep", "njet", "nbjet", "IFFTypeLep1", "IFFTypeLep2"), np.int8),
    **dict.fromkeys(("isSignalLep1", "isSignalLep2", "isOS", "isSF"), np.bool_),
}


@dataclass(frozen=True, eq=False)
class Selected:
    """What was found in the events of a chunk.

    Parameters
    ----------
    rows : int64[n]
        Events that have a row in the nominal tree.
    columns : dict of str to array[n]
        Their observables, as the tree has them.
    passed : uint64[events, variations]
        Regions that each event passes in each variation, as bits.
    variations : tuple of str
        Names of the variations.
    touched : int64[campaigns, variations]
        Events of which each variation changes anything.
    """

    rows: Integers
    columns: dict[str, Column]
    passed: Unsigned
    variations: tuple[str, ...]
    touched: Integers

    def rows_of(self, region: int, variation: int) -> Integers:
        """Events that pass a region in a variation."""
        some, passed = self._passing
        return some[(passed[:, variation] & (np.uint64(1) << np.uint64(region))) != 0]

    @cached_property
    def _passing(self) -> tuple[Integers, Unsigned]:
        """Events that pass any region in any variation, and which: they are few."""
        some = np.flatnonzero(self.passed.any(axis=1))
        return some, self.passed[some]


def select(events: ak.Array, campaign: Integers, regions: Sequence[Region], variations: tuple[str, ...]) -> Selected:
    """Select the events of a chunk in some variations, of which the first is the nominal one.

    Parameters
    ----------
    events : ak.Array
        Events of an object file.
    campaign : int64[n]
        Their campaigns, as positions on the axis.
    regions : sequence of Region
        The regions.
    variations : tuple of str
        Names of the variations, as in :data:`processors.stop4b.response.VARIATIONS`.
    """
    count = len(events)
    electrons, muons, jets = (JaggedColumns(events, prefix) for prefix in ("Electron", "Muon", "Jet"))
    jet = _read(jets, _JET)
    soft = {name: np.asarray(events[name]) for name in _SOFT}
    check_numbers(soft, _SOFT, "soft term")
    in_tracker = np.abs(jet["eta"].astype(np.float64)) < layout.TRACKER_MAX_ETA
    jet_marks = (jet["ntrk"], jet["isb"] & in_tracker, jet["passJvt"], jet["flavour"])
    observables = np.zeros((count, len(layout.OBSERVABLES)), dtype=np.float32)
    in_skim = np.zeros(count, dtype=np.bool_)
    passed = np.zeros((count, len(variations)), dtype=np.uint64)
    touched = np.zeros((len(CAMPAIGNS), len(variations)), dtype=np.int64)
    select_events(
        *_leptons(electrons, _ELECTRON_MAX_D0SIG),
        *_leptons(muons, _MUON_MAX_D0SIG),
        jets.offsets,
        _stacked([jet[name] for name in ("pt", "eta", "phi", "m")], np.float64),
        _stacked(jet_marks, np.int64),
        _stacked(list(soft.values()), np.float64),
        np.asarray(events["eventNumber"]).astype(np.uint64),
        campaign,
        np.array([stream_key(0, stream, NAMESPACE) for stream in (JER_STREAM, SOFT_STREAM)]),
        *tables(variations),
        *_cuts(regions),
        _may_pass(events, regions),
        observables,
        in_skim,
        passed,
        touched,
    )
    rows = np.flatnonzero(in_skim)
    columns: dict[str, Column] = {
        name: observables[rows, k].astype(_TYPES.get(name, np.float32)) for k, name in enumerate(layout.OBSERVABLES)
    }
    columns |= {name: np.asarray(events[name])[rows] for name in EVENT_COLUMNS}
    return Selected(rows, columns, passed, variations, touched)


def _read(objects: JaggedColumns, names: Sequence[str]) -> dict[str, Column]:
    """Read columns of objects, all of which have to be numbers."""
    columns = {name: objects[name] for name in names}
    check_numbers(columns, names, f"objects {objects.prefix}")
    return columns


def _leptons(leptons: JaggedColumns, max_d0sig: float) -> tuple[Integers, Floats, Integers]:
    """Return offsets, momenta and marks of leptons, as the kernel takes them."""
    of = _read(leptons, _LEPTON)
    is_signal = of["isMedium"] & of["isIso"] & (np.abs(of["d0sig"].astype(np.float64)) < max_d0sig)
    return (
        leptons.offsets,
        _stacked([of[name] for name in ("pt", "eta", "phi", "truth_pt")], np.float64),
        _stacked((of["charge"], of["iff"], is_signal), np.int64),
    )


def _stacked(columns: Sequence[Column], dtype: type) -> npt.NDArray[Any]:
    """Columns as the rows of one array."""
    stacked: npt.NDArray[Any] = np.empty((len(columns), len(columns[0])), dtype=dtype)
    for row, column in zip(stacked, columns, strict=True):
        row[:] = column
    return stacked


def _may_pass(events: ak.Array, regions: Sequence[Region]) -> Unsigned:
    """Regions that each event may pass, as bits: those whose cuts on event columns it passes."""
    alive = np.full(len(events), (1 << len(regions)) - 1, dtype=np.uint64)
    masks: dict[Cut, BoolArray] = {}
    for bit, region in enumerate(regions):
        for cut in region.cuts:
            if cut.column in EVENT_COLUMNS:
                if cut not in masks:
                    masks[cut] = cut.passed(np.asarray(events[cut.column]))
                alive[~masks[cut]] &= ~(np.uint64(1) << np.uint64(bit))
    return alive


def check_cuts(regions: Sequence[Region]) -> None:
    """Refuse cuts that are not possible on objects.

    Raises
    ------
    InputError
        If there is one.
    """
    if len(regions) > MAX_REGIONS:
        raise InputError(f"{len(regions)} regions: at most {MAX_REGIONS} from object files")
    known = (*EVENT_COLUMNS, *layout.OBSERVABLES)
    for region in regions:
        for cut in region.cuts:
            if cut.column not in known:
                raise InputError(
                    f"region {region.name}: no cut on column '{cut.column}' of object files; accepted: "
                    + ", ".join(known)
                )
            if len(cut.equal) > 1 and not all(value in range(layout.MAX_ACCEPTED) for value in cut.equal):
                raise InputError(
                    f"region {region.name}, cut '{cut.label}': of object files, several accepted values have to be "
                    f"whole numbers from 0 to {layout.MAX_ACCEPTED - 1}"
                )


def _cuts(regions: Sequence[Region]) -> tuple[Integers, Integers, Floats, Unsigned, Unsigned]:
    """Cuts on observables as the kernel takes them; one that several regions have is one."""
    masks: dict[Cut, int] = {}
    for bit, region in enumerate(regions):
        for cut in region.cuts:
            if cut.column not in EVENT_COLUMNS:
                masks[cut] = masks.get(cut, 0) | 1 << bit
    number = layout.OBSERVABLES.index
    cuts = sorted(masks, key=lambda cut: number(cut.column))
    return (
        np.array([0, *(sum(number(cut.column) < end for cut in cuts) for end in layout.STAGES)]),
        np.array([number(cut.column) for cut in cuts], dtype=np.int64),
        np.array([_bounds(cut) for cut in cuts], dtype=np.float64).reshape(-1, 2),
        np.array([_accepted(cut) for cut in cuts], dtype=np.uint64),
        np.array([masks[cut] for cut in cuts], dtype=np.uint64),
    )


def _bounds(cut: Cut) -> tuple[float, float]:
    """Smallest and largest accepted value, in double precision."""
    exactly = list(cut.equal) if len(cut.equal) == 1 else []
    low = [-np.inf, *exactly] + [bound for bound in (cut.at_least,) if bound is not None]
    low += [float(np.nextafter(bound, np.inf)) for bound in (cut.above,) if bound is not None]
    high = [np.inf, *exactly] + [bound for bound in (cut.at_most,) if bound is not None]
    high += [float(np.nextafter(bound, -np.inf)) for bound in (cut.below,) if bound is not None]
    return max(low), min(high)


def _accepted(cut: Cut) -> int:
    """Return the accepted whole numbers, as bits; 0 for any."""
    return sum(1 << int(value) for value in set(cut.equal)) if len(cut.equal) > 1 else 0


@cache
def compile_kernels() -> None:
    """Compile the kernel, or load it from the cache."""
    nothing = ak.Array({name: np.zeros(0) for name in (*_SOFT, "eventNumber")})
    for name in EVENT_COLUMNS:
        nothing[name] = np.zeros(0, dtype=np.bool_)
    for prefix, names in (("Electron", _LEPTON), ("Muon", _LEPTON), ("Jet", _JET)):
        for name in names:
            nothing[f"{prefix}_{name}"] = ak.Array([[0]])[:0]
    cut = Cut("", "MET", above=0.0)
    select(nothing, np.zeros(0, dtype=np.int64), (Region("", (cut,)),), ("nominal",))

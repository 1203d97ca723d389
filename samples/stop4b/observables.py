"""Rows of a flat tree: the leading objects and the derived variables of the search (SPEC 3 and 9)."""

import numpy as np

from samples.collection import Collection, Column
from samples.draws import Floats
from samples.stop4b import kernels
from samples.stop4b.columns import Events
from samples.stop4b.selection import (
    ELECTRON_MAX_D0SIG,
    MUON_MAX_D0SIG,
    Bools,
    Momenta,
    Selected,
    is_b_tagged,
    is_signal,
    rapidity,
)
from samples.stop4b.truth import PROMPT_CLASSES, Integers

_ELECTRON, _MUON = 11, 13
N_LEPTONS, N_JETS = 2, 4
NO_JET_DISTANCE = 1000.0
_NO_OBJECT = -1


def observe(events: Events, momenta: Momenta, selected: Selected) -> dict[str, Column]:
    """Columns of the events that pass the skim, without ids and weights."""
    rows = np.flatnonzero(selected.passes_skim)
    leptons = _leading_leptons(events, momenta, selected, rows)
    jets, jet_columns = _leading_jets(events, momenta, selected, rows)
    met_x, met_y = selected.met_x[rows], selected.met_y[rows]
    columns = {
        "isTruthMatched": np.all(np.isin(leptons["iff"], PROMPT_CLASSES), axis=1),
        "nlep": selected.n_leptons[rows].astype(np.int8),
    }
    for k in range(N_LEPTONS):
        columns |= {
            f"lep{k + 1}pT": leptons["pt"][:, k],
            f"lep{k + 1}eta": leptons["eta"][:, k],
            f"lep{k + 1}phi": leptons["phi"][:, k],
            f"lepflav{k + 1}": (-leptons["charge"] * leptons["flavour"])[:, k].astype(np.int8),
            f"isSignalLep{k + 1}": leptons["signal"][:, k],
            f"isMediumlep{k + 1}": leptons["medium"][:, k],
            f"IFFTypeLep{k + 1}": leptons["iff"][:, k].astype(np.int8),
            f"lep{k + 1}d0sig": leptons["d0sig"][:, k],
        }
    columns |= {
        "isOS": leptons["charge"][:, 0] * leptons["charge"][:, 1] < 0,
        "isSF": leptons["flavour"][:, 0] == leptons["flavour"][:, 1],
        **jet_columns,
        "MET": np.hypot(met_x, met_y),
        "METphi": np.arctan2(met_y, met_x),
        "METsig": selected.significance[rows],
        "TST_soft": np.hypot(momenta.soft_x, momenta.soft_y)[rows],
        "minDRl2j": _distance_to_jets(events.jets, selected.jet, rows, leptons["eta"][:, 1], leptons["phi"][:, 1]),
    }
    columns |= _derive(leptons, jets, met_x, met_y)
    return {name: _as_stored(column) for name, column in columns.items()}


def _as_stored(column: Column) -> Column:
    return column.astype(np.float32) if column.dtype == np.float64 else column


def leading(event: Integers, pt: Floats, n_events: int, count: int) -> Integers:
    """Rows of the ``count`` objects of largest pt of each event, in the given order where equal; -1 if there are fewer.

    ``event`` and ``pt`` are of the objects, in any order.
    """
    order = np.lexsort((-pt, event))
    sizes = np.bincount(event, minlength=n_events)
    position = np.arange(len(event)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = position < count
    found = np.full((n_events, count), _NO_OBJECT, dtype=np.int64)
    found[event[order][chosen], position[chosen]] = order[chosen]
    return found


def _leading_leptons(events: Events, momenta: Momenta, selected: Selected, rows: Integers) -> dict[str, Column]:
    """Columns ``[n, 2]`` of the two leading leptons left; electrons first where momenta are equal."""
    electrons, muons = events.electrons, events.muons
    electron, muon = np.flatnonzero(selected.electron), np.flatnonzero(selected.muon)

    def both(name: str) -> Column:
        return np.concatenate([electrons[name][electron], muons[name][muon]])

    pt = np.concatenate([momenta.electron_pt[electron], momenta.muon_pt[muon]])
    event = np.concatenate([electrons.event[electron], muons.event[muon]])
    signal = [
        is_signal(electrons, ELECTRON_MAX_D0SIG)[electron],
        is_signal(muons, MUON_MAX_D0SIG)[muon],
    ]
    found = leading(event, pt, len(events), N_LEPTONS)[rows]
    columns = {
        "pt": pt,
        "eta": both("eta"),
        "phi": both("phi"),
        "charge": both("charge").astype(np.int64),
        "iff": both("iff"),
        "d0sig": both("d0sig"),
        "medium": both("isMedium"),
        "signal": np.concatenate(signal),
        "flavour": np.repeat([_ELECTRON, _MUON], [len(electron), len(muon)]),
    }
    return {name: column[found] for name, column in columns.items()}


def _leading_jets(
    events: Events, momenta: Momenta, selected: Selected, rows: Integers
) -> tuple[Floats, dict[str, Column]]:
    """Momenta ``[n, 4]`` of the leading signal jets, zero if absent, and the columns of jets."""
    kept = np.flatnonzero(selected.jet)
    jets, event = events.jets, events.jets.event[kept]
    found = leading(event, momenta.jet_pt[kept], len(events), N_JETS)[rows]
    absent = found == _NO_OBJECT
    tagged = is_b_tagged(jets)[kept]

    def pick(column: Column) -> Column:
        padded = np.concatenate([column, np.zeros(1, dtype=column.dtype)])
        return np.where(absent, padded[-1], padded[found])

    pt, eta, phi, isb = (
        pick(column) for column in (momenta.jet_pt[kept], jets["eta"][kept], jets["phi"][kept], tagged)
    )
    columns = {
        "njet": np.bincount(event, minlength=len(events))[rows].astype(np.int8),
        "nbjet": np.bincount(event[tagged], minlength=len(events))[rows].astype(np.int8),
    }
    for k in range(N_JETS):
        columns |= {
            f"jet{k + 1}pT": pt[:, k],
            f"jet{k + 1}eta": eta[:, k],
            f"jet{k + 1}phi": phi[:, k],
            f"jet{k + 1}isb": isb[:, k],
        }
    return pt, columns


def _distance_to_jets(jets: Collection, kept: Bools, rows: Integers, eta: Floats, phi: Floats) -> Floats:
    """Smallest distance (rapidity of the jet) of a lepton of each row to a signal jet."""
    row_of_event = np.full(len(jets.offsets) - 1, _NO_OBJECT)
    row_of_event[rows] = np.arange(len(rows))
    row = row_of_event[jets.event]
    chosen = np.flatnonzero(kept & (row != _NO_OBJECT))
    row = row[chosen]
    dphi = np.abs(jets["phi"][chosen] - phi[row])
    distance = np.hypot(rapidity(jets)[chosen] - eta[row], np.minimum(dphi, 2 * np.pi - dphi))
    smallest = np.full(len(rows), NO_JET_DISTANCE)
    np.minimum.at(smallest, row, distance)
    return smallest


def _derive(leptons: dict[str, Column], jet_pt: Floats, met_x: Floats, met_y: Floats) -> dict[str, Column]:
    """Variables of SPEC 3; leptons are massless."""
    pt, eta, phi = (leptons[name] for name in ("pt", "eta", "phi"))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = pt * np.cosh(eta)
    met, lepton_sum = np.hypot(met_x, met_y), pt[:, 0] + pt[:, 1]
    boost_x, boost_y = met_x + px.sum(axis=1), met_y + py.sum(axis=1)
    square = energy.sum(axis=1) ** 2 - px.sum(axis=1) ** 2 - py.sum(axis=1) ** 2 - pz.sum(axis=1) ** 2
    stransverse = np.empty(len(met))
    kernels.stransverse_mass(
        *(np.ascontiguousarray(axis[:, k]) for k in range(N_LEPTONS) for axis in (px, py)), met_x, met_y, stransverse
    )
    return {
        "mll": np.sqrt(np.maximum(square, 0.0)),
        "pbll": np.hypot(boost_x, boost_y),
        "dphi_boost": _angle(np.arctan2(met_y, met_x), np.arctan2(boost_y, boost_x)),
        "R2l": met / lepton_sum,
        "R2l4j": met / (met + lepton_sum + jet_pt.sum(axis=1)),
        "MT2": stransverse,
        "pTll": np.hypot(px.sum(axis=1), py.sum(axis=1)),
        "dphill": _angle(phi[:, 0], phi[:, 1]),
    }


def _angle(first: Floats, second: Floats) -> Floats:
    """Angle between two azimuths, 0 to pi."""
    difference = np.abs(first - second)
    return np.minimum(difference, 2 * np.pi - difference)

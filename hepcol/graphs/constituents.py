"""The constituents of jets, as what events and arrays are made into before graphs are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.columns import Collection
from hepcol.errors import InputError
from hepcol.kernels import constituents as kernels

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]
_ROUNDING = 2.0**-10  # of a mass from E^2 - p^2 in single precision, as a part of p; sqrt(2^-23) is 2^-11.5
MOMENTA = ("pt", "eta", "phi", "mass")
IDENTITY = ("run", "luminosityBlock", "event")  # of CMS events


@dataclass(frozen=True)
class Collections:
    """Names of the collections of a file with jets, and of the columns that link them."""

    jets: str
    links: str
    candidates: str
    jet_index: str = "jetIdx"
    candidate_index: str = "pFCandsIdx"


# PFNano; see the documentation of its branches in cms-jet/PFNano
COLLECTIONS = {
    one.jets: one
    for one in (
        Collections("FatJet", "FatJetPFCands", "PFCands"),
        Collections("Jet", "JetPFCands", "PFCands"),
        Collections("GenJetAK8", "GenFatJetCands", "GenCands"),
        Collections("GenJet", "GenJetCands", "GenCands"),
    )
}


@dataclass(frozen=True, eq=False)
class Constituents:
    """Constituents of jets, all jets one after another.

    Parameters
    ----------
    pt, eta, phi : array[n]
        Momenta [GeV, rad].
    offsets : int64[jets + 1]
        The constituents of jet ``k`` are ``offsets[k]`` up to ``offsets[k + 1]``.
    mass : array[n], optional
        Masses [GeV]; 0 without. Those below 0 by rounding, as in files that made them of energy and momentum, are 0.
    columns : dict of str to array[n]
        What else is known of the constituents.
    jets : dict of str to array[jets]
        What is known of the jets: ``row`` is the row of its event, ``jet`` its number among those of the event.
    lost_links : int
        Links between jets and candidates that lead nowhere, and were not followed.

    Raises
    ------
    InputError
        If columns differ in length, offsets are none, or a momentum is not finite.
    """

    pt: Array
    eta: Array
    phi: Array
    offsets: Integers
    mass: Array | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)
    jets: Mapping[str, Array] = field(default_factory=dict)
    lost_links: int = 0

    def __post_init__(self) -> None:
        offsets = np.ascontiguousarray(self.offsets, dtype=np.int64)
        object.__setattr__(self, "offsets", offsets)
        mass = np.zeros(len(self.pt)) if self.mass is None else self.mass
        object.__setattr__(self, "mass", mass)
        if offsets.ndim != 1 or len(offsets) == 0 or offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise InputError(f"offsets of constituents must begin with 0 and not decrease, got {offsets[:5]}")
        for name in MOMENTA:
            column = np.asarray(getattr(self, name))
            if column.shape != (offsets[-1],):
                raise InputError(
                    f"column {name} of constituents has the shape {column.shape}, expected ({offsets[-1]},)"
                )
            _check_finite(name, column)
            object.__setattr__(self, name, column)
        if len(self.pt) and self.pt.min() < 0.0:
            where = int(np.argmin(self.pt))
            raise InputError(f"pt of constituent {where} is {self.pt[where]} GeV, expected at least 0")
        object.__setattr__(self, "mass", _without_rounding(mass, self.pt, self.eta))
        for what, columns, expected in (("constituents", self.columns, offsets[-1]), ("jets", self.jets, len(self))):
            for name, column in columns.items():
                if np.shape(column) != (expected,):
                    raise InputError(
                        f"column {name} of {what} has the shape {np.shape(column)}, expected ({expected},)"
                    )

    def __len__(self) -> int:
        """Count the jets."""
        return len(self.offsets) - 1

    @classmethod
    def from_awkward(cls, constituents: ak.Array, jets: int | None = None) -> Self:
        """Take nested records, ``jets * var * {pt, eta, phi, ...}`` or ``events * var * var * {...}``.

        Parameters
        ----------
        constituents : ak.Array
            Records with ``pt``, ``eta`` and ``phi``, and ``mass`` where there is one; other numbers come along.
        jets : int, optional
            Of events, the number of jets that are taken, the first ones; by default all.

        Raises
        ------
        InputError
            If there is no such field, or the records are not in one or two lists.
        """
        depth = constituents.ndim
        if depth not in (2, 3):
            raise InputError(
                f"constituents have the type {constituents.type}; expected jets * var * {{...}} or "
                "events * var * var * {...}"
            )
        missing = [name for name in MOMENTA[:3] if name not in constituents.fields]
        if missing:
            raise InputError(f"constituents have no field {missing[0]}; they have {', '.join(constituents.fields)}")
        columns: dict[str, Array] = {}
        if depth == 3:  # noqa: PLR2004  (events, jets, constituents)
            chosen = constituents if jets is None else constituents[:, :jets]
            counts = ak.to_numpy(ak.num(chosen, axis=1))
            columns = {
                "row": np.repeat(np.arange(len(chosen)), counts),
                "jet": ak.to_numpy(ak.flatten(ak.local_index(chosen, axis=1))),
            }
            constituents = ak.flatten(chosen, axis=1)
        flat = Collection(constituents)
        stored = {name: flat[name] for name in constituents.fields if _is_number(constituents[name])}
        return cls(
            stored.pop("pt"),
            stored.pop("eta"),
            stored.pop("phi"),
            flat.offsets,
            stored.pop("mass", None),
            stored,
            columns or {"row": np.arange(len(constituents)), "jet": np.zeros(len(constituents), np.int64)},
        )

    @classmethod
    def from_events(
        cls, events: ak.Array, collection: str = "FatJet", jets: int | None = 2, columns: tuple[str, ...] = ()
    ) -> Self:
        """Take the jets of NanoEvents of PFNano, whose constituents are linked.

        Parameters
        ----------
        events : ak.Array
            NanoEvents with PFNanoAODSchema.
        collection : {"FatJet", "Jet", "GenJetAK8", "GenJet"}
            Jets.
        jets : int, optional
            Jets of each event that are taken, those of highest pt; None for all.
        columns : tuple of str
            Columns of the candidates that come along.

        Raises
        ------
        InputError
            If there is no such collection or column.
        """
        names = named(collection)
        for name in (names.jets, names.links, names.candidates):
            if name not in events.fields:
                raise InputError(f"the events have no collection {name}, which holds the jets {collection}")
        all_jets, links, candidates = (Collection(events[name]) for name in (names.jets, names.links, names.candidates))
        missing = [name for name in columns if name not in events[names.candidates].fields]
        if missing:
            raise InputError(
                f"candidates {names.candidates} have no column {missing[0]}; they have "
                f"{', '.join(sorted(events[names.candidates].fields))}"
            )
        jet_pt = _as_double(all_jets["pt"])
        chosen, chosen_offsets = kernels.leading(jet_pt, all_jets.offsets, -1 if jets is None else jets)
        found, offsets, lost = kernels.linked(
            chosen,
            chosen_offsets,
            all_jets.offsets,
            *(np.asarray(links[name], dtype=np.int64) for name in (names.jet_index, names.candidate_index)),
            links.offsets,
            candidates.offsets,
        )
        taken = {name: candidates[name][found] for name in (*MOMENTA, *columns)}
        row = np.repeat(np.arange(len(events)), np.diff(chosen_offsets))
        of_jets = {"row": row, "jet": chosen - all_jets.offsets[row]}
        of_jets |= {f"jet_{name}": all_jets[name][chosen] for name in MOMENTA}
        of_jets |= {name: ak.to_numpy(events[name])[row] for name in IDENTITY if name in events.fields}
        pt, eta, phi, mass = (taken.pop(name) for name in MOMENTA)
        return cls(pt, eta, phi, offsets, mass, taken, of_jets, int(lost))


def named(collection: str) -> Collections:
    """Return the names that go with a collection of jets.

    Raises
    ------
    InputError
        If it is none of those that are known.
    """
    try:
        return COLLECTIONS[collection]
    except KeyError:
        raise InputError(f"jets must be one of {', '.join(COLLECTIONS)}, got '{collection}'") from None


def _as_double(column: Array) -> npt.NDArray[np.float64]:
    return np.ascontiguousarray(column, dtype=np.float64)


def _without_rounding(mass: Array, pt: Array, eta: Array) -> Array:
    """Take masses below 0 as 0, where single precision of energies and momenta makes them so."""
    below = np.flatnonzero(mass < 0)
    if not len(below):
        return mass
    momentum = pt[below].astype(np.float64) * np.cosh(eta[below].astype(np.float64))
    wrong = below[mass[below] < -_ROUNDING * momentum]
    if len(wrong):
        raise InputError(f"mass of constituent {wrong[0]} is {mass[wrong[0]]} GeV, expected at least 0")
    kept = mass.copy()
    kept[below] = 0.0
    return kept


def _is_number(column: ak.Array) -> bool:
    """Whether a column of constituents has one number for each."""
    kind = ak.type(ak.flatten(column, axis=None)[:0]).content
    return column.ndim == 2 and isinstance(kind, ak.types.NumpyType)  # noqa: PLR2004  (jets and constituents)


def _check_finite(name: str, column: Array) -> None:
    """Refuse what is not finite: a graph of it would have no edges, without a word."""
    finite = np.isfinite(column)
    if not finite.all():
        where = int(np.argmin(finite))
        raise InputError(f"{name} of constituent {where} is {column[where]}, expected a finite number")

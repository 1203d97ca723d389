"""The constituents of jets, as what events and arrays are made into before graphs are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.columns import Collection
from hepcol.errors import InputError
from hepcol.graphs.offsets import owner_of
from hepcol.kernels import constituents as kernels

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]
_ROUNDING = 2.0**-10  # of a mass from E^2 - p^2 in single precision, as a part of p; sqrt(2^-23) is 2^-11.5
# What momenta may be for every frame and feature to be finite in single precision, and what nature does not exceed:
# energies up to 2^64 GeV, more than Planck's; azimuths that have digits behind the point; of what has no momentum,
# pseudorapidities whose differences are finite
_MOST_ENERGY, _MOST_ETA, _MOST_PHI = 2.0**64, 2.0**126, 2.0**20
_LEAST_PT = 2.0**-126  # the smallest normal number in single precision
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
        Momenta [GeV, rad]. A pt below 2^-126 GeV, the smallest normal number in single precision, is 0: there is no
        momentum, wherever it points. Otherwise pt cosh(eta) is at most 2^64 GeV.
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
    first_entry : int, optional
        Entry in its file of the event in row 0, for messages.

    Momenta and offsets are copied, and cannot be written to: what was checked stays as it is.

    Raises
    ------
    InputError
        If columns differ in length, offsets are none, or a momentum is not finite, negative or beyond what is above.
    """

    pt: Array
    eta: Array
    phi: Array
    offsets: Integers
    mass: Array | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)
    jets: Mapping[str, Array] = field(default_factory=dict)
    lost_links: int = 0
    first_entry: int | None = None

    def __post_init__(self) -> None:
        offsets = np.array(self.offsets, dtype=np.int64)
        if offsets.ndim != 1 or len(offsets) == 0 or offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise InputError(f"offsets of constituents must begin with 0 and not decrease, got {offsets[:5]}")
        self._keep("offsets", offsets)
        if self.mass is None:
            object.__setattr__(self, "mass", np.zeros(offsets[-1]))
        momenta = {name: np.array(getattr(self, name)) for name in MOMENTA}
        for what, columns, expected in (
            ("constituents", {**momenta, **self.columns}, offsets[-1]),
            ("jets", self.jets, len(self)),
        ):
            for name, column in columns.items():
                if np.shape(column) != (expected,):
                    raise InputError(
                        f"column {name} of {what} has the shape {np.shape(column)}, expected ({expected},)"
                    )
        for name, column in momenta.items():
            if column.dtype.kind not in "biuf":
                raise InputError(f"column {name} of constituents has the type {column.dtype}, expected numbers")
            momenta[name] = column.astype(np.result_type(column, np.float32), copy=False)
        self._check(momenta)
        for name, column in momenta.items():
            self._keep(name, column)

    def _keep(self, name: str, column: Array) -> None:
        column.setflags(write=False)
        object.__setattr__(self, name, column)

    def _check(self, momenta: Mapping[str, Array]) -> None:
        """Refuse what no frame can hold, and take what is 0 but for rounding as 0."""
        pt, eta, phi, mass = momenta.values()
        for name, column in momenta.items():
            self._refuse(~np.isfinite(column), name, column, "expected a finite number")
        self._refuse(pt < 0, "pt", pt, "expected at least 0", " GeV")
        pt[pt < _LEAST_PT] = 0
        self._refuse(_beyond(eta, _MOST_ETA), "eta", eta, f"expected at most {_MOST_ETA:.2g}")
        self._refuse(_beyond(phi, _MOST_PHI), "phi", phi, f"expected at most {_MOST_PHI:g} rad", " rad")
        self._refuse(mass > _MOST_ENERGY, "mass", mass, f"expected at most {_MOST_ENERGY:.2g} GeV", " GeV")
        momentum = _too_large(pt, eta)
        if momentum is not None:
            expected = f"expected a momentum pt cosh(eta) of at most {_MOST_ENERGY:.2g} GeV"
            where = int(np.argmax(momentum))
            self._refuse(momentum, "eta", eta, f"with pt {pt[where]} GeV; {expected}")
        self._refuse(_without_rounding(mass, pt, eta), "mass", mass, "expected at least 0", " GeV")

    def _refuse(self, wrong: Array, name: str, column: Array, expected: str, unit: str = "") -> None:
        if wrong.any():
            where = int(np.argmax(wrong))
            raise InputError(f"{name} of {self.place(where)} is {column[where]}{unit}, {expected}")

    def place(self, position: int) -> str:
        """Say which constituent, of which jet, is at a position in the columns."""
        jet = owner_of(self.offsets, position)
        said = f"constituent {position - self.offsets[jet]} of jet "
        if not {"row", "jet"} <= set(self.jets):
            return f"{said}{jet}"
        row = int(self.jets["row"][jet])
        event = f"row {row}" if self.first_entry is None else f"entry {self.first_entry + row}"
        identity = ", ".join(f"{name} {self.jets[name][jet]}" for name in IDENTITY if name in self.jets)
        return f"{said}{self.jets['jet'][jet]} of {event}" + (f" ({identity})" if identity else "")

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
        if not isinstance(constituents, ak.Array):
            raise InputError(
                f"constituents are a {type(constituents).__name__}; expected hepcol.graphs.Constituents or an awkward "
                "array, jets * var * {pt, eta, phi} or events * var * var * {pt, eta, phi}"
            )
        constituents = _typed(constituents)
        depth = constituents.ndim
        if depth not in (2, 3):
            raise InputError(
                f"constituents have the type {constituents.type}; expected jets * var * {{...}} or "
                "events * var * var * {...}"
            )
        missing = [name for name in MOMENTA[:3] if name not in constituents.fields]
        if missing:
            raise InputError(f"constituents have no field {missing[0]}; they have {', '.join(constituents.fields)}")
        if any(ak.any(ak.is_none(constituents["pt"], axis=axis), axis=None) for axis in range(depth)):
            raise InputError(f"constituents have the type {constituents.type}, expected none that is None")
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
        stored = {name: _column(flat, name) for name in constituents.fields if _is_number(constituents[name], name)}
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
        return cls(pt, eta, phi, offsets, mass, taken, of_jets, int(lost), _first_entry(events))


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


def _first_entry(events: ak.Array) -> int | None:
    """Entry in its file of the first event, where these are a whole chunk that says so."""
    told = getattr(events, "metadata", None) or {}
    if "entrystart" not in told or told.get("entrystop") != told["entrystart"] + len(events):
        return None
    return int(told["entrystart"])


def _beyond(column: Array, most: float) -> Array:
    return (column > most) | (column < -most)


def _too_large(pt: Array, eta: Array) -> Array | None:
    """Tell which momenta are too large; None if none can be."""
    if not len(pt):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        if float(pt.max()) * np.cosh(float(np.abs(eta).max())) <= _MOST_ENERGY:
            return None
        return (pt > 0) & ~(pt.astype(np.float64) * np.cosh(eta.astype(np.float64)) <= _MOST_ENERGY)


def _without_rounding(mass: Array, pt: Array, eta: Array) -> Array:
    """Make masses 0 where single precision of energies and momenta makes them negative; tell which else are."""
    wrong = mass < 0
    below = np.flatnonzero(wrong)
    if len(below):
        momentum = pt[below].astype(np.float64)
        moves = momentum > 0
        momentum[moves] *= np.cosh(eta[below][moves].astype(np.float64))
        rounded = below[mass[below] >= -_ROUNDING * momentum]
        mass[rounded] = 0
        wrong[rounded] = False
    return wrong


def _typed(constituents: ak.Array) -> ak.Array:
    """Give an array without any constituent, which tells no type, that of an array with some."""
    kind, depth = constituents.type.content, 0
    while isinstance(kind, ak.types.ListType):
        kind, depth = kind.content, depth + 1
    if not isinstance(kind, ak.types.UnknownType):
        return constituents
    record = "{pt: float64, eta: float64, phi: float64}"
    return ak.enforce_type(constituents, "var * " * max(1, depth) + record)


def _column(flat: Collection, name: str) -> Array:
    try:
        return flat[name]
    except ValueError as error:
        raise InputError(f"field {name} of constituents: expected a number for each, and no None") from error


def _is_number(column: ak.Array, name: str) -> bool:
    """Whether a column of constituents has one number for each; momenta must."""
    kind = column.type
    for _ in range(2):  # jets and constituents
        kind = getattr(kind, "content", kind)
    kind = kind.content if isinstance(kind, ak.types.OptionType) else kind
    numbers = isinstance(kind, ak.types.NumpyType)
    if not numbers and name in MOMENTA:
        raise InputError(f"field {name} of constituents has the type {column.type}, expected a number for each")
    return numbers

"""How a chunk is skimmed: what passes, what is kept of it, and what it stands for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.events import STORED, Stored, missing_columns, required_columns
from hepcol.expression import Expression, mask_of
from hepcol.filesums import declared_by
from hepcol.origin import columns_of, origins
from hepcol.schemas import Columns
from hepcol.skimming.blocks import Blocks, StandFor
from hepcol.skimming.branches import Branch, FileFormat, Kept, check_names, made_branch, read
from hepcol.skimming.choice import EVERYTHING, choose, paths_of
from hepcol.skimming.columns import Adds, Definition, EventColumns
from hepcol.skimming.content import Content
from hepcol.skimming.passed import ALL_EVENTS, Passed
from hepcol.skimnote import KEY, Source, TreeNote
from hepcol.sums import LIMBS, ExactSum

Cut = Expression | Callable[[ak.Array], Any]
Mask = npt.NDArray[np.bool_]
ONE = "1"  # weight of events that have none


@dataclass(frozen=True, eq=False)
class Recipe:
    """How events are skimmed; see :class:`hepcol.skimming.processor.SkimProcessor`.

    Parameters
    ----------
    selection : processor, optional
        An analysis, whose selection is made first.
    cuts : tuple of (str, Expression or function)
        Cuts, and what they are called.
    definitions : tuple of Definition
        Columns that are made of others.
    adding : tuple of function
        What adds columns.
    weight : Expression, optional
        Weight of an event.
    max_weight : float
        Bound on weights that are not the analysis's.
    keep, drop : tuple of str
        Patterns of columns.
    to : FileFormat
        What is written.
    made : str
        Hash of what decides on events and their weights.
    """

    selection: Any
    cuts: tuple[tuple[str, Cut], ...]
    definitions: tuple[Definition, ...]
    adding: tuple[Adds, ...]
    weight: Expression | None
    max_weight: float
    keep: tuple[str, ...]
    drop: tuple[str, ...]
    to: FileFormat
    made: str

    def choose(self, events: ak.Array) -> Kept:
        """Choose the columns that are kept of a file."""
        return choose(stored_of(events), events.attrs["@form"], self._patterns(events), self.drop, self.to)

    def paths(self, events: ak.Array) -> list[str]:
        """Name the branches of a file that are to be kept, whether they can be or not."""
        return paths_of(stored_of(events), events.attrs["@form"], self._patterns(events), self.drop)

    def _patterns(self, events: ak.Array) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the user keeps, with what goes with any columns, and what the analysis needs."""
        everything = self.selection is None and not self.keep
        return EVERYTHING if everything else (*self.keep, *self._always(events)), self._needed(events)

    def _always(self, events: ak.Array) -> list[str]:
        """Columns that tell events apart and weigh them, where they are there."""
        form = stored_of(events).layout.format
        weighs = Expression(form.weight).columns if form.weight else ()
        return [name for name in (*form.identity, *weighs) if not missing_columns(events, (name,))]

    def _needed(self, events: ak.Array) -> tuple[str, ...]:
        """Columns that the analysis needs."""
        if self.selection is None:
            return ()
        names = getattr(self.selection, "skim_columns", None)
        needed: Columns = names(events) if callable(names) else required_columns(self.selection, events.metadata)
        alternatives = [(one,) if isinstance(one, str) else one for one in needed]
        return tuple(
            next((name for name in names if not missing_columns(events, (name,))), names[0]) for names in alternatives
        )

    def columns(self, events: ak.Array, kept: Kept) -> EventColumns:
        """Return the columns of events, and those that are made."""
        columns = EventColumns(events, self.definitions, kept.forms)
        for add in self.adding if len(events) else ():
            columns.add(add(events))
        return columns

    def content(self, events: ak.Array, kept: Kept) -> Content:
        """Make what is kept of a chunk."""
        stored = stored_of(events)
        columns = self.columns(events, kept)
        selected = self._select(events, columns)
        rows = np.flatnonzero(selected.steps[-1][1])
        branches, arrays = self._kept_of(events, kept, columns, rows)
        check_types(kept, arrays, stored)
        before = stored.layout.note
        steps = selected.steps[1:] if before is not None else selected.steps
        names = unique([*(before.cutflow if before is not None else ()), *(label for label, _ in steps)])
        stand_for = selected.stand_for(steps, before, len(events))
        blocks = Blocks.of((stored.start, stored.stop), rows, arrays, stand_for)
        note = self._note(events, kept, branches, blocks, selected, names)
        texts = {} if stored.start else _texts(stored)
        return Content(note, blocks, branches, arrays, texts, selected.cutflow, selected.sum_weights(len(events)))

    def _kept_of(
        self, events: ak.Array, kept: Kept, columns: EventColumns, rows: npt.NDArray[np.int64]
    ) -> tuple[tuple[Branch, ...], dict[str, ak.Array]]:
        """Return what is kept of some rows: how it is written, and the columns by name."""
        arrays = read(stored_of(events), kept, rows)
        branches = {branch.name: branch for branch in kept.branches}
        for name, array in columns.made().items():
            branch = made_branch(name, kept, array.ndim > 1, self.to)
            branches.pop(branch.name, None)  # one that is made again takes its place
            branches[branch.name] = branch
            arrays[branch.name] = array[rows]
        check_names(stored_of(events), branches.values(), self.to)
        for name, column in columns_of(origins(events)).items():
            branches[name] = Branch("", name, name)
            arrays[name] = ak.Array(column[rows])
        return tuple(branches.values()), {name: ak.to_packed(arrays[name]) for name in branches}

    def _note(
        self,
        events: ak.Array,
        kept: Kept,
        branches: tuple[Branch, ...],
        blocks: Blocks,
        selected: "_Selected",
        names: list[str],
    ) -> TreeNote:
        """Tell what is in the content of a chunk."""
        stored, metadata = stored_of(events), events.metadata
        before, is_first = stored.layout.note, stored.start == 0
        source = Source(
            metadata["filename"],
            metadata["fileuuid"],
            int(stored.tree.num_entries),
            stored.start,
            stored.stop,
        )
        declared: Mapping[str, float] | None = None
        if is_first:
            declared = declared_by(stored.directory) if before is None else before.declared
        counters = (*kept.counters, *(one.counter for one in branches if not one.path and one.counter))
        return TreeNote(
            metadata["dataset"],
            kept.format,
            kept.version,
            {one.name: one.original for one in branches if one.name != one.original},
            tuple(dict.fromkeys(counters)),
            kept.types,
            kept.links,
            # what a skim stands for goes with its first entry
            (source,) if before is None else before.sources if is_first else (),
            () if before is None else ((*before.parts, source) if is_first else (source,)),
            int(blocks.events.sum()),
            ExactSum(
                selected.bound if before is None else before.sum_weights.bound,
                blocks.limbs.sum(axis=0),
                int(blocks.events.sum()),
            ),
            dict(zip(names, blocks.steps.sum(axis=0).tolist(), strict=True)),
            declared,
            selected.weighed_by if before is None else before.weighed_by,
            self.made if before is None else f"{before.made} {self.made}",
        )

    def _select(self, events: ak.Array, columns: EventColumns) -> "_Selected":
        """Say what passes: the selection of the analysis first, then the cuts."""
        total = len(events)
        passed = np.ones(total, dtype=np.bool_)
        steps: list[tuple[str, Mask]] = [(ALL_EVENTS, passed)]
        of_analysis: Passed | None = None
        if self.selection is not None:
            of_analysis = self.selection.skim(events)
            steps += [(label, mask) for label, mask in of_analysis.steps.items() if label != ALL_EVENTS]
            passed = steps[-1][1]
        for label, cut in self.cuts:
            if total:  # behaviours of vectors fail of no events
                passed = passed & _mask(label, cut, events, columns)
            steps.append((label, passed))
        if of_analysis is not None and self.weight is None:
            name = f"weight of {type(self.selection).__name__}"
            return _Selected(steps, of_analysis.weight, of_analysis.max_weight, name)
        expression = self.weight or self._format_weight(events)
        if expression is None:
            return _Selected(steps, None, self.max_weight, ONE)
        value = checked_weight(expression.evaluate(columns), expression.text, total) if total else np.empty(0)
        return _Selected(steps, value, self.max_weight, expression.text)

    def _format_weight(self, events: ak.Array) -> Expression | None:
        """Weight that the format has, if its columns are there."""
        of_format = stored_of(events).layout.format.weight
        if not of_format or missing_columns(events, Expression(of_format).columns):
            return None
        return Expression(of_format)


@dataclass(frozen=True, eq=False)
class _Selected:
    """What passes of a chunk, and what its events weigh.

    Parameters
    ----------
    steps : list of (str, bool[n])
        Whether each event passes each step and all before.
    weight : float64[n], optional
        Weights; None where each event counts one.
    max_weight : float
        Bound on them.
    weighed_by : str
        What the weights are.
    """

    steps: list[tuple[str, Mask]]
    weight: npt.NDArray[np.float64] | None
    max_weight: float
    weighed_by: str

    @property
    def bound(self) -> float:
        """Bound that limbs are made for."""
        return self._passed.bound

    @property
    def cutflow(self) -> dict[str, int]:
        """Events of the chunk that passed each step."""
        names = unique(label for label, _ in self.steps)
        return {name: int(np.count_nonzero(mask)) for name, (_, mask) in zip(names, self.steps, strict=True)}

    def sum_weights(self, events: int) -> ExactSum:
        """Sum of the weights of the events of the chunk."""
        return ExactSum(self.bound, self._passed.limbs(events).sum(axis=0), events)

    @property
    def _passed(self) -> Passed:
        return Passed({}, self.weight, self.max_weight)

    def stand_for(self, steps: list[tuple[str, Mask]], before: TreeNote | None, events: int) -> StandFor:
        """Say what the events of a chunk stand for: themselves, or in a skim all that the file tells."""
        counts = np.zeros((events, len(steps)), dtype=np.int64)
        for number, (_, mask) in enumerate(steps):
            counts[:, number] = mask
        nothing = np.zeros(len(steps), dtype=np.int64)
        if before is None:
            return StandFor(np.ones(events, dtype=np.int64), self._passed.limbs(events), counts, (0, 0.0, nothing))
        carried = np.array(list(before.cutflow.values()), dtype=np.int64)
        return StandFor(
            np.zeros(events, dtype=np.int64),
            np.zeros((events, LIMBS)),
            np.concatenate([np.zeros((events, len(carried)), dtype=np.int64), counts], axis=1),
            (before.events, before.sum_weights.limbs, np.concatenate([carried, nothing])),
        )


def _mask(label: str, cut: Cut, events: ak.Array, columns: EventColumns) -> Mask:
    """Say what passes a cut."""
    if isinstance(cut, Expression):
        return cut.mask(columns)
    return mask_of(cut(events), len(events), f"cut '{label}'")


def stored_of(events: ak.Array) -> Stored:
    """Where events are read from.

    Raises
    ------
    InputError
        If they do not tell, as those of stock coffea.
    """
    stored: Stored | None = events.attrs.get(STORED)
    if stored is None:
        raise InputError("a skim needs to read the file itself: run it by hepcol.skim")
    return stored


def unique(names: Iterable[str]) -> list[str]:
    """Tell names apart that come more than once: cut, cut (2), cut (3)."""
    made: list[str] = []
    for name in names:
        number, one = 1, name
        while one in made:
            number += 1
            one = f"{name} ({number})"
        made.append(one)
    return made


def check_types(kept: Kept, arrays: Mapping[str, ak.Array], stored: Stored) -> None:
    """Refuse columns of another type than in the first file: one tree has one type.

    Raises
    ------
    InputError
        If there is one.
    """
    for name, expected in kept.column_types.items():
        found = type_of(arrays[name])
        if found != expected:
            raise InputError(
                f"{stored.directory.file.file_path}: column '{name}' is {found} here, and {expected} in the first file "
                "of the dataset: skim them apart, or drop it"
            )


def type_of(array: ak.Array) -> str:
    """Name the type of a column, of an event."""
    return str(ak.without_parameters(ak.Array(ak.to_layout(array))).type.content)


def checked_weight(value: Any, text: str, events: int) -> npt.NDArray[np.float64]:
    """Take a value as the weights of events.

    Raises
    ------
    InputError
        If it has not one number for each event.
    """
    if isinstance(value, (bool, int, float, np.generic)):
        return np.full(events, float(value))
    array = ak.Array(ak.to_layout(value, allow_record=False))
    missing = int(ak.sum(ak.is_none(array))) if array.ndim == 1 else 0
    if array.ndim != 1 or len(array) != events or missing:
        got = f"{missing} of {events} without one" if missing else str(array.type)
        raise InputError(f"weight '{text}': expected a number for each of {events} events, got {got}")
    return np.asarray(ak.to_numpy(ak.drop_none(array)), dtype=np.float64)


def _texts(stored: Stored) -> dict[str, str]:
    """Read what a file says in words."""
    kinds = stored.directory.classnames(recursive=False, cycle=False)
    return {name: str(stored.directory[name]) for name, kind in kinds.items() if kind == "TObjString" and name != KEY}

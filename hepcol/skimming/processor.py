"""The processor that skims: what passes, of the columns that are kept."""

import inspect
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar
from uuid import uuid5

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field, SkipValidation
from pydantic.dataclasses import dataclass

from hepcol.chunkfiles import ChunkFile
from hepcol.errors import InputError
from hepcol.events import STORED, Stored, missing_columns, open_file, read_events, required_columns
from hepcol.execution import openfiles
from hepcol.execution.code import processor_digest, short
from hepcol.execution.identity import options_told
from hepcol.expression import Expression, mask_of
from hepcol.fileset import WARNING, Dataset, Fileset, with_warning
from hepcol.filesums import declared_by
from hepcol.formats import identify
from hepcol.gathered import Gathered
from hepcol.ledger import FileRecord
from hepcol.options import build_processor, find_processor
from hepcol.origin import columns_of, origins
from hepcol.result import DatasetResult, Result
from hepcol.schemas import Columns
from hepcol.skimfolder import EVENTS, PARTS
from hepcol.skimming import content
from hepcol.skimming.assembly import NAMESPACE
from hepcol.skimming.blocks import Blocks, StandFor
from hepcol.skimming.branches import EVERYTHING, Branch, FileFormat, Kept, choose, made_branch, read
from hepcol.skimming.columns import Adds, Definition, checked, find_adding
from hepcol.skimming.content import Content
from hepcol.skimming.gathering import gather
from hepcol.skimming.passed import ALL_EVENTS, Passed
from hepcol.skimming.size import CHUNK, Per
from hepcol.skimming.writers import batches
from hepcol.skimming.writers import open_file as open_skim
from hepcol.skimnote import KEY, Source, TreeNote
from hepcol.sums import LIMBS, ExactSum

_LOOK = "look"  # what remote files are opened for


@dataclass(frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class SkimProcessor(ProcessorABC):
    """Keep the events that pass all cuts, and of these some columns; :func:`hepcol.skim` runs it.

    Parameters
    ----------
    cuts : tuple of str or function
        Cuts in their order: expressions on columns, or functions of events that say whether each passes, or names of
        such, as ``file.py:name``.
    select : str or processor
        An analysis whose own selection is made first, by its method ``skim``, and whose columns are kept.
    options : tuple of str
        Its options, as ``name=value``.
    keep, drop : tuple of str
        Patterns of columns; by default those of the analysis, or all.
    define : tuple of str
        Columns that are made, as ``name=expression``; cuts and further ones may name them.
    add : tuple of str or function
        What adds columns: functions of events that return them by name, or names of such with options, as
        ``egamma model=es2022_R22_PRE``.
    weight : str
        Expression of the weight of an event; by default that of the analysis, or of the format.
    max_weight : float
        Bound on the magnitude of weights, unless they are the analysis's; a larger weight is an error.
    format : {"ttree", "rntuple", "parquet"}
        What is written.
    per : str
        What a file is made of: ``chunk``, ``file``, or a dataset up to a size such as ``500MB``.
    """

    cuts: tuple[Any, ...] = ()
    select: Annotated[Any, SkipValidation] = ""
    options: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    add: tuple[Any, ...] = ()
    weight: str = ""
    max_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0**30  # weights of generators reach 1e8
    format: FileFormat = FileFormat.TTREE
    per: str = "file"
    code: str = field(init=False)
    max_chunk: ClassVar[int] = 200_000  # events, of which all columns may be kept

    def __post_init__(self) -> None:
        """Make what names stand for, to refuse what stands for nothing."""
        _ = self.parts, self._definitions, self._weight
        selects = [] if self.selection is None else [type(self.selection)]
        # what the result depends on, and is not in this class
        others = [*selects, *(cut for _, cut in self._cuts if not isinstance(cut, Expression)), *self._adding]
        digests = [
            str(processor_digest(one if isinstance(one, type) or callable(one) else type(one))) for one in others
        ]
        object.__setattr__(self, "code", " ".join(digests))
        if self.options and not isinstance(self.select, str):
            raise InputError("options are those of an analysis that is named; give them to the processor itself")

    @cached_property
    def parts(self) -> Per:
        """What a file is made of."""
        return Per.parse(self.per)

    @cached_property
    def selection(self) -> Any:
        """The analysis whose selection is made, if there is one."""
        if isinstance(self.select, str) and not self.select:
            if self.options:
                raise InputError(f"option '{self.options[0]}': of no analysis; name one with select")
            return None
        made = build_processor(self.select, self.options) if isinstance(self.select, str) else self.select
        if not callable(getattr(made, "skim", None)):
            raise InputError(
                f"{type(made).__name__} does not say which events it needs: it has no method skim(events), which "
                "returns hepcol.skimming.passed.Passed; give cuts instead"
            )
        return made

    @cached_property
    def _cuts(self) -> tuple[tuple[str, Any], ...]:
        """Cuts by what they are called."""
        return tuple((_label(cut), _cut(cut)) for cut in self.cuts)

    @cached_property
    def _definitions(self) -> tuple[Definition, ...]:
        return tuple(map(Definition.parse, self.define))

    @cached_property
    def _adding(self) -> tuple[Adds, ...]:
        return tuple(find_adding(one) if isinstance(one, str) else one for one in self.add)

    @cached_property
    def _weight(self) -> Expression | None:
        return Expression(self.weight) if self.weight else None

    def arrange(self, fileset: Fileset) -> Fileset:
        """Let the analysis arrange the files, and look at one of each dataset, to refuse what cannot be done."""
        arrange = getattr(self.selection, "arrange", None)
        arranged: Fileset = arrange(fileset) if callable(arrange) else fileset
        told = [text for one in self._adding if (text := getattr(one, WARNING, ""))]
        if told:  # which goes with the skim, to what is run over it
            arranged = {name: with_warning(dataset, *told) for name, dataset in arranged.items()}
        kept = {name: self._look_at(name, dataset) for name, dataset in arranged.items()}
        # beside the options: it is what they come to, and travels to the workers
        self.__dict__["_kept"] = {name: one for name, one in kept.items() if one is not None}
        return arranged

    def _look_at(self, name: str, dataset: Dataset) -> Kept | None:
        """Look at the first event of a dataset; None if no file can be read, which is for the run to tell."""
        kept: Kept | None = None
        for file in dataset.files:
            for place in (file.path, *file.replicas):
                try:
                    opened = openfiles.get(_LOOK, place, file.tree)  # and stay open, for work in this process
                except (OSError, InputError):
                    continue
                metadata = _metadata(name, file.path, opened.layout.tree, opened.uuid, dataset)
                where = (opened.directory, opened.layout, 0)
                kept = kept or self._choose(read_events(*where, 0, metadata))
                if opened.entries:
                    return self._try(read_events(*where, 1, metadata, kept.columns), kept)
                break
        return kept

    def _try(self, events: ak.Array, kept: Kept) -> Kept:
        """Skim an event, to refuse what cannot be done, and to see what columns that are made are like."""
        try:
            made = self._columns(events, kept).made()
            forms = {name: ak.to_packed(array).layout.form.to_dict() for name, array in made.items()}
            kept = replace(kept, forms=forms)
            self._content(events, kept)
        except InputError:
            raise
        except Exception:  # noqa: BLE001, S110  (a bug of the user's code, or of the disk, is told of its chunk)
            pass
        return kept

    def required_columns(self, metadata: Mapping[str, Any]) -> Columns:
        """Columns that the analysis needs to have."""
        return () if self.selection is None else required_columns(self.selection, metadata)

    @property
    def read_columns(self) -> Columns:
        """Columns that are read in any case, so that offsets are best taken from these."""
        return tuple(dict.fromkeys(name for kept in self.__dict__.get("_kept", {}).values() for name in kept.columns))

    def warm_up(self, metadata: Mapping[str, Any]) -> None:
        """Compile the kernels of the analysis."""
        warm_up = getattr(self.selection, "warm_up", None)
        if callable(warm_up):
            warm_up(*((metadata,) if inspect.signature(warm_up).parameters else ()))

    def process(self, events: ak.Array) -> Result:
        """Skim one chunk."""
        metadata = events.metadata
        kept = self.__dict__.get("_kept", {}).get(metadata["dataset"]) or self._choose(events)
        made = self._content(events, kept)
        selected = int(made.blocks.selected.sum())
        counts = {"events": selected}
        if self.parts.what == CHUNK:
            file = ChunkFile.of(metadata, EVENTS, self.format.suffix, self._file_of(made, metadata["treename"]), counts)
        else:
            file = ChunkFile.of(metadata, PARTS, content.SUFFIX, made.to_bytes(), counts)
        result = DatasetResult(len(events), made.note.sum_weights, made.note.cutflow, files=(file,))
        return Result({metadata["dataset"]: result})

    def _file_of(self, made: Content, tree: str) -> bytes:
        """Make a file of a chunk."""
        file = _Kept()
        uuid = uuid5(NAMESPACE, json.dumps(made.note.told(), sort_keys=True))
        with open_skim(file, self.format, {tree: made.note}, uuid, made.texts) as written:
            written.write(
                tree, made.branches, batches([content.record_of(made.arrays, int(made.blocks.selected.sum()))])
            )
        return file.getvalue()

    def gather(
        self, files: Sequence[tuple[ChunkFile, Path]], found: Sequence[FileRecord], inputs: Fileset, target: Path
    ) -> Gathered:
        """Put the files of all chunks together, when a run is complete.

        Parameters
        ----------
        files : sequence of (ChunkFile, Path)
            Files of chunks, in order, and where they are.
        found : sequence of FileRecord
            The files that were read.
        inputs : Fileset
            The datasets.
        target : Path
            Folder to write below.
        """
        with TemporaryDirectory(dir=target.parent) as folder:
            empty = [
                (record, content.put(self._of_nothing(record, inputs), Path(folder) / f"{number}{content.SUFFIX}"))
                for number, record in enumerate(found)
                if record.entries == 0
            ]
            return gather(self, files, found, empty, inputs, target)

    def _of_nothing(self, record: FileRecord, inputs: Fileset) -> Content:
        """Make what is kept of a file without events, which may be a skim that stands for some."""
        with open_file(record.path) as directory:
            layout = identify(directory, record.tree)
            metadata = _metadata(record.dataset, record.path, layout.tree, record.uuid, inputs[record.dataset])
            events = read_events(directory, layout, 0, 0, metadata)
            return self._content(events, self.__dict__["_kept"][record.dataset])

    @property
    def left_out(self) -> Mapping[str, str]:
        """Columns that a pattern names and that cannot be written, and why."""
        return {
            name: reason for kept in self.__dict__.get("_kept", {}).values() for name, reason in kept.left_out.items()
        }

    def _choose(self, events: ak.Array) -> Kept:
        """Choose the columns that are kept of a file."""
        return choose(_stored(events), events.attrs["@form"], self._patterns(events), self.drop, self.format)

    def _patterns(self, events: ak.Array) -> tuple[str, ...]:
        """Return what the user keeps, what the analysis needs, and what tells events apart and weighs them."""
        if self.selection is None and not self.keep:
            return EVERYTHING
        form = _stored(events).layout.format
        weighs = Expression(form.weight).columns if form.weight else ()
        always = [name for name in (*form.identity, *weighs) if not missing_columns(events, (name,))]
        needed: Columns = ()
        if self.selection is not None:
            names = getattr(self.selection, "skim_columns", None)
            needed = names(events) if callable(names) else required_columns(self.selection, events.metadata)
        there = [
            next((name for name in alternatives if not missing_columns(events, (name,))), alternatives[0])
            for alternatives in ((one,) if isinstance(one, str) else one for one in needed)
        ]
        return tuple(dict.fromkeys([*self.keep, *there, *always]))

    def _columns(self, events: ak.Array, kept: Kept) -> "_Columns":
        """Return the columns of events, and those that are made."""
        columns = _Columns(events, self._definitions, kept.forms)
        for add in self._adding if len(events) else ():
            columns.add(add(events))
        return columns

    def _content(self, events: ak.Array, kept: Kept) -> Content:
        """Make what is kept of a chunk."""
        stored, note = _stored(events), _stored(events).layout.note
        columns = self._columns(events, kept)
        passed = self._passed(events, columns)
        rows = np.flatnonzero(passed.steps[list(passed.steps)[-1]])
        arrays = read(stored, kept, rows)
        branches = list(kept.branches)
        for name, array in columns.made().items():
            branch = made_branch(name, kept, array.ndim > 1, self.format)
            branches = [one for one in branches if one.name != branch.name]  # one that is made again takes its place
            branches.append(branch)
            arrays[branch.name] = array[rows]
        of_events = columns_of(origins(events))
        arrays |= {name: ak.Array(column[rows]) for name, column in of_events.items()}
        branches += [Branch("", name, name) for name in of_events]
        steps = list(passed.steps)[1:] if note is not None else list(passed.steps)
        before = {} if note is None else dict(note.cutflow)
        names = [*before, *(f"{step} (again)" if step in before else step for step in steps)]
        blocks = Blocks.of((stored.start, stored.stop), rows, arrays, _stand_for(passed, steps, note, len(events)))
        bound = passed.bound if note is None else note.sum_weights.bound
        metadata = events.metadata
        entries = int(stored.tree.num_entries)
        declared = {} if stored.start else (declared_by(stored.directory) if note is None else note.declared)
        described = TreeNote(
            metadata["dataset"],
            kept.format,
            kept.version,
            {one.name: one.original for one in branches if one.name != one.original},
            tuple(dict.fromkeys([*kept.counters, *(one.counter for one in branches if not one.path and one.counter)])),
            kept.types,
            kept.links,
            (Source(metadata["filename"], metadata["fileuuid"], entries, stored.start, stored.stop),),
            int(blocks.events.sum()),
            ExactSum(bound, blocks.limbs.sum(axis=0), int(blocks.events.sum())),
            dict(zip(names, blocks.steps.sum(axis=0).tolist(), strict=True)),
            declared,
            note is None or note.is_whole,
            self.made,
        )
        return Content(described, blocks, tuple(branches), arrays, {} if stored.start else _texts(stored))

    @cached_property
    def made(self) -> str:
        """Hash of the options."""
        return short(json.dumps(options_told(self), sort_keys=True))

    def _passed(self, events: ak.Array, columns: "_Columns") -> Passed:
        """Say what passes: the selection of the analysis first, then the cuts."""
        total = len(events)
        steps: dict[str, npt.NDArray[np.bool_]] = {ALL_EVENTS: np.ones(total, dtype=np.bool_)}
        weight, bound = None, self.max_weight
        if self.selection is not None:
            of_analysis: Passed = self.selection.skim(events)
            steps |= of_analysis.steps
            weight, bound = of_analysis.weight, of_analysis.max_weight
        passed = list(steps.values())[-1]
        for label, cut in self._cuts:
            if total:  # behaviours of vectors fail of no events
                is_expression = isinstance(cut, Expression)
                mask = cut.mask(columns) if is_expression else mask_of(cut(events), total, f"cut '{label}'")
                passed = passed & mask
            steps[label] = passed
        if total and (self._weight is not None or self.selection is None):
            weight, bound = self._weights(events, columns), self.max_weight
        return Passed(steps, weight, bound)

    def _weights(self, events: ak.Array, columns: "_Columns") -> npt.NDArray[np.float64] | None:
        """Weights of the events: what the user says, else what the format has."""
        expression = self._weight
        if expression is None:
            of_format = _stored(events).layout.format.weight
            expression = Expression(of_format) if of_format else None
            if expression is None or missing_columns(events, expression.columns):
                return None
        return checked_weight(expression.evaluate(columns), expression.text, len(events))


class _Columns:
    """The columns of events, and those that are made: when they are asked for, and once."""

    def __init__(
        self, events: ak.Array, definitions: tuple[Definition, ...], forms: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._events = events
        self._forms = forms
        self._definitions = {definition.name: definition for definition in definitions}
        self._made: dict[str, ak.Array] = {}
        self._asked: list[str] = []
        repeated = len(definitions) - len(self._definitions)
        if repeated:
            raise InputError(f"columns are defined twice: {', '.join(definition.name for definition in definitions)}")

    def __len__(self) -> int:
        return len(self._events)

    @property
    def fields(self) -> list[str]:
        """Names of columns."""
        return [*self._made, *self._definitions, *self._events.fields]

    def __getitem__(self, name: str) -> Any:
        """Return a column."""
        if name in self._made:
            return self._made[name]
        if name not in self._definitions or name in self._asked:  # of its own name: the column that is there
            return self._events[name]
        self._asked.append(name)
        value = self._definitions[name].expression.evaluate(self)
        self._asked.remove(name)
        self._made[name] = checked(name, value, len(self))
        return self._made[name]

    def add(self, columns: Mapping[str, Any]) -> None:
        """Add columns."""
        for name, value in columns.items():
            self._made[name] = checked(name, value, len(self))

    def made(self) -> dict[str, ak.Array]:
        """Return all that are made."""
        if not len(self):
            empty = {name: ak.forms.from_dict(form).length_zero_array() for name, form in self._forms.items()}
            return {name: ak.Array(array) for name, array in empty.items()}
        for name in self._definitions:
            _ = self[name]
        return self._made


def _metadata(name: str, path: str, tree: str, uuid: str, dataset: Dataset) -> dict[str, Any]:
    """Return the metadata of no events of a file, as coffea's Runner would give them."""
    return {
        "dataset": name,
        "filename": path,
        "treename": tree,
        "entrystart": 0,
        "entrystop": 0,
        "fileuuid": uuid,
        **dataset.metadata,
    }


def _texts(stored: Stored) -> dict[str, str]:
    """Read what a file says in words."""
    kinds = stored.directory.classnames(recursive=False, cycle=False)
    return {name: str(stored.directory[name]) for name, kind in kinds.items() if kind == "TObjString" and name != KEY}


def _stored(events: ak.Array) -> Stored:
    """Where events are read from."""
    stored = events.attrs.get(STORED)
    if stored is None:
        raise InputError("a skim needs to read the file itself: run it by hepcol.skim")
    found: Stored = stored
    return found


def _stand_for(passed: Passed, steps: list[str], note: TreeNote | None, events: int) -> StandFor:
    """Say what the events of a chunk stand for: themselves, or in a skim all that the file tells."""
    counts = (
        np.stack([passed.steps[step] for step in steps], axis=1).astype(np.int64)
        if steps
        else np.zeros((events, 0), np.int64)
    )
    nothing = np.zeros(len(steps), dtype=np.int64)
    if note is None:
        return StandFor(np.ones(events, dtype=np.int64), passed.limbs(events), counts, (0, 0.0, nothing))
    carried = np.array(list(note.cutflow.values()), dtype=np.int64)
    return StandFor(
        np.zeros(events, dtype=np.int64),
        np.zeros((events, LIMBS)),
        np.concatenate([np.zeros((events, len(carried)), dtype=np.int64), counts], axis=1),
        (note.events, note.sum_weights.limbs, np.concatenate([carried, nothing])),
    )


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


def _cut(cut: Any) -> Any:
    """Return an expression, or a function of events, from what a user gives."""
    if callable(cut):
        return cut
    if not isinstance(cut, str):
        raise InputError(f"cut {cut!r}: expected an expression, or a function of events")
    if ":" not in cut:
        return Expression(cut)
    return find_processor(cut)


def _label(cut: Any) -> str:
    """Name a cut in cutflows."""
    if isinstance(cut, str):
        return cut if ":" not in cut else cut.rpartition(":")[2]
    return str(getattr(cut, "__name__", type(cut).__name__))


class _Kept(io.BytesIO):
    """Bytes that are there when what wrote them has closed the file, as uproot does."""

    def close(self) -> None:
        """Keep them."""

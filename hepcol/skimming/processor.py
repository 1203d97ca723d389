"""The processor that skims: what passes, of the columns that are kept."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from uuid import uuid5

import awkward as ak
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field, SkipValidation
from pydantic.dataclasses import dataclass

from hepcol.chunkfiles import ChunkFile
from hepcol.errors import InputError
from hepcol.events import read_events, required_columns
from hepcol.execution import openfiles
from hepcol.execution.code import processor_digest, short
from hepcol.execution.identity import options_told
from hepcol.expression import Expression
from hepcol.fileset import WARNING, Dataset, Fileset, InputFile, with_warning
from hepcol.gathered import Gathered
from hepcol.keptbytes import KeptBytes
from hepcol.ledger import FileRecord
from hepcol.options import build_processor, find_processor
from hepcol.result import DatasetResult, Result
from hepcol.schemas import Columns
from hepcol.skimfolder import EVENTS, PARTS
from hepcol.skimming import content
from hepcol.skimming.assembly import NAMESPACE
from hepcol.skimming.branches import FileFormat, Kept
from hepcol.skimming.columns import Adds, Definition, find_adding
from hepcol.skimming.content import Content
from hepcol.skimming.gathering import gather
from hepcol.skimming.recipe import Recipe, stored_of, type_of
from hepcol.skimming.size import CHUNK, Per
from hepcol.skimming.writers import batches
from hepcol.skimming.writers import open_file as open_skim

_LOOK = "look"  # what remote files are opened for
_FUNCTION = re.compile(r"[\w./\\-]+:\w+")  # module:function, or file.py:function
_OF_FILES = ("keep", "drop", "format", "per")  # options that decide on files, and not on events and their weights
_MOST_EVENTS, _MOST_BYTES = 200_000, 1e9  # of a chunk
FURTHER = "columns that the first file does not have"


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

    def __post_init__(self) -> None:
        """Make what names stand for, to refuse what stands for nothing."""
        if self.options and not isinstance(self.select, str):
            raise InputError("options are those of an analysis that is named; give them to the processor itself")
        _ = self.parts
        # what the result depends on, and is not in this class
        functions = [cut for _, cut in self._cuts if not isinstance(cut, Expression)]
        others = [*([] if self.selection is None else [type(self.selection)]), *functions, *self._adding]
        kinds = [one if isinstance(one, type) or inspect.isroutine(one) else type(one) for one in others]
        object.__setattr__(self, "code", " ".join(str(processor_digest(kind)) for kind in kinds))
        _ = self.recipe

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
        """Cuts, and what they are called."""
        return tuple((_label(cut), _cut(cut)) for cut in self.cuts)

    @cached_property
    def _adding(self) -> tuple[Adds, ...]:
        """What adds columns."""
        return tuple(find_adding(one) if isinstance(one, str) else one for one in self.add)

    def arrange(self, fileset: Fileset) -> Fileset:
        """Let the analysis arrange the files, and look at one of each dataset, to refuse what cannot be done."""
        arrange = getattr(self.selection, "arrange", None)
        arranged: Fileset = arrange(fileset) if callable(arrange) else fileset
        told = [text for one in self._adding if (text := getattr(one, WARNING, ""))]
        if told:  # which goes with the skim, to what is run over it
            arranged = {name: with_warning(dataset, *told) for name, dataset in arranged.items()}
        kept = {name: self._look_at(name, dataset) for name, dataset in arranged.items()}
        self.kept.update({name: one for name, one in kept.items() if one is not None})
        return arranged

    def _look_at(self, name: str, dataset: Dataset) -> Kept | None:
        """Look at the first event of a dataset; None if no file can be read, which is for the run to tell."""
        kept: Kept | None = None
        for file in dataset.files:
            opened = _open(file)
            if opened is None:
                continue
            metadata = _metadata(name, file.path, opened, dataset)
            where = (opened.directory, opened.layout, 0)
            kept = kept or self.recipe.choose(read_events(*where, 0, metadata))
            if opened.entries:
                return self._try(read_events(*where, 1, metadata, kept.columns), kept)
        return kept

    def _try(self, events: ak.Array, kept: Kept) -> Kept:
        """Skim an event, to refuse what cannot be done, and to see what columns are like."""
        try:
            made = self.recipe.columns(events, kept).made()
            forms = {name: ak.to_packed(array).layout.form.to_dict() for name, array in made.items()}
            kept = replace(kept, forms=forms)
            arrays = self.recipe.content(events, kept).arrays
            return replace(kept, column_types={name: type_of(array) for name, array in arrays.items()})
        except InputError:
            raise
        except Exception:  # noqa: BLE001  (a bug of the user's code, or of the disk, is told of its chunk)
            return kept

    def check_files(self, found: Sequence[FileRecord]) -> None:
        """Refuse files of which one is a copy of another: their events would be in the skim twice."""
        seen: dict[tuple[str, str, str], str] = {}
        for file in found:
            other = seen.setdefault((file.dataset, file.uuid, file.tree), file.path)
            if file.uuid and other != file.path:
                raise InputError(f"{other} and {file.path} have the same UUID {file.uuid}: a skim would have both")

    @property
    def max_chunk(self) -> int:
        """Events of a chunk at most, whose kept columns fit into memory a few times."""
        sizes = [kept.event_size for kept in self.kept.values() if kept.event_size]
        return max(1, min([_MOST_EVENTS, *(int(_MOST_BYTES / size) for size in sizes)]))

    def required_columns(self, metadata: Mapping[str, Any]) -> Columns:
        """Columns that the analysis needs to have."""
        return () if self.selection is None else required_columns(self.selection, metadata)

    @property
    def read_columns(self) -> Columns:
        """Columns that are read in any case, so that offsets are best taken from these."""
        return tuple(dict.fromkeys(name for kept in self.kept.values() for name in kept.columns))

    def warm_up(self, metadata: Mapping[str, Any]) -> None:
        """Compile the kernels of the analysis."""
        warm_up = getattr(self.selection, "warm_up", None)
        if callable(warm_up):
            warm_up(*((metadata,) if inspect.signature(warm_up).parameters else ()))

    def process(self, events: ak.Array) -> Result:
        """Skim one chunk."""
        metadata = events.metadata
        kept = self.kept.get(metadata["dataset"]) or self.recipe.choose(events)
        made = self.recipe.content(events, kept)
        counts = {"events": made.selected}
        if self.parts.what == CHUNK:
            file = ChunkFile.of(metadata, EVENTS, self.format.suffix, self._file_of(made, metadata["treename"]), counts)
        else:
            file = ChunkFile.of(metadata, PARTS, content.SUFFIX, made.to_bytes(), counts)
        extra = {FURTHER: self._further(events, kept)}
        result = DatasetResult(len(events), made.sum_weights, made.cutflow, extra, files=(file,))
        return Result({metadata["dataset"]: result})

    def _file_of(self, made: Content, tree: str) -> bytes:
        """Make a file of a chunk."""
        file = KeptBytes()
        uuid = uuid5(NAMESPACE, json.dumps(made.note.told(), sort_keys=True))
        with open_skim(file, self.format, {tree: made.note}, uuid, made.texts) as written:
            written.write(tree, made.branches, batches([made.records()]))
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
        there = {(file.dataset, file.source) for file, _ in files}
        with TemporaryDirectory(dir=target.parent) as folder:
            empty = [
                (record, content.put(self._of_nothing(record, inputs), Path(folder) / f"{number}{content.SUFFIX}"))
                for number, record in enumerate(found)
                if record.entries == 0 and (record.dataset, record.path) not in there
            ]
            return gather(self, files, found, empty, inputs, target)

    def _of_nothing(self, record: FileRecord, inputs: Fileset) -> Content:
        """Make what is kept of a file without events, which may be a skim that stands for some."""
        dataset = inputs[record.dataset]
        file = next(file for file in dataset.files if file.path == record.path)
        opened = _open(file)
        if opened is None:
            raise InputError(f"{record.path}: cannot be read any more")
        metadata = _metadata(record.dataset, record.path, opened, dataset)
        events = read_events(opened.directory, opened.layout, 0, 0, metadata)
        return self.recipe.content(events, self.kept.get(record.dataset) or self.recipe.choose(events))

    def _further(self, events: ak.Array, kept: Kept) -> int:
        """Count the columns that a file has, patterns name, and the first file of the dataset does not have."""
        stored = stored_of(events)
        if stored.start or kept.uuid == str(stored.directory.file.uuid):
            return 0
        return len(set(self.recipe.paths(events)) - set(kept.chosen))

    @property
    def left_out(self) -> Mapping[str, str]:
        """Columns that a pattern names and that cannot be written, and why."""
        return {name: reason for kept in self.kept.values() for name, reason in kept.left_out.items()}

    @cached_property
    def recipe(self) -> Recipe:
        """How chunks are skimmed."""
        return Recipe(
            self.selection,
            self._cuts,
            tuple(map(Definition.parse, self.define)),
            self._adding,
            Expression(self.weight) if self.weight else None,
            self.max_weight,
            self.keep,
            self.drop,
            self.format,
            self._made,
        )

    @property
    def _made(self) -> str:
        """Hash of what decides on events and their weights, and not on columns or files."""
        told = options_told(self)
        return short(json.dumps({name: told[name] for name in told if name not in _OF_FILES}, sort_keys=True))

    @property
    def kept(self) -> dict[str, Kept]:
        """What is kept of each dataset, once they are arranged; no option, but it travels to the workers."""
        kept: dict[str, Kept] = self.__dict__.setdefault("_kept", {})
        return kept


def _open(file: InputFile) -> openfiles.OpenFile | None:
    """Open a file at the first place where it can be read; None if there is none."""
    for place in (file.path, *file.replicas):
        try:
            return openfiles.get(_LOOK, place, file.tree)  # and stays open, for work in this process
        except (OSError, InputError):
            continue
    return None


def _metadata(name: str, path: str, opened: openfiles.OpenFile, dataset: Dataset) -> dict[str, Any]:
    """Return the metadata of no events of a file, as coffea's Runner would give them."""
    return {
        "dataset": name,
        "filename": path,
        "treename": opened.layout.tree,
        "entrystart": 0,
        "entrystop": 0,
        "fileuuid": opened.uuid,
        **dataset.metadata,
    }


def _cut(cut: Any) -> Any:
    """Return an expression, or a function of events, from what a user gives."""
    if callable(cut):
        return cut
    if not isinstance(cut, str):
        raise InputError(f"cut {cut!r}: expected an expression, or a function of events")
    return find_processor(cut) if _FUNCTION.fullmatch(cut) else Expression(cut)


def _label(cut: Any) -> str:
    """Name a cut in cutflows."""
    if isinstance(cut, str):
        return cut.rpartition(":")[2] if _FUNCTION.fullmatch(cut) else cut
    return str(getattr(cut, "__name__", type(cut).__name__))

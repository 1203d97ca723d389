"""The processor of jet graphs."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hepcol.chunkfiles import ChunkFile
from hepcol.errors import InputError
from hepcol.fileset import Fileset
from hepcol.graphs import DEFAULT_LEVELS, Constituents, JetGraphs, Kind, Recipe, Reference, build
from hepcol.graphs.constituents import COLLECTIONS, MOMENTA, named
from hepcol.graphs.files import ALL, KIND, NODES, to_bytes
from hepcol.graphs.recipe import Number
from hepcol.origin import Origin, origins
from hepcol.report.record import RunRecord
from hepcol.result import DatasetResult, Result
from hepcol.rowsample import RowSample, keys_of, lowest, weighted
from hepcol.schemas import Columns
from hepcol.skimming.passed import ALL_EVENTS, Passed
from hepcol.sums import ExactSum
from processors.jet_graphs import observables
from processors.jet_graphs.comparison import LABELLED_BY, Comparison, Labels, find_samples, sampled

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

WEIGHT, SIMILARITY = "weight", "similarity"  # columns
WITH_JET = "with a jet"  # a step
_GENERATOR_WEIGHT = "genWeight"
MAX_WEIGHT = 2.0**24  # of generators; squares of sums over nodes have digits down to 2^-96 of its square times 2^20


class Format(StrEnum):
    """Format of the files of graphs."""

    NPZ = "npz"
    PARQUET = "parquet"
    ROOT = "root"


class Stored(StrEnum):
    """What files have of graphs: nodes, of which the edges are made again, or all."""

    NODES = NODES
    ALL = ALL


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class JetGraphsProcessor(Recipe, ProcessorABC):
    """Graphs of the leading large-R jets, a file for each chunk, and their similarity by a graph kernel.

    Parameters
    ----------
    collection : {"FatJet", "Jet", "GenJetAK8", "GenJet"}
        Jets.
    jets : int, optional
        Jets of an event that become graphs, those of highest pt; None, or ``all``, for all.
    format : {"npz", "parquet", "root"}
        Format of the files.
    stored : {"nodes", "all"}
        What the files have: nodes, of which ``JetGraphs.read`` makes the edges again, or edges, too.
    sample : int
        Graphs of a dataset that are compared with each other: a sample of all, by the magnitude of their weights, the
        same for any chunking.
    kernel : {"wl", "sp", "vertex", "graphlet3"}
        How they are compared; see :func:`hepcol.graphs.features`.
    h : int
        Levels of ``wl``.
    labels : {"ptfrac", "degree", "none"}
        What their nodes are labelled by; see :func:`hepcol.graphs.labels`.
    reference : str
        Folder of another run, whose sample every graph is compared with: the column ``similarity``.
    reference_dataset : str
        Which of its datasets, if it has several.
    max_weight : float
        Bound on the magnitude of event weights; a larger weight is an error.

    The others are those of :class:`hepcol.graphs.Recipe`.
    """

    collection: str = "FatJet"
    jets: Number = 2
    format: Format = Format.NPZ
    stored: Stored = Stored.NODES
    sample: Annotated[int, Field(ge=1)] = 500
    kernel: Kind = Kind.WL
    h: Annotated[int, Field(ge=0)] = DEFAULT_LEVELS
    labels: Labels = Labels.FRACTION
    reference: str = ""
    reference_dataset: str = ""
    max_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = MAX_WEIGHT
    max_chunk: ClassVar[int] = 10_000  # events, of which two jets each with their edges are 0.3 GB
    event_identity: ClassVar[str] = "file UUID and entry"  # of the sample, for provenance

    def __post_init__(self) -> None:
        super().__post_init__()
        named(self.collection)
        if self.stored is Stored.NODES and not self.recipe.can_rebuild:
            raise InputError(
                f"stored=nodes needs pt, eta and phi, and for lnm2 mass, among node_features, got "
                f"{','.join(self.node_features)}; stored=all does not"
            )
        if self.kernel is not Kind.WL and self.h != DEFAULT_LEVELS:
            raise InputError(f"h={self.h} means nothing with kernel={self.kernel}: only wl has levels")
        if self.kernel is Kind.GRAPHLETS and self.labels is not Labels.FRACTION:
            raise InputError(f"labels={self.labels} means nothing with kernel={self.kernel}: it knows no labels")
        knows_labels = self.labels is not Labels.FRACTION or not {*LABELLED_BY}.isdisjoint(self.node_features)
        if self.kernel is not Kind.GRAPHLETS and not knows_labels:
            raise InputError(
                f"labels={self.labels} needs {', '.join(LABELLED_BY)} among node_features, got "
                f"{','.join(self.node_features)}; labels=degree and labels=none do not"
            )
        if self.reference_dataset and not self.reference:
            raise InputError(f"reference_dataset={self.reference_dataset} means nothing without a reference")
        if self.reference:  # the file: what a run depends on has its content
            object.__setattr__(self, "reference", str(find_samples(self.reference)))

    def __getstate__(self) -> dict[str, Any]:
        """Take the reference along: where this travels, its folder need not be."""
        _ = self._compared_with
        return self.__dict__

    def arrange(self, fileset: Fileset) -> Fileset:
        """Read the reference before the work begins, so that what is wrong with it is told."""
        _ = self._compared_with
        return fileset

    @property
    def recipe(self) -> Recipe:
        """How jets become graphs."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.__dataclass_fields__})

    @property
    def comparison(self) -> Comparison:
        """How graphs are compared."""
        return Comparison(self.kernel, self.h, self.labels)

    @cached_property
    def _compared_with(self) -> Reference | None:
        """The sum of the graphs of the reference."""
        if not self.reference:
            return None
        return self.comparison.reference(sampled(Path(self.reference), self.reference_dataset, self.recipe))

    @property
    def required_columns(self) -> Columns:
        """Columns that the events need to have."""
        names = COLLECTIONS[self.collection]
        return (
            *(f"{names.jets}.{name}" for name in MOMENTA),
            f"{names.links}.{names.jet_index}",
            f"{names.links}.{names.candidate_index}",
            *(f"{names.candidates}.{name}" for name in (*MOMENTA, *self.recipe.columns)),
        )

    def warm_up(self) -> None:
        """Compile the kernels, or load them from the cache."""
        nothing = np.zeros(2)
        columns = dict.fromkeys(self.recipe.columns, nothing)
        graphs = build(Constituents(nothing, nothing, nothing, np.array([0, 2]), columns=columns), self.recipe)
        _ = graphs.degrees
        if self._compared_with is not None:
            self.comparison.similarity(graphs, self._compared_with)

    def process(self, events: ak.Array) -> Result:
        """Analyse one chunk; the sum over chunks is the result of all events."""
        jets = Constituents.from_events(events, self.collection, self.jets, self.recipe.columns)
        graphs = build(jets, self.recipe)
        rows = graphs.columns["row"]
        weights = event_weights(events)
        of_jets = None if weights is None else weights[rows]
        similarity = None
        if self._compared_with is not None:
            similarity = self.comparison.similarity(graphs, self._compared_with)
        from_files = origins(events)
        graphs = _identified(graphs, from_files, {WEIGHT: of_jets, SIMILARITY: similarity})
        content = to_bytes(graphs, f".{self.format}", self.stored)
        counts = {"graphs": len(graphs), "nodes": graphs.nodes, "edges": graphs.edges}
        per_event = np.bincount(rows, minlength=len(events))
        result = DatasetResult(
            len(events),
            ExactSum.of_ones(len(events), self.max_weight, len(events))
            if weights is None
            else ExactSum.of(weights, self.max_weight),
            {ALL_EVENTS: len(events), WITH_JET: int(np.count_nonzero(per_event))},
            {
                **counts,
                "graphs without nodes": int(np.count_nonzero(np.diff(graphs.ptr) == 0)),
                "jets cut to nmax": int(np.count_nonzero(np.diff(jets.offsets) > np.diff(graphs.ptr))),
                "constituent links lost": jets.lost_links,
            },
            observables.fill(observables.axes_of(self, self.collection), jets, graphs, of_jets, self.max_weight),
            {KIND: self._sample(graphs, rows, from_files)},
            (ChunkFile.of(events.metadata, KIND, f".{self.format}", content, counts),),
        )
        return Result({events.metadata["dataset"]: result})

    def draw(self, run: RunRecord, folder: Path) -> list[Path]:
        """Draw, for each dataset, a jet as a graph, and how similar the graphs of its sample are."""
        from processors.jet_graphs.drawing import draw

        return draw(run, folder, self.recipe, self.comparison)

    def skim(self, events: ak.Array) -> Passed:
        """Say which events a skim needs: those with a jet that becomes a graph."""
        jets = Constituents.from_events(events, self.collection, self.jets, self.recipe.columns)
        found = np.zeros(len(events), dtype=np.bool_)
        found[jets.jets["row"]] = True
        everything = np.ones(len(events), dtype=np.bool_)
        return Passed({ALL_EVENTS: everything, WITH_JET: found}, event_weights(events), self.max_weight)

    def skim_columns(self, events: ak.Array) -> Columns:
        """Columns that a skim of events needs."""
        return (*self.required_columns, *((_GENERATOR_WEIGHT,) if _GENERATOR_WEIGHT in events.fields else ()))

    def _sample(self, graphs: JetGraphs, rows: Integers, from_files: tuple[Origin, ...]) -> RowSample:
        """Sample the graphs; without edges, where these can be made again."""
        keys = np.empty(len(graphs), dtype=np.uint64)
        for origin in from_files:
            own = slice(*np.searchsorted(rows, (origin.rows.start, origin.rows.stop)).tolist())
            of_jets = (graphs.columns[name][own] for name in ("entry", "jet"))
            keys[own] = keys_of(origin.uuid, *of_jets, stream=KIND)
        keys = weighted(keys, graphs.columns.get(WEIGHT, np.ones(len(graphs))))
        chosen = lowest(self.sample, keys)
        few = graphs[chosen]
        few = few.without_edges() if self.recipe.can_rebuild else few
        return RowSample.of(self.sample, keys[chosen], few.to_awkward())


def _identified(graphs: JetGraphs, from_files: tuple[Origin, ...], further: Mapping[str, Floats | None]) -> JetGraphs:
    """Tell each jet's event by its entry in the file, as a row in the chunk means nothing later; add other columns."""
    entry = np.concatenate([origin.entry for origin in from_files]).astype(np.int64)
    columns = {"entry": entry[graphs.columns["row"]], **graphs.columns}
    columns |= {name: column for name, column in further.items() if column is not None}
    del columns["row"]
    return replace(graphs, columns=columns)


def event_weights(events: ak.Array) -> Floats | None:
    """Weights of the generator; None of data, whose events count one."""
    if _GENERATOR_WEIGHT not in events.fields:
        return None
    return ak.to_numpy(events[_GENERATOR_WEIGHT]).astype(np.float64)

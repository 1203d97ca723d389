"""The processor of the stop four-body search."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any, Self

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from hepcol.events import Columns
from hepcol.fileset import Fileset
from hepcol.result import DatasetResult, Result
from hepcol.selection import Passed, apply
from hepcol.sums import DEFAULT_BOUND, ExactSum
from processors.stop4b import arrangement, fill, weights
from processors.stop4b.arrangement import OBJECTS, Missing
from processors.stop4b.kinds import Kind
from processors.stop4b.observables import AXES, DERIVED, DERIVED_COLUMNS, Column
from processors.stop4b.selection import DEFAULT, Selection, read_selection
from processors.stop4b.systematics import NOMINAL

CAMPAIGN = "campaign"


@dataclass(frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class Stop4bProcessor(ProcessorABC):
    """Stop four-body search: yields of all regions with all systematics, from flat trees or from objects.

    Parameters
    ----------
    missing : {"error", "nominal"}
        What to do where the tree of a kinematic variation, or the column of a weight variation, is missing: take the
        nominal one in its place is recorded.
    systematics : bool
        Whether to take all systematics, or the nominal yields alone.
    selection : str
        A table of cuts and regions in YAML in the place of ``selection.yaml``.
    max_weight : float
        Bound on the weights [fb].
    """

    missing: Missing = Missing.ERROR
    systematics: bool = True
    selection: str = ""
    max_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = DEFAULT_BOUND
    table: Selection = field(init=False)

    def __post_init__(self) -> None:
        # read here and not by the workers, which may not have the file
        object.__setattr__(self, "table", read_selection(self.selection or DEFAULT))

    def arrange(self, fileset: Fileset) -> Fileset:
        """Make a dataset of each tree: see :func:`processors.stop4b.arrangement.arrange`."""
        return arrangement.arrange(fileset, self.missing, self.systematics)

    def required_columns(self, metadata: Mapping[str, Any]) -> Columns:
        """Columns that the files of a dataset need to have."""
        kind = Kind(metadata["kind"])
        looked_at = [name for region in self.table.of(_cuts_of(kind)) for name in region.columns]
        needed = [CAMPAIGN, *looked_at, *weights.factors(kind)]
        if metadata["variation"] == NOMINAL.name:
            needed += DERIVED_COLUMNS
            if self._varies(kind) and self.missing is Missing.ERROR:
                needed += weights.columns(kind)
        return tuple(dict.fromkeys(needed))

    def process(self, events: ak.Array) -> Result:
        """Analyse one chunk; the sum over chunks is the result of all events."""
        metadata = events.metadata
        kind, columns = Kind(metadata["kind"]), _Rows(events)
        passed = apply(self.table.of(_cuts_of(kind)), columns)
        of_chunk = fill.Events(
            fill.check_campaigns(columns[CAMPAIGN], metadata["treename"]),
            weights.nominal_weight(columns, kind, len(events)),
            self.max_weight,
        )
        is_nominal = metadata["variation"] == NOMINAL.name
        histograms = {fill.YIELDS: self._fill_yields(of_chunk, passed, columns, metadata)}
        tallies = {}
        if is_nominal:
            histograms |= {f"{fill.CUTFLOW}_{one.region.name}": fill.fill_cutflow(of_chunk, one) for one in passed}
            histograms |= fill.fill_all_but(of_chunk, passed, columns)
            tallies = self._check(columns, passed, kind)
        sum_weights = ExactSum.of(of_chunk.weight, self.max_weight)
        result = DatasetResult(len(events), sum_weights, _count(passed, len(events)), tallies, histograms)
        return Result({metadata["dataset"]: result})

    def _varies(self, kind: Kind) -> bool:
        """Whether a kind of samples has weight systematics to take."""
        return self.systematics and kind is not Kind.DATA

    def _fill_yields(
        self, events: fill.Events, passed: list[Passed], columns: Mapping[str, Column], metadata: Mapping[str, Any]
    ) -> Any:
        """Histogram the yields: of the nominal tree with all weight variations, of another one as its variation."""
        rows = np.unique(np.concatenate([one.rows for one in passed]))
        varied = {metadata["variation"]: events.weight[rows]}
        kind = Kind(metadata["kind"])
        if metadata["variation"] == NOMINAL.name and self._varies(kind):
            present = [name for name in weights.columns(kind) if name in columns]
            chosen = {name: columns[name][rows] for name in present}
            varied = weights.varied_weights(chosen, kind, len(rows), self.missing)
        return fill.fill_yields(events, passed, varied, rows)

    def _check(self, columns: Mapping[str, Column], passed: list[Passed], kind: Kind) -> dict[str, int]:
        """Count what is odd among the events that any region looks at closely."""
        rows = np.flatnonzero(np.any([one.steps() > 0 for one in passed], axis=0))
        chosen = {name: columns[name][rows] for name in DERIVED_COLUMNS}
        tallies = {f"stored {derived.name} is another one": derived.differs(chosen) for derived in DERIVED}
        return tallies


class _Rows(Mapping[str, Column]):
    """Columns of a flat tree, read when they are asked for."""

    def __init__(self, events: ak.Array) -> None:
        self._events = events
        self._read: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._read:
            if name not in self._events.fields:
                raise KeyError(name)
            self._read[name] = np.asarray(self._events[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._events.fields)

    def __len__(self) -> int:
        return len(self._events.fields)


def _cuts_of(kind: Kind) -> str:
    """Name the cuts that are made for a kind of samples."""
    return Kind.FAKES.value if kind is Kind.DATA_DRIVEN else kind.value


def _count(passed: list[Passed], events: int) -> dict[str, int]:
    """Count the events that pass each region."""
    return {fill.ALL_EVENTS: events} | {one.region.name: len(one.rows) for one in passed}

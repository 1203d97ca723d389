"""The processor of the stop four-body search."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import PurePosixPath
from typing import Annotated, Any

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hepcol.fileset import Fileset
from hepcol.histograms import Histogram
from hepcol.result import DatasetResult, Result
from hepcol.schemas import Columns
from hepcol.selection import Region
from hepcol.skimming.passed import ALL_EVENTS, Passed
from hepcol.sums import ExactSum
from processors.stop4b import arrangement, fill, objects, weights
from processors.stop4b.files import OBJECTS
from processors.stop4b.fill import Contribution, Events
from processors.stop4b.kinds import Kind, Missing
from processors.stop4b.observables import DERIVED, DERIVED_COLUMNS
from processors.stop4b.response import VARIATIONS
from processors.stop4b.rows import Rows, Stored, rows_of_objects, rows_of_tree
from processors.stop4b.selection import DEFAULT, Selection, read_selection
from processors.stop4b.systematics import NOMINAL

CAMPAIGN = "campaign"
NEEDED = "all cuts of a region but one"  # of a skim
# fb; sums of squares have digits down to 2^-96 of its square, of weights of 1e-4 fb enough for 1e-17
MAX_WEIGHT = 64.0


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Stop4bProcessor(ProcessorABC):
    """Stop four-body search: yields of all regions with all systematics, from flat trees or from objects.

    Parameters
    ----------
    missing : {"error", "nominal"}
        What to do where the tree of a kinematic variation, or the column of a weight variation, is missing:
        ``nominal`` takes the nominal one in its place, and the run says so.
    systematics : bool
        Whether to take all systematics, or the nominal yields alone.
    selection : str
        A table of cuts and regions in YAML, in the place of ``selection.yaml``.
    max_weight : float
        Bound on the weights [fb].
    """

    missing: Missing = Missing.ERROR
    systematics: bool = True
    selection: str = ""
    max_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = MAX_WEIGHT
    table: Selection = field(init=False)

    def __post_init__(self) -> None:
        # read here and not by the workers, which may not have the file
        object.__setattr__(self, "table", read_selection(self.selection or DEFAULT))

    def arrange(self, fileset: Fileset) -> Fileset:
        """Make a dataset of each tree: see :func:`processors.stop4b.arrangement.arrange`."""
        arranged = arrangement.arrange(fileset, self.missing, self.systematics, self.table)
        for kind in {dataset.metadata["kind"] for dataset in arranged.values() if dataset.metadata["form"] == OBJECTS}:
            objects.check_cuts(self.table.of(Kind(kind)))
        return arranged

    def required_columns(self, metadata: Mapping[str, Any]) -> Columns:
        """Columns that the files of a dataset need to have."""
        kind, is_nominal = Kind(metadata["kind"]), metadata["variation"] == NOMINAL.name
        needed = [CAMPAIGN, *weights.factors(kind)]
        if is_nominal and self.systematics and self.missing is Missing.ERROR:
            needed += weights.columns(kind)
        if metadata["form"] == OBJECTS:
            needed += objects.COLUMNS
        else:
            needed += self._looked_at(kind)
            needed += DERIVED_COLUMNS if is_nominal else ()
        return tuple(dict.fromkeys(needed))

    def warm_up(self, metadata: Mapping[str, Any]) -> None:
        """Compile the kernel of objects, which trees do not need."""
        if metadata["form"] == OBJECTS:
            objects.compile_kernels()

    def process(self, events: ak.Array) -> Result:
        """Analyse one chunk; the sum over chunks is the result of all events."""
        metadata = events.metadata
        kind, stored, tree = Kind(metadata["kind"]), Stored(events), metadata["treename"]
        regions = self.table.of(kind)
        of_events = Events(
            fill.check_campaigns(stored[CAMPAIGN], tree, PurePosixPath(metadata["filename"]).parent.name),
            weights.nominal_weight(stored, kind, len(events)),
            self.max_weight,
        )
        yields: dict[str, list[Contribution]] = {}
        if metadata["form"] == OBJECTS:
            variations = VARIATIONS if self._varies(kind) else VARIATIONS[:1]
            selected = objects.select(events, of_events.campaign, regions, variations)
            rows = rows_of_objects(selected, stored, regions)
            yields = _kinematic(selected, regions, of_events)
            trees = _count_touched(selected, of_events)
        else:
            fill.check_numbers(stored, self._looked_at(kind), f"tree '{tree}'")
            rows = rows_of_tree(stored, regions)
            trees = {metadata["variation"]: fill.count_rows(of_events.campaign, stored)}
        is_nominal = metadata["variation"] == NOMINAL.name
        own = self._weigh(rows, kind) if is_nominal else {metadata["variation"]: rows.pick(of_events.weight)}
        yields = {name: rows.contributions(of_regions) for name, of_regions in own.items()} | yields
        filled = fill.fill_yields(of_events, self.table.names, yields)
        # entries apart: what is written of weighted histograms has none
        histograms = {fill.YIELDS: filled, fill.ENTRIES: filled.entries, fill.TREES: fill.fill_trees(trees)}
        if is_nominal:
            histograms |= _describe(of_events[rows.event], rows)
        result = DatasetResult(
            len(events),
            ExactSum.of(of_events.weight, self.max_weight),
            {fill.ALL_EVENTS: len(events)} | {one.region.name: len(one.rows) for one in rows.passed},
            self._count_oddities(rows, kind, metadata["form"]) if is_nominal else {},
            histograms,
        )
        return Result({metadata["dataset"]: result})

    def skim(self, events: ak.Array) -> Passed:
        """Say which events a skim needs: those that pass all cuts of a region, or all but those on one column."""
        kind, stored = Kind(events.metadata["kind"]), Stored(events)
        regions, weight = self.table.of(kind), weights.nominal_weight(stored, kind, len(events))
        needed = np.zeros(len(events), dtype=np.bool_)
        if events.metadata["form"] == OBJECTS:
            variations = VARIATIONS if self._varies(kind) else VARIATIONS[:1]
            campaign = stored[CAMPAIGN].astype(np.int64)
            selected = objects.select(events, campaign, regions, variations)
            needed |= selected.passed.any(axis=1)
            rows = rows_of_objects(selected, stored, regions)
        else:
            rows = rows_of_tree(stored, regions)
        for one in rows.passed:
            needed[rows.event[one.rows]] = True
            for name in one.region.columns:
                needed[rows.event[one.all_but(name)]] = True
        return Passed({ALL_EVENTS: np.ones(len(events), dtype=np.bool_), NEEDED: needed}, weight, self.max_weight)

    def skim_columns(self, events: ak.Array) -> Columns:
        """Columns that a skim of events needs."""
        metadata = events.metadata
        of_weights = weights.columns(Kind(metadata["kind"])) if metadata["variation"] == NOMINAL.name else ()
        further = [name for name in of_weights if name in events.fields]
        return tuple(dict.fromkeys((*self.required_columns(metadata), *further)))

    def _looked_at(self, kind: Kind) -> tuple[str, ...]:
        """Columns of a flat tree that decide on its events, or tell it from others."""
        return tuple(dict.fromkeys((*fill.CHECKED, *self.table.columns(kind))))

    def _varies(self, kind: Kind) -> bool:
        """Whether samples of a kind have kinematic variations to take."""
        return self.systematics and kind.is_simulated

    def _weigh(self, rows: Rows, kind: Kind) -> dict[str, list[Any]]:
        """Weights, by variation and region, of the events that pass."""
        names = weights.columns(kind) if self.systematics else weights.factors(kind)
        chosen = [rows.choose(names, one.rows) for one in rows.passed]
        by_region = [
            weights.varied_weights(of, kind, len(one.rows), self.missing)
            if self.systematics
            else {NOMINAL.name: weights.nominal_weight(of, kind, len(one.rows))}
            for of, one in zip(chosen, rows.passed, strict=True)
        ]
        return {name: [of_region[name] for of_region in by_region] for name in by_region[0]}

    def _count_oddities(self, rows: Rows, kind: Kind, form: str) -> dict[str, int]:
        """Count what is odd: stored variables that are not what they are derived of, scale factors of zero."""
        counts: dict[str, int] = {}
        if form != OBJECTS:
            some = rows.choose(DERIVED_COLUMNS, rows.any_first_cut)
            counts |= {f"stored {derived.name} differs": derived.differs(some) for derived in DERIVED}
        if self.systematics and (names := weights.ratio_factors(kind)):
            passing = np.unique(np.concatenate([one.rows for one in rows.passed]))
            counts["scale factor of 0"] = weights.count_zeros(rows.choose(names, passing))
        return counts


def _kinematic(
    selected: objects.Selected, regions: tuple[Region, ...], events: Events
) -> dict[str, list[Contribution]]:
    """Return what passes in the kinematic variations of objects."""

    def passing(region: int, variation: int) -> Contribution:
        rows = selected.rows_of(region, variation)
        return Contribution(region, rows, events.weight[rows])

    return {
        name: [passing(region, number) for region in range(len(regions))]
        for number, name in enumerate(selected.variations)
        if number > 0
    }


def _count_touched(selected: objects.Selected, events: Events) -> dict[str, dict[int, tuple[int, int]]]:
    """Count, by variation and campaign, the events and those that the variation changes."""
    campaigns, totals = np.unique(events.campaign, return_counts=True)
    return {
        name: {
            int(campaign): (int(total), int(selected.touched[campaign, number]))
            for campaign, total in zip(campaigns, totals, strict=True)
        }
        for number, name in enumerate(selected.variations)
    }


def _describe(events: Events, rows: Rows) -> dict[str, Histogram]:
    """Return the cutflows, and the distributions without one cut, of nominal rows."""
    found: dict[str, Histogram] = {}
    for one in rows.passed:
        cutflow = fill.fill_cutflow(events, one)
        found |= {
            f"{fill.CUTFLOW}_{one.region.name}": cutflow,
            f"{fill.CUTFLOW_ENTRIES}_{one.region.name}": cutflow.entries,
        }
    return found | fill.fill_all_but(events, rows.passed, rows.columns)

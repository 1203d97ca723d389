"""Yields of data and simulation together: a column for each category, and one for histograms of the same events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hepcol.histograms import observables
from hepcol.inference.notes import Note
from hepcol.inference.yields import SampleYield
from hepcol.report.bands import Band
from hepcol.report.cutflows import Cutflow
from hepcol.report.expectations import YieldTable
from hepcol.report.numbers import luminosity_text, measured
from hepcol.report.stack_cutflows import CUTFLOW, cutflows_of
from hepcol.report.stacks import Stacks, View
from hepcol.report.style import missing
from hepcol.sampletable import BACKGROUND, DATA, SIGNAL
from hepcol.variations import SIDES

_OF_CUTFLOWS = (
    "Weights that an analysis applies after its steps, such as scale factors, are in yields and not in cutflows."
)
ALL = "selected"  # column of yields that are of no category
_ALIKE = 1e-9  # relative difference of sums of the same events in another order


@dataclass(frozen=True, eq=False)
class _Column:
    """Histograms of the same events, and these by process: all of them, those beyond the axis, too."""

    views: list[View]
    by_process: Mapping[str, Band]

    @property
    def first(self) -> View:
        return self.views[0]

    def name(self, views: Sequence[View]) -> str:
        """Name it by the category alone if it is that of all histograms."""
        of_category = [view for view in views if view.where == self.first.where]
        return (self.first.where or ALL) if len(self.views) == len(of_category) else str(self.first)


def yields_of(stacks: Stacks) -> YieldTable:
    """Make the yields of what some stacks show, with cutflows; of data that are blinded there are none."""
    made = stacks.made
    columns = {column.name(stacks.views): column for column in _columns(stacks)}
    expected = [*made.processes(BACKGROUND), *made.processes(SIGNAL)]
    data = made.processes(DATA) if stacks.blind is None else []
    cutflows, told = cutflows_of(made, expected + data)
    observed = {
        region: float(sum(column.by_process[name].nominal[0] for name in data)) for region, column in columns.items()
    }
    differing = list(_tell_last_steps(cutflows, next(iter(columns.values()))))
    energy = f" at {made.table.energy}" if made.table.energy else ""
    return YieldTable(
        tuple(columns),
        {name: _yield_of({region: one.by_process[name] for region, one in columns.items()}) for name in expected},
        tuple(made.processes(SIGNAL)),
        observed if data else None,
        cutflows={next(iter(columns)): cutflows} if cutflows else {},
        notes=(*made.notes, *_tell(stacks, columns), *told, *differing),
        title=f"Yields of {luminosity_text(made.luminosity, '^-1')}{energy}",
        data_label=", ".join(data),
        mark=", ".join(filter(None, (missing(made.summary), str(made.summary["mark"])))),
        of_cutflows=_OF_CUTFLOWS,
    )


def _columns(stacks: Stacks) -> list[_Column]:
    """Put histograms together that have the same yields."""
    columns: list[_Column] = []
    for view in stacks.views:
        by_process = stacks.sums(view, whole=True)
        alike = next((one for one in columns if one.first.where == view.where and _same(one, by_process)), None)
        if alike is None:
            columns.append(_Column([view], by_process))
        else:
            alike.views.append(view)
    return columns


def _same(column: _Column, by_process: Mapping[str, Band]) -> bool:
    """Whether yields are those of a column."""
    return all(_alike(column.by_process[process], band) for process, band in by_process.items())


def _alike(one: Band, other: Band) -> bool:
    """Whether two bands are of the same events."""
    if one.changes.keys() != other.changes.keys():
        return False
    pairs = [(one.nominal, other.nominal), (one.error, other.error)]
    pairs += [(change, other.changes[name]) for name, change in one.changes.items()]
    least = _ALIKE * float(np.abs(one.nominal).max(initial=0.0))
    return all(np.allclose(a, b, rtol=_ALIKE, atol=least) for a, b in pairs)


def _yield_of(by_region: Mapping[str, Band]) -> SampleYield:
    """Return the events of a process by region, with its systematics high and low."""
    systematics: dict[str, dict[str, tuple[float, float]]] = {}
    for region, band in by_region.items():
        nominal = float(band.nominal[0])
        for name in band.systematics:
            systematics.setdefault(name, {})[region] = _sides(name, band, nominal)
    return SampleYield(
        {region: float(band.nominal[0]) for region, band in by_region.items()},
        {region: float(band.error[0]) for region, band in by_region.items()},
        systematics,
        is_data_driven=True,  # the uncertainty of the luminosity is among the systematics already
    )


def _sides(systematic: str, band: Band, nominal: float) -> tuple[float, float]:
    """Return the events with a systematic high and low; one that has a single side is not mirrored."""
    changes = {name: float(change[0]) for name, change in band.changes.items()}
    up, down = (f"{systematic}{side}" for side in SIDES)
    return nominal + changes.get(up, changes.get(systematic, 0.0)), nominal + changes.get(down, 0.0)


def _tell(stacks: Stacks, columns: Mapping[str, _Column]) -> Iterator[Note]:
    """Tell of histograms that are not shown, events in no picture, and blinded data."""
    for name, why in stacks.refused.items():
        if not stacks.names and any(observables(own[name]) for own in stacks.made.histograms.values() if name in own):
            yield Note("not shown", f"histogram '{name}' is not shown: {why}", bool(stacks.made.refused[name]))
    for region, column in columns.items():
        if len(column.views) > 1:
            alike = ", ".join(view.histogram for view in column.views)
            yield Note("same events", f"the events of each of {alike}", region=region)
        for view in column.views:
            yield from _tell_beyond(stacks, view, column.by_process)
    if stacks.blind is not None:
        low, high = stacks.blind
        yield Note("blinded", f"data from {low:g} to {high:g} are in no picture, and data in no table")


def _tell_last_steps(cutflows: Mapping[str, Cutflow], column: _Column) -> Iterator[Note]:
    """Tell where a cutflow does not end with the yield; of categories, each is a part of it."""
    for process, rows in cutflows.items():
        last, whole = rows[-1].value, float(column.by_process[process].nominal[0])
        if not column.first.where and abs(last - whole) > _ALIKE * max(abs(last), abs(whole)):
            text = f"the cutflow ends with {measured(last)} events, and the yield is {measured(whole)}"
            yield Note(CUTFLOW, f"{text}: it has no scale factors and cuts that come after its steps", False, process)


def _tell_beyond(stacks: Stacks, view: View, of_all: Mapping[str, Band]) -> Iterator[Note]:
    """Tell of events beyond the axis."""
    hidden = stacks.made.processes(DATA) if stacks.blind is not None else []
    for process, band in stacks.sums(view, whole=False).items():
        whole, drawn = float(of_all[process].nominal[0]), float(band.nominal.sum())
        if process not in hidden and abs(whole - drawn) > _ALIKE * max(abs(whole), abs(drawn)):
            text = f"{measured(whole - drawn)} of {measured(whole)} events lie beyond the axis of {view}"
            yield Note("beyond the axis", f"{text}: in yields, and in no picture", False, process)

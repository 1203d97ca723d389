"""Expected events with their errors: statistical ones, and what each systematic changes; sums over samples."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hepcol.errors import InputError
from hepcol.inference.histfactory import LUMINOSITY, NORMALISATION
from hepcol.inference.notes import Note
from hepcol.inference.yields import SampleYield
from hepcol.report.cutflows import Cutflow, add_cutflows

TOTAL = "total background"
Change = tuple[float, float]  # events more (or less) with a systematic high and low


@dataclass(frozen=True)
class Expectation:
    """Expected events in a region, of a sample or of the sum of some.

    Parameters
    ----------
    nominal : float
        Events.
    error : float
        Their statistical error.
    changes : mapping of str to tuple of float
        By systematic, what it changes.
    entries : int, optional
        Simulated events behind them, if known.
    """

    nominal: float
    error: float
    changes: Mapping[str, Change]
    entries: int | None = None

    @property
    def systematic(self) -> Change:
        """Systematic error up and down, the second at most 0: all systematics in quadrature, by the sign of a change.

        Of one that changes both sides the same way, the larger change counts.
        """
        return combine(self.changes.values())

    def percent(self, systematic: str) -> Change | None:
        """Return what a systematic changes, in per cent; None if it is none of these, or there is nothing to change."""
        if systematic not in self.changes or self.nominal == 0:
            return None
        return self._percent(self.changes[systematic])

    @property
    def percent_of_all(self) -> Change | None:
        """The systematic error, in per cent."""
        return self._percent(self.systematic) if self.nominal else None

    def _percent(self, change: Change) -> Change:
        return 100 * change[0] / self.nominal, 100 * change[1] / self.nominal


def combine(changes: Iterable[Change]) -> Change:
    """Add changes in quadrature, separately those that add events and those that remove some."""
    pairs = tuple(changes)
    up = math.hypot(*(max(0.0, *pair) for pair in pairs))
    down = math.hypot(*(min(0.0, *pair) for pair in pairs))
    return up, -down


def expect(
    name: str, sample: SampleYield, region: str, luminosity_error: float, entries: int | None = None
) -> Expectation:
    """Tell the expected events of a sample in a region, with the uncertainties of luminosity and normalisation."""
    nominal = sample.nominal[region]
    changes = {
        systematic: (by_region[region][0] - nominal, by_region[region][1] - nominal)
        for systematic, by_region in sample.systematics.items()
        if region in by_region
    }
    if sample.scales_with_luminosity and luminosity_error:
        changes[LUMINOSITY] = (luminosity_error * nominal, -luminosity_error * nominal)
    if sample.normalisation is not None and sample.normalisation[1]:
        relative = sample.normalisation[1] / sample.normalisation[0]
        changes[f"{NORMALISATION}_{name}"] = (relative * nominal, -relative * nominal)
    return Expectation(nominal, sample.error.get(region, 0.0), changes, entries)


def add_expectations(parts: Iterable[Expectation]) -> Expectation:
    """Add samples: systematics of the same name change all of them together, statistical errors are independent."""
    found = tuple(parts)
    names = dict.fromkeys(name for part in found for name in part.changes)
    changes = {name: _add([part.changes[name] for part in found if name in part.changes]) for name in names}
    entries = [part.entries for part in found if part.entries is not None]
    return Expectation(
        math.fsum(part.nominal for part in found),
        math.hypot(*(part.error for part in found)),
        changes,
        sum(entries) if len(entries) == len(found) else None,
    )


def _add(changes: list[Change]) -> Change:
    return math.fsum(high for high, _ in changes), math.fsum(low for _, low in changes)


def by_impact(total: Expectation, others: Iterable[Expectation] = ()) -> list[str]:
    """Names of the systematics, those that change ``total`` most first; then those that change others only."""
    names = dict.fromkeys([*total.changes, *(name for other in others for name in other.changes)])
    return sorted(names, key=lambda name: (-max(map(abs, total.changes.get(name, (0.0, 0.0)))), name))


@dataclass(frozen=True)
class YieldTable:
    """What the tables show.

    Parameters
    ----------
    regions : tuple of str
        The regions.
    samples : mapping of str to SampleYield
        Expected events of backgrounds and signals.
    signals : tuple of str
        Names of the samples that are signals.
    data : mapping of str to float, optional
        Observed events by region; None without data.
    luminosity_error : float
        Relative uncertainty of the integrated luminosity.
    entries : mapping
        By sample and region, simulated events behind the expected ones, as far as they are known.
    cutflows : mapping
        By region and sample, the cutflows that there are; of data, too.
    notes : tuple of Note
        What a reader should know.
    title : str
        What it is.
    data_label : str
        What the data are called.
    sources : mapping
        By region and step of the cutflows, where the numbers of the cut are from, if that is known.
    mark : str
        What every table has to say, such as that events are missing.
    of_cutflows : str
        What the tables of cutflows say of themselves, besides.
    """

    regions: tuple[str, ...]
    samples: Mapping[str, SampleYield]
    signals: tuple[str, ...] = ()
    data: Mapping[str, float] | None = None
    luminosity_error: float = 0.0
    entries: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cutflows: Mapping[str, Mapping[str, Cutflow]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    title: str = "Yields"
    data_label: str = "data"
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mark: str = ""
    of_cutflows: str = ""

    def __post_init__(self) -> None:
        if TOTAL in self.samples:
            raise InputError(f"no sample can be called '{TOTAL}', as the sum of all backgrounds is")

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """Names of the samples that are no signals."""
        return tuple(name for name in self.samples if name not in self.signals)

    @property
    def expected_names(self) -> tuple[str, ...]:
        """Names of what is expected: backgrounds and their total, then signals."""
        return (*self.backgrounds, *((TOTAL,) if self.backgrounds else ()), *self.signals)

    @cached_property
    def expected(self) -> dict[str, dict[str, Expectation]]:
        """What is expected, by region and name."""
        found = {}
        for region in self.regions:
            by_name = {
                name: expect(name, sample, region, self.luminosity_error, self.entries.get(name, {}).get(region))
                for name, sample in self.samples.items()
            }
            if self.backgrounds:
                by_name[TOTAL] = add_expectations(by_name[name] for name in self.backgrounds)
            found[region] = by_name
        return found

    def ranking(self, region: str) -> list[str]:
        """Names of the systematics, those that change the total background of a region most first."""
        by_name = self.expected[region]
        return by_impact(by_name.get(TOTAL, Expectation(0.0, 0.0, {})), by_name.values())

    def cutflows_of(self, region: str) -> dict[str, Cutflow]:
        """Cutflows of a region: of the total background first, if all backgrounds have one."""
        own = dict(self.cutflows.get(region, {}))
        backgrounds = {name: own[name] for name in self.backgrounds if name in own}
        is_total = bool(backgrounds) and len(backgrounds) == len(self.backgrounds)
        return ({TOTAL: add_cutflows(backgrounds, region)} if is_total else {}) | own

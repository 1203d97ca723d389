"""Stacks of data and simulation together: which histograms, of all events or category by category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import hist
from matplotlib.colors import is_color_like
from matplotlib.mathtext import MathTextParser

from hepcol.errors import InputError
from hepcol.histograms import VARIATION, observables
from hepcol.report.bands import Band, band_of_any, categories, sum_bands, total_of
from hepcol.report.composition import Composition
from hepcol.report.numbers import luminosity_text
from hepcol.report.stack_plots import Layer, Stack
from hepcol.sampletable import BACKGROUND, DATA, SIGNAL, SampleTable

_ROOT_S = "\N{SQUARE ROOT}$s$"  # the fonts of the style have no root of formulas


@dataclass(frozen=True)
class View:
    """A histogram, or a category of one.

    Parameters
    ----------
    histogram : str
        Its name.
    axis, category : str
        The category, and the axis that has it; empty for all of them.
    """

    histogram: str
    axis: str = ""
    category: str = ""

    @property
    def where(self) -> str:
        """The category."""
        return f"{self.axis} = {self.category}" if self.axis else ""

    @property
    def path(self) -> tuple[str, ...]:
        """Names of its picture and of the folders that that is in."""
        return (*self.histogram.split("/"), *([f"{self.axis}_{self.category}"] if self.axis else []))

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.histogram, self.where)))


@dataclass(frozen=True, eq=False)
class Stacks:
    """Stacks of some histograms.

    Parameters
    ----------
    made : Composition
        Data and simulation.
    names : sequence of str
        Names of the histograms; none for all that all datasets have.
    by : str
        Axis of categories that are shown one by one; all others are added up.
    blind : tuple of float, optional
        Range of the observable whose data are not shown, so that no table tells the data either.
    log : bool
        Whether the axis of events is logarithmic.

    Raises
    ------
    InputError
        If there is no such histogram or axis, or a histogram cannot be shown.
    """

    made: Composition
    names: Sequence[str] = ()
    by: str = ""
    blind: tuple[float, float] | None = None
    log: bool = False
    chosen: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chosen", self._choose())
        _check_looks(self.made.table)
        if self.blind is not None:
            low, high = self.blind
            if not low < high:
                raise InputError(f"blinded range must be from low to high, got {low:g} to {high:g}")
            if len(self.chosen) != 1:
                raise InputError(f"a blinded range is one of one histogram; choose it among {', '.join(self.chosen)}")

    def _choose(self) -> tuple[str, ...]:
        """Return the names of the histograms that are shown."""
        for name in self.names:
            if name not in self.made.refused:
                known = ", ".join(self.made.refused) or "none"
                raise InputError(f"no dataset has a histogram '{name}'; there are {known}")
            if name in self.refused:
                raise InputError(f"histogram '{name}' cannot be a stack: {self.refused[name]}")
        found = tuple(dict.fromkeys(self.names)) or tuple(
            name for name in self.made.refused if name not in self.refused
        )
        if not found:
            told = "; ".join(f"{name}: {why}" for name, why in self.refused.items())
            raise InputError(f"no histogram can be a stack: {told or 'the runs have none'}")
        axes = {axis for name in found for one in self._of(name).values() for axis in categories(one)}
        if self.by and self.by not in axes - {VARIATION}:
            known = ", ".join(sorted(axes - {VARIATION})) or "none"
            raise InputError(f"no histogram has an axis '{self.by}' of categories; there are {known}")
        return found

    @cached_property
    def refused(self) -> Mapping[str, str]:
        """By name of a histogram that cannot be shown, why."""
        found = {name: self._refusal(name) for name in self.made.refused}
        return {name: why for name, why in found.items() if why}

    def _refusal(self, name: str) -> str:
        """Say why a histogram is not shown, if it is not."""
        if why := self.made.refused[name]:
            return why
        of_datasets = self._of(name)
        having = [dataset for dataset, histogram in of_datasets.items() if self.by in histogram.axes.name]
        if having and len(having) < len(of_datasets):
            without = next(dataset for dataset in of_datasets if dataset not in having)
            return f"that of dataset '{without}' has no axis '{self.by}', and that of '{having[0]}' has"
        for dataset, histogram in of_datasets.items():
            further = [axis for axis in categories(histogram) if axis not in (VARIATION, self.by)]
            # as of plots of one run
            if further and VARIATION not in histogram.axes.name:
                return (
                    f"that of dataset '{dataset}' has categories {', '.join(further)} and no variations: "
                    "an event may be in several"
                )
        return ""

    def _of(self, name: str) -> dict[str, hist.Hist]:
        """Return the histograms of a name by dataset."""
        return {dataset: own[name] for dataset, own in self.made.histograms.items()}

    @cached_property
    def views(self) -> tuple[View, ...]:
        """What is shown, histogram by histogram."""
        found = []
        for name in self.chosen:
            axes = [one.axes[self.by] for one in self._of(name).values() if self.by in one.axes.name]
            labels = dict.fromkeys(str(label) for axis in axes for label in axis)
            found += [View(name, self.by, label) for label in labels] if axes else [View(name)]
        return tuple(found)

    def sums(self, view: View, whole: bool) -> dict[str, Band]:
        """Add up what is shown, or all events together, those beyond the axis, too; by process."""
        bands = {dataset: _band(one, view, whole) for dataset, one in self._of(view.histogram).items()}
        return {process: self.made.sum(process, bands) for process in self.made.datasets_of}

    def stack(self, view: View) -> Stack:
        """Make the stack of a view."""
        made = self.made
        sums = self.sums(view, whole=False)
        histogram = next(iter(self._of(view.histogram).values()))
        axis = histogram.axes[observables(histogram)[0]]

        def layers(kind: str) -> list[Layer]:
            looks = {process: made.table.look_of(process) for process in made.processes(kind)}
            return [Layer(label, sums[name], colour) for name, (label, colour) in looks.items()]

        data = layers(DATA)
        blinded = None
        label = ", ".join(layer.label for layer in data)
        if self.blind is not None:
            low, high = self.blind
            blinded = (axis.edges[:-1] < high) & (axis.edges[1:] > low)
            label += f", not from {low:g} to {high:g}"
        return Stack(
            self._title(view),
            axis,
            layers(BACKGROUND),
            layers(SIGNAL),
            sum_bands([layer.band for layer in data]) if data else None,
            label,
            blinded=blinded,
            log=self.log,
            ratio=True,
        )

    def _title(self, view: View) -> str:
        """Say what is shown: energy and luminosity, and the category, or over what was added up."""
        table = self.made.table
        energy = f"{_ROOT_S} = {table.energy}, " if table.energy else ""
        further = {
            axis
            for one in self._of(view.histogram).values()
            for axis in categories(one)
            if axis not in (VARIATION, view.axis)
        }
        summed = f"sum over {', '.join(sorted(further))}" if further else ""
        told = ", ".join(filter(None, (view.where, summed))).replace("$", r"\$")
        return "\n".join(filter(None, (energy + luminosity_text(self.made.luminosity, "$^{-1}$"), told)))


def _check_looks(table: SampleTable) -> None:
    """Refuse labels and colours that matplotlib does not understand."""
    parser = MathTextParser("path")
    for name, sample in table.samples.items():
        try:
            parser.parse(sample.label)
        except ValueError as error:
            raise InputError(f"samples.{name}.label: '{sample.label}' is no text with formulas: {error}") from error
        if sample.colour and not is_color_like(sample.colour):
            raise InputError(
                f"samples.{name}.colour: '{sample.colour}' is no colour; expected such as '#3f90da' or 'C0'"
            )


def _band(histogram: hist.Hist, view: View, whole: bool) -> Band:
    """Take the band of a category of a histogram, or of all; of one that it does not have there is nothing."""
    if view.axis and view.axis in histogram.axes.name:
        labels = [str(label) for label in histogram.axes[view.axis]]
        if view.category not in labels:  # an axis of its own that has not grown so far
            empty = histogram.copy().reset()
            return _band(empty, replace(view, axis="", category=""), whole)
        histogram = histogram[{view.axis: labels.index(view.category)}]
    return total_of(histogram) if whole else band_of_any(histogram)

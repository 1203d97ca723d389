"""The fits of a run: from its output folder, and back into it."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hist
import numpy as np

from hepcol import store
from hepcol.errors import InputError
from hepcol.histograms import VARIATION, inclusive
from hepcol.inference.arrays import FloatArray
from hepcol.inference.model import YIELD, Model
from hepcol.inference.plan import FitPlan, Fitted
from hepcol.inference.record import FitRecord, json_number
from hepcol.inference.spectrum import Spectrum
from hepcol.inference.variations import Changes, fit_variations
from hepcol.options import rebuild_processor
from hepcol.provenance import describe_derived
from hepcol.variations import NOMINAL, envelope

MIN_USABLE = 0.9  # of the fits, for a mean: those that are left may be a choice


@dataclass(frozen=True, eq=False)
class Companion:
    """Mean of another observable in each variation, with the label of its axis."""

    label: str
    means: FloatArray


@dataclass(frozen=True, eq=False)
class DatasetFit:
    """The fits of one dataset.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    plan : FitPlan
        What was fitted.
    label : str
        Label of the observable's axis, with its unit.
    variations : tuple of str
        Names of the variations; the following are in their order.
    spectra : tuple of Spectrum
        What was fitted.
    models : tuple of Model
        With what.
    records : tuple of FitRecord
        What came out.
    shared : FitRecord or None
        The fit of the sum of all variations, for what they share.
    companions : dict of str to Companion
        Means of the histograms that the result is compared with.
    """

    dataset: str
    plan: FitPlan
    label: str
    variations: tuple[str, ...]
    spectra: tuple[Spectrum, ...]
    models: tuple[Model, ...]
    records: tuple[FitRecord, ...]
    shared: FitRecord | None
    companions: Mapping[str, Companion]

    @property
    def usable(self) -> tuple[int, ...]:
        """Positions of the fits that may be used."""
        return tuple(number for number, record in enumerate(self.records) if record.usable)

    @property
    def results(self) -> FloatArray:
        """Value and error of the result, ``[n, 2]``; NaN where there is none, and to be used only where usable."""
        found = [record.estimates.get(self.plan.parameter) for record in self.records]
        return np.array([(math.nan, math.nan) if e is None else (e.value, e.error) for e in found])

    @property
    def nominal(self) -> dict[str, float] | None:
        """The nominal result and its errors, statistical, and of all systematics up and down, in quadrature.

        None without a nominal variation beside others. Of fits that may not be used there is no systematic.
        """
        if NOMINAL not in self.variations or len(self.variations) == 1:
            return None
        results = dict(zip(self.variations, self.results, strict=True))
        value, error = results[NOMINAL]
        usable = {self.variations[number] for number in self.usable} - {NOMINAL}
        up, down = envelope({name: results[name][0] - value for name in usable}) if usable else (0.0, 0.0)
        return {"value": float(value), "error": float(error), "up": float(up), "down": float(down)}

    @property
    def statuses(self) -> dict[str, int]:
        """How many fits ended how."""
        return dict(Counter(record.status.value for record in self.records))

    def to_json(self) -> dict[str, Any]:
        """Return what ``summary.json`` tells."""
        values = self.results[list(self.usable), 0]
        nominal = self.nominal
        # a mean is of replicas; systematics lie around what is nominal
        enough = len(values) >= MIN_USABLE * len(self.records) and nominal is None
        return {
            "expected": self.plan.expected,
            "expected_label": self.plan.expected_label,
            "fits": len(self.records),
            "usable": len(values),
            "nominal": None if nominal is None else {name: json_number(value) for name, value in nominal.items()},
            "mean": float(values.mean()) if enough and len(values) else None,
            "standard_deviation": float(values.std(ddof=1)) if enough and len(values) > 1 else None,
            "variations": {
                name: {
                    "value": json_number(value),
                    "error": json_number(error),
                    "status": record.status.value,
                    "p_value": json_number(record.p_value),
                }
                for name, record, (value, error) in zip(self.variations, self.records, self.results, strict=True)
            },
        }


@dataclass(frozen=True, eq=False)
class FolderFit:
    """The fits of a run with one model.

    Parameters
    ----------
    folder : Path
        Output folder of the run.
    model : str
        Name of the model.
    datasets : tuple of DatasetFit
        The fits of each dataset.
    summary : dict
        Summary of the run, which says whether it is complete.
    changes : mapping
        What was changed about the model's parameters.
    """

    folder: Path
    model: str
    datasets: tuple[DatasetFit, ...]
    summary: Mapping[str, Any]
    changes: Changes = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether every fit may be used."""
        return all(len(part.usable) == len(part.records) for part in self.datasets)

    def to_json(self) -> dict[str, Any]:
        """Return what ``summary.json`` tells of this model."""
        first = self.datasets[0]
        return {
            "title": first.models[0].title,
            "changes": {name: dict(change) for name, change in self.changes.items()},
            "observable": first.plan.observable,
            "range": list(first.spectra[0].range),
            "parameter": first.plan.parameter,
            "quantity": first.plan.quantity,
            "unit": first.plan.unit,
            "datasets": {part.dataset: part.to_json() for part in self.datasets},
        }


def fit_folder(
    folder: str | Path,
    model: str | None = None,
    *,
    range_: tuple[float, float] | None = None,
    minos: bool = False,
    changes: Changes | None = None,
    workers: int | None = None,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> FolderFit:
    """Fit the histograms of a run, in all variations, and write the results beside them.

    Parameters
    ----------
    folder : str or Path
        Output folder of a run, of a processor that says what is to be fitted
        (:class:`hepcol.inference.plan.Fitted`).
    model : str, optional
        Name of the model; the processor's first unless given.
    range_ : tuple of float, optional
        Range of the fit, in bins of the histogram; all of it unless given.
    minos : bool
        Whether to find the interval of the result on the profile likelihood.
    changes : mapping, optional
        Other properties of some parameters, such as ``{"radiation": {"fixed": False}}``.
    workers : int, optional
        Threads.
    report : callable
        Told how many fits of how many are done.

    Returns
    -------
    FolderFit
        The fits; ``summary.json`` and ``fit_MODEL.json`` tell them, too.

    Raises
    ------
    InputError
        If there is no run, its processor has nothing to fit, or there is no such model, range or parameter.
    """
    path = Path(folder)
    histograms, summary = store.read(path)
    provenance = store.read_provenance(path)
    name, plan = _plan(provenance, model)
    for result in (plan.parameter, YIELD):
        if (changes or {}).get(result, {}).get("fixed"):
            raise InputError(f"parameter {result} is what the fit is for: it cannot be fixed")
    chosen = [key for key in histograms if key[-1] == plan.observable and len(key) == 2]  # noqa: PLR2004  (dataset, name)
    if not chosen:
        raise InputError(f"{path}: no histogram {plan.observable} there, which model {name} is for")
    series = {key: _series(histograms[key], range_ or plan.range) for key in chosen}
    total = sum(len(spectra) for _, spectra, _ in series.values())
    fitted: list[DatasetFit] = []
    for key, (names, spectra, label) in series.items():
        before = sum(len(part.records) for part in fitted)
        fits, shared = fit_variations(
            plan,
            spectra,
            changes=changes,
            minos=minos,
            workers=workers,
            report=lambda done, _, before=before: report(before + done, total),  # type: ignore[misc]
        )
        companions = {
            other: _companion(histograms[key[0], other]) for other in plan.against if (key[0], other) in histograms
        }
        models, records = zip(*fits, strict=True)
        fitted.append(
            DatasetFit(key[0], plan, label, tuple(names), tuple(spectra), models, records, shared, companions)
        )
    done = FolderFit(path, name, tuple(fitted), summary, changes or {})
    store.add_fit(path, name, done.to_json(), _record(done, minos))
    return done


def _plan(provenance: Mapping[str, Any], model: str | None) -> tuple[str, FitPlan]:
    """Find what the processor of a run wants fitted."""
    processor = rebuild_processor(provenance["processor"], provenance["options"])
    if not isinstance(processor, Fitted):
        raise InputError(f"processor {provenance['processor']} has nothing to fit: it has no method fits()")
    plans = processor.fits()
    name = model or next(iter(plans))
    if name not in plans:
        raise InputError(f"model must be one of {', '.join(plans)}, got '{name}'")
    return name, plans[name]


def _series(histogram: hist.Hist, range_: tuple[float, float] | None) -> tuple[list[str], list[Spectrum], str]:
    """Take the spectra of the variations of a histogram; over other categories they are added up."""
    histogram = inclusive(histogram)
    if histogram.axes[0].name != VARIATION:
        return [NOMINAL], [Spectrum.of(histogram, range_)], histogram.axes[0].label
    names = [str(name) for name in histogram.axes[0]]
    return (
        names,
        [Spectrum.of(histogram[{VARIATION: number}], range_) for number in range(len(names))],
        histogram.axes[1].label,
    )


def _companion(histogram: hist.Hist) -> Companion:
    """Mean of an observable within the range of its axis, in each variation."""
    histogram = inclusive(histogram)
    axis = histogram.axes[-1]
    contents = np.atleast_2d(np.asarray(histogram.values(), dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Companion(axis.label or axis.name, contents @ axis.centers / contents.sum(axis=1))


def _record(done: FolderFit, minos: bool) -> dict[str, Any]:
    """Return everything that is known of the fits, with what made them."""
    return {
        **done.to_json(),
        "provenance": describe_derived(changes=done.to_json()["changes"], minos=minos),
        "datasets": {
            part.dataset: {
                **part.to_json(),
                "sum_of_variations": None if part.shared is None else part.shared.to_json(),
                "variations": {
                    name: record.to_json() for name, record in zip(part.variations, part.records, strict=True)
                },
            }
            for part in done.datasets
        },
    }

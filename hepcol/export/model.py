"""Statistical models of runs as templates: of the yields in a folder, or of histograms with datasets as samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.histograms import VARIATION, observables
from hepcol.inference.templates import FLOOR
from hepcol.inference.yields import Yields
from hepcol.report.record import RunRecord
from hepcol.variations import SIDES, systematic_of

FloatArray = npt.NDArray[np.float64]
ASIMOV = "Asimov_data"
MEASUREMENT, SIGNAL_STRENGTH = "hepcol", "mu"
_BOUNDS = [0, 50]
_STATERROR = "staterror"


@dataclass(frozen=True, eq=False)
class Template:
    """Contents of a region from one sample.

    Parameters
    ----------
    edges, nominal, error : float64 arrays
        Edges of the bins, contents and statistical errors.
    varied : mapping
        By systematic, the contents with it up and down; None for a side that is the mirror of the other.
    """

    edges: FloatArray
    nominal: FloatArray
    error: FloatArray
    varied: Mapping[str, tuple[FloatArray, FloatArray | None]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Model:
    """What a configuration describes.

    Parameters
    ----------
    templates : mapping
        By region and sample.
    data : mapping
        By region.
    data_name : str
        What the data are.
    factors : list of dict
        Normalisation factors, as cabinetry has them; the first is the parameter of interest.
    without_error : set of str
        Samples without statistical errors.
    measurement : str
        Name of the model.
    warnings : list of str
        What could not be taken as it is.
    """

    templates: Mapping[tuple[str, str], Template]
    data: Mapping[str, Template]
    data_name: str
    factors: list[dict[str, Any]]
    without_error: frozenset[str] = frozenset()
    measurement: str = MEASUREMENT
    warnings: list[str] = field(default_factory=list)


def of_yields(yields: Yields, signals: Sequence[str]) -> Model:
    """Take the model that ``hepcol fit --model histfactory`` fits."""
    from hepcol.inference.histfactory import build_workspace

    if len(signals) > 1 or (not signals and len(yields.signals) != 1):
        raise InputError(f"signals: expected one of {', '.join(yields.signals) or 'none, as there are none'}")
    built = build_workspace(yields, signals[0] if signals else yields.signals[0])
    edges = np.array([0.0, 1.0])
    templates: dict[tuple[str, str], Template] = {}
    factors: dict[str, list[str]] = {}
    with_error = set()
    for channel in built.spec["channels"]:
        for sample in channel["samples"]:
            nominal, error, varied = np.array(sample["data"]), np.zeros(1), {}
            for modifier in sample["modifiers"]:
                if modifier["type"] == "normfactor":
                    factors.setdefault(modifier["name"], []).append(sample["name"])
                elif modifier["type"] == _STATERROR:
                    with_error.add(sample["name"])
                    error = np.array(modifier["data"])
                else:
                    both = (nominal * modifier["data"][side] for side in ("hi", "lo"))
                    varied[modifier["name"]] = tuple(both)
            templates[channel["name"], sample["name"]] = Template(edges, nominal, error, varied)
    measurement = built.spec["measurements"][0]
    parameters = {one["name"]: one for one in measurement["config"]["parameters"]}
    return Model(
        templates,
        {one["name"]: Template(edges, np.array(one["data"]), np.zeros(1)) for one in built.spec["observations"]},
        yields.label,
        [
            {
                "Name": name,
                "Samples": sorted(set(factors[name])),
                "Nominal": one["inits"][0],
                "Bounds": [float(bound) for bound in one["bounds"][0]],
            }
            for name, one in parameters.items()
        ],
        frozenset(name for _, name in templates if name not in with_error),
        measurement["name"],
        [*built.warnings, *_without_error_somewhere(templates, with_error)],
    )


def _without_error_somewhere(templates: Mapping[tuple[str, str], Template], with_error: set[str]) -> Iterator[str]:
    """Say where cabinetry, which knows errors of a sample in all regions or in none, makes another model."""
    for (region, sample), template in templates.items():
        if sample in with_error and not template.error.any() and template.nominal.sum() > FLOOR:
            yield f"{sample} in {region}: without a statistical error, but scaled with that of the others in cabinetry"


def of_histograms(
    run: RunRecord, names: Sequence[str], data: str, signals: Sequence[str], scales: Mapping[str, float]
) -> Model:
    """Take datasets as samples, and histograms as regions."""
    datasets = list(dict.fromkeys(dataset for dataset, *_ in run.histograms))
    for what, given in (("data", [data] if data else []), ("signals", signals), ("scales", list(scales))):
        for name in given:
            if name not in datasets:
                raise InputError(f"{what}: no dataset '{name}'; there are: {', '.join(datasets)}")
    samples = [name for name in datasets if name != data]
    if not signals:
        raise InputError(f"signals: expected one or more of {', '.join(samples)}")
    if data in signals:
        raise InputError(f"dataset '{data}' cannot be both data and a signal")
    warnings: list[str] = []
    templates = {
        (name, sample): _template(run, (sample, *name.split("/")), scales.get(sample, 1.0), warnings)
        for name in names
        for sample in samples
    }
    if data:
        observed = {name: _template(run, (data, *name.split("/")), scales.get(data, 1.0), warnings) for name in names}
    else:
        warnings.append(f"no data: the sum of {', '.join(samples)} stands in their place")
        observed = {name: _sum([templates[name, sample] for sample in samples], name) for name in names}
    return Model(
        templates,
        observed,
        data or ASIMOV,
        [{"Name": SIGNAL_STRENGTH, "Samples": list(signals), "Nominal": 1, "Bounds": _BOUNDS}],
        warnings=warnings,
    )


def _template(run: RunRecord, name: tuple[str, ...], scale: float, warnings: list[str]) -> Template:
    """Take a histogram of a dataset, with its systematics if it has some."""
    from hepcol.report.bands import band_of, has_systematics

    where = "/".join(name)
    if name not in run.histograms:
        known = ", ".join("/".join(rest) for dataset, *rest in run.histograms if dataset == name[0])
        raise InputError(f"no histogram '{'/'.join(name[1:])}' of dataset '{name[0]}'; there are: {known or 'none'}")
    histogram = run.histograms[name]
    others = observables(histogram)
    if len(others) != 1:
        raise InputError(f"histogram {where}: expected one observable, got {', '.join(others) or 'none'}")
    if not has_systematics(histogram):
        if VARIATION in [axis.name for axis in histogram.axes]:
            raise InputError(f"histogram {where}: its variations are no systematics around a nominal one")
        edges, nominal, error = _plain(histogram.project(others[0]))
        return Template(edges, nominal * scale, error * abs(scale))
    band = band_of(histogram)
    nominal, varied = band.nominal * scale, {}
    for systematic in band.systematics:
        sides = {one: change for one, change in band.changes.items() if systematic_of(one) == systematic}
        if not any(change.any() for change in sides.values()):
            continue
        if not nominal.sum() > 0:
            warnings.append(f"{systematic} of {where}: no nominal events, which cabinetry takes it relative to")
            continue
        up, down = (sides.get(f"{systematic}{side}") for side in SIDES)
        up = next(iter(sides.values())) if up is None else up
        mirrored = down is None or len(sides) == 1
        varied[systematic] = (nominal + up * scale, None if mirrored else nominal + np.asarray(down) * scale)
    return Template(band.edges, nominal, band.error * abs(scale), varied)


def _plain(histogram: hist.Hist) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Take a histogram without variations."""
    values, variances = np.asarray(histogram.values(), dtype=np.float64), histogram.variances()
    return histogram.axes[0].edges, values, np.sqrt(values if variances is None else np.asarray(variances))


def _sum(templates: Sequence[Template], region: str) -> Template:
    """Add up the nominal contents of samples."""
    edges = templates[0].edges
    if not all(np.array_equal(edges, one.edges) for one in templates):
        raise InputError(f"histogram '{region}': its bins are not the same in all datasets")
    return Template(edges, np.sum([one.nominal for one in templates], axis=0), np.zeros(len(edges) - 1))

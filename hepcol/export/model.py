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
from hepcol.variations import NOMINAL, sides_of

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
    _check_scales(scales, data)
    warnings: list[str] = []
    unscaled = [sample for sample in samples if sample not in scales]
    if data and unscaled:
        warnings.append(f"no scale of {', '.join(unscaled)}: what their weights add up to stands beside data")
    templates = {
        (name, sample): _template(run, (sample, *name.split("/")), scales.get(sample, 1.0), warnings)
        for name in names
        for sample in samples
    }
    if data:
        observed = {name: _template(run, (data, *name.split("/")), 1.0, warnings) for name in names}
    else:
        warnings.append(f"no data: the sum of {', '.join(samples)} stands in their place")
        observed = {name: _sum([templates[name, sample] for sample in samples], name) for name in names}
    warnings += _beyond_the_ends(run, names, datasets, scales)
    warnings += _one_sided(templates)
    return Model(
        templates,
        observed,
        data or ASIMOV,
        [{"Name": SIGNAL_STRENGTH, "Samples": list(signals), "Nominal": 1, "Bounds": _BOUNDS}],
        warnings=warnings,
    )


def _check_scales(scales: Mapping[str, float], data: str) -> None:
    """Refuse factors of data, and those that would leave nothing or turn its sign."""
    for name, factor in scales.items():
        if data and name == data:
            raise InputError(f"scale '{name}={factor:g}': data are never rescaled")
        if not 0 < factor < np.inf:
            raise InputError(f"scale '{name}={factor:g}': expected a number above 0")


def _template(run: RunRecord, name: tuple[str, ...], scale: float, warnings: list[str]) -> Template:
    """Take a histogram of a dataset, with its systematics if it has some."""
    from hepcol.report.bands import band_of_any, has_systematics

    where = "/".join(name)
    if name not in run.histograms:
        known = ", ".join("/".join(rest) for dataset, *rest in run.histograms if dataset == name[0])
        raise InputError(f"no histogram '{'/'.join(name[1:])}' of dataset '{name[0]}'; there are: {known or 'none'}")
    histogram = run.histograms[name]
    others = observables(histogram)
    if len(others) != 1:
        raise InputError(f"histogram {where}: expected one observable, got {', '.join(others) or 'none'}")
    if VARIATION in histogram.axes.name and not has_systematics(histogram):
        raise InputError(f"histogram {where}: its variations are no systematics around a nominal one")
    band = band_of_any(histogram).scaled(scale)
    varied: dict[str, tuple[FloatArray, FloatArray | None]] = {}
    for systematic in band.systematics:
        up, down = sides_of(systematic, band.changes)
        if not any(side is not None and side.any() for side in (up, down)):
            continue
        if not band.nominal.sum() > 0:
            warnings.append(f"{systematic} of {where}: no nominal events, which cabinetry takes it relative to")
        elif up is None:
            varied[systematic] = (band.nominal - np.asarray(down), None)
        else:
            varied[systematic] = (band.nominal + up, None if down is None else band.nominal + down)
    return Template(band.edges, band.nominal, band.error, varied)


def _one_sided(templates: Mapping[tuple[str, str], Template]) -> Iterator[str]:
    """Name the systematics that are mirrored."""
    both = ((name, down) for template in templates.values() for name, (_, down) in template.varied.items())
    mirrored = dict.fromkeys(name for name, down in both if down is None)
    if mirrored:
        yield (
            f"mirrored, as a likelihood needs both sides and there is one: {', '.join(mirrored)}; "
            "the errors of hepcol stack and of pictures have the one side alone"
        )


def _beyond_the_ends(
    run: RunRecord, names: Sequence[str], datasets: Sequence[str], scales: Mapping[str, float]
) -> Iterator[str]:
    """Tell of events that are in no bin of the regions: a model has none for them."""
    for name in names:
        found = []
        for dataset in datasets:
            under, over = (scales.get(dataset, 1.0) * one for one in _flow(run.histograms[dataset, *name.split("/")]))
            if under or over:
                found.append(f"{dataset} {under:,.6g} and {over:,.6g}")
        if found:
            yield f"{name}: under- and overflow are in no bin of the model and left out: {'; '.join(found)}"


def _flow(histogram: hist.Hist) -> tuple[float, float]:
    """Return the nominal contents below and above the bins of the observable."""
    (observed,) = observables(histogram)
    nominal = histogram[{VARIATION: hist.loc(NOMINAL)}] if VARIATION in histogram.axes.name else histogram
    values, traits = nominal.project(observed).values(flow=True), histogram.axes[observed].traits
    return float(values[0]) if traits.underflow else 0.0, float(values[-1]) if traits.overflow else 0.0


def _sum(templates: Sequence[Template], region: str) -> Template:
    """Add up the nominal contents of samples."""
    edges = templates[0].edges
    if not all(np.array_equal(edges, one.edges) for one in templates):
        raise InputError(f"histogram '{region}': its bins are not the same in all datasets")
    return Template(edges, np.sum([one.nominal for one in templates], axis=0), np.zeros(len(edges) - 1))

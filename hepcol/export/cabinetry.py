"""A statistical model for cabinetry: its configuration, and a template of each region, sample and systematic.

https://cabinetry.readthedocs.io/en/stable/config.html; the templates are called as ``cabinetry.histo.name`` calls them.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from hepcol.errors import InputError
from hepcol.export.model import FloatArray, Model, of_histograms, of_yields
from hepcol.inference.yields import FILE, read_yields
from hepcol.report.record import RunRecord

CONFIG = "cabinetry.yml"
HISTOGRAMS = "histograms"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")  # cabinetry takes what follows a dot for the ending of a file's name


def cabinetry_files(
    run: RunRecord,
    remarks: Sequence[str] = (),
    *,
    histograms: Sequence[str] = (),
    data: str = "",
    signals: Sequence[str] = (),
    scales: Mapping[str, float] | None = None,
) -> tuple[dict[str, bytes], list[str]]:
    """Write the model of a run, such that ``cabinetry.workspace.build`` makes its workspace.

    Parameters
    ----------
    run : RunRecord
        The run.
    remarks : sequence of str
        What the configuration has to say first.
    histograms : sequence of str
        Histograms of one observable; each is a region, and each dataset a sample. Without one, the model is that of
        the yields in the folder, see ``hepcol fit --model histfactory``.
    data : str
        The dataset that was observed; without one, the sum of the samples is in its place.
    signals : sequence of str
        Samples that the parameter of interest scales; of yields, one.
    scales : mapping of str to float
        Factors of datasets, such as cross section times luminosity over the sum of weights.

    Returns
    -------
    files, warnings : dict and list
        Files by their paths, and what could not be taken as it is.

    Raises
    ------
    InputError
        If there is no such histogram, dataset or signal.
    """
    if histograms:
        model = of_histograms(run, histograms, data, signals, scales or {})
    elif (run.folder / FILE).is_file():
        if data or scales:
            raise InputError(f"options data and scales go with histograms; {FILE} tells the data and is scaled")
        model = of_yields(read_yields(run.folder / FILE), signals)
    else:
        known = ", ".join(sorted({name for _, *rest in run.histograms for name in ["/".join(rest)]}))
        raise InputError(f"{run.folder}: no {FILE}, so that cabinetry needs a histogram, one of {known or 'none'}")
    files = {f"{HISTOGRAMS}/{name}.npz": content for name, content in _templates(model)}
    first = [*(f"# {remark}" for remark in remarks), f"# in this folder: cabinetry workspace {CONFIG} workspace.json"]
    text = "\n".join([*first, yaml.safe_dump(_config(model), sort_keys=False, width=120)])
    return {CONFIG: text.encode(), **files}, model.warnings


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)


@dataclass(frozen=True)
class _Systematic:
    """An entry of a configuration: regions in which a systematic changes the same samples in the same way.

    Parameters
    ----------
    name, modifier : str
        Name of the entry, and of the parameter of the model.
    regions, samples : tuple of str
        Where it does something.
    mirrored : bool
        Whether down is the mirror of up.
    """

    name: str
    modifier: str
    regions: tuple[str, ...]
    samples: tuple[str, ...]
    mirrored: bool


def _systematics(model: Model) -> list[_Systematic]:
    """Divide systematics into entries, of which each has all of its samples in all of its regions."""
    groups: dict[str, dict[tuple[tuple[str, ...], bool], list[str]]] = {}
    for name in dict.fromkeys(name for template in model.templates.values() for name in template.varied):
        for region in model.data:
            for mirrored in (False, True):
                samples = tuple(
                    sample
                    for (place, sample), template in model.templates.items()
                    if place == region and name in template.varied and (template.varied[name][1] is None) is mirrored
                )
                if samples:
                    groups.setdefault(name, {}).setdefault((samples, mirrored), []).append(region)
    return [
        _Systematic(
            _safe(name) if len(parts) == 1 else f"{_safe(name)}_{number}", name, tuple(regions), samples, mirrored
        )
        for name, parts in groups.items()
        for number, ((samples, mirrored), regions) in enumerate(parts.items(), start=1)
    ]


def _config(model: Model) -> dict[str, Any]:
    """Write the configuration."""
    samples = list(dict.fromkeys(sample for _, sample in model.templates))
    return {
        "General": {
            "Measurement": model.measurement,
            "POI": model.factors[0]["Name"],
            "InputPath": "",  # of what templates are made from, which are there already
            "HistogramFolder": HISTOGRAMS,
        },
        "Regions": [{"Name": _safe(region)} for region in model.data],
        "Samples": [
            {"Name": _safe(model.data_name), "Data": True},
            *(
                {"Name": _safe(sample), **({"DisableStaterror": True} if sample in model.without_error else {})}
                for sample in samples
            ),
        ],
        "NormFactors": [{**factor, "Samples": list(map(_safe, factor["Samples"]))} for factor in model.factors],
        "Systematics": [
            {
                "Name": one.name,
                "ModifierName": one.modifier,
                "Type": "NormPlusShape",
                "Up": {},
                "Down": {"Symmetrize": True} if one.mirrored else {},
                "Regions": list(map(_safe, one.regions)),
                "Samples": list(map(_safe, one.samples)),
            }
            for one in _systematics(model)
        ],
    }


def _templates(model: Model) -> Iterator[tuple[str, bytes]]:
    """Write the templates by their names, each of which has to be another one."""
    given: set[str] = set()
    for parts, edges, contents, error in _named_templates(model):
        name = "_".join(map(_safe, parts))
        if name.lower() in given:
            raise InputError(f"template '{name}': two have this name, by the rules of cabinetry; rename a dataset")
        given.add(name.lower())
        file = io.BytesIO()
        np.savez(file, yields=contents, stdev=error, bins=edges)
        yield name, file.getvalue()


def _named_templates(model: Model) -> Iterator[tuple[tuple[str, ...], FloatArray, FloatArray, FloatArray]]:
    """Return all templates: what makes the name, edges, contents, errors."""
    for region, one in model.data.items():
        yield (region, model.data_name), one.edges, one.nominal, one.error
    for (region, sample), one in model.templates.items():
        yield (region, sample), one.edges, one.nominal, one.error
    for systematic in _systematics(model):
        for region in systematic.regions:
            for sample in systematic.samples:
                one = model.templates[region, sample]
                up, down = one.varied[systematic.modifier]
                yield (region, sample, systematic.name, "Up"), one.edges, up, one.error
                if down is not None:
                    yield (region, sample, systematic.name, "Down"), one.edges, down, one.error

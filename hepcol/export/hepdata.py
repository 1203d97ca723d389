"""A submission to HEPData: ``submission.yaml`` and a file for each table, in version 1.1.1 of its schemas.

https://hepdata-submission.readthedocs.io/en/latest/data_yaml.html. hepdata_lib, which writes these files, too, needs
hepdata_validator, which is under the GPL; the format is plain YAML.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import hist
import numpy as np
import numpy.typing as npt
import yaml

from hepcol.errors import InputError
from hepcol.histograms import CATEGORIES, VARIATION, counted
from hepcol.inference.yields import FILE, Yields, read_yields
from hepcol.report.record import RunRecord
from hepcol.variations import NOMINAL, SIDES, systematic_of

FloatArray = npt.NDArray[np.float64]
SUBMISSION = "submission.yaml"
_LABEL = re.compile(r"(?P<name>.*?)\s*\[(?P<unit>[^\]]+)\]")  # m_ee [GeV]
_LONGEST_NAME = 64  # of a table, by the schema
_NO_NUMBER = "-"


@dataclass(frozen=True)
class _Table:
    """A table of a submission.

    Parameters
    ----------
    name, description : str
        What it is.
    observables : tuple of str
        HEPData's keywords of what it has.
    content : dict
        Independent and dependent variables.
    """

    name: str
    description: str
    observables: tuple[str, ...]
    content: dict[str, Any]


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # libyaml's, where it is there
    """Writes what occurs twice twice: HEPData's readers know no aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def hepdata_files(run: RunRecord, remarks: Sequence[str] = ()) -> dict[str, bytes]:
    """Write the submission of a run: its histograms, cutflows and, if there are any, its yields.

    Parameters
    ----------
    run : RunRecord
        The run.
    remarks : sequence of str
        What every table has to say.

    Raises
    ------
    InputError
        If the run has nothing for a table.
    """
    tables = [*_yield_tables(run), *_histogram_tables(run), *_cutflow_tables(run)]
    if not tables:
        raise InputError(f"{run.folder}: no histograms, cutflows or yields, of which HEPData has tables")
    unique = _Unique()
    files: dict[str, bytes] = {}
    documents: list[dict[str, Any]] = [{"comment": _comment(run, remarks)}]
    for table in tables:
        name = unique(table.name[:_LONGEST_NAME], lambda name, number: f"{name[: _LONGEST_NAME - 4]} {number}")
        file = unique(f"{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_')}.yaml", _numbered_file)
        files[file] = _dumped([table.content])
        documents.append(
            {
                "name": name,
                "description": " ".join([*(f"{remark}." for remark in remarks), table.description]),
                "keywords": [{"name": "observables", "values": list(table.observables)}],
                "data_file": file,
            }
        )
    return {SUBMISSION: _dumped(documents), **files}


def _dumped(documents: Sequence[Any]) -> bytes:
    text = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return str(text).encode()


class _Unique:
    """Gives names that were given before another number."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __call__(self, name: str, numbered: Callable[[str, int], str]) -> str:
        number, found = 2, name
        while found.lower() in self._given:
            found, number = numbered(name, number), number + 1
        self._given.add(found.lower())
        return found


def _numbered_file(name: str, number: int) -> str:
    return f"{name.removesuffix('.yaml')}_{number}.yaml"


def _comment(run: RunRecord, remarks: Sequence[str]) -> str:
    processor = str(run.provenance["processor"]).rpartition(":")[2]
    events = run.summary["events"]
    text = f"Results of {processor}, made by hepcol from {events['processed']:,} of {events['files']:,} events."
    return " ".join([*(f"{remark}." for remark in remarks), text])


def _histogram_tables(run: RunRecord) -> Iterator[_Table]:
    for (dataset, *rest), histogram in run.histograms.items():
        axes = [axis for axis in histogram.axes if axis.name != VARIATION]
        if not axes:
            continue
        names = " and ".join(_header(axis.label or axis.name)["name"] for axis in axes)
        what, observable = ("mean", "MEAN") if _is_mean(histogram) else (counted(axes[-1]), "N")
        yield _Table(
            "/".join([dataset, *rest]),
            f"The {what} of {dataset} by {names}. Under- and overflow are left out.",
            (observable,),
            {
                "independent_variables": _independent(axes),
                "dependent_variables": [
                    {
                        "header": {"name": what},
                        "qualifiers": [{"name": "dataset", "value": dataset}],
                        "values": _values(*_contents(histogram)),
                    }
                ],
            },
        )


def _is_mean(histogram: hist.Hist) -> bool:
    return histogram.storage_type in (hist.storage.Mean, hist.storage.WeightedMean)


def _header(label: str) -> dict[str, str]:
    """Take the unit from the label of an axis."""
    found = _LABEL.fullmatch(label)
    return {"name": label} if found is None else {"name": found["name"], "units": found["unit"]}


def _independent(axes: Sequence[Any]) -> list[dict[str, Any]]:
    """Write the bins of all axes, one after the other."""
    points = list(product(*(list(_bins(axis)) for axis in axes)))
    return [
        {"header": _header(axis.label or axis.name), "values": [point[k] for point in points]}
        for k, axis in enumerate(axes)
    ]


def _bins(axis: Any) -> Iterator[dict[str, Any]]:
    if isinstance(axis, CATEGORIES):
        yield from ({"value": category} for category in axis)
    else:
        for low, high in zip(axis.edges[:-1].tolist(), axis.edges[1:].tolist(), strict=True):
            yield {"low": low, "high": high}


def _contents(histogram: hist.Hist) -> tuple[FloatArray, dict[str, Any]]:
    """Return values and errors by label: an array, or two where they are up and down.

    Of variations around a nominal one, it is what they change; of replicas, values are means, with their spread.
    """
    values, variances = np.asarray(histogram.values(), dtype=np.float64), histogram.variances()
    names = [axis.name for axis in histogram.axes]
    if VARIATION not in names:
        return values, {} if variances is None else {"stat": np.sqrt(variances)}
    place = names.index(VARIATION)
    values = np.moveaxis(values, place, 0)
    squares = None if variances is None else np.moveaxis(np.asarray(variances, dtype=np.float64), place, 0)
    variations = list(histogram.axes[VARIATION])
    if NOMINAL not in variations:
        errors = {} if squares is None else {"stat": np.sqrt(squares.mean(axis=0))}
        spread = {f"spread of {len(variations)} variations": values.std(axis=0)} if len(variations) > 1 else {}
        return values.mean(axis=0), errors | spread
    nominal = variations.index(NOMINAL)
    found: dict[str, Any] = {} if squares is None else {"stat": np.sqrt(squares[nominal])}
    changes = {name: values[k] - values[nominal] for k, name in enumerate(variations) if k != nominal}
    return values[nominal], found | _sides(changes)


def _sides(changes: Mapping[str, FloatArray]) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Put the sides of systematics together; those that change nothing are left out."""
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name, change in changes.items():
        systematic = systematic_of(name)
        plus, minus = found.get(systematic, (np.zeros_like(change), np.zeros_like(change)))
        found[systematic] = (plus, change) if name.endswith(SIDES[1]) else (change, minus)
    return {name: both for name, both in found.items() if any(side.any() for side in both)}


def _values(values: FloatArray, errors: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write values with their errors, bin by bin."""
    rows: list[dict[str, Any]] = [{"value": _number(value)} for value in values.ravel().tolist()]
    for k, row in enumerate(rows):
        sides = {
            label: [float(side.flat[k]) for side in (error if isinstance(error, tuple) else (error,))]
            for label, error in errors.items()
        }
        # HEPData refuses errors that are all zero
        if any(side != 0 and np.isfinite(side) for both in sides.values() for side in both):
            row["errors"] = [_error(label, *both) for label, both in sides.items()]
    return rows


def _error(label: str, plus: float, minus: float | None = None) -> dict[str, Any]:
    if minus is None:
        return {"symerror": _number(plus), "label": label}
    return {"asymerror": {"plus": _number(plus), "minus": _number(minus)}, "label": label}


def _number(value: float) -> float | str:
    return value if np.isfinite(value) else _NO_NUMBER


def _cutflow_tables(run: RunRecord) -> Iterator[_Table]:
    for dataset, part in (run.summary.get("datasets") or {}).items():
        if not part["cutflow"]:
            continue
        yield _Table(
            f"{dataset}/cutflow",
            f"Events of {dataset} that pass each cut and those before it, without weights.",
            ("N",),
            {
                "independent_variables": [
                    {"header": {"name": "cut"}, "values": [{"value": step} for step in part["cutflow"]]}
                ],
                "dependent_variables": [
                    {
                        "header": {"name": "events"},
                        "qualifiers": [{"name": "dataset", "value": dataset}],
                        "values": [{"value": passed} for passed in part["cutflow"].values()],
                    }
                ],
            },
        )


def _yield_tables(run: RunRecord) -> Iterator[_Table]:
    if not (run.folder / FILE).is_file():
        return
    yields = read_yields(run.folder / FILE)
    data = {"header": {"name": yields.label}, "values": [{"value": yields.data[region]} for region in yields.regions]}
    yield _Table(
        "yields",
        f"Expected events of each sample, with statistical and systematic errors, and {yields.label}, by region.",
        ("N",),
        {
            "independent_variables": [
                {"header": {"name": "region"}, "values": [{"value": region} for region in yields.regions]}
            ],
            "dependent_variables": [*(_expected(yields, name) for name in yields.samples), data],
        },
    )


def _expected(yields: Yields, name: str) -> dict[str, Any]:
    """Write the expected events of a sample."""
    sample = yields.samples[name]
    nominal = np.array([sample.nominal[region] for region in yields.regions])
    errors: dict[str, Any] = {"stat": np.array([sample.error.get(region, 0.0) for region in yields.regions])}
    for systematic, variations in sample.systematics.items():
        pairs = [variations.get(region, (sample.nominal[region],) * 2) for region in yields.regions]
        plus, minus = (np.array([pair[side] for pair in pairs]) - nominal for side in (0, 1))
        if plus.any() or minus.any():
            errors[systematic] = (plus, minus)
    kind = "signal" if name in yields.signals else "background"
    return {
        "header": {"name": name},
        "qualifiers": [{"name": "kind", "value": kind}],
        "values": _values(nominal, errors),
    }

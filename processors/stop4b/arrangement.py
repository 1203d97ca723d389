"""Which trees of which files are analysed, and as what: a dataset for each tree, or for the objects of a sample."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from hepcol.errors import InputError
from hepcol.fileset import WARNING, Dataset, Fileset
from hepcol.selection import Cut
from processors.stop4b.completeness import check_campaigns, check_forms, check_parts, luminosities
from processors.stop4b.components import SIGNAL_PREFIX
from processors.stop4b.datasets import Dataset as Described
from processors.stop4b.files import (
    DATA_SUFFIX,
    FLAT,
    NOMINAL_SUFFIX,
    OBJECTS,
    OBJECTS_TREE,
    WAY_OUT,
    StoredFile,
    and_more,
    look_into,
    with_form,
)
from processors.stop4b.kinds import Missing
from processors.stop4b.selection import Selection
from processors.stop4b.systematics import KINEMATIC, NOMINAL

# What arrange tells of a dataset; metadata of the user's may not be called so
_TOLD = (
    *("sample", "component", "kind", "is_signal", "is_generated", "luminosity", "form", "variation", "fallback"),
    *("missing", "selection"),
)


def arrange(fileset: Fileset, missing: Missing, systematics: bool, table: Selection) -> Fileset:
    """Make a dataset of each tree of flat files, and of all object files of a name.

    Parameters
    ----------
    fileset : Fileset
        Files as the original has them: the sample is the name of the file, the campaign that of its folder. Datasets
        that tell their sample come back as they are.
    missing : Missing
        What to do where a tree is missing.
    systematics : bool
        Whether to take the trees of kinematic variations.
    table : Selection
        The regions, whose columns the nominal trees need to have.

    Returns
    -------
    Fileset
        Datasets whose metadata tell their ``sample``, ``component``, ``kind``, ``form``, ``variation``, the
        ``luminosity`` of the data that each campaign stands for [fb^-1], ``fallback``: what was taken in the place
        of a missing tree, and of nominal ones ``missing``: weight variations that the nominal weight was taken for,
        and ``selection``: the regions.

    Raises
    ------
    InputError
        If a file is of no known sample, or lacks trees or columns, or events would count twice, or a sample lacks a
        campaign of which there are data.
    """
    done = {name: dataset for name, dataset in fileset.items() if "sample" in dataset.metadata}
    for name, dataset in done.items():
        _check_told(name, dataset.metadata)
    files = [
        look_into(file, dataset.metadata, missing, systematics, table)
        for name, dataset in fileset.items()
        if name not in done
        for file in dataset.files
    ]
    if not files:
        return fileset
    files = [with_form(file, files) for file in files]
    luminosity = luminosities(files)
    check_parts(files)
    check_campaigns(files, luminosity)
    made: Fileset = {}
    regions = [{"name": region.name, "cuts": [_cut(cut) for cut in region.cuts]} for region in table.regions]
    for component in dict.fromkeys(file.component for file in files):
        own = [file for file in files if file.component == component]
        check_forms(own)
        metadata = {
            **_users(own),
            "sample": component.sample,
            "component": component.name,
            "kind": component.kind.value,
            "is_generated": any(file.is_generated for file in own),
            "is_signal": component.name.startswith(SIGNAL_PREFIX),
            "luminosity": luminosity,
        }
        datasets = _of_objects(own) if own[0].is_objects else _of_trees(own, missing, systematics)
        for name, dataset in datasets.items():
            told = metadata | dict(dataset.metadata)
            told |= {"selection": regions} if told["variation"] == NOMINAL.name else {}
            made[name] = Dataset(dataset.files, told)
    repeated = sorted(made.keys() & done.keys())
    if repeated:
        raise InputError(f"dataset '{repeated[0]}' is given twice: by files, and by the fileset")
    return done | made


def _check_told(name: str, metadata: Mapping[str, Any]) -> None:
    """Refuse a dataset that tells its sample, but not all that is needed."""
    described = Described.from_metadata(name, metadata)
    if described.kind.is_simulated and not described.luminosity:
        raise InputError(f"dataset '{name}': luminosity must be given by campaign [fb^-1]")
    for key, accepted in (("form", (FLAT, OBJECTS)), ("variation", None)):
        value = metadata.get(key)
        if not isinstance(value, str) or (accepted and value not in accepted):
            wanted = " or ".join(accepted) if accepted else "the name of a variation"
            raise InputError(f"dataset '{name}': metadata '{key}' must be {wanted}, got {value!r}")


def _users(files: Sequence[StoredFile]) -> dict[str, Any]:
    """Return the user's metadata of the files of a component."""
    first = dict(files[0].metadata)
    for file in files:
        if dict(file.metadata) != first:
            raise InputError(f"{file.path}: its dataset has other metadata than that of {files[0].path}")
    taken = sorted(first.keys() & set(_TOLD))
    if taken:
        raise InputError(f"{files[0].path}: metadata '{taken[0]}' is one that stop4b tells itself; call it otherwise")
    return first


def _cut(cut: Cut) -> dict[str, Any]:
    """Return a cut as JSON can hold it."""
    told = asdict(cut)
    return {**{name: told[name] for name in told if name != "kinds"}, "equal": list(cut.equal)}


def _of_objects(files: Sequence[StoredFile]) -> Fileset:
    """Make the dataset of object files, which hold all kinematic variations."""
    inputs = tuple(replace(file.input, tree=OBJECTS_TREE) for file in files)
    name = files[0].component.name
    metadata = {"form": OBJECTS, "variation": NOMINAL.name, "fallback": ""}
    return {name: Dataset(inputs, metadata | _warn_of_weights(files))}


def _of_trees(files: Sequence[StoredFile], missing: Missing, systematics: bool) -> Fileset:
    """Make a dataset for each tree of flat files."""
    name, kind = files[0].component.name, files[0].component.kind
    nominal = NOMINAL_SUFFIX if kind.is_simulated else DATA_SUFFIX
    _check_trees(files, [nominal])
    dataset = _dataset(files, nominal, NOMINAL.name, nominal)
    made = {f"{name}_{nominal}": Dataset(dataset.files, dict(dataset.metadata) | _warn_of_weights(files))}
    if not (kind.is_simulated and systematics):
        return made
    names = [variation.name for systematic in KINEMATIC for variation in systematic.variations]
    if missing is Missing.ERROR:
        _check_trees(files, names, WAY_OUT)
    return made | {f"{name}_{one}": _dataset(files, one, one, nominal) for one in names}


def _dataset(files: Sequence[StoredFile], suffix: str, variation: str, nominal: str) -> Dataset:
    """Make the dataset of a tree; of files that lack it, their nominal tree."""
    lacking = [file for file in files if file.lacks(suffix)]
    inputs = [replace(file.input, tree=f"{file.prefix}_{nominal if file in lacking else suffix}") for file in files]
    metadata: dict[str, Any] = {"form": FLAT, "variation": variation, "fallback": NOMINAL.name if lacking else ""}
    if lacking:
        paths = ", ".join(file.path for file in lacking)
        metadata[WARNING] = f"no tree '{lacking[0].prefix}_{suffix}' in {paths}: the nominal one is taken in its place"
    return Dataset(tuple(inputs), metadata)


def _warn_of_weights(files: Sequence[StoredFile]) -> dict[str, Any]:
    """Say which weight variations the nominal weight is taken for."""
    lacking = list(dict.fromkeys(name for file in files for name in file.weights))
    told: dict[str, Any] = {"missing": lacking}
    if lacking:
        texts = [f"{', '.join(file.weights)} in {file.path}" for file in files if file.weights]
        told[WARNING] = f"no columns for {'; '.join(texts)}: the nominal weight is taken in their place"
    return told


def _check_trees(files: Iterable[StoredFile], suffixes: Sequence[str], way_out: str = "") -> None:
    """Refuse files that lack trees."""
    for file in files:
        lacking = [f"{file.prefix}_{suffix}" for suffix in suffixes if file.lacks(suffix)]
        if lacking:
            raise InputError(f"{file.path}: no tree '{lacking[0]}'{and_more(lacking)}{way_out}")

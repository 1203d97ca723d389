"""Which trees of which files are analysed, and as what: a dataset for each tree, or for the objects of a sample."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hepcol.errors import InputError
from hepcol.events import open_file
from hepcol.fileset import WARNING, Dataset, Fileset, InputFile
from hepcol.formats import TREE_CLASSES
from processors.stop4b.campaigns import CAMPAIGNS, LUMINOSITIES, PERIODS
from processors.stop4b.kinds import Kind, Missing
from processors.stop4b.systematics import KINEMATIC, NOMINAL
from processors.stop4b.weights import variation_columns

FLAT, OBJECTS = "flat", "objects"  # forms of files
OBJECTS_TREE, OBJECTS_COLUMN = "events", "nJet"
NOMINAL_SUFFIX, DATA_SUFFIX = "WEIGHTS", "NONE"
SIGNAL_PREFIX = "signal_"
DATA, FAKES = "Data", "Fakes"
_WAY_OUT = "; option missing=nominal takes the nominal one"


@dataclass(frozen=True)
class Component:
    """Files of one name, which make a sample alone or with others.

    Parameters
    ----------
    name : str
        Name of the files, without ``.root``.
    sample : str
        The sample that they are part of.
    kind : Kind
        What their events are.
    """

    name: str
    sample: str
    kind: Kind


_PROCESSES = ("ttbar", "Wt", "Zjets", "VV", "ttZ", "Others")
_PARTS_OF_OTHERS = ("Others_nottHnoDilep", "ttHnoDilep", "Others_twZ_Znunu")
# As the original's files are called (SPEC 6)
COMPONENTS: tuple[Component, ...] = (
    *(Component(name, name, Kind.PROMPT) for name in _PROCESSES),
    *(Component(name, "Others", Kind.PROMPT) for name in _PARTS_OF_OTHERS),
    Component(FAKES, FAKES, Kind.FAKES),
    *(Component(f"Fake_{name}", FAKES, Kind.FAKES) for name in (*_PROCESSES, *_PARTS_OF_OTHERS)),
    *(Component(f"Fake_{period}", FAKES, Kind.DATA_DRIVEN) for period in PERIODS),
    *(Component(period, DATA, Kind.DATA) for period in PERIODS),
    Component(DATA, DATA, Kind.DATA),
)


@dataclass(frozen=True)
class _File:
    """A file and what is in it.

    Parameters
    ----------
    path : str
        Where it is.
    component : Component
        What it is, by its name.
    campaign : str
        Name of its folder, if that is a campaign.
    is_objects : bool
        Whether it holds objects.
    prefix : str
        What the names of its trees begin with.
    trees : frozenset of str, optional
        Its trees; None if it cannot be read.
    weights : tuple of str
        The columns of weight variations that its nominal tree lacks.
    """

    path: str
    component: Component
    campaign: str
    is_objects: bool
    prefix: str
    trees: frozenset[str] | None
    weights: tuple[str, ...] = ()

    def lacks(self, suffix: str) -> bool:
        """Whether it has no tree of a name; one that cannot be read is not known to lack it."""
        return self.trees is not None and f"{self.prefix}_{suffix}" not in self.trees


def arrange(fileset: Fileset, missing: Missing, systematics: bool = True) -> Fileset:
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

    Returns
    -------
    Fileset
        Datasets whose metadata tell their ``sample``, ``component``, ``kind``, ``form``, ``variation``, the
        ``luminosity`` of the data that each campaign stands for [fb^-1], and ``fallback``: what was taken in the
        place of a missing tree.

    Raises
    ------
    InputError
        If a file is of no known sample, or lacks trees, or a sample lacks a campaign of which there are data.
    """
    done = {name: dataset for name, dataset in fileset.items() if "sample" in dataset.metadata}
    files = [
        _look(file, missing, systematics)
        for name, dataset in fileset.items()
        if name not in done
        for file in dataset.files
    ]
    if not files:
        return fileset
    luminosity = _luminosities(files)
    _check_campaigns(files, luminosity)
    made: Fileset = {}
    for component in dict.fromkeys(file.component for file in files):
        own = [file for file in files if file.component == component]
        _check_forms(own)
        metadata = {
            "sample": component.sample,
            "component": component.name,
            "kind": component.kind.value,
            "is_signal": component.name.startswith(SIGNAL_PREFIX),
            "luminosity": luminosity,
        }
        datasets = _of_objects(own) if own[0].is_objects else _of_trees(own, missing, systematics)
        made |= {name: Dataset(dataset.files, metadata | dict(dataset.metadata)) for name, dataset in datasets.items()}
    repeated = sorted(made.keys() & done.keys())
    if repeated:
        raise InputError(f"dataset '{repeated[0]}' is given twice: by files, and by the fileset")
    return done | made


def find_component(path: str) -> Component:
    """Tell what a file is by its name.

    Raises
    ------
    InputError
        If its name is none that is known.
    """
    name = PurePosixPath(path).stem
    for component in COMPONENTS:
        if component.name == name:
            return component
    if name.startswith(SIGNAL_PREFIX) and len(name) > len(SIGNAL_PREFIX):
        return Component(name, name, Kind.PROMPT)
    known = ", ".join(component.name for component in COMPONENTS)
    raise InputError(f"{path}: no sample is called '{name}'; accepted are {SIGNAL_PREFIX}*, {known}")


def _look(file: InputFile, missing: Missing, systematics: bool) -> _File:
    """Look into a file; one that cannot be read is for the run to tell."""
    path = file.path
    if file.tree is not None or file.steps is not None:
        raise InputError(f"{path}: stop4b chooses the trees of a file by itself, and all of their entries")
    component = find_component(path)
    folder = PurePosixPath(path).parent.name
    campaign = folder if folder in CAMPAIGNS else ""
    try:
        with open_file(path) as directory:
            names = directory.classnames(cycle=False)
            trees = frozenset(name for name, kind in names.items() if kind in TREE_CLASSES)
            is_objects = OBJECTS_TREE in trees and OBJECTS_COLUMN in directory[OBJECTS_TREE].keys(recursive=False)
            nominal = [name for name in sorted(trees) if name.endswith((f"_{NOMINAL_SUFFIX}", f"_{DATA_SUFFIX}"))]
            lacking: tuple[str, ...] = ()
            if systematics and (is_objects or nominal):
                columns = directory[OBJECTS_TREE if is_objects else nominal[0]].keys(recursive=False)
                lacking = tuple(name for name in variation_columns(component.kind) if name not in columns)
    except OSError:
        return _File(path, component, campaign, False, component.name, None)
    if lacking and missing is Missing.ERROR:
        tree = OBJECTS_TREE if is_objects else nominal[0]
        raise InputError(f"{path}: tree '{tree}' has no column '{lacking[0]}'{_and_more(lacking)}{_WAY_OUT}")
    if is_objects:
        return _File(path, component, campaign, True, "", trees, lacking)
    if len(nominal) != 1:
        listed = ", ".join(sorted(trees)[:3]) or "none"
        raise InputError(
            f"{path}: expected one tree *_{NOMINAL_SUFFIX} or *_{DATA_SUFFIX}, or a tree '{OBJECTS_TREE}' with "
            f"{OBJECTS_COLUMN}; there are {len(nominal)} of the first; trees: {listed}"
        )
    return _File(path, component, campaign, False, nominal[0].rpartition("_")[0], trees, lacking)


def _luminosities(files: Sequence[_File]) -> dict[str, float]:
    """Luminosity of the data that there are, by the campaign that stands for them; of all without data."""
    names = {file.component.name for file in files if file.component.kind is Kind.DATA}
    if not names or DATA in names:
        return dict(LUMINOSITIES)
    return {
        campaign: float(sum(PERIODS[period] for period in periods if period in names))
        for campaign, periods in CAMPAIGNS.items()
    }


def _check_campaigns(files: Sequence[_File], luminosity: Mapping[str, float]) -> None:
    """Refuse a sample that lacks a campaign of which there are data: its yield would be too low."""
    simulated = [file for file in files if file.component.kind.is_simulated]
    if not any(file.component.kind is Kind.DATA for file in files) or not all(file.campaign for file in simulated):
        return
    for component in dict.fromkeys(file.component for file in simulated):
        there = {file.campaign for file in simulated if file.component == component}
        for campaign, value in luminosity.items():
            if value and campaign not in there:
                raise InputError(
                    f"sample {component.name} has no file in {campaign}, but there are data of "
                    f"{' and '.join(CAMPAIGNS[campaign])}: add {campaign}/{component.name}.root, or leave out the data"
                )


def _check_forms(files: Sequence[_File]) -> None:
    """Refuse events that would count twice."""
    name = files[0].component.name
    if len({file.is_objects for file in files}) > 1:
        raise InputError(
            f"{files[0].path}: {name} is there both as {FLAT} trees and as {OBJECTS}, whose events are the same; "
            "choose one"
        )
    seen: dict[str, str] = {}
    for file in files:
        if file.campaign in seen:
            raise InputError(f"{file.path}: {name} of {file.campaign or 'no campaign'} is {seen[file.campaign]}, too")
        seen[file.campaign] = file.path


def _of_objects(files: Sequence[_File]) -> Fileset:
    """Make the dataset of object files, which hold all kinematic variations."""
    inputs = tuple(InputFile(file.path, OBJECTS_TREE) for file in files)
    name = files[0].component.name
    metadata = {"form": OBJECTS, "variation": NOMINAL.name, "fallback": ""}
    return {name: Dataset(inputs, metadata | _warn_of_weights(files))}


def _of_trees(files: Sequence[_File], missing: Missing, systematics: bool) -> Fileset:
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
        _check_trees(files, names, _WAY_OUT)
    return made | {f"{name}_{one}": _dataset(files, one, one, nominal) for one in names}


def _dataset(files: Sequence[_File], suffix: str, variation: str, nominal: str) -> Dataset:
    """Make the dataset of a tree; of files that lack it, their nominal tree."""
    lacking = [file for file in files if file.lacks(suffix)]
    inputs = [InputFile(file.path, f"{file.prefix}_{nominal if file in lacking else suffix}") for file in files]
    metadata: dict[str, Any] = {"form": FLAT, "variation": variation, "fallback": NOMINAL.name if lacking else ""}
    if lacking:
        paths = ", ".join(file.path for file in lacking)
        metadata[WARNING] = f"no tree '{lacking[0].prefix}_{suffix}' in {paths}: the nominal one is taken in its place"
    return Dataset(tuple(inputs), metadata)


def _warn_of_weights(files: Sequence[_File]) -> dict[str, str]:
    """Say which columns of weights are replaced by the nominal ones."""
    told = [f"no column {', '.join(file.weights)} in {file.path}" for file in files if file.weights]
    return {WARNING: f"{'; '.join(told)}: the nominal weight is taken in its place"} if told else {}


def _check_trees(files: Iterable[_File], suffixes: Sequence[str], way_out: str = "") -> None:
    """Refuse files that lack trees."""
    for file in files:
        lacking = [f"{file.prefix}_{suffix}" for suffix in suffixes if file.lacks(suffix)]
        if lacking:
            raise InputError(f"{file.path}: no tree '{lacking[0]}'{_and_more(lacking)}{way_out}")


def _and_more(lacking: Sequence[str]) -> str:
    """Say how many there are beside the first."""
    return f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""

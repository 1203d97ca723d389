"""Which trees of which files are analysed, and as what: a dataset for each tree, or for the objects of a sample."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from hepcol.errors import InputError
from hepcol.events import open_file
from hepcol.fileset import WARNING, Dataset, Fileset, InputFile
from hepcol.formats import TREE_CLASSES
from hepcol.selection import Cut
from processors.stop4b.campaigns import CAMPAIGNS, LUMINOSITIES, PERIODS
from processors.stop4b.datasets import Dataset as Described
from processors.stop4b.kinds import Kind, Missing
from processors.stop4b.selection import Selection
from processors.stop4b.systematics import KINEMATIC, NOMINAL
from processors.stop4b.weights import factors, replaced

FLAT, OBJECTS = "flat", "objects"  # forms of files
OBJECTS_TREE, OBJECTS_COLUMN = "events", "nJet"
NOMINAL_SUFFIX, DATA_SUFFIX = "WEIGHTS", "NONE"
SIGNAL_PREFIX = "signal_"
DATA, FAKES = "Data", "Fakes"
_WAY_OUT = "; option missing=nominal takes the nominal one"
# What arrange tells of a dataset; metadata of the user's may not be called so
_TOLD = (
    *("sample", "component", "kind", "is_signal", "luminosity", "form", "variation", "fallback"),
    *("missing", "selection"),
)


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


# What has all events of a sample, and files that have parts of them
_WHOLES: Mapping[str, tuple[str, ...]] = {
    "Others": _PARTS_OF_OTHERS,
    FAKES: tuple(component.name for component in COMPONENTS if component.name.startswith("Fake_")),
    DATA: tuple(PERIODS),
}


@dataclass(frozen=True)
class _File:
    """A file and what is in it.

    Parameters
    ----------
    input : InputFile
        Where it is.
    metadata : mapping
        The user's metadata of its dataset.
    component : Component
        What it is, by its name.
    campaign : str
        Name of its folder, if that is a campaign.
    is_objects : bool, optional
        Whether it holds objects; None if it cannot be read.
    prefix : str
        What the names of its trees begin with.
    trees : frozenset of str, optional
        Its trees; None if it cannot be read.
    weights : tuple of str
        The weight variations that it lacks columns of.
    """

    input: InputFile
    metadata: Mapping[str, Any]
    component: Component
    campaign: str
    is_objects: bool | None = None
    prefix: str = ""
    trees: frozenset[str] | None = None
    weights: tuple[str, ...] = field(default=())

    @property
    def path(self) -> str:
        """Where it is."""
        return self.input.path

    def lacks(self, suffix: str) -> bool:
        """Whether it has no tree of a name; one that cannot be read is not known to lack it."""
        return self.trees is not None and f"{self.prefix}_{suffix}" not in self.trees


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
        _look(file, dataset.metadata, missing, systematics, table)
        for name, dataset in fileset.items()
        if name not in done
        for file in dataset.files
    ]
    if not files:
        return fileset
    files = [_with_form(file, files) for file in files]
    luminosity = _luminosities(files)
    _check_parts(files)
    _check_campaigns(files, luminosity)
    made: Fileset = {}
    regions = [{"name": region.name, "cuts": [_cut(cut) for cut in region.cuts]} for region in table.regions]
    for component in dict.fromkeys(file.component for file in files):
        own = [file for file in files if file.component == component]
        _check_forms(own)
        metadata = {
            **_users(own),
            "sample": component.sample,
            "component": component.name,
            "kind": component.kind.value,
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


def _users(files: Sequence[_File]) -> dict[str, Any]:
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


def _look(file: InputFile, metadata: Mapping[str, Any], missing: Missing, systematics: bool, table: Selection) -> _File:
    """Look into a file; one that cannot be read is for the run to tell."""
    path = file.path
    if file.tree is not None or file.steps is not None:
        raise InputError(f"{path}: stop4b chooses the trees of a file by itself, and all of their entries")
    component = find_component(path)
    folder = PurePosixPath(path).parent.name
    found = _File(file, metadata, component, folder if folder in CAMPAIGNS else "")
    for place in (path, *file.replicas):
        try:
            with open_file(place) as directory:
                names = directory.classnames(cycle=False)
                trees = frozenset(name for name, kind in names.items() if kind in TREE_CLASSES)
                nominal = [name for name in sorted(trees) if name.endswith((f"_{NOMINAL_SUFFIX}", f"_{DATA_SUFFIX}"))]
                is_objects = OBJECTS_TREE in trees and OBJECTS_COLUMN in directory[OBJECTS_TREE].keys(recursive=False)
                tree = OBJECTS_TREE if is_objects else nominal[0] if nominal else None
                columns = frozenset(directory[tree].keys(recursive=False)) if tree else frozenset()
        except Exception:  # noqa: BLE001, S112  (whatever it is, the run tries again, and tells it)
            continue
        if is_objects:
            return _checked(replace(found, is_objects=True, trees=trees), tree, columns, missing, systematics, ())
        if len(nominal) != 1:
            listed = ", ".join(sorted(trees)[:3]) or "none"
            raise InputError(
                f"{path}: expected one tree *_{NOMINAL_SUFFIX} or *_{DATA_SUFFIX}, or a tree '{OBJECTS_TREE}' with "
                f"{OBJECTS_COLUMN}; there are {len(nominal)} of the first; trees: {listed}"
            )
        looked_at = tuple(name for region in table.of(component.kind) for name in region.columns)
        found = replace(found, is_objects=False, prefix=nominal[0].rpartition("_")[0], trees=trees)
        return _checked(found, tree, columns, missing, systematics, looked_at)
    return found


def _checked(
    file: _File,
    tree: str | None,
    columns: frozenset[str],
    missing: Missing,
    systematics: bool,
    looked_at: tuple[str, ...],
) -> _File:
    """Refuse a file that lacks columns; of weight variations, tell which."""
    for name in (*looked_at, *factors(file.component.kind)):
        if name not in columns:
            raise InputError(f"{file.path}: tree '{tree}' has no column '{name}'")
    lacking = replaced(columns, file.component.kind) if systematics else ()
    if lacking and missing is Missing.ERROR:
        needed = dict.fromkeys(name for _, names in lacking for name in names)
        names = [name for name in needed if name not in columns]
        raise InputError(f"{file.path}: tree '{tree}' has no column '{names[0]}'{_and_more(names)}{_WAY_OUT}")
    return replace(file, weights=tuple(variation for variation, _ in lacking))


def _with_form(file: _File, files: Sequence[_File]) -> _File:
    """Take the form of a file that cannot be read from others: of its name if there are, else of most."""
    if file.is_objects is not None:
        return file
    known = [one for one in files if one.is_objects is not None]
    alike = [one.is_objects for one in known if one.component == file.component] or [one.is_objects for one in known]
    form = Counter(alike).most_common(1)[0][0] if alike else False
    return replace(file, is_objects=form, prefix=file.component.name)


def _luminosities(files: Sequence[_File]) -> dict[str, float]:
    """Luminosity of the data that there are, by the campaign that stands for them; of all without data."""
    names = {file.component.name for file in files if file.component.kind is Kind.DATA}
    if not names or DATA in names:
        return dict(LUMINOSITIES)
    return {
        campaign: float(sum(PERIODS[period] for period in periods if period in names))
        for campaign, periods in CAMPAIGNS.items()
    }


def _check_parts(files: Sequence[_File]) -> None:
    """Refuse a file beside files with parts of its events, and fakes of other periods than those of the data."""
    paths = {file.component.name: file.path for file in files}
    for whole, parts in _WHOLES.items():
        both = [part for part in parts if part in paths]
        if whole in paths and both:
            raise InputError(f"{paths[whole]}: has the events of {paths[both[0]]}, too, which would count twice")
    periods = {name for name in paths if name in PERIODS}
    faked = {period for period in PERIODS if f"Fake_{period}" in paths}
    if periods and faked and periods != faked:
        raise InputError(
            f"there are data of {', '.join(sorted(periods))}, but fakes made from data of {', '.join(sorted(faked))}: "
            "they have to be the same"
        )


def _check_campaigns(files: Sequence[_File], luminosity: Mapping[str, float]) -> None:
    """Refuse a sample that lacks a campaign of which there are data: its yield would be too low."""
    if not any(file.component.kind is Kind.DATA for file in files):
        return
    simulated = [file for file in files if file.component.kind.is_simulated]
    for component in dict.fromkeys(file.component for file in simulated):
        there = {file.campaign for file in simulated if file.component == component}
        if "" in there:  # the rows tell
            continue
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
    inputs = tuple(replace(file.input, tree=OBJECTS_TREE) for file in files)
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
    inputs = [replace(file.input, tree=f"{file.prefix}_{nominal if file in lacking else suffix}") for file in files]
    metadata: dict[str, Any] = {"form": FLAT, "variation": variation, "fallback": NOMINAL.name if lacking else ""}
    if lacking:
        paths = ", ".join(file.path for file in lacking)
        metadata[WARNING] = f"no tree '{lacking[0].prefix}_{suffix}' in {paths}: the nominal one is taken in its place"
    return Dataset(tuple(inputs), metadata)


def _warn_of_weights(files: Sequence[_File]) -> dict[str, Any]:
    """Say which weight variations the nominal weight is taken for."""
    lacking = list(dict.fromkeys(name for file in files for name in file.weights))
    told: dict[str, Any] = {"missing": lacking}
    if lacking:
        texts = [f"{', '.join(file.weights)} in {file.path}" for file in files if file.weights]
        told[WARNING] = f"no columns for {'; '.join(texts)}: the nominal weight is taken in their place"
    return told


def _check_trees(files: Iterable[_File], suffixes: Sequence[str], way_out: str = "") -> None:
    """Refuse files that lack trees."""
    for file in files:
        lacking = [f"{file.prefix}_{suffix}" for suffix in suffixes if file.lacks(suffix)]
        if lacking:
            raise InputError(f"{file.path}: no tree '{lacking[0]}'{_and_more(lacking)}{way_out}")


def _and_more(lacking: Sequence[str]) -> str:
    """Say how many there are beside the first."""
    return f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""

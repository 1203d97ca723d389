"""Formats of event files: how each is recognised, its schema and its units."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hepcol.errors import InputError
from hepcol.skimnote import TreeNote, read_note

TREE_CLASSES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
_RNTUPLE = "ROOT::RNTuple"


@dataclass(frozen=True)
class Unit:
    """Unit of the columns whose last name matches a pattern."""

    pattern: str
    symbol: str


@dataclass(frozen=True)
class Format:
    """A format of event files that hepcol knows.

    Parameters
    ----------
    name : str
        As printed.
    tree : str
        Name of its event tree; empty if it may be any.
    schema : str
        Name of coffea's NanoEvents schema.
    matches : function of set of str
        Whether a tree with these top-level branches has the format.
    units : tuple of Unit
        Units of its columns; the first match counts.
    branch_filter : str
        Branches for the schema to keep, as uproot's ``filter_name``; empty for all.
    has_no_weights : bool
        Whether its events have no weights.
    weight : str
        Expression of the weight of an event, where its columns are there; see :mod:`hepcol.expression`.
    identity : tuple of str
        Columns that tell events apart, which a skim keeps where they are there.
    """

    name: str
    tree: str
    schema: str
    matches: Callable[[frozenset[str]], bool]
    units: tuple[Unit, ...] = ()
    branch_filter: str = ""
    has_no_weights: bool = False
    weight: str = ""
    identity: tuple[str, ...] = ()


_EDM4HEP_UNITS = (
    Unit(r"(px|py|pz|E|energy|mass|momentum\w*|energyError)(\.[xyz])?$", "GeV"),
    Unit(r"(vertex|endpoint|position|referencePoint|D0|Z0|radiusOfInnermostHit)(\.[xyz])?$", "mm"),
    Unit(r"(x|y|z)$", "mm"),
    Unit(r"(time)$", "ns"),
    Unit(r"(charge)$", "e"),
    Unit(r"(phi|theta|iTheta)$", "rad"),
)
_PHYSLITE_UNITS = (
    Unit(r"(pt|m|e|met|sumet|mpx|mpy|rawE\w*|calE|\w*cone\w*)$", "MeV"),
    Unit(r"(phi|\w*phi\w*)$", "rad"),
    Unit(r"(d0|z0|vz|x|y|z)$", "mm"),
)
_NANOAOD_UNITS = (
    Unit(r"(\w*[pP]t|mass|\w*[mM]ass|msoftdrop|energy\w*|sumEt|sumPt\w*|E_\w*)$", "GeV"),
    Unit(r"(phi|\w*Phi)$", "rad"),
    Unit(r"(dxy|dz|dxyErr|dzErr|ip3d|x|y|z)$", "cm"),
)
_NANOAOD_IDENTITY = ("run", "luminosityBlock", "event")  # without which coffea's schema refuses a file


def _has(pattern: str) -> Callable[[frozenset[str]], bool]:
    """Tell whether some branch matches a pattern."""
    compiled = re.compile(pattern)
    return lambda branches: any(compiled.search(branch) for branch in branches)


# The first that matches is taken, so the order goes from special to general.
FORMATS = (
    Format(
        "EDM4hep before version 1",
        "events",
        "FCCSchema",
        _has(r"^[A-Za-z]\w*#\d+$"),
        _EDM4HEP_UNITS,
        # parameters and maps of the newer FCC files stop the schema with StopIteration
        branch_filter=r"/^(?!.*(PARAMETERS|_.*Map))/",
        has_no_weights=True,
    ),
    Format(
        "EDM4hep 1",
        "events",
        "EDM4HEPSchema",
        _has(r"^(_\w+_\w+|\w+_objIdx)$"),
        _EDM4HEP_UNITS,
        weight="EventHeader.weight[0]",
    ),
    Format(
        *("PHYSLITE", "CollectionTree", "PHYSLITESchema", _has(r"Aux(Dyn)?[.:]"), _PHYSLITE_UNITS),
        weight="EventInfo.mcEventWeights[0]",
        identity=("EventInfo.runNumber", "EventInfo.eventNumber", "EventInfo.eventTypeBitmask"),
    ),
    Format(
        "PFNano",
        "Events",
        "PFNanoAODSchema",
        _has(r"^nPFCands$"),
        _NANOAOD_UNITS,
        weight="genWeight",
        identity=_NANOAOD_IDENTITY,
    ),
    Format(
        "NanoAOD",
        "Events",
        "NanoAODSchema",
        _has(r"^luminosityBlock$"),
        _NANOAOD_UNITS,
        weight="genWeight",
        identity=_NANOAOD_IDENTITY,
    ),
    Format("flat tree", "", "BaseSchema", lambda _: True),
)
ACCEPTED = ", ".join(form.name for form in FORMATS)


@dataclass(frozen=True)
class Layout:
    """What was found in a file: its event tree, its format, the version of that, and, in a skim, the note on it."""

    tree: str
    format: Format
    version: str = ""
    note: TreeNote | None = None

    def stored_name(self, path: str) -> str:
        """Name of a branch that is at a path in files that are no skims."""
        paths = {} if self.note is None else self.note.paths
        return next((name for name, original in paths.items() if original == path), path)


def identify(directory: Any, tree: str | None = None) -> Layout:
    """Find the event tree of an open file and its format.

    Parameters
    ----------
    directory : uproot.ReadOnlyDirectory
        An open file.
    tree : str, optional
        Name of the tree; by default the one that its format names, or the only one.

    Raises
    ------
    InputError
        If the tree is not there, cannot be chosen, or has no format that hepcol knows.
    """
    path = directory.file.file_path
    trees = {name: kind for name, kind in directory.classnames(cycle=False).items() if kind in TREE_CLASSES}
    name = _choose_tree(path, trees, tree)
    branches = frozenset(directory[name].keys(recursive=False))
    if not branches:
        raise InputError(f"{path}: tree '{name}' has no branches")
    note = read_note(directory, name)
    if note is not None:
        return Layout(name, format_named(note.format), note.version, note)
    if trees[name] == _RNTUPLE:
        if any("." in field for field in directory[name].keys()):  # noqa: SIM118  (uproot's keys are recursive)
            raise InputError(
                f"{path}: '{name}' is an RNTuple of records ({', '.join(sorted(branches)[:3])}), which schemas open "
                f"with no fields; accepted are RNTuples of plain columns and TTrees: {ACCEPTED}"
            )
        return Layout(name, FORMATS[-1])
    base_name = name.rsplit("/", 1)[-1]
    found = next(form for form in FORMATS if form.tree in ("", base_name) and form.matches(branches))
    version = _edm4hep_version(directory) if found.schema == "EDM4HEPSchema" else ""
    return Layout(name, found, version)


def format_named(name: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    InputError
        If there is none.
    """
    found = next((form for form in FORMATS if form.name == name), None)
    if found is None:
        raise InputError(f"format '{name}': unknown; accepted are {ACCEPTED}")
    return found


def _choose_tree(path: str, trees: dict[str, str], tree: str | None) -> str:
    """Name the event tree: the one asked for, that of a known format, or the only one."""
    listed = ", ".join(f"{name} ({kind})" for name, kind in trees.items()) or "none"
    if tree is not None:
        tree = tree.partition(";")[0]  # a coffea fileset may name the cycle
        if tree not in trees:
            raise InputError(f"{path}: no tree '{tree}'; trees in the file: {listed}")
        return tree
    known = [form.tree for form in FORMATS if form.tree in trees]
    if known:
        return known[0]
    if len(trees) != 1:
        wanted = ", ".join(dict.fromkeys(form.tree for form in FORMATS if form.tree))
        raise InputError(
            f"{path}: no event tree ({wanted}); trees in the file: {listed}; choose one with --tree"
            if trees
            else f"{path}: no tree in the file; accepted are {ACCEPTED}"
        )
    return next(iter(trees))


def _edm4hep_version(directory: Any) -> str:
    """Version of EDM4hep as coffea names it, such as ``00.99.01``; empty if the file does not tell."""
    if "podio_metadata" not in directory:
        return ""
    metadata = directory["podio_metadata"]
    name = "edm4hep___Version"
    if name not in metadata:
        return ""
    version = metadata[name].array(entry_stop=1)[0].to_list()
    return f"{version['major']:02}.{version['minor']:02}.{version['patch']:02}"


def unit_of(layout: Layout, column: str) -> str:
    """Symbol of the unit of a column in its file; empty if it has none or the format does not tell."""
    return next((unit.symbol for unit in layout.format.units if re.search(rf"\b{unit.pattern}", column)), "")

"""Event files: which format they have, and their events as NanoEvents."""

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak

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
    """

    name: str
    tree: str
    schema: str
    matches: Callable[[frozenset[str]], bool]
    units: tuple[Unit, ...] = ()
    branch_filter: str = ""


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
    Unit(r"(\w*[pP]t|mass|\w*[mM]ass|energy\w*|sumEt|sumPt\w*|E_\w*)$", "GeV"),
    Unit(r"(phi|\w*Phi)$", "rad"),
    Unit(r"(dxy|dz|dxyErr|dzErr|ip3d|x|y|z)$", "cm"),
)


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
    ),
    Format("EDM4hep 1", "events", "EDM4HEPSchema", _has(r"^(_\w+_\w+|\w+_objIdx)$"), _EDM4HEP_UNITS),
    Format("PHYSLITE", "CollectionTree", "PHYSLITESchema", _has(r"Aux(Dyn)?[.:]"), _PHYSLITE_UNITS),
    Format("PFNano", "Events", "PFNanoAODSchema", _has(r"^nPFCands$"), _NANOAOD_UNITS),
    Format("NanoAOD", "Events", "NanoAODSchema", _has(r"^luminosityBlock$"), _NANOAOD_UNITS),
    Format("flat tree", "", "BaseSchema", lambda _: True),
)
_ACCEPTED = ", ".join(form.name for form in FORMATS)

# What coffea's schemas say of every file of a kind: branches that uproot cannot interpret stay out of the events.
_SCHEMA_WARNINGS = (
    r"Skipping .* as it is (not interpretable|it cannot be represented)",
    r"Missing cross-reference index for",
    r"No matched collection for",
    r"Branch \w+ already exists but its values will be replaced with 0\.0",
)


@dataclass(frozen=True)
class Layout:
    """What was found in a file: its event tree, its format and the version of the format."""

    tree: str
    format: Format
    version: str = ""


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
    ValueError
        If the tree is not there, cannot be chosen, or has no format that hepcol knows.
    """
    path = directory.file.file_path
    trees = {name: kind for name, kind in directory.classnames(cycle=False).items() if kind in TREE_CLASSES}
    name = _choose_tree(path, trees, tree)
    branches = frozenset(directory[name].keys(recursive=False))
    if not branches:
        raise ValueError(f"{path}: tree '{name}' has no branches")
    if trees[name] == _RNTUPLE:
        if any("." in field for field in directory[name].keys()):  # noqa: SIM118  (uproot's keys are recursive)
            raise ValueError(
                f"{path}: '{name}' is an RNTuple of records ({', '.join(sorted(branches)[:3])}), which the schemas open "
                f"with no fields; accepted are RNTuples of plain columns and TTrees: {_ACCEPTED}"
            )
        return Layout(name, FORMATS[-1])
    base_name = name.rsplit("/", 1)[-1]
    found = next(form for form in FORMATS if form.tree in ("", base_name) and form.matches(branches))
    version = _edm4hep_version(directory) if found.schema == "EDM4HEPSchema" else ""
    return Layout(name, found, version)


def _choose_tree(path: str, trees: dict[str, str], tree: str | None) -> str:
    """Name the event tree: the one asked for, that of a known format, or the only one."""
    listed = ", ".join(f"{name} ({kind})" for name, kind in trees.items()) or "none"
    if tree is not None:
        if tree not in trees:
            raise ValueError(f"{path}: no tree '{tree}'; trees in the file: {listed}")
        return tree
    known = [form.tree for form in FORMATS if form.tree in trees]
    if known:
        return known[0]
    if len(trees) != 1:
        wanted = ", ".join(dict.fromkeys(form.tree for form in FORMATS if form.tree))
        raise ValueError(
            f"{path}: no event tree ({wanted}); trees in the file: {listed}; choose one with --tree"
            if trees
            else f"{path}: no tree in the file; accepted are {_ACCEPTED}"
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


def schema_class(layout: Layout) -> Any:
    """Return coffea's schema class for a layout.

    Raises
    ------
    ValueError
        If coffea has no schema for this version of the format.
    """
    from coffea import nanoevents

    schema = getattr(nanoevents, layout.format.schema)
    if not layout.version:
        return schema
    major, minor, _ = layout.version.split(".")
    # since version 1 the patch does not change the data model, and coffea's names leave it out
    version = layout.version if major == "00" else f"{major}.{minor}"
    known = [known.replace("-", ".") for known in nanoevents.assets.versions]
    if version not in known:
        raise ValueError(
            f"EDM4hep {layout.version}: coffea has no schema for this version; it has {', '.join(known)}"
        )
    return schema.version(version)


def read_events(
    directory: Any,
    layout: Layout,
    start: int,
    stop: int,
    metadata: dict[str, Any],
    access_log: list[Any] | None = None,
) -> ak.Array:
    """Return the virtual NanoEvents of the entries from ``start`` up to ``stop`` of an open file."""
    from coffea.nanoevents import NanoEventsFactory

    options = {"filter_name": layout.format.branch_filter} if layout.format.branch_filter else {}
    with warnings.catch_warnings():
        for message in _SCHEMA_WARNINGS:
            warnings.filterwarnings("ignore", message)
        events = NanoEventsFactory.from_root(
            directory,
            treepath=layout.tree,
            schemaclass=schema_class(layout),
            mode="virtual",
            entry_start=start,
            entry_stop=stop,
            metadata=metadata,
            iteritems_options=options,
            access_log=access_log,
        ).events()
    if not events.fields:
        raise ValueError(
            f"{directory.file.file_path}: {layout.format.schema} finds no fields in tree '{layout.tree}'; "
            f"accepted are {_ACCEPTED}"
        )
    return events


def open_events(
    path: str | Path, tree: str | None = None, start: int = 0, stop: int | None = None
) -> ak.Array:
    """Open the events of a file as NanoEvents, with the schema that the file needs.

    Parameters
    ----------
    path : str or Path
        A ROOT file, local or remote.
    tree : str, optional
        Name of the event tree.
    start, stop : int, optional
        Range of entries.

    Returns
    -------
    ak.Array
        NanoEvents whose columns are read when they are touched. Its metadata are those that coffea's Runner
        gives to a processor.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the tree is not there, or the format is unknown.
    """
    directory = open_file(path)
    layout = identify(directory, tree)
    entries = directory[layout.tree].num_entries
    stop = entries if stop is None else min(stop, entries)
    metadata = {
        "dataset": Path(str(path)).stem,
        "filename": str(path),
        "treename": layout.tree,
        "entrystart": start,
        "entrystop": stop,
        "fileuuid": str(directory.file.uuid),
    }
    return read_events(directory, layout, start, stop, metadata)


def open_file(path: str | Path) -> Any:
    """Open a ROOT file with uproot; what is not one is an OSError that names it."""
    import uproot

    try:
        return uproot.open({str(path): None})
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise IsADirectoryError(f"{path}: is a folder, not a ROOT file") from error
    except PermissionError as error:
        raise PermissionError(f"{path}: cannot be read: permission denied") from error
    except (
        OSError,
        ValueError,
        NotImplementedError,
        EOFError,
        uproot.deserialization.DeserializationError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(
            f"{path}: truncated, or not a ROOT file: {reason.removeprefix('not a ROOT file: ')}"
        ) from error


def missing_columns(events: ak.Array, columns: Iterable[str | tuple[str, ...]]) -> list[str]:
    """List those of ``columns`` that the events do not have.

    A column is named as in ``"Particle.PDG"``; of a tuple of names, one is enough.
    """

    def has(column: str) -> bool:
        record = events
        for name in column.split("."):
            if name not in record.fields:
                return False
            record = record[name]
        return True

    alternatives = [(column,) if isinstance(column, str) else column for column in columns]
    return [" or ".join(names) for names in alternatives if not any(has(name) for name in names)]


def unit_of(layout: Layout, column: str) -> str:
    """Symbol of the unit of a column in its file; empty if it has none or the format does not tell."""
    return next((unit.symbol for unit in layout.format.units if re.search(rf"\b{unit.pattern}", column)), "")

"""What is in the files that are to be analysed: form, trees, and the columns that are needed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from hepcol.errors import InputError
from hepcol.events import open_file
from hepcol.fileset import InputFile
from hepcol.formats import TREE_CLASSES
from processors.stop4b.campaigns import CAMPAIGNS
from processors.stop4b.components import Component, find_component
from processors.stop4b.kinds import Missing
from processors.stop4b.selection import Selection
from processors.stop4b.weights import factors, replaced

FLAT, OBJECTS = "flat", "objects"  # forms of files
OBJECTS_TREE, OBJECTS_COLUMN = "events", "nJet"
NOMINAL_SUFFIX, DATA_SUFFIX = "WEIGHTS", "NONE"
_NOTE = "hepcol_sample"  # what hepcol's samples say of themselves
WAY_OUT = "; option missing=nominal takes the nominal one"


@dataclass(frozen=True)
class StoredFile:
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
    is_generated : bool
        Whether it says that its events are generated.
    """

    input: InputFile
    metadata: Mapping[str, Any]
    component: Component
    campaign: str
    is_objects: bool | None = None
    prefix: str = ""
    trees: frozenset[str] | None = None
    weights: tuple[str, ...] = ()
    is_generated: bool = False

    @property
    def path(self) -> str:
        """Where it is."""
        return self.input.path

    def lacks(self, suffix: str) -> bool:
        """Whether it has no tree of a name; one that cannot be read is not known to lack it."""
        return self.trees is not None and f"{self.prefix}_{suffix}" not in self.trees


def look_into(
    file: InputFile, metadata: Mapping[str, Any], missing: Missing, systematics: bool, table: Selection
) -> StoredFile:
    """Look into a file; one that cannot be read is for the run to tell."""
    path = file.path
    if file.tree is not None or file.steps is not None:
        raise InputError(f"{path}: stop4b chooses the trees of a file by itself, and all of their entries")
    component = find_component(path)
    folder = PurePosixPath(path).parent.name
    found = StoredFile(file, metadata, component, folder if folder in CAMPAIGNS else "")
    for place in (path, *file.replicas):
        try:
            with open_file(place) as directory:
                names = directory.classnames(cycle=False)
                trees = frozenset(name for name, kind in names.items() if kind in TREE_CLASSES)
                nominal = [name for name in sorted(trees) if name.endswith((f"_{NOMINAL_SUFFIX}", f"_{DATA_SUFFIX}"))]
                is_objects = OBJECTS_TREE in trees and OBJECTS_COLUMN in directory[OBJECTS_TREE].keys(recursive=False)
                tree = OBJECTS_TREE if is_objects else nominal[0] if nominal else None
                columns = frozenset(directory[tree].keys(recursive=False)) if tree else frozenset()
            found = replace(found, is_generated=_NOTE in names)
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
        found = replace(found, is_objects=False, prefix=nominal[0].rpartition("_")[0], trees=trees)
        return _checked(found, tree, columns, missing, systematics, table.columns(component.kind))
    return found


def _checked(
    file: StoredFile,
    tree: str | None,
    columns: frozenset[str],
    missing: Missing,
    systematics: bool,
    looked_at: tuple[str, ...],
) -> StoredFile:
    """Refuse a file that lacks columns; of weight variations, tell which."""
    for name in (*looked_at, *factors(file.component.kind)):
        if name not in columns:
            raise InputError(f"{file.path}: tree '{tree}' has no column '{name}'")
    lacking = replaced(columns, file.component.kind) if systematics else ()
    if lacking and missing is Missing.ERROR:
        needed = dict.fromkeys(name for _, names in lacking for name in names)
        names = [name for name in needed if name not in columns]
        raise InputError(f"{file.path}: tree '{tree}' has no column '{names[0]}'{and_more(names)}{WAY_OUT}")
    return replace(file, weights=tuple(variation for variation, _ in lacking))


def with_form(file: StoredFile, files: Sequence[StoredFile]) -> StoredFile:
    """Take the form of a file that cannot be read from others: of its name if there are, else of most."""
    if file.is_objects is not None:
        return file
    known = [one for one in files if one.is_objects is not None]
    alike = [one.is_objects for one in known if one.component == file.component] or [one.is_objects for one in known]
    form = Counter(alike).most_common(1)[0][0] if alike else False
    return replace(file, is_objects=form, prefix=file.component.name)


def and_more(lacking: Sequence[str]) -> str:
    """Say how many there are beside the first."""
    return f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""

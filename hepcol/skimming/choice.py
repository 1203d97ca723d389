"""Which branches of a file a skim keeps: by the names of columns, collections and branches."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import awkward as ak

from hepcol.errors import InputError
from hepcol.events import Stored
from hepcol.origin import COLUMNS as ORIGIN
from hepcol.schemas import branches_of
from hepcol.skimming.branches import Branch, FileFormat, Kept

EVERYTHING = ("*",)
_LENGTH = re.compile(r"\[\w*\]$")  # of an array, at the end of the name of its branch
_SHOWN = 5
_NO_HALF = "float16"  # what neither uproot's TTree nor its RNTuple has


def choose(
    stored: Stored,
    form: Mapping[str, Any],
    keep: tuple[Sequence[str], Sequence[str]],
    drop: Sequence[str],
    to: FileFormat,
) -> Kept:
    """Choose the branches of a tree by patterns.

    Parameters
    ----------
    stored : Stored
        The file.
    form : mapping
        Form that the schema makes of it, as NanoEvents have it.
    keep : tuple of two sequences of str
        What the user keeps, and what an analysis needs: patterns of columns, collections or branches, such as
        ``Electron.*``, ``Electron`` or ``n?et``. All of the second has to be written.
    drop : sequence of str
        Patterns of what is left out, unless it is needed or named in full in the first.
    to : FileFormat
        What is to be written.

    Raises
    ------
    InputError
        If a pattern matches nothing, or what is needed, or named in full, cannot be written.
    """
    there, chosen, columns = _chosen(stored, form, keep, drop)
    own = {column: made_of[0] for column, made_of in columns.items() if len(made_of) == 1}
    return _described(stored, there, chosen, to, own)


def paths_of(
    stored: Stored, form: Mapping[str, Any], keep: tuple[Sequence[str], Sequence[str]], drop: Sequence[str]
) -> list[str]:
    """Name the branches that patterns choose, whether they can be written or not; see :func:`choose`."""
    return [*_chosen(stored, form, keep, drop)[1]]


def _chosen(
    stored: Stored, form: Mapping[str, Any], keep: tuple[Sequence[str], Sequence[str]], drop: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, bool], dict[str, tuple[str, ...]]]:
    """Choose branches by patterns.

    Returns
    -------
    there, chosen, columns
        What each branch may be called, whether each that is chosen has to be written, and the branches of each column.
    """
    path = stored.directory.file.file_path
    there = {one: _names_of(one) for one in _leaves(stored)}
    columns = branches_of(form)
    for column, made_of in columns.items():
        for one in made_of:
            if one in there:
                there[one].append(column)
    chosen: dict[str, bool] = {}  # whether it has to be written
    for pattern, is_needed in [*((one, False) for one in keep[0]), *((one, True) for one in keep[1])]:
        found = [one for one, names in there.items() if _matches(pattern, names)]
        if not found:
            close = difflib.get_close_matches(pattern, [name for names in there.values() for name in names], 3)
            hint = f"; close are {', '.join(close)}" if close else f"; there are {', '.join([*columns][:_SHOWN])}, ..."
            raise InputError(f"{path}: tree '{stored.layout.tree}' has no column '{pattern}'{hint}")
        for one in found:
            # named in full, and no name of more
            chosen[one] = chosen.get(one, False) or is_needed or (len(found) == 1 and pattern in there[one])
    if stored.layout.format.schema == "EDM4HEPSchema":
        for one in _relations(there, chosen):
            chosen.setdefault(one, False)
    for pattern in drop:
        for one in [one for one, is_named in chosen.items() if not is_named and _matches(pattern, there[one])]:
            del chosen[one]
    return there, chosen, columns


def _relations(there: Iterable[str], kept: Iterable[str]) -> list[str]:
    """Return what EDM4HEPSchema takes for granted with any branch of a collection: the first, and what it refers to."""
    collections = {path.partition("/")[0] for path in kept if "/" in path and not path.startswith("_")}
    found, seen = [], set()
    for one in there:
        owner = one.partition("/")[0]
        is_first = owner in collections and owner not in seen
        seen.add(owner)
        refers = owner in collections and one.endswith(("_begin", "_end"))
        is_referred = any(owner.startswith(f"_{collection}_") for collection in collections)
        if is_first or refers or is_referred:
            found.append(one)
    return found


def _described(
    stored: Stored,
    there: Mapping[str, list[str]],
    chosen: Mapping[str, bool],
    to: FileFormat,
    own: Mapping[str, str],
) -> Kept:
    """Say how the chosen branches are written."""
    tree, layout = stored.tree, stored.layout
    earlier = layout.note
    counted = {one: _counter_of(tree, one) for one in there}
    counts = {name for name in counted.values() if name}
    ours = set(earlier.counters) if earlier else set()
    if to is FileFormat.TTREE:  # which has the numbers of objects anyway
        wanted = [one for one in chosen if one not in counts or not any(counted[other] == one for other in chosen)]
    else:
        needed = dict.fromkeys(counted[one] for one in chosen if counted[one] in there and counted[one] not in ours)
        wanted = list(dict.fromkeys([*needed, *chosen]))
    wanted = [one for one in wanted if one not in ours]
    branches: list[Branch] = []
    left_out: dict[str, str] = {}
    types = dict(tree.typenames(recursive=False)) if hasattr(tree, "typenames") else {}
    for one in wanted:
        is_jagged, reason = _writable(tree[one], to)
        if reason:
            if chosen.get(one):
                way_out = f"; --format {FileFormat.RNTUPLE} may" if to is FileFormat.TTREE else ""
                raise InputError(
                    f"{stored.directory.file.file_path}: branch '{one}' is needed and cannot be kept: {reason}{way_out}"
                )
            if set(there[one]) - set(_names_of(one)):  # of what no column is made, nobody asked for
                left_out[one] = reason
            continue
        name = _flat(one)
        counter = (counted[one] or _new_counter(tree, one, name, there)) if is_jagged else ""
        original = earlier.paths.get(one, one) if earlier else one
        branches.append(Branch(one, to.column(name), original, counter))
    collections = {branch.original.partition("/")[0] for branch in branches if "/" in branch.original}
    collections |= {branch.path.partition("/")[0] for branch in branches if "/" in branch.path}
    before = dict(earlier.types) if earlier else {}
    known, paths = types | before, {branch.path for branch in branches}
    podio = dict(earlier.links) if earlier else _podio_types(stored)
    new = dict.fromkeys(
        one.counter for one in branches if one.counter and (one.counter not in there or one.counter in ours)
    )
    return Kept(
        tuple(branches),
        left_out,
        tuple(new) if to is FileFormat.TTREE else (),
        {name: known[name] for name in sorted(collections) if name in known},
        {name: podio[name] for name in sorted(collections) if name in podio},
        layout.format.name,
        layout.version,
        _members(branches, there),
        tuple(column for column, branch in own.items() if branch in paths),
        str(stored.directory.file.uuid),
        tuple(chosen),
        sum(getattr(tree[path], "uncompressed_bytes", 0) for path in paths) / max(1, int(tree.num_entries)),
    )


def _members(branches: Sequence[Branch], there: Mapping[str, list[str]]) -> dict[str, Branch]:
    """Return a branch of each collection, whose objects others of it belong to."""
    found: dict[str, Branch] = {}
    for branch in branches:
        for column in there[branch.path]:
            collection, dot, member = column.rpartition(".")
            plain = branch.original.endswith((f".{member}", f"_{member}"))
            if dot and branch.counter and plain and "/" not in column:
                found.setdefault(collection, branch)
    return found


def _leaves(stored: Stored) -> Iterator[str]:
    """Return the paths of the branches with values, but for those that tell the origin in a skim."""
    tree = stored.tree
    if hasattr(tree, "branches"):
        for path in tree.keys(recursive=True, full_paths=True):
            if not tree[path].branches and path not in ORIGIN:
                yield path
    else:
        yield from (path for path in tree.keys() if "." not in path and path not in ORIGIN)  # noqa: SIM118


def _names_of(path: str) -> list[str]:
    """Return what a branch may be called by a user."""
    return list(dict.fromkeys((path, path.rpartition("/")[2], _flat(path))))


def _matches(pattern: str, names: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) or name == pattern or name.startswith(f"{pattern}.") for name in names)


def _flat(path: str) -> str:
    """Name of a branch without that of its parent, or its length, which ROOT would take for more."""
    return _LENGTH.sub("", path.rpartition("/")[2])


def _counter_of(tree: Any, path: str) -> str:
    """Name of the branch with the numbers of objects; nothing where there is none, as in vectors."""
    # the numbers of objects of a split vector are in no branch; uproot names the first of its members
    count = None if "/" in path else getattr(tree[path], "count_branch", None)
    return "" if count is None else str(count.name)


def _new_counter(tree: Any, path: str, name: str, there: Mapping[str, Any]) -> str:
    """Name a branch for the numbers of objects, shared by what are members of a vector of structures."""
    parent = path.rpartition("/")[0]
    is_member = bool(parent) and "." in name and str(tree[parent].typename).startswith(("vector<", "std::vector<"))
    counter = f"n{name.partition('.')[0] if is_member else name}"
    return counter if counter not in there else f"hepcol_{counter}"


def _writable(branch: Any, to: FileFormat) -> tuple[bool, str]:
    """Whether values are lists, and why they cannot be written, if they cannot."""
    try:
        form = branch.array(entry_start=0, entry_stop=0).layout.form
    except Exception:  # noqa: BLE001  (uproot has many ways to say that it cannot interpret)
        return False, "uproot cannot read it"
    is_jagged = bool(form.is_list) and form.parameter("__array__") not in ("string", "bytestring")
    inner = form.content if is_jagged else form
    if to is FileFormat.PARQUET:
        return is_jagged, ""
    if _NO_HALF in str(form.type):
        return is_jagged, f"it has the type {form.type}"
    if to is FileFormat.RNTUPLE:
        return is_jagged, ""
    is_text = form.parameter("__array__") == "string"
    plain = inner.is_numpy and (not is_jagged or not inner.inner_shape)
    if not (plain or is_text or (form.is_regular and form.content.is_numpy)):
        # uproot writes lists of arrays of fixed length, too, but cannot read them back
        return is_jagged, f"a TTree of uproot has no {ak.without_parameters(form.length_zero_array()).type.content}"
    return is_jagged, ""


def _podio_types(stored: Stored) -> dict[str, str]:
    """Return podio's types of collections, as coffea reads them; nothing in other formats."""
    if stored.layout.format.schema != "EDM4HEPSchema":
        return {}
    from coffea.nanoevents.schemas.edm4hep import podio_collection_types

    return dict(podio_collection_types(stored.tree) or {})

"""Schemas of NanoEvents for the layouts of files."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import quote, unquote

from hepcol.errors import InputError
from hepcol.formats import Layout
from hepcol.origin import COLUMNS as ORIGIN

# Names of columns as in "Particle.PDG"; of a tuple of names, one is enough.
Columns = tuple[str | tuple[str, ...], ...]


def schema_class(layout: Layout) -> Any:
    """Return coffea's schema class for a layout.

    Raises
    ------
    InputError
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
        raise InputError(f"EDM4hep {layout.version}: coffea has no schema for this version; it has {', '.join(known)}")
    return schema.version(version)


def adapted(schema: Any, layout: Layout, columns: Columns = ()) -> Any:
    """Make a schema see a skim as what it was made of, and read no more than columns that are going to be read.

    coffea's take the offsets of a collection from its first branch, which is then read for nothing else, or compute
    them: for EDM4hep that is two branches and 15 % of the time of a selection.

    Parameters
    ----------
    schema : class
        coffea's schema.
    layout : Layout
        What is in the file.
    columns : tuple
        Columns that are going to be read, if known.
    """
    if not columns and layout.note is None:
        return schema
    names = [name for one in columns for name in ((one,) if isinstance(one, str) else one)]

    class Schema(schema):  # type: ignore[misc]  # coffea is untyped
        def __init__(self, base_form: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            before = _as_before(base_form, layout)
            if layout.note is not None and layout.format.schema == "FCCSchema":
                _keep_links(self, frozenset(before["fields"]))
            super().__init__(before, *args, **kwargs)
            if layout.note is not None:
                for content in self._form["contents"]:
                    _keep_plain(content, self.behavior())
                _add_origin(self._form, base_form)
            collections = dict(zip(self.form["fields"], self.form["contents"], strict=True))
            # the last assignment stays, and the first column is to win
            for name in reversed(names):
                collection, _, member = name.partition(".")
                _take_offsets(collections.get(collection, {}), member)

    return Schema


def _as_before(form: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """Name the branches of a skim as they were called before, and leave out what was not there."""
    note = layout.note
    if note is None:
        return form
    there = [
        (note.paths.get(name, name), content)
        for name, content in zip(form["fields"], form["contents"], strict=True)
        if name not in (*note.counters, *ORIGIN)
    ]
    return {
        **form,
        "fields": [name for name, _ in there],
        "contents": [content for _, content in there],
        "typenames": {**form.get("typenames", {}), **note.types},
        "podio_collection_types": {**(form.get("podio_collection_types") or {}), **note.links},
    }


# What vectors are made of, as the package vector names it: one of each
_AZIMUTH = ({"x", "y"}, {"px", "py"}, {"rho", "phi"}, {"pt", "phi"})
_LONGITUDE = ({"z"}, {"pz"}, {"theta"}, {"eta"})
_TIME = ({"t"}, {"E"}, {"e"}, {"energy"}, {"tau"}, {"M"}, {"m"}, {"mass"})
_COORDINATES = {
    "VectorAwkward2D": (_AZIMUTH,),
    "VectorAwkward3D": (_AZIMUTH, _LONGITUDE),
    "VectorAwkward4D": (_AZIMUTH, _LONGITUDE, _TIME),
}


def _keep_plain(form: dict[str, Any], behavior: Mapping[Any, Any]) -> None:
    """Make plain records of objects that lack what vectors are made of: no array of them could be made."""
    content = form.get("content")
    if isinstance(content, dict):
        _keep_plain(content, behavior)
    if form.get("class") != "RecordArray":
        return
    for one in form["contents"]:
        _keep_plain(one, behavior)
    parameters, fields = form.get("parameters") or {}, set(form["fields"])
    kinds = [kind.__name__ for kind in getattr(behavior.get(("*", parameters.get("__record__"))), "__mro__", ())]
    needed = next((_COORDINATES[kind] for kind in kinds if kind in _COORDINATES), ())
    has_all = all(any(names <= fields for names in alternatives) for alternatives in needed)
    if not has_all or ("charge" not in fields and any("Candidate" in kind for kind in kinds)):
        form["parameters"] = {**parameters, "__record__": "NanoCollection"}


def _add_origin(form: dict[str, Any], stored: Mapping[str, Any]) -> None:
    """Add the columns that tell where events of a skim are from, which schemas make nothing or too much of."""
    columns = dict(zip(stored["fields"], stored["contents"], strict=True))
    there = [name for name in ORIGIN if name in columns and name not in form["fields"]]
    form["fields"] = [*form["fields"], *there]
    form["contents"] = [*form["contents"], *(columns[name] for name in there)]


def _keep_links(schema: Any, branches: frozenset[str]) -> None:
    """Make FCCSchema follow only links that are there: it takes for granted that a file has them all."""

    def is_there(link: str) -> bool:
        return f"{link.partition('.')[0]}/{link}" in branches

    schema.all_cross_references = {
        link: target
        for link, target in schema.all_cross_references.items()
        if is_there(link) and _has(target, branches)
    }
    schema.mc_relations = {name: link for name, link in schema.mc_relations.items() if is_there(link)}


def _has(collection: str, branches: frozenset[str]) -> bool:
    return any(branch.startswith(f"{collection}/") for branch in branches)


def _take_offsets(collection: dict[str, Any], member: str) -> None:
    """Take the offsets of a collection in a form from the branch of one of its members, if that is a plain one."""
    record = collection.get("content")
    if collection.get("class") != "ListOffsetArray" or not isinstance(record, dict) or not record.get("fields"):
        return
    key = dict(zip(record["fields"], record["contents"], strict=True)).get(member, {}).get("form_key") or ""
    branch, is_plain, rest = key.partition(quote(",!load,!content", safe=""))
    if is_plain and not rest and "%2C" not in branch:
        collection["form_key"] = branch + quote(",!load", safe="")


def branches_of(form: Mapping[str, Any], name: str = "") -> dict[str, tuple[str, ...]]:
    """Say which branches each column of a schema's form is made of, by the name of the column."""
    if form["class"] == "RecordArray":
        found: dict[str, tuple[str, ...]] = {}
        for field, content in zip(form["fields"], form["contents"], strict=True):
            found |= branches_of(content, f"{name}.{field}" if name else field)
        return found
    content = form.get("content")
    is_text = (form.get("parameters") or {}).get("__array__") in ("string", "bytestring")
    if content is not None and not is_text:
        return branches_of(content, name)
    parts = unquote(form.get("form_key") or "").split(",")
    return {name: tuple(unquote(part) for part, then in pairwise(parts) if then == "!load")}

"""A package for an analysis: a copy of the one in ``template``, by another name."""

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from hepcol import plugins
from hepcol.errors import InputError
from hepcol.wholefile import write_whole_folder

_TEMPLATE, _CLASS = "newanalysis", "NewAnalysis"  # names in the template
_NAME = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?")
_LONGEST = 30  # letters of a name, for lines to stay short
_BESIDE = ("run", "tests")  # what is in the folder beside the package
_RENAMED = {"gitignore": ".gitignore"}  # which git would heed in the template


def create(name: str, into: str | Path = ".") -> Path:
    """Write the package of a new analysis, with tests that pass, as a whole or not at all.

    Parameters
    ----------
    name : str
        Name of the analysis, and of its package.
    into : str or Path
        Where its folder is to be.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the name is no name of a package or another one has it, or the folder is there or cannot be written.
    """
    _check_name(name)
    folder = Path(into) / name
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} is there already: choose another name, or another folder with --into")
    template = files("hepcol.scaffold") / "template"
    write_whole_folder(folder, {_renamed(path, name): _renamed(text, name).encode() for path, text in _walk(template)})
    return folder


def reference(name: str) -> str:
    """Return how the processor of a new analysis is named where it is not installed."""
    return f"{name}.processor:{_class(name)}Processor"


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _renamed(text: str, name: str) -> str:
    return text.replace(_TEMPLATE, name).replace(_CLASS, _class(name))


def _walk(folder: Traversable, place: str = "") -> Iterator[tuple[str, str]]:
    """Return the files of the template: path and text."""
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.startswith((".", "__pycache__")):  # of tools that were run there
            continue
        path = f"{place}{_RENAMED.get(item.name, item.name)}"
        if item.is_dir():
            yield from _walk(item, f"{path}/")
        else:
            yield path, item.read_text(encoding="utf-8")


def _check_name(name: str) -> None:
    """Refuse a name that is none for a package, or that would hide another one."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        raise InputError(
            f"name '{name}': expected at most {_LONGEST} lower-case letters, digits and _, a letter first, no _ last, "
            "and no keyword of Python"
        )
    taken = _taken(name)
    if taken:
        raise InputError(f"name '{name}': {taken}; choose another")


def _taken(name: str) -> str:
    """Say what has a name already; nothing if nothing has."""
    if name in sys.stdlib_module_names:
        return "a module of Python is called so"
    if name in _BESIDE:
        return "the folder has something else that is called so"
    if name in plugins.names(plugins.PROCESSORS):
        return "there is an analysis that is called so"
    if importlib.util.find_spec(name) is not None:
        return "there is a package that is called so"
    try:
        distribution(name)
    except PackageNotFoundError:
        return ""
    return "something that is installed is called so"

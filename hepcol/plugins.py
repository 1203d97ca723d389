"""Analyses, samples and sub-commands that packages offer to hepcol through entry points."""

import importlib
import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Protocol

from hepcol.errors import InputError

PROCESSORS = "hepcol.processors"
SAMPLES = "hepcol.samples"
COMMANDS = "hepcol.commands"
COLUMNS = "hepcol.columns"  # what adds columns to a skim
FILE_PREFIX = "hepcol_file_"  # of the names of modules that were loaded from a path


class Sample(Protocol):
    """What an entry point of the group ``hepcol.samples`` names."""

    name: str
    title: str
    path: Path


def names(group: str) -> list[str]:
    """Names on offer in a group, sorted."""
    return sorted({point.name for point in entry_points(group=group)})


def load(group: str, name: str) -> Any:
    """Load what a name of a group stands for.

    Raises
    ------
    KeyError
        If the group has no such name.
    InputError
        If it cannot be loaded, such as when another package of the same name hides the one that offers it.
    """
    point = next((point for point in entry_points(group=group) if point.name == name), None)
    if point is None:
        raise KeyError(name)
    _check_not_hidden(point)
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"'{name}' ({point.value}) cannot be loaded: {error}") from error


def _check_not_hidden(point: EntryPoint) -> None:
    """Refuse a package that is not the one its distribution installed.

    ``processors`` and ``samples`` are general names: a folder of that name in front of ``sys.path`` hides ours.
    """
    if point.dist is None:
        return
    package = point.module.split(".", maxsplit=1)[0]
    found = _location(package)
    files = point.dist.files or []
    installed = {
        Path(str(point.dist.locate_file(file))).resolve()
        for file in files
        if file.parts[:2] == (package, "__init__.py")
    }
    # an editable install lists no sources: then the package stands beside the one that hepcol was loaded from
    ours = Path(__file__).resolve().parent.parent / package / "__init__.py"
    if not installed and point.dist.name == "hepcol":
        installed = {ours}
    if installed and found not in installed:
        expected = ", ".join(str(path.parent) for path in installed)
        raise InputError(
            f"package '{package}' is {found.parent if found else 'missing'}, which hides the one of "
            f"{point.dist.name} in {expected}: rename that folder or run from another one"
        )


def _location(package: str) -> Path | None:
    """Path of a package's ``__init__.py``; of its folder, with an imagined one, for a namespace package."""
    spec = sys.modules[package].__spec__ if package in sys.modules else importlib.util.find_spec(package)
    if spec is None:
        return None
    if spec.origin:
        return Path(spec.origin).resolve()
    folders = list(spec.submodule_search_locations or [])
    return Path(folders[0]).resolve() / "__init__.py" if folders else None


def load_object(reference: str) -> tuple[Any, ModuleType]:
    """Load ``module:Name`` or ``path/to/file.py:Name``.

    Returns
    -------
    object, module
        The object, and the module that it comes from.

    Raises
    ------
    InputError
        If the reference has another form, or names nothing.
    """
    source, _, name = reference.rpartition(":")
    if not source or not name:
        raise InputError(f"'{reference}': expected module:Class or path/to/file.py:Class")
    # behind what is installed: a module of the user's folder is found, and hides nothing
    folder = str(Path(source).resolve().parent if source.endswith(".py") else Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        module = _load_file(Path(source)) if source.endswith(".py") else importlib.import_module(source)
    except (ModuleNotFoundError, SyntaxError) as error:
        raise InputError(f"'{reference}': {error}") from error
    if not hasattr(module, name):
        raise InputError(f"'{reference}': {source} has no '{name}'")
    return getattr(module, name), module


class _FromSource(SourceFileLoader):
    """Compiles a file each time: bytecode that is kept is taken for that of a file edited within the same second."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file as it is."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _load_file(path: Path) -> ModuleType:
    """Import a file as a module, by a name that no other module has."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    name = f"{FILE_PREFIX}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_FromSource(name, str(path)))
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

"""What a result depends on, so that one run is not continued as another."""

import ast
import dataclasses
import functools
import hashlib
import importlib.metadata
import inspect
import json
import math
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import hepcol
from hepcol.errors import InputError
from hepcol.fileset import Fileset, describe

# Those whose results a run is made of; a patch of one of them may round differently
_PACKAGES = ("awkward", "boost-histogram", "coffea", "hist", "numba", "numpy", "uproot")
# Parts of hepcol that look at results and do not make them
_ONLY_LOOKS = ("inference", "report", "cli.py")
_LONGEST = 200  # of an option, in characters


def identify(processor: Any, inputs: Fileset) -> dict[str, Any]:
    """Describe what the result of a run depends on, as JSON can hold it.

    Parameters
    ----------
    processor : Any
        The processor.
    inputs : Fileset
        The files.
    """
    kind = _kind(processor)
    sources = set(_sources(kind))
    return {
        "processor": f"{kind.__module__}:{kind.__qualname__}",
        "code": _digest(sources) if sources else None,
        "options": options_told(processor),
        "fileset": _short(json.dumps(told_of(inputs) or repr(inputs), sort_keys=True)),
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in _PACKAGES},
        },
        "hepcol": _digest(_hepcol_sources()),
    }


def told_of(inputs: Fileset) -> dict[str, Any] | None:
    """Return a fileset as JSON can hold it; None if its metadata are nothing for JSON, so that it has to be given."""
    try:
        return describe(inputs)
    except InputError:
        return None


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what has changed between two runs, in words."""
    found = []
    for name, value in now.items():
        before = earlier.get(name)
        if name == "code" and value is None:
            found.append("the processor's code is in no file, so that a change of it would not show")
        if before == value:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            found += [
                f"{name}: {key} was {before.get(key)}, is {value.get(key)}"
                for key in sorted({*before, *value})
                if before.get(key) != value.get(key)
            ]
        else:
            found.append(_CHANGED.get(name, f"{name} was {before}, is {value}"))
    return found


_CHANGED = {
    "code": "the processor's code has changed",
    "fileset": "the files are others",
    "hepcol": "hepcol's code has changed",
}


def options_told(processor: Any) -> dict[str, Any]:
    """Describe what a processor was made with, as JSON can hold it; other options are described otherwise."""
    if isinstance(processor, functools.partial):
        given = {**{f"argument {number}": value for number, value in enumerate(processor.args)}, **processor.keywords}
        return {**options_told(processor.func), **_told(given)}
    if inspect.ismethod(processor):
        return options_told(processor.__self__)
    if inspect.isfunction(processor):
        return _told(inspect.getclosurevars(processor).nonlocals)
    if dataclasses.is_dataclass(processor) and not isinstance(processor, type):
        return _told({field.name: getattr(processor, field.name) for field in dataclasses.fields(processor)})
    return _told(getattr(processor, "__dict__", {})) if not isinstance(processor, type) else {}


def _told(options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe values: what is not plain by its type, too, since a tuple that was made a text is another option."""
    told: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, (bool, int, str, type(None))) or (isinstance(value, float) and math.isfinite(value)):
            told[name] = value
            continue
        with np.printoptions(threshold=sys.maxsize, floatmode="unique"):  # else of an array only its ends
            text = f"{type(value).__qualname__} {value!r}"
        told[name] = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({_short(text)})"
    return told


def _kind(processor: Any) -> Any:
    """Class or function of a processor."""
    if isinstance(processor, functools.partial):
        return _kind(processor.func)
    return processor if inspect.isroutine(processor) or isinstance(processor, type) else type(processor)


def _sources(kind: Any) -> Iterable[Path]:
    """Files that a processor's code is in: its whole package, or its module and those beside it that it imports."""
    module = sys.modules.get(kind.__module__)
    path = getattr(module, "__file__", None)
    if path is None:
        return []
    in_package = bool(getattr(module, "__package__", "")) and (Path(path).parent / "__init__.py").exists()
    calibration = sys.modules.get("calib")
    used = [Path(calibration.__file__).parent] if calibration is not None and calibration.__file__ else []
    folders = [Path(path).parent, *used] if in_package else used
    # beside what is installed there is all of it
    module_files = [Path(path)] if "site-packages" in Path(path).parts else _with_imports(Path(path))
    return [*module_files, *(file for folder in folders for file in folder.rglob("*.py"))]


def _with_imports(path: Path) -> set[Path]:
    """Return a module's file, and those beside it that it imports, be it by way of others."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        for name in _imported(file) - {hepcol.__name__}:
            beside = file.parent.joinpath(*name.split("."))
            todo += [other for other in (beside.with_suffix(".py"), *beside.rglob("*.py")) if other.is_file()]
    return found


def _imported(file: Path) -> set[str]:
    """Names of the modules that a file imports."""
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError):  # changed since it was imported
        return set()
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _hepcol_sources() -> Iterable[Path]:
    """Files of hepcol that make results."""
    folder = Path(hepcol.__file__).parent
    return (file for file in folder.rglob("*.py") if file.relative_to(folder).parts[0] not in _ONLY_LOOKS)


def _digest(files: Iterable[Path]) -> str:
    """Hash of the contents of files, wherever they are installed."""
    return _short("".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(set(files))))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

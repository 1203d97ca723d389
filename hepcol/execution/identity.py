"""What a result depends on, so that one run is not continued as another."""

import hashlib
import importlib.metadata
import inspect
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import hepcol
from hepcol.errors import InputError
from hepcol.fileset import Fileset, describe
from hepcol.provenance import options_of

# Those whose results a run is made of; a patch of one of them may round differently
_PACKAGES = ("awkward", "boost-histogram", "coffea", "hist", "numba", "numpy", "uproot")
# Parts of hepcol that look at results and do not make them
_ONLY_LOOKS = ("inference", "report", "cli.py")


def identify(processor: Any, inputs: Fileset) -> dict[str, Any]:
    """Describe what the result of a run depends on, as JSON can hold it.

    Parameters
    ----------
    processor : Any
        The processor.
    inputs : Fileset
        The files.
    """
    kind = processor if inspect.isroutine(processor) or isinstance(processor, type) else type(processor)
    return {
        "processor": f"{kind.__module__}:{kind.__qualname__}",
        "code": _digest(_sources(kind)),
        "options": options_of(processor),
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


def _sources(kind: Any) -> Iterable[Path]:
    """Files that a processor's code is in: its module, or its whole package."""
    module = sys.modules.get(kind.__module__)
    path = getattr(module, "__file__", None)
    if path is None:
        return []
    # a module of a package uses its neighbours; a file of its own stands alone
    in_package = bool(getattr(module, "__package__", "")) and (Path(path).parent / "__init__.py").exists()
    calibration = sys.modules.get("calib")
    used = [Path(calibration.__file__).parent] if calibration is not None and calibration.__file__ else []
    folders = [Path(path).parent, *used] if in_package else used
    return [Path(path), *(file for folder in folders for file in folder.rglob("*.py"))]


def _hepcol_sources() -> Iterable[Path]:
    """Files of hepcol that make results."""
    folder = Path(hepcol.__file__).parent
    return (file for file in folder.rglob("*.py") if file.relative_to(folder).parts[0] not in _ONLY_LOOKS)


def _digest(files: Iterable[Path]) -> str:
    """Hash of the contents of files, wherever they are installed."""
    return _short("".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(set(files))))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""What a result depends on, so that one run is not continued as another."""

import dataclasses
import functools
import hashlib
import inspect
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hepcol.errors import InputError
from hepcol.execution.code import hepcol_digest, processor_digest, short
from hepcol.execution.description import OPAQUE, bound_to, description
from hepcol.execution.environment import versions
from hepcol.fileset import Fileset, describe
from hepcol.provenance import text_of

_LONGEST = 200  # of an option, in characters
_CONTENT = "content of files"
_DEEPEST = 5  # of options in options that are looked for names of files


def identify(processor: Any, inputs: Fileset) -> dict[str, Any]:
    """Describe what the result of a run depends on, as JSON can hold it.

    Parameters
    ----------
    processor : Any
        The processor.
    inputs : Fileset
        The files.
    """
    kind = kind_of(processor)
    options = _options(processor)
    return {
        "processor": f"{kind.__module__}:{kind.__qualname__}",
        "code": processor_digest(kind),
        "options": _told(options),
        _CONTENT: {name: _content(Path(name)) for name in sorted(set(_files_named(list(options.values()))))},
        "fileset": fileset_digest(inputs),
        "versions": versions(),
        "hepcol": hepcol_digest(),
    }


def fileset_digest(inputs: Fileset) -> str:
    """Hash of a fileset."""
    return short(json.dumps(told_of(inputs) or repr(inputs), sort_keys=True))


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
        if name == "options":
            found += [
                f"option '{option}' cannot be compared, as it does not travel"
                for option, text in value.items()
                if OPAQUE in str(text)
            ]
        if name == "code" and value is None:
            found.append("the processor's code is in no file, so that a change of it would not show")
        if before == value:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            found += [
                f"{name}: {key} was {_shown(before.get(key))}, is {_shown(value.get(key))}"
                for key in sorted({*before, *value})
                if before.get(key) != value.get(key)
            ]
        else:
            found.append(_CHANGED.get(name, f"{name} was {_shown(before)}, is {_shown(value)}"))
    return found


def _shown(value: Any) -> Any:
    """Return what is shown of a value: of an empty text, that it is one."""
    return "''" if value == "" else value


_CHANGED = {
    "code": "the processor's code has changed",
    "fileset": "the files are others",
    "hepcol": "hepcol's code has changed",
}


def options_told(processor: Any) -> dict[str, Any]:
    """Describe what a processor was made with, as JSON can hold it; other options are described otherwise."""
    return _told(_options(processor))


def _options(processor: Any) -> dict[str, Any]:
    """Return what a processor was made with: the fields of a dataclass, else what is on it or bound to it."""
    if isinstance(processor, functools.partial):
        given = {**{f"argument {number}": value for number, value in enumerate(processor.args)}, **processor.keywords}
        return {**_options(processor.func), **given}
    if inspect.ismethod(processor):
        return _options(processor.__self__)
    if inspect.isfunction(processor):
        return bound_to(processor)
    if dataclasses.is_dataclass(processor) and not isinstance(processor, type):
        return {field.name: getattr(processor, field.name) for field in dataclasses.fields(processor)}
    return dict(getattr(processor, "__dict__", {})) if not isinstance(processor, type) else {}


def _told(options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe values: what is not plain by its type, too, since a tuple that was made a text is another option."""
    told: dict[str, Any] = {}
    for name, option in options.items():
        value = text_of(option)
        if isinstance(value, (bool, int, str, type(None))) or (isinstance(value, float) and math.isfinite(value)):
            told[name] = value
            continue
        text = f"{type(value).__qualname__} {description(value)}"
        opaque = f" {OPAQUE}" if OPAQUE in text else ""
        told[name] = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({short(text)}){opaque}"
    return told


def kind_of(processor: Any) -> Any:
    """Class or function of a processor."""
    if isinstance(processor, functools.partial):
        return kind_of(processor.func)
    return processor if inspect.isroutine(processor) or isinstance(processor, type) else type(processor)


def _files_named(value: Any, depth: int = 0) -> Iterator[str]:
    """Return the files that options name, by the texts that are names of files."""
    if isinstance(value, (str, Path)):
        if os.path.isfile(value):  # noqa: PTH113  (a Path complains of texts that no file can be called)
            yield str(value)
    elif depth < _DEEPEST:
        inner = list(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(inner, (list, tuple, set, frozenset)):
            inner = list(getattr(value, "__dict__", {}).values())
        for one in inner:
            yield from _files_named(one, depth + 1)


def _content(path: Path) -> str:
    """Hash of what is in a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        return f"not readable: {error.strerror}"

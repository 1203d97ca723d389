"""What a result depends on, so that one run is not continued as another."""

import dataclasses
import functools
import hashlib
import inspect
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepcol.errors import InputError
from hepcol.execution.code import hepcol_digest, processor_digest, short
from hepcol.execution.environment import versions
from hepcol.fileset import Fileset, describe

_LONGEST = 200  # of an option, in characters
_CONTENT = "content of files"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


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
    options = _options(processor)
    return {
        "processor": f"{kind.__module__}:{kind.__qualname__}",
        "code": processor_digest(kind),
        "options": _told(options),
        _CONTENT: {name: _content(Path(name)) for name in sorted(set(_files_named(list(options.values()))))},
        "fileset": short(json.dumps(told_of(inputs) or repr(inputs), sort_keys=True)),
        "versions": versions(),
        "hepcol": hepcol_digest(),
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
    return _told(_options(processor))


def _options(processor: Any) -> dict[str, Any]:
    """Return what a processor was made with: the fields of a dataclass, else what is on it or bound to it."""
    if isinstance(processor, functools.partial):
        given = {**{f"argument {number}": value for number, value in enumerate(processor.args)}, **processor.keywords}
        return {**_options(processor.func), **given}
    if inspect.ismethod(processor):
        return _options(processor.__self__)
    if inspect.isfunction(processor):
        parameters = inspect.signature(processor).parameters.values()
        defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
        return {**inspect.getclosurevars(processor).nonlocals, **defaults}
    if dataclasses.is_dataclass(processor) and not isinstance(processor, type):
        return {field.name: getattr(processor, field.name) for field in dataclasses.fields(processor)}
    return dict(getattr(processor, "__dict__", {})) if not isinstance(processor, type) else {}


def _told(options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe values: what is not plain by its type, too, since a tuple that was made a text is another option."""
    told: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, (bool, int, str, type(None))) or (isinstance(value, float) and math.isfinite(value)):
            told[name] = value
            continue
        with np.printoptions(threshold=sys.maxsize, floatmode="unique"):  # else of an array only its ends
            text = f"{type(value).__qualname__} {_text(value, ())}"
        told[name] = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({short(text)})"
    return told


def _text(value: Any, within: tuple[int, ...]) -> str:
    """Describe a value alike in any process: sets in an order, objects by what is on them and not by their address."""
    if id(value) in within:
        return "itself"
    inner = (*within, id(value))
    if isinstance(value, (set, frozenset, Mapping)) or type(value) in (list, tuple):
        return _contents(value, inner)
    if inspect.isroutine(value) or isinstance(value, (type, functools.partial)):
        made = _kind(value)
        own = {} if inspect.isbuiltin(value) else _options(value)
        return f"{made.__module__}.{made.__qualname__} {_text(own, inner)}"
    if next(base for base in type(value).__mro__ if "__repr__" in vars(base)) is object:
        return f"{type(value).__qualname__} {_text(getattr(value, '__dict__', {}), inner)}"
    return _ADDRESS.sub("", repr(value))


def _contents(value: Any, within: tuple[int, ...]) -> str:
    """Describe what is in a container."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key, within)}: {_text(one, within)}' for key, one in value.items())}}}"
    texts = [_text(one, within) for one in value]
    opening, closing = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
    return f"{opening}{', '.join(texts if isinstance(value, (list, tuple)) else sorted(texts))}{closing}"


def _files_named(value: Any) -> Iterator[str]:
    """Return the files that options name, by the texts that are names of files."""
    if isinstance(value, (str, Path)):
        if os.path.isfile(value):  # noqa: PTH113  (a Path complains of texts that no file can be called)
            yield str(value)
    elif isinstance(value, Mapping):
        yield from _files_named(list(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _files_named(one)


def _content(path: Path) -> str:
    """Hash of what is in a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        return f"not readable: {error.strerror}"


def _kind(processor: Any) -> Any:
    """Class or function of a processor."""
    if isinstance(processor, functools.partial):
        return _kind(processor.func)
    return processor if inspect.isroutine(processor) or isinstance(processor, type) else type(processor)

"""Descriptions of objects that are alike in any process, to tell whether two are the same."""

import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Any

import numpy as np

from hepcol.execution.code import function_digest

OPAQUE = "<cannot be compared>"
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, PurePath, range, slice)
_DEEPEST = 20


def description(value: Any) -> str:
    """Describe an object by what is in it: neither by its address, nor by the order of sets.

    Objects are taken apart as for pickling. Of what cannot be, such as an open file, the description has
    :data:`OPAQUE` in it.
    """
    return _text(value, ())


def _text(value: Any, within: tuple[int, ...]) -> str:
    """Describe an object that is inside of others."""
    if type(value) in _PLAIN or isinstance(value, (np.generic, PurePath)):
        return repr(value)
    if id(value) in within or len(within) > _DEEPEST:
        return "itself" if id(value) in within else OPAQUE
    inner = (*within, id(value))
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
        return f"{type(value).__qualname__} {value.dtype.str} {value.shape} {content}"
    if isinstance(value, (set, frozenset, Mapping)) or type(value) in (list, tuple):
        return _contents(value, inner)
    function = getattr(value, "py_func", value)  # of numba's compiled ones
    if inspect.isroutine(function) or isinstance(value, (type, functools.partial, ModuleType)):
        return _code(function, inner)
    return _taken_apart(value, inner)


def _contents(value: Any, within: tuple[int, ...]) -> str:
    """Describe what is in a container."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key, within)}: {_text(one, within)}' for key, one in value.items())}}}"
    texts = [_text(one, within) for one in value]
    opening, closing = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
    return f"{opening}{', '.join(texts if isinstance(value, (list, tuple)) else sorted(texts))}{closing}"


def _code(value: Any, within: tuple[int, ...]) -> str:
    """Describe a function, class or module, with what is bound to it."""
    if isinstance(value, functools.partial):
        return f"partial {_text(value.func, within)} {_text(value.args, within)} {_text(value.keywords, within)}"
    if isinstance(value, ModuleType):
        return f"module {value.__name__} {getattr(value, '__version__', '')}"
    owner = getattr(value, "__self__", None)
    bound = "" if owner is None or isinstance(owner, ModuleType) else _text(owner, within)
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    return " ".join(filter(None, (name, function_digest(value), _text(bound_to(value), within), bound)))


def bound_to(function: Any) -> dict[str, Any]:
    """Return what a function takes from where it was made: variables around it, and its defaults."""
    if not inspect.isfunction(function):
        return {}
    parameters = inspect.signature(function).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
    try:
        return {**inspect.getclosurevars(function).nonlocals, **defaults}
    except ValueError:  # a variable around it has no value yet
        return defaults


def _taken_apart(value: Any, within: tuple[int, ...]) -> str:
    """Describe an object by its class and what pickle would store of it."""
    kind = _text(type(value), within)
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
        return f"{kind} {_text(fields, within)}"
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  (whatever a class raises that does not travel)
        return f"{kind} {OPAQUE}"
    if isinstance(reduced, str):  # the name of a global object
        return f"{kind} {reduced}"
    return " ".join([kind, *(_text(part, within) for part in _parts(reduced) if part is not type(value))])


def _parts(reduced: tuple[Any, ...]) -> Iterator[Any]:
    """Return the arguments, state and items in what pickle would store."""
    _, arguments, *more = reduced
    yield tuple(arguments)
    for part in more[:3]:
        if part is not None:
            yield list(part) if isinstance(part, Iterator) else part

"""Processors from what a user types: a name and ``NAME=VALUE`` options."""

import dataclasses
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from hepcol import plugins
from hepcol.errors import InputError


def build_processor(reference: str, options: Sequence[str] = (), group: str = plugins.PROCESSORS) -> Any:
    """Make a processor, or what another group of entry points offers.

    Parameters
    ----------
    reference : str
        Name of an analysis, ``module:Class`` or ``path/to/file.py:Class``.
    options : sequence of str
        Its options, as ``"name=value"``.
    group : str
        Group of entry points that names are looked up in.

    Raises
    ------
    InputError
        If there is no such processor, or an option or value is not accepted.
    """
    made = find_processor(reference, group)
    given = _parse(options)
    if not isinstance(made, type):
        if given:
            raise InputError(f"{reference} is a {type(made).__name__} that takes no options, got {', '.join(given)}")
        return made
    accepted = option_names(made)
    unknown = [name for name in given if accepted is not None and name not in accepted]
    if unknown:
        raise InputError(
            f"option '{unknown[0]}' is unknown to {reference}; accepted: {', '.join(accepted or ()) or 'none'}"
        )
    try:
        # pydantic reads numbers from strings; other classes get what YAML makes of the value
        return made(**(given if is_validated(made) else {k: _scalar(k, v) for k, v in given.items()}))
    except ValidationError as error:
        raise InputError(first_problem(error)) from error
    except InputError:
        raise
    except (TypeError, ValueError) as error:  # a class that refuses an option says so by the one or by the other
        raise InputError(f"{reference}: {' '.join(str(error).split())}") from error


def rebuild_processor(reference: str, options: Mapping[str, Any]) -> Any:
    """Make the processor of a run again, from its provenance.

    Raises
    ------
    InputError
        If its class is not to be found, as that of a file or of a notebook.
    """
    module, _, name = reference.partition(":")
    try:
        made = find_processor(reference)
        if not isinstance(made, type):
            return made
        names = option_names(made)  # an instance may have more on it, such as its accumulator
        return made(**{name: value for name, value in options.items() if names is None or name in names})
    except (InputError, TypeError, ValueError) as error:
        reason = first_problem(error) if isinstance(error, ValidationError) else error
        raise InputError(
            f"processor {name} of module '{module}', which made this run, cannot be made again: {reason}"
        ) from error


def parameter_changes(free: Sequence[str], fix: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read which parameters of a model are to float and which to stay, as ``"name"`` and ``"name=value"``.

    Raises
    ------
    InputError
        If a value is no number, or a parameter is to do both.
    """
    changes: dict[str, dict[str, Any]] = {name: {"fixed": False, "shared": False} for name in free}
    for name, value in _parse(fix).items():
        if name in changes:
            raise InputError(f"parameter '{name}' cannot be both free and fixed")
        changes[name] = {"fixed": True, "start": _number(value, f"parameter '{name}={value}'")}
    return changes


def numbers(options: Sequence[str], what: str) -> dict[str, float]:
    """Read numbers by name, given as ``"name=value"``.

    Raises
    ------
    InputError
        If a value is no number.
    """
    return {name: _number(value, f"{what} '{name}={value}'") for name, value in _parse(options).items()}


def _number(text: str, what: str) -> float:
    """Read a finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{what}: expected a number")
    return number


def find_processor(reference: str, group: str = plugins.PROCESSORS) -> Any:
    """Return what a name stands for: a class, an instance or a function.

    Raises
    ------
    InputError
        If there is none.
    """
    if ":" not in reference:
        try:
            return plugins.load(group, reference)
        except KeyError:
            what = "analysis" if group == plugins.PROCESSORS else f"'{group}'"
            known = ", ".join(plugins.names(group)) or "none"
            raise InputError(
                f"no {what} '{reference}'; there are: {known}; or name module:Class or path/to/file.py:Class"
            ) from None
    found, module = plugins.load_object(reference)
    if not callable(found) and not hasattr(found, "process"):
        raise InputError(f"{reference} is a {type(found).__name__}; expected a processor class or a function of events")
    if getattr(module, "__spec__", None) and reference.rpartition(":")[0].endswith(".py"):
        import cloudpickle

        # workers cannot import a file by its path, so its code travels with the task
        cloudpickle.register_pickle_by_value(module)
    return found


def is_validated(made: type) -> bool:
    """Whether a class checks its options by itself, through pydantic."""
    return hasattr(made, "__pydantic_validator__")


def option_names(made: type) -> list[str] | None:
    """Names of the options of a class; None if it takes any."""
    if dataclasses.is_dataclass(made):
        return [field.name for field in dataclasses.fields(made) if field.init]
    parameters = inspect.signature(made).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_POSITIONAL]


def option_texts(made: type) -> list[str]:
    """Options of a class with their defaults, as they would be typed."""
    if not dataclasses.is_dataclass(made):
        return option_names(made) or []
    return [
        field.name if field.default in (dataclasses.MISSING, None) else f"{field.name}={_typed(field.default)}"
        for field in dataclasses.fields(made)
        if field.init
    ]


def _typed(value: Any) -> str:
    """Write a value as it would be typed."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parse(options: Sequence[str]) -> dict[str, str]:
    """Split ``name=value`` texts."""
    parsed: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not (equals and name):
            raise InputError(f"option '{option}': expected NAME=VALUE")
        if name in parsed:
            raise InputError(f"option '{name}' is given twice: {parsed[name]} and {value}")
        parsed[name] = value
    return parsed


def _scalar(name: str, value: str) -> Any:
    """Read a number, truth value or text as YAML does."""
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise InputError(f"option '{name}={value}': {error}") from error


def first_problem(error: ValidationError) -> str:
    """Say in one line what is wrong with the first option that is."""
    problem = error.errors()[0]
    text = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return text
    return f"option '{problem['loc'][0]}={problem['input']}': {text[:1].lower()}{text[1:]}"

"""Tables that users write in YAML: what is wrong in one is told in one line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from hepcol.errors import InputError

_MERGE = "tag:yaml.org,2002:merge"
_UNKNOWN = "unknown_key"
_PLAIN = (str, int, float, bool, type(None))


class Row(BaseModel):
    """A part of a table, whose keys are its fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, given: Any) -> Any:
        """Name the keys there are, if one is unknown: it may be a misspelt one."""
        for key in given if isinstance(given, Mapping) else ():
            if key not in cls.model_fields:
                accepted = ", ".join(cls.model_fields)
                raise PydanticCustomError(
                    _UNKNOWN, "is unknown; accepted: {accepted}", {"key": key, "accepted": accepted}
                )
        return given


AnyRow = TypeVar("AnyRow", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Reads YAML, and refuses a key that is given twice, of which the last would count in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Read a mapping as it is written, before what ``<<`` names is put into it: that may be overridden."""
        node = super().compose_mapping_node(anchor)
        keys = [key.value if key.tag == _MERGE else self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' is given twice", node.start_mark)
        return node


def read_rows(path: str | Path, kind: type[AnyRow]) -> AnyRow:
    """Read a table in YAML.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : type
        What it is, a pydantic model.

    Raises
    ------
    InputError
        If it cannot be read or understood; it names the place, the value, and what is accepted.
    """
    return understood(path, read_table(path, kind), kind)


def read_table(path: str | Path, kind: type[BaseModel]) -> dict[str, Any]:
    """Read a table in YAML as it is written; ``kind`` tells what is expected of one that is none.

    Raises
    ------
    InputError
        If it cannot be read, or is no table.
    """
    try:
        content = yaml.load(Path(path).read_text(), _Loader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        keys = " and ".join(f"'{name}'" for name, field in kind.model_fields.items() if field.is_required())
        raise InputError(f"{path}: expected a table with {keys}, got {type(content).__name__}")
    return content


def understood(place: str | Path, content: Mapping[Any, Any], kind: type[AnyRow]) -> AnyRow:
    """Understand a table that was read from some place.

    Raises
    ------
    InputError
        If it is not what is accepted; it names the place, the value, and what is.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{place}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    """Say where the first problem is and what; pydantic does not say what was given."""
    problem = error.errors()[0]
    named = [problem["ctx"]["key"]] if problem["type"] == _UNKNOWN else []
    place = ".".join(map(str, [*problem["loc"], *named]))
    if problem["type"] == "missing":
        return f"{place}: is missing"
    text = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    # errors of our own have the value in them
    told = f", got {given!r}" if isinstance(given, _PLAIN) and problem["type"] != "value_error" else ""
    return f"{place}: {text[:1].lower()}{text[1:]}{told}".removeprefix(": ")

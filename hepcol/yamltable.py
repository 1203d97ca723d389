"""Tables that users write in YAML, checked by pydantic."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hepcol.errors import InputError

Table = TypeVar("Table", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Reads YAML, and refuses a key that is given twice, of which the last would count in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a dict."""
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path, model: type[Table], key: str) -> Table:
    """Read a table.

    Parameters
    ----------
    path : str or Path
        The file.
    model : type
        What it has to be.
    key : str
        The key that every such table has, for messages.

    Raises
    ------
    InputError
        If it cannot be read or understood.
    """
    try:
        content = yaml.load(Path(path).read_text(), _Loader)
        if not isinstance(content, dict):
            raise InputError(f"{path}: expected a table with '{key}', got {type(content).__name__}")
        return model.model_validate(content)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise InputError(f"{path}: {place}: {problem['msg'].removeprefix('Value error, ')}") from error

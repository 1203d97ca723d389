"""A file of correctionlib, whose content travels with it."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from hepcol.errors import InputError

Key = str | int
_GZIP = b"\x1f\x8b"
_KEPT = 16  # files of which each process keeps what correctionlib has made


@dataclass(frozen=True)
class CorrectionFile:
    """A file of correctionlib.

    Parameters
    ----------
    name : str
        What messages call it.
    content : str
        Its text, which workers need, and not the file.
    """

    name: str
    content: str = field(repr=False, compare=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.content.encode()).hexdigest()[:16])
        _corrections(self)

    @classmethod
    def read(cls, path: str | Path, name: str = "") -> "CorrectionFile":
        """Read a file, JSON or gzipped JSON; messages call it by its path unless it is given a name.

        Raises
        ------
        InputError
            If it cannot be read, or is none of correctionlib.
        """
        name = name or str(path)
        try:
            stored = Path(path).read_bytes()
            content = (gzip.decompress(stored) if stored.startswith(_GZIP) else stored).decode()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise InputError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        return cls(name, content)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the corrections, compound ones last."""
        return tuple(_corrections(self))

    def __getitem__(self, name: str) -> Any:
        """Return a correction of correctionlib, made once in each process.

        Raises
        ------
        InputError
            If there is none of this name.
        """
        try:
            return _corrections(self)[name]
        except KeyError:
            raise InputError(
                f"{self.name}: no correction '{name}'; there are: {', '.join(self.names) or 'none'}"
            ) from None

    def choices(self, name: str, of: str, fixed: Mapping[str, Key]) -> "Choices":
        """Return what a correction accepts for one of its inputs, if the others in ``fixed`` have these values."""
        return Choices(tuple(_categories(_described(self)[name], _described(self), of, fixed)))


class Category(NamedTuple):
    """A table by the value of an input."""

    keys: tuple[Key, ...]
    has_default: bool


@dataclass(frozen=True)
class Choices:
    """The tables of a correction by the values of one of its inputs."""

    tables: tuple[Category, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        """Values that a table knows."""
        return tuple(dict.fromkeys(key for table in self.tables for key in table.keys))

    def accept(self, value: Key | float) -> bool:
        """Whether a value means something: what no table knows gets the default, be it for up or down."""
        return value in self.keys and all(value in table.keys or table.has_default for table in self.tables)


@lru_cache(maxsize=_KEPT)
def _corrections(file: CorrectionFile) -> dict[str, Any]:
    """Corrections by name, as correctionlib has made them."""
    import correctionlib

    try:
        found = correctionlib.CorrectionSet.from_string(file.content)
    except (RuntimeError, IndexError) as error:
        raise InputError(f"{file.name}: not a file of correctionlib: {' '.join(str(error).split())}") from error
    return {**found, **found.compound}


@lru_cache(maxsize=1)  # the texts of some experiments are large, and are only looked into when all is checked
def _described(file: CorrectionFile) -> dict[str, Any]:
    """Corrections by name, as the file describes them."""
    content = json.loads(file.content)
    both = (*content["corrections"], *(content.get("compound_corrections") or ()))
    return {one["name"]: one for one in both}


def _categories(
    correction: Mapping[str, Any], described: Mapping[str, Any], of: str, fixed: Mapping[str, Key]
) -> Iterator[Category]:
    """Find the tables by an input in a correction, or in those that it is made up of."""
    for name in correction.get("stack", ()):
        yield from _categories(described[name], described, of, fixed)
    yield from _in_content(correction.get("data"), of, fixed)


def _in_content(content: Any, of: str, fixed: Mapping[str, Key]) -> Iterator[Category]:
    """Find the tables by an input, where the fixed inputs lead."""
    inner: Iterable[Any] = ()
    if isinstance(content, (list, tuple)):
        inner = content
    elif isinstance(content, dict):
        inner = content.values()
        if content.get("nodetype") == "category":
            cases = {case["key"]: case["value"] for case in content["content"]}
            if content["input"] == of:
                yield Category(tuple(cases), content.get("default") is not None)
            elif content["input"] in fixed:
                inner = (cases.get(fixed[content["input"]], content.get("default")),)
    for one in inner:
        if isinstance(one, (list, dict)):
            yield from _in_content(one, of, fixed)

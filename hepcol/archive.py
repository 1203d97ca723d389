"""Results on disk as they are in memory, so that what is missing can be added later: a zip of JSON, arrays and UHI.

What may be in a result is what coffea can merge: numbers, texts, lists, sets, dicts, arrays, histograms, coffea's
accumulators and hepcol's results. No pickle: an archive holds data and runs no code.
"""

import io
import json
import math
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import awkward as ak
import boost_histogram
import hist
import numpy as np
import uhi.io.zip
from coffea.processor.accumulator import (
    column_accumulator,
    defaultdict_accumulator,
    dict_accumulator,
    list_accumulator,
    set_accumulator,
    value_accumulator,
)

from hepcol.chunkfiles import ChunkFile
from hepcol.errors import InputError
from hepcol.histograms import Histogram
from hepcol.result import DatasetResult, Result
from hepcol.rowsample import RowSample
from hepcol.sums import ExactSum

VERSION = 3
_CONTENT = "content.json"
_KIND = "hepcol result"
# what coffea's accumulators begin with; by name, since nothing else may be called
_FACTORIES: dict[str, Callable[[], Any]] = {
    made.__name__: made for made in (int, float, complex, str, list, set, dict, dict_accumulator, list_accumulator)
}
_HISTOGRAMS: dict[str, Callable[[Any], Any]] = {
    "hist": hist.Hist,
    "hist.NamedHist": hist.NamedHist,
    "boost_histogram": boost_histogram.Histogram,
}
_MAPPINGS: dict[str, type] = {"dict": dict, "dict_accumulator": dict_accumulator}
_SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "list_accumulator": list_accumulator,
    "set_accumulator": set_accumulator,
}


class NotStorable(TypeError):  # noqa: N818  (what is said of a result, not of an error)
    """A result has something in it that an archive has no place for."""


def write(path: Path, content: Any, about: dict[str, Any]) -> None:
    """Write a result.

    Parameters
    ----------
    path : Path
        The archive.
    content : Any
        The result.
    about : dict
        What JSON can hold, to be read back with it.

    Raises
    ------
    NotStorable
        If there is something in the result that cannot be written; then there is no file.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        tree = _Writer(archive).encode(content)
        told = {"kind": _KIND, "version": VERSION, "about": about, "content": tree}
        _put(archive, _CONTENT, json.dumps(told))
    path.write_bytes(packed.getbuffer())


def read(path: Path) -> tuple[Any, dict[str, Any]]:
    """Read a result, and what was written about it.

    Raises
    ------
    InputError
        If it is truncated, of another version, or no archive of a result.
    """
    with _opened(path) as (archive, told):
        return _Reader(archive).decode(told["content"]), told["about"]


def read_about(path: Path) -> dict[str, Any]:
    """Read what was written about a result.

    Raises
    ------
    InputError
        If it is truncated, of another version, or no archive of a result.
    """
    with _opened(path) as (_, told):
        about: dict[str, Any] = told["about"]
        return about


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """Open an archive, and say in one line what is wrong with it."""
    try:
        with zipfile.ZipFile(path) as archive:
            told = json.loads(archive.read(_CONTENT))
            if told.get("kind") != _KIND:
                raise InputError(f"{path}: not an archive of a result")
            if told["version"] != VERSION:
                raise InputError(
                    f"{path}: written in version {told['version']} of the format, this hepcol reads {VERSION}"
                )
            yield archive, told
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: truncated or damaged: {error}") from error


def _put(archive: zipfile.ZipFile, name: str, content: str | bytes | memoryview) -> None:
    """Write a member, without the time of writing: equal results without histograms give equal bytes."""
    member = zipfile.ZipInfo(name)  # its default time stamp is fixed: 1980-01-01
    archive.writestr(member, content, zipfile.ZIP_DEFLATED, compresslevel=1)


class _Writer:
    """Turns a result into JSON, and puts its arrays and histograms into the archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = 0

    def encode(self, item: Any) -> Any:
        if item is None or type(item) in (bool, str, int) or (type(item) is float and math.isfinite(item)):
            return item
        for encode in (self._number, self._arrays, self._ours, self._rows, self._accumulator, self._container):
            encoded = encode(item)
            if encoded is not None:
                return encoded
        return self._refuse(item)

    def _number(self, item: Any) -> dict[str, Any] | None:
        """Encode a number that JSON does not have."""
        if isinstance(item, np.generic):
            return {"scalar": self._array(np.asarray(item))}
        if type(item) is float:
            return {"float": repr(item)}
        if type(item) is complex:
            return {"complex": [self.encode(item.real), self.encode(item.imag)]}
        return None

    def _arrays(self, item: Any) -> dict[str, Any] | None:
        """Encode an array or a histogram."""
        if type(item) is np.ndarray:  # of a masked one, the mask would be lost
            return {"array": self._array(item)}
        if isinstance(item, ak.Array):
            form, length, buffers = ak.to_buffers(ak.to_packed(item))
            parts = {name: self._array(np.asarray(buffer)) for name, buffer in buffers.items()}
            return {"awkward": {"form": form.to_json(), "length": int(length), "buffers": parts}}
        for name, made in _HISTOGRAMS.items():
            if type(item) is made:
                return {"histogram": self._histogram(hist.Hist(item)), "class": name}
        return None

    def _ours(self, item: Any) -> dict[str, Any] | None:
        """Encode a result of hepcol."""
        if isinstance(item, Result):
            return {"Result": [[name, self.encode(part)] for name, part in item.datasets.items()]}
        if isinstance(item, DatasetResult):
            return {
                "DatasetResult": {
                    "events": item.events,
                    "sum_weights": self.encode(item.sum_weights),
                    "cutflow": list(item.cutflow.items()),
                    "tallies": list(item.tallies.items()),
                    "histograms": [[name, self.encode(one)] for name, one in item.histograms.items()],
                    "samples": [[name, self.encode(one)] for name, one in item.samples.items()],
                    "files": [self.encode(one) for one in item.files],
                }
            }
        if isinstance(item, Histogram):
            return {
                "Histogram": {
                    "axes": self._histogram(hist.Hist(*item.axes, storage=hist.storage.Int64())),
                    "counts": self._array(item.counts),
                    "weights": self.encode(item.weights),
                    "squares": self.encode(item.squares),
                }
            }
        if isinstance(item, ExactSum):
            return {"ExactSum": {"bound": item.bound, "limbs": self._array(item.limbs), "terms": item.terms}}
        return None

    def _rows(self, item: Any) -> dict[str, Any] | None:
        """Encode what a result of hepcol has of single rows."""
        if isinstance(item, RowSample):
            return {"RowSample": [item.size, self._array(item.keys), self.encode(item.rows)]}
        if isinstance(item, ChunkFile):
            content = None if item.content is None else self._array(np.frombuffer(item.content, dtype=np.uint8))
            return {"ChunkFile": {**vars(item), "counts": dict(item.counts), "content": content}}
        return None

    def _accumulator(self, item: Any) -> dict[str, Any] | None:
        """Encode an accumulator that keeps a function which makes its first value."""
        if isinstance(item, value_accumulator):
            return {"value_accumulator": [self._factory(item.default_factory), self.encode(item.value)]}
        if isinstance(item, column_accumulator):
            return {"column_accumulator": self.encode(item.value)}
        if type(item) in (defaultdict, defaultdict_accumulator):
            made = self._factory(item.default_factory)
            return {type(item).__name__: [made, [[self.encode(k), self.encode(v)] for k, v in item.items()]]}
        return None

    def _container(self, item: Any) -> dict[str, Any] | None:
        """Encode a container, of exactly a known class: another one's own state would be lost."""
        name = type(item).__name__
        if isinstance(item, dict) and type(item) is _MAPPINGS.get(name):
            return {name: [[self.encode(key), self.encode(value)] for key, value in item.items()]}
        if type(item) is _SEQUENCES.get(name):
            return {name: [self.encode(value) for value in item]}
        return None

    def _factory(self, factory: Any) -> str | None:
        if factory is not None and _FACTORIES.get(getattr(factory, "__name__", "")) is not factory:
            self._refuse(factory)
        return None if factory is None else str(factory.__name__)

    def _array(self, array: np.ndarray[Any, Any]) -> str:
        if array.dtype.hasobject:
            self._refuse(array)
        name = self._next("npy")
        content = io.BytesIO()
        np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
        _put(self._archive, name, content.getbuffer())
        return name

    def _histogram(self, histogram: hist.Hist) -> dict[str, str]:
        name = self._next("hist")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\.metadata was not set", FutureWarning)
            uhi.io.zip.write(self._archive, name, histogram)
        # what UHI holds of a mean is its variance, which does not come back with the same bits
        return {"name": name, "view": self._array(np.asarray(histogram.view(flow=True)))}

    def _next(self, ending: str) -> str:
        self._members += 1
        return f"{self._members}.{ending}"

    def _refuse(self, item: Any) -> Any:
        raise NotStorable(f"{type(item).__module__}.{type(item).__qualname__} has no place in an archive: {item!r:.60}")


class _Reader:
    """Turns JSON, and the arrays and histograms of the archive, back into a result."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def decode(self, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        kind = next(iter(tree))
        value = tree[kind]
        if kind in _MAPPINGS:
            return _MAPPINGS[kind](self._pairs(value))
        if kind in _SEQUENCES:
            return _SEQUENCES[kind]([self.decode(one) for one in value])
        readers: dict[str, Callable[[Any], Any]] = {
            "scalar": lambda name: self._array(name)[()],
            "float": float,
            "complex": lambda parts: complex(*map(self.decode, parts)),
            "array": self._array,
            "awkward": self._awkward,
            "Result": lambda pairs: Result({name: self.decode(part) for name, part in pairs}),
            "DatasetResult": self._dataset,
            "Histogram": self._exact_histogram,
            "RowSample": lambda told: RowSample(told[0], self._array(told[1]), self.decode(told[2])),
            "ChunkFile": self._chunk_file,
            "ExactSum": lambda told: ExactSum(told["bound"], self._array(told["limbs"]), told["terms"]),
            "value_accumulator": lambda told: value_accumulator(_FACTORIES[told[0]], self.decode(told[1])),
            "column_accumulator": lambda told: column_accumulator(self.decode(told)),
            "defaultdict": lambda told: defaultdict(self._factory(told[0]), self._pairs(told[1])),
            "defaultdict_accumulator": lambda told: defaultdict_accumulator(
                self._factory(told[0]), self._pairs(told[1])
            ),
        }
        if kind == "histogram":
            return _HISTOGRAMS[tree["class"]](self._histogram(value))
        return readers[kind](value)

    def _pairs(self, pairs: list[list[Any]]) -> dict[Any, Any]:
        return {self.decode(key): self.decode(value) for key, value in pairs}

    @staticmethod
    def _factory(name: str | None) -> Callable[[], Any] | None:
        return None if name is None else _FACTORIES[name]

    def _array(self, name: str) -> np.ndarray[Any, Any]:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(io.BytesIO(self._archive.read(name)), allow_pickle=False)
        return array

    def _awkward(self, told: dict[str, Any]) -> ak.Array:
        buffers = {name: self._array(member) for name, member in told["buffers"].items()}
        return ak.from_buffers(ak.forms.from_json(told["form"]), told["length"], buffers)

    def _histogram(self, told: dict[str, str]) -> hist.Hist:
        histogram = hist.Hist(uhi.io.zip.read(self._archive, told["name"]))
        histogram.view(flow=True)[...] = self._array(told["view"])
        return histogram

    def _exact_histogram(self, told: dict[str, Any]) -> Histogram:
        return Histogram(
            tuple(self._histogram(told["axes"]).axes),
            self._array(told["counts"]),
            self.decode(told["weights"]),
            self.decode(told["squares"]),
        )

    def _dataset(self, told: dict[str, Any]) -> DatasetResult:
        return DatasetResult(
            told["events"],
            self.decode(told["sum_weights"]),
            dict(told["cutflow"]),
            dict(told["tallies"]),
            {name: self.decode(one) for name, one in told["histograms"]},
            {name: self.decode(one) for name, one in told["samples"]},
            tuple(map(self.decode, told["files"])),
        )

    def _chunk_file(self, told: dict[str, Any]) -> ChunkFile:
        content = None if told["content"] is None else self._array(told["content"]).tobytes()
        return ChunkFile(**{**told, "content": content})

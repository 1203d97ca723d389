"""Filesets: which files belong to which dataset."""

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hepcol import plugins

ROOT_SUFFIX = ".root"


@dataclass(frozen=True)
class InputFile:
    """A file of a dataset.

    Parameters
    ----------
    path : str
        Local path or URL.
    tree : str, optional
        Name of the event tree; by default what the file's format says.
    steps : tuple of (int, int), optional
        Ranges of entries to process; by default all.
    """

    path: str
    tree: str | None = None
    steps: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class Dataset:
    """Files that are analysed as one, and what is known of them."""

    files: tuple[InputFile, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)


Fileset = dict[str, Dataset]


def resolve(
    sources: str | Path | Sequence[str | Path] | Mapping[str, Any],
    tree: str | None = None,
    name: str | None = None,
) -> Fileset:
    """Turn what a user names into a fileset.

    Parameters
    ----------
    sources : str, Path, sequence of them, or mapping
        Files, URLs, globs, folders of ROOT files, names of shipped samples: one dataset. Or a coffea fileset, as a
        JSON file, a mapping or a ``DataGroupSpec``: one dataset for each of its entries.
    tree : str, optional
        Name of the event tree of every file that has none in the fileset.
    name : str, optional
        Name of the dataset; by default that of the sample, file or folder.

    Raises
    ------
    ValueError
        If something named is not there or is not understood.
    """
    if hasattr(sources, "model_dump"):  # pydantic: coffea.dataset_tools.DataGroupSpec
        sources = sources.model_dump()
    if isinstance(sources, Mapping):
        return {
            dataset: _without_repeats(dataset, _from_coffea(dataset, content, tree))
            for dataset, content in sources.items()
        }
    listed = [sources] if isinstance(sources, (str, Path)) else list(sources)
    if not listed:
        raise ValueError("no input files: name files, globs, folders, a fileset in JSON, or a shipped sample")
    if len(listed) == 1 and str(listed[0]).endswith(".json"):
        return resolve(_read_json(Path(listed[0])), tree, name)
    files = tuple(InputFile(path, tree) for source in listed for path in _expand(str(source)))
    name = name or _dataset_name([str(source) for source in listed])
    return {name: _without_repeats(name, Dataset(files))}


def _without_repeats(name: str, dataset: Dataset) -> Dataset:
    """Refuse a dataset that names a file twice: its events would count twice."""
    paths = [file.path for file in dataset.files]
    repeated = sorted({path for path in paths if paths.count(path) > 1})
    if repeated:
        raise ValueError(f"dataset '{name}' names {', '.join(repeated)} more than once")
    return dataset


def _expand(source: str) -> list[str]:
    """Paths behind a file, URL, glob, folder or name of a shipped sample."""
    if "://" in source:
        return [source]
    path = Path(source).expanduser()
    if path.is_dir():
        found = sorted(str(file) for file in path.glob(f"*{ROOT_SUFFIX}"))
        if not found:
            raise ValueError(f"{source}: no *{ROOT_SUFFIX} file in this folder")
        return found
    if path.exists():
        return [str(path)]
    if source in plugins.names(plugins.SAMPLES):
        sample: plugins.Sample = plugins.load(plugins.SAMPLES, source)
        return [str(sample.path)]
    if glob.has_magic(source):
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  (absolute patterns, too)
        if not found:
            raise ValueError(f"{source}: no file matches")
        return found
    if path.suffix:
        return [str(path)]  # a missing file is for the run to report, beside those that are there
    raise ValueError(
        f"{source}: no such file or folder, and no shipped sample "
        f"(these are: {', '.join(plugins.names(plugins.SAMPLES)) or 'none'})"
    )


def _dataset_name(sources: list[str]) -> str:
    """Name a dataset after its only source, else after the folder that holds its first file."""
    first = Path(sources[0])
    if len(sources) == 1 and not glob.has_magic(sources[0]):
        return first.stem if first.suffix == ROOT_SUFFIX else first.name
    return first.resolve().parent.name or "files"


def _read_json(path: Path) -> Mapping[str, Any]:
    """Read a fileset from a JSON file."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise ValueError(  # noqa: TRY004  (wrong input is a ValueError everywhere)
            f"{path}: a fileset is a JSON object of datasets, got {type(content).__name__}"
        )
    return content


def _from_coffea(dataset: str, content: Any, tree: str | None) -> Dataset:
    """Convert one entry of a coffea fileset, of the Runner's kind or of ``dataset_tools``."""
    if isinstance(content, (list, tuple)):
        content = {"files": content}
    if not isinstance(content, Mapping) or "files" not in content:
        raise ValueError(f"dataset '{dataset}': expected a list of files, or an object with 'files'")
    tree = content.get("treename", tree)
    files = content["files"]
    if not isinstance(files, Mapping):
        files = dict.fromkeys(files)
    if not files:
        raise ValueError(f"dataset '{dataset}' has no files")
    return Dataset(
        tuple(_input_file(dataset, path, spec, tree) for path, spec in files.items()),
        content.get("metadata") or {},
    )


def _input_file(dataset: str, path: str, spec: Any, tree: str | None) -> InputFile:
    """Convert one file of a coffea fileset: nothing, the name of its tree, or a specification."""
    if spec is None:
        return InputFile(path, tree)
    if isinstance(spec, str):
        return InputFile(path, spec)
    if not isinstance(spec, Mapping):
        raise ValueError(  # noqa: TRY004  (likewise)
            f"dataset '{dataset}', file {path}: expected the name of a tree or an object, got {spec!r}"
        )
    steps = spec.get("steps")
    return InputFile(
        path,
        spec.get("object_path", tree),
        None if steps is None else tuple((int(a), int(b)) for a, b in steps),
    )

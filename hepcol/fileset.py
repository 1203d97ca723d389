"""Filesets: which files belong to which dataset."""

import glob
import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, StrictInt, ValidationError

from hepcol import plugins, skimfolder
from hepcol.errors import InputError
from hepcol.storage.addresses import is_served, name_of, protocol, redacted, told_apart

ROOT_SUFFIX = ".root"
# Names that tools of the grid have for what uproot knows by another one; root:// has TLS where its server asks for it
_ALIASES = {"davs": "https", "dav": "http", "roots": "root", "xroot": "root", "xroots": "root"}
WARNING, MARK = "warning", "mark"

# What the events' metadata hold of themselves (coffea.processor.executor, _PROTECTED_NAMES)
RESERVED = frozenset(
    {
        "dataset",
        "filename",
        "treename",
        "metadata",
        "entrystart",
        "entrystop",
        "fileuuid",
        "numentries",
        "uuid",
    }
)


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
    uuid : str, optional
        UUID that the file has to have.
    replicas : tuple of str
        Other places of the same file, in the order in which they are tried when reading fails.
    """

    path: str
    tree: str | None = None
    steps: tuple[tuple[int, int], ...] | None = None
    uuid: str | None = None
    replicas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Files that are analysed as one, and what is known of them."""

    files: tuple[InputFile, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)


Fileset = dict[str, Dataset]


@told_apart()
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
        JSON file, a mapping or a ``DataGroupSpec``: one dataset for each of its entries. Beside ``object_path``,
        ``steps`` and ``uuid``, the specification of a file may list its ``replicas``.
    tree : str, optional
        Name of the event tree of every file that has none in the fileset.
    name : str, optional
        Name of the dataset; by default that of the sample, file or folder.

    Raises
    ------
    InputError
        If something named is not there or is not understood.
    """
    if hasattr(sources, "model_dump"):  # pydantic: coffea.dataset_tools.DataGroupSpec
        sources = sources.model_dump()
    if isinstance(sources, Mapping):
        if name is not None:
            raise InputError(f"the fileset names its datasets ({', '.join(map(str, sources))}); '{name}' has no place")
        return {str(key): _from_coffea(str(key), content, tree) for key, content in sources.items()}
    listed = [sources] if isinstance(sources, (str, Path)) else list(sources)
    if not listed:
        raise InputError("no input files: name files, globs, folders, a fileset in JSON, or a shipped sample")
    if len(listed) == 1 and str(listed[0]).endswith(".json"):
        return resolve(_read_json(Path(listed[0])), tree, name)
    skims = [source for source in listed if skimfolder.is_skim(Path(source).expanduser())]
    if skims:
        return _of_skims(listed, skims, tree, name)
    files = tuple(InputFile(path, tree) for source in listed for path in expand(str(source)))
    name = name or _dataset_name([str(source) for source in listed])
    return {name: _without_repeats(name, Dataset(files))}


def _of_skims(listed: Sequence[str | Path], skims: Sequence[str | Path], tree: str | None, name: str | None) -> Fileset:
    """Take the datasets of skims, which tell their trees and metadata."""
    others = [str(source) for source in listed if source not in skims]
    if others or tree is not None or name is not None:
        given = others[0] if others else f"tree '{tree}'" if tree is not None else f"dataset '{name}'"
        raise InputError(f"{skims[0]} is a skim, which tells its files, trees and datasets: {given} has no place")
    joined: Fileset = {}
    for source in skims:
        for key, dataset in resolve(skimfolder.as_fileset(Path(source).expanduser())).items():
            other = joined.setdefault(key, dataset)
            if other is not dataset:
                if dict(other.metadata) != dict(dataset.metadata):
                    raise InputError(f"{source}: its dataset '{key}' has other metadata than that of {skims[0]}")
                joined[key] = _without_repeats(key, Dataset((*other.files, *dataset.files), other.metadata))
    return joined


def arranged(processor: Any, fileset: Fileset) -> Fileset:
    """Let a processor that has a method ``arrange`` say which trees of the files it takes, and as which datasets.

    What it has arranged may be given to it again, as when a run is repeated, and has to come back as it is. Among the
    metadata of a dataset, ``warning`` is what the user should know of it, and ``mark`` what its pictures say.
    """
    arrange = getattr(processor, "arrange", None)
    return arrange(fileset) if callable(arrange) else fileset


def with_warning(dataset: Dataset, *texts: str) -> Dataset:
    """Add what the user should know of a dataset to its metadata."""
    before = [str(dataset.metadata[WARNING])] if dataset.metadata.get(WARNING) else []
    joined = "; ".join(dict.fromkeys([*before, *texts]))
    return replace(dataset, metadata={**dataset.metadata, WARNING: joined})


def warnings(fileset: Fileset) -> list[str]:
    """Return what the user should know of the datasets, each thing once."""
    told = [str(dataset.metadata[WARNING]) for dataset in fileset.values() if dataset.metadata.get(WARNING)]
    return list(dict.fromkeys(told))


def marks(fileset: Fileset) -> str:
    """Return what pictures should say of the datasets, such as that they are no physics."""
    return ", ".join(dict.fromkeys(str(one.metadata[MARK]) for one in fileset.values() if one.metadata.get(MARK)))


def describe(fileset: Fileset) -> dict[str, Any]:
    """Describe a fileset as coffea does, so that JSON can hold it and :func:`resolve` reads an equal one back.

    Raises
    ------
    InputError
        If metadata would not come back from JSON as they are.
    """
    return {
        name: {
            "files": {file.path: describe_file(file) for file in dataset.files},
            "metadata": {key: _plain(name, key, value) for key, value in dataset.metadata.items()},
        }
        for name, dataset in fileset.items()
    }


def describe_file(file: InputFile) -> dict[str, Any]:
    """Describe a file as coffea does; what is not known of it is left out."""
    described: dict[str, Any] = {"object_path": file.tree}
    if file.steps is not None:
        described["steps"] = [list(step) for step in file.steps]
    if file.uuid is not None:
        described["uuid"] = file.uuid
    if file.replicas:
        described["replicas"] = list(file.replicas)
    return described


def _plain(name: str, key: str, value: Any) -> Any:
    """Return what JSON makes of a metadatum, unless that is something else."""
    try:
        # the key, too: JSON makes a string of a number
        read_back = json.loads(json.dumps({key: value}, allow_nan=False))
        if read_back == {key: value}:
            return read_back[key]
    except (TypeError, ValueError, RecursionError):
        pass
    shown = " ".join(reprlib.repr(value).split())
    raise InputError(
        f"dataset '{name}': metadata '{key}' of type {type(value).__name__} ({shown}) cannot be kept as JSON: accepted "
        "are strings, finite numbers, booleans, None, and lists and dicts of them with strings as keys"
    )


def is_remote(path: str) -> bool:
    """Whether a path is a URL, or a chain of them as fsspec reads it, and no local file."""
    return "://" in path or "::" in path


def _without_repeats(name: str, dataset: Dataset) -> Dataset:
    """Refuse a dataset that names a file twice, in whatever spelling: its events would count twice."""
    named = [(file.path, "") for file in dataset.files]
    # after the files, so that it is the replica that is told to be too many
    named += [(path, f", a replica of {file.path}") for file in dataset.files for path in file.replicas]
    seen: dict[str, str] = {}
    for path, role in named:
        place = path if is_remote(path) else str(Path(path).resolve())
        if place in seen:
            raise InputError(f"dataset '{name}' names {seen[place]} more than once (as {path}{role})")
        seen[place] = path
    return dataset


def expand(source: str) -> list[str]:
    """Paths behind a file, URL, glob, folder or name of a shipped sample."""
    if "://" in source:
        return _on_server(source)
    path = Path(source).expanduser()
    if path.is_dir():
        return _in_folder(path, source)
    if path.exists():
        return [str(path)]
    if source in plugins.names(plugins.SAMPLES):
        sample: plugins.Sample = plugins.load(plugins.SAMPLES, source)
        return expand(str(sample.path))
    if glob.has_magic(source):
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  (absolute patterns, too)
        if not found:
            raise InputError(f"{source}: no file matches")
        return found
    if path.suffix:
        return [str(path)]  # a missing file is for the run to report, beside those that are there
    raise InputError(
        f"{source}: no such file or folder, and no shipped sample "
        f"(these are: {', '.join(plugins.names(plugins.SAMPLES)) or 'none'})"
    )


def _on_server(source: str) -> list[str]:
    """Names of the files that a URL stands for; of other protocols than hepcol's own it is one file."""
    if not is_served(source):
        known = _ALIASES.get(protocol(source))
        if known is not None:
            raise InputError(f"{redacted(source)}: {protocol(source)}:// is written {known}://")
        return [name_of(source)]
    from hepcol.storage.listing import expanded

    return expanded(source)


def _in_folder(path: Path, source: str) -> list[str]:
    """Paths of the files of a folder, or of a skim."""
    if skimfolder.is_skim(path):
        return [str(path / file["path"]) for file in skimfolder.read_index(path)["files"]]
    if reason := skimfolder.unfinished(path):
        raise InputError(f"{source}: {reason}")
    found = sorted(str(file) for file in path.glob(f"*{ROOT_SUFFIX}"))
    if not found:
        raise InputError(f"{source}: no *{ROOT_SUFFIX} file in this folder")
    return found


def _dataset_name(sources: list[str]) -> str:
    """Name a dataset after its only source, else after the folder that holds its first file."""
    if is_served(sources[0]):
        return _name_on_server(sources)
    first = Path(sources[0])
    if len(sources) == 1 and not glob.has_magic(sources[0]):
        return first.stem if first.suffix == ROOT_SUFFIX else first.name
    return first.resolve().parent.name or "files"


def _name_on_server(sources: list[str]) -> str:
    """Name a dataset as that of local files; after the last folder of a pattern that is no pattern."""
    path = sources[0].partition("://")[2]
    path = redacted(path) if "*" in path or "[" in path else path.partition("?")[0]
    *folders, last = [part for part in path.split("/") if part]
    if not sources[0].startswith("s3:"):  # whose buckets are like folders
        folders = folders[1:]
    if len(sources) == 1 and not glob.has_magic(path):
        return last.removesuffix(ROOT_SUFFIX)
    return next((folder for folder in reversed(folders) if not glob.has_magic(folder)), "files")


def _read_json(path: Path) -> Mapping[str, Any]:
    """Read a fileset from a JSON file."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: a fileset is a JSON object of datasets, got {type(content).__name__}")
    return content


class _FileSpec(BaseModel):
    """What coffea's fileset says of a file; what is not needed is not looked at."""

    object_path: str | None = None
    steps: list[tuple[StrictInt, StrictInt]] | None = None
    uuid: str | None = None
    replicas: list[str] = []


class _DatasetSpec(BaseModel):
    """What coffea's fileset says of a dataset."""

    files: dict[str, str | _FileSpec | None] | list[str]
    treename: str | None = None
    metadata: dict[str, Any] | None = None


def _from_coffea(name: str, content: Any, tree: str | None) -> Dataset:
    """Convert one entry of a coffea fileset, of the Runner's kind or of ``dataset_tools``."""
    if isinstance(content, (list, tuple)):
        content = {"files": content}
    try:
        spec = _DatasetSpec.model_validate(content)
    except ValidationError as error:
        # of the alternatives that were tried, the one that went deepest is the one that was meant
        problem = max(error.errors(), key=lambda problem: len(problem["loc"]))
        tried = ("dict[", "list[", "_FileSpec", "str")
        place = ", ".join(str(part) for part in problem["loc"] if not str(part).startswith(tried))
        raise InputError(f"dataset '{name}', {place or 'whole'}: {problem['msg']}") from error
    metadata = spec.metadata or {}
    reserved = sorted(RESERVED & set(metadata))
    if reserved:
        raise InputError(f"dataset '{name}': the metadata may not have {', '.join(reserved)}: hepcol sets that")
    listed = spec.files if isinstance(spec.files, dict) else dict.fromkeys(spec.files)
    if not listed:
        raise InputError(f"dataset '{name}' has no files")
    tree = spec.treename or tree
    return _without_repeats(
        name, Dataset(tuple(_input_file(path, file, tree) for path, file in listed.items()), metadata)
    )


def _input_file(path: str, spec: str | _FileSpec | None, tree: str | None) -> InputFile:
    """Convert one file of a coffea fileset: nothing, the name of its tree, or a specification."""
    if spec is None or isinstance(spec, str):
        return InputFile(name_of(path), spec or tree)
    steps = None if spec.steps is None else tuple(spec.steps)
    replicas = tuple(name_of(replica) for replica in spec.replicas)
    return InputFile(name_of(path), spec.object_path or tree, steps, spec.uuid, replicas)

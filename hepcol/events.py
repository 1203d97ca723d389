"""The events of a file as NanoEvents."""

import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak

from hepcol.errors import InputError, StorageError, UnreadableFile
from hepcol.faults import is_transient
from hepcol.fileset import expand
from hepcol.formats import ACCEPTED, Layout, identify
from hepcol.schemas import Columns, adapted, schema_class
from hepcol.storage import addresses

# What coffea's schemas say of every file of a kind: branches that uproot cannot interpret stay out of the events.
_SCHEMA_WARNINGS = (
    r"Skipping .* as it is (not interpretable|it cannot be represented)",
    r"Missing cross-reference (index|target) for",
    r"No matched collection for",
    r"Branch \w+ already exists but its values will be replaced with 0\.0",
)


STORED = "@hepcol_stored"  # among the attributes of events: where they are read from


@dataclass(frozen=True)
class Stored:
    """Where events are read from.

    Parameters
    ----------
    directory : uproot.ReadOnlyDirectory
        The open file.
    layout : Layout
        What is in it.
    start, stop : int
        Entries.
    """

    directory: Any
    layout: Layout
    start: int
    stop: int

    @property
    def tree(self) -> Any:
        """The event tree."""
        return self.directory[self.layout.tree]


def read_events(
    directory: Any,
    layout: Layout,
    start: int,
    stop: int,
    metadata: dict[str, Any],
    columns: Columns = (),
    access_log: list[Any] | None = None,
) -> ak.Array:
    """Return the virtual NanoEvents of the entries from ``start`` up to ``stop`` of an open file.

    ``columns`` are those that are going to be read, if known: then their collections need no other branch.
    """
    from coffea.nanoevents import NanoEventsFactory

    options = {"filter_name": layout.format.branch_filter} if layout.format.branch_filter else {}
    with warnings.catch_warnings():
        for message in _SCHEMA_WARNINGS:
            warnings.filterwarnings("ignore", message)
        events = NanoEventsFactory.from_root(
            directory,
            treepath=layout.tree,
            schemaclass=adapted(schema_class(layout), layout, columns),
            mode="virtual",
            entry_start=start,
            entry_stop=stop,
            metadata=metadata,
            iteritems_options=options,
            access_log=access_log,
        ).events()
    events.attrs[STORED] = Stored(directory, layout, start, stop)
    if not events.fields:
        raise InputError(
            f"{directory.file.file_path}: {layout.format.schema} finds no fields in tree '{layout.tree}'; "
            f"accepted are {ACCEPTED}"
        )
    return events


def open_events(path: str | Path, tree: str | None = None, start: int = 0, stop: int | None = None) -> ak.Array:
    """Open the events of a file as NanoEvents, with the schema that the file needs.

    Parameters
    ----------
    path : str or Path
        A ROOT file, local or remote, or the name of a shipped sample.
    tree : str, optional
        Name of the event tree.
    start, stop : int, optional
        Range of entries.

    Returns
    -------
    ak.Array
        NanoEvents whose columns are read when they are touched. Its metadata are those that coffea's Runner
        gives to a processor.

    Raises
    ------
    OSError
        If the file cannot be read.
    InputError
        If the tree is not there, or the format is unknown.
    """
    path = expand(str(path))[0]
    directory = open_file(path)
    # with the last of the events that are read from it; uproot leaves that to Python, which complains of an open file
    weakref.finalize(directory.file, directory.file.source.close)
    layout = identify(directory, tree)
    entries = directory[layout.tree].num_entries
    stop = entries if stop is None else min(stop, entries)
    if not 0 <= start <= stop:
        raise InputError(f"{path}: entries {start} to {stop} are no range of its {entries} entries")
    metadata = {
        "dataset": Path(str(path)).stem,
        "filename": str(path),
        "treename": layout.tree,
        "entrystart": start,
        "entrystop": stop,
        "fileuuid": str(directory.file.uuid),
    }
    return read_events(directory, layout, start, stop, metadata)


def open_file(path: str | Path, trees: int | None = None) -> Any:
    """Open a ROOT file with uproot; what is not one is an OSError that names it.

    Of ``trees`` of its trees, what was read of their branches is kept; unless given, all files share uproot's cache.
    """
    import uproot
    from uproot.cache import LRUCache

    own_cache = {} if trees is None else {"object_cache": LRUCache(trees)}
    try:
        return uproot.open({str(path): None}, **own_cache, **reading(str(path)))
    except (StorageError, UnreadableFile, InputError):  # they name the file
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise IsADirectoryError(f"{path}: is a folder, not a ROOT file") from error
    except PermissionError as error:
        raise PermissionError(f"{path}: cannot be read: permission denied") from error
    except (
        OSError,
        ValueError,
        NotImplementedError,
        EOFError,
        uproot.deserialization.DeserializationError,
    ) as error:
        if is_transient(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableFile(
            f"{path}: truncated, or not a ROOT file: {reason.removeprefix('not a ROOT file: ')}"
        ) from error


def reading(path: str) -> dict[str, Any]:
    """How uproot reads a file: a local one in this thread, as plain reads.

    fsspec, uproot's default, goes through an event loop and takes 1.3 to 1.8 times as long for jagged columns. A
    memory map is 10 % faster still, but its pages count as memory of the process, for which Dask ends workers. One on
    a server is read ahead, see :mod:`hepcol.storage.source`.
    """
    import uproot

    if addresses.is_served(path):
        from hepcol.storage.source import RemoteSource

        return {"handler": RemoteSource}
    if "://" in path or "::" in path:
        return {}
    return {"handler": uproot.source.file.MultithreadedFileSource, "use_threads": False}


def required_columns(processor: Any, metadata: Mapping[str, Any]) -> Columns:
    """Columns that a processor declares for the files of a dataset with these metadata.

    Its ``required_columns`` are a tuple of names, or a method that makes it of the metadata.

    Raises
    ------
    InputError
        If they are something else; a processor of somebody else may call something of its own so.
    """
    declared = getattr(processor, "required_columns", ())
    if callable(declared):
        declared = declared(metadata)
    if not isinstance(declared, (tuple, list)):
        raise InputError(f"required_columns of {type(processor).__name__}: expected a tuple of names, got {declared!r}")
    return tuple(declared)


def missing_columns(events: ak.Array, columns: Columns) -> list[str]:
    """List those of ``columns`` that the events do not have.

    A column is named as in ``"Particle.PDG"``; of a tuple of names, one is enough.
    """

    def has(column: str) -> bool:
        record = events
        for name in column.split("."):
            if name not in record.fields:
                return False
            record = record[name]
        return True

    alternatives = [(column,) if isinstance(column, str) else column for column in columns]
    return [" or ".join(names) for names in alternatives if not any(has(name) for name in names)]

"""Files of calibrated electrons and photons, made of PHYSLITE: what ``hepcol calibrate`` writes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import awkward as ak

from calib.egamma import EgammaCalibration
from calib.egamma.calibrator import NOT_PHYSICS, area_folder
from calib.egamma.menu import Names
from hepcol.errors import InputError
from hepcol.events import open_file, read_events
from hepcol.formats import identify
from hepcol.variations import NOMINAL

CHUNKSIZE = 50_000  # events: 177 variations of their electrons and photons are some 200 MB
SCHEMA = "PHYSLITESchema"
# ATLAS's name of what is not varied
NOSYS = "NOSYS"
COLLECTIONS = {"electrons": "Electrons", "photons": "Photons"}
_KEPT = ("pt", "eta", "phi", "m", "charge")
_PROVENANCE = "hepcol_provenance"


@dataclass(frozen=True)
class CalibratedFile:
    """What was written.

    Parameters
    ----------
    path : Path
        The file.
    events : int
        Number of events.
    particles : dict of str to int
        Number of electrons and photons.
    variations : int
        Number of variations, without the nominal one.
    warnings : tuple of str
        What a user should know of the numbers.
    """

    path: Path
    events: int
    particles: dict[str, int]
    variations: int
    warnings: tuple[str, ...]


class Writer(Protocol):
    """Writes tables of events, one after the other."""

    def write(self, table: ak.Array) -> None:
        """Append events."""


def calibrate_events(events: Any, tool: EgammaCalibration, systematics: Names = "all") -> ak.Array:
    """Calibrate the electrons and photons of events.

    Parameters
    ----------
    events : NanoEvents
        Of PHYSLITE.
    tool : EgammaCalibration
        The calibration.
    systematics
        See :meth:`calib.egamma.EgammaCalibration.calibrate_all`.

    Returns
    -------
    ak.Array
        Records with the fields ``event_number``, ``run_number``, and ``electrons`` and ``photons``, lists of records
        with what is stored (``pt``, ``eta``, ``phi``, ``m``, of electrons ``charge``) and ``pt_NOSYS`` and
        ``pt_NAME`` for every variation [MeV].
    """
    record = {"event_number": events.EventInfo.eventNumber, "run_number": events.EventInfo.runNumber}
    for name, collection in COLLECTIONS.items():
        if collection not in events.fields:
            continue
        particles = events[collection]
        fields = {kept: particles[kept] for kept in _KEPT if kept in particles.fields}
        for variation, pt in tool.calibrate_all(particles, events, systematics).items():
            fields[f"pt_{NOSYS if variation == NOMINAL else variation}"] = pt
        record[name] = ak.zip(_plain(fields))
    return ak.zip(record, depth_limit=1)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Drop what a schema says of columns: files have no place for it."""
    return {name: ak.without_parameters(ak.materialize(column)) for name, column in fields.items()}


def calibrate_file(
    path: str | Path,
    output: str | Path,
    tool: EgammaCalibration,
    *,
    tree: str | None = None,
    systematics: Names = "all",
    chunksize: int = CHUNKSIZE,
    force: bool = False,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> CalibratedFile:
    """Calibrate the electrons and photons of a PHYSLITE file, and write them.

    Parameters
    ----------
    path : str or Path
        The file, local or remote.
    output : str or Path
        ``.root`` or ``.parquet``; what is in it then, see :func:`calibrate_events`.
    tool : EgammaCalibration
        The calibration.
    tree : str, optional
        Name of the event tree.
    systematics
        See :meth:`calib.egamma.EgammaCalibration.calibrate_all`.
    chunksize : int
        Events at a time; changes the memory and nothing else.
    force : bool
        Whether to replace the output.
    report : function of (events done, all events)
        Is told of the progress.

    Raises
    ------
    InputError
        If the file is none of PHYSLITE, or the output is there, cannot be written, or has another ending.
    """
    target = Path(output)
    if target.suffix not in WRITERS:
        raise InputError(f"output {target}: expected a file that ends in {' or '.join(WRITERS)}")
    if not target.absolute().parent.is_dir():
        raise InputError(f"output {target} cannot be written: there is no folder {target.parent}")
    if target.exists() and not force:
        raise InputError(f"output {target} is there: choose another, or give --force")
    if chunksize < 1:
        raise InputError(f"chunksize must be at least 1 event, got {chunksize}")
    if target.exists() and Path(path).exists() and target.samefile(path):
        raise InputError(f"output {target} is the input: choose another")
    directory = open_file(path)
    layout = identify(directory, tree)
    if layout.format.schema != SCHEMA:
        raise InputError(f"{path}: is {layout.format.name}; electrons and photons are calibrated from PHYSLITE")
    entries = directory[layout.tree].num_entries
    counts = dict.fromkeys(COLLECTIONS, 0)
    warnings: set[str] = {f"calibrated with {NOT_PHYSICS}"} if tool.is_synthetic else set()
    with _written(target, _provenance(path, tool)) as writer:
        for start in range(0, max(entries, 1), chunksize):
            stop = min(start + chunksize, entries)
            with _reading(path, start, stop):
                metadata = {"filename": str(path), "entrystart": start, "entrystop": stop}
                events = read_events(directory, layout, start, stop, metadata)
                table = calibrate_events(events, tool, systematics)
            if "egammaClusters" in events.fields and "samplingPattern" not in events.egammaClusters.fields:
                warnings.add("the file has no samplingPattern: leakage is looked up at ETA2CALOFRAME, 1e-3 beside")
            for name in COLLECTIONS:
                if name in table.fields:
                    counts[name] += int(ak.sum(ak.num(table[name])))
            writer.write(table)
            report(stop, entries)
    varied = len(tool.systematics) if isinstance(systematics, str) else len(set(systematics))
    return CalibratedFile(target, entries, counts, varied, tuple(sorted(warnings)))


@contextmanager
def _reading(path: str | Path, start: int, stop: int) -> Iterator[None]:
    """Say in one line what cannot be read: damaged bytes fail anywhere, with any error."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: events {start} to {stop} cannot be read: {reason}") from error


def _provenance(path: str | Path, tool: EgammaCalibration) -> str:
    """Describe what made a file, as JSON."""
    from importlib.metadata import version

    told = {
        "input": str(path),
        "model": tool.model,
        "decorrelation": tool.decorrelation,
        "simulation": tool.simulation,
        "smearing": tool.smearing,
        "seed": tool.seed,
        "area": NOT_PHYSICS if tool.is_synthetic else str(area_folder(tool.area)),
        "units": "MeV",
        "hepcol": version("hepcol"),
    }
    return json.dumps(told)


@contextmanager
def _written(target: Path, provenance: str) -> Iterator[Writer]:
    """Write a file as a whole or not at all."""
    partial = target.with_name(f".{target.name}.partial{target.suffix}")
    try:
        with WRITERS[target.suffix](partial, provenance) as writer:
            yield writer
        partial.replace(target)
    except OSError as error:
        raise InputError(f"output {target} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _root(path: Path, provenance: str) -> Iterator[Writer]:
    """Write a TTree ``events`` whose collections are branches with a common counter, and the provenance as text."""
    import uproot

    class Tree:
        tree: Any = None

        def write(self, table: ak.Array) -> None:
            columns = {name: table[name] for name in table.fields}
            if self.tree is None:
                types = {name: column.type.content for name, column in columns.items()}
                self.tree = file.mktree("events", types)
            self.tree.extend(columns)

    with uproot.recreate(path) as file:
        yield Tree()
        file[_PROVENANCE] = provenance


@contextmanager
def _parquet(path: Path, provenance: str) -> Iterator[Writer]:
    """Write rows of events, with lists of records; the provenance is among the metadata of the schema."""
    import pyarrow.parquet

    class Rows:
        writer: Any = None

        def write(self, table: ak.Array) -> None:
            arrow = ak.to_arrow_table(table, extensionarray=False, list_to32=True)
            if self.writer is None:
                schema = arrow.schema.with_metadata({_PROVENANCE: provenance})
                self.writer = pyarrow.parquet.ParquetWriter(path, schema)
            self.writer.write_table(arrow.cast(self.writer.schema))

    rows = Rows()
    try:
        yield rows
    finally:
        if rows.writer is not None:
            rows.writer.close()


WRITERS: dict[str, Callable[[Path, str], Any]] = {".parquet": _parquet, ".root": _root}

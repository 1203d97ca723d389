"""Make a sample of large-R jets: generate, cluster, select and write it in blocks of events."""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np

from samples.blocks import check_request, first_events, in_order, pool_of
from samples.error import SampleError
from samples.jets.processes import COMMON, MPI_OFF, SQRT_S, Process, find_process
from samples.note import NOTE_KEY, created_by
from samples.rootfile import MISSING_EXTRA, replacing, reproducible_url, set_uuid

if TYPE_CHECKING:
    from samples.draws import Floats
    from samples.jets.events import Events

NAME = "jets"
# Part of every file's UUID: raise it whenever the same seed would give other events.
VERSION = 1
DEFAULT_SEED = 1
MAX_SEED = 2**63 - 1
_BLOCK = 25  # generated events; a block is the unit of work, and leaves no trace in the file
_FILE_NAME = "jets_{}.root"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    process : str
        ``qcd`` or ``wprime``.
    events : int
        Number of events that are stored: those with a large-R jet of 450 GeV.
    mass : int, optional
        Of the W' [GeV]; 2000 if not given.
    seed : int
        From 0 up to 2^63 - 1.
    mpi : bool
        Generate multiparton interactions, which large-R jets of the LHC have: twice as slow.
    """

    process: str
    events: int
    mass: int | None = None
    seed: int = DEFAULT_SEED
    mpi: bool = True

    def __post_init__(self) -> None:
        check_request(self.events, self.seed)
        find_process(self.process, self.mass)


def generate(
    path: str | Path,
    request: Request,
    *,
    progress: Progress | None = None,
    force: bool = False,
    workers: int = 1,
) -> UUID:
    """Generate events and write them as a file of PFNano.

    Every event depends only on process, mass, seed and its number: a longer sample begins with the shorter one, and
    the file is the same for any number of workers, as long as Pythia, fastjet, ROOT and numpy are.

    Parameters
    ----------
    path : str or Path
        File to write; it appears when it is complete.
    request : Request
        What to make.
    progress : callable, optional
        Called as ``progress(done, events)``.
    force : bool
        Overwrite ``path`` if it exists.
    workers : int
        Processes that generate; 1 does it in this one.

    Returns
    -------
    UUID
        The file's, made of the request.

    Raises
    ------
    SampleError
        If the request cannot be met, the output cannot be written, or ROOT, Pythia, fastjet or g++ is missing.
    """
    path = Path(path)
    process = find_process(request.process, request.mass)
    facts = asdict(request) | {"settings": process.settings}
    uuid = uuid5(NAMESPACE_URL, f"hepcol/{NAME}/{VERSION}/{json.dumps(facts, sort_keys=True)}")
    with pool_of(workers) as pool, replacing(path, force) as temporary:
        note = _note(request, process)
        # Imported late: the package is listed and the shipped sample read where ROOT is not installed.
        from samples.jets.writer import Writer

        writer = Writer(reproducible_url(temporary, _FILE_NAME.format(process.name)))
        weights, stored = _write(writer, request, process, pool, workers, progress)
        writer.close(weights, {NOTE_KEY: json.dumps(note | _describe(weights, stored), indent=1)})
        set_uuid(temporary, uuid)
    return uuid


def _write(
    writer: Any,
    request: Request,
    process: Process,
    pool: ProcessPoolExecutor | None,
    workers: int,
    progress: Progress | None,
) -> tuple["Floats", "Floats"]:
    """Write events until there are enough; return the weights of all that were generated for them and of the stored."""
    generated, stored = [], []
    blocks = in_order(partial(_make_block, process, request.seed, request.mpi), pool, workers)
    for kept in first_events(request.events, blocks, progress):
        writer.write(kept)
        generated.append(kept.generated_weights)
        stored.append(kept.weight)
    return np.concatenate(generated).astype(np.float64), np.concatenate(stored).astype(np.float64)


def _make_block(process: Process, seed: int, mpi: bool, number: int) -> "Events":
    """Make a block, and select here, so that what is not kept is nowhere for long."""
    from samples.jets.events import select

    return select(_generator(process, seed, mpi).block(number * _BLOCK, _BLOCK))


@lru_cache(maxsize=1)
def _generator(process: Process, seed: int, mpi: bool) -> Any:
    """Keep one generator per process: setting Pythia up takes as long as 30 events."""
    from samples.jets.generator import Generator

    return Generator(process, seed, mpi)


def _note(request: Request, process: Process) -> dict[str, Any]:
    """Collect what the file says about itself."""
    try:
        from samples.jets import events, generator
        from samples.pythia import PYTHIA_VERSION, find_cross_section
    except ImportError as error:
        raise SampleError(f"Pythia 8 or fastjet is not installed; this command {MISSING_EXTRA}") from error
    settings = (*COMMON, *(() if request.mpi else MPI_OFF), *process.settings)
    return {
        "generated": True,
        "sample": f"{NAME}-{process.name}",
        "sample_version": VERSION,
        "process": process.description,
        "remark": "particles of the generator: no detector, no pile-up",
        "sqrt_s": {"value": SQRT_S, "unit": "GeV"},
        "generator": {"name": "Pythia", "version": PYTHIA_VERSION, "settings": list(settings)},
        "cross_section": {**asdict(find_cross_section(settings)), "unit": "pb"},
        "particles": f"visible, pt > {generator.MIN_PARTICLE_PT:g} GeV, |eta| < {generator.MAX_PARTICLE_ABS_ETA:g}",
        "jets": f"anti-kt R = {events.RADIUS:g}, pt > {events.MIN_JET_PT:g} GeV, |eta| < {events.MAX_JET_ABS_ETA:g}",
        "stored": f"events with a jet of pt > {events.MIN_LEADING_PT:g} GeV",
        "weight": "genWeight; cross_section genWeight / sum_weights is an event's share of the cross section",
        "mpi": request.mpi,
        "seed": request.seed,
        "events": request.events,
        "created_by": created_by(),
    }


def _describe(weights: "Floats", stored: "Floats") -> dict[str, Any]:
    """Tell what was generated, to normalise by: the tree ``Runs`` has it too."""
    return {
        "generated_events": len(weights),
        "sum_weights": float(np.sum(weights)),
        "filter_efficiency": float(np.sum(stored) / np.sum(weights)),
    }

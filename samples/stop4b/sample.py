"""Make a sample of the stop four-body search: generate, reduce, normalise and write it."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np

from samples.error import SampleError
from samples.rootfile import MISSING_EXTRA, replacing
from samples.stop4b.campaigns import DATA as DATA_CAMPAIGNS
from samples.stop4b.campaigns import MC, TOTAL_LUMINOSITY, Campaign, find_campaign
from samples.stop4b.processes import BACKGROUNDS, DATA, Process, find_process

if TYPE_CHECKING:
    from samples.stop4b.columns import Events

NAME = "stop4b"
# Part of every file's UUID: raise it whenever the same seed would give other events.
VERSION = 1
DEFAULT_SEED = 1
MAX_SEED = 2**63 - 1
FLAT, OBJECTS = "flat", "objects"
FORMS = (FLAT, OBJECTS)
_BLOCK = 100  # generated events; a block is the unit of work, and leaves no trace in the file
_CHUNK = 20_000  # stored events that are made into rows at once
_PB_TO_FB = 1000.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    process : str
        Name of the process, ``signal`` or ``Data``.
    campaign : str
        mc16a, mc16d or mc16e; for data also data15 to data18.
    events : int
        Number of stored events: each has a row in at least one flat tree. For data, that of each background the
        pseudo-data are drawn from.
    form : str
        ``flat`` or ``objects``.
    point : tuple of int, optional
        Masses of stop and neutralino [GeV] of a signal.
    seed : int
        From 0 up to 2^63 - 1.
    mpi : bool
        Generate multiparton interactions.
    """

    process: str
    campaign: str
    events: int
    form: str = FLAT
    point: tuple[int, int] | None = None
    seed: int = DEFAULT_SEED
    mpi: bool = False

    def __post_init__(self) -> None:
        if self.events < 1:
            raise SampleError(f"events must be at least 1, got {self.events}")
        if not 0 <= self.seed <= MAX_SEED:
            raise SampleError(f"seed must be from 0 to {MAX_SEED}, got {self.seed}")
        if self.form not in FORMS:
            raise SampleError(f"form must be {' or '.join(FORMS)}, got {self.form!r}")
        campaign = find_campaign(self.campaign)
        if self.process == DATA:
            if self.point is not None:
                raise SampleError("process Data has no point; only signal has")
            return
        if campaign in DATA_CAMPAIGNS:
            raise SampleError(f"campaign {self.campaign} is of data; simulation has {', '.join(c.name for c in MC)}")
        find_process(self.process, self.point)


@dataclass(frozen=True)
class Generated:
    """Stored events of one process with their weights, and what it took to make them."""

    events: "Events"
    tried: int
    copies: int


def generate(
    path: str | Path,
    request: Request,
    *,
    progress: Progress | None = None,
    force: bool = False,
    workers: int = 1,
) -> UUID:
    """Generate events and write them as flat trees or as objects.

    Every event depends only on process, campaign, seed and its number: a longer sample begins with the shorter one
    (its weights apart), and the file is the same for any number of workers.

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
        If the request cannot be met, the output cannot be written, or Pythia or fastjet is missing.
    """
    path = Path(path)
    if workers < 1:
        raise SampleError(f"workers must be at least 1, got {workers}")
    uuid = uuid5(NAMESPACE_URL, f"hepcol/{NAME}/{VERSION}/{json.dumps(asdict(request), sort_keys=True)}")
    with replacing(path, force) as temporary, ExitStack() as stack:
        _check_generators()
        pool = None
        if workers > 1:
            # spawn: Pythia does not survive a fork with threads
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            stack.callback(pool.shutdown, cancel_futures=True)
        sample, chunks, facts = _make(request, pool, workers, progress)
        _write(temporary, uuid, request, sample, chunks, facts)
    return uuid


def flatten(objects: str | Path, path: str | Path, *, force: bool = False) -> UUID:
    """Write the events of a file of objects as flat trees: those that :func:`generate` would have written.

    Parameters
    ----------
    objects : str or Path
        File of the form ``objects``.
    path : str or Path
        File to write; it appears when it is complete.
    force : bool
        Overwrite ``path`` if it exists.

    Returns
    -------
    UUID
        The file's.

    Raises
    ------
    SampleError
        If the file of objects says that it is something else, or the output cannot be written.
    OSError
        If it cannot be read.
    """
    from samples.stop4b.files import read_note, read_objects

    note = read_note(objects)
    if note.get("form") != OBJECTS:
        raise SampleError(f"{objects}: its form is {note.get('form')!r}; expected {OBJECTS}")
    uuid = uuid5(NAMESPACE_URL, f"hepcol/{NAME}/{VERSION}/{json.dumps(note, sort_keys=True)}/{FLAT}")
    with replacing(Path(path), force) as temporary:
        _write_file(temporary, uuid, FLAT, note["sample"], _chunks(read_objects(objects)), note | {"form": FLAT})
    return uuid


def _check_generators() -> None:
    try:
        import samples.stop4b.generator  # noqa: F401
    except ImportError as error:
        raise SampleError(f"Pythia 8 or fastjet is not installed; this command {MISSING_EXTRA}") from error


def _make(
    request: Request, pool: ProcessPoolExecutor | None, workers: int, progress: Progress | None
) -> tuple[str, "Iterator[Events]", dict[str, Any]]:
    """Name of the sample, its events in chunks, and what the file says of how they were made."""
    campaign = find_campaign(request.campaign)
    run = partial(_run, request=request, pool=pool, workers=workers, progress=progress)
    if request.process == DATA:
        from samples.stop4b.pseudo_data import draw_data

        simulated = _campaign_of(campaign)
        drawn = draw_data(
            (run(process, simulated).events for process in BACKGROUNDS), campaign, simulated, request.seed
        )
        return (
            DATA,
            _chunks(drawn),
            {
                "process": "pseudo-data: Poisson numbers of the events of all backgrounds, by their expected yields in "
                "this period; an event whose yield exceeds 1 occurs repeatedly. Not data of ATLAS",
                "drawn_from": [process.name for process in BACKGROUNDS],
                "luminosity": {"value": campaign.luminosity, "unit": "fb^-1"},
            },
        )
    process = find_process(request.process, request.point)
    made = run(process, campaign)
    return process.name, _chunks(made.events), _describe(process, campaign, made)


def _campaign_of(campaign: Campaign) -> Campaign:
    """Find the simulated campaign of a period of data."""
    return next(simulated for simulated in MC if simulated.number == campaign.number)


def _describe(process: Process, campaign: Campaign, made: Generated) -> dict[str, Any]:
    return {
        "process": process.name,
        "remark": process.remark,
        "settings": list(process.settings),
        "cross_section": {"value": process.cross_section, "unit": "pb", "source": process.source},
        "min_recoil": {"value": process.min_recoil, "unit": "GeV"},
        "copies": made.copies,
        "tried": made.tried,
        "campaign_share": campaign.luminosity / TOTAL_LUMINOSITY,
        "luminosity": {"value": campaign.luminosity, "unit": "fb^-1"},
        "total_luminosity": {"value": TOTAL_LUMINOSITY, "unit": "fb^-1"},
        "weight": "1000 cross_section branching campaign_share / tried, in fb (tried counts copies); times "
        "total_luminosity it is the yield of this campaign, and the campaigns add up to sigma times luminosity. "
        "Scale factors are not in it",
    }


def _run(
    process: Process,
    campaign: Campaign,
    *,
    request: Request,
    pool: ProcessPoolExecutor | None,
    workers: int,
    progress: Progress | None,
) -> Generated:
    """Generate blocks in order until there are enough events, and give them their weights."""
    from samples.stop4b.columns import concatenate

    parts, tried, total = [], 0, 0
    work = partial(_make_block, process, campaign, request.seed, request.mpi)
    for events, tried_by_event, first in _in_order(work, pool, workers):
        missing = request.events - total
        if len(events) >= missing:
            # up to the copy that completes the sample: tries count in units of copies
            last = int(events.columns["number"][missing - 1])
            row, copy = last // process.copies - first, last % process.copies
            tried += process.copies * int(tried_by_event[:row].sum()) + (copy + 1) * int(tried_by_event[row])
            parts.append(events.take(np.arange(missing)))
            total = request.events
            break
        tried += process.copies * int(tried_by_event.sum())
        parts.append(events)
        total += len(events)
        if progress is not None:
            progress(total, request.events)
    if progress is not None:
        progress(total, request.events)
    events = concatenate(parts)
    share = campaign.luminosity / TOTAL_LUMINOSITY
    scale = _PB_TO_FB * process.cross_section * process.branching * share / tried
    weights: dict[str, Any] = {
        "weight": scale * events.columns["branching"],
        "WeightEvents": np.ones(len(events), dtype=np.float32),
    }
    return Generated(replace(events, columns=events.columns | weights), tried, process.copies)


def _in_order(
    work: "Callable[[int], tuple[Events, Any, int]]", pool: ProcessPoolExecutor | None, workers: int
) -> "Iterator[tuple[Events, Any, int]]":
    """Results of block 0, 1, 2, ... without end, a few ahead of the one in use."""
    if pool is None:
        block = 0
        while True:
            yield work(block)
            block += 1
    ahead = deque(pool.submit(work, block) for block in range(2 * workers))
    block = len(ahead)
    try:
        while True:
            done = ahead.popleft()
            ahead.append(pool.submit(work, block))
            block += 1
            yield done.result()
    finally:
        for future in ahead:
            future.cancel()


def _make_block(process: Process, campaign: Campaign, seed: int, mpi: bool, block: int) -> "tuple[Events, Any, int]":
    """Make the stored events of a block, the tries of its generated events, and the number of the first."""
    from samples.stop4b.detector import DetectorCard
    from samples.stop4b.reduction import reduce

    first = block * _BLOCK
    truth = _generator(process, campaign, seed, mpi).block(first, _BLOCK)
    return reduce(truth, process, campaign, seed, DetectorCard()), truth.tried, first


@lru_cache(maxsize=1)
def _generator(process: Process, campaign: Campaign, seed: int, mpi: bool) -> Any:
    """Keep one generator per process: setting Pythia up takes as long as 100 events."""
    from samples.stop4b.generator import Generator

    return Generator(process, campaign, seed, mpi)


def _chunks(events: "Events") -> "Iterator[Events]":
    for start in range(0, len(events), _CHUNK):
        yield events.take(np.arange(start, min(start + _CHUNK, len(events))))


def _write(
    path: Path, uuid: UUID, request: Request, sample: str, chunks: "Iterator[Events]", facts: dict[str, Any]
) -> None:
    _write_file(path, uuid, request.form, sample, chunks, _note(request, sample, facts))


def _write_file(
    path: Path, uuid: UUID, form: str, sample: str, chunks: "Iterator[Events]", note: dict[str, Any]
) -> None:
    from samples.stop4b.files import FlatWriter, create, write_note, write_objects
    from samples.stop4b.flat import make_rows

    with create(path, uuid) as file:
        if form == OBJECTS:
            write_objects(file, chunks)
        else:
            writer = FlatWriter(file)
            for events in chunks:
                for name, columns in make_rows(events, sample):
                    writer.extend(name, columns)
        write_note(file, note)


def _note(request: Request, sample: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Collect what the file says about itself."""
    from samples.stop4b.detector import DetectorCard
    from samples.stop4b.generator import COMMON, MPI_OFF, PYTHIA_VERSION

    try:
        hepcol_version = version("hepcol")
    except PackageNotFoundError:
        hepcol_version = "unknown"
    return {
        "generated": True,
        "sample": sample,
        "sample_version": VERSION,
        "form": request.form,
        "campaign": request.campaign,
        "sqrt_s": {"value": 13000.0, "unit": "GeV"},
        "events": request.events,
        "seed": request.seed,
        "generator": {
            "name": "Pythia",
            "version": PYTHIA_VERSION,
            "settings": [*COMMON, *(() if request.mpi else MPI_OFF)],
        },
        "detector": asdict(DetectorCard()),
        **facts,
        "created_by": f"hepcol {hepcol_version}",
    }

"""Make a sample of the stop four-body search: generate, reduce, normalise and write it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from samples.blocks import check_request, in_order, pool_of
from samples.error import SampleError
from samples.note import created_by
from samples.rootfile import MISSING_EXTRA, replacing
from samples.stop4b.campaigns import DATA as DATA_CAMPAIGNS
from samples.stop4b.campaigns import MC, TOTAL_LUMINOSITY, Campaign, find_campaign, simulated_campaign
from samples.stop4b.output import FLAT, VERSION, check_form, identify, read_note_of_objects, write
from samples.stop4b.processes import BACKGROUNDS, DATA, Process, find_process

if TYPE_CHECKING:
    from samples.stop4b.columns import Events
    from samples.stop4b.truth import Integers

DEFAULT_SEED = 1
MAX_SEED = 2**63 - 1
_BLOCK = 100  # generated events; a block is the unit of work, and leaves no trace in the file
_PARTS = 200  # blocks to join: what a skim leaves of one is less than numpy needs for its arrays
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
        pseudo-data are drawn from. Counted before ``near_regions``.
    form : str
        ``flat`` or ``objects``.
    point : tuple of int, optional
        Masses of stop and neutralino [GeV] of a signal.
    seed : int
        From 0 up to 2^63 - 1.
    mpi : bool
        Generate multiparton interactions.
    near_regions : bool
        Keep only those of the events that come near a signal region (see the module ``near_regions``). Their weights
        are those that they have among all events, so that yields in the regions are the same.
    """

    process: str
    campaign: str
    events: int
    form: str = FLAT
    point: tuple[int, int] | None = None
    seed: int = DEFAULT_SEED
    mpi: bool = False
    near_regions: bool = False

    def __post_init__(self) -> None:
        check_request(self.events, self.seed)
        check_form(self.form)
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
    """Kept events of one process with their weights, and what it took to make them."""

    events: "Events"
    tried: int
    copies: int


@dataclass(frozen=True)
class _Block:
    """Events of a block.

    Parameters
    ----------
    events : Events
        Those that are kept.
    stored : array
        Numbers of the stored events, kept or not.
    tried : array
        Tries of each generated event.
    first : int
        Number of the first generated event.
    """

    events: "Events"
    stored: "Integers"
    tried: "Integers"
    first: int


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
    uuid = identify(asdict(request))
    with pool_of(workers) as pool, replacing(path, force) as temporary:
        _check_generators()
        sample, events, facts = _make(request, pool, workers, progress)
        write(temporary, uuid, events, _note(request, sample, facts))
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
    from samples.stop4b.files import read_objects

    note = read_note_of_objects(objects)
    uuid = identify(note, FLAT)
    with replacing(Path(path), force) as temporary:
        write(temporary, uuid, read_objects(objects), note | {"form": FLAT})
    return uuid


def _check_generators() -> None:
    try:
        import samples.stop4b.generator  # noqa: F401
    except ImportError as error:
        raise SampleError(f"Pythia 8 or fastjet is not installed; this command {MISSING_EXTRA}") from error


def _make(
    request: Request, pool: ProcessPoolExecutor | None, workers: int, progress: Progress | None
) -> tuple[str, "Events", dict[str, Any]]:
    """Name of the sample, its events, and what the file says of how they were made."""
    campaign = find_campaign(request.campaign)
    run = partial(_run, request=request, pool=pool, workers=workers, progress=progress)
    if request.process == DATA:
        from samples.stop4b.pseudo_data import describe, draw_data

        simulated = simulated_campaign(campaign)
        drawn = draw_data(
            (run(process, simulated).events for process in BACKGROUNDS), campaign, simulated, request.seed
        )
        return DATA, drawn, describe(campaign)
    process = find_process(request.process, request.point)
    made = run(process, campaign)
    return process.name, made.events, _describe(process, campaign, made)


def _describe(process: Process, campaign: Campaign, made: Generated) -> dict[str, Any]:
    return {
        "process": process.name,
        "remark": process.remark,
        "settings": list(process.settings),
        "cross_section": {"value": process.cross_section, "unit": "pb", "source": process.source},
        **({"parts": _describe_parts(process)} if process.parts else {}),
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


def _describe_parts(process: Process) -> list[dict[str, Any]]:
    """Sub-processes with the factors that correct their mixture, which are in the weight."""
    return [
        asdict(part) | {"correction": correction}
        for part, correction in zip(process.parts, process.corrections, strict=True)
    ]


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

    parts: list[Events] = []
    tried, total = 0, 0
    work = partial(_make_block, process, campaign, request)
    for block in in_order(work, pool, workers):
        missing = request.events - total
        if len(block.stored) >= missing:
            # up to the copy that completes the sample: tries count in units of copies
            last = int(block.stored[missing - 1])
            row, copy = last // process.copies - block.first, last % process.copies
            tried += process.copies * int(block.tried[:row].sum()) + (copy + 1) * int(block.tried[row])
            parts.append(block.events.take(np.flatnonzero(block.events.columns["number"] <= last)))
            total = request.events
            break
        tried += process.copies * int(block.tried.sum())
        parts.append(block.events)
        if len(parts) == _PARTS:
            parts = [concatenate(parts)]
        total += len(block.stored)
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


def _make_block(process: Process, campaign: Campaign, request: Request, number: int) -> _Block:
    """Make a block, and skim it here, so that what is not kept is nowhere for long."""
    from samples.stop4b.detector import DetectorCard
    from samples.stop4b.near_regions import comes_near_a_region
    from samples.stop4b.reduction import reduce

    first = number * _BLOCK
    truth = _generator(process, campaign, request.seed, request.mpi).block(first, _BLOCK)
    events = reduce(truth, process, campaign, request.seed, DetectorCard())
    stored = events.columns["number"]
    if request.near_regions:
        events = events.take(np.flatnonzero(comes_near_a_region(events)))
    return _Block(events, stored, truth.tried, first)


@lru_cache(maxsize=1)
def _generator(process: Process, campaign: Campaign, seed: int, mpi: bool) -> Any:
    """Keep one generator per process: setting Pythia up takes as long as 100 events."""
    from samples.stop4b.generator import Generator

    return Generator(process, campaign, seed, mpi)


def _note(request: Request, sample: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Collect what the file says about itself."""
    from samples.pythia import PYTHIA_VERSION
    from samples.stop4b.detector import DetectorCard
    from samples.stop4b.generator import COMMON, MPI_OFF
    from samples.stop4b.near_regions import describe

    return {
        "generated": True,
        "sample": sample,
        "sample_version": VERSION,
        "form": request.form,
        "campaign": request.campaign,
        "sqrt_s": {"value": 13000.0, "unit": "GeV"},
        "events": request.events,
        "near_regions": request.near_regions,
        **({"skim": describe()} if request.near_regions else {}),
        "seed": request.seed,
        "generator": {
            "name": "Pythia",
            "version": PYTHIA_VERSION,
            "settings": [*COMMON, *(() if request.mpi else MPI_OFF)],
        },
        "detector": asdict(DetectorCard()),
        **facts,
        "created_by": created_by(),
    }

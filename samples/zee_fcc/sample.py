"""Make a sample: generate, reconstruct and write it in blocks of events."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from samples.blocks import pool_of
from samples.error import SampleError
from samples.note import NOTE_KEY, created_by
from samples.rootfile import MISSING_EXTRA, replacing, reproducible_url, set_uuid
from samples.zee_fcc.detector import DetectorCard
from samples.zee_fcc.draws import SEED_LIMIT

if TYPE_CHECKING:
    from samples.zee_fcc.layout import Block

NAME = "zee-fcc"
# Part of every file's UUID: raise it whenever the same seed would give other events.
VERSION = 1
DEFAULT_SEED = 1
CARD = DetectorCard()
_BLOCK = 500  # events; a block is the unit of work and of progress, and leaves no trace in the file
_FILE_NAME = "zee_fcc.root"

Progress = Callable[[int, int], None]


def generate(
    path: str | Path,
    events: int,
    seed: int = DEFAULT_SEED,
    *,
    progress: Progress | None = None,
    force: bool = False,
    workers: int = 1,
) -> UUID:
    """Generate e+e- -> Z/gamma* -> e+e- events and write them as an FCC-ee file.

    Every event depends only on ``seed`` and its number: a longer sample begins with the shorter one, and the
    file is the same, byte for byte, for any number of workers, as long as Pythia, ROOT and numpy are.

    Parameters
    ----------
    path : str or Path
        File to write; it appears when it is complete.
    events : int
        Number of events, at least 1.
    seed : int
        From 0 up to 2^64 - 1.
    progress : callable, optional
        Called as ``progress(done, events)``.
    force : bool
        Overwrite ``path`` if it exists.
    workers : int
        Processes that generate; 1 does it in this one.

    Returns
    -------
    UUID
        The file's, made of the sample's name and version, seed and number of events.

    Raises
    ------
    SampleError
        If an argument is out of range, the output cannot be written, or ROOT, Pythia or g++ is missing.
    """
    path = Path(path)
    _check(events, seed)
    uuid = uuid5(NAMESPACE_URL, f"hepcol/{NAME}/{VERSION}/{seed}/{events}")
    with pool_of(workers) as pool, replacing(path, force) as temporary:
        note = _note(events, seed)
        # Imported late: the package is listed and the shipped sample read where ROOT is not installed.
        from samples.zee_fcc.writer import Writer

        writer = Writer(reproducible_url(temporary, _FILE_NAME))
        done = 0
        for block, count in _blocks(events, seed, pool):
            writer.write(block)
            done += count
            if progress is not None:
                progress(done, events)
        writer.close({NOTE_KEY: json.dumps(note, indent=1)})
        set_uuid(temporary, uuid)
    return uuid


def _check(events: int, seed: int) -> None:
    if events < 1:
        raise SampleError(f"events must be at least 1, got {events}")
    if not 0 <= seed < SEED_LIMIT:
        raise SampleError(f"seed must be from 0 to 2^64 - 1, got {seed}")


def _blocks(events: int, seed: int, pool: ProcessPoolExecutor | None) -> "Iterator[tuple[Block, int]]":
    """Blocks of events in order, with their sizes."""
    starts = range(0, events, _BLOCK)
    counts = [min(_BLOCK, events - start) for start in starts]
    make: Any = map if pool is None else pool.map
    yield from zip(make(partial(_make_block, seed), starts, counts), counts, strict=True)


def _make_block(seed: int, first: int, count: int) -> "Block":
    from samples.zee_fcc.reconstruction import reconstruct

    return reconstruct(_generator(seed).block(first, count), first, seed, CARD)


_GENERATORS: dict[int, Any] = {}


def _generator(seed: int) -> Any:
    """Keep one generator per process and seed: setting Pythia up takes as long as 500 events."""
    if seed not in _GENERATORS:
        from samples.zee_fcc.generator import Generator

        _GENERATORS[seed] = Generator(seed)
    return _GENERATORS[seed]


def _note(events: int, seed: int) -> dict[str, Any]:
    """Collect what the file says about itself."""
    try:
        from samples.pythia import PYTHIA_VERSION, find_cross_section
        from samples.zee_fcc.generator import PROCESS, SETTINGS, SQRT_S
    except ImportError as error:
        raise SampleError(f"Pythia 8 is not installed; this command {MISSING_EXTRA}") from error
    cross_section = find_cross_section(SETTINGS)
    return {
        "generated": True,
        "sample": NAME,
        "sample_version": VERSION,
        "process": PROCESS,
        "sqrt_s": {"value": SQRT_S, "unit": "GeV"},
        "generator": {"name": "Pythia", "version": PYTHIA_VERSION, "settings": list(SETTINGS)},
        "cross_section": {**asdict(cross_section), "unit": "pb"},
        "detector": asdict(CARD),
        "seed": seed,
        "events": events,
        "created_by": created_by(),
    }

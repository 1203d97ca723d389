"""Make a sample of Z -> ee in ATLAS: generate, reconstruct, slim and write it in blocks of events."""

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
from samples.note import NOTE_KEY, created_by
from samples.rootfile import MISSING_EXTRA, replacing, reproducible_url, set_uuid
from samples.zee_atlas import truth
from samples.zee_atlas.truth import DATA, SIMULATION, check_form

if TYPE_CHECKING:
    from samples.zee_atlas.conditions import Conditions
    from samples.zee_atlas.detector import Seen

NAME = "zee-atlas"
# Part of every file's UUID: raise it whenever the same seed would give other events.
VERSION = 1
DEFAULT_SEED = 1
MAX_SEED = 2**63 - 1
MIN_PT, MAX_ABS_ETA, MIN_ELECTRONS = 20.0, 2.47, 2  # GeV; of the events that are stored
_BLOCK = 500  # generated events; a block is the unit of work, and leaves no trace in the file
_FILE_NAME = "zee_atlas_{}.root"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Block:
    """Stored events of a block of generated ones."""

    number: "np.ndarray[Any, np.dtype[np.int64]]"
    conditions: "Conditions"
    electrons: "Seen"
    photons: "Seen"

    def __len__(self) -> int:
        """Count the events."""
        return len(self.number)

    def head(self, count: int) -> "_Block":
        """Return the first events."""
        from samples.zee_atlas.conditions import Conditions

        conditions = Conditions(**{name: column[:count] for name, column in vars(self.conditions).items()})
        seen = (one.take(np.flatnonzero(one.event < count)) for one in (self.electrons, self.photons))
        return _Block(self.number[:count], conditions, *seen)


def generate(
    path: str | Path,
    events: int,
    form: str = SIMULATION,
    seed: int = DEFAULT_SEED,
    *,
    progress: Progress | None = None,
    force: bool = False,
    workers: int = 1,
) -> UUID:
    """Generate pp -> Z/gamma* -> ee and write it as a file of PHYSLITE.

    Every event depends only on ``form``, ``seed`` and its number: a longer sample begins with the shorter one, and the
    file is the same for any number of workers, as long as Pythia, ROOT and numpy are.

    Parameters
    ----------
    path : str or Path
        File to write; it appears when it is complete.
    events : int
        Number of events that are stored: those with two loose electrons of 20 GeV.
    form : str
        ``simulation``, or ``data``: other events of the same physics, with energy scales and constant terms of their
        own, fewer electrons that are found, and no truth (see the module ``truth``).
    seed : int
        From 0 up to 2^63 - 1.
    progress : callable, optional
        Called as ``progress(done, events)``.
    force : bool
        Overwrite ``path`` if it exists.
    workers : int
        Processes that generate; 1 does it in this one.

    Returns
    -------
    UUID
        The file's, made of the sample's name and version, form, seed and number of events.

    Raises
    ------
    SampleError
        If an argument is out of range, the output cannot be written, or ROOT, Pythia or g++ is missing.
    """
    path = Path(path)
    check_form(form)
    check_request(events, seed)
    uuid = uuid5(NAMESPACE_URL, f"hepcol/{NAME}/{VERSION}/{form}/{seed}/{events}")
    with pool_of(workers) as pool, replacing(path, force) as temporary:
        note = _note(events, form, seed)
        # Imported late: the package is listed and the shipped sample read where ROOT is not installed.
        from samples.zee_atlas.writer import Writer

        writer = Writer(reproducible_url(temporary, _FILE_NAME.format(form)), form)
        generated = _write(writer, events, form, seed, pool, workers, progress)
        writer.close({NOTE_KEY: json.dumps(note | {"generated_events": generated}, indent=1)})
        set_uuid(temporary, uuid)
    return uuid


def _write(
    writer: Any,
    events: int,
    form: str,
    seed: int,
    pool: ProcessPoolExecutor | None,
    workers: int,
    progress: Progress | None,
) -> int:
    """Write events until there are enough, and return how many were generated for them."""
    tried = 0
    for kept in first_events(events, in_order(partial(_make_block, form, seed), pool, workers), progress):
        writer.write(kept.number, kept.conditions, kept.electrons, kept.photons)
        tried = int(kept.number[-1]) + 1 if len(kept) else tried
    return tried


def _make_block(form: str, seed: int, number: int) -> _Block:
    """Make a block, and slim it here, so that what is not kept is nowhere for long."""
    from samples.zee_atlas.conditions import Conditions, set_conditions
    from samples.zee_atlas.detector import DetectorCard, reconstruct

    card = DetectorCard()
    generated = _generator(form, seed).block(number * _BLOCK, _BLOCK)
    conditions = set_conditions(generated.number, form, seed, card.vertex_z)
    electrons, photons = reconstruct(generated, conditions, form, seed, card)
    good = electrons["is_loose"] & (electrons["pt"] > MIN_PT) & (np.abs(electrons["cl_eta"]) < MAX_ABS_ETA)
    stored = np.flatnonzero(np.bincount(electrons.event[good], minlength=_BLOCK) >= MIN_ELECTRONS)
    return _Block(
        generated.number[stored],
        Conditions(**{name: column[stored] for name, column in vars(conditions).items()}),
        *(one.of_events(stored, _BLOCK) for one in (electrons, photons)),
    )


@lru_cache(maxsize=1)
def _generator(form: str, seed: int) -> Any:
    """Keep one generator per process: setting Pythia up takes as long as 400 events."""
    from samples.zee_atlas.generator import Generator

    return Generator(seed, form)


def _note(events: int, form: str, seed: int) -> dict[str, Any]:
    """Collect what the file says about itself."""
    try:
        from samples.pythia import PYTHIA_VERSION, find_cross_section
        from samples.zee_atlas.generator import PROCESS, SETTINGS, SQRT_S
    except ImportError as error:
        raise SampleError(f"Pythia 8 is not installed; this command {MISSING_EXTRA}") from error
    from samples.zee_atlas.detector import DetectorCard

    cross_section = find_cross_section(SETTINGS)
    return {
        "generated": True,
        "sample": NAME,
        "sample_version": VERSION,
        "form": form,
        "remark": "pseudo-data: generated, and measured by nobody" if form == DATA else "simulation, of hepcol's own",
        "process": PROCESS,
        "sqrt_s": {"value": SQRT_S, "unit": "GeV"},
        "generator": {"name": "Pythia", "version": PYTHIA_VERSION, "settings": list(SETTINGS)},
        "cross_section": {**asdict(cross_section), "unit": "pb"},
        "detector": asdict(DetectorCard()),
        "stored": f"events with {MIN_ELECTRONS} loose electrons of pt > {MIN_PT:g} GeV, |eta| < {MAX_ABS_ETA:g}",
        **({"injected": truth.describe()} if form == DATA else {}),
        "seed": seed,
        "events": events,
        "created_by": created_by(),
    }

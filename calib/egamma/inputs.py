"""What the kernels need of columns: the particles, their run, and their random numbers."""

import numpy as np
import numpy.typing as npt

from calib.egamma.columns import ELECTRON_MASS, PHOTON_MASS, Columns
from calib.egamma.kernels import draws, mersenne, slots
from calib.egamma.kernels.calibrate import Particles
from hepcol.errors import InputError
from hepcol.random import stream_key

STREAM = "egamma.energy"

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def is_simulation(columns: Columns) -> bool:
    """Whether events are simulation; no events at all are data.

    Raises
    ------
    InputError
        If they do not say, or are of both kinds.
    """
    flags = columns.exact("is_simulation").astype(np.bool_) if len(columns) else np.zeros(1, dtype=np.bool_)
    if flags.any() and not flags.all():
        raise InputError(
            f"{int(flags.sum())} of {len(flags)} particles are of simulation, the others of data: one at a time"
        )
    return bool(flags.any())


def runs(columns: Columns, random_run_number: int) -> Integers:
    """Return the run of each particle: of simulation, the one that its event belongs to.

    Raises
    ------
    InputError
        If simulation does not say: the tool takes a run of 2016 then, and prints an error.
    """
    if not is_simulation(columns):
        return columns.get("run_number").astype(np.int64)
    if random_run_number:
        return np.full(len(columns), random_run_number, dtype=np.int64)
    if "random_run_number" not in columns.values:
        raise InputError(
            "simulation needs the run that it belongs to: a column random_run_number (RandomRunNumber), "
            "which pile-up reweighting adds, or the option random_run_number"
        )
    return columns.get("random_run_number").astype(np.int64)


def particles(columns: Columns, run: Integers) -> Particles:
    """Return columns as kernels take them.

    Raises
    ------
    InputError
        If one is missing.
    """
    masses = np.where(columns.kind == slots.ELECTRON, ELECTRON_MASS, PHOTON_MASS)
    return Particles(
        columns.kind,
        run,
        columns.get("pt"),
        columns.get("eta"),
        columns.get("m") if "m" in columns.values else masses,
        columns.get("cl_eta"),
        columns.get("cl_phi"),
        columns.get("cl_eta_s2"),
        columns.get("cl_eta_calo"),
        columns.get("cl_phi_calo"),
    )


def atlas_normals(columns: Columns) -> Floats:
    """Draw the random number of each particle as the tool does."""
    seeds, out = np.empty(len(columns), dtype=np.uint32), np.empty(len(columns))
    mersenne.object_seeds(columns.get("cl_phi"), columns.get("cl_eta"), _event_numbers(columns), seeds)
    mersenne.first_gaussians(seeds, out)
    return out


def counter_normals(columns: Columns, seed: int) -> Floats:
    """Draw the random number of each particle from its event, and what it is known by there."""
    events, index, out = _event_numbers(columns), columns.identity(), np.empty(len(columns))
    for namespace, chosen in columns.samples():
        key = stream_key(seed, STREAM, namespace)
        if chosen is None:
            draws.counter_normals(events, index, key, out)
            continue
        some = np.empty(int(chosen.sum()))
        draws.counter_normals(events[chosen], index[chosen], key, some)
        out[chosen] = some
    return out


def _event_numbers(columns: Columns) -> npt.NDArray[np.uint64]:
    return np.require(columns.exact("event_number"), np.uint64, ["C", "A", "W"])

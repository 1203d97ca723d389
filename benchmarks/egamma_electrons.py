"""Electrons of the comparison of the calibration, generated from a seed: flat columns as PHYSLITE has them."""

from typing import Any

import numpy as np

SEED = 20_240_607
GEV = 1000.0
ET_GEV = 20.0, 120.0
ETA_END = 2.47
ELECTRON_MASS = 0.511
# First and last runs of physics in each period
RUNS_OF_RUN_2 = ((276_262, 284_484), (297_730, 311_481), (325_713, 340_453), (348_885, 364_292))
RUNS_OF_RUN_3 = ((431_810, 440_613), (451_896, 456_749), (473_235, 486_706))
RUN_OF_SIMULATION, CHANNEL = 310_000, 700_322

Columns = dict[str, Any]


def electrons(count: int, model: str, simulated: bool, periods: slice = slice(None)) -> Columns:
    """Generate electrons: the same ones whatever the model and sample, but for their runs.

    Parameters
    ----------
    count : int
        How many.
    model : str
        The calibration whose periods their runs are of.
    simulated : bool
        Whether runs are random ones beside that of the simulation, or those of data.
    periods : slice, optional
        Which of the periods.
    """
    random = np.random.default_rng(SEED)
    single = np.float32
    eta = random.uniform(-ETA_END, ETA_END, count)
    phi = random.uniform(-np.pi, np.pi, count)
    track_eta = eta + random.normal(0.0, 1e-3, count)
    energy = random.uniform(*ET_GEV, count) * GEV * np.cosh(eta)
    runs = np.array((RUNS_OF_RUN_3 if model == "es2024_Run3_v0" else RUNS_OF_RUN_2)[periods])
    low, high = runs[random.integers(len(runs), size=count)].T
    run = random.integers(low, high, endpoint=True).astype(np.uint32)
    columns = {
        "pt": (np.sqrt(energy**2 - ELECTRON_MASS**2) / np.cosh(track_eta)).astype(single),
        "eta": track_eta.astype(single),
        "m": np.full(count, ELECTRON_MASS, dtype=single),
        "cl_eta": eta.astype(single),
        "cl_phi": phi.astype(single),
        "cl_eta_s2": (eta + random.normal(0.0, 1e-3, count)).astype(single),
        "cl_eta_calo": (eta + random.normal(0.0, 5e-3, count)).astype(single),
        "cl_phi_calo": (phi + random.normal(0.0, 5e-3, count)).astype(single),
        "event_number": 1 + np.arange(count, dtype=np.uint64) // 2,  # two in an event
        "run_number": run,
        "is_simulation": np.full(count, simulated),
    }
    if simulated:
        columns |= {
            "run_number": np.full(count, RUN_OF_SIMULATION, dtype=np.uint32),
            "random_run_number": run,
            "channel": np.full(count, CHANNEL, dtype=np.uint32),
        }
    return columns


def part(columns: Columns, start: int, stop: int) -> Columns:
    """Return some of the electrons."""
    return {name: column[start:stop] for name, column in columns.items()}

"""What belongs to whole events: pile-up, runs, the vertex, cleaning, and weights."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samples.draws import Floats, normals, stream_key, uniforms
from samples.zee_atlas.truth import DATA

# Runs of 2017 in which the pseudo-data are, and which simulation is assigned to; numbers as ATLAS counts, choice ours
RUNS = (325790, 327342, 330203, 333192, 335083, 338183, 339849, 340368)
SIMULATED_RUN = 300000  # of mc16d
CHANNEL = 999001  # of no process of ATLAS
# Collisions per crossing: Gaussian within bounds. 2017 of ATLAS had a mean of 37.8; the widths are ours.
MU_SIMULATION, MU_DATA = (40.0, 13.0), (37.8, 12.0)
MU_RANGE = (10.0, 70.0)
_CLEAN = 0.998
_LUMI_BLOCKS = 600
# drawn on a grid, so that files hold few different numbers; mu of data comes from luminosity, mu of simulation is set
_MU_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Conditions:
    """Properties of the events of a block.

    Parameters
    ----------
    run : int64[n]
        Run of data, random run of simulation.
    mu : float64[n]
        Collisions per crossing.
    vertex_z : float64[n]
        Position of the vertex along the beam [mm].
    is_clean : bool[n]
        Whether no jet is bad.
    pile_up_weight : float64[n]
        Makes the pile-up of simulation that of data.
    lumi_block : int64[n]
        Luminosity block.
    """

    run: npt.NDArray[np.int64]
    mu: Floats
    vertex_z: Floats
    is_clean: npt.NDArray[np.bool_]
    pile_up_weight: Floats
    lumi_block: npt.NDArray[np.int64]


def set_conditions(number: npt.NDArray[np.int64], form: str, seed: int, vertex_z: float) -> Conditions:
    """Draw the conditions of events by their numbers; ``vertex_z`` is the spread of the vertex [mm]."""
    event = number.astype(np.uint64)

    def uniform(what: str) -> Floats:
        return uniforms(stream_key(seed, f"zee_atlas.event.{what}", form), event, 0, 0)

    grid, simulated, data = _mu_profiles()
    profile = data if form == DATA else simulated
    position = np.minimum(np.searchsorted(np.cumsum(profile), uniform("mu")), len(grid) - 1)
    return Conditions(
        np.array(RUNS)[np.minimum((uniform("run") * len(RUNS)).astype(np.int64), len(RUNS) - 1)],
        grid[position],
        vertex_z * normals(stream_key(seed, "zee_atlas.event.vertex", form), event, 0, 0),
        uniform("clean") < _CLEAN,
        np.ones(len(number)) if form == DATA else (data / simulated)[position],
        1 + (uniform("lumi_block") * _LUMI_BLOCKS).astype(np.int64),
    )


def _mu_profiles() -> tuple[Floats, Floats, Floats]:
    """Pile-up, and its probability in simulation and in data."""
    grid = np.arange(*MU_RANGE, _MU_STEP)
    both = [np.exp(-0.5 * ((grid - mean) / width) ** 2) for mean, width in (MU_SIMULATION, MU_DATA)]
    simulated, data = (profile / profile.sum() for profile in both)
    return grid, simulated, data

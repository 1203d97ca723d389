"""Corrections of the events of the Z -> ee study: what they may look at, and histograms of their variations."""

from collections.abc import Callable
from dataclasses import replace

import awkward as ak
import numpy as np

from hepcol.corrections import Corrections, CorrectionWeights
from hepcol.histograms import Histogram, variation_axis
from hepcol.kernels import angles
from hepcol.origin import Origin
from hepcol.sums import limbs_of, sums_of_limbs
from processors.zee.electrons import FloatArray, Pairs, energy_of
from processors.zee.observables import DELTA_R, SMEARED, delta_r, stacked
from processors.zee.smearing import Smearing

SYSTEMATICS = "systematics"  # at the end of the names of the histograms

# Columns of both electrons of the pair, before they are smeared [GeV]
PAIR: dict[str, Callable[[Pairs], FloatArray]] = {
    "Pair.px": lambda pairs: pairs.px,
    "Pair.py": lambda pairs: pairs.py,
    "Pair.pz": lambda pairs: pairs.pz,
    "Pair.energy": lambda pairs: energy_of(pairs.px, pairs.py, pairs.pz, pairs.mass),
    "Pair.pt": lambda pairs: np.sqrt(pairs.px * pairs.px + pairs.py * pairs.py),
    "Pair.eta": lambda pairs: np.asarray(angles.pseudorapidity(pairs.px, pairs.py, pairs.pz)),
}


def evaluate(corrections: Corrections, events: ak.Array, pairs: Pairs, weight: FloatArray | None) -> CorrectionWeights:
    """Weigh the selected events: their own weights times corrections, of their pairs and of columns that are stored."""
    wanted = {column.name for one in corrections.entries for column in one.columns.values()}
    given = {name: make(pairs) for name, make in PAIR.items() if name in wanted}
    found = corrections.evaluate(events[pairs.event], given)
    return found if weight is None else found.times(weight)


def compile_columns() -> None:
    """Compile the kernels that columns of pairs need, or load them from the cache."""
    one = np.ones((1, 2))
    angles.pseudorapidity(one, one, one)


def fill_systematics(
    smearing: Smearing,
    pairs: Pairs,
    origins: tuple[Origin, ...],
    weights: CorrectionWeights,
    max_weight: float,
) -> dict[str, Histogram]:
    """Histogram the pairs, smeared as in the first replica, with nominal and varied weights."""
    alone, distance = replace(smearing, replicas=1), delta_r(pairs)
    filled: dict[str, list[Histogram]] = {}
    for weight in (weights.nominal, *weights.varied):
        counts, sums = alone.fill(pairs, origins, limbs_of(weight, max_weight))
        parts = [
            Histogram((axis,), counts[0, k], *sums_of_limbs(sums[0, k], max_weight, len(pairs.event)))
            for k, axis in enumerate(SMEARED)
        ]
        parts.append(Histogram.fill((DELTA_R,), distance, weight=weight, max_weight=max_weight))
        for part in parts:
            filled.setdefault(part.axes[0].name, []).append(part)
    axis = variation_axis(name for name, _ in weights.items())
    return {f"{name}_{SYSTEMATICS}": stacked(axis, parts) for name, parts in filled.items()}

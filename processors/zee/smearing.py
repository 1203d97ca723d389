"""The smearing of electron pairs: all replicas of a chunk in one call of a fused kernel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hepcol.kernels import angles, pairs, smearing
from hepcol.random import stream_key
from processors.zee.electrons import FloatArray, IntArray, Pairs, energy_of
from processors.zee.observables import EDGES, N_BINS, SMEARED, cos_angle, total_momentum_square
from processors.zee.resolution import Resolution


@dataclass(frozen=True)
class Smearing:
    """How the energies are smeared.

    Parameters
    ----------
    replicas : int
        Number of smearings.
    resolution : Resolution
        Standard deviation of the energies.
    seed : int
        Seed of the run.
    independent : bool
        As the original study: each histogram from draws of its own, momenta left as they are, and energies
        rounded to single precision first.
    """

    replicas: int
    resolution: Resolution
    seed: int
    independent: bool

    def fill(
        self, chosen: Pairs, event: npt.NDArray[np.uint64], limbs: FloatArray, namespace: str
    ) -> tuple[IntArray, FloatArray]:
        """Smear and histogram the pairs of a chunk.

        Parameters
        ----------
        chosen : Pairs
            The pairs.
        event : uint64[n]
            Identity of their events within ``namespace``.
        limbs : float64[n, k]
            What to sum beside the entries; ``k`` may be 0.
        namespace : str
            UUID of the file.

        Returns
        -------
        counts : int64[replicas, 3, bins + 2]
            Entries of the histograms ``SMEARED``.
        sums : float64[replicas, 3, bins + 2, k]
            Sums of ``limbs``.
        """
        shape = (self.replicas, len(SMEARED), N_BINS + 2)
        counts, sums = np.zeros(shape, dtype=np.int64), np.zeros((*shape, limbs.shape[1]))
        identity = event, chosen.obj.astype(np.uint64)
        energy = energy_of(chosen.px, chosen.py, chosen.pz, chosen.mass)
        if self.independent:
            energy = energy.astype(np.float32).astype(np.float64)
            keys = np.array([self._key(f"zee.original.{axis.name}", namespace) for axis in SMEARED])
            p_square = total_momentum_square(chosen)
            smearing.smear_and_fill_independently(
                *identity, energy, p_square, self.resolution.at(energy), limbs, keys, EDGES, counts, sums
            )
        else:
            key = self._key("zee.energy", namespace)
            cosine = cos_angle(chosen)
            smearing.smear_and_fill(
                *identity,
                energy,
                chosen.mass,
                cosine,
                self.resolution.at(energy),
                limbs,
                key,
                EDGES,
                counts,
                sums,
            )
        return counts, sums

    def _key(self, stream: str, namespace: str) -> np.uint64:
        return stream_key(self.seed, stream, namespace)


def compile_kernels(smearing_: Smearing) -> None:
    """Compile the kernels of the analysis, or load them from the cache."""
    one = np.ones((1, 2))
    index = np.zeros((1, 2), dtype=np.int64)
    single = Pairs(index[:, 0], index, one, one, one, one, {}, {})
    smearing_.fill(single, np.zeros(1, dtype=np.uint64), np.empty((1, 0)), "")
    angles.delta_r(one, one, one)
    pairs.leading_pairs(one[0], one[0], index[0], np.array([0, 1]))

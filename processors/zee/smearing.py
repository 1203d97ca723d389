"""The smearing of electron pairs: all replicas of a chunk in one call of a fused kernel."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from hepcol import threads
from hepcol.kernels import angles, pairs, smearing, smearing_single
from hepcol.kernels.philox import LOW_WORD, WORD_BITS
from hepcol.origin import Origin
from hepcol.random import stream_key
from processors.zee.electrons import FloatArray, IntArray, Pairs, energy_of
from processors.zee.observables import EDGES, N_BINS, SMEARED, cos_angle, total_momentum_square
from processors.zee.resolution import Resolution

# Fills a part of the events: limbs of their weights, and the counts and sums that are added to
Kernel = Callable[[slice, FloatArray, IntArray, FloatArray], None]


class Precision(StrEnum):
    """Arithmetic of the smearing."""

    SINGLE = "single"
    DOUBLE = "double"


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
    precision : Precision
        ``single`` is 15 times faster, moves about 1 entry of 10^5 to a neighbouring bin, and neglects the mass of the
        electrons in that of the pair.
    """

    replicas: int
    resolution: Resolution
    seed: int
    independent: bool
    precision: Precision

    def fill(self, chosen: Pairs, origins: tuple[Origin, ...], limbs: FloatArray) -> tuple[IntArray, FloatArray]:
        """Smear and histogram the pairs of a chunk.

        Parameters
        ----------
        chosen : Pairs
            The pairs, in the order of their events.
        origins : tuple of Origin
            Where these are from.
        limbs : float64[n, k]
            What to sum beside the entries: limbs of weights and of their squares, or nothing (``k = 0``).

        Returns
        -------
        counts : int64[replicas, 3, bins + 2]
            Entries of the histograms ``SMEARED``.
        sums : float64[replicas, 3, bins + 2, k]
            Sums of ``limbs``.
        """
        counts, sums = self._empty(limbs.shape[1])
        for origin in origins:
            rows = slice(*np.searchsorted(chosen.event, (origin.rows.start, origin.rows.stop)).tolist())
            event = origin.entry[chosen.event[rows] - origin.rows.start]
            more_counts, more_sums = self._fill(chosen[rows], event, limbs[rows], origin.uuid)
            counts += more_counts
            sums += more_sums  # exact: limbs leave room for all terms
        return counts, sums

    def _fill(
        self, chosen: Pairs, event: npt.NDArray[np.uint64], limbs: FloatArray, namespace: str
    ) -> tuple[IntArray, FloatArray]:
        """Smear and histogram pairs of one file, of whose events ``event`` are the entries."""
        energy = energy_of(chosen.px, chosen.py, chosen.pz, chosen.mass)
        if self.independent:
            energy = energy.astype(np.float32).astype(np.float64)
            keys = np.array([self._key(f"zee.original.{axis.name}", namespace) for axis in SMEARED])
        else:
            keys = np.array([self._key("zee.energy", namespace)])
        kernel = (self._double if self.is_double else self._single)(chosen, energy, event, keys)

        def fill(part: slice) -> tuple[IntArray, FloatArray]:
            counts, sums = self._empty(limbs.shape[1])
            kernel(part, limbs[part], counts, sums)
            return counts, sums

        (counts, sums), *others = threads.over_parts(len(event), fill)
        for more_counts, more_sums in others:
            counts += more_counts
            sums += more_sums  # exact: limbs leave room for all terms
        return counts, sums

    def _empty(self, limbs: int) -> tuple[IntArray, FloatArray]:
        """Histograms without entries, and sums of some limbs."""
        shape = (self.replicas, len(SMEARED), N_BINS + 2)
        return np.zeros(shape, dtype=np.int64), np.zeros((*shape, limbs))

    @property
    def is_double(self) -> bool:
        """Whether double precision is asked for, or needed, as without smearing."""
        return self.precision is Precision.DOUBLE or self.resolution == Resolution()

    def _double(
        self, chosen: Pairs, energy: FloatArray, event: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]
    ) -> Kernel:
        """Prepare the plain kernels."""
        sigma = self.resolution.at(energy)
        columns = [event, chosen.obj.astype(np.uint64), energy]
        if self.independent:
            columns += [total_momentum_square(chosen), sigma]
            return lambda part, limbs, counts, sums: smearing.smear_and_fill_independently(
                *(column[part] for column in columns), limbs, keys, EDGES, counts, sums
            )
        columns += [chosen.mass, cos_angle(chosen), sigma]
        return lambda part, limbs, counts, sums: smearing.smear_and_fill(
            *(column[part] for column in columns), limbs, keys[0], EDGES, counts, sums
        )

    def _single(
        self, chosen: Pairs, energy: FloatArray, event: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]
    ) -> Kernel:
        """Prepare the fast kernels; what would cancel in single precision is computed in double."""
        words = (event & LOW_WORD, event >> WORD_BITS, chosen.obj[:, 0], chosen.obj[:, 1])
        identity = np.stack([column.astype(np.uint32) for column in words])
        sigma = self.resolution.at(energy)
        columns = [energy[:, 0], energy[:, 1], sigma[:, 0], sigma[:, 1]]
        if self.independent:
            total = energy[:, 0] + energy[:, 1]
            columns += [total * total - total_momentum_square(chosen), 2.0 * total]
            kernel, key = smearing_single.smear_and_fill_independently, keys
        else:
            columns.append(2.0 * (1.0 - cos_angle(chosen)))
            kernel, key = smearing_single.smear_and_fill, keys[0]
        prepared = np.stack(columns).astype(np.float32)
        # contiguous, or numba would compile another kernel for strided columns
        return lambda part, limbs, counts, sums: kernel(
            *(np.ascontiguousarray(rows[:, part]) for rows in (identity, prepared)), limbs, key, EDGES, counts, sums
        )

    def _key(self, stream: str, namespace: str) -> np.uint64:
        return stream_key(self.seed, stream, namespace)


def compile_kernels(smearing_: Smearing) -> None:
    """Compile the kernels of the analysis, or load them from the cache."""
    one = np.ones((1, 2))
    index = np.zeros((1, 2), dtype=np.int64)
    single = Pairs(index[:, 0], index, one, one, one, one, {}, {})
    origin = Origin("", slice(0, 1), np.zeros(1, dtype=np.uint64))
    smearing_.fill(single, (origin,), np.empty((1, 0)))
    angles.delta_r(one, one, one)
    pairs.leading_pairs(one[0], one[0], np.array([0, 1]))

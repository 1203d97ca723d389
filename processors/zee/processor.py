"""The processor of the Z -> ee resolution study."""

from typing import Annotated, Self

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from hepcol.columns import Collection
from hepcol.corrections import NO_CORRECTIONS, Corrections
from hepcol.histograms import Histogram, variation_axis
from hepcol.inference.plan import FitPlan
from hepcol.origin import Origin, origins
from hepcol.random import MAX_SEED
from hepcol.result import DatasetResult, Result
from hepcol.schemas import Columns
from hepcol.skimming.passed import ALL_EVENTS, Passed
from hepcol.sums import DEFAULT_BOUND, ExactSum, limbs_of, sums_of_limbs
from hepcol.units import GeV
from hepcol.variations import replicas
from processors.zee.corrections import PAIR, compile_columns, evaluate, fill_systematics
from processors.zee.electrons import COLUMNS, Electrons, FloatArray, Pairs, select_pairs
from processors.zee.observables import DELTA_R, SMEARED, delta_r, repeated
from processors.zee.resolution import Resolution
from processors.zee.smearing import Precision, Smearing, compile_kernels

DEFAULT_SIGMA = 2 * GeV
WEIGHTS = "EventHeader"  # the collection that holds event weights, since EDM4hep 1

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ZeeProcessor(ProcessorABC):
    """Z -> ee at an e+e- collider, the electron energies smeared many times in one pass.

    Parameters
    ----------
    variations : int
        Number of smearings.
    electrons : Electrons
        ``reconstructed``: the reconstructed electron of highest energy and its partner of opposite charge;
        ``generator``: the same among final-state electrons; ``original``: the two beam particles, smeared
        anew for each histogram, as the original study did.
    sigma : float, optional
        Absolute energy resolution [GeV]; 2 GeV if no other term is given.
    stochastic, noise, constant : float, optional
        Terms a [sqrt(GeV)], b [GeV], c of a calorimeter, a / sqrt(E) + b / E + c relative to E, in quadrature.
    seed : int
        Seed of the smearing.
    precision : Precision
        Arithmetic of the smearing, see :class:`processors.zee.smearing.Smearing`.
    max_weight : float
        Bound on the magnitude of event weights; a larger weight is an error.
    corrections : Corrections
        Table of corrections of correctionlib, or its name: the selected events are weighted with them, by columns of
        the file and by those of :data:`processors.zee.corrections.PAIR`. Their variations are in further histograms,
        ``m_ee_systematics`` and the like, smeared as in the first replica.
    """

    variations: Annotated[int, Field(ge=1, le=100_000)] = 100
    electrons: Electrons = Electrons.RECONSTRUCTED
    sigma: NonNegative | None = None
    stochastic: NonNegative | None = None
    noise: NonNegative | None = None
    constant: NonNegative | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 1
    precision: Precision = Precision.SINGLE
    max_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = DEFAULT_BOUND
    corrections: Corrections = NO_CORRECTIONS

    @model_validator(mode="after")
    def _check_resolution(self) -> Self:
        if self.sigma is not None and self._is_calorimeter:
            raise ValueError("give either sigma or the calorimeter's terms stochastic, noise and constant, not both")
        return self

    @model_validator(mode="after")
    def _check_corrections(self) -> Self:
        self.corrections.required_columns(tuple(PAIR))  # to refuse what a pair does not have
        return self

    @property
    def _is_calorimeter(self) -> bool:
        """Whether a term of a calorimeter is given, be it zero."""
        return not (self.stochastic is self.noise is self.constant is None)

    @property
    def smearing(self) -> Smearing:
        """How the energies are smeared."""
        if self._is_calorimeter:
            resolution = Resolution(0.0, self.stochastic or 0.0, self.noise or 0.0, self.constant or 0.0)
        else:
            resolution = Resolution(DEFAULT_SIGMA if self.sigma is None else self.sigma)
        return Smearing(self.variations, resolution, self.seed, self.electrons is Electrons.ORIGINAL, self.precision)

    @property
    def required_columns(self) -> Columns:
        """Columns that the events need to have."""
        return (*COLUMNS[self.electrons], *self.corrections.required_columns(tuple(PAIR)))

    def warm_up(self) -> None:
        """Compile the kernels, so that the first chunk does not pay for it."""
        compile_kernels(self.smearing)
        if self.corrections:
            compile_columns()

    def fits(self) -> dict[str, FitPlan]:
        """Return the fits of m_ee, the default first."""
        from processors.zee.fits import plans

        return plans(self.electrons, self.smearing.resolution)

    def process(self, events: ak.Array) -> Result:
        """Analyse one chunk; the sum over chunks is the result of all events."""
        pairs = select_pairs(events, self.electrons)
        weights = event_weights(events)
        weight, from_files = None if weights is None else weights[pairs.event], origins(events)
        systematics: dict[str, Histogram] = {}
        if self.corrections:
            corrected = evaluate(self.corrections, events, pairs, weight)
            systematics = fill_systematics(self.smearing, pairs, from_files, corrected, self.max_weight)
            weight = corrected.nominal
        spectra = self._fill(pairs, from_files, weight) | systematics
        sum_weights = (
            ExactSum.of_ones(len(events), max(1.0, self.max_weight), len(events))
            if weights is None
            else ExactSum.of(weights, self.max_weight)
        )
        result = DatasetResult(len(events), sum_weights, pairs.cutflow, pairs.tallies, spectra)
        return Result({events.metadata["dataset"]: result})

    def skim(self, events: ak.Array) -> Passed:
        """Say which events a skim needs: those with a pair."""
        found = np.zeros(len(events), dtype=np.bool_)
        found[select_pairs(events, self.electrons).event] = True
        everything = np.ones(len(events), dtype=np.bool_)
        return Passed({ALL_EVENTS: everything, "opposite-charge pair": found}, event_weights(events), self.max_weight)

    def skim_columns(self, events: ak.Array) -> Columns:
        """Columns that a skim of events needs."""
        return (*self.required_columns, *((f"{WEIGHTS}.weight",) if WEIGHTS in events.fields else ()))

    def _fill(self, pairs: Pairs, origins_: tuple[Origin, ...], weight: FloatArray | None) -> dict[str, Histogram]:
        """Histogram the pairs in all variations."""
        axis = variation_axis(one.name for one in replicas(self.variations, "smear"))
        limbs = np.empty((len(pairs.event), 0)) if weight is None else limbs_of(weight, self.max_weight)
        counts, sums = self.smearing.fill(pairs, origins_, limbs)
        spectra = {
            observable.name: Histogram(
                (axis, observable), counts[:, k], *sums_of_limbs(sums[:, k], self.max_weight, len(pairs.event))
            )
            for k, observable in enumerate(SMEARED)
        }
        # the smearing keeps directions, so all variations share one histogram of the distance
        distance = Histogram.fill((DELTA_R,), delta_r(pairs), weight=weight, max_weight=self.max_weight)
        return {**spectra, DELTA_R.name: repeated(distance, axis)}


def event_weights(events: ak.Array) -> FloatArray | None:
    """Weights of the events; None where the file has none, so that every event counts one.

    Raises
    ------
    ValueError
        If an event does not have exactly one weight.
    """
    if WEIGHTS not in events.fields:
        return None
    headers = Collection(events[WEIGHTS])
    numbers = np.diff(headers.offsets)
    if np.any(numbers != 1):
        raise ValueError(f"{WEIGHTS}.weight: {int(np.sum(numbers != 1))} events do not have exactly one weight")
    return headers["weight"].astype(np.float64)

"""The processor of Z -> ee in ATLAS."""

import os
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from calib.egamma import EgammaCalibration
from calib.egamma.area import VARIABLE
from calib.egamma.calibrator import NOT_PHYSICS, SYNTHETIC
from hepcol.errors import InputError
from hepcol.fileset import Fileset
from hepcol.goodruns import GoodRuns, read_good_runs
from hepcol.histograms import Histogram
from hepcol.inference.plan import FitPlan
from hepcol.random import MAX_SEED
from hepcol.result import DatasetResult, Result
from hepcol.schemas import Columns
from hepcol.skimming.passed import ALL_EVENTS, Passed
from hepcol.sums import ExactSum, limbs_of
from hepcol.variations import NOMINAL
from processors.zee_atlas import arrangement, cutflow, electrons, fill, templates
from processors.zee_atlas.arrangement import FORM, SIMULATION
from processors.zee_atlas.compilation import compile_kernels
from processors.zee_atlas.electrons import Candidates, Floats
from processors.zee_atlas.selection import TRIGGERED
from processors.zee_atlas.weights import OF_WEIGHTS, ScaleFactors, event_weights

# Weights of generators reach 1e8 in ATLAS's files; sums of squares have digits down to 2^-96 of its square
MAX_WEIGHT = 2.0**30
_ALL, _NONE = "all", "none"


class Duplicates(StrEnum):
    """What to do with events that are there twice."""

    ERROR = "error"
    KEEP = "keep"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ZeeAtlasProcessor(ProcessorABC):
    """Z -> ee in ATLAS's PHYSLITE: calibrated electrons, nominal and with every systematic, in one pass.

    Parameters
    ----------
    model : str
        The calibration, see :class:`calib.egamma.EgammaCalibration`.
    decorrelation : str
        Its systematics: the name of a scheme, or one of the scale and one of the resolution, with a comma.
    simulation : {"full", "fast"}
        Which simulation the events are of, where they are simulation.
    area : str or Path
        Calibration area; by default the one that ``HEPCOL_CALIB_AREA`` names, or the synthetic one, which is not
        physics: the run and its plots say so then.
    calibrated : bool
        Whether to calibrate: without, momenta are those that are stored, and there are no variations of them.
    systematics : str
        ``all``, ``none``, or one by its official name, such as ``EG_SCALE_ALL__1up``.
    smearing : {"counter", "atlas"}
        Random numbers of the smearing.
    seed : int
        Seed of them.
    random_run_number : int
        Run of all events of simulation, for files without ``RandomRunNumber``.
    scale_factors : str
        File of correctionlib with those of electrons, of simulation: ``zee-atlas`` are those of the shipped sample.
        None without it. They are taken at the nominal pt.
    good_runs : str or Path
        List of good runs, in XML or JSON, see :mod:`hepcol.goodruns`: events of data have to be in it. None without it.
    in_situ : bool
        Fill the templates of the calibration from the Z peak, too.
    duplicates : {"error", "keep"}
        What to do with events of simulation that are there twice within a chunk, as in replicated files.
    max_weight : float
        Bound on the magnitude of event weights; a larger weight is an error.
    """

    model: str = "es2022_R22_PRE"
    decorrelation: str = "FULL_v1"
    simulation: str = "full"
    area: str | Path = ""
    calibrated: bool = True
    systematics: str = _ALL
    smearing: str = "counter"
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 1
    random_run_number: Annotated[int, Field(ge=0)] = 0
    scale_factors: str = ""
    good_runs: str | Path = ""
    in_situ: bool = False
    duplicates: Duplicates = Duplicates.ERROR
    max_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = MAX_WEIGHT
    tables: str = field(init=False)
    good_blocks: str = field(init=False)
    event_identity: ClassVar[str] = "channel, run and event number"  # of random numbers, for provenance

    def __post_init__(self) -> None:
        # found and read here and not by the workers, which may have neither the files nor the variable
        named = str(self.area or os.environ.get(VARIABLE) or SYNTHETIC)
        object.__setattr__(self, "area", named if named == SYNTHETIC else str(Path(named).expanduser().resolve()))
        object.__setattr__(self, "tables", self.tool.fingerprint)
        if self.good_runs:
            object.__setattr__(self, "good_runs", str(Path(self.good_runs).expanduser().resolve()))
        object.__setattr__(self, "good_blocks", "" if self.good is None else self.good.digest)
        if self.in_situ:
            _ = self.bare
        if self.systematics not in (_ALL, _NONE, *self._weight_variations):
            self.tool.find(self.systematics)  # to refuse one that does not exist
        if not self.calibrated and self.systematics not in (_ALL, _NONE, *self._weight_variations):
            raise InputError(f"systematics {self.systematics}: momenta that are stored (calibrated=false) have none")

    @cached_property
    def tool(self) -> EgammaCalibration:
        """The calibration."""
        return self._calibrate_with()

    @cached_property
    def bare(self) -> EgammaCalibration:
        """The calibration without what comes from Z -> ee: neither scale nor smearing."""
        return self._calibrate_with(scale_correction=False, smear=False)

    def _calibrate_with(self, **more: Any) -> EgammaCalibration:
        return EgammaCalibration(
            self.model,
            _schemes(self.decorrelation),
            simulation=self.simulation,  # type: ignore[arg-type]  # the calibration checks
            area=self.area,
            smearing=self.smearing,  # type: ignore[arg-type]
            seed=self.seed,
            random_run_number=self.random_run_number,
            **more,
        )

    @cached_property
    def factors(self) -> ScaleFactors | None:
        """Scale factors of the electrons' efficiencies."""
        return ScaleFactors.read(self.scale_factors) if self.scale_factors else None

    @cached_property
    def good(self) -> GoodRuns | None:
        """Good runs, of data."""
        return read_good_runs(self.good_runs) if self.good_runs else None

    @property
    def _weight_variations(self) -> tuple[str, ...]:
        """Names of the variations of scale factors."""
        return () if self.factors is None else tuple(one.name for one in self.factors.variations)

    def _chosen(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the variations that are asked for."""
        if self.systematics == _ALL:
            return names
        return (self.systematics,) if self.systematics in names else ()

    def arrange(self, fileset: Fileset) -> Fileset:
        """Tell simulation from data: see :func:`processors.zee_atlas.arrangement.arrange`."""
        warning = f"calibrated with {NOT_PHYSICS}" if self.calibrated and self.tool.is_synthetic else ""
        mark = "synthetic calibration: not physics" if warning else ""
        check = (lambda _channels: None) if self.factors is None else self.factors.check_channels
        return arrangement.arrange(fileset, warning, mark, check)

    def required_columns(self, metadata: Mapping[str, Any]) -> Columns:
        """Columns that the files of a dataset need to have."""
        if metadata.get(FORM) != SIMULATION:
            return (*electrons.COLUMNS, *(() if self.good is None else (electrons.BLOCK,)))
        of_run = () if self.random_run_number else (electrons.RUN_OF_SIMULATION,)
        return (*electrons.COLUMNS, *of_run, *(() if self.factors is None else self.factors.columns))

    def warm_up(self) -> None:
        """Compile the kernels, or load them from the cache."""
        self.tool.warm_up()
        compile_kernels()

    def fits(self) -> dict[str, FitPlan]:
        """Return the fits of m_ee, the default first."""
        from processors.zee_atlas.fits import plans

        return plans()

    def process(self, events: ak.Array) -> Result:
        """Analyse one chunk; the sum over chunks is the result of all events."""
        metadata = events.metadata
        is_simulation = metadata[FORM] == SIMULATION
        electrons.check_form(events, is_simulation)
        if is_simulation and self.duplicates is Duplicates.ERROR:
            electrons.check_unique(events)
        found = electrons.find_electrons(events, None if is_simulation else self.good)
        weights, tallies = event_weights(events) if is_simulation else (None, {})
        candidates = found.candidates
        nothing = None, np.empty((0, len(candidates.row)))
        weight, varied = self._weigh(events, candidates, weights) if is_simulation else nothing
        limbs = np.empty((len(candidates.row), 0)) if weight is None else limbs_of(weight, self.max_weight)
        tool = self.tool if self.calibrated else None
        systematics = self._chosen(self.tool.systematics) if tool is not None and is_simulation else ()
        filled = fill.fill_kinematic(tool, systematics, candidates, limbs)
        chosen = self._chosen(self._weight_variations) if is_simulation else ()
        rows = [self._weight_variations.index(name) for name in chosen]
        weighted = fill.fill_weights(filled, varied[rows][:, filled.selected], self.max_weight)
        histograms = fill.to_histograms(
            (NOMINAL, *systematics, *chosen), (filled.histograms, weighted), self.max_weight, len(candidates.row)
        )
        steps = cutflow.steps_of(found, filled.steps, len(events))
        histograms[cutflow.NAME] = cutflow.fill(steps, weights, self.max_weight)
        if self.in_situ:
            histograms |= self._fill_in_situ(candidates, weight, limbs, is_simulation)
        result = DatasetResult(
            len(events),
            ExactSum.of_ones(len(events), self.max_weight, len(events))
            if weights is None
            else ExactSum.of(weights, self.max_weight),
            {name: int(np.count_nonzero(passed)) for name, passed in steps.items()},
            found.tallies | tallies,
            histograms,
        )
        return Result({metadata["dataset"]: result})

    def skim(self, events: ak.Array) -> Passed:
        """Say which events a skim needs: those with candidates, which some variation may select."""
        is_simulation = events.metadata[FORM] == SIMULATION
        found = electrons.find_electrons(events)
        needed = np.zeros(len(events), dtype=np.bool_)
        needed[found.candidates.row] = True
        weights = event_weights(events)[0] if is_simulation else None
        everything = np.ones(len(events), dtype=np.bool_)
        return Passed({ALL_EVENTS: everything, TRIGGERED: needed}, weights, self.max_weight)

    def skim_columns(self, events: ak.Array) -> Columns:
        """Columns that a skim of events needs."""
        further = [
            f"EventInfo.{name}" for name in (*electrons.OPTIONAL, *OF_WEIGHTS) if name in events.EventInfo.fields
        ]
        triggers = [name for name in electrons.TRIGGER_COLUMNS if name in events.fields]
        return (*self.required_columns(events.metadata), *further, *triggers)

    def _weigh(self, events: ak.Array, candidates: Candidates, weights: Floats | None) -> tuple[Floats | None, Floats]:
        """Weights of the candidates' events, with scale factors, and in the variations of these."""
        of_events = None if weights is None else weights[candidates.row]
        if self.factors is None:
            return of_events, np.empty((0, len(candidates.row)))
        self.factors.check_events(events)
        stored = candidates.columns["pt"].astype(np.float32)
        nominal_pt = self.tool.calibrate(candidates.columns) if self.calibrated else stored
        which, pt = fill.leading_two(nominal_pt, candidates)
        abs_eta = np.abs(candidates.columns["cl_eta_s2"].astype(np.float64))[which]
        # what fails the cut nominally may pass it in a variation
        nominal, varied = self.factors.evaluate(abs_eta, np.maximum(pt, fill.CUTS.min_pt))
        own = np.ones(len(nominal)) if of_events is None else of_events
        return own * nominal, own * varied

    def _fill_in_situ(
        self, candidates: Candidates, weight: Floats | None, limbs: Floats, is_simulation: bool
    ) -> dict[str, Histogram]:
        """Fill what the calibration from the Z peak is made of."""
        pt = self.bare.calibrate(candidates.columns)
        if not is_simulation:
            found = templates.find_pairs(candidates, pt, 0.0)
            return {templates.DATA: templates.fill_data(found, weight, self.max_weight)}
        found = templates.find_pairs(candidates, pt, templates.MARGIN)
        return {templates.TEMPLATES: templates.fill_templates(found, candidates, self.seed, limbs, self.max_weight)}


def _schemes(decorrelation: str) -> str | tuple[str, str]:
    """Read the name of a scheme, or two of them."""
    scale, comma, resolution = decorrelation.partition(",")
    return (scale.strip(), resolution.strip()) if comma else decorrelation

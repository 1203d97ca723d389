"""The calibration of electrons and photons, as ATLAS's EgammaCalibrationAndSmearingTool does it, over whole columns."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calib.egamma import lazy
from calib.egamma.area import OPTION, VARIABLE
from calib.egamma.columns import ELECTRON_MASS, OF_EVENTS, OF_PARTICLES, OPTIONAL, PHOTON_MASS, Columns, flat_columns
from calib.egamma.kernels import calibrate as kernels
from calib.egamma.kernels import draws, mersenne, parts, slots
from calib.egamma.kernels.lookup import Tables
from calib.egamma.models import MODELS, ModelSpec, model_of
from calib.egamma.systematics import Systematic, kernel_variations, systematics_of
from calib.egamma.tables import RESOLUTION_TYPES, read_tables
from hepcol.errors import InputError
from hepcol.random import MAX_SEED, stream_key
from hepcol.variations import Direction, Kind, Variation

SYNTHETIC = "synthetic"
SYNTHETIC_AREA = Path(__file__).parent / "synthetic"
NOT_PHYSICS = "the synthetic calibration area that hepcol ships: smooth made-up numbers, not physics"
NOMINAL = "nominal"
STREAM = "egamma.energy"
SMEARINGS = ("counter", "atlas")
SIMULATIONS = {"full": slots.FULL_SIMULATION, "fast": slots.FAST}

Chosen = str | tuple[str, str]  # a systematic, or one of the scale and one of the resolution together
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EgammaCalibration:
    """Energy calibration of electrons and photons, and its systematic uncertainties.

    A port of ``CP::EgammaCalibrationAndSmearingTool`` (Athena, ``ElectronPhotonFourMomentumCorrection``, area v38) in
    the configuration of its columnar mode: it starts from the energy that is stored, without recalibrating layers and
    without the MVA calibration.

    Parameters
    ----------
    model : str
        The calibration, the tool's ``ESModel``: see ``calib.egamma.MODELS``.
    decorrelation : str or tuple of two
        Which systematics there are: ``"1NP_v1"``, ``"FULL_v1"``, ``"FULL_ETACORRELATED_v1"``, ``"1NPCOR_PLUS_UNCOR"``;
        or one for the scale and one for the resolution.
    simulation : {"full", "fast"}, optional
        Which simulation events are of; needed for simulation, and only there.
    area : str or Path, optional
        Folder of calibration files, ATLAS's ``ElectronPhotonFourMomentumCorrection``; by default the one that
        ``HEPCOL_CALIB_AREA`` names. ``"synthetic"`` is shipped with hepcol, and not physics.
    smearing : {"counter", "atlas"}
        Random numbers of the smearing of simulation: hepcol's own, or those of the tool, electron by electron.
    seed : int
        Seed of ``counter``; the tool has none.
    scale : bool
        Whether data are scaled (``doScaleCorrection``).
    smear : bool
        Whether simulation is smeared (``doSmearing``).
    resolution_type : {"SigmaEff90", "SigmaEff80", "Gaussian"}
        What is meant by resolution (``ResolutionType``).
    var_sf : float
        Factor of uncertainties of the scale (``varSF``).
    full_statistical_error : bool
        Whether ``FULL_v1`` has the statistical errors from Z -> ee bin by bin (``use_full_statistical_error``).
    random_run_number : int
        Run that all events of simulation belong to, in place of their ``RandomRunNumber`` (``randomRunNumber``).
    dtype : {"float32", "float64"}
        Of calibrated pt; the tool's is float32.

    Raises
    ------
    InputError
        If an option is not one of those, or the area lacks something.

    Notes
    -----
    Energies are in MeV, as in ATLAS's files. Nominal, up and down share the random number of a particle.
    """

    model: str
    decorrelation: str | tuple[str, str] = "FULL_v1"
    simulation: Literal["full", "fast"] | None = None
    area: str | Path | None = None
    smearing: Literal["counter", "atlas"] = "counter"
    seed: int = 1
    scale: bool = True
    smear: bool = True
    resolution_type: Literal["SigmaEff90", "SigmaEff80", "Gaussian"] = "SigmaEff90"
    var_sf: float = 1.0
    full_statistical_error: bool = False
    random_run_number: int = 0
    dtype: Literal["float32", "float64"] = "float32"
    _tables: Tables = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, accepted in (
            ("smearing", SMEARINGS),
            ("simulation", (None, *SIMULATIONS)),
            ("resolution_type", tuple(RESOLUTION_TYPES)),
            ("dtype", ("float32", "float64")),
        ):
            if getattr(self, name) not in accepted:
                listed = ", ".join(str(one) for one in accepted)
                raise InputError(f"{name} must be one of {listed}, got '{getattr(self, name)}'")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be an integer from 0 to {MAX_SEED}, got {self.seed}")
        if self.simulation == "fast" and self.model == "es2022_R22_PRE":
            raise InputError("model 'es2022_R22_PRE' has no fast simulation, as in the tool; simulation must be full")
        tables = read_tables(area_folder(self.area), self.spec, self.resolution_type)
        object.__setattr__(self, "_tables", tables)
        _ = self._systematics  # to refuse a decorrelation that does not exist

    @cached_property
    def spec(self) -> ModelSpec:
        """What distinguishes the model."""
        return model_of(self.model)

    @property
    def is_synthetic(self) -> bool:
        """Whether the area is the one that is not physics."""
        return area_folder(self.area) == SYNTHETIC_AREA

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of particles, their clusters and events, by the names that it has here."""
        return (*OF_PARTICLES, *OF_EVENTS)

    @cached_property
    def _systematics(self) -> dict[str, tuple[Systematic, float]]:
        """Systematics with their direction, by the official names of their variations."""
        scale, resolution = (
            (self.decorrelation,) * 2 if isinstance(self.decorrelation, str) else tuple(self.decorrelation)
        )
        edges = parts.edges(self._tables, slots.ZEE_NEWEST).tolist() if self.full_statistical_error else None
        both = [
            *(one for one in systematics_of(self.spec, scale, edges) if one.resolution == slots.NONE),
            *(one for one in systematics_of(self.spec, resolution) if one.resolution != slots.NONE),
        ]
        return {
            variation.name: (one, 1.0 if variation.direction is Direction.UP else -1.0)
            for one in both
            for variation in one.variations()
        }

    @property
    def systematics(self) -> tuple[str, ...]:
        """Official names of all variations, such as ``EG_SCALE_ALL__1up``."""
        return tuple(self._systematics)

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Return all variations, the nominal one first."""
        varied = (
            variation
            for one in dict.fromkeys(s for s, _ in self._systematics.values())
            for variation in one.variations()
        )
        return (Variation(NOMINAL, Kind.NOMINAL), *varied)

    def calibrate(self, particles: Any, events: Any = None, systematic: Chosen | None = None) -> Any:
        """Calibrate particles.

        Parameters
        ----------
        particles, events
            See :func:`calib.egamma.columns.flat_columns`; or ``dask_awkward.Array``, for a lazy result.
        systematic : str or tuple of two, optional
            Official name of a variation, or one of the scale and one of the resolution together; by default nominal.

        Returns
        -------
        array
            Calibrated pt [MeV] in the shape of the particles. Data have no variations: there it is always nominal.

        Raises
        ------
        InputError
            If there is no such systematic, or a column is missing.
        """
        if lazy.is_lazy(particles):
            return lazy.mapped(self.calibrate, particles, events, systematic=systematic)
        if systematic is None:
            return lazy.answered(particles, events, self._nominal)
        chosen = [self._parts_of(systematic)]
        return lazy.answered(particles, events, lambda columns: self._varied(columns, chosen)[1])

    def calibrate_all(
        self, particles: Any, events: Any = None, systematics: Literal["all"] | Sequence[Chosen] = "all"
    ) -> Any:
        """Calibrate particles with all variations, in one pass.

        Parameters
        ----------
        particles, events
            As of :meth:`calibrate`.
        systematics : "all" or sequence
            Which; a tuple of two is one of the scale and one of the resolution together.

        Returns
        -------
        dict of str to array
            Calibrated pt [MeV] in the shape of the particles, by the name of the variation, ``"nominal"`` first. The
            arrays are rows of one block, ``(1 + variations, particles)``, and that is all the memory it takes. Of
            ``dask_awkward.Array``, one array of records with these names.

        Raises
        ------
        InputError
            If there is no such systematic, or a column is missing.
        """
        names, chosen = self._choose(systematics)
        if lazy.is_lazy(particles):
            return lazy.mapped(self._records, particles, events, systematics=systematics)
        columns = flat_columns(particles, events)
        block = self._varied(columns, chosen)
        return {name: columns.restore(row) for name, row in zip(names, block, strict=True)}

    def blocks(
        self,
        particles: Any,
        events: Any = None,
        systematics: Literal["all"] | Sequence[Chosen] = "all",
        size: int = 4096,
    ) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
        """Calibrate particles with all variations, some at a time, such as to fill histograms.

        Yields
        ------
        slice, array
            Which of the particles, flat, and their calibrated pt [MeV], ``(1 + variations, size)``, nominal first. The
            array is used again for the next ones.
        """
        _, chosen = self._choose(systematics)
        columns = flat_columns(particles, events)
        variations = kernel_variations(chosen)
        setup, taken, normals = self._prepared(columns)
        out = np.empty((1 + len(chosen), min(size, len(columns))), dtype=self.dtype)
        for start in range(0, len(columns), size):
            part = slice(start, min(start + size, len(columns)))
            filled = out[:, : part.stop - part.start]
            some = kernels.Particles(*(column[part] for column in taken))  # type: ignore[arg-type]  # of two types
            kernels.varied(self._tables, self.spec.record, setup, some, normals[part], variations, filled)
            yield part, filled

    def alpha(self, particles: Any, events: Any = None, systematic: str | None = None) -> Any:
        """Return the energy scale alpha, by which E(data) = (1 + alpha) E(simulation), at the energy that is given.

        Parameters
        ----------
        particles, events
            As of :meth:`calibrate`.
        systematic : str, optional
            Official name of a variation of the scale.

        Raises
        ------
        InputError
            If there is no such systematic of the scale, or a column is missing.
        """
        chosen = [] if systematic is None else [self._parts_of(systematic)]
        if chosen and chosen[0][0][0].scale == slots.NONE:
            raise InputError(f"systematic '{systematic}' is none of the scale")

        def found(columns: Columns) -> npt.NDArray[Any]:
            out = np.empty(len(columns))
            run = columns.get("run_number" if not _is_simulation(columns) else self._run_column(columns))
            taken = self._particles(columns, run.astype(np.int64))
            parts.alphas(
                self._tables,
                self.spec.record,
                self._setup(slots.FULL_SIMULATION),
                taken,
                kernel_variations(chosen),
                out,
            )
            return out

        return lazy.answered(particles, events, found)

    def resolution(self, particles: Any, events: Any = None, constant_term: bool = True) -> Any:
        """Return the relative energy resolution, sigma / E, of full simulation at the energy that is given.

        Parameters
        ----------
        particles, events
            As of :meth:`calibrate`.
        constant_term : bool
            Whether with the constant term that data have in addition.
        """

        def found(columns: Columns) -> npt.NDArray[Any]:
            out = np.empty(len(columns))
            taken = self._particles(columns, np.zeros(len(columns), dtype=np.int64))
            parts.resolutions_of(self._tables, self.spec.record, taken, constant_term, out)
            return out

        return lazy.answered(particles, events, found)

    def warm_up(self) -> None:
        """Compile the kernels, or load them from the cache."""
        one = {name: np.ones(1, dtype=np.float32) for name in OF_PARTICLES if name not in OPTIONAL}
        event = {name: np.ones(1, dtype=np.int64) for name in OF_EVENTS}
        for simulated in (False, True):
            given = {**one, **event, "is_simulation": np.array([simulated])}
            if not simulated or self.simulation is not None:
                self.calibrate(given)
                self.calibrate_all(given)

    def _nominal(self, columns: Columns) -> npt.NDArray[Any]:
        """Calibrate flat columns."""
        setup, particles, normals = self._prepared(columns)
        out = np.empty(len(columns), dtype=self.dtype)
        kernels.nominal(self._tables, self.spec.record, setup, particles, normals, out)
        return out

    def _varied(self, columns: Columns, chosen: list[tuple[tuple[Systematic, float], ...]]) -> npt.NDArray[Any]:
        """Calibrate flat columns with variations: ``(1 + variations, particles)``, nominal first."""
        setup, particles, normals = self._prepared(columns)
        out = np.empty((1 + len(chosen), len(columns)), dtype=self.dtype)
        variations = kernel_variations(chosen)
        kernels.varied(self._tables, self.spec.record, setup, particles, normals, variations, out)
        return out

    def _records(self, particles: Any, events: Any = None, systematics: Any = "all") -> Any:
        """Return :meth:`calibrate_all` as records, for dask-awkward."""
        import awkward as ak

        names, chosen = self._choose(systematics)

        def found(columns: Columns) -> Any:
            rows = self._varied(columns, chosen)
            return ak.zip(dict(zip(names, rows, strict=True)), depth_limit=1)

        return lazy.answered(particles, events, found)

    def _choose(
        self, systematics: Literal["all"] | Sequence[Chosen]
    ) -> tuple[list[str], list[tuple[tuple[Systematic, float], ...]]]:
        """Find systematics by their names, and put the nominal one in front."""
        if isinstance(systematics, str) and systematics != "all":
            raise InputError(f"systematics must be all or a list of names, got '{systematics}'")
        wanted = list(self._systematics) if isinstance(systematics, str) else list(systematics)
        names = [one if isinstance(one, str) else "+".join(one) for one in wanted]
        return [NOMINAL, *names], [self._parts_of(one) for one in wanted]

    def _parts_of(self, systematic: Chosen) -> tuple[tuple[Systematic, float], ...]:
        """Find a systematic by its name; of two, one has to be of the scale and one of the resolution."""
        names = (systematic,) if isinstance(systematic, str) else tuple(systematic)
        unknown = [name for name in names if name not in self._systematics]
        if unknown:
            raise InputError(
                f"systematic '{unknown[0]}' is unknown to model {self.model} with {self.decorrelation}; "
                f"there are: {', '.join(self._systematics)}"
            )
        found = tuple(self._systematics[name] for name in names)
        if len({one.resolution == slots.NONE for one, _ in found}) < len(found):
            raise InputError(
                f"systematics {', '.join(names)}: together can be one of the scale and one of the resolution"
            )
        return found

    def _setup(self, sample: int) -> kernels.Setup:
        """Return what the kernels are to do."""
        left_out, left_out_correlated = (np.zeros(slots.SOURCES, dtype=np.int64) for _ in range(2))
        left_out[list(slots.NOT_IN_ALL)] = 1
        left_out_correlated[list(slots.NOT_CORRELATED)] = 1
        return kernels.Setup(sample, self.scale, self.smear, self.var_sf, False, left_out, left_out_correlated)

    def _prepared(self, columns: Columns) -> tuple[kernels.Setup, kernels.Particles, Floats]:
        """Return what the kernels need of columns: what to do, the particles, and their random numbers."""
        if not len(columns) or not _is_simulation(columns):
            sample = slots.DATA
        elif self.simulation is None:
            raise InputError("the events are simulation: simulation must be full or fast")
        else:
            sample = SIMULATIONS[self.simulation]
        simulated = sample != slots.DATA
        run = columns.get(self._run_column(columns) if simulated else "run_number").astype(np.int64)
        if simulated and self.random_run_number:
            run = np.full(len(columns), self.random_run_number, dtype=np.int64)
        normals = self._normals(columns) if simulated and self.smear else np.zeros(len(columns))
        return self._setup(sample), self._particles(columns, run), normals

    def _run_column(self, columns: Columns) -> str:
        """Name the column of the run that simulation belongs to.

        Raises
        ------
        InputError
            If there is none: the tool takes a run of 2016 then, and prints an error.
        """
        if not self.random_run_number and "random_run_number" not in columns.values:
            raise InputError(
                "simulation needs the run that it belongs to: a column random_run_number (RandomRunNumber), "
                "which pile-up reweighting adds, or the option random_run_number"
            )
        return "random_run_number" if "random_run_number" in columns.values else "run_number"

    def _particles(self, columns: Columns, run: npt.NDArray[np.int64]) -> kernels.Particles:
        """Return the columns as kernels take them."""
        masses = np.where(columns.kind == slots.ELECTRON, ELECTRON_MASS, PHOTON_MASS)
        return kernels.Particles(
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

    def _normals(self, columns: Columns) -> Floats:
        """Draw the random number of each particle."""
        out = np.empty(len(columns))
        events = np.ascontiguousarray(columns.exact("event_number"), dtype=np.uint64)
        if self.smearing == "atlas":
            seeds = np.empty(len(columns), dtype=np.uint32)
            mersenne.object_seeds(columns.get("cl_phi"), columns.get("cl_eta"), events, seeds)
            mersenne.first_gaussians(seeds, out)
            return out
        index = columns.identity()
        for namespace, chosen in columns.samples():
            key = stream_key(self.seed, STREAM, namespace)
            if chosen is None:
                draws.counter_normals(events, index, key, out)
                continue
            some = np.empty(int(chosen.sum()))
            draws.counter_normals(events[chosen], index[chosen], key, some)
            out[chosen] = some
        return out


def area_folder(area: str | Path | None) -> Path:
    """Return the calibration area that an option or the environment names.

    Raises
    ------
    InputError
        If neither does.
    """
    named = area or os.environ.get(VARIABLE)
    if not named:
        raise InputError(
            f"no calibration area: {VARIABLE} or {OPTION} names ATLAS's folder ElectronPhotonFourMomentumCorrection; "
            f"'{SYNTHETIC}' is {NOT_PHYSICS}"
        )
    return SYNTHETIC_AREA if str(named) == SYNTHETIC else Path(named)


def _is_simulation(columns: Columns) -> bool:
    """Whether the events are simulation.

    Raises
    ------
    InputError
        If they do not say, or are of both kinds.
    """
    flags = columns.exact("is_simulation").astype(np.bool_)
    if flags.any() and not flags.all():
        raise InputError(
            f"{int(flags.sum())} of {len(flags)} particles are of simulation, the others of data: one at a time"
        )
    return bool(flags.any())


__all__ = ["MODELS", "EgammaCalibration"]

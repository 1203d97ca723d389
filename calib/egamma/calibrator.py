"""The calibration of electrons and photons, as ATLAS's EgammaCalibrationAndSmearingTool does it, over whole columns."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calib.egamma import inputs, lazy
from calib.egamma.area import FOLDER, MAIN_FILE, OPTION, VARIABLE
from calib.egamma.columns import OF_EVENTS, OF_PARTICLES, OPTIONAL, Columns, flat_columns
from calib.egamma.kernels import calibrate as kernels
from calib.egamma.kernels import parts, slots
from calib.egamma.kernels.lookup import Tables
from calib.egamma.menu import Choice, Menu, Name, Names
from calib.egamma.models import ModelSpec, model_of
from calib.egamma.systematics import kernel_variations
from calib.egamma.tables import RESOLUTION_TYPES, read_tables
from hepcol.errors import InputError
from hepcol.random import MAX_SEED
from hepcol.variations import Variation

SYNTHETIC = "synthetic"
SYNTHETIC_AREA = Path(__file__).parent / "synthetic"
NOT_PHYSICS = "the synthetic calibration area that hepcol ships: smooth made-up numbers, not physics"
SMEARINGS = ("counter", "atlas")
SIMULATIONS = {"full": slots.FULL_SIMULATION, "fast": slots.FAST}

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
    scale_correction : bool
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

    Attributes
    ----------
    is_synthetic : bool
        Whether the area is the one that is not physics, wherever it is.

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
    scale_correction: bool = True
    smear: bool = True
    resolution_type: Literal["SigmaEff90", "SigmaEff80", "Gaussian"] = "SigmaEff90"
    var_sf: float = 1.0
    full_statistical_error: bool = False
    random_run_number: int = 0
    dtype: Literal["float32", "float64"] = "float32"
    is_synthetic: bool = field(init=False)
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
        folder = area_folder(self.area)
        tables = read_tables(folder, self.spec, self.resolution_type)
        object.__setattr__(self, "_tables", tables)
        object.__setattr__(self, "is_synthetic", _is_synthetic(folder))
        _ = self._menu  # to refuse a decorrelation that does not exist

    @cached_property
    def spec(self) -> ModelSpec:
        """What distinguishes the model."""
        return model_of(self.model)

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of particles, their clusters and events, by the names that it has here."""
        return (*OF_PARTICLES, *OF_EVENTS)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what was read of the area."""
        digest = hashlib.blake2b(digest_size=8)
        for name, table in zip(self._tables._fields, self._tables, strict=True):
            digest.update(f"{name}:{np.asarray(table).dtype}:{np.shape(table)}".encode())
            digest.update(np.ascontiguousarray(table).tobytes())
        return digest.hexdigest()

    @cached_property
    def _menu(self) -> Menu:
        """The systematics to choose from."""
        edges = parts.edges(self._tables, slots.ZEE_NEWEST).tolist() if self.full_statistical_error else None
        return Menu.of(self.spec, self.decorrelation, edges)

    @property
    def systematics(self) -> tuple[str, ...]:
        """Official names of all variations, such as ``EG_SCALE_ALL__1up``."""
        return tuple(self._menu.systematics)

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Return all variations, the nominal one first."""
        return self._menu.variations

    def find(self, systematic: Name) -> None:
        """Refuse a systematic that does not exist.

        Raises
        ------
        InputError
            If it does not.
        """
        self._menu.find(systematic)

    def calibrate(self, particles: Any, events: Any = None, systematic: Name | None = None) -> Any:
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
        if lazy.is_lazy(particles, events):
            return lazy.mapped(self.calibrate, particles, events, systematic=systematic)
        if systematic is None:
            return lazy.answered(particles, events, self._nominal)
        chosen = [self._menu.find(systematic)]
        return lazy.answered(particles, events, lambda columns: self._varied(columns, chosen)[1])

    def calibrate_all(self, particles: Any, events: Any = None, systematics: Names = "all") -> Any:
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
        names, chosen = self._menu.choose(systematics)
        if lazy.is_lazy(particles, events):
            return lazy.mapped(self._records, particles, events, systematics=systematics)
        columns = flat_columns(particles, events)
        block = self._varied(columns, chosen)
        return {name: columns.restore(row) for name, row in zip(names, block, strict=True)}

    def blocks(
        self,
        particles: Any,
        events: Any = None,
        systematics: Names = "all",
        size: int = 4096,
        offsets: npt.NDArray[np.int64] | None = None,
    ) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
        """Calibrate particles with all variations, some at a time, such as to fill histograms; nothing is lazy here.

        Parameters
        ----------
        particles, events, systematics
            As of :meth:`calibrate_all`.
        size : int
            How many at a time.
        offsets : array of int64, optional
            Where events begin among the particles, and their end: events are not divided then, so that there are more
            particles at a time where one has more than ``size``.

        Yields
        ------
        slice, array
            Which of the particles, flat, and their calibrated pt [MeV], ``(1 + variations, size)``, nominal first. The
            array is used again for the next ones.
        """
        if size < 1:
            raise InputError(f"size must be at least 1 particle, got {size}")
        _, chosen = self._menu.choose(systematics)
        columns = flat_columns(particles, events)
        variations = kernel_variations(chosen)
        setup, taken, normals = self._prepared(columns)
        rows = 1 + len(chosen)
        parts = list(_parts(len(columns), size, offsets))
        out = np.empty(rows * max((part.stop - part.start for part in parts), default=0), dtype=self.dtype)
        for part in parts:
            count = part.stop - part.start
            # contiguous for the last block, too, of which the kernel would be compiled again
            filled = out[: rows * count].reshape(rows, count)
            some = kernels.Particles(*(column[part] for column in taken))  # type: ignore[arg-type]  # of two types
            kernels.varied(self._tables, self.spec.record, setup, some, normals[part], variations, filled)
            yield part, filled

    def scale(self, particles: Any, events: Any = None, systematic: str | None = None) -> Any:
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
        if lazy.is_lazy(particles, events):
            return lazy.mapped(self.scale, particles, events, systematic=systematic)
        chosen = [] if systematic is None else [self._menu.find(systematic)]
        if chosen and chosen[0][0][0].resolution != slots.NONE:
            raise InputError(f"systematic '{systematic}' is none of the scale")

        def found(columns: Columns) -> npt.NDArray[Any]:
            out = np.empty(len(columns))
            taken = inputs.particles(columns, inputs.runs(columns, self.random_run_number))
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
        if lazy.is_lazy(particles, events):
            return lazy.mapped(self.resolution, particles, events, constant_term=constant_term)

        def found(columns: Columns) -> npt.NDArray[Any]:
            out = np.empty(len(columns))
            taken = inputs.particles(columns, np.zeros(len(columns), dtype=np.int64))
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

    def _varied(self, columns: Columns, chosen: list[Choice]) -> npt.NDArray[Any]:
        """Calibrate flat columns with variations: ``(1 + variations, particles)``, nominal first."""
        setup, particles, normals = self._prepared(columns)
        out = np.empty((1 + len(chosen), len(columns)), dtype=self.dtype)
        variations = kernel_variations(chosen)
        kernels.varied(self._tables, self.spec.record, setup, particles, normals, variations, out)
        return out

    def _records(self, particles: Any, events: Any = None, systematics: Any = "all") -> Any:
        """Return :meth:`calibrate_all` as records, for dask-awkward."""
        import awkward as ak

        names, chosen = self._menu.choose(systematics)

        def found(columns: Columns) -> Any:
            rows = self._varied(columns, chosen)
            return ak.zip(dict(zip(names, rows, strict=True)), depth_limit=1)

        return lazy.answered(particles, events, found)

    def _setup(self, sample: int) -> kernels.Setup:
        """Return what the kernels are to do."""
        left_out, left_out_correlated = (np.zeros(slots.SOURCES, dtype=np.int64) for _ in range(2))
        left_out[list(slots.NOT_IN_ALL)] = 1
        left_out_correlated[list(slots.NOT_CORRELATED)] = 1
        # of numbers of other types the kernels would be compiled again
        flags = bool(self.scale_correction), bool(self.smear)
        return kernels.Setup(sample, *flags, float(self.var_sf), left_out, left_out_correlated)

    def _prepared(self, columns: Columns) -> tuple[kernels.Setup, kernels.Particles, Floats]:
        """Return what the kernels need of columns: what to do, the particles, and their random numbers."""
        simulated = inputs.is_simulation(columns)
        if simulated and self.simulation is None:
            raise InputError("the events are simulation: simulation must be full or fast")
        if self.var_sf != 1 and self.spec.precision and "converted" in columns.values:
            # in the tool it is a factor of the correction itself, too, and so of every variation
            raise InputError(f"var_sf of photons must be 1 with model {self.model}, got {self.var_sf}")
        sample = SIMULATIONS[self.simulation] if simulated and self.simulation else slots.DATA
        taken = inputs.particles(columns, inputs.runs(columns, self.random_run_number))
        if not (simulated and self.smear):
            return self._setup(sample), taken, np.zeros(len(columns))
        atlas = self.smearing == "atlas"
        normals = inputs.atlas_normals(columns) if atlas else inputs.counter_normals(columns, self.seed)
        return self._setup(sample), taken, normals


def _parts(count: int, size: int, offsets: npt.NDArray[np.int64] | None) -> Iterator[slice]:
    """Cut particles into parts of some size, between events where these are told."""
    start = 0
    while start < count:
        stop = min(start + size, count)
        if offsets is not None:
            inside = offsets[offsets <= stop][-1] if len(offsets) else stop
            stop = int(inside if inside > start else offsets[offsets > start][0])
        yield slice(start, stop)
        start = stop


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


def _is_synthetic(folder: Path) -> bool:
    """Whether an area has the main file of the synthetic one, wherever it was copied."""
    name = Path(FOLDER, MAIN_FILE)
    ours = hashlib.sha256((SYNTHETIC_AREA / name).read_bytes()).digest()
    places = (folder / MAIN_FILE, folder / name)
    return any(place.is_file() and hashlib.sha256(place.read_bytes()).digest() == ours for place in places)

"""The HistFactory model of yields: channels, samples and modifiers, as pyhf reads them.

K. Cranmer et al., CERN-OPEN-2012-016; https://pyhf.readthedocs.io/en/v0.7.6/likelihood.html
"""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hepcol.errors import InputError
from hepcol.inference.templates import FLOOR
from hepcol.inference.yields import SampleYield, Yields

SIGNAL_STRENGTH = "mu_SIG"
BOUNDS = (0.0, 50.0)  # of the signal strength
PRUNE = 0.001  # systematics that change less, relatively, are left out
CLIP = 0.01  # of the nominal events, where a systematic leaves less
LUMINOSITY = "lumi"
SIGNAL_ERROR = "sig_syst"
NORMALISATION, STATISTICS, SIGNAL_STATISTICS = "norm", "staterror", "mcstat"  # beginnings of names
_FACTOR_BOUNDS = (0.0, 10.0)
_LARGE_ERROR = 0.5  # relative, of the simulation in a region: a Gaussian one would make negative events
_PRECISION = 1e-8  # of the fits of limits: SLSQP's default of 1e-6 shows in the fifth digit of a limit

Modifier = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Workspace:
    """A HistFactory workspace, and what was done to the yields on the way.

    Parameters
    ----------
    spec : dict
        What pyhf reads.
    signal : str or None
        Name of the signal; without one it is the model of the background.
    warnings : tuple of str
        What could not be taken as it is.
    pruned : tuple of str
        The systematics, with sample and region, that were left out because they do next to nothing.
    """

    spec: dict[str, Any]
    signal: str | None
    warnings: tuple[str, ...]
    pruned: tuple[str, ...]


def workspace(yields: Yields, signal: str | None, **options: Any) -> dict[str, Any]:
    """Return the workspace alone; see :func:`build_workspace`."""
    return build_workspace(yields, signal, **options).spec


def build_workspace(
    yields: Yields,
    signal: str | None,
    *,
    signal_error: float | None = None,
    prune: float = PRUNE,
    regions: tuple[str, ...] | None = None,
    bounds: tuple[float, float] = BOUNDS,
) -> Workspace:
    """Make the workspace of a signal and all backgrounds.

    Parameters
    ----------
    yields : Yields
        Expected and observed events.
    signal : str or None
        Name of the signal; None for the backgrounds alone.
    signal_error : float, optional
        A further relative uncertainty of the signal in all regions.
    prune : float
        Systematics that change a sample in a region relatively less than this are left out.
    regions : tuple of str, optional
        The regions; all unless given.
    bounds : tuple of float
        Bounds of the signal strength.

    Raises
    ------
    InputError
        If there is no such signal, or names of systematics are taken.
    """
    if signal is not None:
        yields.signal(signal)
    if signal_error is not None and not 0 <= signal_error < 1:
        raise InputError(f"signal_error must be from 0 to 1 (relative), got {signal_error}")
    builder = _Builder(yields, signal, signal_error, prune, regions or yields.regions)
    spec = {
        "channels": [builder.channel(region) for region in builder.regions],
        "observations": [{"name": region, "data": [float(yields.data[region])]} for region in builder.regions],
        "measurements": [
            {
                "name": "BasicMeasurement",
                "config": {
                    "poi": "" if signal is None else SIGNAL_STRENGTH,
                    "parameters": builder.parameters(bounds),
                },
            }
        ],
        "version": "1.0.0",
    }
    _validate(spec)
    return Workspace(spec, signal, tuple(builder.warnings), tuple(builder.pruned))


@dataclass(frozen=True, eq=False)
class _Builder:
    """Makes the parts of a workspace, and notes what it could not take as it is."""

    yields: Yields
    signal: str | None
    signal_error: float | None
    prune: float
    regions: tuple[str, ...]
    warnings: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)

    def channel(self, region: str) -> dict[str, Any]:
        """Describe a region; the signal comes first."""
        chosen = [] if self.signal is None else [(self.signal, self.yields.samples[self.signal])]
        samples = [self._sample(name, sample, region) for name, sample in [*chosen, *self.yields.backgrounds.items()]]
        self._check_statistics(region, samples)
        return {"name": region, "samples": samples}

    def parameters(self, bounds: tuple[float, float]) -> list[dict[str, Any]]:
        """Describe the parameters that nothing but data tells: starts and bounds."""
        found = [] if self.signal is None else [_parameter(SIGNAL_STRENGTH, 1.0, bounds)]
        return found + [
            _parameter(f"mu_{name}", sample.normalisation[0], _FACTOR_BOUNDS)
            for name, sample in self.yields.backgrounds.items()
            if sample.normalisation is not None and self._is_free(name)
        ]

    def _is_free(self, name: str) -> bool:
        """Whether a control region fixes the factor of a sample in the fit."""
        return self.yields.control_regions.get(name) in self.regions

    def _sample(self, name: str, sample: SampleYield, region: str) -> dict[str, Any]:
        """Describe a sample in a region."""
        factor = sample.normalisation[0] if sample.normalisation is not None and self._is_free(name) else 1.0
        nominal, error = sample.nominal[region], sample.error.get(region, 0.0)
        modifiers = self._norms(name, sample, region)
        if nominal > FLOOR:
            modifiers += self._systematics(name, sample, region)
            modifiers += self._statistics(name, nominal, error, factor, region)
        else:
            self._note_none(name, sample, region)
            modifiers += self._statistics(name, FLOOR, 0.0 if name == self.signal else error, factor, region)
        return {"name": name, "data": [max(nominal, FLOOR) / factor], "modifiers": modifiers}

    def _norms(self, name: str, sample: SampleYield, region: str) -> list[Modifier]:
        """Describe what scales a sample in all regions alike."""
        found: list[Modifier] = []
        if name == self.signal:
            found.append({"name": SIGNAL_STRENGTH, "type": "normfactor", "data": None})
        if sample.scales_with_luminosity and self.yields.luminosity_error:
            found.append(_symmetric(LUMINOSITY, self.yields.luminosity_error))
        if name == self.signal and self.signal_error:
            found.append(_symmetric(SIGNAL_ERROR, self.signal_error))
        if sample.normalisation is not None:
            if self._is_free(name):
                found.append({"name": f"mu_{name}", "type": "normfactor", "data": None})
            elif sample.normalisation[1]:
                factor, error = sample.normalisation
                high, low = ((factor + sign * error) / factor for sign in (1, -1))
                found.append(self._normsys(f"{NORMALISATION}_{name}", high, low, f"{name} in {region}"))
        return found

    def _systematics(self, name: str, sample: SampleYield, region: str) -> list[Modifier]:
        """Describe what systematics change, unless it is next to nothing."""
        nominal, found = sample.nominal[region], []
        for systematic, variations in sample.systematics.items():
            _check_name(systematic)
            if region not in variations:
                continue
            high, low = (events / nominal for events in variations[region])
            if max(abs(high - 1), abs(low - 1)) < self.prune:
                self.pruned.append(f"{systematic} of {name} in {region}")
            else:
                found.append(self._normsys(systematic, high, low, f"{name} in {region}"))
        return found

    def _normsys(self, name: str, high: float, low: float, where: str) -> Modifier:
        """Describe a systematic; interpolation is exponential, so that it must leave some events."""
        for side, ratio in (("high", high), ("low", low)):
            if ratio < CLIP:
                self.warnings.append(f"{name} {side} of {where}: {ratio:.3g} of the nominal events, taken as {CLIP}")
        return _normsys(name, max(high, CLIP), max(low, CLIP))

    def _statistics(self, name: str, nominal: float, error: float, factor: float, region: str) -> list[Modifier]:
        """Statistical error of the simulation: one parameter for the backgrounds of a region, one for its signal.

        With the signal among the backgrounds, pyhf would take its error at a signal strength of 1 for all strengths.
        """
        if not error:
            return []
        if name != self.signal:
            return [{"name": f"{STATISTICS}_{region}", "type": "staterror", "data": [error / factor]}]
        relative = error / nominal
        if relative < self.prune:
            self.pruned.append(f"{SIGNAL_STATISTICS} of {name} in {region}")
            return []
        name_of_it = f"{SIGNAL_STATISTICS}_{name}_{region}"
        if relative > 1 - CLIP:
            self.warnings.append(f"{name} in {region}: a statistical error of {relative:.0%}, taken as {1 - CLIP:.0%}")
            relative = 1 - CLIP
        return [_symmetric(name_of_it, relative)]

    def _note_none(self, name: str, sample: SampleYield, region: str) -> None:
        """Note events that are not to be had: negative ones, and systematics of none."""
        nominal = sample.nominal[region]
        varied = [
            s for s, variations in sample.systematics.items() if any(e > FLOOR for e in variations.get(region, ()))
        ]
        if nominal < 0:
            self.warnings.append(f"{name} in {region}: {nominal:.3g} events, taken as {FLOOR}")
        if varied:
            self.warnings.append(
                f"{name} in {region}: no nominal events, so that {', '.join(varied)} cannot be relative to them"
            )

    def _check_statistics(self, region: str, samples: list[dict[str, Any]]) -> None:
        """Warn of so little simulation that its error is no Gaussian one."""
        errors = [
            (sample["data"][0], modifier["data"][0])
            for sample in samples
            for modifier in sample["modifiers"]
            if modifier["type"] == "staterror"
        ]
        if not errors:
            return
        relative = math.hypot(*(error for _, error in errors)) / sum(events for events, _ in errors)
        if relative > _LARGE_ERROR:
            self.warnings.append(
                f"{region}: the simulation of the backgrounds has a statistical error of {relative:.0%}"
            )


def _parameter(name: str, start: float, bounds: tuple[float, float]) -> dict[str, Any]:
    return {"name": name, "bounds": [list(bounds)], "inits": [start]}


def _symmetric(name: str, error: float) -> Modifier:
    return _normsys(name, 1 + error, 1 - error)


def _normsys(name: str, high: float, low: float) -> Modifier:
    return {"name": name, "type": "normsys", "data": {"hi": high, "lo": low}}


def _check_name(systematic: str) -> None:
    """Refuse a name of a systematic that the model has another parameter for."""
    ours = (f"{NORMALISATION}_", f"{STATISTICS}_", f"{SIGNAL_STATISTICS}_", "mu_")
    if systematic in (LUMINOSITY, SIGNAL_ERROR) or systematic.startswith(ours):
        raise InputError(f"systematic '{systematic}': the model has a parameter that is called so; rename it")


def _validate(spec: dict[str, Any]) -> None:
    """Check a workspace against pyhf's schema; a failure would be a bug."""
    import_pyhf().schema.validate(spec, "workspace.json")


def import_pyhf() -> Any:
    """Import pyhf, and what else the extra has.

    Raises
    ------
    InputError
        If one of them is not installed.
    """
    try:
        import cabinetry  # noqa: F401  (all or none)
        import pyhf
        import threadpoolctl  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name not in ("pyhf", "cabinetry", "threadpoolctl"):
            raise
        raise InputError(
            f"model histfactory needs {error.name}, which is not installed: pip install 'hepcol[stats]'"
        ) from None
    return pyhf


@contextmanager
def quiet_pyhf() -> Iterator[Any]:
    """Use pyhf with numpy and SLSQP; failures are for the caller to tell, not for its log."""
    pyhf = import_pyhf()
    from threadpoolctl import threadpool_limits

    log = logging.getLogger("pyhf")
    before, level = pyhf.get_backend(), log.level
    log.setLevel(logging.CRITICAL + 1)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=_PRECISION))
    try:
        # the matrices of SLSQP are small: on a busy machine BLAS threads took six times as long as one
        with threadpool_limits(1), warnings.catch_warnings():
            # far from the minimum rates may overflow or be negative, and steps are clipped at the bounds
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            yield pyhf
    finally:
        pyhf.set_backend(*before)
        log.setLevel(level)


def model_and_data(spec: dict[str, Any]) -> tuple[Any, list[float]]:
    """Make pyhf's model of a workspace, and its data with those of the constraints.

    Raises
    ------
    InputError
        If there is nothing to fit.
    """
    pyhf = import_pyhf()
    from cabinetry.model_utils import model_and_data as make

    try:
        model, data = make(spec)
    except pyhf.exceptions.InvalidModel as error:
        raise InputError(f"the yields make no model that can be fitted: {error}") from error
    return model, list(data)

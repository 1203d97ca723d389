"""Expected and observed events of a cut-and-count analysis, and their file ``yields.json``."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from hepcol.errors import InputError
from hepcol.store import replace_text

FILE = "yields.json"
VERSION = 1
OBSERVED = "data"  # the label of data that were observed
Variation = tuple[float, float]  # events with a systematic high and low
_STRICT = {"extra": "forbid"}  # for pydantic, which reads the file: an unknown key may be a misspelt one


@dataclass(frozen=True)
class SampleYield:
    """Expected events of a sample in each region.

    Parameters
    ----------
    nominal : mapping of str to float
        Events by region.
    error : mapping of str to float
        Their statistical errors, of the simulation; 0 where a region is left out.
    systematics : mapping of str to mapping
        By name and region, the events with the systematic high and low, not relative to the nominal ones.
        Equal names are one systematic, in all samples and regions; it does nothing in a region that is left out.
    normalisation : tuple of float, optional
        Factor and its error that data gave; ``nominal`` contains the factor.
    is_data_driven : bool
        Whether the sample is made from data, so that the luminosity does not matter.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    nominal: Mapping[str, float]
    error: Mapping[str, float] = field(default_factory=dict)
    systematics: Mapping[str, Mapping[str, Variation]] = field(default_factory=dict)
    normalisation: tuple[float, float] | None = None
    is_data_driven: bool = False

    @property
    def scales_with_luminosity(self) -> bool:
        """Whether the uncertainty of the luminosity is one of the sample."""
        return not self.is_data_driven and self.normalisation is None


@dataclass(frozen=True)
class Yields:
    """Expected and observed events of an analysis.

    Parameters
    ----------
    regions : tuple of str
        Names of the regions, which have no events in common.
    luminosity_error : float
        Relative uncertainty of the integrated luminosity.
    data : mapping of str to float
        Observed events by region.
    samples : mapping of str to SampleYield
        Expected events of each sample.
    signals : tuple of str
        Names of the samples that are signals; each is a hypothesis of its own.
    control_regions : mapping of str to str
        By the name of a sample with a normalisation, the region whose data fix its factor in the fit;
        of other samples the factor is known with its error.
    label : str
        What the data are, where they were not observed: such as "Asimov data" or "pseudo-data".

    Raises
    ------
    InputError
        If they contradict each other.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    regions: tuple[str, ...]
    luminosity_error: float
    data: Mapping[str, float]
    samples: Mapping[str, SampleYield]
    signals: tuple[str, ...] = ()
    control_regions: Mapping[str, str] = field(default_factory=dict)
    label: str = OBSERVED

    def __post_init__(self) -> None:
        if not self.regions or len(set(self.regions)) < len(self.regions):
            raise InputError(f"regions must be some, each once, got {', '.join(self.regions) or 'none'}")
        if not self.label.strip():
            raise InputError("label: must say what the data are")
        if not 0 <= self.luminosity_error < 1:
            raise InputError(f"luminosity_error must be from 0 to 1 (relative), got {self.luminosity_error}")
        self._check_regions("data", self.data, whole=True)
        for region, number in self.data.items():
            if not (math.isfinite(number) and number >= 0):
                raise InputError(f"data in {region}: events must be at least 0, got {number}")
        for name in self.signals:
            if name not in self.samples:
                raise InputError(f"signal '{name}' is none of the samples {', '.join(self.samples)}")
        if not self.backgrounds:
            raise InputError("samples: there must be one that is no signal")
        for name, sample in self.samples.items():
            self._check_sample(name, sample)
        self._check_control_regions()

    def _check_control_regions(self) -> None:
        """Check that control regions are regions, of samples that are normalised there."""
        for name, region in self.control_regions.items():
            if name in self.signals:
                raise InputError(f"control_regions: '{name}' is a signal, whose strength no control region fixes")
            if name not in self.samples or self.samples[name].normalisation is None:
                raise InputError(f"control_regions: '{name}' is no sample with a normalisation")
            if region not in self.regions:
                raise InputError(f"control_regions: '{region}' is none of the regions {', '.join(self.regions)}")

    @property
    def backgrounds(self) -> dict[str, SampleYield]:
        """The samples that are no signals."""
        return {name: sample for name, sample in self.samples.items() if name not in self.signals}

    @property
    def is_simulated(self) -> bool:
        """Whether the data are none that were observed."""
        return self.label != OBSERVED

    def signal(self, name: str) -> SampleYield:
        """Return a signal.

        Raises
        ------
        InputError
            If there is none of this name.
        """
        if name not in self.signals:
            raise InputError(
                f"signal must be one of {', '.join(self.signals) or 'none, as there are none'}, got '{name}'"
            )
        return self.samples[name]

    def with_signal(self, name: str, signal: SampleYield) -> Self:
        """Return the same with this as the only signal."""
        return replace(self, samples={**self.backgrounds, name: signal}, signals=(name,))

    def to_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        content = {"version": VERSION, **asdict(self)}
        if not self.is_simulated:
            del content["label"]  # as earlier readers know it
        return content

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Make them from what a file holds.

        Raises
        ------
        InputError
            If that is wrong.
        """
        from pydantic import TypeAdapter, ValidationError

        if not isinstance(content, dict) or "version" not in content:
            raise InputError(f"not yields: expected an object with version {VERSION}")
        if content["version"] != VERSION:
            raise InputError(f"yields of version {content['version']!r}; accepted is {VERSION}")
        rest = {key: value for key, value in content.items() if key != "version"}
        try:
            # as text, in which tuples are lists, but a text is no number
            return TypeAdapter(cls).validate_json(json.dumps(rest), strict=True)
        except ValidationError as error:
            problem = error.errors()[0]
            place = ".".join(map(str, problem["loc"]))
            raise InputError(f"{place}: {problem['msg']}".removeprefix(": ").replace("Value error, ", "")) from error

    def _check_sample(self, name: str, sample: SampleYield) -> None:
        """Check that all regions are known and all numbers are numbers."""
        self._check_regions(f"sample '{name}', nominal", sample.nominal, whole=True)
        self._check_regions(f"sample '{name}', error", sample.error)
        for systematic, variations in sample.systematics.items():
            self._check_regions(f"sample '{name}', {systematic}", variations)
        numbers = [*sample.nominal.values(), *sample.error.values(), *(sample.normalisation or ())]
        numbers += [events for pairs in sample.systematics.values() for pair in pairs.values() for events in pair]
        if not all(map(math.isfinite, numbers)):
            raise InputError(f"sample '{name}': events must be finite")
        if any(error < 0 for error in sample.error.values()):
            raise InputError(f"sample '{name}': errors must be at least 0")
        if sample.normalisation is not None:
            factor, error = sample.normalisation
            if not (factor > 0 and error >= 0):
                raise InputError(
                    f"sample '{name}': normalisation must be a factor above 0 and its error, got {factor}, {error}"
                )

    def _check_regions(self, what: str, values: Mapping[str, Any], whole: bool = False) -> None:
        """Check that values are of known regions, and of all of them."""
        for region in values:
            if region not in self.regions:
                raise InputError(f"{what}: '{region}' is none of the regions {', '.join(self.regions)}")
        for region in self.regions if whole else ():
            if region not in values:
                raise InputError(f"{what}: nothing for region '{region}'")


def write_yields(yields: Yields, path: Path) -> None:
    """Write yields to a file, as a whole or not at all."""
    replace_text(path, json.dumps(yields.to_json(), indent=1, allow_nan=False) + "\n")


def read_yields(path: Path) -> Yields:
    """Read yields from a file.

    Raises
    ------
    InputError
        If it is not there, or its content is wrong.
    """
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    try:
        return Yields.from_json(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error

"""Pythia 8: set up with settings that it has to know, and asked for a cross section."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pythia8mc

PYTHIA_VERSION = version("pythia8mc")
_EVENTS = 20_000  # of the hard process, for its cross section: 0.3 % in a third of a second
_MB_TO_PB = 1e9


@dataclass(frozen=True)
class CrossSection:
    """Cross section and its statistical error [pb]."""

    value: float
    error: float


def configure(settings: Sequence[str]) -> Any:
    """Make a Pythia with some settings, to be started."""
    pythia = pythia8mc.Pythia("", False)
    for setting in settings:
        if not pythia.readString(setting):
            raise RuntimeError(f"Pythia {PYTHIA_VERSION} does not know the setting {setting!r}")
    return pythia


def start(pythia: Any) -> Any:
    """Initialise a Pythia, and return it."""
    if not pythia.init():
        raise RuntimeError(f"Pythia {PYTHIA_VERSION} could not be initialised")
    return pythia


def find_cross_section(settings: Sequence[str]) -> CrossSection:
    """Cross section by a fixed run of the hard process, the same whatever sample is made."""
    pythia = start(configure((*settings, "PartonLevel:all = off", "Random:setSeed = on", "Random:seed = 1")))
    for _ in range(_EVENTS):
        pythia.next()
    info = pythia.infoPython()
    return CrossSection(info.sigmaGen() * _MB_TO_PB, info.sigmaErr() * _MB_TO_PB)

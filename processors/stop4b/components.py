"""What files are, by their names: those of the original study (SPEC 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from hepcol.errors import InputError
from processors.stop4b.campaigns import PERIODS
from processors.stop4b.kinds import Kind

SIGNAL_PREFIX = "signal_"
DATA, FAKES = "Data", "Fakes"


@dataclass(frozen=True)
class Component:
    """Files of one name, which make a sample alone or with others.

    Parameters
    ----------
    name : str
        Name of the files, without ``.root``.
    sample : str
        The sample that they are part of.
    kind : Kind
        What their events are.
    """

    name: str
    sample: str
    kind: Kind


_PROCESSES = ("ttbar", "Wt", "Zjets", "VV", "ttZ", "Others")
_PARTS_OF_OTHERS = ("Others_nottHnoDilep", "ttHnoDilep", "Others_twZ_Znunu")
# As the original's files are called (SPEC 6)
COMPONENTS: tuple[Component, ...] = (
    *(Component(name, name, Kind.PROMPT) for name in _PROCESSES),
    *(Component(name, "Others", Kind.PROMPT) for name in _PARTS_OF_OTHERS),
    Component(FAKES, FAKES, Kind.FAKES),
    *(Component(f"Fake_{name}", FAKES, Kind.FAKES) for name in (*_PROCESSES, *_PARTS_OF_OTHERS)),
    *(Component(f"Fake_{period}", FAKES, Kind.DATA_DRIVEN) for period in PERIODS),
    *(Component(period, DATA, Kind.DATA) for period in PERIODS),
    Component(DATA, DATA, Kind.DATA),
)


# What has all events of a sample, and files that have parts of them
WHOLES: Mapping[str, tuple[str, ...]] = {
    "Others": _PARTS_OF_OTHERS,
    FAKES: tuple(component.name for component in COMPONENTS if component.name.startswith("Fake_")),
    DATA: tuple(PERIODS),
}


def find_component(path: str) -> Component:
    """Tell what a file is by its name.

    Raises
    ------
    InputError
        If its name is none that is known.
    """
    name = PurePosixPath(path).stem
    for component in COMPONENTS:
        if component.name == name:
            return component
    if name.startswith(SIGNAL_PREFIX) and len(name) > len(SIGNAL_PREFIX):
        return Component(name, name, Kind.PROMPT)
    known = ", ".join(component.name for component in COMPONENTS)
    raise InputError(f"{path}: no sample is called '{name}'; accepted are {SIGNAL_PREFIX}*, {known}")

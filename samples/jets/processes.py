"""The processes, as data: what Pythia is asked for."""

from dataclasses import dataclass

from samples.error import SampleError

SQRT_S = 13_000.0  # GeV
QCD, WPRIME = "qcd", "wprime"
PROCESSES = (QCD, WPRIME)
DEFAULT_MASS = 2000  # GeV, of the W'
MIN_MASS, MAX_MASS = 1000, 6000  # GeV: below, its bosons' jets hardly pass the selection

COMMON = (
    "Print:quiet = on",
    f"Beams:eCM = {SQRT_S}",
    "PhaseSpace:increaseMaximum = off",  # one event must not hand anything on to another
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.0",  # mm/c: K0S, Lambda and what lives longer reach the detector
)
MPI_OFF = ("PartonLevel:MPI = off",)
# Partons are chosen as if the cross section were (pTHat / reference)^4.5 times as large, which the weight undoes. Of
# 8000 events from 200 GeV on, one of the 3900 with a jet of 450 GeV is below this cut: 0.9 % of their cross section.
_MIN_PTHAT = 250.0  # GeV
_QCD_SETTINGS = (
    "HardQCD:all = on",
    f"PhaseSpace:pTHatMin = {_MIN_PTHAT}",
    "PhaseSpace:bias2Selection = on",
    "PhaseSpace:bias2SelectionPow = 4.5",
    f"PhaseSpace:bias2SelectionRef = {_MIN_PTHAT}",
)
_QUARKS = "1 2 3 4 5"


@dataclass(frozen=True)
class Process:
    """A process of the sample.

    Parameters
    ----------
    name : str
        As in file names.
    description : str
        What is generated, in a line.
    settings : tuple of str
        What Pythia is told beyond ``COMMON``.
    """

    name: str
    description: str
    settings: tuple[str, ...]


def find_process(name: str, mass: int | None = None) -> Process:
    """Process of that name; ``mass`` is that of the W' [GeV].

    Raises
    ------
    SampleError
        If there is none, or the mass is of no use.
    """
    if name not in PROCESSES:
        raise SampleError(f"process must be {' or '.join(PROCESSES)}, got {name!r}")
    if name == QCD:
        if mass is not None:
            raise SampleError(f"process {QCD} has no mass; only {WPRIME} has")
        return Process(QCD, "pp -> two partons, leading order and parton shower", _QCD_SETTINGS)
    if mass is None:
        mass = DEFAULT_MASS
    if not MIN_MASS <= mass <= MAX_MASS:
        raise SampleError(f"mass of the W' must be from {MIN_MASS} to {MAX_MASS} GeV, got {mass}")
    return Process(
        WPRIME,
        f"pp -> W' -> WZ -> four quarks, leading order and parton shower, m(W') = {mass} GeV",
        (
            "NewGaugeBoson:ffbar2Wprime = on",
            f"34:m0 = {mass}.",
            "34:onMode = off",
            "34:onIfAll = 23 24",
            "Wprime:coup2WZ = 1.0",
            "Wprime:anglesWZ = 1.0",  # longitudinal bosons, as of a heavy vector triplet
            "23:onMode = off",
            f"23:onIfAny = {_QUARKS}",
            "24:onMode = off",
            f"24:onIfAny = {_QUARKS}",
        ),
    )

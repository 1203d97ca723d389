"""The processes of the stop four-body search, as data: what Pythia is asked for and what stands in for what.

Cross sections are those of the literature at 13 TeV (source beside each) and not Pythia's, which only gives the
fraction that passes the recoil filter; where a leading-order cross section of Pythia is used it says so.
"""

from dataclasses import dataclass
from enum import StrEnum

from samples.error import SampleError

# Particle Data Group 2022: W -> l nu per lepton and Z -> l l per lepton, Z -> invisible.
W_TO_LEPTON, Z_TO_LEPTON, Z_TO_NEUTRINOS = 0.1086, 0.033658, 0.20
GENERATIONS = 3
DATA, FAKES, SIGNAL = "Data", "Fakes", "signal"


@dataclass(frozen=True)
class Part:
    """A sub-process of a process that Pythia mixes by itself.

    Parameters
    ----------
    name : str
        What is produced.
    cross_section : float
        Of the literature [pb], before branching fractions.
    generated : float
        Share of the sub-process in what Pythia selects.
    """

    name: str
    cross_section: float
    generated: float


class ZDecay(StrEnum):
    """What a Z that is decayed again goes to."""

    LEPTONS = "leptons"
    LEPTONS_AND_NEUTRINOS = "leptons and neutrinos"


@dataclass(frozen=True)
class Process:
    """A process of a sample.

    Parameters
    ----------
    name : str
        As in file and tree names.
    settings : tuple of str
        What Pythia is told beyond ``generator.COMMON``.
    cross_section : float
        Production cross section [pb], before branching fractions and filter.
    source : str
        Where the cross section is from.
    mc_channel : int
        The column ``mcChannel``; positive, below 2^20.
    branching : float
        Fraction of decays that Pythia is left with, for decays that it makes itself.
    copies : int
        How often the W and Z bosons of one Pythia event are decayed again; 1 with no bosons.
    recoil : tuple of int
        Identities whose vector sum of transverse momenta the filter looks at; empty for no filter.
    min_recoil : float
        Smallest such momentum [GeV].
    z_decay : ZDecay
        Decays of a Z that is decayed again.
    fake_rate : float
        Probability of a non-prompt or misidentified lepton, put in by hand; 0 for none.
    parts : tuple of Part
        Sub-processes with 0, 1, 2, ... Z bosons, if Pythia mixes them otherwise than the literature does.
    remark : str
        What is a surrogate, in a sentence; written into the file.
    """

    name: str
    settings: tuple[str, ...]
    cross_section: float
    source: str
    mc_channel: int
    branching: float = 1.0
    copies: int = 1
    recoil: tuple[int, ...] = ()
    min_recoil: float = 0.0
    z_decay: ZDecay = ZDecay.LEPTONS_AND_NEUTRINOS
    fake_rate: float = 0.0
    parts: tuple[Part, ...] = ()
    remark: str = ""

    @property
    def corrections(self) -> tuple[float, ...]:
        """Factor of an event's weight by its number of Z bosons: share in the literature over share in Pythia."""
        total = sum(part.cross_section for part in self.parts)
        return tuple(part.cross_section / total / part.generated for part in self.parts)


_REDECAY = (
    "W and Z bosons are kept stable in Pythia and decayed again many times to leptons (top: helicity fractions "
    "F0=0.687, FL=0.311; else isotropic; tau collinear and unpolarised, where those of a W are fully polarised), so "
    "that copies share their jets. "
)
_STABLE_W = ("24:mayDecay = off",)
_STABLE_Z = ("23:mayDecay = off",)

TTBAR = Process(
    name="ttbar",
    settings=("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_STABLE_W),
    cross_section=831.8,
    source="NNLO+NNLL, LHC top working group",
    mc_channel=410472,
    copies=50,
    recoil=(6, -6),
    min_recoil=150.0,
    remark=_REDECAY + "Dileptonic only; recoil of the top pair above 150 GeV (leading order, power shower).",
)
WT = Process(
    name="Wt",
    settings=(
        "Higgs:useBSM = on",
        "HiggsBSM:bg2H+-t = on",
        "SpaceShower:pTdampMatch = 1",
        "37:m0 = 80.4",
        "37:doForceWidth = on",
        "37:mWidth = 2.085",
        "37:mMin = 60.0",
        "37:mMax = 100.0",
        "37:mayDecay = off",
        *_STABLE_W,
    ),
    cross_section=71.7,
    source="NLO+NNLL, both charges, LHC top working group",
    mc_channel=410648,
    copies=50,
    recoil=(6, -6, 37, -37),
    min_recoil=150.0,
    remark="Surrogate: bg -> H+- t with the mass, width and leptonic decays of a W in place of bg -> W t. "
    + _REDECAY
    + "Dileptonic only; recoil of the pair above 150 GeV, "
    "from a shower damped above the hard scale as that of ttbar is.",
)
ZJETS = Process(
    name="Zjets",
    settings=(
        "WeakBosonAndParton:qqbar2gmZg = on",
        "WeakBosonAndParton:qg2gmZq = on",
        "PhaseSpace:pTHatMin = 150.0",
        "23:mMin = 10.0",
        *_STABLE_Z,
    ),
    cross_section=1.25 * 166.1,
    source="Pythia 8.317.2 leading order (166.1 pb above pTHatMin = 150 GeV and mMin = 10 GeV) times 1.25",
    mc_channel=700320,
    copies=100,
    z_decay=ZDecay.LEPTONS,
    remark=_REDECAY + "Z/gamma* -> ee, mumu, tautau with one parton of the matrix element above 150 GeV; no neutrinos; "
    "the branching fraction of the Z at all masses, where a gamma* has a larger one.",
)
# Pythia mixes by cross section times the fraction of decays that are open in it, which is larger for a W
# (-> e nu, 10.9 %) than for a Z (-> nu_e nu_e, 6.7 %). Shares of 1.5 million events that Pythia 8.317.2 selected
# with the settings of VV and seed 11, errors below 0.0004; without the decays they would be 66, 24 and 9 %.
_PAIRS = (
    Part("WW", cross_section=118.7, generated=0.7818),
    Part("WZ", cross_section=51.1, generated=0.1759),
    Part("ZZ", cross_section=16.9, generated=0.0423),
)
VV = Process(
    name="VV",
    settings=(
        "WeakDoubleBoson:ffbar2WW = on",
        "WeakDoubleBoson:ffbar2ZW = on",
        "WeakDoubleBoson:ffbar2gmZgmZ = on",
        "WeakZ0:gmZmode = 2",
        # Pythia's angular weights need decays: these are thrown away
        "23:onMode = off",
        "23:onIfAny = 12",
        "24:onMode = off",
        "24:onIfAny = 12",
        "TimeShower:QEDshowerByL = off",
    ),
    cross_section=sum(part.cross_section for part in _PAIRS),
    source="WW NNLO 118.7 pb, WZ NNLO 51.1 pb, ZZ NNLO 16.9 pb; weights correct Pythia's mixture to this one",
    parts=_PAIRS,
    mc_channel=700600,
    copies=50,
    recoil=(23, 24, -24),
    min_recoil=150.0,
    remark=_REDECAY + "WW, WZ, ZZ to leptons and neutrinos; recoil of the pair above 150 GeV, from the shower alone.",
)
TTZ = Process(
    name="ttZ",
    settings=(
        "HiggsSM:gg2Httbar = on",
        "HiggsSM:qqbar2Httbar = on",
        "25:m0 = 91.19",
        "25:mMin = 80.0",
        "25:mMax = 100.0",
        "25:mayDecay = off",
        *_STABLE_W,
    ),
    cross_section=0.86,
    source="NLO QCD+EW, Yellow Report 4",
    mc_channel=410218,
    copies=50,
    remark="Surrogate: ttH with the mass and decays (leptons, neutrinos) of a Z in place of ttZ. " + _REDECAY,
)
OTHERS = Process(
    name="Others",
    settings=(
        "HiggsSM:gg2Httbar = on",
        "HiggsSM:qqbar2Httbar = on",
        "25:m0 = 125.0",
        "25:onMode = off",
        "25:onIfAny = 5",
        *_STABLE_W,
    ),
    cross_section=2.0 * 0.507 * 0.582,
    source="ttH NLO 0.507 pb times BR(bb) 0.582, times 2 for tWZ and three bosons",
    mc_channel=346345,
    copies=50,
    remark="Surrogate: dileptonic ttH(bb), scaled to stand for ttH, tWZ and three bosons. " + _REDECAY,
)
FAKES_PROCESS = Process(
    name=FAKES,
    settings=(
        "WeakBosonAndParton:qqbar2Wg = on",
        "WeakBosonAndParton:qg2Wq = on",
        "PhaseSpace:pTHatMin = 150.0",
        *_STABLE_W,
    ),
    cross_section=1.3 * 386.8,
    source="Pythia 8.317.2 leading order (386.8 pb above pTHatMin = 150 GeV) times 1.3",
    mc_channel=999000,
    copies=50,
    fake_rate=0.01,
    remark="Surrogate: W -> l nu + jets (one parton above 150 GeV) with one soft lepton put in by hand that is not "
    "prompt and fails the signal selection; fakeWeight is an invented fake factor. " + _REDECAY,
)
BACKGROUNDS = (TTBAR, WT, ZJETS, VV, TTZ, OTHERS, FAKES_PROCESS)

# NNLO_approx+NNLL [pb] by stop mass [GeV], as SPEC 5.3 found them in the published limits.
STOP_CROSS_SECTIONS = {
    260: 20.4,
    300: 10.0,
    340: 5.17,
    350: 4.43,
    360: 3.81,
    370: 3.29,
    380: 2.85,
    390: 2.47,
    400: 2.15,
    410: 1.88,
    420: 1.64,
    430: 1.44,
    440: 1.26,
    450: 1.11,
    460: 0.983,
    470: 0.870,
    480: 0.771,
    500: 0.609,
    520: 0.484,
    540: 0.387,
    550: 0.347,
    560: 0.312,
    580: 0.252,
}
_SIGNAL_CHANNEL = 500_000  # plus 100 for each GeV of the stop above the lightest, plus the mass difference
_MIN_SPLITTING, _MAX_SPLITTING = 8, 80  # GeV: below, no b; above, the three-body decay opens


def make_signal(stop_mass: int, neutralino_mass: int) -> Process:
    """Pair of stops that decay into b l nu and a neutralino.

    Raises
    ------
    SampleError
        If the cross section is not known or the decay is not a four-body one.
    """
    splitting = stop_mass - neutralino_mass
    if stop_mass not in STOP_CROSS_SECTIONS:
        known = ", ".join(str(mass) for mass in STOP_CROSS_SECTIONS)
        raise SampleError(f"no cross section for a stop of {stop_mass} GeV; there are: {known}")
    if not _MIN_SPLITTING <= splitting <= _MAX_SPLITTING:
        raise SampleError(
            f"stop minus neutralino is {splitting} GeV; a four-body decay needs {_MIN_SPLITTING} to "
            f"{_MAX_SPLITTING} GeV"
        )
    return Process(
        name=f"{SIGNAL}_{stop_mass}_{neutralino_mass}",
        settings=(
            "SUSY:gg2squarkantisquark = on",
            "SUSY:qqbar2squarkantisquark = on",
            "SUSY:idVecA = 1000006",
            "SUSY:idVecB = 1000006",
            "RHadrons:allow = off",
        ),
        cross_section=STOP_CROSS_SECTIONS[stop_mass],
        source="NNLO_approx+NNLL as in the published limits",
        mc_channel=_SIGNAL_CHANNEL + 100 * (stop_mass - min(STOP_CROSS_SECTIONS)) + splitting,
        branching=(GENERATIONS / 9) ** 2,
        recoil=(1000006, -1000006),
        min_recoil=150.0,
        remark="Flat four-body phase space from an SLHA file, both decays leptonic (1/9 of all, as three of nine W "
        "decays each); recoil of the stop pair above 150 GeV, from the shower alone.",
    )


def find_process(name: str, point: tuple[int, int] | None = None) -> Process:
    """Process of that name; ``signal`` needs the masses of a point [GeV].

    Raises
    ------
    SampleError
        If there is none, or the point is missing or of no use.
    """
    if name == SIGNAL:
        if point is None:
            raise SampleError("process signal needs the masses of its point, such as --point 400,320")
        return make_signal(*point)
    if point is not None:
        raise SampleError(f"process {name} has no point; only signal has")
    for process in BACKGROUNDS:
        if process.name == name:
            return process
    names = ", ".join((SIGNAL, *(process.name for process in BACKGROUNDS), DATA))
    raise SampleError(f"no process {name!r}; there are: {names}")

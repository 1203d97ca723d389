"""The experimental systematics of the search, as records: 25 kinematic ones, 21 of scale factors, those of the fakes.

Names are those of the original's trees and columns (SPEC 6): ``<NAME>__1up``, ``<NAME>__1down``; the soft term apart.
"""

from dataclasses import dataclass

from hepcol.variations import Direction, Kind, Variation

NOMINAL = Variation("nominal", Kind.NOMINAL)


@dataclass(frozen=True)
class Systematic:
    """A systematic uncertainty: a variation, or two.

    Parameters
    ----------
    name : str
        Official name.
    high : Variation
        The variation up, or the only one.
    low : Variation, optional
        The variation down; of a one-sided systematic it is made of the other (:mod:`hepcol.inference.templates`).
    factor : str
        Of a weight systematic, the column of the nominal weight; a variation is a column of its own name, which is
        used in its place.
    regions : tuple of str
        Regions that it is one of; all, if there are none.
    """

    name: str
    high: Variation
    low: Variation | None = None
    factor: str = ""
    regions: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What it changes."""
        return self.high.kind

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Its one or two variations."""
        return (self.high,) if self.low is None else (self.high, self.low)


def _pair(name: str, kind: Kind, up: str, down: str, **more: object) -> Systematic:
    return Systematic(name, Variation(up, kind, Direction.UP), Variation(down, kind, Direction.DOWN), **more)  # type: ignore[arg-type]


def _two_sided(name: str) -> Systematic:
    return _pair(name, Kind.KINEMATIC, f"{name}__1up", f"{name}__1down")


def _one_sided(name: str, variation: str) -> Systematic:
    return Systematic(name, Variation(variation, Kind.KINEMATIC, Direction.UP))


def _weight(factor: str, name: str) -> Systematic:
    column = f"{factor}_{name}"
    return _pair(name, Kind.WEIGHT, f"{column}__1up", f"{column}__1down", factor=factor)


_TWO_SIDED = (
    "EG_RESOLUTION_ALL",
    "EG_SCALE_ALL",
    "JET_EtaIntercalibration_NonClosure_highE",
    "JET_EtaIntercalibration_NonClosure_negEta",
    "JET_EtaIntercalibration_NonClosure_posEta",
    "JET_Flavor_Response",
    "JET_GroupedNP_1",
    "JET_GroupedNP_2",
    "JET_GroupedNP_3",
    "MUON_ID",
    "MUON_MS",
    "MUON_SAGITTA_RESBIAS",
    "MUON_SAGITTA_RHO",
    "MUON_SCALE",
)
_JET_RESOLUTIONS = ("DataVsMC_MC16", *(f"EffectiveNP_{number}" for number in range(1, 7)), "EffectiveNP_7restTerm")
KINEMATIC: tuple[Systematic, ...] = (
    *map(_two_sided, _TWO_SIDED),
    _pair("MET_SoftTrk_Scale", Kind.KINEMATIC, "MET_SoftTrk_ScaleUp", "MET_SoftTrk_ScaleDown"),
    *(_one_sided(f"JET_JER_{name}", f"JET_JER_{name}__1up") for name in _JET_RESOLUTIONS),
    *(_one_sided(f"MET_SoftTrk_{name}", f"MET_SoftTrk_{name}") for name in ("ResoPara", "ResoPerp")),
)

WEIGHT: tuple[Systematic, ...] = (
    *(
        _weight("WeightEventselSF", f"EL_EFF_{name}_TOTAL_1NPCOR_PLUS_UNCOR")
        for name in ("ChargeIDSel", "ID", "Iso", "Reco")
    ),
    *(
        _weight("WeightEventsmuSF", f"MUON_EFF_{name}")
        for name in (
            "BADMUON_STAT",
            "BADMUON_SYS",
            "ISO_STAT",
            "ISO_SYS",
            "RECO_STAT",
            "RECO_STAT_LOWPT",
            "RECO_SYS",
            "RECO_SYS_LOWPT",
            "TTVA_STAT",
            "TTVA_SYS",
        )
    ),
    *(
        _weight("WeightEventsbTag", f"FT_EFF_{name}")
        for name in (
            "B_systematics",
            "C_systematics",
            "Light_systematics",
            "extrapolation",
            "extrapolation_from_charm",
        )
    ),
    _weight("WeightEventsJVT", "JET_JvtEfficiency"),
    _weight("WeightEventsPU", "PRW_DATASF"),
)

FAKE_WEIGHT = "fakeWeight"


def _fake(name: str, variation: str, region: str) -> Systematic:
    column = f"{FAKE_WEIGHT}_{variation}"
    return _pair(name, Kind.WEIGHT, f"{column}Up", f"{column}Down", factor=FAKE_WEIGHT, regions=(region,))


FAKES: tuple[Systematic, ...] = (
    _fake("mcStatFakeErr", "stat", "Stop4b_SRB"),
    _fake("compSystFakeErr", "compSyst_SRA", "Stop4b_SRA"),
    _fake("compSystFakeErr", "compSyst_SRB", "Stop4b_SRB"),
)

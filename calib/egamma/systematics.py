"""Systematic uncertainties of a model, by their official names.

From ``systematics_*.def`` and ``EgammaCalibrationAndSmearingTool::setupSystematics`` of Athena.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.models import ModelSpec
from hepcol.errors import InputError
from hepcol.variations import Direction, Kind, Variation

DECORRELATIONS = ("1NP_v1", "FULL_v1", "FULL_ETACORRELATED_v1", "1NPCOR_PLUS_UNCOR")

Range = tuple[float, float]
EVERYWHERE: tuple[Range, ...] = ((-np.inf, np.inf),)


@dataclass(frozen=True)
class Systematic:
    """One systematic uncertainty, before its direction.

    Parameters
    ----------
    name : str
        Official name, without ``__1up``.
    scale, resolution : int
        Its source in the kernels, or ``slots.NONE``.
    ranges : tuple of (float, float)
        Where it holds, ``low <= |eta| < high`` in the calorimeter frame.
    signed : bool
        Whether the ranges are those of eta and not of its magnitude.
    """

    name: str
    scale: int = slots.NONE
    resolution: int = slots.NONE
    ranges: tuple[Range, ...] = EVERYWHERE
    signed: bool = False

    def variations(self) -> tuple[Variation, Variation]:
        """Return up and down, as the official names have them."""
        return tuple(  # type: ignore[return-value]  # two directions, two variations
            Variation(f"{self.name}__1{direction}", Kind.KINEMATIC, direction) for direction in Direction
        )


def systematics_of(
    model: ModelSpec, decorrelation: str, zee_edges: Sequence[float] | None = None
) -> tuple[Systematic, ...]:
    """List the systematics of a model in a decorrelation scheme, those of the scale first.

    Parameters
    ----------
    model : ModelSpec
        The model.
    decorrelation : str
        One of :data:`DECORRELATIONS`.
    zee_edges : sequence of float, optional
        Edges in eta of the measurement with Z -> ee: then ``FULL_v1`` has its statistical errors bin by bin, and not
        all together divided by the root of their number.

    Raises
    ------
    InputError
        If there is no such scheme.
    """
    if decorrelation not in DECORRELATIONS:
        raise InputError(f"decorrelation '{decorrelation}' is unknown; there are: {', '.join(DECORRELATIONS)}")
    if decorrelation == "1NP_v1":
        scale = [
            Systematic("EG_SCALE_ALL", slots.ALL),
            Systematic(f"EG_SCALE_{model.fast}", slots.FAST_SIMULATION),
        ]
    elif decorrelation == "1NPCOR_PLUS_UNCOR":
        scale = _mostly_correlated()
    else:
        scale = list(_full(model, decorrelation == "FULL_v1", zee_edges))
    return (*scale, *_resolution(model, decorrelation.startswith("FULL")))


def _mostly_correlated() -> list[Systematic]:
    """Correlated sources as one; those of 2015 and 2016 alone are zero in all models that are ported."""
    return [
        Systematic("EG_SCALE_LARTEMPERATURE_EXTRA2015PRE"),
        Systematic("EG_SCALE_LARTEMPERATURE_EXTRA2016PRE"),
        Systematic("EG_SCALE_E4SCINTILLATOR", slots.E4_SCINTILLATOR),
        Systematic("EG_SCALE_LARCALIB_EXTRA2015PRE"),
        Systematic("EG_SCALE_ALLCORR", slots.ALL_CORRELATED),
    ]


_BARREL_AND_ENDCAP = ((0, 1.45), (1.52, 2.5))
_TWELVE = tuple(k / 5 for k in range(13))


def _full(model: ModelSpec, by_eta: bool, zee_edges: Sequence[float] | None) -> Iterator[Systematic]:
    """List the sources of the scale one by one; ``by_eta``, most of them in ranges of eta."""

    def split(name: str, source: int, *ranges: Range | tuple[Range, ...]) -> Iterator[Systematic]:
        if not by_eta:
            yield Systematic(name, source)
            return
        for number, one in enumerate(ranges):
            several = one if isinstance(one[0], tuple) else (one,)
            yield Systematic(f"{name}__ETABIN{number}", source, ranges=several)

    def binned(name: str, source: int, *edges: float) -> Iterator[Systematic]:
        yield from split(name, source, *pairwise(edges))

    precision, run3 = model.precision, model.run3
    yield Systematic("EG_SCALE_ZEESYST", slots.ZEE_SYSTEMATIC)
    if not precision:
        yield from split("EG_SCALE_LARCALIB", slots.LAR_CALIB, *_BARREL_AND_ENDCAP)
    yield from split("EG_SCALE_LARUNCONVCALIB", slots.LAR_UNCONV_CALIB, *_BARREL_AND_ENDCAP)
    yield Systematic("EG_SCALE_LARELECCALIB", slots.LAR_ELEC_CALIB)
    yield from split("EG_SCALE_LARELECUNCONV", slots.LAR_ELEC_UNCONV, *_BARREL_AND_ENDCAP)
    yield Systematic("EG_SCALE_G4", slots.G4)
    gap = (1.4, 1.5) if precision else (1.37, 1.52)
    yield from binned("EG_SCALE_PS", slots.PS, 0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, *gap, 1.8)
    if run3:
        yield Systematic("EG_SCALE_PS_EXTRARUN3", slots.PS_EXTRA_RUN3)
    strips: tuple[float, ...] = (0, 0.6, 1.0, 1.35, 1.5, 1.8, 2.4, 2.5)
    if not precision:
        strips = (0, 0.6, 1.4, 1.5, 2.4, 2.5) if model.ofc else (0, 1.35, 1.5, 2.4, 2.5)
    yield from binned("EG_SCALE_S12", slots.S12, *strips)
    if run3:
        yield from binned("EG_SCALE_S12_EXTRARUN3", slots.S12_EXTRA_RUN3, 0, 0.8, 1.5, 2.5)
    yield from binned("EG_SCALE_MATID", slots.MAT_ID, 0, 1.1, 1.5, 2.1, 2.5)
    yield from binned("EG_SCALE_MATCRYO", slots.MAT_CRYO, *_TWELVE)
    yield from binned("EG_SCALE_MATCALO", slots.MAT_CALO, *_TWELVE)
    yield from (Systematic(name, source) for name, source in _unsplit(model))
    yield from _z_statistics(by_eta, zee_edges)
    yield from split("EG_SCALE_MATPP0", slots.MAT_PP0, (0, 1.5), (1.5, 2.5))
    if precision:
        yield from split("EG_SCALE_WTOTS1", slots.WTOTS1, ((0, 1.52), (1.82, 2.47)), (1.52, 1.82))
    else:
        yield Systematic("EG_SCALE_WTOTS1", slots.WTOTS1)
    yield from binned(
        "EG_SCALE_E4SCINTILLATOR", slots.E4_SCINTILLATOR, 1.4, 1.46, 1.52, 1.6, *((1.72,) if run3 else ())
    )


def _unsplit(model: ModelSpec) -> Iterator[tuple[str, int]]:
    """List sources that are one in any scheme."""
    yield "EG_SCALE_L1GAIN", slots.L1_GAIN
    if not model.precision:
        yield "EG_SCALE_L2GAIN", slots.L2_GAIN
    yield "EG_SCALE_PEDESTAL", slots.PEDESTAL
    yield "PH_SCALE_LEAKAGEUNCONV", slots.LEAKAGE_UNCONV
    yield "PH_SCALE_LEAKAGECONV", slots.LEAKAGE_CONV
    if not model.precision:
        yield "PH_SCALE_CONVEFFICIENCY", slots.CONV_EFFICIENCY
        yield "PH_SCALE_CONVFAKERATE", slots.CONV_FAKE_RATE
    yield "PH_SCALE_CONVRADIUS", slots.CONV_RADIUS
    if model.ofc:
        yield "EG_SCALE_OFC", slots.OFC
        yield "EG_SCALE_EXTRARUN3PRE", slots.EXTRA_RUN3_PRE
    if model.run3:
        yield "EG_SCALE_L2MEDIUMGAINEXTRARUN3", slots.L2_MEDIUM_GAIN_EXTRA_RUN3
        yield "EG_SCALE_L2LOWGAINEXTRARUN3", slots.L2_LOW_GAIN_EXTRA_RUN3
    if model.precision:
        yield "EG_SCALE_ADCLIN", slots.ADC_LIN
        yield "EG_SCALE_L2MEDIUMGAIN", slots.L2_MEDIUM_GAIN
        yield "EG_SCALE_L2LOWGAIN", slots.L2_LOW_GAIN
        yield "EG_SCALE_LEAKAGEELEC", slots.LEAKAGE_ELEC
        yield "PH_SCALE_CONVRECO", slots.CONV_RECO
    yield "EG_SCALE_TOPOCLUSTER_THRES", slots.TOPOCLUSTER_THRES
    yield f"EG_SCALE_{model.fast}", slots.FAST_SIMULATION
    if not model.precision:
        yield "EG_SCALE_PS_BARREL_B12", slots.PS_B12


def _z_statistics(by_eta: bool, zee_edges: Sequence[float] | None) -> Iterator[Systematic]:
    """List the statistical errors of the scale from Z -> ee."""
    if by_eta and zee_edges is not None:
        for number, one in enumerate(pairwise(zee_edges)):
            name = f"EG_SCALE_ZEESTAT__ETABIN{number}"
            yield Systematic(name, slots.ZEE_STAT, ranges=(one,), signed=True)
        return
    yield Systematic("EG_SCALE_ZEESTAT", slots.ZEE_STAT_REDUCED if by_eta else slots.ZEE_STAT)


_RESOLUTION_NAMES = (
    ("ZSMEARING", slots.Z_SMEARING),
    ("SAMPLINGTERM", slots.SAMPLING_TERM),
    ("MATERIALID", slots.MATERIAL_ID),
    ("MATERIALCALO", slots.MATERIAL_CALO),
    ("MATERIALGAP", slots.MATERIAL_GAP),
    ("MATERIALCRYO", slots.MATERIAL_CRYO),
    ("PILEUP", slots.PILE_UP),
    ("MATERIALIBL", slots.MATERIAL_OF_IBL),
    ("MATERIALPP0", slots.MATERIAL_OF_PP0),
    ("OFC", slots.RESOLUTION_OFC),
)


def _resolution(model: ModelSpec, full: bool) -> Iterator[Systematic]:
    """List the sources of the resolution."""
    named = _RESOLUTION_NAMES if full else (("ALL", slots.RESOLUTION_ALL),)
    for name, source in named:
        if source != slots.RESOLUTION_OFC or model.ofc:
            yield Systematic(f"EG_RESOLUTION_{name}", resolution=source)
    yield Systematic(f"EG_RESOLUTION_{model.fast}", resolution=slots.RESOLUTION_FAST_SIMULATION)


def kernel_variations(chosen: Sequence[tuple[tuple[Systematic, float], ...]]) -> slots.Variations:
    """Turn variations into what the kernels read.

    Parameters
    ----------
    chosen : sequence of tuples
        For each variation one systematic of the scale, one of the resolution, or one of each, with 1 for up and -1 for
        down.
    """
    count = len(chosen)
    scale, resolution = (np.full(count, slots.NONE, dtype=np.int64) for _ in range(2))
    scale_sign, resolution_sign = np.ones(count), np.ones(count)
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    signed = np.zeros(count, dtype=np.bool_)
    for number, parts in enumerate(chosen):
        for systematic, sign in parts:
            if systematic.resolution != slots.NONE:
                resolution[number], resolution_sign[number] = systematic.resolution, sign
                continue
            scale[number], scale_sign[number], signed[number] = systematic.scale, sign, systematic.signed
            for side, (first, last) in enumerate(systematic.ranges):
                # the tool compares with edges in single precision
                low[number, side], high[number, side] = np.float32(first), np.float32(last)
    return slots.Variations(scale, resolution, scale_sign, resolution_sign, low, high, signed)

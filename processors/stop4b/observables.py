"""Derived variables of the search, and the axes of its histograms.

Formulas as in SPEC 3: R_2l and R_2l4j from GAMBIT's Analysis_ATLAS_13TeV_2LEPStop_36invfb.cpp, pT boost from its
139 fb^-1 successor. Leptons are massless.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from hepcol.units import GeV

FloatArray = npt.NDArray[np.float64]
Column = npt.NDArray[Any]

N_JETS = 4  # leading jets in R_2l4j
# Stored values are of single precision; m_ll of a narrow pair and vector sums lose some digits of it.
_TOLERANCE = 1e-4  # relative
_SMALLEST = 1e-3  # GeV, rad: below, an absolute difference counts

# What the cuts look at, and how it is drawn with all of them but those on itself
AXES: dict[str, hist.axis.Regular] = {
    axis.name: axis
    for axis in (
        hist.axis.Regular(40, 0 * GeV, 200 * GeV, name="mll", label=r"$m_{\ell\ell}$ [GeV]"),
        hist.axis.Regular(40, 0 * GeV, 800 * GeV, name="jet1pT", label=r"$p_T(j_1)$ [GeV]"),
        hist.axis.Regular(40, 0, 5, name="minDRl2j", label=r"min $\Delta R(\ell_2, j)$"),
        hist.axis.Regular(40, 0, 40, name="METsig", label=r"$E_T^{miss}$ significance"),
        hist.axis.Regular(40, 0 * GeV, 800 * GeV, name="pbll", label=r"$p_{T,boost}^{\ell\ell}$ [GeV]"),
        hist.axis.Regular(40, 200 * GeV, 1000 * GeV, name="MET", label=r"$E_T^{miss}$ [GeV]"),
        hist.axis.Regular(40, 0 * GeV, 100 * GeV, name="lep1pT", label=r"$p_T(\ell_1)$ [GeV]"),
        hist.axis.Regular(40, 0 * GeV, 60 * GeV, name="lep2pT", label=r"$p_T(\ell_2)$ [GeV]"),
        hist.axis.Regular(40, 0, 60, name="R2l", label=r"$R_{2\ell}$"),
        hist.axis.Regular(40, 0, 1, name="R2l4j", label=r"$R_{2\ell 4j}$"),
    )
}


@dataclass(frozen=True)
class Derived:
    """A variable that a file stores and that can be computed of other columns.

    Parameters
    ----------
    name : str
        Its column.
    inputs : tuple of str
        The others.
    compute : function
        Makes it of them.
    """

    name: str
    inputs: tuple[str, ...]
    compute: Callable[[Mapping[str, FloatArray]], FloatArray]

    def differs(self, columns: Mapping[str, Column]) -> int:
        """Count the events in which the stored value is another one."""
        stored = columns[self.name].astype(np.float64)
        computed = self.compute({name: columns[name].astype(np.float64) for name in self.inputs})
        allowed = np.maximum(_SMALLEST, _TOLERANCE * np.abs(stored))
        return int(np.count_nonzero(~(np.abs(computed - stored) <= allowed)))


_LEPTONS = tuple(f"lep{number}{name}" for number in (1, 2) for name in ("pT", "eta", "phi"))
_TRANSVERSE = tuple(f"lep{number}{name}" for number in (1, 2) for name in ("pT", "phi"))
_JETS = tuple(f"jet{number}pT" for number in range(1, N_JETS + 1))
_MET = ("MET", "METphi")


def _sum_of_leptons(of: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Vector sum of the leptons in the transverse plane [GeV]."""
    return (
        of["lep1pT"] * np.cos(of["lep1phi"]) + of["lep2pT"] * np.cos(of["lep2phi"]),
        of["lep1pT"] * np.sin(of["lep1phi"]) + of["lep2pT"] * np.sin(of["lep2phi"]),
    )


def _boost(of: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Vector sum of missing momentum and leptons [GeV]."""
    x, y = _sum_of_leptons(of)
    return x + of["MET"] * np.cos(of["METphi"]), y + of["MET"] * np.sin(of["METphi"])


def _angle(first: FloatArray, second: FloatArray) -> FloatArray:
    """Angle between two azimuths, 0 to pi."""
    difference = np.abs(first - second)
    return np.asarray(np.minimum(difference, 2 * np.pi - difference))


def _mll(of: Mapping[str, FloatArray]) -> FloatArray:
    # 2 pT1 pT2 (cosh d_eta - cos d_phi), as twice two squares, which do not cancel
    half_eta = np.sinh((of["lep1eta"] - of["lep2eta"]) / 2)
    half_phi = np.sin((of["lep1phi"] - of["lep2phi"]) / 2)
    return np.asarray(2 * np.sqrt(of["lep1pT"] * of["lep2pT"]) * np.hypot(half_eta, half_phi))


def _r2l4j(of: Mapping[str, FloatArray]) -> FloatArray:
    jets = of["jet1pT"] + of["jet2pT"] + of["jet3pT"] + of["jet4pT"]
    return np.asarray(of["MET"] / (of["MET"] + of["lep1pT"] + of["lep2pT"] + jets))


# min dR(l2, j) takes all jets, of which a flat tree has four, and the rapidity; m_T2 is used nowhere.
DERIVED: tuple[Derived, ...] = (
    Derived("mll", _LEPTONS, _mll),
    Derived("pTll", _TRANSVERSE, lambda of: np.hypot(*_sum_of_leptons(of))),
    Derived("dphill", ("lep1phi", "lep2phi"), lambda of: _angle(of["lep1phi"], of["lep2phi"])),
    Derived("pbll", (*_TRANSVERSE, *_MET), lambda of: np.hypot(*_boost(of))),
    Derived(
        "dphi_boost",
        (*_TRANSVERSE, *_MET),
        lambda of: _angle(of["METphi"], np.arctan2(*_boost(of)[::-1])),
    ),
    Derived("R2l", ("MET", "lep1pT", "lep2pT"), lambda of: of["MET"] / (of["lep1pT"] + of["lep2pT"])),
    Derived("R2l4j", ("MET", "lep1pT", "lep2pT", *_JETS), _r2l4j),
)
DERIVED_COLUMNS: tuple[str, ...] = tuple(
    dict.fromkeys(name for derived in DERIVED for name in (derived.name, *derived.inputs))
)

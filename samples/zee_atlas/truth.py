"""What is put into the pseudo-data, and is to be found again: energy scales, constant terms, efficiencies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samples.draws import Floats
from samples.error import SampleError

# Regions of the electrons' eta in the frame of the calorimeter; the crack, 1.37 to 1.52, has none.
ETA_EDGES = (-2.47, -2.0, -1.52, -1.37, -0.8, 0.0, 0.8, 1.37, 1.52, 2.0, 2.47)
# E(data) = (1 + alpha) E(simulation), per region; ours, of the size of those of Run 2 (arXiv:1812.03848)
ALPHA = (-0.0120, 0.0150, 0.0, -0.0080, 0.0040, 0.0070, -0.0050, 0.0, 0.0180, -0.0150)
# Constant terms of the resolution of data beside those of simulation; ours, some 1 % in the barrel and 2 % in the
# endcaps (arXiv:1812.03848)
CONSTANT = (0.020, 0.017, 0.0, 0.012, 0.008, 0.009, 0.013, 0.0, 0.018, 0.021)

EFFICIENCY_ETA = (0.0, 0.6, 1.37, 1.52, 2.01, 2.47)  # of |eta|
EFFICIENCY_PT = (15.0, 20.0, 25.0, 30.0, 40.0, 60.0, 150.0, 1000.0)  # GeV


@dataclass(frozen=True)
class ScaleFactor:
    """Efficiency of data over that of simulation, in bins of |eta| and pt; at most 1.

    Parameters
    ----------
    name : str
        Of the efficiency.
    systematic : str
        Official name of its uncertainty.
    at_high_pt : tuple of float
        In each bin of |eta|.
    loss_at_low_pt : float
        What it is lower at 20 GeV; falls off as exp(-(pt - 20 GeV) / 15 GeV).
    error : float
        Its uncertainty at 40 GeV; twice that below 25 GeV.
    """

    name: str
    systematic: str
    at_high_pt: tuple[float, ...]
    loss_at_low_pt: float
    error: float

    def table(self) -> Floats:
        """Scale factors, ``[eta, pt]``."""
        middle = np.sqrt(np.array(EFFICIENCY_PT[:-1]) * np.array(EFFICIENCY_PT[1:]))
        loss = self.loss_at_low_pt * np.exp(-(middle - 20.0) / 15.0)
        return np.clip(np.array(self.at_high_pt)[:, np.newaxis] - loss, 0.0, 1.0)

    def errors(self) -> Floats:
        """Uncertainties, ``[eta, pt]``."""
        soft = np.array(EFFICIENCY_PT[1:]) <= 25.0  # noqa: PLR2004 (GeV, as the docstring says)
        return np.broadcast_to(np.where(soft, 2.0, 1.0) * self.error, self.table().shape).copy()

    def at(self, eta: Floats, pt: Floats) -> Floats:
        """Scale factors of electrons; ``pt`` in GeV. Outside the bins it is that of the nearest."""
        row = _bin_of(np.abs(eta), EFFICIENCY_ETA)
        return np.asarray(self.table()[row, _bin_of(pt, EFFICIENCY_PT)])


# Ours, of the size of those of arXiv:1902.04655 and arXiv:1908.00005
SCALE_FACTORS = (
    ScaleFactor(
        "reconstruction", "EL_EFF_Reco_TOTAL_1NPCOR_PLUS_UNCOR", (0.995, 0.992, 0.98, 0.988, 0.985), 0.01, 0.002
    ),
    ScaleFactor("identification", "EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR", (0.985, 0.975, 0.95, 0.965, 0.955), 0.03, 0.005),
    ScaleFactor("isolation", "EL_EFF_Iso_TOTAL_1NPCOR_PLUS_UNCOR", (0.998, 0.997, 0.99, 0.994, 0.992), 0.01, 0.001),
)


def region_of(eta: Floats) -> npt.NDArray[np.int64]:
    """Region of each electron; those beyond the last have its number.

    Parameters
    ----------
    eta : array
        In the frame of the calorimeter.
    """
    return _bin_of(eta, ETA_EDGES)


def inject(eta: Floats, normals: Floats) -> Floats:
    """Factors that make energies of simulation those of data.

    Parameters
    ----------
    eta : array
        In the frame of the calorimeter.
    normals : array
        Standard normal numbers.
    """
    region = region_of(eta)
    return (1 + np.array(ALPHA)[region]) * (1 + np.array(CONSTANT)[region] * normals)


def _bin_of(values: Floats, edges: tuple[float, ...]) -> npt.NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def describe() -> dict[str, object]:
    """Tell all of it."""
    return {
        "eta_edges": list(ETA_EDGES),
        "alpha": list(ALPHA),
        "constant_term": list(CONSTANT),
        "definition": "E(data) = (1 + alpha) (1 + c N(0, 1)) E(simulation), by ETACALOFRAME",
        "scale_factors": {
            one.name: {
                "abs_eta_edges": list(EFFICIENCY_ETA),
                "pt_edges": list(EFFICIENCY_PT),
                "data_over_simulation": one.table().tolist(),
            }
            for one in SCALE_FACTORS
        },
    }


def check_form(form: str) -> None:
    """Refuse a form of the sample that does not exist.

    Raises
    ------
    SampleError
        If it does not.
    """
    if form not in FORMS:
        raise SampleError(f"form must be {' or '.join(FORMS)}, got {form!r}")


SIMULATION, DATA = "simulation", "data"
FORMS = (SIMULATION, DATA)

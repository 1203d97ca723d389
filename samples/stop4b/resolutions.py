"""Relative resolutions of transverse momenta: of the parametrised detector, and in the MET significance."""

import numpy as np

from samples.draws import Floats

# Jets: noise, stochastic and constant term, growing with |eta|; 24 % at 20 GeV, 9 % at 100 GeV, as ATLAS PFlow jets.
JET_NOISE, JET_STOCHASTIC, JET_CONSTANT, JET_ETA_SLOPE = 3.5, 0.75, 0.03, 0.05
# Electrons: noise, stochastic and constant term.
ELECTRON_NOISE, ELECTRON_STOCHASTIC, ELECTRON_CONSTANT = 0.2, 0.10, 0.01
# Muons: scattering and lever arm, growing with |eta|.
MUON_CONSTANT, MUON_LINEAR, MUON_ETA_SLOPE = 0.017, 1e-4, 0.2
JET_ANGLE = 0.03  # rad: transverse to a jet, sigma_T = 0.03 pt; leptons have none
SOFT_TERM = 9.0  # GeV, along each axis


def jet_resolution(pt: Floats, eta: Floats) -> Floats:
    """sqrt((3.5/pt)^2 + 0.75^2/pt + 0.03^2) (1 + 0.05 |eta|), pt in GeV."""
    terms = (JET_NOISE / pt) ** 2 + JET_STOCHASTIC**2 / pt + JET_CONSTANT**2
    return np.sqrt(terms) * (1 + JET_ETA_SLOPE * np.abs(eta))


def electron_resolution(pt: Floats) -> Floats:
    """sqrt((0.2/pt)^2 + 0.10^2/pt + 0.01^2), pt in GeV."""
    return np.sqrt((ELECTRON_NOISE / pt) ** 2 + ELECTRON_STOCHASTIC**2 / pt + ELECTRON_CONSTANT**2)


def muon_resolution(pt: Floats, eta: Floats) -> Floats:
    """sqrt(0.017^2 + (1e-4 pt)^2) (1 + 0.2 |eta|), pt in GeV."""
    return np.sqrt(MUON_CONSTANT**2 + (MUON_LINEAR * pt) ** 2) * (1 + MUON_ETA_SLOPE * np.abs(eta))

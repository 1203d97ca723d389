"""Constants of nature, from the Review of Particle Physics (PDG, Phys. Rev. D 110 (2024) 030001)."""

from hepcol.units import GeV

ALPHA = 1 / 137.035999  # of QED at zero momentum
ELECTRON_MASS = 0.51099895e-3 * GeV
Z_MASS = 91.1880 * GeV
Z_WIDTH = 2.4955 * GeV

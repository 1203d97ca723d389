"""Observables of pairs of electrons, and the axes of their histograms."""

import hist
import numpy as np

from hepcol.units import GeV
from processors.zee_atlas.kernels.pairs import N_BINS
from processors.zee_atlas.selection import MASS

M_EE = hist.axis.Regular(N_BINS, MASS.above, MASS.below, name="m_ee", label="$m_{ee}$ [GeV]")
LEADING_PT = hist.axis.Regular(N_BINS, 20 * GeV, 120 * GeV, name="leading_pt", label="leading electron $p_T$ [GeV]")
SUBLEADING_PT = hist.axis.Regular(
    N_BINS, 20 * GeV, 120 * GeV, name="subleading_pt", label="subleading electron $p_T$ [GeV]"
)
LEADING_ETA = hist.axis.Regular(N_BINS, -2.5, 2.5, name="leading_eta", label="leading electron $\\eta$")
SUBLEADING_ETA = hist.axis.Regular(N_BINS, -2.5, 2.5, name="subleading_eta", label="subleading electron $\\eta$")

# in the order in which the kernel fills them
OBSERVABLES = (M_EE, LEADING_PT, SUBLEADING_PT, LEADING_ETA, SUBLEADING_ETA)
EDGES = np.array([[axis.edges[0], axis.edges[-1]] for axis in OBSERVABLES])

ENDCAP_ELECTRONS = hist.axis.Integer(
    0, 3, name="endcap_electrons", label="electrons of the pair in the endcaps", flow=False
)

"""The regions of the analysis: cuts are data, and no event is in two regions."""

from hepcol.selection import Cut, Region
from hepcol.units import GeV

LOW, HIGH = 86 * GeV, 96 * GeV  # around the Z

PAIR = (
    Cut("at least two electrons", "n_electrons", at_least=2),
    Cut("of opposite charge", "charge", equal=(0.0,)),
)
Z_PEAK = Region("z_peak", (*PAIR, Cut("86 < m_ee < 96 GeV", "m_ee", above=LOW, below=HIGH)))
BELOW = Region("below", (*PAIR, Cut("m_ee <= 86 GeV", "m_ee", at_most=LOW)))
ABOVE = Region("above", (*PAIR, Cut("m_ee >= 96 GeV", "m_ee", at_least=HIGH)))
REGIONS = (Z_PEAK, BELOW, ABOVE)

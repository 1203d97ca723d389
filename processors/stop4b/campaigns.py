"""Campaigns of simulation, the periods of data that they stand for, and the luminosities of both.

From the notebooks of the original study (SPEC 6 [N]); ``samples.stop4b.campaigns`` repeats them, as samples and
analyses may not import each other, and a test compares.
"""

from types import MappingProxyType

# Integrated luminosity [fb^-1] of the periods of data
PERIODS = MappingProxyType({"data15": 3.21956, "data16": 32.9881, "data17": 44.3074, "data18": 58.4501})
# Periods of data that a campaign of simulation stands for
CAMPAIGNS = MappingProxyType({"mc16a": ("data15", "data16"), "mc16d": ("data17",), "mc16e": ("data18",)})
# Integrated luminosity [fb^-1] of the campaigns
LUMINOSITIES = MappingProxyType(
    {campaign: sum(PERIODS[period] for period in periods) for campaign, periods in CAMPAIGNS.items()}
)
TOTAL_LUMINOSITY = sum(LUMINOSITIES.values())  # fb^-1
LUMINOSITY_ERROR = 0.017  # relative; ATLAS, arXiv:2102.01444


def luminosity_factor(campaign: str, luminosity: float) -> float:
    """Events that a unit of weight of a campaign stands for.

    Weights contain the cross section [fb] and the share L_c / L_tot of the campaign in the luminosity of all. The
    factor is then L_tot where a campaign stands for its own data, and sigma L is the sum over the campaigns.

    Parameters
    ----------
    campaign : str
        One of ``CAMPAIGNS``.
    luminosity : float
        Integrated luminosity [fb^-1] of the data that it stands for.
    """
    return TOTAL_LUMINOSITY * luminosity / LUMINOSITIES[campaign]

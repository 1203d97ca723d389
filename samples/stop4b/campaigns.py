"""Data-taking campaigns of Run 2 and their luminosities, as the original study had them (SPEC 6)."""

from dataclasses import dataclass

from samples.error import SampleError


@dataclass(frozen=True)
class Campaign:
    """A period of data taking.

    Parameters
    ----------
    name : str
        As in file paths.
    number : int
        0, 1, 2 for a, d, e: the column ``campaign``.
    luminosity : float
        Integrated luminosity [fb^-1].
    run_number : int
        The column ``runNumber`` (of simulation: that of the campaign's reference run).
    pile_up : float
        Mean number of collisions in a bunch crossing.
    """

    name: str
    number: int
    luminosity: float
    run_number: int
    pile_up: float


MC = (
    Campaign("mc16a", 0, 3.21956 + 32.9881, 284500, 24.0),
    Campaign("mc16d", 1, 44.3074, 300000, 38.0),
    Campaign("mc16e", 2, 58.4501, 310000, 36.0),
)
DATA = (
    Campaign("data15", 0, 3.21956, 276262, 24.0),
    Campaign("data16", 0, 32.9881, 297730, 24.0),
    Campaign("data17", 1, 44.3074, 325713, 38.0),
    Campaign("data18", 2, 58.4501, 348885, 36.0),
)
TOTAL_LUMINOSITY = sum(campaign.luminosity for campaign in MC)


def find_campaign(name: str) -> Campaign:
    """Campaign of that name.

    Raises
    ------
    SampleError
        If there is none.
    """
    for campaign in (*MC, *DATA):
        if campaign.name == name:
            return campaign
    names = ", ".join(campaign.name for campaign in (*MC, *DATA))
    raise SampleError(f"no campaign {name!r}; there are: {names}")


def simulated_campaign(period: Campaign) -> Campaign:
    """Find the simulated campaign of a period of data."""
    return next(simulated for simulated in MC if simulated.number == period.number)

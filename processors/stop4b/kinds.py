"""Kinds of samples, which decide on cuts and weights, and what to do where something of them is missing."""

from enum import StrEnum


class Kind(StrEnum):
    """What the events of a sample are."""

    PROMPT = "prompt"  # simulation with two prompt leptons
    FAKES = "fakes"  # simulation with a lepton that is not prompt, with a fake factor
    DATA_DRIVEN = "data-driven"  # data with such a lepton, with a fake factor
    DATA = "data"

    @property
    def is_simulated(self) -> bool:
        """Whether weights are to be scaled to a luminosity."""
        return self in (Kind.PROMPT, Kind.FAKES)

    @property
    def is_fake(self) -> bool:
        """Whether it is part of the background of leptons that are not prompt."""
        return self in (Kind.FAKES, Kind.DATA_DRIVEN)


class Missing(StrEnum):
    """What to do where a tree, or the column of a weight variation, is missing."""

    ERROR = "error"
    NOMINAL = "nominal"

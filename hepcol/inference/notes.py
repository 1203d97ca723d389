"""Notes on what was done to numbers, or found with them, for a reader to know."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Note:
    """Something that was done, or found, and that a reader may want to know.

    Parameters
    ----------
    kind : str
        One word or two, the same for all of the kind.
    text : str
        A sentence, without its place.
    is_warning : bool
        Whether it may make a number wrong; else it is how things are done.
    sample, region, systematic : str
        Its place, as far as it has one.
    """

    kind: str
    text: str
    is_warning: bool = False
    sample: str = ""
    region: str = ""
    systematic: str = ""

    def at(self, *, sample: str = "", region: str = "", systematic: str = "") -> Self:
        """Return the same note with its place, as far as it had none."""
        return replace(
            self,
            sample=self.sample or sample,
            region=self.region or region,
            systematic=self.systematic or systematic,
        )

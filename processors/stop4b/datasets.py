"""What is known of a dataset of the search: the sample that it is a part of, and what its weights mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hepcol.errors import InputError
from hepcol.selection import Cut, Region
from processors.stop4b.campaigns import LUMINOSITIES, luminosity_factor
from processors.stop4b.kinds import Kind
from processors.stop4b.systematics import NOMINAL


@dataclass(frozen=True)
class Dataset:
    """What is known of a dataset.

    Parameters
    ----------
    name : str
        Name of the dataset.
    sample : str
        The sample that it is a part of.
    kind : Kind
        What it is made of.
    component : str
        The part of the sample whose trees belong together, such as Fake_Wt: a variation that is in none of them is
        replaced by their nominal events. Empty if that is clear without a name, see
        :func:`processors.stop4b.addition.name_components`.
    is_signal : bool
        Whether the sample is a signal.
    luminosity : mapping of str to float
        Integrated luminosity [fb^-1] of the data that each campaign in the dataset stands for; not used of data.
    fallback : str
        ``nominal`` if that tree was taken in place of one that is not there; else empty.
    missing : tuple of str
        Weight variations whose columns are not there, so that the nominal weight was taken in their place.

    Raises
    ------
    InputError
        If they contradict each other.
    """

    name: str
    sample: str
    kind: Kind
    component: str = ""
    is_signal: bool = False
    luminosity: Mapping[str, float] = field(default_factory=dict)
    fallback: str = ""
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.is_signal and self.kind is not Kind.PROMPT:
            raise InputError(f"dataset '{self.name}': a signal must be of the kind {Kind.PROMPT}, got {self.kind}")
        if self.fallback not in ("", NOMINAL.name):
            raise InputError(f"dataset '{self.name}': fallback must be '' or '{NOMINAL.name}', got '{self.fallback}'")
        for campaign, luminosity in self.luminosity.items() if self.kind.is_simulated else ():
            if campaign not in LUMINOSITIES:
                raise InputError(
                    f"dataset '{self.name}': luminosity of '{campaign}', which is none of {', '.join(LUMINOSITIES)}"
                )
            if not isinstance(luminosity, (int, float)) or not (math.isfinite(luminosity) and luminosity >= 0):
                raise InputError(
                    f"dataset '{self.name}': luminosity of {campaign} must be at least 0 fb^-1, got {luminosity!r}"
                )

    @classmethod
    def from_metadata(cls, name: str, metadata: Mapping[str, Any]) -> Self:
        """Take the parameters out of the metadata of a dataset; other keys are for others.

        Raises
        ------
        InputError
            If something is missing or wrong.
        """
        sample, kind = metadata.get("sample"), metadata.get("kind")
        if not isinstance(sample, str) or not sample:
            raise InputError(f"dataset '{name}': sample must be a name, got {sample!r}")
        if kind not in tuple(Kind):
            raise InputError(f"dataset '{name}': kind must be one of {', '.join(Kind)}, got {kind!r}")
        luminosity = metadata.get("luminosity") or {}
        if not isinstance(luminosity, Mapping):
            raise InputError(f"dataset '{name}': luminosity must be given by campaign, got {luminosity!r}")
        return cls(
            name,
            sample,
            Kind(str(kind)),
            str(metadata.get("component") or ""),
            bool(metadata.get("is_signal", False)),
            dict(luminosity),
            str(metadata.get("fallback") or ""),
            tuple(map(str, metadata.get("missing") or ())),
        )

    def has(self, campaign: str) -> bool:
        """Whether it is known what events of a campaign stand for."""
        return not self.kind.is_simulated or campaign in self.luminosity

    def factor(self, campaign: str) -> float:
        """Events that a unit of weight stands for.

        Raises
        ------
        InputError
            If that is not known.
        """
        if not self.has(campaign):
            raise InputError(
                f"dataset '{self.name}' has entries of campaign '{campaign}', but a luminosity only of "
                f"{', '.join(self.luminosity) or 'none'}"
            )
        return luminosity_factor(campaign, self.luminosity[campaign]) if self.kind.is_simulated else 1.0


def read_regions(metadata: Mapping[str, Mapping[str, Any]]) -> tuple[Region, ...]:
    """Read the regions of a run, as they were then, out of the metadata of its datasets; none if they do not tell."""
    told = next((about["selection"] for about in metadata.values() if about.get("selection")), ())
    return tuple(Region(region["name"], tuple(map(_read_cut, region["cuts"]))) for region in told)


def _read_cut(cut: Mapping[str, Any]) -> Cut:
    bounds: dict[str, Any] = {name: cut.get(name) for name in ("above", "at_least", "below", "at_most")}
    return Cut(
        cut["label"], cut["column"], **bounds, equal=tuple(cut.get("equal") or ()), source=cut.get("source") or ""
    )

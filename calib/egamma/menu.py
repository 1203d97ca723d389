"""The systematics of a calibration by the names of their variations, of which users choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from calib.egamma.kernels import slots
from calib.egamma.models import ModelSpec
from calib.egamma.systematics import Systematic, systematics_of
from hepcol.errors import InputError
from hepcol.variations import NOMINAL, Direction, Kind, Variation

_NEAR = 4  # names in a message

PAIR = 2

Name = str | tuple[str, str]  # a systematic, or one of the scale and one of the resolution together
Names = Literal["all"] | Sequence[Name]
Choice = tuple[tuple[Systematic, float], ...]  # with 1 for up and -1 for down


@dataclass(frozen=True)
class Menu:
    """All systematics of a model in a decorrelation scheme, or in one for the scale and one for the resolution.

    Parameters
    ----------
    model : ModelSpec
        The model.
    decorrelation : str or tuple of two
        The schemes.
    systematics : dict
        Systematics and their direction, by the official names of their variations.
    """

    model: ModelSpec
    decorrelation: str | tuple[str, str]
    systematics: dict[str, tuple[Systematic, float]]

    @classmethod
    def of(
        cls, model: ModelSpec, decorrelation: str | tuple[str, str], zee_edges: Sequence[float] | None = None
    ) -> "Menu":
        """List the systematics; ``zee_edges`` are those of :func:`calib.egamma.systematics.systematics_of`.

        Raises
        ------
        InputError
            If there is no such scheme.
        """
        both_of = (decorrelation, decorrelation) if isinstance(decorrelation, str) else decorrelation
        if not (isinstance(both_of, tuple) and len(both_of) == PAIR and all(isinstance(one, str) for one in both_of)):
            raise InputError(
                f"decorrelation must be a name, or one for the scale and one for the resolution, got {decorrelation!r}"
            )
        scale, resolution = both_of
        both = [
            *(one for one in systematics_of(model, scale, zee_edges) if one.resolution == slots.NONE),
            *(one for one in systematics_of(model, resolution) if one.resolution != slots.NONE),
        ]
        directed = {
            variation.name: (one, 1.0 if variation.direction is Direction.UP else -1.0)
            for one in both
            for variation in one.variations()
        }
        return cls(model, decorrelation, directed)

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Return all variations, the nominal one first."""
        different = dict.fromkeys(systematic for systematic, _ in self.systematics.values())
        varied = (variation for one in different for variation in one.variations())
        return (Variation(NOMINAL, Kind.NOMINAL), *varied)

    def choose(self, names: Names) -> tuple[list[str], list[Choice]]:
        """Find systematics by their names; of the names that are returned, the first is the nominal one.

        Raises
        ------
        InputError
            If one does not exist.
        """
        if isinstance(names, str) and names != "all":
            raise InputError(f"systematics must be all or a list of names, got '{names}'")
        wanted = list(self.systematics) if isinstance(names, str) else list(dict.fromkeys(names))
        titles = [one if isinstance(one, str) else "+".join(one) for one in wanted]
        return [NOMINAL, *titles], [self.find(one) for one in wanted]

    def find(self, name: Name) -> Choice:
        """Find a systematic by its name, or one of the scale and one of the resolution.

        Raises
        ------
        InputError
            If it does not exist, or two are of one kind.
        """
        names = (name,) if isinstance(name, str) else tuple(name)
        unknown = [one for one in names if one not in self.systematics]
        if unknown:
            near = get_close_matches(unknown[0], self.systematics, _NEAR, 0.0)
            raise InputError(
                f"systematic '{unknown[0]}' is unknown to model {self.model.name} with {self.decorrelation}; "
                f"there are {len(self.systematics)}, the nearest {', '.join(near)}"
            )
        found = tuple(self.systematics[one] for one in names)
        if len({one.resolution == slots.NONE for one, _ in found}) < len(found):
            raise InputError(
                f"systematics {', '.join(names)}: together can be one of the scale and one of the resolution"
            )
        return found

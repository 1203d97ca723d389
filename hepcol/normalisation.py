"""What simulated events count: luminosity times cross-section, over the sum of the weights that they had."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hepcol.errors import InputError
from hepcol.filesums import EVENTS
from hepcol.sampletable import Part, SampleTable

_PB_IN_FB = 1000.0  # pb^-1 in a fb^-1


@dataclass(frozen=True)
class WeightSum:
    """Sum of the weights of the events that were generated.

    Parameters
    ----------
    value : float
        The sum.
    events : int
        Events of it.
    sources : tuple of str
        Where it is from.
    whole : bool
        Whether it is of the events that were processed; false where files that carry it were read in part.
    lacks : tuple of str
        What was not processed, if it is not.
    """

    value: float
    events: int
    sources: tuple[str, ...]
    whole: bool
    lacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: str, part: Mapping[str, Any]) -> "WeightSum":
        """Take that of a dataset from the summary of its run: what the files carry, else that of what was processed.

        Raises
        ------
        InputError
            If the summary does not tell.
        """
        told = part.get("normalisation")
        if told is None and "sum_weights" not in part:
            raise InputError(f"dataset '{dataset}': its summary has no sum of weights; expected a run that returns one")
        found = {"source": EVENTS, "whole": True, "lacks": (), **(part if told is None else told)}
        try:
            value, events, source, whole = (found[name] for name in ("sum_weights", "events", "source", "whole"))
            return cls(float(value), int(events), (str(source),), bool(whole), tuple(map(str, found["lacks"])))
        except (KeyError, TypeError, ValueError) as error:
            shown = {name: found.get(name) for name in ("sum_weights", "events", "source", "whole", "lacks")}
            raise InputError(f"dataset '{dataset}': sum of weights in its summary is damaged: {shown}") from error


def add_weights(sums: Iterable[WeightSum]) -> WeightSum:
    """Add up the sums of datasets."""
    parts = tuple(sums)
    return WeightSum(
        math.fsum(one.value for one in parts),
        sum(one.events for one in parts),
        tuple(dict.fromkeys(source for one in parts for source in one.sources)),
        all(one.whole for one in parts),
        tuple(dict.fromkeys(lack for one in parts for lack in one.lacks)),
    )


@dataclass(frozen=True)
class Scale:
    """What the events of datasets of simulation are multiplied by.

    Parameters
    ----------
    part : Part
        Of which sample, and campaigns.
    datasets : tuple of str
        Datasets that share the sum of weights.
    luminosity : float
        Luminosity that they are normalised to [fb^-1].
    cross_section : float
        Cross-section times k-factor and filter efficiency [pb].
    weights : WeightSum
        Sum of their weights.
    """

    part: Part
    datasets: tuple[str, ...]
    luminosity: float
    cross_section: float
    weights: WeightSum

    @property
    def factor(self) -> float:
        """The factor, of weights."""
        return self.luminosity * _PB_IN_FB * self.cross_section / self.weights.value


def scales_of(
    table: SampleTable, assigned: Mapping[str, Part], parts: Mapping[str, Mapping[str, Any]]
) -> dict[Part, Scale]:
    """Normalise all simulation.

    Parameters
    ----------
    table : SampleTable
        The samples.
    assigned : mapping of str to Part
        What each dataset is, see :meth:`hepcol.sampletable.SampleTable.assign`.
    parts : mapping
        By dataset, what the summaries of runs say of it.

    Raises
    ------
    InputError
        If a sum of weights is not there, or not above 0.
    """
    found = {}
    for part in dict.fromkeys(assigned.values()):
        sample = table.samples[part.sample]
        if sample.cross_section is None:
            continue
        datasets = tuple(sorted(name for name, of in assigned.items() if of == part))
        weights = add_weights(WeightSum.of(name, parts[name]) for name in datasets)
        if not (weights.value > 0 and math.isfinite(weights.value)):
            raise InputError(
                f"sample '{part.sample}': sum of weights of {', '.join(datasets)} is {weights.value:g}, so that it "
                "cannot be normalised; expected more than 0"
            )
        cross_section = sample.cross_section * sample.k_factor * sample.filter_efficiency
        found[part] = Scale(part, datasets, table.luminosity(part.campaigns), cross_section, weights)
    return found

"""Weights of events, and their variations (SPEC 6).

Simulation: ``weight * WeightEventsbTag * WeightEventsPU``, and ``fakeWeight`` of fakes, in fb: the luminosity is not
in it. Data count one, whatever their weight columns say, and fakes made from data ``fakeWeight``.
"""

from collections.abc import Collection, Mapping

import numpy as np

from processors.stop4b.kinds import Kind, Missing
from processors.stop4b.observables import Column, FloatArray
from processors.stop4b.systematics import FAKE_WEIGHT, FAKES, NOMINAL, WEIGHT, Systematic

_FACTORS: dict[Kind, tuple[str, ...]] = {
    Kind.PROMPT: ("weight", "WeightEventsbTag", "WeightEventsPU"),
    Kind.FAKES: ("weight", "WeightEventsbTag", "WeightEventsPU", FAKE_WEIGHT),
    Kind.DATA_DRIVEN: (FAKE_WEIGHT,),
    Kind.DATA: (),
}


def factors(kind: Kind) -> tuple[str, ...]:
    """Columns whose product is the nominal weight."""
    return _FACTORS[kind]


def systematics(kind: Kind) -> tuple[Systematic, ...]:
    """Weight systematics of a kind of samples."""
    return {Kind.PROMPT: WEIGHT, Kind.FAKES: WEIGHT + FAKES, Kind.DATA_DRIVEN: FAKES, Kind.DATA: ()}[kind]


def variation_columns(kind: Kind) -> tuple[str, ...]:
    """Columns of the variations; each is named as its variation."""
    return tuple(variation.name for systematic in systematics(kind) for variation in systematic.variations)


def replaced(there: Collection[str], kind: Kind) -> tuple[tuple[str, tuple[str, str]], ...]:
    """Return the variations that lack a column among those that are there, with the columns that they need."""
    needed = [
        (variation.name, (systematic.factor, variation.name))
        for systematic in systematics(kind)
        for variation in systematic.variations
    ]
    return tuple(one for one in needed if not all(name in there for name in one[1]))


def columns(kind: Kind) -> tuple[str, ...]:
    """Columns that the weight and its variations are made of."""
    nominal = (systematic.factor for systematic in systematics(kind))
    return tuple(dict.fromkeys((*factors(kind), *nominal, *variation_columns(kind))))


def nominal_weight(of: Mapping[str, Column], kind: Kind, events: int) -> FloatArray:
    """Weight of each event: the product of the factors, from left to right, in double precision."""
    weight = np.ones(events)
    for number, name in enumerate(factors(kind)):
        factor = of[name].astype(np.float64)
        weight = factor if number == 0 else weight * factor
    return weight


def varied_weights(
    of: Mapping[str, Column], kind: Kind, events: int, missing: Missing = Missing.ERROR
) -> dict[str, FloatArray]:
    """Weights of each event by variation, the nominal one first.

    A variation takes the place of its factor where that is in the weight. Where it is not, the weight is multiplied
    by their ratio, which is one where the nominal factor is zero (the original divided by it).

    Parameters
    ----------
    of : mapping
        Columns of the events.
    kind : Kind
        Kind of the sample.
    events : int
        Their number.
    missing : Missing
        Whether a variation without a column is the nominal weight.
    """
    nominal = nominal_weight(of, kind, events)
    varied = {NOMINAL.name: nominal}
    for systematic in systematics(kind):
        for variation in systematic.variations:
            if missing is Missing.NOMINAL and not {variation.name, systematic.factor} <= of.keys():
                varied[variation.name] = nominal
            elif systematic.factor in factors(kind):
                own = {**{name: of[name] for name in factors(kind)}, systematic.factor: of[variation.name]}
                varied[variation.name] = nominal_weight(own, kind, events)
            else:
                factor = of[systematic.factor].astype(np.float64)
                ratio = np.divide(of[variation.name], factor, out=np.ones(events), where=factor != 0)
                varied[variation.name] = nominal * ratio
    return varied


def ratio_factors(kind: Kind) -> tuple[str, ...]:
    """Factors whose variations are ratios to them."""
    names = dict.fromkeys(systematic.factor for systematic in systematics(kind))
    return tuple(name for name in names if name not in factors(kind))


def count_zeros(of: Mapping[str, Column]) -> int:
    """Count the events in which a factor is zero, to which its variations have no ratio."""
    return int(np.count_nonzero(np.any([factor == 0 for factor in of.values()], axis=0))) if of else 0

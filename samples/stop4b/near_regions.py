"""A skim for small samples: events that come near a signal region, in the nominal tree or in any other.

An event comes near if, with the momenta of one of the 41 trees, it has a row in that tree (two or more leptons left)
whose columns, in GeV where they are momenta, lie within::

    MET > 380    jet1pT > 140    METsig > 9    R2l > 11    lep1pT < 110    lep2pT < 55

Each bound is looser than that of both signal regions, so that a sample of these events has all rows of the regions, in
every tree, which a sample of all events has. It has others too, but not all: it is of no use far from the regions.
"""

import numpy as np

from samples.stop4b.columns import Events
from samples.stop4b.observables import observe
from samples.stop4b.selection import Bools, nominal_momenta, select
from samples.stop4b.variations import TREES

ABOVE = {"MET": 380.0, "jet1pT": 140.0, "METsig": 9.0, "R2l": 11.0}
BELOW = {"lep1pT": 110.0, "lep2pT": 55.0}


def comes_near_a_region(events: Events) -> Bools:
    """Whether each event comes near a signal region in at least one tree."""
    nominal = select(events, nominal_momenta(events))
    near = np.zeros(len(events), dtype=np.bool_)
    for tree in TREES:
        momenta = tree.apply(events, nominal)
        selected = nominal if tree.change is None else select(events, momenta)
        rows = observe(events, momenta, selected)
        within = np.ones(len(rows["MET"]), dtype=np.bool_)
        for name, bound in ABOVE.items():
            within &= rows[name] > bound
        for name, bound in BELOW.items():
            within &= rows[name] < bound
        near[np.flatnonzero(selected.passes_skim)[within]] = True
    return near


def describe() -> str:
    """Say what the skim keeps, for the file."""
    bounds = [*(f"{name} > {bound:g}" for name, bound in ABOVE.items())]
    bounds += [f"{name} < {bound:g}" for name, bound in BELOW.items()]
    return (
        f"only events that come near a signal region in at least one tree: {', '.join(bounds)} (GeV); "
        "events, tried and weight are those of the sample before this skim"
    )

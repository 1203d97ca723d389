"""From generated events to stored ones: candidates, triggers, scale factors, and the skim in any variation."""

import numpy as np
from scipy.special import erf

from samples.stop4b.campaigns import Campaign
from samples.stop4b.columns import Events
from samples.stop4b.detector import DetectorCard, reconstruct
from samples.stop4b.processes import Process
from samples.stop4b.selection import Bools, nominal_momenta, select
from samples.stop4b.truth import Truth
from samples.stop4b.variations import VARIATIONS
from samples.stop4b.weights import weigh, weigh_fakes

# An event this far below the skim's missing momentum is not looked at in the variations.
_NOMINAL_MIN_MET = 130.0


def reduce(truth: Truth, process: Process, campaign: Campaign, seed: int, card: DetectorCard) -> Events:
    """Events that have a row in at least one of the 41 trees."""
    events = reconstruct(truth, process, campaign, seed, card)
    selected = select(events, nominal_momenta(events))
    n_candidates = np.diff(events.electrons.offsets) + np.diff(events.muons.offsets)
    near = (selected.met > _NOMINAL_MIN_MET) & (n_candidates >= 2)  # noqa: PLR2004 (a pair)
    events = events.take(np.flatnonzero(near))
    events = events.take(np.flatnonzero(passes_any_skim(events)))
    nominal = select(events, nominal_momenta(events))
    draw = events.columns["trigger_draw"]
    efficiency = 0.5 * (1 + erf((nominal.met - card.trigger_threshold) / (np.sqrt(2) * card.trigger_width)))
    weights = weigh(events, nominal, seed, f"{process.name}/{campaign.name}")
    if process.fake_rate > 0:
        weights |= weigh_fakes(events)
    columns = {name: column for name, column in events.columns.items() if name != "trigger_draw"}
    return Events(events.electrons, events.muons, events.jets, columns | {"MET_trigger": draw < efficiency} | weights)


def passes_any_skim(events: Events) -> Bools:
    """Whether each event has a row in a tree."""
    nominal = select(events, nominal_momenta(events))
    passed = nominal.passes_skim
    for variation in VARIATIONS:
        if variation.change is not None:
            # an event that is in already need not be looked at again
            passed |= select(events, variation.apply(events, nominal)).passes_skim
    return passed

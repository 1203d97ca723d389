"""Pseudo-data: a Poisson number of each simulated event, by its expected yield."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from samples.error import SampleError
from samples.stop4b.campaigns import TOTAL_LUMINOSITY, Campaign
from samples.stop4b.columns import Collection, Events, concatenate
from samples.stop4b.draws import Floats, stream_key, uniforms
from samples.stop4b.flat import IDS, make_rows
from samples.stop4b.processes import FAKES, FAKES_PROCESS
from samples.stop4b.selection import nominal_momenta, select
from samples.stop4b.truth import PROMPT_CLASSES, Integers
from samples.stop4b.weights import PILE_UP, TAGGING

_MC_CHANNEL = 0
_MAX_YIELD = 50.0  # of one event: beyond, the sample is too small to draw data from


def draw_data(samples: Iterable[Events], period: Campaign, simulated: Campaign, seed: int) -> Events:
    """Draw the events of a period from samples of its campaign.

    Prompt processes give events whose two leading leptons are prompt, fakes what their fake factor tells: there the
    lepton put in by hand is moved into the signal selection.
    """
    drawn = []
    key = stream_key(seed, "stop4b.data", period.name)
    for events in samples:
        expected = _expected(events) * TOTAL_LUMINOSITY * period.luminosity / simulated.luminosity
        times = poisson(expected, uniforms(key, events.columns["eventNumber"], 0, 0))
        drawn.append(_as_data(events.take(np.repeat(np.arange(len(events)), times)), period))
    data = concatenate(drawn)
    # an order that does not tell the process, and numbers that do not repeat
    order = np.argsort(uniforms(key, np.arange(len(data)), 0, 1), kind="stable")
    data = data.take(order)
    number = np.arange(1, len(data) + 1, dtype=np.uint64)
    return replace(data, columns=data.columns | {"eventNumber": number})


def poisson(expected: Floats, u: Floats) -> Integers:
    """Poisson numbers of given means, by inverting the distribution at u.

    Raises
    ------
    SampleError
        If a mean is too large for it.
    """
    if len(expected) and expected.max() > _MAX_YIELD:
        raise SampleError(f"an event stands for {expected.max():.0f} expected ones; draw from more events")
    number = np.zeros(len(expected), dtype=np.int64)
    term = np.exp(-expected)
    total = term.copy()
    while np.any(above := u > total):
        number += above
        term = term * expected / np.maximum(number, 1)
        # u next to 1 may lie beyond what double precision adds up to
        if np.all(term[above] < np.finfo(float).tiny):
            break
        total = total + np.where(above, term, 0.0)
    return number


def _expected(events: Events) -> Floats:
    """Find the expected yield per fb^-1 of each event, zero for those that a data file would not hold."""
    is_fake = len(events) > 0 and int(events.columns["mcChannel"][0]) == FAKES_PROCESS.mc_channel
    _, rows = next(make_rows(events, FAKES if is_fake else ""))
    value = rows["weight"] * rows[TAGGING] * rows[PILE_UP]
    value = value * (rows["fakeWeight"] if is_fake else rows["isTruthMatched"])
    selected = select(events, nominal_momenta(events))
    expected = np.zeros(len(events))
    expected[np.flatnonzero(selected.passes_skim)] = value
    return expected


def _as_data(events: Events, period: Campaign) -> Events:
    """Hide what data do not tell: truth, weights and scale factors."""
    n = len(events)
    columns = {name: events.columns[name] for name in (*IDS, "soft_px", "soft_py", "MET_trigger", "passBadEvents")}
    columns |= {
        "runNumber": np.full(n, period.run_number, dtype=np.int32),
        "mcChannel": np.full(n, _MC_CHANNEL, dtype=np.int32),
        "weight": np.ones(n),
        "WeightEvents": np.ones(n, dtype=np.float32),
    }
    return Events(_hide(events.electrons), _hide(events.muons), _hide(events.jets), columns)


def _hide(collection: Collection) -> Collection:
    """Remove the truth, and let the lepton that is not prompt be a signal lepton."""
    columns = dict(collection.columns)
    if "iff" in columns:
        non_prompt = ~np.isin(columns["iff"], PROMPT_CLASSES)
        columns["isIso"] = columns["isIso"] | non_prompt
        columns["iff"] = np.zeros_like(columns["iff"])
    else:
        columns["flavour"] = np.zeros_like(columns["flavour"])
    columns["truth_pt"] = columns["pt"]
    return replace(collection, columns=columns)

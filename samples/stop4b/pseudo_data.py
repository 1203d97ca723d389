"""Pseudo-data: a Poisson number of each simulated event, by its expected yield."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from samples.collection import Collection, Column
from samples.draws import Floats, stream_key, uniforms
from samples.error import SampleError
from samples.rootfile import replacing
from samples.stop4b.campaigns import TOTAL_LUMINOSITY, Campaign, find_campaign, simulated_campaign
from samples.stop4b.columns import Events, concatenate
from samples.stop4b.files import read_objects
from samples.stop4b.flat import FLAGS, IDS, make_rows
from samples.stop4b.output import FLAT, check_form, identify, read_note_of_objects, write
from samples.stop4b.processes import BACKGROUNDS, DATA
from samples.stop4b.selection import MUON_MAX_D0SIG, nominal_momenta, select
from samples.stop4b.truth import Integers
from samples.stop4b.weights import FAKE, PILE_UP, TAGGING

_MC_CHANNEL = 0
_OF_ALL = ("generated", "sample_version", "sqrt_s", "near_regions", "skim", "generator", "detector", "created_by")
_HIGH_BITS, _LOW_BITS = 21, 32
_MAX_YIELD = 50.0  # of one event: beyond, the sample is too small to draw data from


def draw_data(samples: Iterable[Events], period: Campaign, simulated: Campaign, seed: int) -> Events:
    """Draw the events of a period from samples of its campaign.

    Prompt processes give events whose two leading leptons are prompt, fakes what their fake factor tells: there all
    leptons are moved into the signal selection. The factor stands for the whole efficiency, and the prediction asks
    nothing of either lepton, so that a cut on the prompt one would lose events that the prediction has.

    The events are those of the prediction: its statistical errors are in both, and cancel in a comparison.

    What is drawn of an event depends on nothing but itself and its weight, so that data out of a part of the samples
    are that part of the data.
    """
    drawn = []
    key = stream_key(seed, "stop4b.data", period.name)
    for events in samples:
        expected = _expected(events) * TOTAL_LUMINOSITY * period.luminosity / simulated.luminosity
        times = poisson(expected, uniforms(key, events.columns["eventNumber"], 0, 0))
        rows = np.repeat(np.arange(len(events)), times)
        copy = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
        number = _number(key, events.columns["eventNumber"][rows], copy)
        drawn.append(_as_data(events.take(rows), number, period))
    data = concatenate(drawn)
    number = data.columns["eventNumber"]
    if len(np.unique(number)) < len(number):
        raise SampleError("two events of the pseudo-data drew one eventNumber; choose another seed")
    return data.take(np.argsort(number))


def _number(key: np.uint64, event: Column, copy: Integers) -> Column:
    """``eventNumber`` of data: 53 random bits, which do not tell the process."""
    high, low = (uniforms(key, event, copy, draw) for draw in (1, 2))
    return (high * 2.0**_HIGH_BITS).astype(np.uint64) << np.uint64(_LOW_BITS) | (low * 2.0**_LOW_BITS).astype(np.uint64)


def draw(
    backgrounds: Iterable[str | Path],
    path: str | Path,
    campaign: str,
    *,
    form: str = FLAT,
    seed: int = 1,
    force: bool = False,
) -> UUID:
    """Draw the pseudo-data of a period from files of objects, one of each background of its campaign.

    From files of as many events each come the data that ``sample.generate`` makes; here every background can have as
    many as it needs.

    Parameters
    ----------
    backgrounds : iterable of str or Path
        Files of the form ``objects``.
    path : str or Path
        File to write; it appears when it is complete.
    campaign : str
        data15 to data18.
    form : str
        ``flat`` or ``objects``, of the data.
    seed : int
        Of the draws.
    force : bool
        Overwrite ``path`` if it exists.

    Returns
    -------
    UUID
        The file's.

    Raises
    ------
    SampleError
        If the files are not one of each background and of one kind, or the output cannot be written.
    OSError
        If one cannot be read.
    """
    check_form(form)
    period = find_campaign(campaign)
    simulated = simulated_campaign(period)
    files = sorted(((read_note_of_objects(file), file) for file in backgrounds), key=lambda one: one[0]["sample"])
    note = _describe_draw([note for note, _ in files], period, simulated) | {"form": form, "seed": seed}
    uuid = identify(note)
    with replacing(Path(path), force) as temporary:
        data = draw_data((read_objects(file) for _, file in files), period, simulated, seed)
        write(temporary, uuid, data, note)
    return uuid


def _describe_draw(notes: list[dict[str, Any]], period: Campaign, simulated: Campaign) -> dict[str, Any]:
    """Say of what the data are drawn, if it is one sample of each background."""
    names = sorted(process.name for process in BACKGROUNDS)
    if sorted(note["sample"] for note in notes) != names:
        given = ", ".join(note["sample"] for note in notes) or "none"
        raise SampleError(f"data are drawn from one file of each of {', '.join(names)}; got {given}")
    for note in notes:
        if note["campaign"] != simulated.name:
            raise SampleError(
                f"{period.name} is drawn from {simulated.name}, but {note['sample']} is {note['campaign']}"
            )
    if len({note["near_regions"] for note in notes}) > 1:
        raise SampleError("of some backgrounds all events are given, of some only those near the signal regions")
    return {
        **{name: notes[0][name] for name in _OF_ALL if name in notes[0]},
        "sample": DATA,
        "campaign": period.name,
        "events": {note["sample"]: note["events"] for note in notes},
        **describe(period),
    }


def describe(period: Campaign) -> dict[str, Any]:
    """Say what the data are."""
    return {
        "process": "pseudo-data: Poisson numbers of the events of all backgrounds, by their expected yields in "
        "this period; an event whose yield exceeds 1 occurs repeatedly. Drawn from the very events of the prediction: "
        "the statistical errors of simulation are common to both and cancel in a comparison, which is then closer than "
        "they allow. Leptons of events drawn from Fakes are made signal leptons. Not data of ATLAS",
        "drawn_from": [process.name for process in BACKGROUNDS],
        "luminosity": {"value": period.luminosity, "unit": "fb^-1"},
    }


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
    _, rows = next(make_rows(events, ""))
    value = rows["weight"] * rows[TAGGING] * rows[PILE_UP]
    value = value * (rows[FAKE] if FAKE in rows else rows["isTruthMatched"])
    selected = select(events, nominal_momenta(events))
    expected = np.zeros(len(events))
    expected[np.flatnonzero(selected.passes_skim)] = value
    return expected


def _as_data(events: Events, number: Column, period: Campaign) -> Events:
    """Hide what data do not tell: truth, weights and scale factors, and that a lepton of Fakes is none."""
    n = len(events)
    columns = {name: events.columns[name] for name in (*IDS, "soft_px", "soft_py", *FLAGS)}
    columns |= {
        "eventNumber": number,
        "runNumber": np.full(n, period.run_number, dtype=np.int32),
        "mcChannel": np.full(n, _MC_CHANNEL, dtype=np.int32),
        "weight": np.ones(n),
        "WeightEvents": np.ones(n, dtype=np.float32),
    }
    electrons, muons = events.electrons, events.muons
    if FAKE in events.columns:
        electrons, muons = _as_signal(electrons), _as_signal(muons)
    return Events(_hide(electrons), _hide(muons), _hide(events.jets), columns)


def _hide(collection: Collection) -> Collection:
    """Remove the truth."""
    columns = dict(collection.columns)
    name = "iff" if "iff" in columns else "flavour"
    columns[name] = np.zeros_like(columns[name])
    columns["truth_pt"] = columns["pt"]
    return replace(collection, columns=columns)


def _as_signal(leptons: Collection) -> Collection:
    """Make all leptons signal leptons."""
    columns = dict(leptons.columns)
    for name in ("isIso", "isMedium"):
        columns[name] = np.ones_like(columns[name])
    # the sideband has no limit, the signal selection has
    columns["d0sig"] = np.float32(MUON_MAX_D0SIG) * np.tanh(columns["d0sig"] / np.float32(2 * MUON_MAX_D0SIG))
    return replace(leptons, columns=columns)

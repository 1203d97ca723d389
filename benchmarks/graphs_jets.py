"""The jets that graphs are made of in the comparison: those of the shipped W' sample, repeated as often as needed."""

from pathlib import Path

import numpy as np

from benchmarks.replicas import repeat_events
from hepcol.events import open_events
from hepcol.graphs import Constituents
from samples.catalogue import JETS_WPRIME

SAMPLE = JETS_WPRIME
JETS_PER_EVENT = 2


def events_file(events: int) -> tuple[int, Path]:
    """Return about so many events in one file, made once in the cache folder, and how many there are."""
    return repeat_events(SAMPLE.path, SAMPLE.tree, events)


def jets_of(count: int) -> Constituents:
    """Return the constituents of so many jets, those of the sample again and again."""
    found = Constituents.from_events(open_events(SAMPLE.path), jets=JETS_PER_EVENT)
    whole, rest = divmod(count, len(found))
    used = np.tile(np.arange(len(found)), whole + 1)[: whole * len(found) + rest]
    counts = np.diff(found.offsets)[used]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    columns = [
        np.concatenate([np.tile(one, whole), one[: found.offsets[rest]]])
        for one in (found.pt, found.eta, found.phi, found.mass)
    ]
    pt, eta, phi, mass = columns
    return Constituents(pt, eta, phi, offsets, mass)


def part(jets: Constituents, first: int, last: int) -> Constituents:
    """Return some jets, one after another, without a copy."""
    some = slice(jets.offsets[first], jets.offsets[last])
    offsets = jets.offsets[first : last + 1] - jets.offsets[first]
    return Constituents(jets.pt[some], jets.eta[some], jets.phi[some], offsets, jets.mass[some])

"""A file of many baskets, and a processor that tells what it has read of it, bit by bit."""

import hashlib
from functools import partial

import numpy as np
import uproot

EVENTS, BASKETS, COLUMNS = 40_000, 8, tuple(f"x{number}" for number in range(8))
CHUNK = EVENTS // 4
MEANWHILE = []  # what happens at the second chunk; a processor travels, and so does not hold it


def write_file(path, seed=1):
    """Write a tree of numbers that do not compress: 2.6 MB, of which the end is 0.3 MB."""
    generator = np.random.default_rng(seed)
    with uproot.recreate(path) as file:
        file.mktree("events", dict.fromkeys((*COLUMNS, "unread"), np.float64))
        for _ in range(BASKETS):
            file["events"].extend({name: generator.normal(size=EVENTS // BASKETS) for name in (*COLUMNS, "unread")})
    return path


def read(events, columns=COLUMNS):
    """Tell the bits of columns."""
    digest = hashlib.sha256()
    for name in columns:
        digest.update(np.asarray(events[name]).tobytes())
    place = events.metadata["entrystart"], events.metadata["entrystop"]
    return {"events": len(events), "bits": {(*place, digest.hexdigest())}}


def read_meanwhile(events):
    """Read, and let happen at the second chunk what is to happen then."""
    if events.metadata["entrystart"] == CHUNK and MEANWHILE:
        MEANWHILE.pop()()
    return read(events)


def reader(*columns):
    """Return a processor of some columns."""
    return partial(read, columns=columns)


class Declared:
    """A processor that declares what it reads."""

    required_columns = COLUMNS

    def process(self, events):
        return read(events)

    def postprocess(self, out):
        return out

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hepcol.kernels import pairs

electrons = st.lists(st.tuples(st.floats(0, 100), st.sampled_from([-1.0, 1.0]), st.booleans()), max_size=6)


def oracle(event):
    """Choose as the analysis note says, in plain Python."""
    candidates = [i for i, (_, _, is_candidate) in enumerate(event) if is_candidate]
    if not candidates:
        return None
    leading = max(candidates, key=lambda i: (event[i][0], -i))
    partners = [i for i in candidates if event[i][1] * event[leading][1] < 0]
    return (leading, max(partners, key=lambda i: (event[i][0], -i))) if partners else None


def choose(events):
    flat = [electron for event in events for electron in event]
    starts = np.cumsum([0, *map(len, events)])
    candidates = np.array([i for i, electron in enumerate(flat) if electron[2]], dtype=np.int64)
    found = pairs.leading_pairs(
        np.array([electron[0] for electron in flat], dtype=np.float64),
        np.array([electron[1] for electron in flat], dtype=np.float64),
        candidates,
        np.searchsorted(candidates, starts),
    )
    return [
        None if second == pairs.NO_OBJECT else (first - start, second - start)
        for (first, second), start in zip(found.tolist(), starts[:-1].tolist(), strict=True)
    ]


@given(st.lists(electrons, max_size=8))
def test_finds_the_pair_of_the_oracle(events):
    assert choose(events) == [oracle(event) for event in events]


def test_a_nan_energy_comes_last():
    assert choose([[(math.nan, 1.0, True), (40.0, 1.0, True), (30.0, -1.0, True)]]) == [(1, 2)]
    assert choose([[(math.nan, 1.0, True), (30.0, -1.0, True)]]) == [(1, 0)]

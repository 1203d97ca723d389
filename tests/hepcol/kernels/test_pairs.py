import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hepcol.kernels import pairs

electrons = st.lists(st.tuples(st.floats(0, 100), st.sampled_from([-1.0, 0.0, 1.0])), max_size=6)


def oracle(event):
    """Choose as the analysis note says, in plain Python."""
    if not event:
        return None
    leading = max(range(len(event)), key=lambda i: (event[i][0], -i))
    partners = [i for i in range(len(event)) if event[i][1] * event[leading][1] < 0]
    return (leading, max(partners, key=lambda i: (event[i][0], -i))) if partners else None


def choose(events):
    energy, charge = np.array([electron for event in events for electron in event]).reshape(-1, 2).T.copy()
    starts = np.cumsum([0, *map(len, events)])
    found = pairs.leading_pairs(energy, charge, starts)
    return [
        None if second == pairs.NO_OBJECT else (first - start, second - start)
        for (first, second), start in zip(found.tolist(), starts[:-1].tolist(), strict=True)
    ]


@given(st.lists(electrons, max_size=8))
def test_finds_the_pair_of_the_oracle(events):
    assert choose(events) == [oracle(event) for event in events]


def test_a_nan_energy_comes_last():
    assert choose([[(math.nan, 1.0), (40.0, 1.0), (30.0, -1.0)]]) == [(1, 2)]
    assert choose([[(math.nan, 1.0), (30.0, -1.0)]]) == [(1, 0)]


def test_a_charge_that_is_nan_is_not_opposite():
    assert choose([[(40.0, 1.0), (30.0, math.nan), (20.0, -1.0)]]) == [(0, 2)]

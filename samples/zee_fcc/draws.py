"""Random numbers that depend on nothing but seed, event and purpose."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Purposes, in the counter's highest word: so far apart that no event can draw its way into the next.
INITIALISATION, GENERATOR, DETECTOR = range(3)
SEED_LIMIT = 2**64
# 52 bits and half a step keep every value strictly between 0 and 1: with 53 the largest rounds to 1.
_SHIFT = np.uint64(12)
_STEP = 2.0**-52


def open_stream(seed: int, event: int, purpose: int) -> np.random.Philox:
    """Philox4x64-10 keyed by seed and event."""
    key = np.array([seed, event], dtype=np.uint64)
    counter = np.array([0, 0, 0, purpose], dtype=np.uint64)
    return np.random.Philox(key=key, counter=counter)


def draw(stream: np.random.Philox, count: int) -> NDArray[np.float64]:
    """Uniform numbers in (0, 1), made from raw words: numpy may change its distributions, not these."""
    raw: NDArray[Any] = stream.random_raw(count)
    return ((raw >> _SHIFT).astype(np.float64) + 0.5) * _STEP


def to_normal(uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make standard normal numbers from pairs of uniform ones along the last axis (Box and Muller, 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniforms[..., 0::2]))
    angle = 2.0 * np.pi * uniforms[..., 1::2]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)

"""Random numbers that depend on what is drawn, never on when, where or in which order.

Philox4x32-10 with the counter (event, object, draw) and a key hashed from (seed, stream, namespace). Equal
arguments give equal bits in any chunk, process or order; a replica takes the next draw of the same object.

Keys are 64-bit hashes: among n streams the probability that two collide is about n^2 / 2^65, 3e-8 for a
million files.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.kernels import normal, philox

MAX_SEED = 2**63 - 1


def stream_key(seed: int, stream: str, namespace: str) -> np.uint64:
    """Hash a random stream to the 64-bit key of its generator.

    Parameters
    ----------
    seed : int
        Seed of the run, ``0 <= seed < 2**63``.
    stream : str
        What the numbers are for, such as ``"zee.energy"``.
    namespace : str
        What makes the event numbers unique: the UUID of the file, or the name of the dataset.

    Raises
    ------
    ValueError
        If ``seed`` is out of range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be an integer from 0 to {MAX_SEED}, got {seed}")
    # lengths in front of the names, so that no two triples are written alike
    message = f"{seed}:{len(stream)}:{stream}:{len(namespace)}:{namespace}"
    return np.uint64(int.from_bytes(hashlib.blake2b(message.encode(), digest_size=8).digest(), "little"))


def normals(key: np.uint64, event: npt.ArrayLike, obj: npt.ArrayLike, draw: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Draw standard normals; the arguments broadcast against each other.

    Parameters
    ----------
    key : np.uint64
        From :func:`stream_key`.
    event : array of integers
        Identity of the event, below 2^64.
    obj : array of integers
        Index of the object in the stored collection, before any selection; below 2^32.
    draw : array of integers
        Number of the draw, such as the replica; below 2^34.

    Examples
    --------
    A draw does not depend on what else is drawn.

    >>> key = stream_key(seed=1, stream="photons.energy", namespace="798d0dc9-2c18-5d41-896b-2fbada2ef376")
    >>> bool(normals(key, [0, 1, 2], 0, 5)[2] == normals(key, 2, 0, 5))
    True
    """
    columns = np.broadcast_arrays(*(np.asarray(column, dtype=np.uint64) for column in (event, obj, draw)))
    out = np.empty(columns[0].size)
    normal.fill_normals(*(np.ascontiguousarray(column).ravel() for column in columns), key, out)
    return out.reshape(columns[0].shape)


def philox4x32(counter: npt.ArrayLike, key: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    """Words of Philox4x32-10, ``[n, 4]``, for counters ``[n, 4]`` and keys ``[n, 2]`` of 32-bit words."""
    counters: Any = np.atleast_2d(np.asarray(counter, dtype=np.uint64))
    keys: Any = np.atleast_2d(np.asarray(key, dtype=np.uint64))
    out = np.empty(counters.shape, dtype=np.uint64)
    philox.words(counters, np.ascontiguousarray(np.broadcast_to(keys, (len(counters), 2))), out)
    return out.astype(np.uint32)

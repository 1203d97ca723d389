"""The seed of an electron's smearing and the first standard Gaussian of ROOT's ``TRandom3`` with that seed.

TRandom3 is the Mersenne Twister MT19937: Matsumoto, Nishimura, ACM TOMACS 8 (1998) 3, doi:10.1145/272991.272995,
with the seeding of the authors' ``mt19937ar.c`` of 2002. Its Gaussian is the acceptance-complement ratio of
Hoermann, Derflinger, OR Spektrum 12 (1990) 181, doi:10.1007/BF01719717.

An output needs three words of the seeded state only, the last of them 397 behind, so the words of ``LANES`` seeds
run side by side up to there and nothing else of the state is made. Seed 0 is seeded like every other, where
``TRandom3(0)`` takes a new seed at each call: one that nobody could repeat.
"""

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Unsigned, inlined, kernel
from hepcol.kernels.elementary import log

Words = npt.NDArray[np.uint32]

# Seeding alone, ns per seed on one core of an EPYC 9005 (AVX-512), by lanes: 16: 56, 32: 29, 64: 15, 128: 9.5,
# 256: 7.3, 512: 7.4; 8 and 16 steps per pass over 256 lanes: 13 and 18. In 64 bits, which numba computes in unless
# every operation is cast back: 22. One seed after the other: 900.
LANES = 256
# Outputs made in lanes; the one seed in 4600 that needs more makes its whole state. All of a Gaussian, ns per seed:
# 2: 73, 4: 23, 6: 15, 8: 13, 12: 13.
KEPT = 8

_STATE, _SHIFT = 624, 397
_SEEDING_FACTOR, _SEEDING_SHIFT = np.uint32(1812433253), np.uint32(30)
_UPPER, _LOWER, _ONE, _ZERO = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(1), np.uint32(0)
_TWIST = np.uint32(0x9908B0DF)
_MASK_B, _MASK_C = np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
_SHIFT_U, _SHIFT_S, _SHIFT_T, _SHIFT_L = np.uint32(11), np.uint32(7), np.uint32(15), np.uint32(18)
_WORD_TO_UNIFORM = 2.0**-32  # ROOT's 2.3283064365386963e-10

# Constants of the Gaussian as in ROOT's TRandom::Gaus. The first uniform lies in the centre or a wing and is a
# Gaussian once scaled, or in the strip, where a second one may give it, or goes on to the ratio of uniforms.
_CENTRE, _CENTRE_SLOPE, _CENTRE_OFFSET = 0.516058551, 4.132731354, 3.132731354
_WINGS, _WING_SLOPE = 0.107981933, 18.52161694
_STRIP = 0.483941449
_FAR_1, _FAR_2, _FAR_3 = 1.448242853, 1.46754004, 3.307147487
_NEAR_1, _NEAR_2, _NEAR_3 = 1.036467755, 3.631288474, 5.295844968
_FAR_HEIGHT, _NEAR_HEIGHT, _LOG_OFFSET = 0.591923442, 0.375959516, 0.4515827053
_RATIO_Y, _RATIO_Z, _RATIO_SLOPE = 0.187308492, 0.4571828819, 0.7270572718
_INNER_1, _INNER_2, _INNER_3 = 0.8853395638, 0.2770276848, 0.2452635696
_OUTER, _RATIO_LOG = 0.03895759111, 0.5029324303

_TWO_TO_63 = 2.0**63
_PHI_FACTOR, _ETA_FACTOR = 1e6, 1e3


@inlined
def _next_seed(word: np.uint32, index: np.uint32) -> np.uint32:
    """Word ``index`` of a seeded state from the word before it."""
    mixed = np.uint32(word ^ np.uint32(word >> _SEEDING_SHIFT))
    return np.uint32(np.uint32(_SEEDING_FACTOR * mixed) + index)


@inlined
def _twist(word: np.uint32, following: np.uint32, shifted: np.uint32) -> np.uint32:
    """Word of the next state from the words 0, 1 and 397 behind it in this one."""
    joined = np.uint32(np.uint32(word & _UPPER) | np.uint32(following & _LOWER))
    odd = np.uint32(_ZERO - np.uint32(following & _ONE))
    return np.uint32(np.uint32(shifted ^ np.uint32(joined >> _ONE)) ^ np.uint32(odd & _TWIST))


@inlined
def _temper(word: np.uint32) -> np.uint32:
    """Output of a word of the state."""
    word = np.uint32(word ^ np.uint32(word >> _SHIFT_U))
    word = np.uint32(word ^ np.uint32(np.uint32(word << _SHIFT_S) & _MASK_B))
    word = np.uint32(word ^ np.uint32(np.uint32(word << _SHIFT_T) & _MASK_C))
    return np.uint32(word ^ np.uint32(word >> _SHIFT_L))


@kernel
def _seed_lanes(early: Words, late: Words, state: Words) -> None:
    """Seed from ``early[0]``: ``early[k]`` becomes word ``k`` and ``late[k]`` word ``397 + k`` of each lane."""
    for index in range(1, len(early)):
        for lane in range(LANES):
            early[index, lane] = _next_seed(early[index - 1, lane], np.uint32(index))
    for lane in range(LANES):
        state[lane] = early[KEPT, lane]
    for index in range(KEPT + 1, _SHIFT):
        for lane in range(LANES):
            state[lane] = _next_seed(state[lane], np.uint32(index))
    for lane in range(LANES):
        late[0, lane] = _next_seed(state[lane], np.uint32(_SHIFT))
    for index in range(1, len(late)):
        for lane in range(LANES):
            late[index, lane] = _next_seed(late[index - 1, lane], np.uint32(_SHIFT + index))


@kernel
def _reload(state: Words) -> None:
    """Replace a state by the next one."""
    for index in range(_STATE):
        following, shifted = state[(index + 1) % _STATE], state[(index + _SHIFT) % _STATE]
        state[index] = _twist(state[index], following, shifted)


@kernel
def _word(draw: int, seed: np.uint32, state: Words) -> np.uint32:
    """Output ``draw`` of the stream, to be asked for in order.

    ``state[:KEPT]`` holds the first words of the first state that the seeded one is replaced by; the rest is filled
    when it is needed.
    """
    if draw == KEPT:
        state[0] = seed
        for index in range(1, _STATE):
            state[index] = _next_seed(state[index - 1], np.uint32(index))
    if draw == KEPT or (draw > 0 and draw % _STATE == 0):
        _reload(state)
    return _temper(state[draw % _STATE])


@kernel
def _uniform(draw: int, seed: np.uint32, state: Words) -> tuple[float, int]:
    """Uniform in (0, 1) from output ``draw`` or, where that is 0, from the next that is not; the output to go on at."""
    word = _ZERO
    while word == _ZERO:
        word = _word(draw, seed, state)
        draw += 1
    return np.float64(word) * _WORD_TO_UNIFORM, draw


@inlined
def _from_one(y: float) -> float:
    """Gaussian of a first uniform in the centre or a wing."""
    wing = _WING_SLOPE * y - 1.0
    wing = wing + 1.0 if wing > 0.0 else wing - 1.0
    return _CENTRE_SLOPE * y - _CENTRE_OFFSET if y > _CENTRE else wing


@inlined
def _from_two(y: float, second: float) -> tuple[float, float, bool, bool]:
    """Two candidates of a first uniform in the strip, and whether the first and the second surely are a Gaussian."""
    near = second - 1.0 + second
    far = 2.0 - near if near > 0.0 else -2.0 - near
    is_far = (_FAR_1 - y) * (_FAR_2 + abs(far)) < _FAR_3
    is_near = (y + _NEAR_1) * (_NEAR_2 + near * near) < _NEAR_3
    return far, near, is_far, is_near


@inlined
def _log_density(x: float) -> float:
    """Logarithm of the density, up to a constant."""
    return -(x * x + _LOG_OFFSET) / 2.0


@kernel
def _from_ratio(draw: int, seed: np.uint32, state: Words) -> float:
    """Gaussian by the ratio of uniforms, from output ``draw`` on."""
    while True:
        x, draw = _uniform(draw, seed, state)
        y, draw = _uniform(draw, seed, state)
        y = _RATIO_Y * y
        if _RATIO_Z - _RATIO_SLOPE * x - y > 0.0:
            ratio = 2.0 + y / x
        else:
            x, y = 1.0 - x, _RATIO_Y - y
            ratio = -(2.0 + y / x)
        if (y - _INNER_1 + x) * (_INNER_2 + x) + _INNER_3 < 0.0:
            return ratio
        if y < x + _OUTER and ratio * ratio < 4.0 * (_RATIO_LOG - log(x)):
            return ratio


@kernel
def _gaussian(seed: np.uint32, state: Words) -> float:
    """First Gaussian of a stream, see :func:`_word` for its state.

    ROOT compares exponentials where this compares logarithms; tried for each of the 2^32 seeds, they decide the same.
    """
    y, draw = _uniform(0, seed, state)
    if y > _CENTRE or y < _WINGS:
        return _from_one(y)
    if y < _STRIP:
        second, draw = _uniform(draw, seed, state)
        far, near, is_far, is_near = _from_two(y, second)
        if is_far or (not is_near and log(_FAR_HEIGHT - y) < _log_density(far)):
            return far
        if is_near or log(y + _NEAR_HEIGHT) < _log_density(near):
            return near
    return _from_ratio(draw, seed, state)


@inlined
def _quick_gaussian(word_0: np.uint32, word_1: np.uint32) -> tuple[float, bool]:
    """Gaussian of two outputs, and whether they settle it without a logarithm; free of branches."""
    y = np.float64(word_0) * _WORD_TO_UNIFORM
    far, near, is_far, is_near = _from_two(y, np.float64(word_1) * _WORD_TO_UNIFORM)
    takes_one = (y > _CENTRE) | (y < _WINGS)
    takes_two = (y < _STRIP) & (word_1 != _ZERO) & (is_far | is_near)
    two = far if is_far else near
    return _from_one(y) if takes_one else two, (word_0 != _ZERO) & (takes_one | takes_two)


@kernel
def first_gaussians(seeds: Words, out: Floats) -> None:
    """Fill ``out[n]`` with ``TRandom3(seeds[n]).Gaus(0, 1)``; seeds are uint32.

    Works in blocks of ``LANES``, the last one padded: a kernel that fuses it calls it on slices of ``LANES`` seeds.
    """
    early, late = np.empty((KEPT + 1, LANES), np.uint32), np.empty((KEPT, LANES), np.uint32)
    state, settled = np.empty(max(LANES, _STATE), np.uint32), np.empty(LANES, np.bool_)
    gaussians = np.empty(LANES)
    for start in range(0, len(seeds), LANES):
        count = min(LANES, len(seeds) - start)
        for lane in range(count):
            early[0, lane] = seeds[start + lane]
        for lane in range(count, LANES):
            early[0, lane] = _ZERO
        _seed_lanes(early, late, state)
        for lane in range(LANES):
            word_0 = _temper(_twist(early[0, lane], early[1, lane], late[0, lane]))
            word_1 = _temper(_twist(early[1, lane], early[2, lane], late[1, lane]))
            gaussians[lane], settled[lane] = _quick_gaussian(word_0, word_1)
        for lane in range(count):
            if not settled[lane]:
                for draw in range(KEPT):
                    state[draw] = _twist(early[draw, lane], early[draw + 1, lane], late[draw, lane])
                gaussians[lane] = _gaussian(early[0, lane], state)
            out[start + lane] = gaussians[lane]


@kernel
def object_seeds(cl_phi: Floats, cl_eta: Floats, event_number: Unsigned, out: Words) -> None:
    """Fill ``out[n]`` with the seed of an object: ``1 + uint32(|cl_phi| 1e6 + |cl_eta| 1e3 + event number)``.

    In double precision, cut to an integer and modulo 2^32, as x86-64 does where C++ leaves it open. Sums from 2^63
    on, infinite ones and NaN give 1, like there. (EgammaCalibrationAndSmearingTool.cxx, athena main 31c66c63)
    """
    for n in range(len(out)):
        total = abs(np.float64(cl_phi[n])) * _PHI_FACTOR + abs(np.float64(cl_eta[n])) * _ETA_FACTOR
        total += np.float64(event_number[n])
        whole = np.int64(total) if total < _TWO_TO_63 else np.int64(0)
        out[n] = np.uint32(np.uint32(whole) + _ONE)

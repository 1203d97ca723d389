"""The first Gaussian of a seed against the C++ tool's numbers, ROOT itself, and numpy's Mersenne Twister."""

import math
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from calib.egamma.kernels import mersenne

LARGEST = 2**32 - 1
MOST_DRAWS = (56756200, 275879410, 1200403311)  # 21, 22, and of all seeds the most: 23
BY_ROOT = """
import sys
import numpy as np
import ROOT
ROOT.gInterpreter.Declare('''
#include "TRandom3.h"
void fill(const unsigned *seeds, double *out, long n) {
  for (long i = 0; i < n; ++i) out[i] = TRandom3(seeds[i]).Gaus(0, 1);
}
''')
seeds = np.load(sys.argv[1])
out = np.empty(len(seeds))
ROOT.fill(seeds, out, len(seeds))
np.save(sys.argv[2], out)
"""


@pytest.fixture(scope="module")
def golden(request):
    path = request.config.rootpath.parent / "shared" / "egamma" / "golden" / "inputs.npz"
    if not path.is_file():
        pytest.skip("the numbers of the C++ tool are not there: no ../shared/egamma/golden beside the checkout")
    with np.load(path) as file:
        return dict(file)


def first_gaussians(seeds):
    out = np.full(len(seeds), np.nan)
    mersenne.first_gaussians(np.asarray(seeds, np.uint32), out)
    return out


def outputs(seed, n):
    """First outputs of numpy's MT19937, seeded as by ``init_genrand``."""
    generator = np.random.MT19937()
    generator._legacy_seeding(int(seed))
    return generator.random_raw(n).tolist()


def from_strip(y, uniforms):
    near = next(uniforms)
    near = near - 1 + near
    far = (2 if near > 0 else -2) - near
    if (1.448242853 - y) * (1.46754004 + abs(far)) < 3.307147487:
        return far
    if (y + 1.036467755) * (3.631288474 + near**2) < 5.295844968:
        return near
    if 0.591923442 - y < math.exp(-(far**2 + 0.4515827053) / 2):
        return far
    if y + 0.375959516 < math.exp(-(near**2 + 0.4515827053) / 2):
        return near
    return None


def from_ratio(uniforms):
    while True:
        x, y = next(uniforms), 0.187308492 * next(uniforms)
        if 0.4571828819 - 0.7270572718 * x - y > 0:
            ratio = 2 + y / x
        else:
            x, y = 1 - x, 0.187308492 - y
            ratio = -(2 + y / x)
        if (y - 0.8853395638 + x) * (0.2770276848 + x) + 0.2452635696 < 0:
            return ratio
        if y < x + 0.03895759111 and ratio**2 < 4 * (0.5029324303 - math.log(x)):
            return ratio


def gaussian(words):
    """Gaussian of the acceptance-complement ratio method from outputs of the generator, and how many it took."""
    left = iter(words)
    uniforms = (word * 2.3283064365386963e-10 for word in left if word)
    y = next(uniforms)
    if y > 0.516058551:
        drawn = 4.132731354 * y - 3.132731354
    elif y < 0.107981933:
        wing = 18.52161694 * y - 1
        drawn = 1 + wing if wing > 0 else -1 + wing
    else:
        drawn = from_strip(y, uniforms) if y < 0.483941449 else None
        drawn = from_ratio(uniforms) if drawn is None else drawn
    return drawn, len(words) - len(list(left))


def oracle(seeds):
    return np.array([gaussian(outputs(seed, 64))[0] for seed in seeds])


def random_seeds(n, seed=1):
    return np.random.default_rng(seed).integers(1, 2**32, n, dtype=np.uint32)


def assert_same_bits(got, expected):
    assert np.array_equal(got.view(np.uint64), expected.view(np.uint64))


def test_gaussians_are_those_of_the_cpp_tool(golden):
    assert_same_bits(first_gaussians(golden["seed"]), golden["gaus01"])


def test_gaussians_are_those_of_root(tmp_path):
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed: hepcol[rdf]")
    # 0 is the one seed that ROOT replaces
    seeds = np.concatenate([random_seeds(100_000), [1, 2, LARGEST, *MOST_DRAWS]]).astype(np.uint32)
    asked, answered = tmp_path / "seeds.npy", tmp_path / "gaussians.npy"
    np.save(asked, seeds)
    done = subprocess.run([sys.executable, "-c", BY_ROOT, asked, answered], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_same_bits(first_gaussians(seeds), np.load(answered))


def test_gaussians_are_those_of_numpys_generator_and_the_published_method():
    seeds = np.concatenate([[0, 1, 2, 2**31, LARGEST], random_seeds(20_000)]).astype(np.uint32)
    assert_same_bits(first_gaussians(seeds), oracle(seeds))


@pytest.mark.parametrize("seed", MOST_DRAWS)
def test_a_seed_may_need_more_draws_than_are_made_at_once(seed):
    expected, taken = gaussian(outputs(seed, 64))
    assert taken > 2 * mersenne.KEPT
    assert first_gaussians([seed]) == expected


def test_a_zero_is_drawn_anew():
    # none of the 2^32 seeds meets one in its first Gaussian, so the stream is made up
    words = np.array([0, 3, 5, 0, 0, 7, 11, 13], np.uint32) * np.uint32(123456789)
    outputs = [int(mersenne._temper(word)) for word in words]
    assert outputs.count(0) == 3
    state = np.empty(624, np.uint32)
    for first in range(6):
        state[: mersenne.KEPT] = np.roll(words, -first)
        expected, taken = gaussian(outputs[first:] + outputs[:first])
        assert taken <= mersenne.KEPT
        assert mersenne._gaussian(np.uint32(1), state) == expected
    assert not mersenne._quick_gaussian(np.uint32(0), words[1])[1]


def test_the_stream_goes_on_beyond_its_first_state():
    seed, state = np.uint32(123456789), np.empty(624, np.uint32)
    words = [mersenne._word(draw, seed, state) for draw in range(mersenne.KEPT, 3000)]
    assert words == outputs(seed, 3000)[mersenne.KEPT :]


@pytest.mark.parametrize("n", [0, 1, 2, 15, 255, 256, 257, 511, 513, 1000])
def test_any_number_of_seeds_gives_the_gaussian_of_each(n):
    seeds = random_seeds(1000)
    out = np.full(n + 2, -99.0)
    mersenne.first_gaussians(seeds[:n], out[1:-1])
    assert_same_bits(out[1:-1], first_gaussians(seeds)[:n])
    assert out[0] == out[-1] == -99.0


def test_gaussians_are_standard_normal():
    drawn = first_gaussians(np.arange(1_000_000))
    moments = [(drawn**power).mean() for power in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.02)


def object_seeds(cl_phi, cl_eta, event_number):
    out = np.empty(len(cl_phi), np.uint32)
    mersenne.object_seeds(np.asarray(cl_phi), np.asarray(cl_eta), np.asarray(event_number, np.uint64), out)
    return out.tolist()


def test_seeds_are_those_of_the_cpp_tool(golden):
    assert object_seeds(golden["cl_phi"], golden["cl_eta"], golden["eventNumber"]) == golden["seed"].tolist()


def test_a_seed_adds_microradians_thousandths_of_eta_and_the_event():
    assert object_seeds([-1.5, 0.0, 0.25], [2.0, -0.0019, 0.0], [1234, 7, 0]) == [1503235, 9, 250001]


def test_seeds_wrap_around_as_on_x86():
    events = [LARGEST - 1, LARGEST, LARGEST + 1, 2**40 + 5, 2**63 - 2048, 2**63, 2**64 - 1]
    assert object_seeds([0.0] * 7, [0.0] * 7, events) == [LARGEST, 0, 1, 6, LARGEST - 2046, 1, 1]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_seed_of_what_is_no_number_is_one(value):
    assert object_seeds([value, 0.0], [0.0, value], [5, 5]) == [1, 1]

from itertools import pairwise

import awkward as ak
import numpy as np
import pytest
from awkward.contents import ListOffsetArray, NumpyArray
from awkward.index import Index32
from hypothesis import given, settings
from hypothesis import strategies as st

import hepcol
from hepcol import archive
from hepcol.rowsample import RowSample, keys_of, lowest, splitmix64, weighted

N = 60
UUID = "798d0dc9-2c18-5d41-896b-2fbada2ef376"
# Vigna's splitmix64.c seeded with 0, and with 1234567
KNOWN_ANSWERS = [
    (0, [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]),
    (1234567, [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]),
]
GAMMA = 0x9E3779B97F4A7C15


def columns(n=N):
    """Rows of each kind of layout."""
    number = np.arange(n)
    ragged = ak.unflatten(np.arange(2 * n, dtype=np.float32), np.tile([0, 4], n)[:n])
    return {
        "number": number,
        "pair": np.stack([number, -number], axis=1) / 3,
        "text": ak.Array([f"row {n}" for n in number]),
        "ragged": ragged,
        "nested": ak.unflatten(ak.unflatten(np.arange(6 * n), 2), 3),
        "records": ak.zip({"pt": ragged, "eta": -ragged}, with_name="Momentum4D"),
        "narrow": ak.Array(ListOffsetArray(Index32(np.arange(n + 1, dtype=np.int32)), NumpyArray(number))),
        "maybe": ak.mask(number, number % 3 > 0),
        "maybe some": ak.mask(ragged, number % 3 > 0),
    }


COLUMNS = columns()
KEYS = keys_of(UUID, np.arange(N))


def part(start, stop, size=12):
    return RowSample.of(size, KEYS[start:stop], {name: column[start:stop] for name, column in COLUMNS.items()})


@pytest.mark.parametrize(("seed", "outputs"), KNOWN_ANSWERS)
def test_splitmix_gives_the_known_answers(seed, outputs):
    states = [(seed + k * GAMMA) % 2**64 for k in range(len(outputs))]
    assert splitmix64(np.array(states, dtype=np.uint64)).tolist() == outputs


def test_keys_are_splitmix_of_file_entry_and_number():
    """The same by integers of Python; the first is written down, so that samples of other versions are the same."""

    def plain(state):
        word = (state + GAMMA) % 2**64
        word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
        return word ^ (word >> 31)

    found = keys_of(UUID, [0, 5, 2**40], [0, 3, 7])
    file = int(hepcol.random.stream_key(0, "rows", UUID))
    assert found.tolist() == [plain(plain(plain(file) ^ e) ^ n) for e, n in ((0, 0), (5, 3), (2**40, 7))]
    assert found[0] == FIRST
    assert keys_of(UUID, 5, [3, 4]).shape == (2,)
    assert not set(keys_of(UUID, range(100))) & set(keys_of(UUID, range(100), stream="other"))


FIRST = 0x164A267B39C81B34


@settings(max_examples=15)
@given(st.lists(st.integers(0, N), max_size=8), st.randoms(use_true_random=False))
def test_any_chunks_in_any_order_give_the_same_bits(edges, random):
    edges = [0, *sorted(edges), N]
    parts = [part(start, stop) for start, stop in pairwise(edges)]
    while len(parts) > 1:
        first = parts.pop(random.randrange(len(parts)))
        other = parts.pop(random.randrange(len(parts)))
        parts.append(first + other)
    assert parts[0].equals(part(0, N))
    assert not parts[0].equals(part(0, N, 11))


def test_the_sample_is_the_rows_of_the_lowest_keys():
    sample = part(0, N)
    chosen = np.argsort(KEYS)[:12]
    assert sample.keys.tolist() == KEYS[chosen].tolist()
    assert len(sample) == 12
    for name, column in COLUMNS.items():
        assert sample.rows[name].to_list() == ak.Array(column)[chosen].to_list()
    assert sample.rows["records"].fields == ["pt", "eta"]
    few = RowSample.of(100, KEYS[:3], COLUMNS["ragged"][:3])
    assert sorted(few.rows.to_list()) == sorted(COLUMNS["ragged"][:3].to_list())


def test_rows_that_were_dropped_take_no_memory():
    sample = RowSample.of(5, keys_of(UUID, np.arange(100_000)), ak.unflatten(np.zeros(200_000), 2))
    assert sample.rows.nbytes < 1000
    assert (sample + sample).rows.nbytes < 1000


def test_every_row_is_as_likely_as_any_other():
    """In 2000 samples of 10 of 100 rows, by objects of events of as many files."""
    rows = np.arange(100)
    taken = np.zeros(100)
    for file in range(2000):
        taken[RowSample.of(10, keys_of(str(file), rows // 4, rows % 4), rows).rows] += 1
    expected = 2000 * 10 / 100
    chi2 = float(((taken - expected) ** 2 / (expected * (1 - 10 / 100))).sum()) * 99 / 100
    assert 60 < chi2 < 148  # of 99 degrees of freedom: probability of 1e-3 on either side
    keys = keys_of(UUID, np.arange(100_000))
    counts = np.histogram((keys >> np.uint64(58)).astype(int), bins=64, range=(0, 64))[0]
    assert 28 < float(((counts - 100_000 / 64) ** 2).sum() * 64 / 100_000) < 117  # of 63, 1e-4


def test_rows_with_one_key_are_sorted_by_what_is_in_them():
    """Of copies of a file, which have one UUID."""
    keys = np.array([7, 3, 7, 7], dtype=np.uint64)
    rows = ak.Array([[3.0], [9.0], [1.0, 2.0], [-1.0]])
    whole = RowSample.of(3, keys, rows)
    assert whole.rows.to_list() == [[9.0], [-1.0], [1.0, 2.0]]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        parts = [RowSample.of(3, keys[[k]], rows[[k]]) for k in order]
        assert (parts[0] + parts[1] + (parts[2] + parts[3])).equals(whole)
    assert lowest(2, keys).tolist() == [0, 1, 2, 3]
    assert lowest(1, keys).tolist() == [1]


def test_comes_back_from_an_archive_as_it_was(tmp_path):
    for number, sample in enumerate((part(0, N), RowSample.of(3, KEYS, COLUMNS["ragged"]))):
        for name in "ab":
            archive.write(tmp_path / f"{name}{number}.zip", {"z": sample}, {})
        assert (tmp_path / f"a{number}.zip").read_bytes() == (tmp_path / f"b{number}.zip").read_bytes()
        read = archive.read(tmp_path / f"a{number}.zip")[0]["z"]
        assert read.equals(sample)
        assert (read + read).size == sample.size


def test_events_of_a_file_leave_it_behind(shipped_file):
    events = hepcol.open_events(shipped_file)
    electrons = events.Electronidx0.index
    sample = RowSample.of(4, keys_of(UUID, np.arange(len(electrons))), electrons)
    assert sample.rows.attrs == {}
    assert "doc" in electrons.layout.form.to_json()
    assert "doc" not in sample.rows.layout.form.to_json()
    assert sample.rows.to_list() == electrons[np.argsort(keys_of(UUID, np.arange(len(electrons))))[:4]].to_list()


def test_says_what_does_not_fit():
    with pytest.raises(ValueError, match="room for at least 1 row, got 0"):
        RowSample.of(0, KEYS, COLUMNS)
    with pytest.raises(ValueError, match="number must be as many as keys, got 60 and 59"):
        RowSample.of(3, KEYS[1:], COLUMNS)
    with pytest.raises(ValueError, match="different size or columns do not merge"):
        part(0, 3) + part(3, 6, size=4)


def test_weights_say_how_often_a_row_comes():
    """The first of the sample is a row with the probability of its weight."""
    weights = np.array([0.0, 1.0, 2.0, -4.0, 1.0])
    n = 4000
    first = np.zeros(len(weights))
    for file in range(n):
        keys = weighted(keys_of(str(file), np.arange(len(weights))), weights)
        sample = RowSample.of(4, keys, np.arange(len(weights)))
        assert 0 not in sample.rows.to_list()
        assert len(sample) == 4
        first[sample.rows[0]] += 1
    expected = n * np.abs(weights) / np.abs(weights).sum()
    chi2 = np.sum((first - expected)[1:] ** 2 / expected[1:])
    assert chi2 < 16.3  # 0.1 % of three degrees of freedom
    equal = weighted(KEYS, np.ones(N))
    assert np.array_equal(np.argsort(equal), np.argsort(KEYS)[::-1])  # -ln(u) falls with u


def test_weighted_samples_do_not_depend_on_chunks():
    weights = np.random.default_rng(1).exponential(size=N)
    keys = weighted(KEYS, weights)
    whole = RowSample.of(20, keys, np.arange(N))
    parts = [
        RowSample.of(20, weighted(KEYS[a:b], weights[a:b]), np.arange(a, b)) for a, b in ((0, 7), (7, 25), (25, N))
    ]
    merged = parts[2] + parts[0] + parts[1]
    assert merged.keys.tobytes() == whole.keys.tobytes()
    assert merged.rows.to_list() == whole.rows.to_list()

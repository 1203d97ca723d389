import pytest

from hepcol.errors import InputError
from hepcol.execution.cutting import MAX_CHUNK, MIN_CHUNK, chunk_size, largest_chunk


class Large:
    max_chunk = 300


@pytest.mark.parametrize(
    ("events", "workers", "most", "expected"),
    [
        (10, 2, MAX_CHUNK, MIN_CHUNK),
        (80_000, 2, MAX_CHUNK, 10_000),
        (10**9, 2, MAX_CHUNK, MAX_CHUNK),
        (10**9, 2, 5_000, 5_000),
        (10**9, 2, 300, 300),
    ],
)
def test_chunks_keep_workers_busy_and_are_not_too_large(events, workers, most, expected):
    assert chunk_size(events, workers, most) == expected


def test_a_processor_says_what_is_too_large():
    assert largest_chunk(Large()) == 300
    assert largest_chunk(object()) == MAX_CHUNK
    for wrong in (0, -1, "many", True, 1.5):
        processor = Large()
        processor.max_chunk = wrong
        with pytest.raises(InputError, match="max_chunk of Large: expected a number of events above 0, got"):
            largest_chunk(processor)

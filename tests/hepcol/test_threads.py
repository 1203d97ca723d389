import threading

import pytest

from hepcol import threads


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("items", [0, 1, 4096, 12_289])
def test_parts_cover_all_items_once_and_in_order(number, items):
    with threads.use(number):
        parts = threads.over_parts(items, lambda part: list(range(items)[part]))
    assert [item for part in parts for item in part] == list(range(items))
    assert len(parts) == max(1, min(number, items // 4096))


def test_parts_run_at_the_same_time_and_only_while_they_are_asked_for():
    barrier = threading.Barrier(2, timeout=10)
    with threads.use(2):
        assert len(threads.over_parts(10_000, lambda _: barrier.wait())) == 2
    assert len(threads.over_parts(10_000, lambda part: part)) == 1


def test_an_error_in_a_part_is_raised():
    with threads.use(2), pytest.raises(ZeroDivisionError):
        threads.over_parts(10_000, lambda part: 1 / part.start)

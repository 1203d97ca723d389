import gc
import threading
import weakref

import pytest

from hepcol.execution.garbage import collected_after


class Node:
    """Refers to itself: only the collector frees it."""

    def __init__(self):
        self.self = self


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_cycles_are_freed_after_the_chunk():
    with collected_after():
        node = weakref.ref(Node())
        assert node() is not None
    assert node() is None


def test_thresholds_are_raised_only_meanwhile_and_by_overlapping_threads_too():
    inside, leave = threading.Event(), threading.Event()

    def work():
        with collected_after():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=work)
    with collected_after():
        other.start()
        inside.wait(10)
    assert gc.get_threshold()[0] > 10_000  # the other one is still at work
    leave.set()
    other.join()
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("users", [0, 10_000_000])
def test_one_who_collects_more_rarely_still_keeps_it_so(users):
    gc.set_threshold(users, 10, 10)
    with collected_after():
        assert gc.get_threshold()[0] == users
    assert gc.get_threshold()[0] == users


def test_an_error_restores_the_thresholds():
    with pytest.raises(ZeroDivisionError), collected_after():
        1 / 0  # noqa: B018
    assert gc.get_threshold() == (700, 10, 10)

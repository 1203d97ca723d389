"""The model of a run against a simulation of its events, one by one."""

import heapq
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.errors import InputError
from hepcol.execution.executors import LedgerDaskExecutor
from hepcol.planning.costs import LARGEST, TREE, Costs, Machine, Work, line
from hepcol.planning.model import predict, recommend

COSTS = Costs(
    start_s=3.0,
    write_s=0.5,
    look_s=0.1,
    warm_s=2.0,
    open_s=0.3,
    chunk_s=0.05,
    event_s=2e-5,
    task_s=0.002,
    task_worker_s=0.003,
    merge_s=0.004,
    output_bytes=1e5,
    worker_bytes=3e8,
    event_bytes=2e3,
    client_bytes=3e8,
    record_bytes=1.5e3,
)
WORK = Work.whole((100_000,) * 50)


def simulate(costs, work, workers, size):
    """Let workers take chunks from a queue that a scheduler hands out one by one; return when the last one ends."""
    chunks = [
        (number, (entries * (piece + 1)) // count - (entries * piece) // count)
        for number, ranges in enumerate(work.files)
        for entries in ranges
        for count in [max(1, round(entries / size))]
        for piece in range(count)
    ]
    opened = [set() for _ in range(workers)]
    free = [(costs.warm_s, worker) for worker in range(workers)]
    end = 0.0
    for number, (file, events) in enumerate(chunks, 1):
        ready, worker = heapq.heappop(free)
        took = costs.chunk_s + costs.task_worker_s + costs.merge_s + events * costs.event_s
        if file not in opened[worker]:
            opened[worker].add(file)
            took += costs.open_s
        ends = max(ready, costs.warm_s + number * costs.task_s) + took
        heapq.heappush(free, (ends, worker))
        end = max(end, ends)
    return end


@given(
    workers=st.integers(1, 60),
    size=st.integers(2_000, 50_000),
    files=st.lists(st.lists(st.integers(1, 300_000), min_size=1, max_size=3).map(tuple), min_size=1, max_size=30),
    chunk_ms=st.floats(5, 500),
    event_us=st.floats(1, 100),
    open_ms=st.floats(0, 100),
    task_ms=st.floats(0.1, 50),
)
def test_the_model_is_near_a_simulation_of_every_chunk(workers, size, files, chunk_ms, event_us, open_ms, task_ms):
    costs = replace(
        COSTS,
        chunk_s=chunk_ms / 1e3,
        event_s=event_us / 1e6,
        open_s=open_ms / 1e3,
        merge_s=0.0,
        task_s=task_ms / 1e3,
    )
    work = Work(tuple(files))
    predicted = predict(costs, work, Machine(workers), size).process_s
    # of a chunk with its file to open, either may be off; of the rest, nearly nothing
    longest = costs.chunk_s + costs.open_s + work.largest(size) * costs.event_s
    assert predicted == pytest.approx(simulate(costs, work, workers, size), rel=0.05, abs=1.5 * longest)


def test_no_run_ends_before_its_largest_chunk():
    work = Work.whole((100_000, *(100,) * 99))
    costs = replace(COSTS, event_s=1e-3, merge_s=0.0)
    predicted = predict(costs, work, Machine(200), 50_000)
    assert predicted.process_s > 50
    assert predicted.process_s == pytest.approx(simulate(costs, work, 200, 50_000), rel=0.05)
    assert predicted.limit == "last chunks"


def test_ranges_are_cut_one_by_one():
    """As ``steps`` of a fileset are: a chunk does not go over from one to the next."""
    work = Work(((100,) * 100,))
    assert (work.events, sum(work.pieces(10_000)), work.largest(10_000), work.longest) == (10_000, 100, 100, 100)


def test_one_worker_does_everything():
    costs = replace(COSTS, merge_s=0.0, task_s=0.0)
    assert predict(costs, WORK, Machine(1), 10_000).process_s == pytest.approx(simulate(costs, WORK, 1, 10_000))


@given(st.integers(1, 3000))
def test_the_scheduler_is_a_ceiling(workers):
    """No number of workers ends more chunks in a second than the scheduler can hand out."""
    done = predict(COSTS, WORK, Machine(workers), 1000)
    assert done.chunks / done.process_s < 1 / COSTS.task_s
    assert done.wall_s > COSTS.start_s + COSTS.write_s


def test_what_limits_a_run_is_named():
    assert predict(COSTS, WORK, Machine(2), 20_000).limit == "events"
    assert predict(COSTS, WORK, Machine(2), 500).limit == "chunks"
    assert predict(COSTS, WORK, Machine(3000), 500).limit == "scheduler"
    assert predict(COSTS, Work.whole((1000,)), Machine(2), 1000).limit == "start"
    assert predict(replace(COSTS, open_s=60.0), WORK, Machine(2), 20_000).limit == "files"
    assert predict(replace(COSTS, merge_s=1.0), WORK, Machine(2), 20_000).limit == "merging"
    assert predict(replace(COSTS, event_s=0.01), WORK, Machine(40), 100_000).limit == "events"
    assert predict(COSTS, WORK, Machine(64, cores=2), 10_000).limit == "cores"


def test_parts_add_up_to_the_time():
    for workers in (1, 7, 200, 5000):
        for size in (300, 5_000, 100_000):
            done = predict(COSTS, WORK, Machine(workers), size)
            assert sum(done.parts.values()) == pytest.approx(done.wall_s)


def test_workers_that_share_cores_with_the_client_share_its_work():
    apart = predict(COSTS, WORK, Machine(2), 1000)
    shared = predict(COSTS, WORK, Machine(2, cores=2), 1000)
    assert shared.process_s - apart.process_s == pytest.approx(apart.chunks * COSTS.task_s / 2, rel=0.01)
    assert predict(COSTS, WORK, Machine(2, cores=16), 1000) == apart


def test_workers_on_shared_cores_warm_up_one_after_the_other():
    apart, shared = (predict(COSTS, WORK, Machine(8, cores), 10_000) for cores in (None, 2))
    assert shared.parts["start"] - apart.parts["start"] == pytest.approx(3 * COSTS.warm_s)


def test_files_are_looked_into_by_as_many_workers_as_there_are_files():
    one = predict(replace(COSTS, look_s=3.0), Work.whole((1000,)), Machine(200), 1000)
    none = predict(replace(COSTS, look_s=0.0), Work.whole((1000,)), Machine(200), 1000)
    assert one.wall_s - none.wall_s == pytest.approx(3.0, abs=0.01)
    many = Work.whole((1000,) * 10_000)
    assert predict(replace(COSTS, look_s=0.01), many, Machine(200), 1000).parts["files"] >= 10_000 * COSTS.task_s


def test_outputs_that_grow_with_events_are_merged_in_memory():
    """A worker may hold sums of 400 chunks, and makes one as large."""
    done = predict(replace(COSTS, output_event_bytes=8.0), WORK, Machine(2), 1_000)
    assert done.worker_bytes - predict(COSTS, WORK, Machine(2), 1_000).worker_bytes == 8 * 2 * LARGEST * 1_000


def test_as_many_outputs_are_merged_at_a_time_as_the_executor_does():
    assert LedgerDaskExecutor().treereduction == TREE


def test_memory_holds_a_chunk_and_the_outputs_that_are_merged():
    done = predict(COSTS, WORK, Machine(2), 10_000)
    assert done.worker_bytes == 3e8 + 10_000 * 2e3 + (TREE + 1) * 1e5
    assert done.client_bytes == 3e8 + 500 * 1.5e3 + 3 * 1e5


@given(st.integers(1, 1000), st.sampled_from([None, 3.2e8, 4e8, 1e9]))
def test_the_recommended_size_is_as_fast_as_any_that_fits(workers, memory):
    best = recommend(COSTS, WORK, Machine(workers), memory, 100_000)
    assert memory is None or best.worker_bytes <= memory
    for size in (100, 700, 3_000, 10_000, 33_000, 100_000):
        other = predict(COSTS, WORK, Machine(workers), size)
        if memory is None or other.worker_bytes <= memory:
            assert best.wall_s <= 1.05 * other.wall_s


def test_a_processor_limits_its_chunks():
    assert recommend(COSTS, WORK, Machine(1), None, 5_000).chunksize <= 5_000
    assert recommend(COSTS, WORK, Machine(1), None, 3).chunksize == 3
    assert all(recommend(COSTS, WORK, Machine(1), None, most).chunksize <= most for most in (1_270, 3_170, 12_650))


def test_too_little_memory_is_said_in_a_line():
    with pytest.raises(
        InputError, match=r"memory of 0\.1 GB per worker is too little: chunks of 100 events need 0\.31 GB"
    ):
        recommend(COSTS, WORK, Machine(1), 1e8, 100_000)


@given(st.floats(0, 10), st.floats(0, 1e-3))
def test_a_line_is_found_again(first, slope):
    points = [(float(x), 1e-3 + first + slope * x) for x in (250, 1000, 4000)]
    found = line(points)
    assert found[0] + 2000 * found[1] == pytest.approx(1e-3 + first + slope * 2000, rel=1e-6)


def test_no_cost_is_negative():
    assert line([(1.0, 2.0), (2.0, 1.0)])[1] == 0
    assert line([(1.0, 1.0), (2.0, 4.0)])[0] == 0


@pytest.mark.parametrize("points", [[(1.0, 1.0)], [(1.0, 1.0), (1.0, 2.0)], [(1.0, 0.0), (2.0, 1.0)]])
def test_a_line_needs_two_points(points):
    with pytest.raises(ValueError, match="two different x"):
        line(points)


def test_workers_are_busy_for_a_part_of_the_run():
    assert predict(replace(COSTS, start_s=0.0, warm_s=0.0, write_s=0.0), WORK, Machine(1), 10_000).efficiency > 0.95
    assert predict(COSTS, WORK, Machine(1000), 10_000).efficiency < 0.1


def test_files_that_are_one_chunk_each_are_so_by_their_size():
    best = recommend(COSTS, Work.whole((800,) * 30), Machine(4), None, 100_000)
    assert (best.chunksize, best.chunks) == (800, 30)

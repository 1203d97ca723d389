"""When workers were busy: places of chunks, pauses, averages."""

import pytest

from hepcol.ledger import ChunkRecord, Status
from hepcol.report.occupancy import occupancy_of, plot_occupancy
from hepcol.report.pictures import draw_picture
from hepcol.report.style import LOOK, style
from hepcol.report.timing import chunk_table, worker_table


def chunk(worker, started, wall, compiled=0.0, status=Status.DONE, start=0):
    return ChunkRecord(
        "z", "a.root", "t", start, start + 100, status, worker=f"host:{worker}", wall_s=wall, cpu_s=wall / 2,
        compile_s=compiled, started=started
    )  # fmt: skip


CHUNKS = [chunk(77, 1000.0, 2.0, 1.0), chunk(12, 1000.5, 3.5), chunk(77, 1003.0, 1.0, status=Status.FAILED)]


def test_chunks_are_placed_on_their_workers_in_the_order_in_which_these_began():
    found = occupancy_of(CHUNKS, 2)
    assert found.names == ("1: host", "2: host")
    assert [tuple(bar[:4]) for bar in found.bars] == [(0, 0.0, 1.0, 3.0), (1, 0.5, 0.5, 4.0), (0, 3.0, 3.0, 4.0)]
    assert found.bars[2].status is Status.FAILED
    assert found.span == 4.0
    assert found.average == pytest.approx(7.5 / 8)
    assert found.compiling == pytest.approx(1 / 8)


def test_idle_workers_count_and_so_do_more_than_the_run_ended_with():
    assert occupancy_of(CHUNKS, 4).average == pytest.approx(7.5 / 16)
    assert occupancy_of(CHUNKS, 1).places == 2


def test_pauses_between_parts_of_a_run_are_left_out():
    found = occupancy_of([*CHUNKS, chunk(5, 9004.0, 1.0)], 2)
    assert found.pauses == ((4.0, pytest.approx(8000.0)),)
    assert found.span == pytest.approx(5.0)
    assert found.bars[-1].start == pytest.approx(4.0)


def test_chunks_of_old_ledgers_and_those_that_nobody_began_are_left_out():
    assert occupancy_of([chunk(1, 0.0, 1.0)], 2).bars == ()
    assert occupancy_of([], 2).average == 0


@pytest.mark.parametrize("workers", [1, 3, 200])
def test_it_is_drawn_for_any_number_of_workers(workers):
    chunks = [chunk(number, 10.0 + 0.01 * number, 1.0) for number in range(workers)]
    with style(LOOK):
        picture = draw_picture(plot_occupancy(occupancy_of(chunks, workers)), "x")
    assert picture.width == 1200
    assert picture.height < 1100


def test_tables_of_chunks_and_workers():
    rows = {row[0]: row[1:] for row in chunk_table(CHUNKS[:2]).rows}
    assert rows["wall time [s]"] == ("2", "2.750", "3.500", "5.500")
    assert rows["events/s of a worker"][:3] == ("28.57", "39.29", "50")
    assert worker_table(CHUNKS).rows[0] == ("1: host", "2", "100", "1.00", "3.00", "1.50", "33")

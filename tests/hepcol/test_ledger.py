import json

import pytest

from hepcol.ledger import ChunkRecord, FileRecord, Status, close, from_json, to_json

FILES = [
    FileRecord("z", "a.root", "events", 100, "uuid-a", "FCCSchema"),
    FileRecord("z", "b.root", "events", 50, "uuid-b", "FCCSchema"),
    FileRecord("z", "c.root", error="FileNotFoundError", message="c.root: no such file"),
]


def chunk(path, start, stop, status=Status.DONE):
    return ChunkRecord("z", path, "events", start, stop, status)


def test_a_run_with_a_record_for_every_event_of_readable_files_is_complete():
    closure = close(FILES[:2], [chunk("b.root", 0, 50), chunk("a.root", 60, 100), chunk("a.root", 0, 60)])
    assert closure.complete
    assert closure.summary() == {
        "files": 150, "processed": 150, "failed": 0, "skipped": 0, "missing": 0, "unknown_files": 0
    }  # fmt: skip


def test_every_event_is_accounted_for():
    closure = close(
        FILES,
        [
            chunk("a.root", 0, 60),
            chunk("a.root", 60, 90, Status.FAILED),
            chunk("b.root", 0, 5, Status.SKIPPED),
        ],
    )
    assert not closure.complete
    assert (closure.processed, closure.failed, closure.skipped, closure.missing) == (60, 30, 5, 55)
    assert closure.processed + closure.failed + closure.skipped + closure.missing == closure.files
    assert closure.unknown_files == 1


@pytest.mark.parametrize(
    "records",
    [
        [FILES[2]],
        [FILES[0], FILES[2]],
    ],
)
def test_a_file_that_cannot_be_read_makes_a_run_incomplete(records):
    assert not close(records, [chunk("a.root", 0, 100)] if records[0] is FILES[0] else []).complete


def test_refuses_events_that_were_counted_twice():
    with pytest.raises(ValueError, match=r"a\.root: entries 50 to 60 were counted twice"):
        close(FILES[:1], [chunk("a.root", 0, 60), chunk("a.root", 50, 100)])
    with pytest.raises(ValueError, match="110 events were accounted for, but the files hold 100"):
        close(FILES[:1], [chunk("a.root", 0, 110)])


@pytest.mark.parametrize("record", [*FILES, chunk("a.root", 0, 7, Status.FAILED)])
def test_records_survive_json(record):
    assert from_json(to_json(record)) == record


def test_a_ledger_of_before_chunks_had_a_start_is_still_read():
    line = json.loads(to_json(chunk("a.root", 0, 60)))
    assert line.pop("started") == 0.0
    assert from_json(json.dumps(line)) == chunk("a.root", 0, 60)

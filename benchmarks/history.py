"""Ratios of runs that were recorded, and whether those of another run have fallen."""

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import stored
from benchmarks.figures import spread_of
from benchmarks.measurement import CHECKOUT, BenchmarkError
from benchmarks.published import ONE
from benchmarks.tasks import COMPARISONS, HEPCOL, Task, samples_of, tasks

HISTORY = CHECKOUT / "benchmarks" / "history.jsonl"
MAX_FALL = 0.15
MIN_RUNS = 3  # fewer tell no spread
_DIGITS = 4

Record = dict[str, Any]


def has_fallen(before: Sequence[float], now: Sequence[float]) -> bool:
    """Whether a ratio fell beyond what the spreads explain.

    It did if all values are below all those before, and the median is below that before by more than ``MAX_FALL``.
    Fewer than ``MIN_RUNS`` values on a side tell no spread, and nothing of a fall.
    """
    if min(len(before), len(now)) < MIN_RUNS:
        return False
    return max(now) < min(before) and statistics.median(now) < (1 - MAX_FALL) * statistics.median(before)


def record_of(comparison: str, told: Mapping[str, Any]) -> Record:
    """Return what is recorded of a comparison: its ratios to hepcol's time, and of which size, code and machine."""
    kept = ("date", "commit", "machine", "versions", "repeats", "given")
    return {
        "comparison": comparison,
        **{key: told.get(key) for key in kept},
        "size": [told.get("quick", False), told.get("events", told.get("electrons"))],
        "ratios": dict(_ratios(comparison, told)),
    }


def _ratios(comparison: str, told: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    samples = samples_of(comparison, told)
    for task in tasks():
        if task.comparison == comparison:
            yield from _of_task(task, samples)


def _of_task(task: Task, samples: Any) -> Iterator[tuple[str, list[float]]]:
    """Yield ratios that are larger the better hepcol is."""
    for place in task.times:
        if place.way == HEPCOL and place.how == ONE:
            continue
        if found := task.ratios(place, samples):
            what = f"{place.way}, {place.how}"
            named = f"hepcol, {ONE} / {place.how}" if place.way == HEPCOL else f"{what} / hepcol"
            yield f"{task.key}: {named}", [float(f"{ratio:.{_DIGITS}g}") for ratio in found]


def read(path: Path) -> list[Record]:
    """Read what was recorded; nothing without a file.

    Raises
    ------
    BenchmarkError
        If a line is not what :func:`append` writes.
    """
    if not path.exists():
        return []
    records = []
    for count, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            record = json.loads(line)
            records.append(record | {key: record[key] for key in ("comparison", "machine", "size", "ratios")})
        except (ValueError, KeyError, TypeError) as error:
            raise BenchmarkError(f"{path}, line {count}: no record of a comparison") from error
    return records


def append(path: Path, records: Iterable[Record]) -> list[Record]:
    """Add records that are not there; return them."""
    there = read(path)
    new = [record for record in records if record not in there]
    with path.open("a") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in new)
    return new


def last(records: Sequence[Record], like: Record, any_machine: bool, any_size: bool) -> Record | None:
    """Return the last record that may be compared with one; None if there is none of its comparison.

    Raises
    ------
    BenchmarkError
        If all are of another machine, size or file, which is not allowed.
    """
    of_it = [record for record in records if record["comparison"] == like["comparison"]]
    alike = [
        record
        for record in of_it
        if (any_machine or stored.is_same_machine(record["machine"], like["machine"]))
        and (any_size or _input(record) == _input(like))
    ]
    if alike:
        return alike[-1]
    if not of_it:
        return None
    raise BenchmarkError(f"{like['comparison']}: {_difference(of_it[-1], like)}")


def _difference(record: Record, like: Record) -> str:
    """Say why the last record is no measure."""
    if not stored.is_same_machine(record["machine"], like["machine"]):
        machines = f"{stored.name_of(record['machine'])}, this run of {stored.name_of(like['machine'])}"
        return f"the last record is of {machines}; --any-machine compares them"
    return f"the last record is of {_size(record)}, this run of {_size(like)}; --any-size compares them"


def _input(record: Record) -> tuple[Any, Any]:
    """How much was measured, and of what if not of the usual."""
    return record["size"], record.get("given")


def _size(record: Record) -> str:
    (quick, events), given = _input(record)
    many, of = f" of {events:,} events" if events else "", f" of {given}" if given else ""
    return f"{'a quick run' if quick else 'a full run'}{many}{of}"


def falls(before: Record, now: Record) -> Iterator[str]:
    """Yield a line for each ratio that has fallen."""
    for name, ratios in now["ratios"].items():
        old = before["ratios"].get(name, [])
        if has_fallen(old, ratios):
            when = f"{before['date']}, {before['commit']}"
            yield f"{name}: {spread_of(ratios)}, was {spread_of(old)} ({when})"


def remarks(before: Record, now: Record) -> Iterator[str]:
    """Say what cannot be judged, and which versions have changed."""
    gone = [name for name in before["ratios"] if name not in now["ratios"]]
    if gone:
        yield f"not measured any more: {'; '.join(gone)}"
    few = [
        name
        for name, ratios in now["ratios"].items()
        if name in before["ratios"] and min(len(ratios), len(before["ratios"][name])) < MIN_RUNS
    ]
    if few:
        yield f"not judged, fewer than {MIN_RUNS} runs: {'; '.join(few)}"
    then, versions = before.get("versions") or {}, now.get("versions") or {}
    changed = [
        f"{name} {then[name]} -> {versions[name]}" for name in then if versions.get(name, then[name]) != then[name]
    ]
    if changed:
        yield f"versions: {', '.join(changed)}"


def records_of(folder: Path) -> list[Record]:
    """Return what would be recorded of all comparisons in a folder.

    Raises
    ------
    BenchmarkError
        If there are none.
    """
    every = {name: stored.read(folder, name) for name in COMPARISONS}
    records = [record_of(name, told) for name, told in every.items() if told is not None]
    if not records:
        raise BenchmarkError(f"{folder}: no comparison, such as {COMPARISONS[0]}.json; hepcol bench all makes them")
    return records

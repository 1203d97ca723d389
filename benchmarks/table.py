"""The one table of all comparisons: hepcol beside RDataFrame, stock coffea and others, task by task."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report, stored
from benchmarks.figures import number, spread_of
from benchmarks.published import MANY, ONE, THREADS, WORKERS
from benchmarks.stored import MAX_DAYS, Here
from benchmarks.tasks import COMPARISONS, ELSEWHERE, HEPCOL, OTHER, WAYS, Place, Samples, Task, Told, samples_of, tasks

MARKS = report.marks("table")
_WHEEL = "0."  # how versions of the wheels of ROOT begin, which is 6 itself
_TOLD_VERSIONS = "root", "coffea", "awkward", "uproot", "numba", "numpy", "distributed", "correctionlib"
# Few columns, so that a page of GitHub shows all of them
_COLUMNS = ONE, THREADS, WORKERS
_ORDER = HEPCOL, *(way for way in WAYS if way not in (HEPCOL, ELSEWHERE)), ELSEWHERE
_UNTOLD = ELSEWHERE, OTHER  # nobody asks why these are not there
Row = dict[str, Any]


def collect(folder: Path, here: Here, days: int = MAX_DAYS) -> dict[str, Any]:
    """Collect the table of what is stored in a folder.

    Returns
    -------
    dict
        ``comparisons``: of each when, on what and of which code it was made, and what is to be said of that;
        ``tasks``: of each a cell for each place, with times, ratios to hepcol's time and a note, or the reason why it
        is empty.

    Raises
    ------
    BenchmarkError
        If a file is not what a comparison writes.
    """
    every = {name: stored.read(folder, name) for name in COMPARISONS}
    made = [_comparison(name, told, here, days) for name, told in every.items()]
    return {
        "date": here.day.isoformat(),
        "commit": here.commit,
        "machine": here.machine,
        "comparisons": made,
        "tasks": [_task(task, every[task.comparison]) for task in tasks()],
    }


def _comparison(name: str, told: dict[str, Any] | None, here: Here, days: int) -> Row:
    if told is None:
        return {"name": name, "date": None, "remarks": ["missing"]}
    versions = told["versions"]
    # zee asks ROOT for its version; others have that of ROOT, or of the wheel, beside
    root = versions.get("root") or told.get("root")
    if root is not None and root.startswith(_WHEEL):
        root = f"(its wheel {root})"
    return {
        "name": name,
        "date": told["date"],
        "commit": told.get("commit"),
        "machine": stored.name_of(told["machine"]),
        "versions": {key: root if key == "root" else versions.get(key) for key in _TOLD_VERSIONS},
        "repeats": told.get("repeats"),
        "quick": told.get("quick", False),
        "remarks": list(stored.remarks(told, here, days)),
    }


def _task(task: Task, told: Told | None) -> Row:
    if told is None:
        return {"key": task.key, "comparison": task.comparison, "title": task.title, "what": None, "rows": []}
    samples = samples_of(task.comparison, told)
    rows = [{"how": how, "cells": [_cell(task, Place(way, how), told, samples) for way in WAYS]} for how in task.hows]
    return {
        "key": task.key,
        "comparison": task.comparison,
        "title": task.title,
        "what": task.size(told),
        "unit": task.unit,
        "rows": rows,
    }


def _cell(task: Task, place: Place, told: Told, samples: Samples) -> Row:
    """Tell what stands in a place."""
    figures = [figure for figure in task.told if figure.where == place.how] if place.way == ELSEWHERE else []
    if figures:
        sources = dict.fromkeys(figure.source for figure in figures)
        said = task.note(place, samples) or "; ".join(sources)
        return {"way": place.way, "told": [[figure.value, figure.machine] for figure in figures], "note": said}
    times = task.times[place](samples) if place in task.times else []
    if not times:
        return {"way": place.way, "absent": task.reason(place, told)}
    ratios = [] if place.way == HEPCOL else task.ratios(place, samples)
    return {"way": place.way, "times": times, "ratios": ratios, "note": task.note(place, samples)}


class _Notes:
    """Foot-notes, numbered as they come up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, text: str | None) -> str:
        """Refer to a note, if there is one."""
        return f" <sup>{self._numbers.setdefault(text, len(self._numbers) + 1)}</sup>" if text else ""

    def lines(self) -> Iterator[str]:
        """Yield the notes."""
        for text, count in self._numbers.items():
            yield f"<sup>{count}</sup> {text}.  "


def markdown(collected: dict[str, Any]) -> str:
    """Write the table for people."""
    notes = _Notes()
    remarks = {one["name"]: one["remarks"] for one in collected["comparisons"]}
    rows = [line for task in collected["tasks"] for line in _rows(task, remarks[task["comparison"]], notes)]
    lines = [
        (
            "Medians of runs that take turns, each in a process of its own, from the call to all results, with what "
            "is compiled at run time, without the start of Python or ROOT. In bold how many times as long as hepcol it "
            "takes: median, and range over the turns, of one process to hepcol in one process, of 2 threads or workers "
            "to hepcol on 2 workers where that was measured. **Below 1, hepcol is slower.** A Dask cluster of this "
            "machine starts within the time. *Elsewhere*: told of another machine, not comparable, no ratio."
        ),
        "",
        f"| | {' | '.join(_COLUMNS)} |",
        f"|---|{'--:|' * len(_COLUMNS)}",
        *rows,
        "",
        *notes.lines(),
        "",
        *_origins(collected["comparisons"]),
    ]
    return "\n".join(lines) + "\n"


def _rows(task: Row, remarks: Sequence[str], notes: _Notes) -> Iterator[str]:
    """Yield the rows of a task: what it is, and one for each that does it."""
    empty = " |" * len(_COLUMNS)
    said = f" **{'; '.join(remarks)}**" if remarks else ""
    if task["what"] is None:
        if task["comparison"] not in _OPTIONAL:
            yield f"| **{task['title']}**: **not measured, no {task['comparison']}.json** |{empty}"
        return
    cells = {
        way: {row["how"]: cell for row in task["rows"] for cell in row["cells"] if cell["way"] == way} for way in WAYS
    }
    there = [way for way in _ORDER if any("absent" not in cell for cell in cells[way].values())]
    why = notes.mark(_why_not({way: cells[way] for way in WAYS if way not in (*there, *_UNTOLD)}))
    yield f"| **{task['title']}**: {task['what']} [{task['unit']}]{why}{said} |{empty}"
    for way in there:
        yield _row(way, cells[way], notes)


def _why_not(cells: Mapping[str, Mapping[str, Row]]) -> str | None:
    """Say why ways have no row."""
    reasons: dict[str, list[str]] = {}
    for way, by_how in cells.items():
        reasons.setdefault(next(iter(by_how.values()))["absent"], []).append(way)
    return "; ".join(f"no {', '.join(ways)}: {reason}" for reason, ways in reasons.items()) or None


def _row(way: str, cells: Mapping[str, Row], notes: _Notes) -> str:
    """Write what a way takes; a note that all its times share stands at its name."""
    shared = {cell["note"] for cell in cells.values() if "absent" not in cell}
    common = shared.pop() if len(shared) == 1 else None
    name = f"{f'*{way}*' if way == ELSEWHERE else way}{notes.mark(common)}"
    texts = []
    for column in _COLUMNS:
        # what was told of many workers has no column of its own
        hows = (column, MANY) if (way, column) == (ELSEWHERE, WORKERS) else (column,)
        found = [cells[how] for how in hows if how in cells and not (way == ELSEWHERE and "absent" in cells[how])]
        texts.append(", ".join(_text(cell, common, notes) for cell in found))
    return f"| {name} | {' | '.join(texts)} |"


# Not of the analyses: shown if they were measured
_OPTIONAL = "skim", "chunks", "scaling"


def _text(cell: Row, common: str | None, notes: _Notes) -> str:
    """Write what stands in a place, with its note unless that is the common one."""
    if "absent" in cell:
        return f"-{notes.mark(cell['absent'])}"
    mark = notes.mark(cell["note"] if cell["note"] != common else None)
    if "told" in cell:
        times = ", ".join(f"{value:g} ({machine})" for value, machine in cell["told"])
        return f"*{times}*{mark}"
    return f"{number(statistics.median(cell['times']))}{_ratio(cell['ratios'])}{mark}"


def _ratio(ratios: Sequence[float]) -> str:
    if not ratios:
        return ""
    if len(ratios) == 1:
        return f", **{number(ratios[0])}** (once)"
    middle, _, spread = spread_of(ratios).partition(" ")
    unbroken = spread.replace(" ", "&nbsp;")
    return f", **{middle}** {unbroken}"


def _origins(comparisons: Sequence[Row]) -> Iterator[str]:
    """Yield when, of what and on what the comparisons were made: what all share, and a row for each."""
    made = [one for one in comparisons if one["date"] is not None]
    machines = {one["machine"] for one in made}
    versions = {name: {one["versions"][name] for one in made} - {None} for name in _TOLD_VERSIONS}
    shared = {name: found.pop() for name, found in versions.items() if len(found) == 1}
    if len(machines) == 1:
        yield f"Machine: {machines.copy().pop()}.  "
    if shared:
        yield f"Versions: {', '.join(f'{name} {number}' for name, number in shared.items())}."
    yield ""
    yield "| comparison | date | code | runs | |"
    yield "|---|---|---|--:|---|"
    for one in comparisons:
        said = [f"**{'; '.join(one['remarks'])}**"] if one["remarks"] else []
        if one["date"] is None:
            if one["name"] not in _OPTIONAL:
                yield f"| {one['name']} | | | | {''.join(said)} |"
            continue
        if len(machines) > 1:
            said.append(one["machine"])
        said += [f"{name} {told}" for name, told in one["versions"].items() if told and name not in shared]
        code, runs = one["commit"] or "", one["repeats"] or ""
        yield f"| {one['name']} | {one['date']} | {code} | {runs} | {', '.join(said)} |"


def write(folder: Path, collected: dict[str, Any]) -> str:
    """Write ``table.json`` and ``table.md`` into a folder; return the Markdown."""
    text = markdown(collected)
    (folder / "table.json").write_text(json.dumps(collected, indent=1) + "\n")
    (folder / "table.md").write_text(text)
    return text

"""What a chunk costs in hepcol beside stock coffea."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import figures, report
from benchmarks.chunk_subjects import CHUNKS, NO_OPS
from benchmarks.measurement import BenchmarkError, measure


class Comparison(NamedTuple):
    """A ratio, and what is asked of it."""

    name: str
    above: str
    below: str
    quantity: str
    aim: str
    is_met: Callable[[float], bool]


COMPARISONS = (
    Comparison(
        f"processor time of {CHUNKS} chunks, coffea / hepcol",
        "coffea",
        "hepcol",
        "process_s",
        "at least 3",
        lambda ratio: ratio >= 3,
    ),
    Comparison(
        f"the same, hepcol with ledger, result and histograms written, {CHUNKS} chunks",
        "coffea",
        "hepcol-written",
        "process_s",
        "",
        lambda _: True,
    ),
    Comparison(
        f"time of {NO_OPS} chunks without work on Dask, hepcol / coffea",
        "hepcol-no-op",
        "coffea-no-op",
        "total_s",
        "at most 1.1",
        lambda ratio: ratio <= 1.1,
    ),
)
PACKAGES = "hepcol", "coffea", "awkward", "uproot", "numpy", "dask", "distributed"
SUBJECTS = ("coffea", "hepcol", "hepcol-written", "coffea-no-op", "hepcol-no-op")


def run(file: Path, repeats: int, scratch: Path) -> dict[str, list[dict[str, Any]]]:
    """Measure all subjects, interleaved; files are new to hepcol every time.

    Raises
    ------
    BenchmarkError
        If two subjects do not find the same.
    """
    samples: dict[str, list[dict[str, Any]]] = {subject: [] for subject in SUBJECTS}
    for repeat in range(repeats):
        for subject in SUBJECTS:
            command = ("-m", "benchmarks.chunk_subjects", subject, str(file))
            samples[subject].append(measure(subject, command, scratch / f"{subject}-{repeat}"))
    for first, second in (("coffea", "hepcol"), ("coffea", "hepcol-written"), ("coffea-no-op", "hepcol-no-op")):
        if samples[first][0]["found"] != samples[second][0]["found"]:
            raise BenchmarkError(f"{first} and {second} do not find the same")
    return samples


def markdown(samples: dict[str, list[dict[str, Any]]]) -> str:
    """Write the ratios as a table."""
    lines = ["| | median (range) | aim |", "|---|--:|---|"]
    for comparison in COMPARISONS:
        ratios = [
            above[comparison.quantity] / below[comparison.quantity]
            for above, below in zip(samples[comparison.above], samples[comparison.below], strict=True)
        ]
        median = statistics.median(ratios)
        verdict = "" if not comparison.aim else ": met" if comparison.is_met(median) else ": **missed**"
        lines.append(
            f"| {comparison.name} | {median:.3g} ({min(ratios):.3g} - {max(ratios):.3g}) | {comparison.aim}{verdict} |"
        )
    return "\n".join(lines) + "\n"


def describe(samples: dict[str, list[dict[str, Any]]], file: Path, repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    import uproot

    with uproot.open(file) as opened:
        events = int(opened["events"].num_entries)
    return {
        **report.surroundings(PACKAGES),
        "file": file.name,
        "events": events,
        "repeats": repeats,
        "subjects": {
            name: [{key: value for key, value in sample.items() if key != "found"} for sample in every]
            for name, every in samples.items()
        },
    }


def write(folder: Path, samples: dict[str, list[dict[str, Any]]], description: dict[str, Any]) -> str:
    """Write ``chunks.json`` and ``chunks.md`` into a folder; return the Markdown."""
    return figures.write(folder, "chunks", markdown(samples), description)

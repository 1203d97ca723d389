"""The results of a comparison as JSON, Markdown and a plot."""

import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import published, zee
from benchmarks.measurement import BenchmarkError
from benchmarks.revision import revision
from benchmarks.subjects import CHUNK
from benchmarks.zee import Case, Samples

Marks = tuple[str, str]


def marks(name: str = "") -> Marks:
    """Return the marks in a page between which the tables of a comparison go."""
    what = f"benchmark {name}".strip()
    return f"<!-- {what}: begin -->", f"<!-- {what}: end -->"


BEGIN, END = marks()
_PACKAGES = ("hepcol", "coffea", "awkward", "uproot", "numba", "numpy", "dask", "distributed")


def describe(samples: Samples, file: Path, repeats: int, events: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    root = next((every[0]["root"] for every in samples.values() if "root" in every[0]), None)
    about = surroundings(_PACKAGES)
    return {
        **about,
        "versions": {**about["versions"], "root": root},
        "file": file.name,
        "events": events,
        "repeats": repeats,
        "cases": [
            {
                **case._asdict(),
                "samples": [{key: value for key, value in sample.items() if key != "counts"} for sample in every],
            }
            for case, every in samples.items()
        ],
        "ratios": [
            {
                "what": target.what,
                "ratios": found,
                "median": float(np.median(found)),
                "bound": target.bound if target.has_bound else None,
                "met": target.is_met(float(np.median(found))) if target.has_bound else None,
            }
            for target, found in zee.ratios(samples)
        ],
    }


def surroundings(packages: Iterable[str]) -> dict[str, Any]:
    """Tell the day, the code, the machine and the versions of packages."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": revision(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "memory_gib": _memory_gib(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "root_wheel": installed("root"),
    }


def installed(package: str) -> str | None:
    """Version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def markdown(samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    versions, machine = description["versions"], description["machine"]
    lines = [
        (
            f"{description['events']:,} events, {zee.VARIATIONS} variations unless said otherwise; medians of "
            f"{description['repeats']} interleaved runs (smallest to largest) on {machine['cpu']}, "
            f"{machine['cores']} cores, {description['date']}; ROOT {versions['root'] or 'absent'}, "
            f"coffea {versions['coffea']}, uproot {versions['uproot']}, numba {versions['numba']}."
        ),
        "",
    ]
    lines += [*_ratio_table(samples), *_parts(samples, description["events"])]
    for electrons in dict.fromkeys(electrons for _, electrons, _ in samples):
        lines += ["", f"**`electrons={electrons}`**", "", *_time_table(samples, electrons)]
    lines += ["", *_scan_table(samples)]
    return "\n".join(lines) + "\n"


def _ratio_table(samples: Samples) -> list[str]:
    rows = ["| ratio | median (range) | aim |", "|---|--:|---|"]
    for target, found in zee.ratios(samples):
        median = float(np.median(found))
        aim = f"{target.bound}: {'met' if target.is_met(median) else '**missed**'}" if target.has_bound else ""
        rows.append(f"| {target.what} | {median:.3g} ({min(found):.3g} - {max(found):.3g}) | {aim} |")
    return rows


def _parts(samples: Samples, events: int) -> list[str]:
    """Tell what a chunk costs, part by part, if it was measured."""
    parts = samples.get(Case(zee.PARTS, zee.GENERATOR, zee.VARIATIONS), [])
    reading = samples.get(Case(zee.UPROOT_PLAIN, zee.GENERATOR, zee.VARIATIONS), [])
    if not parts or not reading:
        return []
    milliseconds = {
        "reading": _median(reading, "total_s") * CHUNK / events * 1e3,
        "choosing the pairs": _median(parts, "select_s") * 1e3,
        "choosing them with awkward": _median(parts, "select_by_awkward_s") * 1e3,
    }
    told = ", ".join(f"{what} {time:.0f} ms" for what, time in milliseconds.items())
    kernel = _median(parts, "kernel_ns")
    return ["", f"A chunk of {CHUNK:,} events: {told}; the kernel {kernel:.1f} ns for a pair and variation."]


def _time_table(samples: Samples, electrons: str) -> list[str]:
    cases = [
        (subject, every)
        for (subject, chosen, variations), every in samples.items()
        if chosen == electrons and variations == zee.VARIATIONS and subject != zee.PARTS
    ]
    ours = _median(samples.get(Case(zee.HEPCOL, electrons, zee.VARIATIONS), []), "total_s")
    rows = [
        "| | time [s] | of which compiling [s] | process start [s] | CPU [s] | peak memory [MB] | time / hepcol's |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for subject, every in cases:
        total = _median(every, "total_s")
        columns = [
            subject,
            _spread(every, "total_s"),
            _value(every, "compile_s", ".2f"),
            _value(every, "start_s", ".1f"),
            _value(every, "cpu_s", ".1f"),
            _value(every, "peak_mb", ".0f"),
            f"{total / ours:.2g}" if ours else "",
        ]
        rows.append(f"| {' | '.join(columns)} |")
    if electrons == zee.ORIGINAL:
        machines = ", ".join(figure.machine for figure in published.ZEE)
        times = ", ".join(f"{figure.value:g}" for figure in published.ZEE)
        rows.append(f"| *published, on its authors' machines: {machines}* | *{times}* | | | | | |")
    return rows


def _scan_table(samples: Samples) -> list[str]:
    subjects = [
        subject
        for subject in dict.fromkeys(subject for subject, _, _ in samples)
        if sum(Case(subject, zee.GENERATOR, variations) in samples for variations in zee.SCAN) > 1
    ]
    rows = [
        f"| time [s], `generator`, by variations | {' | '.join(map(str, zee.SCAN))} |",
        f"|---|{'--:|' * len(zee.SCAN)}",
    ]
    for subject in subjects:
        cells = (
            _spread(samples.get(Case(subject, zee.GENERATOR, variations), []), "total_s") for variations in zee.SCAN
        )
        rows.append(f"| {subject} | {' | '.join(cells)} |")
    return rows


def _values(every: Iterable[dict[str, Any]], quantity: str) -> list[float]:
    return [sample[quantity] for sample in every if quantity in sample]


def _median(every: Iterable[dict[str, Any]], quantity: str) -> float:
    values = _values(every, quantity)
    return float(np.median(values)) if values else 0.0


def _value(every: Iterable[dict[str, Any]], quantity: str, form: str) -> str:
    values = _values(every, quantity)
    return format(float(np.median(values)), form) if values else ""


def _spread(every: Iterable[dict[str, Any]], quantity: str) -> str:
    values = _values(every, quantity)
    if not values:
        return "-"
    return f"{np.median(values):.2f} ({min(values):.2f} - {max(values):.2f})"


def plot(samples: Samples, path: Path) -> None:
    """Draw time against variations."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    styles = {
        zee.AS_ORIGINAL: ("s", "0.55", ":"),
        zee.COLUMNS: ("P", "0.35", "-."),
        zee.BEST: ("^", "tab:orange", "-."),
        zee.EQUAL: ("D", "tab:purple", "--"),
        zee.HEPCOL: ("o", "tab:blue", "-"),
    }
    for subject, (marker, color, line) in styles.items():
        points = [
            (variations, _values(samples[Case(subject, zee.GENERATOR, variations)], "total_s"))
            for variations in zee.SCAN
            if Case(subject, zee.GENERATOR, variations) in samples
        ]
        if not points:
            continue
        x = [variations for variations, _ in points]
        y = np.array([np.median(times) for _, times in points])
        spread = np.array([(min(times), max(times)) for _, times in points]).T
        axes.errorbar(x, y, np.abs(spread - y), marker=marker, color=color, ls=line, capsize=2, label=subject)
    axes.set(xscale="log", yscale="log", xlabel="variations", ylabel="time [s]")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(10, 10)))
        axis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def write(folder: Path, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``zee.json``, ``zee.md`` and ``zee.png`` into a folder; return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(samples, description)
    (folder / "zee.json").write_text(json.dumps(description, indent=1) + "\n")
    (folder / "zee.md").write_text(text)
    plot(samples, folder / "zee.png")
    return text


def insert(readme: Path, text: str, marked: Marks = (BEGIN, END)) -> None:
    """Put the tables between the marks in a page."""
    before, after = place(readme.read_text(), readme, marked)
    begin, end = marked
    readme.write_text(f"{before}{begin}\n{text}{end}{after}")


def place(old: str, readme: Path, marked: Marks = (BEGIN, END)) -> tuple[str, str]:
    """Return what stands before and after the tables in a page.

    Raises
    ------
    BenchmarkError
        If the marks are not there.
    """
    before, begin, rest = old.partition(marked[0])
    _, end, after = rest.partition(marked[1])
    if not begin or not end:
        raise BenchmarkError(f"{readme}: no place for the tables, which go between {marked[0]} and {marked[1]}")
    return before, after


def _cpu() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> int:
    """Memory of the machine."""
    import psutil

    return round(psutil.virtual_memory().total / 2**30)

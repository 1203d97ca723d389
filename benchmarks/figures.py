"""Figures of a comparison as its tables show them, and its files."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def median(every: Sequence[dict[str, Any]], key: str) -> float:
    """Median of a quantity over the runs."""
    return statistics.median(sample[key] for sample in every)


def spread(every: Sequence[dict[str, Any]], key: str) -> str:
    """Median, smallest and largest value of a quantity; a dash if it was not measured."""
    return spread_of([sample[key] for sample in every]) if every else "-"


def spread_of(values: Sequence[float]) -> str:
    """Median, smallest and largest of some values."""
    return f"{number(statistics.median(values))} ({number(min(values))} - {number(max(values))})"


def number(value: float) -> str:
    """Three digits, without exponents."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def write(folder: Path, name: str, text: str, description: dict[str, Any]) -> str:
    """Write ``NAME.json`` and ``NAME.md`` into a folder; return the Markdown."""
    (folder / f"{name}.json").write_text(json.dumps(description, indent=1) + "\n")
    (folder / f"{name}.md").write_text(text)
    return text

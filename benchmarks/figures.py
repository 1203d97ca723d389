"""Figures of a comparison as its tables show them, and its files."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A quantity: its values in each turn, its unit, and what it should be at least or at most."""

    what: str
    values: list[float]
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the aim is met, in words."""
        value = statistics.median(self.values)
        if self.at_least is not None:
            return f"at least {self.at_least:g}: {'met' if value >= self.at_least else '**missed**'}"
        if self.at_most is not None:
            return f"at most {self.at_most:g}: {'met' if value <= self.at_most else '**missed**'}"
        return ""


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

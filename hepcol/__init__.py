"""Columnar particle-physics analyses on coffea and awkward.

The names below are imported when they are first used, so that ``import hepcol`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepcol.chunkfiles import ChunkFile
    from hepcol.corrections import Corrections
    from hepcol.events import open_events
    from hepcol.execution import IncompleteRun, Run, merge, run
    from hepcol.histograms import Histogram
    from hepcol.result import DatasetResult, Result
    from hepcol.rowsample import RowSample
    from hepcol.skimming.skim import skim
    from hepcol.update import Update

_HOMES = {
    "ChunkFile": "hepcol.chunkfiles",
    "Corrections": "hepcol.corrections",
    "DatasetResult": "hepcol.result",
    "Histogram": "hepcol.histograms",
    "IncompleteRun": "hepcol.execution",
    "Result": "hepcol.result",
    "RowSample": "hepcol.rowsample",
    "Run": "hepcol.execution",
    "Update": "hepcol.update",
    "merge": "hepcol.execution",
    "open_events": "hepcol.events",
    "run": "hepcol.execution",
    "skim": "hepcol.skimming.skim",
}

__all__ = [
    "ChunkFile",
    "Corrections",
    "DatasetResult",
    "Histogram",
    "IncompleteRun",
    "Result",
    "RowSample",
    "Run",
    "Update",
    "merge",
    "open_events",
    "run",
    "skim",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hepcol' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)

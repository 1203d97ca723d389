"""Where a result comes from: versions, configuration and inputs."""

import dataclasses
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hepcol.ledger import FileRecord

PACKAGES = (
    "hepcol",
    "coffea",
    "awkward",
    "uproot",
    "numpy",
    "numba",
    "hist",
    "boost-histogram",
    "dask",
    "distributed",
)


def describe(processor: Any, files: Sequence[FileRecord], **configuration: Any) -> dict[str, Any]:
    """Describe a run: what goes to ``provenance.json``.

    Parameters
    ----------
    processor : Any
        The processor; the fields of a dataclass are its options.
    files : sequence of FileRecord
        The input files.
    **configuration
        Other options of the run.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "packages": {package: _version(package) for package in PACKAGES},
        "git_commit": _commit(),
        "processor": f"{type(processor).__module__}:{type(processor).__qualname__}",
        "options": _options(processor),
        "event_identity": "file UUID and entry",
        **configuration,
        "files": [
            {
                "dataset": file.dataset,
                "path": file.path,
                "uuid": file.uuid,
                "entries": file.entries,
                "error": file.error,
            }
            for file in files
        ],
    }


def _options(processor: Any) -> dict[str, Any]:
    """Options of a processor, as JSON can hold them."""
    if not dataclasses.is_dataclass(processor) or isinstance(processor, type):
        return {}
    plain = (bool, int, float, str, type(None))
    return {
        field.name: value if isinstance(value := getattr(processor, field.name), plain) else repr(value)
        for field in dataclasses.fields(processor)
    }


def _version(package: str) -> str | None:
    """Version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Commit of the checkout that hepcol runs from, marked if it was changed; None for an installed one."""
    folder = Path(__file__).resolve().parent
    if not (folder.parent / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()

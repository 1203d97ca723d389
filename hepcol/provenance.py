"""Where a result comes from: versions, configuration and inputs."""

import dataclasses
import hashlib
import inspect
import math
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hepcol.ledger import FileRecord
from hepcol.plugins import FILE_PREFIX
from hepcol.storage.addresses import redacted

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
DERIVED_PACKAGES = ("hepcol", "iminuit", "numpy", "scipy", "numba", "hist", "boost-histogram", "pyhf", "cabinetry")


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
        "command": [redacted(word) for word in sys.argv],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "host": platform.node(),
        "packages": {package: _version(package) for package in PACKAGES},
        "git_commit": _commit(),
        "processor": _reference(processor),
        "processor_sha256": _source_hash(processor),
        "directory": str(Path.cwd()),
        "options": options_of(processor),
        "event_identity": getattr(processor, "event_identity", "file UUID and entry"),
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


def describe_derived(**configuration: Any) -> dict[str, Any]:
    """Describe what was made of runs, such as a fit: versions of what made it, and its configuration."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [redacted(word) for word in sys.argv],
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {package: _version(package) for package in DERIVED_PACKAGES},
        "git_commit": _commit(),
        **configuration,
    }


@runtime_checkable
class FromText(Protocol):
    """An option that is made of a text, such as the name of a table: that text is what is stored of it."""

    @property
    def typed(self) -> str | None:
        """The text; None of one that was made otherwise."""


def text_of(value: Any) -> Any:
    """Return the text that an option was made of, and the option itself if there is none."""
    text = value.typed if isinstance(value, FromText) else None
    return text if isinstance(text, str) else value


def options_of(processor: Any) -> dict[str, Any]:
    """Options of a processor, as JSON can hold them: the fields of a dataclass, else what is on the instance."""
    if dataclasses.is_dataclass(processor) and not isinstance(processor, type):
        options = {field.name: getattr(processor, field.name) for field in dataclasses.fields(processor)}
    else:
        options = dict(getattr(processor, "__dict__", {}))
    return {name: _stored(value) for name, value in options.items()}


def _stored(value: Any) -> Any:
    """Return what JSON holds of an option: what is no number, text or sequence of these is described."""
    value = text_of(value)
    if isinstance(value, (bool, int, str, type(None))) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return [_stored(one) for one in value] if type(value) in (list, tuple) else repr(value)


def _reference(processor: Any) -> str:
    """Name a processor so that it can be found again: ``module:Class``, or ``path/to/file.py:Class``."""
    kind = processor if inspect.isroutine(processor) else type(processor)
    module = sys.modules.get(kind.__module__)
    path = getattr(module, "__file__", None)
    if path is not None and (kind.__module__ == "__main__" or kind.__module__.startswith(FILE_PREFIX)):
        return f"{Path(path).resolve()}:{kind.__qualname__}"
    return f"{kind.__module__}:{kind.__qualname__}"


def _source_hash(processor: Any) -> str | None:
    """SHA-256 of the file that defines a processor; None where there is none."""
    try:
        path = inspect.getsourcefile(processor if inspect.isroutine(processor) else type(processor))
        return hashlib.sha256(Path(path or "").read_bytes()).hexdigest()
    except (TypeError, OSError):
        return None


def _cpu() -> str:
    """Name the CPU of this machine, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


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

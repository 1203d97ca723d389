"""Comparisons that were stored, and whether they are of this machine, these versions, this code and of late."""

import json
import platform
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.measurement import BenchmarkError
from benchmarks.revision import CHANGED, CHANGED_MEANWHILE

MAX_DAYS = 30
_MACHINE = "cpu", "cores", "memory_gib"  # the system's name has the kernel's build
_NOT_PACKAGES = "python", "root"  # ROOT tells its own version, or that of the wheel


class Here(NamedTuple):
    """What a comparison should be of: this day, code and machine."""

    day: date
    commit: str | None
    machine: dict[str, Any]

    @classmethod
    def now(cls) -> "Here":
        """Look at what is here."""
        found = report.surroundings(())
        return cls(datetime.now(UTC).date(), found["commit"], found["machine"])


def read(folder: Path, comparison: str) -> dict[str, Any] | None:
    """Read what a comparison told; None if it was not made.

    Raises
    ------
    BenchmarkError
        If the file is not what a comparison writes.
    """
    path = folder / f"{comparison}.json"
    try:
        told = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BenchmarkError(f"{path}: not JSON, {error}") from error
    if not isinstance(told, dict) or not {"date", "machine", "versions"} <= set(told):
        raise BenchmarkError(f"{path}: no comparison, which tells date, machine and versions")
    return told


def is_same_machine(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two machines have the same processor, cores and memory."""
    return all(one.get(key) == other.get(key) for key in _MACHINE)


def name_of(machine: dict[str, Any]) -> str:
    """Tell a machine."""
    return f"{machine.get('cpu')}, {machine.get('cores')} cores, {machine.get('memory_gib')} GiB"


def remarks(told: dict[str, Any], here: Here, days: int = MAX_DAYS) -> Iterator[str]:
    """Say why a comparison is not what would be measured here and now."""
    if told.get("quick", False):
        yield "quick"
    if told.get("given") is not None:
        yield f"not of the usual input, but of {told['given']}"
    if not is_same_machine(told["machine"], here.machine):
        yield f"other machine: {name_of(told['machine'])}"
    yield from _versions(told)
    commit = told.get("commit")
    if commit is None:
        yield "code not told"
    elif CHANGED_MEANWHILE in commit:
        yield f"code {commit}, changed while it was measured"
    elif commit.endswith(CHANGED):
        yield f"code {commit}, changes that are not committed"
    elif commit != here.commit:
        yield f"code {commit}, here {here.commit}"
    age = (here.day - date.fromisoformat(told["date"])).days
    if age > days:
        yield f"{age} days old"


def _versions(told: dict[str, Any]) -> Iterator[str]:
    """Say which versions are not those that are installed."""
    then = {name: number for name, number in told["versions"].items() if name not in _NOT_PACKAGES}
    if told.get("root_wheel"):
        then["root"] = told["root_wheel"]
    now = {name: report.installed(name) for name in then}
    then["python"], now["python"] = told["versions"].get("python"), platform.python_version()
    differing = [f"{name} {then[name]}, here {now[name]}" for name in then if then[name] != now[name]]
    if differing:
        yield f"other versions: {'; '.join(differing)}"


def is_current(folder: Path, comparison: str, here: Here, quick: bool, repeats: int) -> bool:
    """Whether measuring again would be the same again: as many runs of the same code, versions and machine."""
    try:
        told = read(folder, comparison)
    except BenchmarkError:  # as an interruption may have left it
        return False
    if told is None or told.get("quick") != quick or told.get("repeats", 0) < repeats:
        return False
    return not [remark for remark in remarks(told, here) if remark != "quick"]

"""The table of what client and workers have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 80
_MOST = 2  # groups of workers that have a column; more do not fit


@dataclass(frozen=True)
class Group:
    """Workers that have the same.

    Parameters
    ----------
    workers : tuple of str
        Their addresses.
    has : mapping
        Versions and code, by name.
    """

    workers: tuple[str, ...]
    has: Mapping[str, str]

    def told(self) -> str:
        """Say how many they are."""
        return f"{len(self.workers)} worker{'s' if len(self.workers) != 1 else ''}"


def print_environments(
    here: Mapping[str, str], groups: Sequence[Group], needed: Sequence[str], console: Console | None = None
) -> None:
    """Print what client and workers have, side by side.

    Parameters
    ----------
    here : mapping
        What the client has.
    groups : sequence of Group
        What workers have; those that are unlike the client come first.
    needed : sequence of str
        What has to be the same.
    console : Console, optional
        Where; by default standard error, of 80 columns.
    """
    console = console or Console(stderr=True, width=WIDTH)
    groups = sorted(groups, key=lambda group: all(group.has.get(name) == here.get(name) for name in needed))
    shown = groups[:_MOST]
    table = Table(title="client and workers", title_justify="left")
    table.add_column("")
    table.add_column("client", overflow="fold")
    for group in shown:
        table.add_column(group.told(), overflow="fold")
    for name, value in here.items():
        cells = [_cell(group.has.get(name, "unknown"), value, name in needed) for group in shown]
        table.add_row(f"{name}{'' if name in needed else ' *'}", value, *cells)
    console.print(table)
    for group in shown:
        console.print(f"{group.told()}: {_named(group.workers)}", highlight=False)
    if len(groups) > _MOST:
        left = sum(len(group.workers) for group in groups[_MOST:])
        console.print(f"{left} more workers have something else again", highlight=False)
    if set(here) - set(needed):
        console.print("* may differ; it is noted if it does", highlight=False)


def _cell(value: str, expected: str, is_needed: bool) -> Text:
    """Mark a value that is not as it has to be, also where there are no colours."""
    if value == expected:
        return Text(value)
    return Text(f"{value} <-", style="bold red") if is_needed else Text(value, style="yellow")


def _named(workers: Sequence[str]) -> str:
    most = 3
    return ", ".join(workers[:most]) + (", ..." if len(workers) > most else "")


@dataclass(frozen=True)
class Trial:
    """What was found of a cluster.

    Parameters
    ----------
    name : str
        Its file.
    told : mapping
        What it is, as provenance tells it.
    preview : str
        What would be submitted.
    warnings : tuple of str
        What is dangerous about it.
    here : mapping
        What the client has, if it was opened.
    groups : tuple of Group
        What its workers have.
    waited_s : float, optional
        How long it took until there was one.
    """

    name: str
    told: Mapping[str, Any]
    preview: str
    warnings: tuple[str, ...] = ()
    here: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    waited_s: float | None = None

    def started(self, here: Mapping[str, str], groups: tuple[Group, ...], waited_s: float) -> "Trial":
        """Add what was found when it was open."""
        return replace(self, here=here, groups=groups, waited_s=waited_s)


def print_trial(trial: Trial, needed: Sequence[str], console: Console | None = None) -> None:
    """Print what was found of a cluster."""
    console = console or Console(width=WIDTH)
    told = ", ".join(f"{name}: {_shown(value)}" for name, value in trial.told.items() if name != "kind")
    console.print(f"{trial.name}: {trial.told['kind']}; {told}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"\n{trial.preview.strip()}\n", highlight=False, markup=False, soft_wrap=True)
    if trial.waited_s is not None:
        print_environments(trial.here, trial.groups, needed, console)
        console.print(f"the first worker came after {trial.waited_s:.1f} s; the cluster is closed", highlight=False)
    for warning in trial.warnings:
        console.print(f"warning: {warning}", highlight=False, markup=False, soft_wrap=True)


def _shown(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, Mapping):
        return " ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

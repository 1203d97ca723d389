"""The plan of a run, as it is printed."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from hepcol.report.numbers import number_of
from hepcol.report.tables import new_table

_GIGABYTE = 1e9
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_BRIEF_S = 10.0
_MOSTLY = 0.5
_HUNDRED = 100
# what limits a run, and what would help
_LIMITS = {
    "start": "starting: the cluster, the first chunk of each worker, writing",
    "events": "processing events: more workers help",
    "chunks": "what each chunk costs: larger ones help",
    "files": "opening files: fewer and larger ones help",
    "merging": "merging: fewer histograms help, or larger chunks",
    "last chunks": "waiting for the last chunks: smaller ones help",
    "scheduler": "the scheduler: more workers do not help",
    "cores": "the cores of this machine: more workers do not help",
}


def print_plan(plan: Any, as_json: bool = False) -> None:
    """Print a plan, for people or as JSON."""
    if as_json:
        print(json.dumps(plan.to_json(), indent=1))  # noqa: T201
        return
    console = Console(highlight=False)
    best, usual, workers = plan.best, plan.usual, plan.machine.workers
    table = new_table()
    table.show_header = False
    estimated = "" if not plan.estimated else f", as {number_of(plan.sampled, 'file')} of them say"
    table.add_row("events", f"{plan.work.events:,} in {number_of(plan.files, 'file')}{estimated}")
    if plan.unreadable:
        table.add_row("not read", f"[red]{len(plan.unreadable)} of {number_of(plan.sampled, 'file')} looked into[/red]")
        table.add_row("", escape(plan.unreadable[0]))
    where = "of this machine" if plan.machine.cores else "of a cluster"
    table.add_row("workers", f"{workers:,} {where}")
    table.add_row("chunk size", f"[bold]{best.chunksize:,}[/bold]: {number_of(best.chunks, 'chunk')}")
    table.add_row("time", f"[bold]{_time(best.wall_s)}[/bold], of which {_time(best.process_s)} for the chunks")
    table.add_row("efficiency", f"workers work on chunks for {best.efficiency:.0%} of the run")
    table.add_row("memory", f"{_memory(best.worker_bytes)} a worker, {_memory(best.client_bytes)} client and scheduler")
    reading = "; it waits for files" if best.limit == "events" and plan.costs.waiting > _MOSTLY else ""
    table.add_row("limited by", f"{_LIMITS[best.limit]}{reading}")
    if usual.chunksize != best.chunksize:
        table.add_row("by itself", f"a run takes chunks of {usual.chunksize:,}, and {_time(usual.wall_s)}")
    console.print(table)
    scan = new_table()
    for title in ("workers", "chunk size", "chunks", "time", "efficiency", "limited by"):
        scan.add_column(title, justify="left" if title == "limited by" else "right")
    for number, one in plan.others:
        scan.add_row(
            *(f"{number:,}", f"{one.chunksize:,}", f"{one.chunks:,}", _time(one.wall_s)),
            *(f"{one.efficiency:.0%}", one.limit),
        )
    console.print(scan)
    costs = plan.costs
    console.print(
        f"measured: {_number(1e3 * costs.chunk_s)} ms a chunk, {_number(1e6 * costs.event_s)} us an event, "
        f"{_number(1e3 * costs.open_s)} ms to open a file,"
    )
    console.print(
        f"  {_number(costs.warm_s)} s once a worker, {_number(1e3 * costs.task_s)} ms of the scheduler a chunk,"
    )
    console.print(f"  {_number(1e3 * costs.merge_s)} ms to merge an output of {costs.output_bytes / 1e3:,.0f} kB")
    tried = ", ".join(f"{Path(one.path).name} of {one.dataset}" for one in plan.trials)
    others = plan.datasets - len(plan.trials)
    like = f"; {number_of(others, 'dataset')} taken to be like these" if others else ""
    console.print(f"measured on: {tried}{like}", markup=False, soft_wrap=True)
    console.print(f"accuracy: chunks of a size took up to {plan.scatter:.0%} more or less than that in this trial;")
    console.print("  the queue, slower machines, and storage that many read at once are not in it")


def _time(seconds: float) -> str:
    """Write a time for people."""
    if seconds < _BRIEF_S:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def _number(value: float) -> str:
    """Write two digits, and no exponent."""
    return f"{value:.2g}" if value < _HUNDRED else f"{value:.0f}"


def _memory(amount: float) -> str:
    return f"{amount / _GIGABYTE:.2g} GB"

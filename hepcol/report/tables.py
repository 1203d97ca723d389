"""What the commands print, for a terminal of 80 columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hepcol import plugins, store
from hepcol.comparison import Difference
from hepcol.errors import InputError
from hepcol.inspection import Inspection
from hepcol.ledger import ChunkRecord, FileRecord, Status
from hepcol.options import find_processor, option_texts
from hepcol.report.dataset_cutflows import steps_of
from hepcol.report.timing import read

MAX_REASONS = 5
MAX_CUTFLOWS, MAX_DATASETS = 6, 12
SHOWN_FROM_S = 0.05
_REFUSED = f"{InputError.__module__}.{InputError.__qualname__}"  # as ledgers call it
_KILOBYTE, _MEGABYTE = 1e3, 1e6
_SMALL = 1e5  # bytes


def new_table(title: str = "") -> Table:
    """Start a table in the style of all of them; names come from users, and may look like markup."""
    return Table(
        title=escape(title) or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def print_run(run: Any, output: str | Path) -> None:
    """Print the summary of a run: first what is missing, then what there is."""
    console = Console(highlight=False)
    if not run.closure.complete:
        _print_missing(console, run)
    summary = run.summary
    datasets = summary.get("datasets", {})
    if len(datasets) > MAX_CUTFLOWS:
        _print_datasets(console, datasets)
    else:
        for name, part in datasets.items():
            _print_cutflow(console, name, part)
    events = summary["events"]
    runs = len(summary.get("merged", ()))
    where = f"{summary['executor']}, {summary['workers']} worker{'s' if summary['workers'] > 1 else ''}"
    table = new_table()
    table.show_header = False
    table.add_row(
        "events",
        f"{events['processed']:,} of {events['files']:,} processed, {summary['chunks']['done']} chunks",
    )
    table.add_row("merged" if runs else "executor", f"of {runs} runs" if runs else where)
    table.add_row(
        "time of all" if runs else "time",
        f"{summary['wall_s']:.1f} s: start {summary['start_s']:.1f}, open files {summary['open_s']:.1f}, "
        f"process {summary['process_s']:.1f}, write {summary['write_s']:.1f} s",
    )
    if summary["compile_s"] > SHOWN_FROM_S:
        table.add_row("", f"of which kernels compiled or loaded {summary['compile_s']:.1f} s on each worker")
    table.add_row("rate", f"{summary['events_per_s']:,.0f} events/s")
    if summary.get("requests"):
        table.add_row("read", read(summary))
    _add_results(table, summary, output)
    console.print(table)
    if not run.closure.complete and ((Path(output) / store.RESULT).exists() or not run.closure.processed):
        console.print(f"to add what is missing, once it can be read: hepcol retry {output}", markup=False)
    for name, kind in summary["not_written"].items():
        console.print(f"not written: {name}: {kind}", style="yellow", markup=False)
    for warning in summary["warnings"]:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    if summary["empty_files"]:
        console.print(f"without events: {', '.join(summary['empty_files'])}", markup=False)


def _add_results(table: Table, summary: Mapping[str, Any], output: str | Path) -> None:
    """List what is in the output folder."""
    told = skim_lines(summary)
    if not told:
        table.add_row("results", escape(f"{output}/histograms.root, .zip, summary.json"))
    for number, line in enumerate(told):
        table.add_row("" if number else "skim", escape(f"{output}: {line}" if not number else line))
    label = "files"
    for where, what, counts in file_lines(summary):
        table.add_row(label, escape(f"{output}/{where}: {what}"))
        if counts:
            table.add_row("", escape(counts))
        label = ""
    if rows := summary.get("samples"):
        sampled = ", ".join(f"{number:,} rows of {name}" for name, number in rows.items())
        table.add_row("samples", escape(f"{output}/{store.SAMPLES}: {sampled}"))
    for folder in sorted({path.parent for path in (Path(output) / "plots").rglob("*.png")}):
        table.add_row("plots", escape(f"{folder}/*.png, *.pdf"))
    if drawn := sorted({f"*{path.suffix}" for path in (Path(output) / store.DRAWINGS).rglob("*") if path.is_file()}):
        table.add_row("drawings", escape(f"{output}/{store.DRAWINGS}/{', '.join(drawn)}"))


def skim_lines(summary: Mapping[str, Any]) -> list[str]:
    """Say what a skim has, how it opens, and what it had no place for; nothing of another run."""
    skim = summary.get("skim")
    if skim is None:
        return []
    number = f"{skim['files']:,} file{'s' if skim['files'] != 1 else ''}"
    lines = [f"{number}, {_size(skim['bytes'])}, {skim['events']:,} events", str(skim["opens"])]
    for column, reason in list(skim["left_out"].items())[:1]:
        others = len(skim["left_out"]) - 1
        more = f" and {others:,} more columns, see {store.SUMMARY}" if others else ""
        lines.append(f"left out: {column}: {reason}{more}")
    return lines


def file_lines(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Say where the files of chunks are, how many, and what is in them, by kind."""
    lines = []
    for kind, told in summary.get("files", {}).items():
        where = ", ".join(f"{kind}/*/*{suffix}" for suffix in told["suffixes"])
        number = f"{told['files']:,} file{'s' if told['files'] != 1 else ''}"
        counts = ", ".join(f"{count:,} {name}" for name, count in told["counts"].items())
        lines.append((where, f"{number}, {_size(told['bytes'])}", counts))
    return lines


def _size(count: int) -> str:
    """Write a number of bytes."""
    return f"{count / _KILOBYTE:,.1f} kB" if count < _SMALL else f"{count / _MEGABYTE:,.1f} MB"


def _print_cutflow(console: Console, name: str, part: dict[str, Any]) -> None:
    """Print the cutflow of a dataset, and what else was counted."""
    table = new_table(name)
    table.add_column("cutflow")
    table.add_column("events", justify="right")
    table.add_column("of all", justify="right")
    steps = steps_of(part)
    total = next(iter(steps.values()), 0) if "skim" in part else part["events"]
    for step, passed in steps.items():
        table.add_row(escape(step), f"{passed:,}", f"{passed / total:.1%}" if total else "-")
    for tally, count in part["tallies"].items():
        if count:
            table.add_row(f"[dim]{tally}[/dim]", f"[dim]{count:,}[/dim]", "")
    console.print(table)


def _print_datasets(console: Console, datasets: dict[str, Any]) -> None:
    """Print a line for each of the first datasets, and what was counted in all of them if it is not nothing."""
    table = new_table(f"{len(datasets)} datasets")
    table.add_column("name", overflow="fold")
    table.add_column("events", justify="right")
    table.add_column("passed", justify="right")
    for name, part in list(datasets.items())[:MAX_DATASETS]:
        passed = list(part["cutflow"].values())[-1:]
        table.add_row(escape(name), f"{part['events']:,}", *(f"{number:,}" for number in passed))
    if len(datasets) > MAX_DATASETS:
        events = sum(part["events"] for part in list(datasets.values())[MAX_DATASETS:])
        table.add_row(f"[dim]and {len(datasets) - MAX_DATASETS} more, see {store.SUMMARY}[/dim]", f"{events:,}", "")
    console.print(table)
    tallies: dict[str, int] = {}
    for part in datasets.values():
        for tally, count in part["tallies"].items():
            tallies[tally] = tallies.get(tally, 0) + count
    for tally, count in tallies.items():
        if count:
            console.print(f"{tally}: {count:,}", markup=False)


def _print_missing(console: Console, run: Any) -> None:
    """List what an incomplete run lacks."""
    events = run.closure
    console.print(
        f"[bold red]INCOMPLETE[/bold red]: {events.processed:,} of {events.files:,} events processed; failed "
        f"{events.failed:,}, skipped {events.skipped:,}, missing {events.missing:,}; "
        f"files not read {events.unknown_files}"
    )
    if run.summary["stopped"]:
        console.print(f"stopped: {run.summary['stopped']}", markup=False)
    reasons = missing(run.files, run.chunks)
    for reason in reasons[:MAX_REASONS]:
        console.print(f"  {reason}", markup=False, soft_wrap=True)
    if len(reasons) > MAX_REASONS:
        console.print(f"  and {len(reasons) - MAX_REASONS} more: see ledger.jsonl")
    failed = [chunk for chunk in run.chunks if chunk.traceback and chunk.error != _REFUSED]
    if not events.processed and failed:
        # nothing worked at all: most likely a bug in the processor, so say where; input that is refused is none
        console.print(failed[0].traceback.rstrip(), markup=False, highlight=False, soft_wrap=True)


def missing(files: Sequence[FileRecord], chunks: Sequence[ChunkRecord]) -> list[str]:
    """Say what a run lacks and why: files, then failed chunks, then what was not tried, file by file."""
    found = [file.message for file in files if file.error]
    found += [
        f"{chunk.path}, entries {chunk.start} to {chunk.stop}: {chunk.error}: {chunk.message}"
        for chunk in chunks
        if chunk.error
    ]
    untried: dict[str, list[ChunkRecord]] = {}
    for chunk in chunks:
        if chunk.status is Status.SKIPPED:
            untried.setdefault(chunk.path, []).append(chunk)
    for path, those in untried.items():
        events = sum(chunk.events for chunk in those)
        found.append(f"{path}: {events:,} events in {len(those)} chunks not processed: {those[0].message}")
    return found


def print_differences(differences: Sequence[Difference], left_out: Sequence[str]) -> None:
    """Print how two results compare: a line for all that differs, and one for what was not compared."""
    console = Console(highlight=False)
    for difference in differences:
        if not difference.equal:
            console.print(f"{'/'.join(difference.name)}: {difference.text}", markup=False, soft_wrap=True)
    equal = sum(difference.equal for difference in differences)
    console.print(f"{equal} of {len(differences)} histograms and counts are equal")
    if left_out:
        console.print(f"not compared: {', '.join(left_out)}", style="yellow", markup=False, soft_wrap=True)


def print_catalogue() -> None:
    """Print the analyses with their options, and the shipped samples."""
    console = Console(highlight=False)
    table = new_table("analyses")
    for column in ("name", "what", "options"):
        table.add_column(column)
    for name in plugins.names(plugins.PROCESSORS):
        made = find_processor(name)
        what = (made.__doc__ or "").strip().splitlines()[0]
        table.add_row(name, what, ", ".join(option_texts(made)))
    console.print(table)
    table = new_table("samples")
    for column in ("name", "what"):
        table.add_column(column)
    for name in plugins.names(plugins.SAMPLES):
        sample: plugins.Sample = plugins.load(plugins.SAMPLES, name)
        table.add_row(name, sample.title)
    console.print(table)


def print_inspection(found: Inspection, columns: str = "") -> None:
    """Print what was found in a file, and those of its columns that have a text in their names."""
    listed = [column for column in found.columns if columns.lower() in column.name.lower()]
    if not listed:
        raise InputError(f"{found.path}: no column has '{columns}' in its name; it has {len(found.columns)} columns")
    console = Console(highlight=False)
    size = "" if found.size is None else f", {found.size / 1e6:.1f} MB"
    console.print(
        f"[bold]{escape(found.path)}[/bold]: {found.layout.format.name} {found.layout.version}".rstrip() + size,
        soft_wrap=True,
    )
    console.print(f"schema {found.layout.format.schema}, tree '{found.layout.tree}', {found.entries:,} events")
    console.print(f"UUID {found.uuid}")
    for source, total in found.sums_of_weights.items():
        console.print(f"sum of weights: {total:.10g} ({source})")
    if not found.sums_of_weights and found.layout.format.has_no_weights:
        console.print("sum of weights: none in the file; every event counts one")
    elif not found.sums_of_weights:
        console.print(f"sum of weights: not looked up in a file of the format {found.layout.format.name}")
    table = new_table("trees")
    for column in ("name", "class", "entries"):
        table.add_column(column, justify="right" if column == "entries" else "left")
    for name, kind, entries in found.trees:
        table.add_row(name, kind, f"{entries:,}")
    console.print(table)
    table = new_table(f"columns ({len(listed)} of {len(found.columns)})")
    for title in ("name", "type", "unit"):
        table.add_column(title, overflow="fold")
    for found_column in listed:
        table.add_row(found_column.name, found_column.type, found_column.unit)
    console.print(table)

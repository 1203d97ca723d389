"""Whether a run is complete, and what it lacks; and where it comes from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hepcol import store
from hepcol.report.blocks import Block, Code, Facts, Fold, Listing, Paragraph, Table, folded
from hepcol.report.markup import TextTable
from hepcol.report.record import RunRecord
from hepcol.report.style import missing
from hepcol.report.tables import missing as reasons_of

MAX_REASONS = 50
_MOST_FILES = 12
_LONGEST = 300  # letters of the value of an option
_MEGABYTE = 1e6


def title_of(run: RunRecord) -> str:
    """Name a run by its processor and datasets."""
    processor = str(run.provenance["processor"]).rpartition(":")[2]
    names = run.datasets
    return f"{processor}: {', '.join(names) if len(names) <= 3 else f'{len(names)} datasets'}"  # noqa: PLR2004


def time_of(run: RunRecord) -> str:
    """Write when a run began."""
    return str(run.provenance.get("created", "")).replace("T", " ").replace("+00:00", " UTC")


def tell_closure(run: RunRecord) -> Iterator[Block]:
    """Tell first what is missing and why, then what there is."""
    summary, events = run.summary, run.summary["events"]
    if lacks := missing(summary):
        yield Paragraph(f"{lacks}.", "bad")
        if summary.get("stopped"):
            yield Paragraph(f"It was stopped: {summary['stopped']}.", "bad")
        yield from _tell_reasons(run)
        if (run.folder / store.RESULT).exists():
            yield Paragraph("hepcol retry adds what is missing, once it can be read.", "note")
    else:
        readable = sum(file.entries is not None for file in run.files) or len(run.provenance.get("files", ()))
        files = f"{readable:,} file{'s' if readable != 1 else ''}"
        yield Paragraph(f"Complete: all {events['files']:,} events of {files} were processed.", "good")
    yield Table(closure_table(summary), texts=0)
    counted = ", ".join(f"{count:,} {what}" for what, count in summary["chunks"].items() if count or what == "done")
    yield Paragraph(f"Chunks: {counted}.", "note")
    if warnings := summary.get("warnings"):
        yield Listing([f"warning: {warning}" for warning in warnings], "warning")
    if others := summary.get("not_written"):
        yield Listing([f"not written: {name}: {kind}" for name, kind in others.items()], "warning")
    if empty := summary.get("empty_files"):
        yield from folded(f"{len(empty)} files without events", [Listing(empty)], True)


def closure_table(summary: Mapping[str, Any]) -> TextTable:
    """Tabulate the events by what became of them, and those that were selected."""
    events = summary["events"]
    columns = {
        "events in files": events["files"],
        "processed": events["processed"],
        "failed": events["failed"],
        "skipped": events["skipped"],
        "missing": events["missing"],
        "files not read": events["unknown_files"],
    }
    if summary.get("selected") is not None:
        columns["selected"] = summary["selected"]
    return TextTable("", tuple(columns), [tuple(f"{number:,}" for number in columns.values())])


def _tell_reasons(run: RunRecord) -> Iterator[Block]:
    reasons = reasons_of(run.files, run.chunks)
    yield Listing(reasons[:MAX_REASONS], "bad")
    if len(reasons) > MAX_REASONS:
        yield Paragraph(f"and {len(reasons) - MAX_REASONS:,} more: see {store.LEDGER}", "bad")
    failed = [chunk for chunk in run.chunks if chunk.traceback]
    if failed:
        yield Fold("where the first chunk failed", [Code(failed[0].traceback.rstrip())])


def tell_origin(run: RunRecord) -> Iterator[Block]:
    """Tell what made the run, and of what."""
    told, summary = run.provenance, run.summary
    workers = f"{summary['workers']} worker{'s' if summary['workers'] != 1 else ''}"
    merged = [f"{part['folder']} ({part['events']:,} events)" for part in told.get("merged", ())]
    facts = {
        "processor": told["processor"],
        "merged of": ", ".join(merged),
        "begun": time_of(run),
        "command": " ".join(map(str, told.get("command", ()))),
        "folder": told.get("directory"),
        "executor": f"{summary['executor']}, {workers}",
        "chunk size": told.get("chunksize") or "chosen by the number of workers",
        "continued": "yes, from what earlier runs had done" if told.get("continued") else None,
        "host": told.get("host"),
        "CPU": told.get("cpu"),
        "system": told.get("platform"),
        "commit": told.get("git_commit"),
        "code": f"SHA-256 {told['processor_sha256']} of the processor's file" if told.get("processor_sha256") else None,
        "event identity": told.get("event_identity"),
    }
    yield Facts([(name, str(value)) for name, value in facts.items() if value])
    options = [(name, _shorten(str(value))) for name, value in told["options"].items() if value is not None]
    if options:
        yield Table(TextTable("options of the processor", ("option", "value"), options), texts=2)
    packages = {"python": told.get("python"), **told.get("packages", {})}
    versions = [(name, str(version)) for name, version in packages.items() if version]
    yield Fold("versions", [Table(TextTable("", ("package", "version"), versions), texts=2)])
    files = _input_table(run)
    yield from folded(files.title, [Table(files, texts=2)], len(files.rows) > _MOST_FILES)


def _input_table(run: RunRecord) -> TextTable:
    """Tabulate the input files."""
    found = {(file.dataset, file.path): file for file in run.files}
    rows = []
    for file in run.provenance.get("files", ()):
        record = found.get((file["dataset"], file["path"]))
        size = f"{record.size / _MEGABYTE:,.1f}" if record is not None and record.size is not None else "-"
        entries = "not read" if file["entries"] is None else f"{file['entries']:,}"
        rows.append((file["dataset"], file["path"], entries, size, file["uuid"] or "-"))
    header: Sequence[str] = ("dataset", "file", "events", "MB", "UUID")
    return TextTable(f"{len(rows):,} input file{'s' if len(rows) != 1 else ''}", header, rows)


def _shorten(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\N{HORIZONTAL ELLIPSIS} ({len(text):,} letters, whole in {store.PROVENANCE})"

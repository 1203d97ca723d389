"""What commands have added to a folder: tables in Markdown, and pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hepcol import store
from hepcol.errors import InputError
from hepcol.report.blocks import Block, Listing, Paragraph, Pictures, Table, folded
from hepcol.report.markdown import read_markdown
from hepcol.report.pictures import find_pictures, is_inside, read_pictures
from hepcol.report.record import RunRecord

_LONG = 40  # rows of the tables of a file


def show_added(run: RunRecord, names: Sequence[str]) -> Iterator[Block]:
    """Show the tables and pictures among some files and folders that a command has added."""
    for name in names:
        for path in _documents(run.folder / name):
            if is_inside(run.folder, path):
                yield from _show_document(path)
    paths = find_pictures(run.folder, names)
    if paths:
        titles = [_title(path.relative_to(run.folder)) for path in paths]
        pictures = list(read_pictures(paths, titles))
        yield from folded(f"{len(pictures)} pictures", [Pictures(pictures)], len(pictures) > _LONG)


def _documents(path: Path) -> list[Path]:
    """Find the files in Markdown at a path: itself, or those in it."""
    if path.is_dir():
        return sorted(path.glob("*.md"))
    return [path] if path.suffix == ".md" and path.is_file() else []


def _title(path: Path) -> str:
    """Name a picture by its place."""
    parts = path.with_suffix("").parts
    return "/".join(parts[1:] if parts[0] == store.PLOTS else parts)


def _show_document(path: Path) -> Iterator[Block]:
    """Show a file in Markdown."""
    try:
        found = read_markdown(path.read_text())
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text: {error}") from error
    blocks: list[Block] = [*map(Paragraph, found.texts), *map(Table, found.tables)]
    warnings = [text for text in found.items if text.startswith("warning: ")]
    blocks += [Listing(warnings, "warning"), Listing([text for text in found.items if text not in warnings], "note")]
    rows = sum(len(table.rows) for table in found.tables)
    counted = f"{len(found.tables)} table{'s' if len(found.tables) != 1 else ''}"
    yield from folded(f"{found.title or path.stem}: {counted}", blocks, rows > _LONG)

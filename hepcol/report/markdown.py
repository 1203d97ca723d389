"""Tables out of the Markdown files that commands write, so that there is one place where they are made."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hepcol.report.markup import TextTable

_ESCAPED = re.compile(r"\\(.)")
_BETWEEN = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|(:?-+:?\|)+")


@dataclass(frozen=True)
class Document:
    """A Markdown file of the kind that :func:`hepcol.report.markup.markdown_file` writes.

    Parameters
    ----------
    title : str
        Its title.
    texts : tuple of str
        Paragraphs.
    tables : tuple of TextTable
        Tables, each under a title.
    items : tuple of str
        Entries of lists.
    """

    title: str
    texts: tuple[str, ...]
    tables: tuple[TextTable, ...]
    items: tuple[str, ...]


def read_markdown(text: str) -> Document:
    """Read titles, paragraphs, tables and lists; of anything else, the text."""
    title, heading = "", ""
    texts, items, tables = [], [], []
    for block in _blocks(text):
        if block[0].startswith("|"):
            rows = [_cells(line) for line in block if not _RULE.fullmatch(line)]
            tables.append(TextTable(heading, rows[0], rows[1:]))
        elif block[0].startswith("#"):
            heading = _unescape(block[0].lstrip("#").strip())
            title = title or heading
        elif block[0].startswith("- "):
            items += [_unescape(line.removeprefix("- ")) for line in block]
        else:
            texts.append(_unescape(" ".join(block)))
    return Document(title, tuple(texts), tuple(tables), tuple(items))


def _blocks(text: str) -> Iterator[Sequence[str]]:
    """Split a text where lines are empty, and after titles."""
    block: list[str] = []
    for line in (*text.splitlines(), ""):
        if line.startswith("#") or not line.strip():
            if block:
                yield block
            block = []
            if line.strip():
                yield [line]
        else:
            block.append(line.strip())


def _cells(line: str) -> list[str]:
    return [_unescape(cell.strip()) for cell in _BETWEEN.split(line.strip().strip("|"))]


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)

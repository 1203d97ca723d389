"""What a page is made of: texts, tables, pictures; the template shows each by its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hepcol.report.markup import TextTable


@dataclass(frozen=True)
class Paragraph:
    """A text; ``look`` is empty, ``good``, ``bad``, ``warning`` or ``note``."""

    text: str
    look: str = ""
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Listing:
    """Texts beneath each other, with the looks of paragraphs."""

    items: Sequence[str]
    look: str = ""
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True)
class Facts:
    """Names and what there is to say of each."""

    rows: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Table:
    """A table of numbers; the first ``texts`` columns are of texts."""

    table: TextTable
    texts: int = 1
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Bars:
    """Parts of a whole: their names, texts and fractions."""

    parts: Sequence[tuple[str, str, float]]
    kind: ClassVar[str] = "bars"


@dataclass(frozen=True)
class Picture:
    """A picture that the page holds.

    Parameters
    ----------
    title : str
        What is beneath it.
    data : str
        The picture, PNG in base 64.
    width, height : int
        Its pixels.
    """

    title: str
    data: str
    width: int
    height: int


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, as far as there is room."""

    pictures: Sequence[Picture]
    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True)
class Code:
    """A text as it is, such as a traceback."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Frame:
    """A whole page in a frame of its own."""

    title: str
    page: str
    kind: ClassVar[str] = "frame"


@dataclass(frozen=True)
class Fold:
    """Blocks under a title that opens them."""

    title: str
    blocks: "Sequence[Block]"
    is_open: bool = False
    kind: ClassVar[str] = "fold"


Block = Paragraph | Listing | Facts | Table | Bars | Pictures | Code | Frame | Fold


@dataclass(frozen=True)
class Section:
    """A part of the page that is in its table of contents."""

    title: str
    blocks: Sequence[Block]


def folded(title: str, blocks: Sequence[Block], is_long: bool) -> Sequence[Block]:
    """Fold blocks if they are long, and leave them as they are otherwise."""
    return [Fold(title, blocks)] if is_long else blocks

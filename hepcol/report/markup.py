"""Tables of texts and numbers in Markdown and in LaTeX."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    # at the beginning of a row they would be arguments of the line before it
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    PLUS_MINUS: r"$\pm$",
}
_DIGITS = 2  # of the largest error
_MOST = 4  # decimals: of events, less is as good as none
# what Markdown takes for more than a letter; an underscore inside a word is none
_MARKDOWN = re.compile(r"[\\`*<>|\[\]]|(?<![^\W_])_|_(?![^\W_])")


@dataclass(frozen=True)
class Quantity:
    """A value with its statistical and systematic errors, as a cell of a table.

    Parameters
    ----------
    value : float
        The value.
    error : float
        Statistical error.
    systematic : tuple of float, optional
        Systematic error up, and down, which is at most 0; None if there are none to tell.
    """

    value: float
    error: float
    systematic: tuple[float, float] | None = None

    def parts(self) -> tuple[str, str, str, str]:
        """Write value, statistical error, and systematic errors up and down, to a common decimal."""
        up, down = self.systematic or (0.0, 0.0)
        decimals = _decimals(max(self.error, up, -down), self.value)
        value, error, high, low = (f"{number:z,.{decimals}f}" for number in (self.value, self.error, up, -down))
        return value, error, high, low

    def __str__(self) -> str:
        value, error, up, down = self.parts()
        text = f"{value} {PLUS_MINUS} {error}"
        if self.systematic is None:
            return text
        return f"{text} {PLUS_MINUS} {up}" if up == down else f"{text} +{up} -{down}"

    def latex(self) -> str:
        """Write it as a formula."""
        value, error, up, down = (part.replace(",", "{,}") for part in self.parts())
        text = rf"{value} \pm {error}"
        if self.systematic is not None:
            text += rf" \pm {up}" if up == down else rf"\,^{{+{up}}}_{{-{down}}}"
        return f"${text}$"


@dataclass(frozen=True)
class Percent:
    """Changes with a systematic high and low [%], as a cell of a table."""

    high: float
    low: float

    def __str__(self) -> str:
        return f"{self.high:+z.1f} / {self.low:+z.1f}"

    def latex(self) -> str:
        """Write it as two formulas."""
        return f"${self.high:+z.1f}$ / ${self.low:+z.1f}$"


Cell = str | Quantity | Percent


@dataclass(frozen=True)
class TextTable:
    """A table; its first column is of names, the others of numbers.

    Parameters
    ----------
    title : str
        What it shows.
    header : sequence of str
        Titles of the columns.
    rows : sequence of sequence of cells
        The rows.
    rules : tuple of int
        Rows before which a line is drawn; Markdown has none.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    rules: tuple[int, ...] = ()

    def markdown(self) -> str:
        """Write it in Markdown."""
        lines = [
            f"## {escape_markdown(self.title)}",
            "",
            _markdown_row(self.header),
            "|" + "|".join([":--", *["--:"] * (len(self.header) - 1)]) + "|",
            *map(_markdown_row, self.rows),
        ]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """Write it in LaTeX, as wide as the text if it would be wider; needs the packages of :func:`latex_file`."""
        lines = [
            r"\begin{table}[p]",
            r"\centering",
            rf"\caption{{{escape_latex(self.title)}}}",
            r"\begin{adjustbox}{max width=\textwidth, max totalheight=0.9\textheight}",
            rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}",
            r"\toprule",
            _latex_row(self.header),
            r"\midrule",
        ]
        for number, row in enumerate(self.rows):
            if number in self.rules:
                lines.append(r"\midrule")
            lines.append(_latex_row(row))
        lines += [r"\bottomrule", r"\end{tabular}", r"\end{adjustbox}", r"\end{table}"]
        return "\n".join(lines) + "\n"


def markdown_file(title: str, tables: Sequence[TextTable], text: str = "") -> str:
    """Write tables under a title."""
    return "\n".join(
        [f"# {escape_markdown(title)}\n", *([f"{text}\n"] if text else []), *(t.markdown() for t in tables)]
    )


def latex_file(tables: Sequence[TextTable], text: str = "") -> str:
    r"""Write tables for ``\input``; a comment says which packages they need, and what the numbers are."""
    comments = [r"\usepackage{booktabs,adjustbox}", *map(escape_latex, text.splitlines())]
    return "\n".join([*(f"% {line}" for line in comments), "", *(table.latex() for table in tables)])


def escape_latex(text: str) -> str:
    """Write a text so that LaTeX shows it as it is."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def escape_markdown(text: str) -> str:
    """Write a text so that Markdown shows it as it is."""
    return _MARKDOWN.sub(lambda found: "\\" + found[0], text)


def percent(change: tuple[float, float] | None) -> Cell:
    """Show a change in per cent, high and low; a dash if there is none."""
    return "-" if change is None else Percent(*change)


def _markdown_row(cells: Sequence[Cell]) -> str:
    return "| " + " | ".join(escape_markdown(str(cell)) for cell in cells) + " |"


def _latex_row(cells: Sequence[Cell]) -> str:
    return " & ".join(escape_latex(cell) if isinstance(cell, str) else cell.latex() for cell in cells) + r" \\"


def _decimals(error: float, value: float) -> int:
    """Decimals at which an error has two digits; of a value without one, four digits."""
    number, digits = (error, _DIGITS) if error > 0 else (abs(value), 2 * _DIGITS)
    if number == 0:
        return 0
    power = math.floor(math.log10(float(f"{number:.{digits - 1}e}")))
    return min(max(0, digits - 1 - power), _MOST)

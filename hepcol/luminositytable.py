"""Tables of luminosity by run and luminosity block, in CSV: as brilcalc writes them, or with a plain header."""

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hepcol.barns import plain_number, power_of_inverse, times_ten_to
from hepcol.errors import InputError
from hepcol.runnumbers import MAX_BLOCK, MAX_RUN, read_number

# Names of columns, without what stands in brackets
_RUN = ("run", "run:fill", "runnumber")
_BLOCK = ("ls", "lb", "lumiblock", "luminosityblock", "luminosity block", "lumi block", "lumisection")
# what was recorded counts where there is what was delivered, too
_LUMINOSITY = ("recorded", "lrecorded", "luminosity", "lumi", "integrated luminosity", "delivered", "ldelivered")
_UNIT = re.compile(r"(?P<name>[^(\[]*?)\s*[(\[](?P<unit>[^)\]]*)[)\]]\s*")
_EXAMPLE = "run,lb,recorded(/pb)"


@dataclass(frozen=True, eq=False)
class LuminosityTable:
    """Luminosity by run and block.

    Parameters
    ----------
    runs, blocks : int64[rows]
        Run and luminosity block.
    luminosity : float64[rows]
        Integrated luminosity [pb^-1].
    column : str
        Title of the column that it is of.
    """

    runs: npt.NDArray[np.int64]
    blocks: npt.NDArray[np.int64]
    luminosity: npt.NDArray[np.float64]
    column: str

    @property
    def total(self) -> float:
        """Luminosity of all rows [pb^-1]."""
        return math.fsum(self.luminosity)

    def sum_by_run(self, chosen: npt.NDArray[np.bool_]) -> dict[int, float]:
        """Add up some rows by run [pb^-1]."""
        runs, luminosity = self.runs[chosen], self.luminosity[chosen]
        order = np.argsort(runs, kind="stable")
        names, starts = np.unique(runs[order], return_index=True)
        parts = np.split(luminosity[order], starts[1:])
        return {int(run): math.fsum(part) for run, part in zip(names, parts, strict=False)}


def read_luminosity(path: str | Path) -> LuminosityTable:
    """Read a table of luminosity.

    The header tells the columns and the unit, in brackets: that of brilcalc's ``--byls``, which is the last comment
    before the numbers, or the first line. Of ``run:fill`` and ``ls:ls`` the first number counts.

    Raises
    ------
    InputError
        If it cannot be read or understood, or a block is there twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text: {error}") from error
    header, body = _split(path, lines)
    places = [_find(path, header, names) for names in (_RUN, _BLOCK, _LUMINOSITY)]
    title = header[places[2]]
    power = _power(path, title)
    rows: dict[tuple[int, int], float] = {}
    where: dict[tuple[int, int], int] = {}
    for number, cells in body:
        if len(cells) <= max(places):
            raise InputError(f"{path}: line {number}: {len(cells)} columns; the header has {len(header)}")
        run, block = (
            _first(path, number, header[place], cells[place], most)
            for place, most in zip(places, (MAX_RUN, MAX_BLOCK), strict=False)
        )
        if (run, block) in rows:
            raise InputError(
                f"{path}: run {run}, block {block} is there twice, in lines {where[run, block]} and {number}"
            )
        rows[run, block] = times_ten_to(_amount(path, number, title, cells[places[2]]), power)
        where[run, block] = number
    if not rows:
        raise InputError(f"{path}: has no luminosity in it; expected rows under {_EXAMPLE}")
    keys = np.array(list(rows), dtype=np.int64)
    return LuminosityTable(keys[:, 0], keys[:, 1], np.array(list(rows.values())), title)


Numbered = tuple[int, list[str]]


def _split(path: str | Path, lines: list[str]) -> tuple[list[str], list[Numbered]]:
    """Return the header, and the rows with the numbers of their lines."""
    header: list[str] | None = None
    body: list[Numbered] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if line.startswith("#"):
            cells = _cells(line.lstrip("#"))
            if not body and any(_name(cell) in _RUN for cell in cells):  # comments beneath the rows sum up
                header = cells
        elif header is None:
            header = _cells(line)
        else:
            body.append((number, _cells(line)))
    if header is None:
        raise InputError(f"{path}: is empty; expected a header such as {_EXAMPLE}")
    return header, body


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]), [])]


def _name(title: str) -> str:
    """Name of a column, without its unit."""
    found = _UNIT.fullmatch(title)
    return (found["name"] if found else title).strip().lower()


def _find(path: str | Path, header: list[str], names: tuple[str, ...]) -> int:
    """Find a column."""
    own = [_name(title) for title in header]
    for name in names:
        if name in own:
            return own.index(name)
    raise InputError(f"{path}: no column {' or '.join(names)} in its header: {', '.join(header)}")


def _power(path: str | Path, title: str) -> int:
    """Power of ten that takes the unit of a column to pb^-1."""
    found = _UNIT.fullmatch(title)
    power = power_of_inverse(found["unit"].strip()) if found else None
    if power is None:
        raise InputError(f"{path}: column '{title}' needs its unit in brackets, such as (/pb), (/ub) or [pb^-1]")
    return power


def _first(path: str | Path, number: int, title: str, text: str, most: int) -> int:
    """Read the run of ``run:fill``, or the block of ``ls:ls``."""
    return read_number(text.partition(":")[0], f"{path}: line {number}: {title}", most)


def _amount(path: str | Path, number: int, title: str, text: str) -> float:
    """Read a luminosity."""
    amount = plain_number(text)
    if amount is None or not (math.isfinite(amount) and amount >= 0):
        raise InputError(f"{path}: line {number}: {title} must be a number from 0, got {text!r}")
    return amount

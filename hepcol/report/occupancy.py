"""What workers were busy with, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hepcol.ledger import ChunkRecord, Status
from hepcol.report.style import DARK, RED, Canvas
from hepcol.report.timing import worker_names

PAUSE_S = 60.0  # without any chunk, as between a run and its continuation: left out
_COMPILED = "#e0a030"
_COLOURS = {Status.DONE: DARK, Status.FAILED: RED}
_HIGHEST, _ROW = 9.0, 0.32  # inch
_NAMED = 25  # rows that have their names
_THICK = 0.84  # of a row
_LETTER = 0.085  # inch, of the name of a worker


class Bar(NamedTuple):
    """A chunk on its worker: times [s] since the first one, pauses left out."""

    row: int
    start: float
    worked: float
    end: float
    status: Status


@dataclass(frozen=True)
class Occupancy:
    """The chunks of a run on their workers.

    Parameters
    ----------
    names : tuple of str
        The workers, a row for each.
    bars : tuple of Bar
        The chunks: what was compiled is from ``start`` to ``worked``.
    pauses : tuple of (float, float)
        When there was a pause that is left out, and how long it was [s].
    places : int
        Workers that could work at once.
    """

    names: tuple[str, ...]
    bars: tuple[Bar, ...]
    pauses: tuple[tuple[float, float], ...]
    places: int

    @property
    def span(self) -> float:
        """Time from the first to the last [s], without pauses."""
        return max((bar.end for bar in self.bars), default=0.0)

    @property
    def average(self) -> float:
        """Part of the time of all workers in which they had a chunk."""
        whole = self.span * self.places
        return sum(bar.end - bar.start for bar in self.bars) / whole if whole else 0.0

    @property
    def compiling(self) -> float:
        """Part of that time in which they compiled or loaded."""
        whole = self.span * self.places
        return sum(bar.worked - bar.start for bar in self.bars) / whole if whole else 0.0


def occupancy_of(chunks: Sequence[ChunkRecord], workers: int) -> Occupancy:
    """Place chunks on their workers.

    Parameters
    ----------
    chunks : sequence of ChunkRecord
        The chunks; those whose start is not known are left out.
    workers : int
        Number of workers of the run; if more were at work at once, as in another part of it, they count.
    """
    known = sorted((chunk for chunk in chunks if chunk.started and chunk.worker), key=lambda c: (c.started, c.worker))
    names = worker_names(known)
    rows = {worker: row for row, worker in enumerate(names)}
    bars, pauses = [], []
    left_out, reached = (known[0].started, known[0].started) if known else (0.0, 0.0)
    for chunk in known:
        pause = chunk.started - reached
        if pause > PAUSE_S:
            pauses.append((reached - left_out, pause))
            left_out += pause
        worked = chunk.started + chunk.compile_s
        end = worked + chunk.wall_s
        reached = max(reached, end)
        begin, middle, last = (time - left_out for time in (chunk.started, worked, end))
        bars.append(Bar(rows[chunk.worker], begin, middle, last, chunk.status))
    return Occupancy(tuple(names.values()), tuple(bars), tuple(pauses), max(workers, _most_at_once(bars)))


def _most_at_once(bars: Sequence[Bar]) -> int:
    """Count the workers that were at work at once, at most."""
    changes = sorted([*((bar.start, 1) for bar in bars), *((bar.end, -1) for bar in bars)])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def plot_occupancy(occupancy: Occupancy) -> Figure:
    """Draw a row for each worker and a bar for each chunk; to be saved within :func:`hepcol.report.style.style`."""
    rows = len(occupancy.names)
    height = min(_HIGHEST, max(2, rows) * _ROW)
    names = [_short(name) for name in occupancy.names]
    left = 0.4 + _LETTER * max(map(len, names), default=0)
    canvas = Canvas(12, height + 1.35)
    axes = canvas.axes(left, 0.75, 11.8 - left, height)
    for colour, corners in _corners(occupancy):
        # an edge of the same colour keeps the shortest of thousands visible
        axes.add_collection(PolyCollection(corners, facecolor=colour, edgecolor=colour, linewidth=0.3), autolim=False)
    for time, _ in occupancy.pauses:
        axes.axvline(time, color="black", linestyle=":", linewidth=1.2)
    axes.set_xlim(0, occupancy.span or 1)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.tick_params(axis="y", which="both", length=0)
    axes.tick_params(axis="x", top=False, which="both", direction="out")
    axes.minorticks_off()
    shown = range(rows) if rows <= _NAMED else range(0, rows, -(-rows // _NAMED))
    axes.set_yticks(list(shown), [names[row] for row in shown], fontsize=11, parse_math=False)
    axes.set_xlabel("time since the first chunk began [s]", fontsize=13)
    axes.tick_params(axis="x", labelsize=12)
    handles = [Patch(color=colour, label=status.value) for status, colour in _COLOURS.items()]
    handles.insert(1, Patch(color=_COMPILED, label="compiled or loaded"))
    used = {bar.status for bar in occupancy.bars}
    canvas.figure.legend(
        handles=[handle for handle in handles if handle.get_label() not in set(Status) - used],
        loc="upper left",
        bbox_to_anchor=(left / canvas.width, 1),
        ncols=3,
        fontsize=12,
    )
    text = f"average occupancy of {occupancy.places} worker{'s' if occupancy.places != 1 else ''}: "
    canvas.text(11.8, canvas.height - 0.18, f"{text}{occupancy.average:.0%}", ha="right", va="top", fontsize=13)
    return canvas.figure


def _corners(occupancy: Occupancy) -> Iterator[tuple[str, list[list[tuple[float, float]]]]]:
    """Corners of all bars of a colour."""
    parts: dict[str, list[list[tuple[float, float]]]] = {}
    for bar in occupancy.bars:
        low, high = bar.row - _THICK / 2, bar.row + _THICK / 2
        for colour, left, right in (
            (_COMPILED, bar.start, bar.worked),
            (_COLOURS.get(bar.status, "0.6"), bar.worked, bar.end),
        ):
            if right > left:
                parts.setdefault(colour, []).append([(left, low), (right, low), (right, high), (left, high)])
    yield from parts.items()


def _short(name: str, most: int = 22) -> str:
    """Shorten the name of a worker in its middle."""
    return name if len(name) <= most else f"{name[: most // 2]}\N{HORIZONTAL ELLIPSIS}{name[1 - most // 2 :]}"

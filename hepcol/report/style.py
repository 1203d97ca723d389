"""How all plots look: style, colours, labels, and the column of texts beside a plot."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FuncFormatter

from hepcol.histograms import counted
from hepcol.ledger import processed_text

STEPS = (1, 2, 5, 10)  # between ticks
DARK, MEDIUM, LIGHT, RED = "#1a1a6e", "#7a9ecb", "#cfdff2", "#b00020"  # blues apart in grey, too
NO_DATE: dict[str, Any] = {"CreationDate": None}  # of PDF files: equal plots are equal bytes
_POINTS = 72  # in an inch
_PAD = 6  # of a banner, in points
_WORD, _FORMULAS = re.compile(r"\S+"), re.compile(r"(?:\$[^$]*\$|\S)+")  # blanks in formulas are none to break at
_SMALLEST = 0.65  # of its size: smaller, a text is not read
_LARGE, _SMALL = 1e6, 1e-2  # beyond them tick labels leave a power of ten to the axis
# of plots of fits, which have their legend beside them
LOOK = {
    "font.size": 15,
    "xtick.major.size": 8,
    "xtick.minor.size": 4,
    "ytick.major.size": 8,
    "ytick.minor.size": 4,
    "axes.linewidth": 1.2,
    "hatch.linewidth": 0.6,
    "figure.constrained_layout.use": False,
}


@contextmanager
def style(changes: dict[Any, Any] | None = None) -> Iterator[None]:
    """Draw in mplhep's style, with room for the labels, and with further changes."""
    with mpl.rc_context():
        mpl.rcParams.update(mplhep.style.ROOT)
        mpl.rcParams.update(
            {
                "figure.figsize": (8, 7),
                "font.size": 17,
                "savefig.dpi": 100,
                "figure.constrained_layout.use": True,
                **(changes or {}),
            }
        )
        yield


def save(figure: Figure, targets: Iterable[Path]) -> list[Path]:
    """Write a figure to files in the formats of their names, laid out as it is for the first."""
    written = []
    engine = figure.get_layout_engine()
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, metadata=NO_DATE if target.suffix == ".pdf" else None)
        written.append(target)
        # to lay it out again takes longer than to draw it; "none" would still draw everything twice
        with mpl.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
            figure.set_layout_engine(None)
    if engine is not None:
        figure.set_layout_engine(engine)
    return written


def mark(axes: Axes, summary: Mapping[str, Any]) -> None:
    """Write above a plot whose it is, and whether events are missing."""
    _say(axes.text(0, 1.01, "hepcol", transform=axes.transAxes, weight="bold", va="bottom"), summary)
    if lacks := missing(summary):
        # in a line above what stands beside the name, which may be as long
        above = (0, 26 if summary.get("mark") else 4)
        options: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(lacks, (1, 1), above, color=RED, ha="right", va="bottom", fontsize="small", **options)


def _say(name: Text, summary: Mapping[str, Any]) -> None:
    """Write beside the name what pictures of a run have to say."""
    if said := summary.get("mark"):
        options: dict[str, Any] = {"xycoords": name, "textcoords": "offset points", "annotation_clip": False}
        artist = Annotation(said, (1, 0), xytext=(6, 0), va="bottom", style="italic", fontsize=12, **options)
        artist.set_parse_math(False)
        owner: Any = name.axes or name.get_figure(root=True)
        owner.add_artist(artist)
        artist.set_clip_on(False)  # it is above the axes that it is of


def missing(summary: Mapping[str, Any]) -> str:
    """Say how much an incomplete run lacks, and what else a picture may lack; nothing of a complete one."""
    lacks = [str(summary["lacks"])] if summary.get("lacks") else []
    if not summary["complete"]:
        lacks.insert(0, f"INCOMPLETE: {processed_text(summary['events'])}")
    return ", ".join(lacks)


def banner(axes: Axes, text: str) -> None:
    """Write a warning in a plot, and make room for it above what is drawn; needs the final limits."""
    artist = axes.text(
        0.5,
        0.97,
        text,
        transform=axes.transAxes,
        ha="center",
        va="top",
        color="white",
        weight="bold",
        linespacing=1.3,
        parse_math=False,
        bbox={"facecolor": RED, "edgecolor": "none", "pad": _PAD},
    )
    figure = artist.get_figure(root=True)
    inch = figure.dpi if figure else 1.0
    wrap(artist, 0.92 * axes.bbox.width / inch)
    taken = 0.05 + (artist.get_window_extent().height + 2 * _PAD * inch / _POINTS) / axes.bbox.height
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + (high - low) / (1 - taken))


class Canvas:
    """A figure whose parts are placed in inches, from the lower left.

    A layout engine would move axes about to make room for texts, and draws everything several times to do so.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        self.figure.set_layout_engine("none")
        FigureCanvasAgg(self.figure)  # texts are measured with it

    def axes(self, left: float, bottom: float, width: float, height: float, **options: Any) -> Axes:
        """Add axes."""
        place = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(place, **options)

    def text(self, x: float, y: float, text: str, **options: Any) -> Text:
        """Add a text."""
        return self.figure.text(x / self.width, y / self.height, text, **options)

    def mark(self, summary: Mapping[str, Any], left: float = 0.2) -> None:
        """Write at the top whose the figure is, and whether events are missing."""
        name = self.text(left, self.height - 0.12, "hepcol", weight="bold", va="top", fontsize=17)
        _say(name, summary)
        self.text(self.width - 0.2, self.height - 0.14, missing(summary), color=RED, ha="right", va="top", fontsize=14)


class Entry(NamedTuple):
    """A line of a legend: what is drawn in it, and what it says."""

    handle: Artist | tuple[Artist, ...]  # several are drawn over each other
    label: str


class Column:
    """Texts and legends beneath each other, none wider than the column: nothing overlaps.

    Parameters
    ----------
    canvas : Canvas
        The figure.
    left, top, width : float
        Where the column begins and how wide it is [inch].
    """

    def __init__(self, canvas: Canvas, left: float, top: float, width: float) -> None:
        self._canvas, self._left, self._width = canvas, left, width
        self.top = top

    def text(self, text: str, gap: float = 0.12, **options: Any) -> None:
        """Add a text, and a gap [inch] beneath it."""
        if not text:
            return
        artist = self._canvas.text(self._left, self.top, text, ha="left", va="top", linespacing=1.35, **options)
        wrap(artist, self._width)
        self._below(artist, gap)

    def legend(self, entries: Sequence[Entry], gap: float = 0.12, **options: Any) -> None:
        """Add a legend, and a gap [inch] beneath it."""
        if not entries:
            return
        handles: list[Any] = [entry.handle for entry in entries]
        legend = self._canvas.figure.legend(
            handles,
            [entry.label for entry in entries],
            loc="upper left",
            bbox_to_anchor=(self._left / self._canvas.width, self.top / self._canvas.height),
            borderaxespad=0,
            borderpad=0,
            handlelength=2,
            **options,
        )
        before = (legend.handlelength + legend.handletextpad) * legend.prop.get_size_in_points() / _POINTS
        for label in legend.get_texts():
            wrap(label, self._width - before)
        self._below(legend, gap)

    def _below(self, artist: Artist, gap: float) -> None:
        self.top -= artist.get_window_extent().height / self._canvas.figure.dpi + gap


def wrap(artist: Text, width: float) -> None:
    """Break the lines of a text that are wider than some inches; formulas stay whole."""
    figure = artist.get_figure(root=True)
    pixels = width * figure.dpi if figure else width

    def fits(line: str) -> bool:
        artist.set_text(line)
        return artist.get_window_extent().width <= pixels

    word = _FORMULAS if artist.get_parse_math() else _WORD
    lines = artist.get_text().split("\n")
    artist.set_text("\n".join(part for line in lines for part in _parts(line, word, fits)))


def _parts(line: str, word: re.Pattern[str], fits: Callable[[str], bool]) -> list[str]:
    """Break a line between words, and within those that do not fit."""
    if fits(line):
        return [line]
    parts: list[str] = []
    for found in word.findall(line):
        joined = f"{parts[-1]} {found}" if parts else found
        if fits(joined):
            parts[-1:] = [joined]
            continue
        rest = found
        while not fits(rest) and (word is _WORD or "$" not in rest):
            kept = next((n for n in range(len(rest) - 1, 1, -1) if fits(rest[:n])), 1)
            parts.append(rest[:kept])
            rest = rest[kept:]
        parts.append(rest)
    return parts


def label_axes(axes: Axes, x: str = "", y: str = "") -> None:
    """Label axes, with a power of ten instead of numbers that are too long; needs their final limits."""
    for axis, text, write in ((axes.xaxis, x, axes.set_xlabel), (axes.yaxis, y, axes.set_ylabel)):
        if text:
            scale = Scale.of(*axis.get_view_interval())
            axis.set_major_formatter(FuncFormatter(lambda value, _, scale=scale: scale.tick(value)))
            write(scale.label(text))


def per_bin(axis: Any) -> str:
    """Label what is counted in the bins of an axis of a histogram: by their width, if that is the same for all."""
    what = counted(axis)
    widths = axis.widths
    if not np.allclose(widths, widths[0]):
        return f"{what} / bin"
    unit = axis.label.partition("[")[2].rstrip("]") if "[" in axis.label else ""
    return f"{what} / {widths[0]:.3g} {unit}".rstrip()


class Scale(NamedTuple):
    """A power of ten that an axis has in its label instead of its numbers."""

    power: int

    @classmethod
    def of(cls, *limits: float) -> Self:
        """Choose it for an axis between some limits."""
        largest = max(abs(limit) for limit in limits)
        plain = largest == 0 or _SMALL <= largest < _LARGE
        return cls(0 if plain else 3 * math.floor(math.log10(largest) / 3))

    def tick(self, value: float) -> str:
        """Label a tick."""
        return f"{value / 10.0**self.power:z,.10g}"

    def label(self, text: str) -> str:
        """Label the axis: the power stands before the unit in brackets, or before all."""
        factor = f"$10^{{{self.power}}}$ " if self.power else ""
        return text.replace("[", f"[{factor}", 1) if "[" in text else factor + text


def shrink(texts: Sequence[Text], width: float) -> None:
    """Write texts smaller, all of them alike, if one is wider than some inches; shorten those that still are."""
    if not texts:
        return
    figure = texts[0].get_figure(root=True)
    pixels = width * (figure.dpi if figure else 1.0)
    widest = max(text.get_window_extent().width for text in texts)
    size = float(texts[0].get_fontsize()) * max(_SMALLEST, min(1.0, pixels / max(widest, 1.0)))
    for text in texts:
        text.set_fontsize(size)
        whole = text.get_text()
        kept = len(whole)
        while kept > 1 and text.get_window_extent().width > pixels:
            kept -= 1
            # names often differ at their ends
            text.set_text(f"{whole[: kept - kept // 2]}\N{HORIZONTAL ELLIPSIS}{whole[len(whole) - kept // 2 :]}")

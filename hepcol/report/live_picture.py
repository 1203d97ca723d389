"""The picture of a run that goes on: a spectrum, and how far the run is."""

import io
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from hepcol.report.choice import Spectrum
from hepcol.report.numbers import human, measured
from hepcol.report.style import DARK, LIGHT, NO_DATE, RED, Canvas, label_axes, per_bin, shrink, style
from hepcol.update import Update

PNG = "png"
_WIDTH, _HEIGHT = 8.0, 6.2  # inch
_LEFT, _BOTTOM, _RIGHT, _TOP = 1.1, 0.85, 0.2, 1.05  # margins
_BAR = 0.16  # height
_MARK = 1.2  # width
_SMALL = 13  # points
_HEAD_ROOM = 1.35  # for the title, above the highest bin
_LOOK = {"font.size": 15, "figure.constrained_layout.use": False}
_CHARACTERS = 24  # of a bar in a text
_MINUTE = 60


class Picture:
    """A figure for spectra of one axis, which is drawn again with other contents.

    Parameters
    ----------
    axis : hist axis
        The bins.
    """

    def __init__(self, axis: Any) -> None:
        self.axis = axis
        with style(_LOOK):
            canvas = Canvas(_WIDTH, _HEIGHT)
            width = _WIDTH - _LEFT - _RIGHT
            self._axes = canvas.axes(_LEFT, _BOTTOM, width, _HEIGHT - _BOTTOM - _TOP)
            self._axes.set_xlim(axis.edges[0], axis.edges[-1])
            self._stairs = self._axes.stairs(
                np.zeros(len(axis)), axis.edges, fill=True, facecolor=LIGHT, edgecolor=DARK, linewidth=1.5
            )
            self._errors = LineCollection([], colors=DARK, linewidths=1.2)
            self._axes.add_collection(self._errors, autolim=False)
            self._title = self._axes.text(0.97, 0.96, "", transform=self._axes.transAxes, ha="right", va="top")
            self._title.set_parse_math(False)
            bar = canvas.axes(_LEFT, _HEIGHT - _TOP + 0.2, width, _BAR, xlim=(0, 1), ylim=(0, 1))
            bar.set_axis_off()
            bar.add_patch(Rectangle((0, 0), 1, 1, color=LIGHT))
            self._done, self._failed = Rectangle((0, 0), 0, 1, color=DARK), Rectangle((0, 0), 0, 1, color=RED)
            for part in (self._done, self._failed):
                bar.add_patch(part)
            canvas.text(0.2, _HEIGHT - 0.2, "hepcol", weight="bold", va="top", fontsize=17)
            self._status = canvas.text(_WIDTH - _RIGHT, _HEIGHT - 0.22, "", ha="right", va="top")
        self.figure = canvas.figure

    def draw(self, spectrum: Spectrum, update: Update) -> None:
        """Put in a spectrum, and how far the run is."""
        errors = np.sqrt(spectrum.variances)
        low, high = spectrum.values - errors, spectrum.values + errors
        filled = errors > 0
        points = np.stack([self.axis.centers, self.axis.centers], axis=-1)[filled], np.stack([low, high], -1)[filled]
        self._stairs.set_data(spectrum.values)
        self._errors.set_segments(list(np.stack(points, axis=-1)))
        top, bottom = max(high.max(), 0.0) or 1.0, min(low.min(), 0.0)
        counted = np.array_equal(spectrum.values, spectrum.variances)
        what = "events" if counted else "weighted events"
        self._title.set_text(
            "\n".join(filter(None, (spectrum.title, f"{measured(spectrum.values.sum())} {what}", update.mark)))
        )
        total = max(update.events_total, 1)
        self._done.set_width(update.events_done / total)
        self._failed.set(x=update.events_done / total, width=update.events_failed / total)
        self._status.set(text=status(update), fontsize=_SMALL)
        self._status.set_color(RED if update.events_failed or _incomplete(update) else "black")
        with style(_LOOK):  # new ticks take it, and texts are measured with its fonts
            shrink([self._status], _WIDTH - _MARK - _RIGHT)
            self._axes.set_ylim(1.1 * bottom, bottom + _HEAD_ROOM * (top - bottom))
            label_axes(self._axes, self.axis.label or self.axis.name, per_bin(self.axis))

    def image(self, kind: str = PNG) -> bytes:
        """Return the figure in a format."""
        buffer = io.BytesIO()
        options: dict[str, Any] = {"metadata": NO_DATE} if kind == "pdf" else {}
        if kind == PNG:
            options = {"pil_kwargs": {"compress_level": 1}}  # in half the time, and twice the size
        with style(_LOOK):
            self.figure.savefig(buffer, format=kind, **options)
        return buffer.getvalue()


def status(update: Update) -> str:
    """Say in one line how far a run is."""
    seconds = round(update.elapsed_s)
    elapsed = f"{update.elapsed_s:.1f} s" if seconds < _MINUTE else f"{seconds // _MINUTE}:{seconds % _MINUTE:02} min"
    parts = [
        f"{human(update.events_done)}/{human(update.events_total)} events",
        f"{human(update.events_failed)} failed" if update.events_failed else "",
        f"{human(update.events_per_s)} events/s",
        f"{update.workers} worker{'s' if update.workers != 1 else ''}",
        f"{update.chunks_done}/{update.chunks_total} chunks",
        elapsed,
    ]
    return ("INCOMPLETE: " if _incomplete(update) else "") + ", ".join(part for part in parts if part)


def bar(update: Update) -> str:
    """Draw how far a run is with characters."""
    done = _CHARACTERS * update.events_done // max(update.events_total, 1)
    return "\N{FULL BLOCK}" * done + "\N{LIGHT SHADE}" * (_CHARACTERS - done)


def _incomplete(update: Update) -> bool:
    return update.finished and update.events_done < update.events_total

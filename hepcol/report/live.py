"""A histogram that grows while a run goes on: in a notebook in place, elsewhere in a file."""

import base64
import os
import sys
from pathlib import Path
from typing import Any

import hist
import numpy as np
from matplotlib.figure import Figure

from hepcol.errors import InputError
from hepcol.report.choice import Choice, Spectrum
from hepcol.report.live_picture import PNG, Picture, bar, status
from hepcol.update import Update

_NOTHING = Update(None, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, "", False)


class Live:
    """Draws a histogram at every update of a run: ``hepcol.run(..., on_update=Live("m_ee"))``.

    In a Jupyter kernel the picture is in the output of the cell, and changes there. Elsewhere nothing is shown; with a
    path, the picture is written there at every update. Without one, it is drawn when it is asked for.

    Parameters
    ----------
    histogram : str
        Name of the histogram, such as ``m_ee``, or ``zee/m_ee`` where a name occurs several times.
    variation : str, optional
        Name of the variation; by default ``nominal``, or the first if there is none.
    dataset : str, optional
        Name of the dataset; by default the sum over all.
    path : str or Path, optional
        File for the picture.

    Raises
    ------
    InputError
        If the path has an ending that is no format; at the last update, if there is no such histogram in it.
    """

    def __init__(
        self,
        histogram: str,
        variation: str | None = None,
        dataset: str | None = None,
        path: str | Path | None = None,
    ) -> None:
        self._choice = Choice(histogram, variation, dataset)
        self._path = None if path is None else Path(path)
        self._last = _NOTHING
        self._picture: Picture | None = None
        self._display: Any = None
        self._in_kernel = _in_kernel()
        formats = Figure().canvas.get_supported_filetypes()
        if self._path is not None and _format(self._path) not in formats:
            raise InputError(f"path must end in one of {', '.join(sorted(formats))}, got '{self._path}'")
        if self._draws:  # the first time fonts are looked for, which is none of the run's business
            axis = hist.axis.Regular(10, 0, 1, label="$m_{x}$ [GeV]")
            self._drawn(Spectrum(axis, np.arange(10.0), np.arange(10.0), "first"), _NOTHING).image()

    def __call__(self, update: Update) -> None:
        """Draw an update."""
        self._last = update
        if not self._draws:
            return
        problem, picture = None, None
        if update.result is not None:
            try:
                picture = self._drawn(self._choice.of(update.result), update)
            except InputError as error:  # it may come with other chunks
                problem = error
        image = picture.image() if picture else None
        if self._in_kernel:
            self._show(image, update, problem)
        if self._path is not None and picture and image:
            kind = _format(self._path)
            _write(self._path, image if kind == PNG else picture.image(kind))
        if problem and update.finished:
            raise problem

    @property
    def figure(self) -> Figure:
        """The picture of the last update.

        Raises
        ------
        InputError
            If there is no such histogram in it.
        """
        return self._drawn(self._choice.of(self._last.result), self._last).figure

    def _repr_png_(self) -> bytes | None:
        """Return the picture of the last update, for a notebook; None if there is nothing to draw."""
        try:
            return self._drawn(self._choice.of(self._last.result), self._last).image()
        except InputError:
            return None

    @property
    def _draws(self) -> bool:
        """Whether updates are drawn as they come."""
        return self._in_kernel or self._path is not None

    def _drawn(self, spectrum: Spectrum, update: Update) -> Picture:
        """Draw a spectrum, in the figure that is there if it has the same axis."""
        if self._picture is None or self._picture.axis != spectrum.axis:
            self._picture = Picture(spectrum.axis)
        self._picture.draw(spectrum, update)
        return self._picture

    def _show(self, image: bytes | None, update: Update, problem: InputError | None) -> None:
        """Show an update in the output of the cell, in the place of the one before."""
        from IPython.display import display

        text = f"{bar(update)} {status(update)}" + (f"\n{problem}" if problem else "")
        content = {"text/plain": text} | ({"image/png": base64.b64encode(image).decode()} if image else {})
        if self._display is None:
            self._display = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._display.update(content, raw=True)
        if update.finished:  # another run is shown elsewhere
            self._display = None


def _in_kernel() -> bool:
    """Whether this process is a Jupyter kernel, which has IPython loaded."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _format(path: Path) -> str:
    return path.suffix[1:].lower()


def _write(path: Path, content: bytes) -> None:
    """Write a file that others may be looking at: it is whole at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)

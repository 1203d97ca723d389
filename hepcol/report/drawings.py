"""What a processor draws of its result by itself, beside the plots of the histograms."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hepcol import store
from hepcol.options import rebuild_processor
from hepcol.report.record import RunRecord, read_run


@runtime_checkable
class Drawing(Protocol):
    """A processor that makes pictures, or tables in Markdown, of what a run has written."""

    def draw(self, run: RunRecord, folder: Path) -> Iterable[Path]:
        """Draw a run, complete or not, into a folder that is empty; return the files."""


def draw_folder(folder: str | Path, processor: Any = None) -> list[Path]:
    """Let the processor of a run draw into the subfolder ``drawings``, which goes when the results are replaced.

    Parameters
    ----------
    folder : str or Path
        Output folder of a run.
    processor : Any, optional
        The processor; made again from the provenance unless given.

    Returns
    -------
    list of Path
        The files that were written; none by a processor without a method ``draw``.

    Raises
    ------
    InputError
        If there is no run, or its processor cannot be made again.
    """
    if not store.read_summary(folder).get("draws"):
        return []
    if processor is None:
        told = store.read_provenance(folder)
        processor = rebuild_processor(told["processor"], told["options"])
    if not isinstance(processor, Drawing):
        return []
    place = Path(folder) / store.DRAWINGS
    with store.adding(Path(folder), store.DRAWINGS, (store.DRAWINGS,)):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            drawn = sorted(processor.draw(read_run(folder), place))
            if not drawn:
                place.rmdir()
            return drawn
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)  # half of the pictures would pass for all
            raise

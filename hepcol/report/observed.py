"""Plots of the histograms of a run on a page, with what their systematics do."""

from collections.abc import Iterator

import hist

from hepcol import store
from hepcol.histograms import observables
from hepcol.report.bands import has_systematics, largest
from hepcol.report.blocks import Block, Fold, Picture, Pictures, Table
from hepcol.report.markup import TextTable
from hepcol.report.pictures import draw_picture, read_picture
from hepcol.report.plots import draw
from hepcol.report.record import RunRecord

MAX_OPEN = 40  # plots; of more, datasets are opened one by one
MAX_EFFECTS = 10


def show_histograms(run: RunRecord) -> Iterator[Block]:
    """Show the plots of each dataset: those of the folder, and drawn where it has none."""
    shown: dict[str, list[Picture]] = {}
    effects: dict[str, list[Table]] = {}
    for name, histogram in run.histograms.items():
        picture = _picture(run, name, histogram)
        if picture is None:
            continue
        shown.setdefault(name[0], []).append(picture)
        if has_systematics(histogram) and (table := effects_table(name, histogram)).rows:
            effects.setdefault(name[0], []).append(Table(table))
    is_open = sum(map(len, shown.values())) <= MAX_OPEN
    for dataset, pictures in shown.items():
        blocks: list[Block] = [Pictures(pictures)]
        if dataset in effects:
            blocks.append(Fold("variations that change most", effects[dataset]))
        if len(shown) == 1:
            yield from blocks
        else:
            yield Fold(dataset, blocks, is_open)


def _picture(run: RunRecord, name: tuple[str, ...], histogram: hist.Hist) -> Picture | None:
    """Read the plot of a histogram, or draw it."""
    title = "/".join(name)
    (path,) = (path for path in store.plot_paths(run.folder, name) if path.suffix == ".png")
    found = read_picture(path, title)
    if found is not None:
        return found
    figure = draw(histogram, name, run.summary)
    return None if figure is None else draw_picture(figure, title)


def effects_table(name: tuple[str, ...], histogram: hist.Hist) -> TextTable:
    """Tabulate the variations that change a histogram most; nothing of one with several observables."""
    found = largest(histogram, MAX_EFFECTS) if len(observables(histogram)) == 1 else []
    return TextTable(
        f"{'/'.join(name)}: largest variations",
        ("variation", "all events [%]", "moved [%]", "largest change of a bin [%]"),
        [
            (effect.name, *(f"{100 * part:{sign}z.2f}" for part, sign in zip(effect[1:], ("+", "", ""), strict=True)))
            for effect in found
        ],
    )

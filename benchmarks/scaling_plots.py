"""The model of a run beside what was measured, and what it says of many workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hepcol.planning.costs import Costs, Machine, Work
from hepcol.planning.model import predict, recommend

_COLORS = {1: "tab:blue", 2: "tab:orange"}
_FILES, _ENTRIES = 1000, 1_000_000  # of the run that many workers are to do
_WORKERS = np.unique(np.geomspace(1, 2000, 60).astype(int))
_SIZES = (1_000, 10_000, 100_000)
_MOST = 100_000  # events of a chunk


class Points(NamedTuple):
    """What is drawn.

    Parameters
    ----------
    times : dict of int to dict of int to list of float
        Times of runs by workers and chunk size [s].
    predicted : function of workers and chunk size
        What the model says [s].
    fitted : set of int
        Chunk sizes on one worker that it was fitted to.
    costs : Costs
        Its parameters.
    """

    times: dict[int, dict[int, list[float]]]
    predicted: Callable[[int, int], float]
    fitted: set[int]
    costs: Costs


def draw(path: Path, points: Points) -> None:
    """Draw both."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _measured(left, points)
    _many(right, points.costs)
    figure.savefig(path, dpi=150)


def _measured(axes: Any, points: Points) -> None:
    """Draw time against chunk size on one and two workers."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    sizes = sorted({size for times in points.times.values() for size in times})
    fine = np.unique(np.geomspace(sizes[0] / 1.3, sizes[-1] * 1.3, 200).astype(int))
    for workers, times in points.times.items():
        color, name = _COLORS[workers], f"{workers} worker{'s' if workers > 1 else ''}"
        axes.plot(fine, [points.predicted(workers, size) for size in fine], color=color, lw=1, label=f"model, {name}")
        for fitted in (True, False):
            chosen = [size for size in sorted(times) if (workers == 1 and size in points.fitted) == fitted]
            if not chosen:
                continue
            middle = np.array([np.median(times[size]) for size in chosen])
            ends = np.array([(min(times[size]), max(times[size])) for size in chosen]).T
            axes.errorbar(
                chosen,
                middle,
                np.abs(ends - middle),
                marker="o",
                mfc=color if fitted else "white",
                color=color,
                ls="none",
                capsize=2,
                label=f"{name}, {'fitted' if fitted else 'not seen by the model'}",
            )
    axes.set(xscale="log", xlabel="events in a chunk", ylabel="time of the run [s]", xlim=(fine[0], fine[-1]))
    axes.set_ylim(bottom=0)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45, ha="right")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.legend(frameon=False, fontsize="small")
    axes.grid(alpha=0.3)


def _many(axes: Any, costs: Costs) -> None:
    """Draw what the model says of a large run on a cluster."""
    from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter

    work = Work.whole((_ENTRIES,) * _FILES)
    for size, line in zip(_SIZES, (":", "-.", "--"), strict=True):
        times = [predict(costs, work, Machine(int(workers)), size).wall_s / 60 for workers in _WORKERS]
        axes.plot(_WORKERS, times, ls=line, color="0.45", label=f"chunks of {size:,}")
    best = [recommend(costs, work, Machine(int(workers)), None, _MOST).wall_s / 60 for workers in _WORKERS]
    axes.plot(_WORKERS, best, color="tab:green", lw=5, alpha=0.4, zorder=1, label="as recommended")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="workers of a cluster",
        ylabel=f"time, {_FILES:,} files of {_ENTRIES:,} events [min]",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1,)))
        axis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(10, 10)))
        axis.set_minor_formatter(NullFormatter())
    axes.set_title("model only", fontsize="medium", loc="right")
    axes.legend(frameon=False, fontsize="small")
    axes.grid(alpha=0.3)

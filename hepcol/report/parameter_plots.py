"""Plots of the parameters of a fit of yields: their pulls, and what they do to the signal strength."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from hepcol.inference.histfactory_folder import YieldFits
from hepcol.inference.record import Status
from hepcol.inference.yield_record import YieldFit
from hepcol.report.numbers import measured, probability
from hepcol.report.style import DARK, MEDIUM, RED, STEPS, Canvas, Column, Entry, label_axes, shrink

_MOST_PULLS, _MOST_RANKED = 60, 20
_ROW = 0.24  # inch
_NO_IMPACT = {Status.AT_BOUND: "at bound", Status.NOT_CONVERGED: "failed"}


def plot_pulls(fits: YieldFits, fit: YieldFit, title: str) -> Figure:
    """Draw where a fit moved the parameters that were known before, and how well it knows them."""
    chosen = {name: found for name, found in fit.parameters.items() if found.is_constrained}
    names = sorted(chosen, key=lambda name: -abs(chosen[name].pull))[:_MOST_PULLS]
    canvas, axes = _rows(fits, names, 4.2)
    rows = np.arange(len(names))
    axes.axvspan(-2, 2, color="#e4e4e4", zorder=0)
    axes.axvspan(-1, 1, color="#c4c4c4", zorder=0)
    axes.axvline(0, color=DARK, linewidth=1.2, zorder=1)
    pulls = [chosen[name].pull for name in names]
    errors = [chosen[name].constraint for name in names]
    axes.errorbar(pulls, rows, xerr=errors, fmt="o", color="black", markersize=4, elinewidth=1.3)
    reach = max([2.5, *(1.08 * (abs(p) + e) for p, e in zip(pulls, errors, strict=True))])
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("(value $-$ start) / uncertainty before")
    _warn_above(canvas, fit)
    column = Column(canvas, canvas.width - 2.9, canvas.height - 0.55, 2.75)
    column.text(title, gap=0.2, weight="bold", fontsize=14, parse_math=False)
    column.text(f"{len(names)} of {len(chosen)} parameters" if len(names) < len(chosen) else "", fontsize=12)
    free = [f"{name} = {measured(p.value, p.error)}" for name, p in fit.parameters.items() if not p.is_constrained]
    column.text("\n".join(free), fontsize=12, parse_math=False)
    if math.isfinite(fit.p_value):
        column.text(f"goodness of fit:\np {probability(fit.p_value)}", fontsize=12)
    column.text(f"status: {fit.status}", fontsize=12, color="black" if fit.usable else RED)
    column.text(fit.remark, fontsize=12, parse_math=False)
    _say_label(column, fits)
    return canvas.figure


def plot_ranking(fits: YieldFits, fit: YieldFit, title: str) -> Figure:
    """Draw what the parameters do to the signal strength, the largest first, beside their pulls."""
    names = list(fit.impacts)[:_MOST_RANKED]
    canvas, axes = _rows(fits, names, 3.9)
    rows = np.arange(len(names))
    for side, color in (("down", MEDIUM), ("up", DARK)):
        sizes, before = (
            np.nan_to_num([getattr(fit.impacts[name], kind) for name in names]) for kind in (side, f"{side}_before")
        )
        axes.barh(rows, before, 0.8, fill=False, edgecolor=color, linewidth=1.2)
        axes.barh(rows, sizes, 0.55, color=color)
    for row, name in enumerate(names):
        if why := _NO_IMPACT.get(fit.impacts[name].status):
            axes.text(
                0.01, row, why, transform=axes.get_yaxis_transform(), color=RED, fontsize=9, va="center", ha="left"
            )
    axes.axvline(0, color="black", linewidth=1)
    reach = 1.1 * max([*(abs(edge) for edge in axes.dataLim.intervalx if math.isfinite(edge)), 1e-9])
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS, symmetric=True))
    label_axes(axes, x=r"change of $\mu_{\mathrm{SIG}}$")
    left, bottom = 3.35 + 3.9 + 0.3, 1.1
    pulls = canvas.axes(left, bottom, 1.9, _ROW * max(len(names), 4) + 0.2, sharey=axes)
    pulls.axvspan(-1, 1, color="#d9d9d9", zorder=0)
    for row, name in enumerate(names):
        found = fit.parameters[name]
        if found.is_constrained:
            pulls.errorbar(found.pull, row, xerr=found.constraint, fmt="o", color="black", markersize=4, elinewidth=1.3)
    pulls.tick_params(labelleft=False)
    known = [fit.parameters[name] for name in names if fit.parameters[name].is_constrained]
    widest = max([2.4, *(1.08 * (abs(found.pull) + found.constraint) for found in known)])
    pulls.set_xlim(-widest, widest)
    pulls.set_xlabel("pull")
    _warn_above(canvas, fit)
    column = Column(canvas, canvas.width - 2.9, canvas.height - 0.55, 2.75)
    column.text(title, gap=0.2, weight="bold", fontsize=14, parse_math=False)
    strength = fit.signal_strength
    if strength is not None:
        column.text(
            rf"$\mu_{{\mathrm{{SIG}}}}$ = {measured(strength.value, None if strength.at_bound else strength.error)}",
            fontsize=13,
        )
    column.legend(
        [
            Entry(Patch(color=DARK), "+1 error"),
            Entry(Patch(color=MEDIUM), "$-$1 error"),
            Entry(Patch(fill=False, edgecolor=DARK, linewidth=1.2), "before the fit"),
        ],
        fontsize=12,
    )
    if len(names) < len(fit.impacts):
        column.text(f"{len(names)} of {len(fit.impacts)} parameters", fontsize=12)
    _say_label(column, fits)
    return canvas.figure


def _rows(fits: YieldFits, names: Sequence[str], width: float) -> tuple[Canvas, Axes]:
    """Begin a plot with a row for each parameter, the first at the top."""
    height = _ROW * max(len(names), 4) + 0.2
    # a column beside 4 rows needs more height than they do
    canvas = Canvas(3.35 + 3.9 + 0.3 + 1.9 + 0.3 + 2.9, max(height + 1.9, 4.4))
    axes = canvas.axes(3.35, 1.1, width if width < 4 else 6.1, height)  # noqa: PLR2004
    axes.set_ylim(max(len(names), 4) - 0.4, -0.6)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(names)), names, fontsize=11, parse_math=False)
    shrink(axes.get_yticklabels(), 3.0)
    canvas.mark(fits.summary, 0.3)
    return canvas, axes


def _say_label(column: Column, fits: YieldFits) -> None:
    """Say that data were not observed."""
    if fits.yields.is_simulated:
        column.text(fits.yields.label, fontsize=12, weight="bold", parse_math=False)


def _warn_above(canvas: Canvas, fit: YieldFit) -> None:
    """Write above a plot with rows that its fit is not to be used."""
    if not fit.usable:
        canvas.text(
            1.5,
            canvas.height - 0.14,
            complaint(fit),
            color=RED,
            weight="bold",
            va="top",
            fontsize=12,
            parse_math=False,
        )


def complaint(fit: YieldFit) -> str:
    """Say that a fit is not to be used, and why."""
    return f"NOT USABLE: {fit.status}: {fit.message.removeprefix('at a bound: ')}".removesuffix(": ")

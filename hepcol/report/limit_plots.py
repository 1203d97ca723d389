"""Plots of the statistical model of yields: regions, pulls, ranking, CLs and limits."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatter, MaxNLocator, NullLocator
from scipy.special import gammaincinv

from hepcol import store
from hepcol.histogram_files import escape
from hepcol.inference.histfactory_folder import MODEL, SignalFit, YieldFits
from hepcol.inference.limits import LEVEL, SIGMAS, Limit
from hepcol.inference.yield_fit import YieldFit
from hepcol.report.numbers import measured, probability
from hepcol.report.style import (
    DARK,
    LIGHT,
    LOOK,
    MEDIUM,
    RED,
    STEPS,
    Canvas,
    Column,
    Entry,
    banner,
    label_axes,
    save,
    shrink,
    style,
)

_SHADES = ("#cfdff2", "#7a9ecb", "#3d5a98", "#e0c98a", "#b07f45", "#a3aaa5", "#6a6a6a", "#efe6d8")
_ONE_SIGMA = 0.158655  # of a Gaussian beyond one standard deviation, on one side
_MOST_PULLS, _MOST_RANKED = 60, 20
_ROW = 0.24  # inch
_BANDS = (
    (1, 5, LIGHT, r"$\pm 2\,\sigma$"),
    (2, 4, MEDIUM, r"$\pm 1\,\sigma$"),
)  # of curves: the observed one is 0, the median 3
_MEDIAN = 1 + SIGMAS.index(0)
_LETTERS = 70  # of the names of signals that stand beside each other
_LOWEST_CLS = 1e-3


@style(LOOK)
def plot_yield_fits(fits: YieldFits) -> list[Path]:
    """Draw the fits of yields.

    Parameters
    ----------
    fits : YieldFits
        The fits; the plots go to the folder's plots, where writing the fits has removed earlier ones.

    Returns
    -------
    list of Path
        The files that were written.
    """
    folder = store.model_plots(fits.folder, MODEL)
    drawn = {"yields": plot_regions(fits), "pulls_background": plot_pulls(fits, fits.background, "backgrounds alone")}
    for name, signal in fits.signals.items():
        drawn[f"pulls_{escape(name)}"] = plot_pulls(fits, signal.fit, name)
        if signal.fit.impacts:
            drawn[f"ranking_{escape(name)}"] = plot_ranking(fits, signal.fit, name)
        drawn[f"cls_{escape(name)}"] = plot_cls(fits, name)
    if len(fits.signals) > 1:
        drawn["limits"] = plot_limits(fits)
    return [
        path
        for name, figure in drawn.items()
        for path in save(figure, [folder / f"{name}.{extension}" for extension in store.PLOT_FORMATS])
    ]


def plot_regions(fits: YieldFits) -> Figure:
    """Draw the events of each region: data, the backgrounds before and after their fit, and a signal."""
    canvas = Canvas(max(9.5, 5.2 + 1.1 * len(fits.yields.regions)), 7)
    width = canvas.width - 5.0
    main, below = canvas.axes(1.2, 2.2, width, 4.3), canvas.axes(1.2, 0.7, width, 1.35)
    regions = fits.yields.regions
    x, shown = np.arange(len(regions)), fits.background.after or fits.background.before
    entries = _draw_backgrounds(main, fits, x)
    tops = [shown[region].total + shown[region].error for region in regions]
    if len(fits.signals) == 1:
        ((name, signal),) = fits.signals.items()
        heights = [signal.fit.before[region].samples[name] for region in regions]
        totals = [shown[region].total + height for region, height in zip(regions, heights, strict=True)]
        main.hlines(totals, x - 0.4, x + 0.4, color=RED, linestyle="--", linewidth=2)
        entries.append(Entry(Line2D([], [], color=RED, linestyle="--", linewidth=2), f"+ {name}"))
        tops += totals
    data = np.array([fits.yields.data[region] for region in regions], dtype=np.float64)
    # Garwood's central intervals (F. Garwood, Biometrika 28 (1936) 437), which few events need
    low, high = (
        np.where(data > 0, gammaincinv(np.maximum(data, 1e-9), _ONE_SIGMA), 0),
        gammaincinv(data + 1, 1 - _ONE_SIGMA),
    )
    points = main.errorbar(x, data, (data - low, high - data), fmt="o", color="black", markersize=6, zorder=5)
    main.set_ylim(0, 1.12 * max(*tops, *high))
    main.set_ylabel("events")
    _draw_region_pulls(below, fits, x, data)
    for axes in (main, below):
        axes.set_xlim(-0.6, len(regions) - 0.4)
        axes.xaxis.set_minor_locator(NullLocator())
    main.set_xticks(x, [""] * len(regions))
    below.set_xticks(x, regions, fontsize=12, parse_math=False)
    shrink(below.get_xticklabels(), 0.95 * width / (len(regions) + 0.2))
    _warn(main, fits.background)
    canvas.mark(fits.summary, 1.2)
    column = Column(canvas, canvas.width - 3.55, 6.4, 3.35)
    after = "after" if fits.background.after else "before"
    column.text(f"backgrounds {after} their fit to these data", fontsize=13)
    column.legend([Entry(points, "data"), *entries], fontsize=13)
    if math.isfinite(fits.background.p_value):
        column.text(f"goodness of fit: p {probability(fits.background.p_value)}", fontsize=13)
    return canvas.figure


def _draw_backgrounds(axes: Axes, fits: YieldFits, x: Any) -> list[Entry]:
    """Draw the backgrounds on top of each other, with their uncertainties; return the legend."""
    regions, shown = fits.yields.regions, fits.background.after or fits.background.before
    bottom, entries = np.zeros(len(x)), []
    for number, name in enumerate(fits.yields.backgrounds):
        heights = np.array([shown[region].samples[name] for region in regions])
        color = _SHADES[number % len(_SHADES)]
        axes.bar(x, heights, 0.8, bottom, color=color, edgecolor="white", linewidth=0.5)
        entries.append(Entry(Patch(facecolor=color), name))
        bottom += heights
    errors = np.array([shown[region].error for region in regions])
    axes.bar(x, 2 * errors, 0.8, bottom - errors, fill=False, hatch="////", edgecolor="#444444", linewidth=0)
    before = [fits.background.before[region].total for region in regions]
    axes.hlines(before, x - 0.4, x + 0.4, color="black", linestyle=":", linewidth=2)
    return [
        *entries[::-1],
        Entry(Patch(fill=False, hatch="////", edgecolor="#444444", linewidth=0), "uncertainty"),
        Entry(Line2D([], [], color="black", linestyle=":", linewidth=2), "before the fit"),
    ]


def _draw_region_pulls(axes: Axes, fits: YieldFits, x: Any, data: Any) -> None:
    """Draw how far data are from what was expected before the fit, in standard errors of both."""
    before = [fits.background.before[region] for region in fits.yields.regions]
    pulls = [(n - p.total) / math.sqrt(p.total + p.error**2) for n, p in zip(data, before, strict=True)]
    reach = max(3.0, 1.15 * max(map(abs, pulls)))
    axes.axhspan(-2, 2, color="#e4e4e4", zorder=0)
    axes.axhspan(-1, 1, color="#c4c4c4", zorder=0)
    axes.axhline(0, color=DARK, linewidth=1.5, zorder=1)
    axes.plot(x, pulls, "o", color="black", markersize=6)
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=STEPS, symmetric=True))
    axes.set_ylabel("(data $-$ before)\n/ error")
    axes.yaxis.label.set(fontsize=12, linespacing=1.2, multialignment="center", ha="center", y=0.5)


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
    pulls.set_xlim(-2.4, 2.4)
    pulls.set_xlabel("pull")
    _warn_above(canvas, fit)
    column = Column(canvas, canvas.width - 2.9, canvas.height - 0.55, 2.75)
    column.text(title, gap=0.2, weight="bold", fontsize=14, parse_math=False)
    strength = fit.signal_strength
    if strength is not None:
        column.text(rf"$\mu_{{\mathrm{{SIG}}}}$ = {measured(strength.value, strength.error)}", fontsize=13)
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
    return canvas.figure


def plot_cls(fits: YieldFits, name: str) -> Figure:
    """Draw CLs of a signal as its strength grows, with the expected bands, and those of toys as points."""
    signal = fits.signals[name]
    canvas = Canvas(10.6, 6.6)
    axes = canvas.axes(1.25, 1.0, 5.9, 5.1)
    entries = _draw_scan(axes, signal.limit)
    if signal.toys is not None and signal.toys.scan:
        strengths = list(signal.toys.scan)
        for curve, face, label in ((0, "black", "observed, toys"), (_MEDIAN, "white", "expected, toys")):
            values = [cls[curve] for cls in signal.toys.scan.values()]
            (points,) = axes.plot(strengths, values, "s", color="black", markerfacecolor=face, markersize=6, zorder=5)
            entries.append(Entry(points, label))
    line = axes.axhline(LEVEL, color=RED, linewidth=1.5, linestyle=":")
    entries.append(Entry(line, rf"CL$_{{s}}$ = {LEVEL}"))
    axes.set_yscale("log")
    axes.set_ylim(_LOWEST_CLS, 1.2)
    axes.set_xlim(0, _reach(signal))
    axes.set_xlabel(r"signal strength $\mu_{\mathrm{SIG}}$")
    axes.set_ylabel(r"CL$_{s}$")
    if not signal.limit.usable:
        _write_banner(axes, f"NOT USABLE: {signal.limit.status}: {signal.limit.message}")
    canvas.mark(fits.summary, 1.25)
    column = Column(canvas, 7.45, 6.05, 3.0)
    column.text(name, gap=0.2, weight="bold", fontsize=14, parse_math=False)
    column.legend(entries, gap=0.25, fontsize=13)
    column.text(_limit_text(signal), fontsize=13)
    return canvas.figure


def plot_limits(fits: YieldFits) -> Figure:
    """Draw the limits of all signals, observed and expected."""
    names = list(fits.signals)
    canvas = Canvas(float(np.clip(5.5 + 0.5 * len(names), 9.5, 20)), 7)
    width = canvas.width - 4.3
    axes = canvas.axes(1.2, 1.9, width, 4.6)
    limits = [signal.limit for signal in fits.signals.values()]
    curves = np.array([[math.nan if v is None else v for v in (limit.observed, *limit.expected)] for limit in limits])
    x, entries = np.arange(len(names)), []
    for low, high, color, label in _BANDS:
        axes.bar(x, curves[:, high] - curves[:, low], 0.9, curves[:, low], color=color)
        entries.append(Entry(Patch(color=color), f"expected {label}"))
    axes.hlines(curves[:, _MEDIAN], x - 0.45, x + 0.45, color="black", linestyle="--", linewidth=1.6)
    (points,) = axes.plot(x, curves[:, 0], "o", color="black", markersize=6)
    line = axes.axhline(1, color=RED, linewidth=1.5)
    axes.set_yscale("log")
    known = curves[np.isfinite(curves) & (curves > 0)]
    axes.set_ylim(0.8 * min([1, *known]), 1.25 * max([1, *known]))
    for labels in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        labels(LogFormatter(minor_thresholds=(1.5, 0.5)))
    axes.set_xlim(-0.7, len(names) - 0.3)
    axes.xaxis.set_minor_locator(NullLocator())
    turned: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    if sum(map(len, names)) < _LETTERS:
        turned = {}
    axes.set_xticks(x, names, fontsize=12, parse_math=False, **turned)
    axes.set_ylabel(r"limit on $\mu_{\mathrm{SIG}}$, 95 % CL$_{s}$")
    lost = [number for number, limit in enumerate(limits) if not limit.usable]
    for number in lost:
        axes.text(
            number,
            0.02,
            "not usable",
            transform=axes.get_xaxis_transform(),
            rotation=90,
            color=RED,
            ha="center",
            fontsize=11,
        )
    canvas.mark(fits.summary, 1.2)
    column = Column(canvas, canvas.width - 2.9, 6.4, 2.75)
    dashed = Line2D([], [], color="black", linestyle="--", linewidth=1.6)
    column.legend(
        [Entry(points, "observed"), Entry(dashed, "expected"), *entries[::-1], Entry(line, "the signal as predicted")],
        fontsize=13,
    )
    excluded = int(np.sum(curves[:, 0] < 1))
    column.text(f"{excluded} of {len(names)} signals are excluded", fontsize=13)
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


def _draw_scan(axes: Axes, limit: Limit) -> list[Entry]:
    """Draw the curves of CLs, and return their legend."""
    strengths, cls = np.array(list(limit.scan)), np.array(list(limit.scan.values()))
    if len(strengths) < 2:  # noqa: PLR2004  (no curve)
        return []
    cls = np.maximum(cls, _LOWEST_CLS / 10)
    entries = []
    for low, high, color, label in _BANDS:
        band = axes.fill_between(strengths, cls[:, low], cls[:, high], color=color, linewidth=0)
        entries.append(Entry(band, f"expected {label}"))
    (median,) = axes.plot(strengths, cls[:, _MEDIAN], "--", color="black", linewidth=1.6)
    (observed,) = axes.plot(strengths, cls[:, 0], "-", color="black", linewidth=1.6)
    return [Entry(observed, "observed"), Entry(median, "expected"), *entries[::-1]]


def _reach(signal: SignalFit) -> float:
    """Choose how far to show CLs: somewhat beyond the limits."""
    found = [
        v for part in (signal.limit, signal.toys) if part for v in (part.observed, *part.expected) if v is not None
    ]
    return 1.15 * max(found) if found else max([1e-9, *signal.limit.scan])


def _limit_text(signal: SignalFit) -> str:
    """Say the limits, the p-value and how they were found."""
    lines = []
    for limit in (signal.limit, signal.toys):
        if limit is None:
            continue
        errors: Mapping[str, float] = dict(zip(("observed", *map(str, SIGMAS)), limit.errors, strict=False))
        lines += [
            f"{limit.method}:",
            f"observed {measured(limit.observed, errors.get('observed'))}",
            f"expected {measured(limit.expected[SIGMAS.index(0)], errors.get('0'))}",
        ]
        if limit.toys:
            lines.append(f"{limit.toys:,} toys a point, seed {limit.seed}")
    if signal.discovery.observed is not None:
        lines.append(
            f"$p_0$ {probability(signal.discovery.observed)}, {signal.discovery.significance:.1f} standard deviations"
        )
    return "\n".join(lines)


def _warn(axes: Axes, fit: YieldFit) -> None:
    """Write in a plot that its fit is not to be used."""
    if not fit.usable:
        banner(axes, _complaint(fit))


def _warn_above(canvas: Canvas, fit: YieldFit) -> None:
    """Write above a plot with rows that its fit is not to be used."""
    if not fit.usable:
        canvas.text(
            1.5,
            canvas.height - 0.14,
            _complaint(fit),
            color=RED,
            weight="bold",
            va="top",
            fontsize=12,
            parse_math=False,
        )


def _write_banner(axes: Axes, text: str) -> None:
    """Write a warning across a plot with a logarithmic axis."""
    box = {"facecolor": RED, "edgecolor": "none", "pad": 6}
    axes.text(0.5, 0.9, text, transform=axes.transAxes, ha="center", color="white", weight="bold", fontsize=12,
              wrap=True, parse_math=False, bbox=box)  # fmt: skip


def _complaint(fit: YieldFit) -> str:
    return f"NOT USABLE: {fit.status}: {fit.message.removeprefix('at a bound: ')}".removesuffix(": ")

"""Plots of limits: CLs of a signal as its strength grows, and the limits of all signals."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter
from scipy.stats import beta

from hepcol.inference.histfactory_folder import SignalFit, YieldFits
from hepcol.inference.limit_record import LEVEL, SIGMAS, Limit
from hepcol.report.numbers import measured, probability
from hepcol.report.style import LIGHT, MEDIUM, RED, Canvas, Column, Entry

_ONE_SIGMA = 0.158655  # of a Gaussian beyond one standard deviation, on one side
_BANDS = (
    (1, 5, LIGHT, r"$\pm 2\,\sigma$"),
    (2, 4, MEDIUM, r"$\pm 1\,\sigma$"),
)  # of curves: the observed one is 0, the median 3
_MEDIAN = 1 + SIGMAS.index(0)
_LETTERS = 70  # of the names of signals that stand beside each other
_LOWEST_CLS = 1e-3
_TICKS = (1.0, 2.0, 5.0)  # of each power of ten


def plot_cls(fits: YieldFits, name: str) -> Figure:
    """Draw CLs of a signal as its strength grows, with the expected bands, and those of toys as points."""
    signal = fits.signals[name]
    canvas = Canvas(10.6, 6.6)
    axes = canvas.axes(1.25, 1.0, 5.9, 5.1)
    seen = _seen(fits)
    entries = _draw_scan(axes, signal.limit, seen)
    if signal.toys is not None:
        entries += _draw_toys(axes, signal.toys, seen)
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
    names = sorted(fits.signals, key=_natural)
    canvas = Canvas(float(np.clip(5.5 + 0.5 * len(names), 9.5, 20)), 7)
    width = canvas.width - 4.3
    axes = canvas.axes(1.2, 1.9, width, 4.6)
    limits = [fits.signals[name].limit for name in names]
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
    axes.yaxis.set_major_locator(LogLocator(subs=_TICKS))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
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
        [Entry(points, _seen(fits)), Entry(dashed, "expected"), *entries[::-1], Entry(line, "the signal as predicted")],
        fontsize=13,
    )
    excluded = sum(limit.usable and limit.observed is not None and limit.observed < 1 for limit in limits)
    column.text(f"{excluded} of {len(names)} signals are excluded", fontsize=13)
    return canvas.figure


def _draw_scan(axes: Axes, limit: Limit, seen: str) -> list[Entry]:
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
    return [Entry(observed, seen), Entry(median, "expected"), *entries[::-1]]


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


def _draw_toys(axes: Axes, toys: Limit, seen: str) -> list[Entry]:
    """Draw CLs of toys, with errors of the counts of those with signal; an arrow hangs from a limit on none."""
    if not toys.tails:
        return []
    strengths, counts = np.array(list(toys.tails)), np.array(list(toys.tails.values()), dtype=np.float64)
    medians = np.array([toys.scan[strength][_MEDIAN] for strength in strengths])
    half = np.full(len(strengths), toys.toys / 2)
    entries = []
    for signal, background, face, label in (
        (counts[:, 0], counts[:, 1], "black", f"{seen}, toys"),
        (np.rint(medians * half), half, "white", "expected, toys"),
    ):
        there = background > 0
        x, k, scale = strengths[there], signal[there], toys.toys / background[there]
        # C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404
        low, high = beta.ppf(_ONE_SIGMA, k, toys.toys - k + 1), beta.ppf(1 - _ONE_SIGMA, k + 1, toys.toys - k)
        low, high = np.nan_to_num(low, nan=0.0) * scale, np.nan_to_num(high, nan=1.0) * scale
        values, none = k / toys.toys * scale, k == 0
        some = ~none
        bars = axes.errorbar(
            x[some],
            values[some],
            np.maximum([values[some] - low[some], high[some] - values[some]], 0.0),
            fmt="s",
            color="black",
            markerfacecolor=face,
            markersize=6,
            zorder=5,
        )
        if none.any():
            axes.errorbar(x[none], high[none], 0.5 * high[none], fmt="none", uplims=True, color="black", zorder=5)
        entries.append(Entry(bars, label))
    return entries


def _seen(fits: YieldFits) -> str:
    """Name the limit of the data."""
    return fits.yields.label if fits.yields.is_simulated else "observed"


def _natural(name: str) -> list[tuple[str, float]]:
    """Order names with numbers in them by these."""
    return [(text, float(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _write_banner(axes: Axes, text: str) -> None:
    """Write a warning across a plot with a logarithmic axis."""
    box = {"facecolor": RED, "edgecolor": "none", "pad": 6}
    axes.text(0.5, 0.9, text, transform=axes.transAxes, ha="center", color="white", weight="bold", fontsize=12,
              wrap=True, parse_math=False, bbox=box)  # fmt: skip

"""The plot of one fit: events, curves and pulls."""

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import gammaincinv

from hepcol.inference.arrays import FloatArray
from hepcol.inference.folder import DatasetFit, FolderFit
from hepcol.inference.model import Model, Parameter
from hepcol.inference.record import Estimate, FitRecord
from hepcol.inference.spectrum import Spectrum
from hepcol.report.numbers import between, measured, probability, symbol, with_unit
from hepcol.report.style import (
    DARK,
    LOOK,
    MEDIUM,
    RED,
    STEPS,
    Canvas,
    Column,
    Entry,
    banner,
    label_axes,
    style,
)

_LINES = 12  # of parameters that there is room for
_ONE_SIGMA = 0.158655  # of a Gaussian beyond one standard deviation, on one side
_COMPONENTS = (("--", MEDIUM), (":", "#444444"), ("-.", MEDIUM), ((0, (5, 1, 1, 1, 1, 1)), "#444444"))


@style(LOOK)
def plot_fit(fits: FolderFit, part: DatasetFit, number: int) -> Figure:
    """Draw one fit: events and curves, their pulls, and what came out.

    Parameters
    ----------
    fits : FolderFit
        The fits of the run.
    part : DatasetFit
        Those of one dataset.
    number : int
        Position of the variation.

    Returns
    -------
    Figure
        To be saved within :func:`hepcol.report.style.style`.
    """
    spectrum, model, record = part.spectra[number], part.models[number], part.records[number]
    canvas = Canvas(11.2, 7.8)
    main = canvas.axes(1.25, 2.55, 6.0, 4.75)
    below = canvas.axes(1.25, 0.85, 6.0, 1.55, sharex=main)
    entries = _draw_spectrum(main, spectrum, curves_of(model, record, spectrum.edges, 10))
    _draw_pulls(below, spectrum, _expected(model, record, spectrum))
    main.tick_params(labelbottom=False)
    main.set_xlim(spectrum.range)
    label_axes(below, x=part.label)
    label_axes(main, y=events_label(part, number))
    if not record.usable:
        banner(main, complaint(record))
    canvas.mark(fits.summary, 1.25)
    column = Column(canvas, 7.55, 7.25, 3.4)
    column.text(part.dataset, gap=0.05, weight="bold", fontsize=14, parse_math=False)
    column.text(part.variations[number], fontsize=13, parse_math=False)
    column.text(model.title, gap=0.2, fontsize=13, color="#444444")
    column.legend(entries, gap=0.25, fontsize=13)
    for text, options in _statistics(part, number):
        column.text(text, **options)
    return canvas.figure


def complaint(record: FitRecord) -> str:
    """Say that a fit is not to be used, and why."""
    # the message of a fit at a bound begins with its status
    return f"NOT USABLE: {record.status}: {record.message.removeprefix('at a bound: ')}".removesuffix(": ")


class Curves(NamedTuple):
    """Expected events per bin at ``x``, in all and of each component."""

    x: FloatArray
    total: FloatArray
    parts: dict[str, FloatArray]


def curves_of(model: Model, record: FitRecord, edges: FloatArray, pieces: int) -> Curves | None:
    """Evaluate a fitted model in pieces of bins; None if there is nothing to draw."""
    values = record.values
    if not values or not np.isfinite(list(values.values())).all():
        return None
    widths = np.diff(edges)[:, None]
    fine = np.append((edges[:-1, None] + widths * np.arange(pieces) / pieces).ravel(), edges[-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = {label: expected * pieces for label, expected in model.parts(fine, values).items()}
    total = np.sum(list(parts.values()), axis=0)
    return Curves((fine[:-1] + fine[1:]) / 2, total, parts) if np.isfinite(total).all() else None


def _expected(model: Model, record: FitRecord, spectrum: Spectrum) -> FloatArray | None:
    """Evaluate a fitted model in the bins of its spectrum; None if there is nothing to evaluate."""
    curves = curves_of(model, record, spectrum.edges, 1)
    return None if curves is None else curves.total


def _draw_spectrum(axes: Axes, spectrum: Spectrum, curves: Curves | None) -> list[Entry]:
    """Draw events and curves from zero on, with some room above; return the legend."""
    x, y, low, high = points_of(spectrum)
    size = float(np.clip(280 / len(spectrum.contents), 1.5, 5))
    points = axes.errorbar(x, y, (y - low, high - y), fmt="o", color="black", markersize=size, elinewidth=1, zorder=4)
    entries = [Entry(points, "events" if spectrum.variances is None else "weighted events")]
    tops = list(high)
    if curves is not None:
        (line,) = axes.plot(curves.x, curves.total, color=DARK, linewidth=2.2, zorder=3)
        entries.append(Entry(line, "fit"))
        tops.append(curves.total.max())
        if len(curves.parts) > 1:
            for number, (label, part) in enumerate(curves.parts.items()):
                dashes, color = _COMPONENTS[number % len(_COMPONENTS)]
                (line,) = axes.plot(curves.x, part, color=color, linestyle=dashes, linewidth=2, zorder=3.5)
                entries.append(Entry(line, label))
    axes.set_ylim(min(0.0, 1.1 * min(low, default=0.0)), 1.1 * max(tops, default=0.0) or 1.0)
    return entries


def points_of(spectrum: Spectrum) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return centres and contents of bins that have any, and the ends of their error bars.

    For counts these are Garwood's central intervals (F. Garwood, Biometrika 28 (1936) 437), which few events need.
    """
    filled = spectrum.contents != 0
    x, y = ((spectrum.edges[:-1] + spectrum.edges[1:]) / 2)[filled], spectrum.contents[filled]
    if spectrum.variances is not None:
        errors = spectrum.errors[filled]
        return x, y, y - errors, y + errors
    return x, y, gammaincinv(y, _ONE_SIGMA), gammaincinv(y + 1, 1 - _ONE_SIGMA)


def _draw_pulls(axes: Axes, spectrum: Spectrum, expected: FloatArray | None) -> None:
    """Draw how far events are from the fit, in standard errors of what is expected, as in its chi2."""
    reach = 3.5
    axes.axhspan(-2, 2, color="#e4e4e4", zorder=0)
    axes.axhspan(-1, 1, color="#c4c4c4", zorder=0)
    axes.axhline(0, color=DARK, linewidth=1.5, zorder=1)
    if expected is None:
        axes.text(0.5, 0.8, "no fit", transform=axes.transAxes, ha="center", va="center", color=RED, weight="bold")
    else:
        pulls = _pulls(spectrum, expected)
        size = float(np.clip(280 / len(pulls), 1.5, 5))
        axes.plot((spectrum.edges[:-1] + spectrum.edges[1:]) / 2, pulls, "o", color="black", markersize=size)
        reach = max(reach, 1.15 * float(np.max(np.abs(pulls[np.isfinite(pulls)]), initial=0)))
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=STEPS, symmetric=True))
    label_axes(axes, y="(events $-$ fit)\n/ error")
    axes.yaxis.label.set(fontsize=12, linespacing=1.2, multialignment="center", ha="center", y=0.5)


def _pulls(spectrum: Spectrum, expected: FloatArray) -> FloatArray:
    """Return deviations from what is expected, in its standard errors; NaN where nothing is expected."""
    with np.errstate(invalid="ignore", divide="ignore"):
        pulls = (spectrum.contents - expected) / np.sqrt(expected * spectrum.weights)
    return np.asarray(np.where(np.isfinite(pulls), pulls, math.nan))


def _statistics(part: DatasetFit, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Say what came out, as texts with their looks: free parameters, quality, and what was not free."""
    model, record = part.models[number], part.records[number]
    shared = () if part.shared is None else part.shared.free
    free: list[str] = []
    fixed: list[str] = []
    common: list[str] = []
    for parameter in model.parameters:
        estimate = record.estimates.get(parameter.name)
        if estimate is None:
            continue
        if not estimate.fixed:
            free.append(_free(parameter, estimate, record.usable))
        else:
            told = f"{symbol(parameter.name)} = {with_unit(f'{estimate.value:.4g}', parameter.unit)}"
            (common if parameter.name in shared else fixed).append(told)
    quality = []
    if record.ndof:
        quality.append(rf"$\chi^2$/ndof = {record.chi2:,.1f} / {record.ndof}")
        quality.append(f"p-value {probability(record.p_value)}")
    quality.append(f"status: {record.status}")
    small = {"fontsize": 11.5, "color": "#444444"}
    size = 13 * min(1, _LINES / max(len(free), 1))
    return [
        ("\n".join(free), {"fontsize": size, "color": "black" if record.usable else "#444444"}),
        ("\n".join(quality), {"fontsize": 13}),
        (f"from the sum of all variations: {', '.join(common)}" if common else "", small),
        (f"fixed: {', '.join(fixed)}" if fixed else "", small),
    ]


def _free(parameter: Parameter, estimate: Estimate, usable: bool) -> str:
    """Write a free parameter; without its error, if that means nothing."""
    name, unit = symbol(parameter.name), parameter.unit
    if not usable:
        return f"{name} = {with_unit(measured(estimate.value), unit)}{' (at bound)' * estimate.at_bound}"
    lower, upper = estimate.lower, estimate.upper
    if lower is None or upper is None or not math.isfinite(lower + upper) or not lower < 0 < upper:
        return f"{name} = {with_unit(measured(estimate.value, estimate.error), unit)}"
    value, below, above = between(estimate.value, lower, upper)
    return f"{name} = {with_unit(f'${value}_{{{below}}}^{{{above}}}$', unit)}"


def events_label(part: DatasetFit, number: int) -> str:
    """Label an axis of events in each bin."""
    spectrum = part.spectra[number]
    what = "events" if spectrum.variances is None else "weighted events"
    widths = np.diff(spectrum.edges)
    if not np.allclose(widths, widths[0], rtol=1e-6, atol=0):
        return f"{what} / bin"
    unit = part.label.rpartition("[")[2].rstrip("]") if "[" in part.label else ""
    return f"{what} / {widths[0]:.3g} {unit}".rstrip()

"""Systematic bands as they are drawn; apart from their numbers, which tables need without matplotlib."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from hepcol.inference.arrays import FloatArray
from hepcol.report.bands import Band
from hepcol.report.style import DARK, MEDIUM

_LEAST, _MOST = 0.02, 1.0  # relative, of the axis of ratios
_ROOM = 1.35
_SURE = 0.25  # relative statistical error, above which a bin does not say how far that axis goes


def draw_band(axes: Axes, below: Axes, band: Band) -> None:
    """Draw contents with both errors, and beneath, relative to nominal, the errors alone."""
    up, down = band.envelope
    count = len(band.systematics)
    _draw_errors(axes, band, (band.nominal, band.error, up, down), f"{count} systematic{'s' if count != 1 else ''}")
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(band.nominal != 0, 1 / np.abs(band.nominal), np.nan)
    ones = np.where(band.nominal != 0, 1.0, np.nan)
    _draw_errors(below, band, (ones, band.error * scale, up * scale, down * scale), "")
    below.set_ylim(*_limits([np.maximum(up, -down) * scale, band.error * scale], band.error * scale))
    below.set_ylabel("relative", loc="center")


def _draw_errors(axes: Axes, band: Band, parts: Sequence[FloatArray], label: str) -> None:
    """Draw a line with a band around it and error bars on it."""
    value, error, up, down = parts
    if band.changes:
        axes.stairs(value + up, band.edges, baseline=value + down, fill=True, color=MEDIUM, alpha=0.6, label=label)
    axes.stairs(value, band.edges, color=DARK, linewidth=1.8, baseline=None, label="nominal" if label else None)
    centres = (band.edges[1:] + band.edges[:-1]) / 2
    axes.errorbar(
        centres,
        value,
        yerr=error,
        fmt="none",
        ecolor=DARK,
        elinewidth=1.2,
        label="statistical error" if label else None,
    )


def _limits(parts: Sequence[FloatArray], doubt: FloatArray) -> tuple[float, float]:
    """Choose limits of ratios that show the errors of all bins that are known well."""
    sure = np.isfinite(doubt) & (doubt < _SURE)
    reach = max((float(part[sure].max(initial=0.0)) for part in parts), default=0.0)
    reach = min(max(_ROOM * reach, _LEAST), _MOST)
    return 1 - reach, 1 + reach

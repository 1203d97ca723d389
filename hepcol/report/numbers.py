"""How numbers and parameters are written."""

import math
import re
from collections.abc import Mapping

_DIGITS = 2  # of an error: with one, the last digit may be off by half of it
_LARGEST, _SMALLEST = 1e9, 1e-3  # beyond them a power of ten is taken out
_GREEK = ("alpha", "beta", "gamma", "delta", "lambda", "mu", "sigma", "tau")
_PICOBARNS = 1000  # pb^-1 in a fb^-1
_MOST = 15  # decimals: a float has no more digits


def measured(value: float | None, error: float | None = None) -> str:
    """Write a value and its error, the error with two digits and the value to the same decimal.

    Parameters
    ----------
    value : float, optional
        The value.
    error : float, optional
        Its standard error; without one (None, 0, or not a number) the value has four digits.

    Returns
    -------
    str
        Such as ``2.856 ± 0.058``; ``-`` if the value is no number.
    """
    if value is None or not math.isfinite(value):
        return "-"
    if error is None or not math.isfinite(error) or error <= 0:
        return _plain(value)
    largest = max(abs(value), error)
    if not _SMALLEST <= largest < _LARGEST:
        power = math.floor(math.log10(largest))
        return f"({measured(value / 10.0**power, error / 10.0**power)})e{power}"
    decimals = _decimals(error)
    return f"{_rounded(value, decimals)} ± {_rounded(error, decimals)}"


def between(value: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Write a value and the two ends of its interval relative to it, the nearer one with two digits."""
    decimals = max(_decimals(abs(end)) for end in (lower, upper) if end)
    return _rounded(value, decimals), f"-{_rounded(abs(lower), decimals)}", f"+{_rounded(abs(upper), decimals)}"


def probability(value: float) -> str:
    """Write a probability with the relation in front, ``= 0.33`` or ``< 1e-6``; nothing if it is no number."""
    if not math.isfinite(value):
        return ""
    return f"= {value:#.2g}" if value >= 1e-6 else "< 1e-6"  # noqa: PLR2004


def number_of(count: int, noun: str) -> str:
    """Count things: one has no plural."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def human(number: float) -> str:
    """Write a number with at most three digits before a suffix k, M or G."""
    for suffix in ("", "k", "M"):
        if abs(number) < 999.5:  # noqa: PLR2004  (rounds to 1000)
            return f"{number:.3g}{suffix}"
        number /= 1000
    return f"{number:.3g}G"


def with_unit(text: str, unit: str) -> str:
    """Add a unit, if there is one."""
    return f"{text} {unit}".rstrip()


def plain(label: str) -> str:
    """Strip a label of the signs of mathematical type."""
    return label.translate(str.maketrans("", "", "${}\\"))


def symbol(name: str) -> str:
    """Write the name of a parameter as a formula does: a Greek letter, a letter with an index, or a word."""
    stem, _, index = name.partition("_")
    if not index and (numbered := re.fullmatch(r"([a-zA-Z])(\d+)", stem)):
        stem, index = numbered.groups()
    if stem not in _GREEK and len(stem) > 1:
        return name.replace("_", " ")
    letter = rf"\{stem}" if stem in _GREEK else rf"\mathit{{{stem}}}"
    subscript = rf"_{{\mathrm{{{index.replace('_', ',')}}}}}" if index else ""
    return f"${letter}{subscript}$"


def _plain(value: float) -> str:
    """Write a number without an error: whole ones as they are, others with four digits."""
    if value == 0 or not _SMALLEST <= abs(value) < _LARGEST:
        return f"{value:z.4g}"
    return _rounded(value, 0 if value == round(value) else max(0, _decimals(abs(value), 4)))


def _decimals(value: float, digits: int = _DIGITS) -> int:
    """Decimals at which a positive number has some digits, once it is rounded."""
    return min(digits - 1 - math.floor(math.log10(float(f"{value:.{digits - 1}e}"))), _MOST)


def _rounded(value: float, decimals: int) -> str:
    return f"{round(value, decimals):z,.{max(decimals, 0)}f}"


def nominal_text(told: Mapping[str, float]) -> str:
    """Write a nominal result with its statistical error, and that of all systematics: up and down apart."""
    return f"{measured(told['value'], told['error'])} (stat) +{told['up']:.2g} {told['down']:.2g} (syst)"


def luminosity_text(luminosity: float, power: str) -> str:
    """Write a luminosity [fb^-1] in fb^-1, or in pb^-1 if that is a better number."""
    number, unit = (luminosity, "fb") if luminosity >= 1 else (luminosity * _PICOBARNS, "pb")
    return f"{number:.4g} {unit}{power}"

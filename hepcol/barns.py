"""Cross-sections and luminosities as people write them: with a unit, as numbers alone are refused."""

import re

_POWERS = {"fb": -3, "pb": 0, "nb": 3, "ub": 6, "mb": 9, "b": 12}  # of ten, in pb
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_AMOUNT = re.compile(r"\s*(?P<number>\S+)\s+(?P<unit>\S+)\s*")
_INVERSE = re.compile(r"(?:(?:1/|/)(?P<below>[a-z]+)|(?P<above>[a-z]+)\^?-1)")


def cross_section(text: object) -> float:
    """Read a cross-section such as ``1.9 nb`` in pb.

    Raises
    ------
    ValueError
        If there is no number, or no unit of a cross-section.
    """
    number, unit = _split(text, "1901.1 pb")
    if unit not in _POWERS:
        raise ValueError(f"'{text}': unit must be one of {', '.join(_POWERS)}, got '{unit}'")
    return times_ten_to(number, _POWERS[unit])


def luminosity(text: object) -> float:
    """Read an integrated luminosity such as ``36.2 fb^-1`` in fb^-1.

    Raises
    ------
    ValueError
        If there is no number, or no unit of a luminosity.
    """
    number, unit = _split(text, "36.2 fb^-1")
    power = power_of_inverse(unit)
    if power is None:
        raise ValueError(f"'{text}': unit must be one of {', '.join(f'{one}^-1' for one in _POWERS)}, got '{unit}'")
    return times_ten_to(number, power + _POWERS["fb"])


def power_of_inverse(unit: str) -> int | None:
    """Power of ten that takes a unit of luminosity, ``/ub``, ``1/ub`` or ``ub^-1``, to pb^-1; None of another one."""
    found = _INVERSE.fullmatch(unit)
    name = (found["below"] or found["above"]) if found else ""
    return -_POWERS[name] if name in _POWERS else None


def _split(text: object, example: str) -> tuple[float, str]:
    """Split a text into a number and a unit."""
    found = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"'{text}': needs a number and its unit, such as {example}")
    number = plain_number(found["number"])
    if number is None:
        raise ValueError(f"'{text}': '{found['number']}' is no number; expected such as {example}")
    return number, found["unit"]


def plain_number(text: str) -> float | None:
    """Read a number such as ``1901.1`` or ``2e-3``; None of what Python alone takes for one, such as ``1_000``."""
    return float(text) if _NUMBER.fullmatch(text) else None


def times_ten_to(number: float, power: int) -> float:
    """Move the decimal point: dividing by 1000 is exact to the last digit, where times 0.001 is not."""
    return number * 10.0**power if power >= 0 else number / 10.0**-power

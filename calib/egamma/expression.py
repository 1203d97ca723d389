"""Expressions of one variable as trees, with the arithmetic that a C++ compiler gives their text."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from calib.egamma.kernels import programs
from hepcol.errors import InputError

_FOLDED: dict[int, Callable[[float, float], float]] = {
    programs.ADD: lambda left, right: left + right,
    programs.SUBTRACT: lambda left, right: left - right,
    programs.MULTIPLY: lambda left, right: left * right,
    programs.DIVIDE: lambda left, right: left / right,
    programs.DIVIDE_INTEGERS: lambda left, right: float(math.trunc(left / right)),
}
_INTEGER_IF_OPERANDS_ARE = {programs.ADD, programs.SUBTRACT, programs.MULTIPLY, programs.NEGATE, programs.ABS,
                            programs.MINIMUM, programs.MAXIMUM}  # fmt: skip
_ALWAYS_INTEGER = {programs.NOT, programs.LESS, programs.LESS_EQUAL, programs.GREATER, programs.GREATER_EQUAL,
                   programs.EQUAL, programs.NOT_EQUAL, programs.AND, programs.OR, programs.TRUNCATE,
                   programs.DIVIDE_INTEGERS}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """An instruction and the nodes that it is applied to.

    ``integer`` is its type in C++, where the quotient of two integers is an integer.
    """

    code: int
    operands: tuple[Node, ...] = ()
    value: float = 0.0
    integer: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is known before ``x`` is."""
        return self.code == programs.NUMBER


VARIABLE = Node(programs.VARIABLE)


def number(value: float, *, integer: bool = False) -> Node:
    """Make a constant."""
    return Node(programs.NUMBER, value=float(value), integer=integer)


def apply(code: int, *operands: Node) -> Node:
    """Apply a function or an operator, at once where everything is a number.

    ROOT 6 compiles a formula as C++, so ``1/2*x`` is 0 here too.

    Raises
    ------
    InputError
        If an integer is divided by the integer 0, which C++ leaves undefined.
    """
    integers = all(operand.integer for operand in operands)
    if code == programs.DIVIDE and integers:
        code = programs.DIVIDE_INTEGERS
    integer = code in _ALWAYS_INTEGER or (integers and code in _INTEGER_IF_OPERANDS_ARE)
    numbers = [operand.value for operand in operands if operand.is_number]
    if code == programs.DIVIDE_INTEGERS and operands[1] == number(0, integer=True):
        raise InputError("an integer is divided by 0")
    if len(numbers) == len(operands):
        if code == programs.NEGATE:
            return number(-numbers[0], integer=integer)
        if code in _FOLDED and not (code == programs.DIVIDE and numbers[1] == 0.0):
            return number(_FOLDED[code](*numbers), integer=integer)
    return Node(code, operands, integer=integer)


def select(condition: Node, then: Node, otherwise: Node) -> Node:
    """Choose by a condition; both choices are worked out."""
    return Node(programs.SELECT, (condition, then, otherwise), integer=then.integer and otherwise.integer)


def power(base: Node, exponent: Node) -> Node:
    """Raise to a power; a square is a product, as ROOT 6.40 writes it."""
    if exponent.is_number and exponent.value == 2.0:  # noqa: PLR2004  (a square)
        return apply(programs.SQUARE, base)
    return Node(programs.POWER, (base, exponent))

"""Programs: curves of one variable as flat instructions, run by a stack machine.

Instruction ``i`` is ``codes[i]`` with the operand ``values[i]``. The stack is a handful of local variables, topmost
first, as in a pocket calculator: an array of stack entries, even one given by the caller, took twice as long.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers, inlined, kernel

STACK_SIZE = 6

# What puts a value on the stack: a number, the variable, and what was stored last.
NUMBER, VARIABLE, RECALL, STORE, SELECT, GRAPH, SAVED, DATA = range(8)

# Functions of one argument.
UNARY = 10
(NEGATE, NOT, SQUARE, SQRT, EXP, LOG, LOG10, LOG2, ABS, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, TANH,
 ASINH, ACOSH, ATANH, ERF, ERFC, FLOOR, CEIL, TRUNCATE) = range(UNARY, 36)  # fmt: skip

# Functions of two arguments: both on the stack, the right one last; or, with one of the three offsets, the
# left one last, the right one a number, the left one a number.
BINARY = 40
(ADD, SUBTRACT, MULTIPLY, DIVIDE, DIVIDE_INTEGERS, POWER, ATAN2, MINIMUM, MAXIMUM,
 LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL, AND, OR) = range(BINARY, 57)  # fmt: skip
LEFT_LAST, NUMBER_RIGHT, NUMBER_LEFT = 20, 40, 60


@inlined
def _unary(code: int, a: float) -> float:  # noqa: PLR0911, PLR0912  (a branch per function)
    if code == NEGATE:
        return -a
    if code == NOT:
        return 1.0 if a == 0.0 else 0.0
    if code == SQUARE:
        return a * a
    if code == SQRT:
        return math.sqrt(a)
    if code == EXP:
        return math.exp(a)
    if code == LOG:
        return math.log(a)
    if code == LOG10:
        return math.log10(a)
    if code == LOG2:
        return np.log2(a)
    if code == ABS:
        return abs(a)
    if code == SIN:
        return math.sin(a)
    if code == COS:
        return math.cos(a)
    if code == TAN:
        return math.tan(a)
    if code == ASIN:
        return math.asin(a)
    if code == ACOS:
        return math.acos(a)
    if code == ATAN:
        return math.atan(a)
    if code == SINH:
        return math.sinh(a)
    if code == COSH:
        return math.cosh(a)
    if code == TANH:
        return math.tanh(a)
    if code == ASINH:
        return math.asinh(a)
    if code == ACOSH:
        return math.acosh(a)
    if code == ATANH:
        return math.atanh(a)
    if code == ERF:
        return math.erf(a)
    if code == ERFC:
        return math.erfc(a)
    if code == FLOOR:
        return np.floor(a)
    if code == CEIL:
        return np.ceil(a)
    return np.trunc(a)


@inlined
def _binary(code: int, left: float, right: float) -> float:  # noqa: PLR0911, PLR0912  (a branch per function)
    if code == ADD:
        return left + right
    if code == SUBTRACT:
        return left - right
    if code == MULTIPLY:
        return left * right
    if code == DIVIDE:
        return left / right
    if code == DIVIDE_INTEGERS:
        return np.trunc(left / right)
    if code == POWER:
        return math.pow(left, right)
    if code == ATAN2:
        return math.atan2(left, right)
    if code == MINIMUM:
        return min(left, right)
    if code == MAXIMUM:
        return max(left, right)
    if code == LESS:
        return 1.0 if left < right else 0.0
    if code == LESS_EQUAL:
        return 1.0 if left <= right else 0.0
    if code == GREATER:
        return 1.0 if left > right else 0.0
    if code == GREATER_EQUAL:
        return 1.0 if left >= right else 0.0
    if code == EQUAL:
        return 1.0 if left == right else 0.0
    if code == NOT_EQUAL:
        return 1.0 if left != right else 0.0
    if code == AND:
        return 1.0 if left != 0.0 and right != 0.0 else 0.0
    return 1.0 if left != 0.0 or right != 0.0 else 0.0


@inlined
def _graph(values: Floats, start: int, n_points: int, x: float) -> float:
    """ROOT's ``TGraph::Eval``: between the neighbours of ``x``, and along the first or last two points outside.

    The abscissas are ``values[start]`` and following, in increasing order, and the ordinates come after them.
    """
    low, high = start, start + n_points
    while low < high:
        middle = (low + high) // 2
        if values[middle] < x:
            low = middle + 1
        else:
            high = middle
    last = start + n_points - 1
    up = min(max(low, start + 1), last)
    low = min(low, last) if n_points == 1 or values[min(low, last)] == x else up - 1
    x_low, x_up, y_low, y_up = values[low], values[up], values[low + n_points], values[up + n_points]
    if x_low in (x, x_up):
        return y_low
    return y_up + (x - x_up) * (y_low - y_up) / (x_low - x_up)


@inlined
def _saved(values: Floats, start: int, size: int, x: float) -> float:
    """ROOT's ``TF1::GetSave``: linear between values at equal steps, 0 outside; the last two are the range."""
    low, high = values[start + size - 2], values[start + size - 1]
    width = (high - low) / (size - 3)
    inside = width > 0.0 and low <= x <= high
    below = int((x - low) / width) if inside else 0
    y_low, y_up = values[start + below], values[start + below + 1]
    x_low = low + below * width
    x_up = x_low + width
    return ((x_up * y_low - x_low * y_up) + x * (y_up - y_low)) / width if inside else 0.0


@kernel
def evaluate(codes: Integers, values: Floats, start: int, stop: int, x: float) -> float:  # noqa: PLR0912
    """Value at ``x`` of the program of instructions ``start`` up to ``stop``; 0 of an empty one."""
    a = b = c = d = e = f = stored = 0.0  # STACK_SIZE entries, a is the last one
    i = start
    while i < stop:
        code, value = codes[i], values[i]
        i += 1
        if code <= RECALL:
            f, e, d, c, b = e, d, c, b, a
            if code == NUMBER:
                a = value
            elif code == VARIABLE:
                a = x
            else:
                a = stored
        elif code < UNARY:
            if code == STORE:
                stored = a
            elif code == SELECT:
                a = b if c != 0.0 else a
                b, c, d = d, e, f
            elif code == GRAPH:
                a = _graph(values, i, int(value), x)
                i = stop
            elif code == SAVED:
                a = _saved(values, i, int(value), x)
                i = stop
        elif code < BINARY:
            a = _unary(code, a)
        elif code < BINARY + LEFT_LAST:
            a = _binary(code, b, a)
            b, c, d, e = c, d, e, f
        elif code < BINARY + NUMBER_RIGHT:
            a = _binary(code - LEFT_LAST, a, b)
            b, c, d, e = c, d, e, f
        elif code < BINARY + NUMBER_LEFT:
            a = _binary(code - NUMBER_RIGHT, a, value)
        else:
            a = _binary(code - NUMBER_LEFT, value, a)
    return a


@kernel
def evaluate_each(codes: Integers, values: Floats, start: int, stop: int, x: Floats) -> Floats:
    """Values of one program at many points."""
    result = np.empty(len(x))
    for k in range(len(x)):
        result[k] = evaluate(codes, values, start, stop, x[k])
    return result

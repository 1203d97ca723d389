"""Programs for :mod:`calib.egamma.kernels.programs`: made from expressions, joined for kernels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calib.egamma.expression import Node
from calib.egamma.kernels import programs
from hepcol.errors import InputError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Program:
    """Instructions ``codes`` and, for each, its operand in ``values``."""

    codes: Integers
    values: Floats

    def __call__(self, x: npt.ArrayLike) -> Floats:
        """Evaluate at every one of some points."""
        points = np.asarray(x, dtype=np.float64)
        flat = programs.evaluate_each(self.codes, self.values, 0, len(self.codes), points.ravel())
        return np.asarray(flat).reshape(points.shape)


def join(parts: Sequence[Program]) -> tuple[Program, Integers]:
    """Put programs one after the other: program ``k`` is instructions ``starts[k]`` up to ``starts[k + 1]``."""
    starts = np.cumsum([0, *(len(part.codes) for part in parts)], dtype=np.int64)
    codes = np.concatenate([np.empty(0, np.int64), *(part.codes for part in parts)])
    values = np.concatenate([np.empty(0, np.float64), *(part.values for part in parts)])
    return Program(codes, values), starts


def table(code: int, size: int, data: Floats) -> Program:
    """Program of one instruction that reads the numbers behind it."""
    codes = np.full(1 + len(data), programs.DATA, dtype=np.int64)
    codes[0] = code
    return Program(codes, np.concatenate([[float(size)], data]))


def assemble(expression: Node) -> Program:
    """Make the program of an expression.

    The repeated part of most instructions is worked out once: with ``log(x/40000.)`` three times in a
    formula of the calibration file, that takes a third off the time.

    Raises
    ------
    InputError
        If more intermediate results than the stack holds are needed at a time.
    """
    if (depth := _depth(expression)) > programs.STACK_SIZE:
        raise InputError(f"nested too deeply: {depth} intermediate results at a time, {programs.STACK_SIZE} can be")
    instructions = list(_instructions(expression, _repeated(expression), []))
    return Program(
        np.array([code for code, _ in instructions], dtype=np.int64),
        np.array([value for _, value in instructions], dtype=np.float64),
    )


def _depth(node: Node) -> int:
    """Entries of the stack that a node needs, the operand of greater depth being worked out first."""
    depths = [_depth(operand) for operand in node.operands if not _immediate(node, operand)]
    if node.code == programs.SELECT:
        return max(place + depth for place, depth in enumerate(depths))
    return max([1, *(place + depth for place, depth in enumerate(sorted(depths, reverse=True)))])


def _immediate(node: Node, operand: Node) -> bool:
    """Whether an operand is a number in the instruction itself."""
    return operand.is_number and node.code >= programs.BINARY


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for operand in node.operands:
        yield from _walk(operand)


def _repeated(expression: Node) -> Node | None:
    """Find the part whose repetitions are the most instructions."""
    repetitions = {
        node: (count - 1) * sum(1 for _ in _walk(node))
        for node, count in Counter(_walk(expression)).items()
        if count > 1 and node.operands
    }
    return max(repetitions, key=lambda node: repetitions[node], default=None)


def _instructions(node: Node, repeated: Node | None, stored: list[Node]) -> Iterator[tuple[int, float]]:
    """Instructions of a node in the order of their execution; ``stored`` holds the repeated part once it is."""
    if node in stored:
        yield programs.RECALL, 0.0
        return
    if node.code < programs.BINARY:
        for operand in node.operands:
            yield from _instructions(operand, repeated, stored)
        yield node.code, node.value
    else:
        left, right = node.operands
        if right.is_number and not left.is_number:
            yield from _instructions(left, repeated, stored)
            yield node.code + programs.NUMBER_RIGHT, right.value
        elif left.is_number:
            yield from _instructions(right, repeated, stored)
            yield node.code + programs.NUMBER_LEFT, left.value
        else:
            swapped = _depth(right) > _depth(left)
            for operand in (right, left) if swapped else (left, right):
                yield from _instructions(operand, repeated, stored)
            yield node.code + programs.LEFT_LAST * swapped, 0.0
    if node == repeated:
        stored.append(node)
        yield programs.STORE, 0.0

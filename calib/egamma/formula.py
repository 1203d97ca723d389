"""The text of a ROOT TFormula of one variable, compiled to a program for kernels."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from calib.egamma.expression import VARIABLE, Node, apply, number, power, select
from calib.egamma.kernels import programs
from calib.egamma.program import Program, assemble
from hepcol.errors import InputError

CONSTANTS = {
    "pi": math.pi,
    "e": math.e,
    "sqrt2": math.sqrt(2.0),
    "ln10": math.log(10.0),
    "loge": math.log10(math.e),
}
FUNCTIONS = {
    "exp": programs.EXP, "log": programs.LOG, "log10": programs.LOG10, "log2": programs.LOG2,
    "sqrt": programs.SQRT, "sq": programs.SQUARE, "abs": programs.ABS, "fabs": programs.ABS,
    "sin": programs.SIN, "cos": programs.COS, "tan": programs.TAN,
    "asin": programs.ASIN, "acos": programs.ACOS, "atan": programs.ATAN,
    "sinh": programs.SINH, "cosh": programs.COSH, "tanh": programs.TANH,
    "asinh": programs.ASINH, "acosh": programs.ACOSH, "atanh": programs.ATANH,
    "erf": programs.ERF, "erfc": programs.ERFC,
    "floor": programs.FLOOR, "ceil": programs.CEIL, "int": programs.TRUNCATE,
    "atan2": programs.ATAN2, "min": programs.MINIMUM, "max": programs.MAXIMUM, "pow": programs.POWER,
}  # fmt: skip
SHORTCUTS = "pol0 to pol9, expo, gaus"

# operators from the loosest to the tightest
_LEVELS = (
    {"||": programs.OR},
    {"&&": programs.AND},
    {"==": programs.EQUAL, "!=": programs.NOT_EQUAL},
    {"<": programs.LESS, "<=": programs.LESS_EQUAL, ">": programs.GREATER, ">=": programs.GREATER_EQUAL},
    {"+": programs.ADD, "-": programs.SUBTRACT},
    {"*": programs.MULTIPLY, "/": programs.DIVIDE},
)
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    | (?P<parameter>\[\w+\])
    | (?P<name>x\[0\]|[A-Za-z_]\w*(?:::\w+)*)
    | (?P<operator>\*\*|[<>=!]=|&&|\|\||[-+*/^()<>!?:,])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_SHORTCUT = re.compile(r"(?P<kind>pol(?P<degree>\d)|expo|gaus)")


def compile_formula(text: str, parameters: Sequence[float] = (), names: Sequence[str] = ()) -> Program:
    """Compile the text of a TFormula of one variable.

    The language is ROOT 6's, where a formula is C++ apart from ``^``: ``-x^2`` is ``-(x^2)``, ``2^3^2`` is
    ``2^9``, and ``1/2*x`` is 0, because the quotient of two integers is an integer. Results agree with
    ``TFormula::Eval`` to a few last bits.

    Parameters
    ----------
    text : str
        The formula: ``x``, parameters ``[0]``, ``[p0]`` or ``[name]``, numbers, operators, :data:`FUNCTIONS`
        and :data:`CONSTANTS` (with ``TMath::`` or not), and the shortcuts ``polN``, ``expo`` and ``gaus``.
    parameters : sequence of float
        Values of the parameters.
    names : sequence of str
        Their names; ``p0``, ``p1``, ... by default.

    Returns
    -------
    Program
        What :func:`calib.egamma.kernels.programs.evaluate` runs; call it to evaluate at an array of points.

    Raises
    ------
    InputError
        If it is not such a formula, on one line with the part that is not and what is accepted.
    """
    try:
        return assemble(_Parser(text, tuple(parameters), tuple(names)).parse())
    except InputError as error:
        raise InputError(f"formula {text!r}: {error}") from None


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise InputError(f"cannot read {text[place:].strip()!r}")
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


@dataclass
class _Parser:
    """Recursive descent: each method takes the tokens of one kind of expression."""

    text: str
    parameters: tuple[float, ...]
    names: tuple[str, ...]
    place: int = 0
    tokens: list[_Token] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = _tokens(self.text)

    def parse(self) -> Node:
        node = self.ternary()
        if self.next.kind != "end":
            raise self.unexpected("an operator or the end")
        return node

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self, *texts: str) -> str:
        """Take the next token if it is one of some operators; else nothing is taken."""
        token = self.next
        if token.kind != "operator" or token.text not in texts:
            return ""
        self.place += 1
        return token.text

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.unexpected(repr(text))

    def unexpected(self, wanted: str) -> InputError:
        found = repr(self.next.text) if self.next.kind != "end" else "the end"
        return InputError(f"{wanted} was expected, not {found}")

    def ternary(self) -> Node:
        condition = self.binary(0)
        if not self.take("?"):
            return condition
        then = self.ternary()
        self.expect(":")
        return select(condition, then, self.ternary())

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        node = self.binary(level + 1)
        while operator := self.take(*_LEVELS[level]):
            node = apply(_LEVELS[level][operator], node, self.binary(level + 1))
        return node

    def unary(self) -> Node:
        match self.take("-", "+", "!"):
            case "-":
                return apply(programs.NEGATE, self.unary())
            case "!":
                return apply(programs.NOT, self.unary())
            case "+":
                return self.unary()
        return self.power()

    def power(self) -> Node:
        base = self.primary()
        return power(base, self.unary()) if self.take("^", "**") else base

    def primary(self) -> Node:
        if self.take("("):
            node = self.ternary()
            self.expect(")")
            return node
        token = self.next
        self.place += 1
        match token.kind:
            case "number":
                return number(float(token.text), integer=token.text.isdecimal())
            case "parameter":
                return self.parameter(token.text[1:-1])
            case "name":
                return self.name(token.text)
        self.place -= 1
        raise self.unexpected("a number, x, a parameter, a function or '('")

    def parameter(self, name: str) -> Node:
        known = self.names or tuple(f"p{index}" for index in range(len(self.parameters)))
        for candidate in (name, f"p{name}"):
            if candidate in known:
                return number(self.parameters[known.index(candidate)])
        if name.isdecimal() and int(name) < len(self.parameters):
            return number(self.parameters[int(name)])
        raise InputError(f"no parameter [{name}], there are {', '.join(known) or 'none'}")

    def name(self, written: str) -> Node:
        if written in {"x", "x[0]"}:
            return VARIABLE
        root = written.startswith("TMath::")
        name = written.removeprefix("TMath::").removeprefix("std::")
        name = name.lower().replace("power", "pow") if root else name
        if shortcut := _SHORTCUT.fullmatch(written):
            return self.shortcut(shortcut, self.first_parameter() if self.take("(") else 0)
        if name in CONSTANTS:
            if root:
                self.expect("(")
                self.expect(")")
            return number(CONSTANTS[name])
        if name not in FUNCTIONS:
            accepted = ", ".join(["x", *FUNCTIONS, *CONSTANTS, "the same with TMath::", SHORTCUTS])
            raise InputError(f"unknown name {written!r}; known are {accepted}")
        return _call(written, FUNCTIONS[name], self.arguments())

    def arguments(self) -> list[Node]:
        self.expect("(")
        found = [self.ternary()]
        while self.take(","):
            found.append(self.ternary())
        self.expect(")")
        return found

    def first_parameter(self) -> int:
        token = self.next
        self.place += 1
        self.expect(")")
        if not token.text.isdecimal():
            raise InputError(f"the number of the first parameter was expected, not {token.text!r}")
        return int(token.text)

    def shortcut(self, shortcut: re.Match[str], first: int) -> Node:
        """Write out a shortcut as ROOT does; its parameters go by number, whatever their names."""
        one, two, three = (f"[{first + k}]" for k in range(3))
        match shortcut["kind"]:
            case "expo":
                text = f"exp({one}+{two}*x)"
            case "gaus":
                text = f"{one}*exp(-0.5*((x-{two})/{three})*((x-{two})/{three}))"
            case _:
                powers = ("", "*x", *(f"*x^{k}" for k in range(2, int(shortcut["degree"]) + 1)))
                text = "+".join(f"[{first + k}]{powers[k]}" for k in range(int(shortcut["degree"]) + 1))
        return _Parser(text, self.parameters, ()).parse()


def _call(written: str, code: int, arguments: list[Node]) -> Node:
    wanted = 1 if code < programs.BINARY else 2
    if len(arguments) != wanted:
        raise InputError(f"{written} takes {wanted} argument{'s'[: wanted - 1]}, not {len(arguments)}")
    if code == programs.POWER:
        return power(*arguments)
    return apply(code, *arguments)

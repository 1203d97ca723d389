"""Expressions on the columns of events, as a user types them: ``any(Electron.pt > 25) and MET.pt > 30``."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError

_MOST_OBJECTS = 1000  # of an event


def _plain(value: Any) -> Any:
    """Return what powers are taken of: floating-point numbers, as whole ones may become as large as memory."""
    return float(value) if isinstance(value, int) else value


_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, power: _plain(base) ** _plain(power),
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _over_objects(reducer: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda values: reducer(values, axis=-1)


# Of objects: what they come to in each event. Sums of floating-point numbers are made object by object, in their
# order, and so do not depend on the chunk.
_REDUCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "any": _over_objects(ak.any),
    "all": _over_objects(ak.all),
    "sum": _over_objects(ak.sum),
    "max": _over_objects(ak.max),
    "min": _over_objects(ak.min),
    "num": _over_objects(ak.num),
    "count": _over_objects(ak.sum),  # of those that are true
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("abs", "sqrt", "exp", "log", "log10", "isfinite")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan2", "hypot")},
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": ak.where,
    "fill": ak.fill_none,
}
COLUMN = "column"  # function of a name that is no identifier
ACCEPTED = (
    f"columns, numbers, + - * / % **, comparisons, in, and, or, not, [number], "
    f"{', '.join(f'{name}()' for name in (*_REDUCTIONS, *_FUNCTIONS))}, {COLUMN}('name')"
)


@dataclass(frozen=True)
class Expression:
    """An expression on columns.

    Parameters
    ----------
    text : str
        As Python has it: names are columns, such as ``Electron.pt``, and what they have by their behaviour, such as
        ``(Electron[0] + Electron[1]).mass``. ``any``, ``all``, ``sum``, ``max``, ``min``, ``num`` and ``count`` go over
        the objects of each event; ``[0]`` is the first object, missing where there is none; ``fill(x, 0)`` is 0 there.

    Raises
    ------
    InputError
        If it is none.
    """

    text: str

    def __post_init__(self) -> None:
        self._check(self._tree)

    @cached_property
    def _tree(self) -> ast.expr:
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or str(error)
            raise InputError(f"expression '{self.text}': {reason}; accepted are {ACCEPTED}") from None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made of the text."""
        return {"text": self.text}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it names, with what it asks of them: ``Electron.pt``, or ``Electron`` of ``Electron[0].pt``."""
        return tuple(dict.fromkeys(_columns(self._tree)))

    def evaluate(self, events: ak.Array) -> Any:
        """Evaluate it on events.

        Raises
        ------
        InputError
            If a column is not there, or it has no value.
        """
        try:
            with np.errstate(all="ignore"):  # what is not a number passes no cut, and is no weight
                return self._value(self._tree, events)
        except InputError:
            raise
        except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RuntimeError) as error:
            raise InputError(f"expression '{self.text}': {' '.join(str(error).split()):.300}") from error

    def mask(self, events: ak.Array) -> npt.NDArray[np.bool_]:
        """Evaluate it as a cut: whether each event passes; one for which it is missing does not.

        Raises
        ------
        InputError
            If it is not true or false for each event.
        """
        return mask_of(self.evaluate(events), len(events), f"cut '{self.text}'")

    def _check(self, node: ast.AST) -> None:
        """Refuse what no expression has."""
        known = (
            isinstance(
                node, (ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.expr_context)
            )
            or (isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)))
            or (isinstance(node, ast.Subscript) and _index(node) is not None)
            or isinstance(node, (ast.And, ast.Or, ast.Not, ast.In, ast.NotIn, *_OPERATORS))
        )
        if isinstance(node, ast.Call):
            return self._check_call(node)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            known = False
        if not known:
            raise self._refusal(node)
        if isinstance(node, ast.Compare) and any(isinstance(one, (ast.In, ast.NotIn)) for one in node.ops):
            if len(node.ops) != 1 or _members(node.comparators[0]) is None:
                raise self._refusal(node, "after 'in' comes a tuple or list of numbers")
            return self._check(node.left)
        for child in ast.iter_child_nodes(node):
            if not isinstance(node, ast.Subscript) or child is node.value:
                self._check(child)
        return None

    def _check_call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == COLUMN and len(node.args) == 1 and not node.keywords:
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                return
            raise self._refusal(node, f"{COLUMN} takes a name in quotes")
        if name not in {**_REDUCTIONS, **_FUNCTIONS}:
            raise self._refusal(node, f"there is no function '{ast.unparse(node.func)}'")
        if node.keywords or not node.args or (name in _REDUCTIONS and len(node.args) != 1):
            raise self._refusal(
                node, f"{name} takes {'one argument' if name in _REDUCTIONS else 'arguments by position'}"
            )
        for argument in node.args:
            self._check(argument)

    def _refusal(self, node: ast.AST, reason: str = "") -> InputError:
        shown = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
        reason = reason or f"'{shown}' is not accepted"
        return InputError(f"expression '{self.text}': {reason}; accepted are {ACCEPTED}")

    def _value(self, node: ast.AST, events: ak.Array) -> Any:
        """Value of a part of the expression."""
        value: Any
        match node:
            case ast.Constant():
                value = node.value
            case ast.Name() | ast.Attribute():
                value = self._named(node, events)
            case ast.Call():
                value = self._call(node, events)
            case ast.Subscript():
                value = _pick(self._value(node.value, events), _index(node) or 0)
            case ast.UnaryOp(op=ast.Not()):
                value = ~_truth(self._value(node.operand, events))
            case ast.UnaryOp():
                value = _OPERATORS[type(node.op)](self._value(node.operand, events))
            case ast.BinOp():
                value = _OPERATORS[type(node.op)](self._value(node.left, events), self._value(node.right, events))
            case ast.BoolOp():
                join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
                value = reduce(join, [_truth(self._value(one, events)) for one in node.values])
            case ast.Compare():
                value = self._compare(node, events)
            case _:
                raise self._refusal(node)
        return value

    def _compare(self, node: ast.Compare, events: ak.Array) -> Any:
        left, passed = self._value(node.left, events), None
        for compare, comparator in zip(node.ops, node.comparators, strict=True):
            if isinstance(compare, (ast.In, ast.NotIn)):
                one: Any = left != left  # noqa: PLR0124  (false, in the shape of the values)
                for member in _members(comparator) or ():
                    one = one | (left == member)
                one = ~one if isinstance(compare, ast.NotIn) else one
            else:
                right = self._value(comparator, events)
                one = _OPERATORS[type(compare)](left, right)
                left = right
            passed = one if passed is None else passed & one
        return passed

    def _call(self, node: ast.Call, events: ak.Array) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == COLUMN:
            return self._column(str(ast.literal_eval(node.args[0])), events)
        values = [self._value(argument, events) for argument in node.args]
        if name in _REDUCTIONS:
            if getattr(values[0], "ndim", 0) < 2:  # noqa: PLR2004  (events, and what each has)
                raise InputError(
                    f"expression '{self.text}': {ast.unparse(node)}: there is one value for each event, no list"
                )
            return _REDUCTIONS[name](values[0])
        return _FUNCTIONS[name](*values)

    def _named(self, node: ast.Name | ast.Attribute, events: ak.Array) -> Any:
        if isinstance(node, ast.Name):
            return self._column(node.id, events)
        whole = ast.unparse(node)
        if whole in events.fields:
            return events[whole]
        owner = self._value(node.value, events)
        fields = getattr(owner, "fields", [])
        if node.attr in fields:
            return owner[node.attr]
        # of what behaviours add, and not of arrays: their size in memory, say, is no property of events
        is_added = isinstance(owner, ak.Array) and not hasattr(ak.Array, node.attr)
        value = getattr(owner, node.attr, None) if is_added else None
        if value is None or callable(value):
            raise InputError(
                f"expression '{self.text}': no column '{whole}'; {ast.unparse(node.value)} has "
                f"{', '.join(fields[:8]) or 'no columns'}{', ...' if len(fields) > 8 else ''}"  # noqa: PLR2004
            )
        return value

    def _column(self, name: str, events: ak.Array) -> Any:
        found: Any = events
        if name in events.fields:
            return events[name]
        for part in name.split("."):
            if part not in getattr(found, "fields", []):
                fields = ", ".join(events.fields[:8])
                raise InputError(f"expression '{self.text}': no column '{name}'; there are {fields}, ...")
            found = found[part]
        return found


def mask_of(value: Any, events: int, what: str) -> npt.NDArray[np.bool_]:
    """Take a value as a cut: whether each event passes; where it is missing, it does not.

    Raises
    ------
    InputError
        If it is not true or false for each of the events.
    """
    expected = f"{what}: expected true or false for each of {events} events"
    if isinstance(value, (bool, np.bool_)):
        return np.full(events, bool(value))
    layout = ak.to_layout(value, allow_record=False) if not isinstance(value, (int, float, str)) else None
    if layout is None or len(layout) != events:
        raise InputError(f"{expected}, got {'one value' if layout is None else f'{len(layout)} values'}")
    array = ak.without_parameters(ak.Array(layout))
    kind = str(array.type.content).removeprefix("?")
    if kind not in ("bool", "unknown"):
        hint = ": any(...) or all(...) makes one of many" if array.ndim > 1 else ""
        raise InputError(f"{expected}, got {kind}{hint}")
    return np.asarray(ak.to_numpy(ak.fill_none(array, False)), dtype=np.bool_)


def _columns(node: ast.AST) -> list[str]:
    """Names of columns below a node, in their order."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == COLUMN and isinstance(node.args[0], ast.Constant):
            return [str(node.args[0].value)]
        return [name for argument in node.args for name in _columns(argument)]
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (chain := _chain(node)):
        return [chain]
    return [name for child in ast.iter_child_nodes(node) for name in _columns(child)]


def _chain(node: ast.AST) -> str:
    """Return names with dots between; nothing for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    owner = _chain(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if owner and isinstance(node, ast.Attribute) else ""


def _index(node: ast.Subscript) -> int | None:
    """Return which object is picked; None if that is no whole number from 0."""
    value = node.slice.value if isinstance(node.slice, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_OBJECTS else None


def _pick(values: Any, index: int) -> Any:
    """Return an object of each event, missing where there are not so many."""
    return ak.pad_none(values, index + 1, axis=1)[:, index]


def _members(node: ast.AST) -> list[float] | None:
    """Return the numbers of a tuple or list; None for anything else."""
    try:
        members = ast.literal_eval(node) if isinstance(node, (ast.Tuple, ast.List)) else None
    except ValueError:
        return None
    is_numbers = members and all(isinstance(one, (int, float)) for one in members)
    return list(members) if members and is_numbers else None


def _truth(value: Any) -> Any:
    """Return what ``and``, ``or`` and ``not`` take: truth values."""
    if isinstance(value, (bool, int, float)):
        return np.bool_(value)
    return value if "bool" in str(getattr(value, "type", getattr(value, "dtype", ""))) else value != 0

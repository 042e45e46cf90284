"""Expressions read one row at a time, in plain Python: section 3a of the semantics.

Takes the typed tree of compiled definitions. Only operators that the properties use stand here;
every operator has its own rows in `tests/expressions/cases.json`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


class BadRow(Exception):  # noqa: N818  the word of the semantics
    """The row has no value: an overflow or a failing cast."""


def evaluate(tree: list[Any], row: dict[str, Any]) -> Any:
    """The value of a tree for a row; raises BadRow."""
    head, *rest = tree
    if head in LAZY:
        return LAZY[head](rest, row)
    values = [evaluate(part, row) for part in rest if isinstance(part, list)]
    if head == "cast":
        return cast(rest[0], values[0])
    if head == "distinct":
        return values[0] != values[1]
    if any(value is None for value in values):
        return None
    return STRICT[head](*values)


def finite(value: float) -> float | None:
    """A float of ours: finite or null, never -0.0."""
    return value + 0.0 if math.isfinite(value) else None


def number(value: float) -> float | int | None:
    """A number of ours: an integer that fits, or a finite float or null."""
    if isinstance(value, float):
        return finite(value)
    if not INT_MIN <= value <= INT_MAX:
        raise BadRow("integer overflow")
    return value


def divide(a: float, b: float) -> float | None:
    """Division as doubles; by zero: null."""
    return None if b == 0 else finite(a / b)


def divide_whole(a: int, b: int) -> float | int | None:
    """Division truncated towards zero; by zero: null."""
    if b == 0:
        return None
    whole = abs(a) // abs(b)
    return number(whole if (a < 0) == (b < 0) else -whole)


def remainder(a: int, b: int) -> int | None:
    """The remainder with the dividend's sign; by zero: null."""
    if b == 0:
        return None
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def compared(value: Any) -> Any:
    """What is compared: strings by bytes."""
    return value.encode() if isinstance(value, str) else value


def cast(target: str, value: Any) -> Any:
    """The widening casts that the compiler writes by itself."""
    if value is None:
        return None
    if target == "float":
        return finite(float(value))
    if target == "int" and isinstance(value, bool):
        return int(value)
    raise NotImplementedError(f"the oracle has no cast of {value!r} to {target}")


def both(parts: list[Any], row: dict[str, Any]) -> bool | None:
    """AND from left to right, stopping at false."""
    seen_null = False
    for part in parts:
        value = evaluate(part, row)
        if value is False:
            return False
        seen_null = seen_null or value is None
    return None if seen_null else True


def either(parts: list[Any], row: dict[str, Any]) -> bool | None:
    """OR from left to right, stopping at true."""
    seen_null = False
    for part in parts:
        value = evaluate(part, row)
        if value is True:
            return True
        seen_null = seen_null or value is None
    return None if seen_null else False


def is_null(parts: list[Any], row: dict[str, Any]) -> bool:
    """IS NULL, which null does not make null."""
    return evaluate(parts[0], row) is None


LAZY: dict[str, Callable[[list[Any], dict[str, Any]], Any]] = {
    "col": lambda parts, row: row[parts[0]],
    "bool": lambda parts, _: parts[0],
    "int": lambda parts, _: parts[0],
    "str": lambda parts, _: parts[0],
    "float": lambda parts, _: finite(float(parts[0])),
    "null": lambda _parts, _row: None,
    "and": both,
    "or": either,
    "is_null": is_null,
}
STRICT: dict[str, Callable[..., Any]] = {
    "not": lambda a: not a,
    "add": lambda a, b: number(a + b),
    "sub": lambda a, b: number(a - b),
    "mul": lambda a, b: number(a * b),
    "neg": lambda a: number(-a),
    "div": divide,
    "idiv": divide_whole,
    "mod": remainder,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: compared(a) < compared(b),
    "le": lambda a, b: compared(a) <= compared(b),
    "gt": lambda a, b: compared(a) > compared(b),
    "ge": lambda a, b: compared(a) >= compared(b),
}

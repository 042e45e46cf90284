"""A typed part of an expression, and the ways to give it another type without changing its value.

Made bottom up while the parsed text is walked. Must know nothing of sqlglot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from headwater.compile.expressions.ranges import ANY, Range, range_of_type
from headwater.types import SCALE_EXPONENT_DEFAULT, DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.types import Column

INT_LEAST: Final = -(2**63)
INT_GREATEST: Final = 2**63 - 1

LITERALS: Final = frozenset({"bool", "int", "float", "str", "null"})


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `[start, end)` of the text."""

    start: int
    end: int

    def join(self, other: Span) -> Span:
        """Return the least span that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Typed:
    """A part with its tree, its type (None: a bare NULL) and what is known of its values."""

    tree: list[Any]
    type: DataType | None
    span: Span
    nullable: bool = False
    fallible: bool = False
    range: Range = ANY
    columns: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()

    @property
    def literal(self) -> bool:
        """Return whether it is one value written in the text."""
        return self.tree[0] in LITERALS


def column_part(column: Column, span: Span) -> Typed:
    """Return a column as a part; a float column may hold null, since NaN becomes null."""
    return Typed(
        tree=["col", column.name],
        type=column.type,
        span=span,
        nullable=column.nullable or column.type is DataType.FLOAT,
        range=range_of_type(column.type, column.scale_exponent),
        columns=frozenset({column.name}),
    )


def bool_part(value: bool, span: Span) -> Typed:  # noqa: FBT001  it is the value
    """Return TRUE or FALSE as a part."""
    return Typed(["bool", value], DataType.BOOL, span)


def int_part(value: int, span: Span) -> Typed:
    """Return an integer literal as a part; the caller has checked that it fits 64 bits."""
    return Typed(["int", value], DataType.INT, span, range=Range(value, value))


def float_part(value: float, span: Span) -> Typed:
    """Return a finite float literal as a part; -0.0 is 0.0."""
    value += 0.0
    return Typed(["float", repr(value)], DataType.FLOAT, span, range=Range(value, value))


def str_part(value: str, span: Span) -> Typed:
    """Return a string literal as a part."""
    return Typed(["str", value], DataType.STR, span)


def null_part(span: Span) -> Typed:
    """Return a bare NULL, which takes its type from what stands beside it."""
    return Typed(["null", None], None, span, nullable=True)


def coercible(part: Typed, to: DataType) -> bool:
    """Return whether a part serves as this type: itself, NULL, or an integer as a float."""
    return part.type in (None, to) or (part.type is DataType.INT and to is DataType.FLOAT)


def coerce(part: Typed, to: DataType) -> Typed:
    """Return a coercible part in this type, its cast written out in the tree."""
    if part.type is to:
        return part
    if part.type is None:
        return replace(part, tree=["null", to.value], type=to, range=range_of_type(to))
    if part.tree[0] == "int":
        return float_part(float(part.tree[1]), part.span)
    bounds = Range(float(part.range.low), float(part.range.high))
    return replace(part, tree=["cast", "float", part.tree], type=to, range=bounds)


def unify(parts: list[Typed]) -> DataType | None:
    """Return the one type that all parts serve as; None when there is none or all are NULL."""
    types = {part.type for part in parts if part.type is not None}
    if types == {DataType.INT, DataType.FLOAT}:
        return DataType.FLOAT
    return types.pop() if len(types) == 1 else None


def scale_of(part: Typed, columns: Mapping[str, Column]) -> int:
    """Return the scale of sums: a column alone keeps its own, anything computed has the default."""
    if part.tree[0] == "col":
        return columns[part.tree[1]].scale_exponent
    return SCALE_EXPONENT_DEFAULT

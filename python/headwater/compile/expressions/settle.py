"""What is known of an operation's result: its nulls, its failures, its reach.

The one place where reach turns into `fallible` and `nullable`. Must never be narrower than the
evaluator's truth: a row that fails unforeseen would be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.compile.expressions.ranges import ANY, CALENDAR_US, FLOATS, INTS, Range
from headwater.compile.expressions.typed import Typed
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwater.compile.expressions.typed import Span

BOUNDS = {
    DataType.INT: INTS,
    DataType.TIMESTAMP: Range(*CALENDAR_US),
    DataType.FLOAT: FLOATS,
}
"""Where the values of a type must lie; other types are no numbers."""


def settle(
    gives: DataType,
    tree: list[Any],
    parts: list[Typed],
    span: Span,
    reach: Range = ANY,
    *,
    null: bool | None = None,
    fails: bool = False,
    local: Iterable[str] = (),
) -> Typed:
    """Return an operation's result, with what follows from its operands and its reach.

    An integer or instant that can leave its bounds can fail; a float that can is null instead.

    Args:
        gives: the type of the result.
        tree: its tree.
        parts: its operands.
        span: its place in the text.
        reach: the values it would have without bounds.
        null: can it be null; None: when an operand can.
        fails: can it fail by itself, whatever its reach?
        local: why other engines would be refused it.
    """
    bounds = BOUNDS.get(gives, reach)
    inside = reach.within(bounds.low, bounds.high)
    overflows = not inside and gives is not DataType.FLOAT
    vanishes = not inside and gives is DataType.FLOAT
    any_null = any(part.nullable for part in parts) if null is None else null
    return Typed(
        tree=tree,
        type=gives,
        span=span,
        nullable=any_null or vanishes,
        fallible=fails or overflows or any(part.fallible for part in parts),
        range=reach if inside else reach.cut(bounds.low, bounds.high),
        columns=frozenset[str]().union(*(part.columns for part in parts)),
        local=frozenset(local).union(*(part.local for part in parts)),
    )

"""Parts of SQL about time with a shape of their own: fields, units, intervals, differences.

Instants move by intervals of fixed length alone and differ by seconds; nothing here reads a zone or
a clock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from headwater.compile.expressions import ranges, refuse
from headwater.compile.expressions.ranges import Range
from headwater.compile.expressions.settle import settle
from headwater.compile.expressions.table import (
    BY_NODE,
    FIELDS,
    INTERVAL_MAX_US,
    INTERVALS,
    UNITS,
)
from headwater.compile.expressions.typed import coerce
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwater.compile.expressions.typed import Typed
    from headwater.compile.expressions.walk import Walk


def _field(walk: Walk, node: Any) -> Typed:
    """`extract(field FROM t)` and `hour(t)`, `year(t)` and their like."""
    span = walk.span(node)
    if isinstance(node, exp.Extract):
        walk.only(node, ("this", "expression"))
        field, source = str(node.this.this).lower(), node.expression
    else:
        walk.only(node, ("this",))
        field, source = type(node).__name__.lower(), node.this
    if field == "epoch":
        return walk.make(BY_NODE["TimeToUnix"], [walk.part(source)], span)
    if field not in FIELDS:
        hint = {
            "dow": "engines count dow differently: isodow is 1 for Monday to 7 for Sunday",
            "dayofweek": "isodow is 1 for Monday to 7 for Sunday",
        }.get(field, f"there are: {', '.join(FIELDS)}, epoch")
        raise refuse.unsupported(f"the field {field} is", span, hint)
    instant = _instant(walk, source, "extract(field FROM t)")
    tree = ["extract", field, instant.tree]
    return settle(DataType.INT, tree, [instant], span, FIELDS[field])


def _instant(walk: Walk, node: Any, spelled: str) -> Typed:
    part = walk.part(node)
    if part.type not in (DataType.TIMESTAMP, None):
        raise refuse.mismatch(spelled, [part], "timestamp", part.span)
    return coerce(part, DataType.TIMESTAMP)


def _date_trunc(walk: Walk, node: Any) -> Typed:
    walk.only(node, ("this", "unit"))
    span = walk.span(node)
    unit = str(node.args["unit"].this).lower()
    if unit not in UNITS:
        raise refuse.unsupported(f"the unit {unit} is", span, f"there are: {', '.join(UNITS)}")
    instant = _instant(walk, node.this, "date_trunc('unit', t)")
    tree = ["date_trunc", unit, instant.tree]
    reach = ranges.truncated([instant.range])
    return settle(DataType.TIMESTAMP, tree, [instant], span, reach)


def _add_or_subtract(walk: Walk, node: Any) -> Typed:
    """Numbers by the table; instants move by an interval, and differ by seconds."""
    walk.only(node, ("this", "expression"))
    span = walk.span(node)
    left, right = node.this, node.expression
    minus = isinstance(node, exp.Sub)
    if isinstance(left, exp.Interval) and not minus:
        left, right = right, left
    if isinstance(right, exp.Interval):
        by = _interval(walk, right) * (-1 if minus else 1)
        instant = _instant(walk, left, "t + INTERVAL")
        reach = Range(instant.range.low + by, instant.range.high + by)
        tree = ["shift", by, instant.tree]
        return settle(DataType.TIMESTAMP, tree, [instant], span, reach)
    parts = [walk.part(left), walk.part(right)]
    types = {part.type for part in parts}
    if minus and types == {DataType.TIMESTAMP}:
        tree = ["seconds_between", *(part.tree for part in parts)]
        reach = ranges.seconds_between([part.range for part in parts])
        return settle(DataType.FLOAT, tree, parts, span, reach)
    return walk.make(BY_NODE[type(node).__name__], parts, span)


def _interval(walk: Walk, node: Any) -> int:
    """Return the microseconds of a fixed interval, such as INTERVAL '90 minutes'."""
    span = walk.span(node)
    value, unit = node.this, node.args.get("unit")
    digits = value.this if isinstance(value, exp.Literal) else None
    if digits is None or unit is None or not re.fullmatch(r"-?[0-9]{1,18}", str(digits)):
        hint = "write a whole number and one unit: INTERVAL '90 minutes'"
        raise refuse.unsupported("this interval is", span, hint)
    name = str(unit.this).lower().removesuffix("s")
    if name not in INTERVALS:
        hint = f"units of fixed length are: {', '.join(INTERVALS)}"
        raise refuse.unsupported(f"an interval in {name}s is", span, hint)
    by = int(digits) * INTERVALS[name]
    if abs(by) > INTERVAL_MAX_US:
        raise refuse.unsupported("an interval above 100 years is", span)
    return by


def _alone(walk: Walk, node: Any) -> Typed:
    hint = "add it to an instant, or subtract it from one"
    raise refuse.unsupported("an interval by itself is", walk.span(node), hint)


FIELD_FUNCTIONS: Final = ("Second", "Minute", "Hour", "Day", "Month", "Quarter", "Year")

TIME_SHAPES: Final[dict[str, Callable[[Walk, Any], Typed]]] = {
    "Extract": _field,
    "TimestampTrunc": _date_trunc,
    "DateTrunc": _date_trunc,
    "Add": _add_or_subtract,
    "Sub": _add_or_subtract,
    "Interval": _alone,
    **dict.fromkeys(FIELD_FUNCTIONS, _field),
}
"""By class of the parser."""

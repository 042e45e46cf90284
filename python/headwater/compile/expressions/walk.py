"""The walk over the parsed text: each node by the table's row, or by the shape it has of its own.

A whitelist: a class of the parser that neither the table nor `shapes` knows is refused, and so is
any argument of a node that its row does not name, since it would change the meaning unseen.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from sqlglot import exp

from headwater.compile.expressions import refuse, shapes
from headwater.compile.expressions.refuse import Refusal
from headwater.compile.expressions.settle import settle
from headwater.compile.expressions.table import ANYTHING, BY_NODE, FUNCTIONS, STRING_ORDER, Row
from headwater.compile.expressions.typed import (
    INT_GREATEST,
    INT_LEAST,
    Span,
    Typed,
    bool_part,
    coerce,
    coercible,
    column_part,
    float_part,
    int_part,
    null_part,
    str_part,
    unify,
)
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.types import Column

DEPTH_MAX: Final = 190
"""Deepest nesting of the parsed text; parsing and walking recurse."""

NOTES_OF_DIALECT: Final = frozenset({"safe", "coalesce", "ignore_nulls", "binary", "kind"})
"""Arguments that the parser sets by itself to say how a dialect behaves; the table decides that."""

STRING_ORDERED: Final = frozenset({"lt", "le", "gt", "ge", "greatest", "least"})

CLOCKS: Final = frozenset({"now", "today", "getdate", "current_timestamp", "transaction_timestamp"})
"""Functions whose answer depends on when they are asked, as the parser leaves their names."""


AGGREGATE_HINT: Final = "aggregates are features: write hw.sum(...), with the expression inside"

CLOCK: Final = (
    "the time of asking is",
    "an expression depends on its row alone; compare two columns of the row",
)

REFUSED: Final[tuple[tuple[tuple[type, ...], str, str], ...]] = (
    ((exp.Window,), "a window function is", "windows are features': write .over(...)"),
    ((exp.Query, exp.Exists, exp.Subquery), "a subquery is", ""),
    ((exp.AggFunc,), "the aggregate {name} is", AGGREGATE_HINT),
    ((exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime), *CLOCK),
    ((exp.Rand, exp.Randn, exp.Uuid), "a random value is", ""),
    (
        (exp.RegexpLike, exp.RegexpILike, exp.RegexpFullMatch, exp.SimilarTo),
        "a regular expression is",
        "LIKE is supported",
    ),
    ((exp.Array,), "a list is", ""),
)
"""What SQL has and expressions do not, with what to write instead."""


class Walk:
    """One walk: the text, for places, and the columns, for names and types."""

    def __init__(self, text: str, columns: Mapping[str, Column]) -> None:
        self.text = text
        self.columns = columns
        self._depth = 0

    def whole(self, node: Any) -> Typed:
        """Return the typed whole of a text."""
        if isinstance(node, exp.Alias):
            alias = node.args["alias"]
            raise refuse.syntax("the expression does not parse", self.span(alias))
        return self.part(node)

    def part(self, node: Any) -> Typed:
        """Return a node and all below it, typed."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise refuse.syntax(f"the expression is nested deeper than {DEPTH_MAX} levels", None)
        found = self._part(node)
        self._depth -= 1
        return found

    def _part(self, node: Any) -> Typed:
        match node:
            case exp.Paren():
                self.only(node, ("this",))
                return self.part(node.this)
            case exp.Column():
                return self._column(node)
            case exp.Literal() | exp.Boolean() | exp.Null():
                return self._literal(node)
            case exp.Neg() if isinstance(node.this, exp.Literal) and not node.this.is_string:
                return self._number("-" + node.this.this, self.span(node))
        shape = shapes.SHAPES.get(type(node).__name__)
        if shape is not None:
            return shape(self, node)
        row = BY_NODE.get(type(node).__name__)
        if row is None:
            raise self.refused(node)
        return self.by_row(row, node)

    def span(self, node: Any) -> Span:
        """Return where a node and all below it stand in the text."""
        places = [each.meta for each in node.walk() if "start" in each.meta]
        if not places:
            return Span(0, len(self.text))
        start = min(place["start"] for place in places)
        end = max(place["end"] for place in places) + 1
        return Span(start, end)

    def only(self, node: Any, names: tuple[str, ...]) -> None:
        """Refuse a node that has an argument not among these."""
        for name, value in node.args.items():
            if value and name not in names and name not in NOTES_OF_DIALECT:
                what = f"{type(node).__name__.upper()} with {name.replace('_', ' ')} is"
                raise refuse.unsupported(what, self.span(node))

    def by_row(self, row: Row, node: Any) -> Typed:
        """Return a node that the table has a row for."""
        self.only(node, (*(name.lstrip("*?") for name in row.parts), "negate"))
        children: list[Any] = []
        for name in row.parts:
            value = node.args.get(name.lstrip("*?"))
            if isinstance(value, list):
                children += value
            elif value is not None:
                children.append(value)
        parts = [self.part(child) for child in children]
        made = self.make(row, parts, self.span(node))
        if node.args.get("negate"):
            made = self.make(BY_NODE["Not"], [made], made.span)
        return made

    def make(self, row: Row, parts: list[Typed], span: Span) -> Typed:
        """Return an operation over typed operands, its casts written out."""
        if len(parts) == 1 and row.parts[-1].startswith("*"):
            self.resolve(row, parts * 2, span)
            return parts[0]
        if row.op == "not" and parts[0].tree[0] == "not":
            return replace(parts[0], tree=parts[0].tree[1], span=span)
        if row.whole and parts[0].type is DataType.INT:
            return parts[0]
        types = self.resolve(row, parts, span)
        parts = [coerce(part, kind) for part, kind in zip(parts, types, strict=True)]
        gives = types[0] if row.gives == ANYTHING else cast("DataType", row.gives)
        ranges = [part.range for part in parts]
        tree = [row.op, *_flattened(row, parts)]
        local = {row.local} if row.local else set()
        if row.op in STRING_ORDERED and types[0] is DataType.STR:
            local.add(STRING_ORDER)
        null = any(part.nullable for part in parts) or row.undefined(ranges)
        if row.passes_nulls:
            null = all(part.nullable for part in parts)
        return settle(gives, tree, parts, span, row.range(ranges), null=null, local=local)

    def resolve(self, row: Row, parts: list[Typed], span: Span) -> list[DataType]:
        """Return the type that each operand takes, or refuse the types given."""
        takes = [row.takes[min(place, len(row.takes) - 1)] for place in range(len(parts))]
        if ANYTHING in takes:
            wanted = " or ".join(row.of) if len(row.of) < len(DataType) else "one type"
            common = unify(parts)
            if common is None or common not in row.of:
                raise refuse.mismatch(row.spelled, parts, wanted, span)
            return [common] * len(parts)
        resolved = [cast("DataType", kind) for kind in takes]
        if not all(coercible(part, kind) for part, kind in zip(parts, resolved, strict=True)):
            wanted = " and ".join(kind.value for kind in resolved)
            raise refuse.mismatch(row.spelled, parts, wanted, span)
        return resolved

    def _column(self, node: Any) -> Typed:
        self.only(node, ("this", "table"))
        span = self.span(node)
        if isinstance(node.this, exp.Star):
            raise refuse.unsupported("* is", span, "name one column")
        if node.args.get("table") is not None:
            raise refuse.unsupported("a column of another table is", span, "name the column alone")
        name = node.this.this
        if name not in self.columns:
            raise refuse.unknown_column(name, self.columns, span)
        return column_part(self.columns[name], span)

    def _literal(self, node: Any) -> Typed:
        span = self.span(node)
        match node:
            case exp.Null():
                return null_part(span)
            case exp.Boolean():
                return bool_part(bool(node.this), span)
            case _ if node.is_string:
                return str_part(node.this, span)
        return self._number(node.this, span)

    def _number(self, digits: str, span: Span) -> Typed:
        if re.fullmatch(r"-?[0-9]+", digits):
            value = int(digits)
            if not INT_LEAST <= value <= INT_GREATEST:
                raise Refusal(
                    "literal_out_of_range",
                    "the integer does not fit 64 bits",
                    span,
                    "write it with a point to mean a float",
                )
            return int_part(value, span)
        number = float(digits)
        if not math.isfinite(number):
            raise Refusal("literal_out_of_range", "the number does not fit a float", span)
        return float_part(number, span)

    def refused(self, node: Any) -> Refusal:
        """Return the refusal of a node that expressions do not have."""
        span = self.span(node)
        if isinstance(node, exp.IgnoreNulls | exp.RespectNulls):
            return self.refused(node.this)
        for classes, what, hint in REFUSED:
            if isinstance(node, classes):
                return refuse.unsupported(what.format(name=_name(node)), span, hint)
        if isinstance(node, exp.Func):
            return self._function_refused(node, span)
        return refuse.unsupported(f"{_words(node)} is", span)

    def _function_refused(self, node: Any, span: Span) -> Refusal:
        name = self._spelled(node) if "start" in node.meta else _name(node)
        if name.lower() in CLOCKS:
            return refuse.unsupported(CLOCK[0], span, CLOCK[1])
        if name.lower() == "mean":
            return refuse.unsupported("the aggregate mean is", span, AGGREGATE_HINT)
        return refuse.unknown_function(name, FUNCTIONS, span)

    def _spelled(self, node: Any) -> str:
        return self.text[node.meta["start"] : node.meta["end"] + 1]


def _flattened(row: Row, parts: list[Typed]) -> list[Any]:
    if not row.flat:
        return [part.tree for part in parts]
    trees: list[Any] = []
    for part in parts:
        trees += part.tree[1:] if part.tree[0] == row.op else [part.tree]
    return trees


def _name(node: Any) -> str:
    return str(node.sql_name()).lower() if isinstance(node, exp.Func) else _words(node)


def _words(node: Any) -> str:
    """Return a class name of the parser as words: `JSONExtract` is "json extract"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()

"""Compiling one text: parse, walk, and state what the whole expression is.

The only file that meets the parser's errors. Must give either an `Expression` or one error that
points at a place in the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlglot
from sqlglot.errors import ParseError, SqlglotError

from headwater.compile.expressions import Expression
from headwater.compile.expressions.ranges import sum_limit
from headwater.compile.expressions.refuse import Refusal, syntax
from headwater.compile.expressions.typed import Span, scale_of
from headwater.compile.expressions.walk import Walk
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

    from headwater.compile.expressions.typed import Typed
    from headwater.errors import Origin
    from headwater.types import Column

TEXT_MAX: Final = 20_000
"""Longest text of an expression, in characters: more is a program, and parsing recurses."""

DEPTH_MAX: Final = 200
"""Deepest nesting of a tree: what the evaluator takes."""

DIALECT: Final = "duckdb"
"""The parser's dialect: the one that has `//`, and no names of types and functions of its own."""


def compile_text(text: str, columns: Mapping[str, Column], where: Origin) -> Expression:
    """Compile one text; see `compile_expression`."""
    try:
        try:
            part = Walk(text, columns).whole(_parse(text))
        except RecursionError:
            raise syntax("the expression is nested too deeply", None) from None
        return _finish(text, part, columns)
    except Refusal as refusal:
        error = refusal.error(text)
        error.add_note(f"in {where.definition}")
        raise error from None


def _finish(text: str, part: Typed, columns: Mapping[str, Column]) -> Expression:
    if part.type is None:
        raise Refusal("type_mismatch", "NULL alone has no type", part.span, "CAST(NULL AS int)")
    if _depth(part.tree) > DEPTH_MAX:
        raise syntax(f"the expression is nested deeper than {DEPTH_MAX} levels", None)
    exponent = scale_of(part, columns)
    limit = sum_limit(exponent)
    out_of_range = part.type is DataType.FLOAT and part.range.magnitude >= limit
    return Expression(
        tree=part.tree,
        type=part.type,
        fallible=part.fallible or out_of_range,
        nullable=part.nullable,
        columns=tuple(sorted(part.columns)),
        scale_exponent=exponent,
        local_only=tuple(sorted(part.local)),
        text=text,
    )


def _depth(tree: list[Any]) -> int:
    return 1 + max((_depth(part) for part in tree if isinstance(part, list)), default=0)


def _parse(text: str) -> exp.Expr:
    if not text.strip():
        raise syntax("the expression is empty", None)
    if len(text) > TEXT_MAX:
        raise syntax(f"the expression is longer than {TEXT_MAX} characters", Span(0, 1))
    try:
        return sqlglot.parse_one(text, dialect=DIALECT)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = _place(text, first.get("line"), first.get("col"), first.get("highlight") or "")
        raise syntax("the expression does not parse", place) from None
    except SqlglotError:
        # The tokenizer tells no place: only a quote that is never closed makes it give up.
        raise syntax("the expression has a quote that is not closed", _open_quote(text)) from None


def _place(text: str, line: int | None, column: int | None, highlight: str) -> Span | None:
    """Return the span of the token that ends at this line and column, both counted from 1."""
    if line is None or column is None:
        return None
    lines = text.split("\n")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    end = before + column
    return Span(max(before, end - max(1, len(highlight))), end)


def _open_quote(text: str) -> Span:
    quote, start = "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote, start = character, place
    return Span(start, len(text))

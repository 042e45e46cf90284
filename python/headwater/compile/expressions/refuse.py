"""The refusals of the compiler: what happened, the place in the text, what to write instead.

Every refusal of an expression is made here, so that all read alike. Must never guess a meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.errors import InvalidError, near_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwater.compile.expressions.typed import Span, Typed

LINE_MAX: Final = 100
"""Longest piece of a line shown around a place; a terminal shows it without wrapping."""


class Refusal(Exception):  # noqa: N818  it becomes an InvalidError once the text is known
    """An expression refused at a span of its text (None: all of it)."""

    def __init__(self, code: str, message: str, span: Span | None, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.hint = hint

    def error(self, text: str) -> InvalidError:
        """Return the error that a user sees, with a caret under the place."""
        detail = _pointed(text, self.span)
        return InvalidError(self.message, code=self.code, detail=detail, hint=self.hint)


def _pointed(text: str, span: Span | None) -> str:
    if span is None or not text:
        return text
    start = min(max(span.start, 0), len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start:] if line_end < 0 else text[line_start:line_end]
    column = start - line_start
    width = max(1, min(span.end - start, len(line) - column))
    if len(line) > LINE_MAX:
        cut = max(0, column - LINE_MAX // 2)
        line, column = line[cut : cut + LINE_MAX], column - cut
        width = max(1, min(width, len(line) - column))
    return f"{line}\n{' ' * column}{'^' * width}"


def named(part: Typed) -> str:
    """Return the type of a part in words."""
    return "NULL" if part.type is None else part.type.value


def syntax(message: str, span: Span | None) -> Refusal:
    """Return the refusal of a text that is no expression."""
    return Refusal("expression_syntax", message, span)


def unknown_column(name: str, known: Iterable[str], span: Span) -> Refusal:
    """Return the refusal of a column that is not there."""
    hint = near_names(name, known)
    return Refusal("unknown_column", f"unknown column {name}", span, hint)


def unknown_function(name: str, known: Iterable[str], span: Span) -> Refusal:
    """Return the refusal of a function that expressions do not have."""
    hint = near_names(name, known)
    return Refusal("unknown_function", f"unknown function {name}", span, hint)


def unsupported(what: str, span: Span, hint: str = "") -> Refusal:
    """Return the refusal of something that SQL has and expressions do not."""
    return Refusal("expression_unsupported", f"{what} not supported in an expression", span, hint)


def mismatch(spelled: str, parts: list[Typed], wanted: str, span: Span) -> Refusal:
    """Return the refusal of operands whose types an operation does not take."""
    given = " and ".join(named(part) for part in parts)
    hint = ""
    types = {named(part) for part in parts}
    if types == {"timestamp", "str"}:
        hint = "text is never read as an instant"
    elif "timestamp" in types and types & {"int", "float"}:
        hint = "move an instant by INTERVAL '1 hour'; epoch(t) gives seconds since 1970"
    elif types & {"str", "bool"} and types & {"int", "float"}:
        hint = "CAST or TRY_CAST one side"
    message = f"{spelled} takes {wanted}, not {given}"
    return Refusal("type_mismatch", message, span, hint)

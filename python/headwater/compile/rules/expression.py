"""Expressions compile: columns exist, types fit, and everything has one meaning.

Why: an expression means the same in Rust, in the oracle and in every later engine, or is refused.
Example: `hw.mean("dep_dely")` names no column; `"now() - departed_at"` has no single meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.compile.problems import problem
from headwater.errors import CompileError, InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Origin, Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the view's `where` and the inputs and `where`s of its features."""
    if view.stream is None:
        return
    if view.where is not None:
        yield from _check(
            view, "where", view.where, facts.view_origin(view, argument="where"), facts
        )
    for fact in facts.aggregates(view):
        aggregate = fact.aggregate
        if aggregate.function != "count" or aggregate.input is not None:
            yield from _check(view, "input", aggregate.input, fact.origin, facts)
        if aggregate.where is not None:
            yield from _check(view, "where", aggregate.where, fact.origin, facts)


def _check(
    view: ViewDefinition, what: str, text: Any, origin: Origin, facts: Facts
) -> Iterator[Problem]:
    if isinstance(text, list | tuple):
        return  # a history of several columns: told by rules/not_supported.py
    if not isinstance(text, str):
        yield problem(
            origin,
            "expression",
            f"{what} is {text!r}, not a text",
            hint='an expression is SQL in a string, such as "dep_delay > 15"',
        )
        return
    found = facts.expression(view, text)
    if isinstance(found, CompileError):
        for each in found.problems:
            if each.code == "unknown_column" and _has_unknown_types(view, facts):
                continue  # the column may be there: told by rules/column_type.py
            yield problem(
                origin, each.code, f"{what}: {each.message}", detail=each.detail, hint=each.hint
            )
    elif isinstance(found, InvalidError):
        yield problem(
            origin, found.code, f"{what}: {found.message}", detail=found.detail, hint=found.hint
        )


def _has_unknown_types(view: ViewDefinition, facts: Facts) -> bool:
    stream = view.stream
    return stream is not None and len(facts.columns(stream)) < len(stream.columns)

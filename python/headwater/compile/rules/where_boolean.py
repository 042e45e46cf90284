"""A `where` is a condition: its type is bool.

Why: rows are kept where it is true; a number is neither true nor false here.
Example: `hw.count(where="dep_delay")` is refused; `"dep_delay > 0"` is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the conditions of a view and of its features."""
    conditions = [(view.where, facts.view_origin(view, argument="where"))]
    conditions += [(fact.aggregate.where, fact.origin) for fact in facts.aggregates(view)]
    for text, origin in conditions:
        kind = facts.type_of(view, text)
        if kind is not None and kind is not DataType.BOOL:
            yield problem(
                origin,
                "where_type",
                f"where: {text!r} is {kind}, not bool",
                hint="write a condition, such as a comparison",
            )

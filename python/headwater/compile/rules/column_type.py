"""A stream or table has columns, each an annotation that is one of five types.

Why: a column's type decides how its values are decoded, hashed and stored; nothing is guessed.
Example: `price: decimal.Decimal` and `departed_at: datetime` are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.annotations import shown
from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import SourceDefinition
    from headwater.errors import Problem

TYPES = (
    'types are bool, int, float, str and hw.Timestamp (of integers: hw.Timestamp("ms")),'
    " with | None where null is allowed"
)


def check(source: SourceDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the columns of a stream or table."""
    if not source.columns:
        yield problem(
            facts.source_origin(source),
            "no_columns",
            "it has no columns",
            hint="write one annotation a column, such as carrier: str",
        )
    known = facts.columns(source)
    for column in source.columns:
        if column.name not in known:
            yield problem(
                facts.source_origin(source, column.name),
                "column_type",
                f"column {column.name} has type {shown(column.annotation)}, which no column has",
                hint=TYPES,
            )
    annotated = {each.name for each in source.columns}
    for name in source.strays:
        what = "has a value of its own" if name in annotated else "has no annotation"
        yield problem(
            facts.source_origin(source, name),
            "column_form",
            f"{name} is no column: it {what}",
            hint=f'write "{name}: float" or "{name}: float = hw.field(...)"',
        )

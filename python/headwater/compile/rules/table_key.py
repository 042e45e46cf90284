"""A table names its key columns; they exist and are no floats.

Why: rows replace each other by key, and floats have no reliable equality.
Example: `class Plane(hw.Table, key="tail")`, where the column is `tailnum`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.errors import near_names
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import TableDefinition
    from headwater.errors import Problem


def check(table: TableDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the key of a table."""
    origin = facts.source_origin(table, argument="key")
    if not table.key:
        yield problem(
            origin,
            "table_key",
            "no key is named",
            hint='class Plane(hw.Table, key="tailnum", timeless=True)',
        )
    names = [each.name for each in table.columns]
    for position, column in enumerate(table.key):
        if column not in names:
            yield problem(
                origin,
                "unknown_column",
                f"key column {column} does not exist",
                hint=near_names(str(column), names),
            )
            continue
        if column in table.key[:position]:
            yield problem(origin, "table_key", f"key column {column} is named twice")
        known = facts.columns(table).get(column)
        if known is not None and known.type is DataType.FLOAT:
            yield problem(
                origin,
                "key_type",
                f"key column {column} is float",
                hint="a key is bool, int, str or timestamp: floats have no reliable equality",
            )

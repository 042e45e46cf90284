"""A table says from when its rows are valid in one way only.

Why: a row valid at the wrong time leaks the future into training sets.
Example: `timeless=True` together with `valid_from=`; `delay=` without `valid_from=`.
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
    """Check the time of a table."""
    if table.timeless:
        for name in ("valid_from", "delay", "ttl"):
            if getattr(table, name) is not None:
                yield problem(
                    facts.source_origin(table, argument=name),
                    "table_time",
                    f"timeless=True and {name}= exclude each other",
                    hint="a timeless row counts at every instant; leave one of them out",
                )
        return
    if table.delay is not None and table.valid_from is None:
        yield problem(
            facts.source_origin(table, argument="delay"),
            "table_time",
            "delay= is given without valid_from=",
            hint="without valid_from= a row is valid from its arrival, which no delay changes",
        )
    if table.valid_from is not None:
        yield from _check_column(table, table.valid_from, facts)


def _check_column(table: TableDefinition, column: str, facts: Facts) -> Iterator[Problem]:
    names = [each.name for each in table.columns]
    if column not in names:
        yield problem(
            facts.source_origin(table, argument="valid_from"),
            "unknown_column",
            f"valid_from column {column} does not exist",
            hint=near_names(str(column), names),
        )
        return
    known = facts.columns(table).get(column)
    if known is None or (known.type is DataType.TIMESTAMP and not known.nullable):
        return
    what = "may be null" if known.type is DataType.TIMESTAMP else f"is {known.type}"
    yield problem(
        facts.source_origin(table, column),
        "time_column",
        f"valid_from column {column} {what}",
        hint=f'write "{column}: hw.Timestamp"',
    )

"""`id=` and `order=` of a stream name columns that can identify and order events.

Why: they decide ties and repeats, so a misspelt one would silently change values.
Example: `order="sequence"` where the column is `seq`; an `id` that is a float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.errors import near_names
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import StreamDefinition
    from headwater.errors import Problem

ALLOWED = {
    "id": (DataType.INT, DataType.STR),
    "order": (DataType.INT, DataType.FLOAT, DataType.STR, DataType.TIMESTAMP),
}


def check(stream: StreamDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the id and the order of a stream."""
    names = [each.name for each in stream.columns]
    for argument, column in (("id", stream.id), ("order", stream.order)):
        if column is None:
            continue
        origin = facts.source_origin(stream, argument=argument)
        if column not in names:
            yield problem(
                origin,
                "unknown_column",
                f"{argument} column {column} does not exist",
                hint=near_names(str(column), names),
            )
            continue
        known = facts.columns(stream).get(column)
        if known is not None and known.type not in ALLOWED[argument]:
            allowed = ", ".join(ALLOWED[argument])
            yield problem(
                origin,
                "column_type",
                f"{argument} column {column} is {known.type}",
                hint=f"it must be one of: {allowed}",
            )

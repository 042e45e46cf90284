"""A stream names its event-time column, a `hw.Timestamp` that is never null.

Why: every window and every order of events stands on it.
Example: `class Departure(hw.Stream, time="departed")`, where the column is `departed_at`.
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


def check(stream: StreamDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the time of a stream."""
    origin = facts.source_origin(stream, argument="time")
    if stream.time is None:
        yield problem(
            origin,
            "time_column",
            "no event-time column is named",
            hint='class Departure(hw.Stream, time="departed_at") with departed_at: hw.Timestamp',
        )
        return
    names = [each.name for each in stream.columns]
    if stream.time not in names:
        hint = near_names(str(stream.time), names)
        yield problem(origin, "time_column", f"time column {stream.time} does not exist", hint=hint)
        return
    known = facts.columns(stream).get(stream.time)
    if known is None:
        return
    column = facts.source_origin(stream, stream.time)
    if known.type is not DataType.TIMESTAMP:
        yield problem(
            column,
            "time_column",
            f"time column {stream.time} is {known.type}, not a timestamp",
            hint=f'write "{stream.time}: hw.Timestamp"; integers need a unit, hw.Timestamp("ms")',
        )
    elif known.nullable:
        yield problem(
            column,
            "time_column",
            f"time column {stream.time} may be null",
            hint='leave out "| None": an event without time has no place in any window',
        )

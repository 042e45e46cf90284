"""Options of a stream that need another, or that do not exist yet, are refused.

Why: an option that does nothing is worse than an error.
Example: `dedup="1d"` without `id=` has nothing to compare; `readback=` is not there yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import StreamDefinition
    from headwater.errors import Problem

NOT_YET = ("subject", "readback")


def check(stream: StreamDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the options of a stream."""
    if stream.dedup is not None and stream.id is None:
        yield problem(
            facts.source_origin(stream, argument="dedup"),
            "dedup_without_id",
            "dedup= is given without id=",
            hint='name the column that identifies an event, such as id="flight_id"',
        )
    for name in NOT_YET:
        if getattr(stream, name) is not None:
            yield problem(
                facts.source_origin(stream, argument=name),
                "not_supported",
                f"{name}= is not supported yet",
                hint="leave it out",
            )

"""`n=` lies between 1 and the view's `events_max`, itself a bound that a row can hold.

Why: every list has a bound, and a key never keeps more events than its view allows.
Example: `hw.last("x", n=0)`; `n=200_000` where `events_max` is the default 100,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem

EVENTS_MAX_LIMIT = 10_000_000
"""Raw events of one key: at 16 bytes or more each, past this a row is no row any longer."""


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the bounds of a view and of its lists."""
    if not _within(view.events_max, EVENTS_MAX_LIMIT):
        yield problem(
            facts.view_origin(view, argument="events_max"),
            "events_max",
            f"events_max is {view.events_max!r}",
            hint=f"it is an integer between 1 and {EVENTS_MAX_LIMIT:,}",
        )
        return
    for fact in facts.aggregates(view):
        n = fact.aggregate.n
        if n is not None and not _within(n, view.events_max):
            yield problem(
                fact.origin,
                "last_n",
                f"n of {fact.aggregate.function} is {n!r}",
                hint=f"it is an integer between 1 and events_max, {view.events_max:,}",
            )


def _within(value: Any, greatest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= greatest

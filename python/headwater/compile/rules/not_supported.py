"""What the surface names but no kernel folds yet is refused by name.

Why: a definition that compiles must mean something everywhere. Each later family takes its line
out of here. Example: `.over(hw.session("30m"))`, `hw.last("x", n=5, distinct=True)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.define import LastEvents, Session, Tumbling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import AggregateFact, Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem

WINDOWS = {
    Tumbling: "hw.tumbling windows",
    Session: "hw.session windows",
    LastEvents: "hw.last_events windows",
}


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check a view for what is planned."""
    for fact in facts.aggregates(view):
        for what, hint in dict.fromkeys(_found(fact)):
            yield problem(fact.origin, "not_supported", f"{what} not supported yet", hint=hint)


def _found(fact: AggregateFact) -> Iterator[tuple[str, str]]:
    windows = 'windows are durations such as "24h", and hw.lifetime()'
    for over, window in fact.windows():
        if type(window) in WINDOWS:
            yield f"{WINDOWS[type(window)]} are", windows
        if over.delay is not None:
            yield "delay= is", "leave it out: windows end at t"
    aggregate = fact.aggregate
    if aggregate.distinct:
        yield f"distinct= of {aggregate.function} is", "leave it out"
    if aggregate.function == "first" and aggregate.n is not None:
        yield "n= of first is", "hw.last(x, n=) makes lists"
    if isinstance(aggregate.input, list | tuple):
        yield f"{aggregate.function} of several columns is", "give one column or expression"

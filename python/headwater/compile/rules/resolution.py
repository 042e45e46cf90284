"""A declared resolution is `exact` or a step of the ladder, and not above its window.

Why: windows share their buckets, which works only when every step divides the next.
Example: `.over("24h", resolution="7m")` is off the ladder; `.over("1h", resolution="3h")` is above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.facts import known_duration_us
from headwater.compile.ladder import LADDER, LADDER_US
from headwater.compile.problems import problem
from headwater.define import Lifetime, Sliding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import AggregateFact, Facts
    from headwater.define import Over, ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the resolutions of a view's windows."""
    for fact in facts.aggregates(view):
        for over in fact.aggregate.overs:
            if over.resolution is not None:
                yield from _check(fact, over)


def _check(fact: AggregateFact, over: Over) -> Iterator[Problem]:
    step_us = known_duration_us(over.resolution)
    if over.resolution != "exact" and step_us not in LADDER_US:
        yield problem(
            fact.origin,
            "resolution",
            f"resolution {over.resolution} is not a step of the ladder",
            hint=f'"exact", or one of: {", ".join(LADDER)}',
        )
        return
    for window in over.windows:
        if isinstance(window, Lifetime):
            yield problem(
                fact.origin,
                "resolution",
                f"resolution {over.resolution} means nothing for a lifetime",
                hint="give hw.lifetime() an .over(...) of its own",
            )
        if not isinstance(window, Sliding) or step_us is None:
            continue
        width_us = known_duration_us(window.width)
        if width_us is not None and step_us > width_us > 0:
            yield problem(
                fact.origin,
                "resolution",
                f"resolution {over.resolution} is above its window {window.width}",
                hint="a window holds at least one step; leave resolution= out for the default",
            )

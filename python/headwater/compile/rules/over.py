"""Every aggregate says over which windows; `.named` stands after exactly one.

Why: an aggregate over all of time is rarely meant, and a name for two windows would clash.
Example: `hw.count()` alone is refused; `hw.count().over(hw.lifetime())` says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check that each aggregate of a view has windows."""
    for fact in facts.aggregates(view):
        named = [each for each in fact.aggregate.overs if each.name is not None]
        for over in named:
            if len(over.windows) != 1:
                yield problem(
                    fact.origin,
                    "named",
                    f".named({over.name!r}) follows {len(over.windows)} windows",
                    hint='it names exactly one: .over("24h", resolution="exact").named("...")',
                )
        if not named and not any(fact.windows()):
            yield problem(
                fact.origin,
                "no_window",
                f"{fact.aggregate.function} has no window",
                hint='say over which: .over("24h"), or .over(hw.lifetime()) for all events',
            )

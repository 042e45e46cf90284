"""Names are unique without regard to case within their kind; streams and tables are one kind.

Why: names become URLs, columns in snake case, and files on systems that ignore case.
Example: two classes `Departure`, from two modules, unless they are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headwater.compile.collect import Collected
    from headwater.compile.facts import Facts
    from headwater.errors import Origin, Problem


def check(collected: Collected, facts: Facts) -> Iterator[Problem]:
    """Check all kinds."""
    yield from _check((each.name, facts.source_origin(each)) for each in collected.sources())
    yield from _check((each.name, facts.view_origin(each)) for each in collected.views)
    yield from _check((each.name, facts.entity_origin(each)) for each in collected.entities)
    yield from _check((each.name, facts.service_origin(each)) for each in collected.services)


def _check(named: Iterable[tuple[str, Origin]]) -> Iterator[Problem]:
    seen: dict[str, Origin] = {}
    for name, origin in named:
        other = seen.setdefault(str(name).casefold(), origin)
        if other is not origin:
            at = other.location()
            place = "" if at is None else f" at {at}"
            yield problem(
                origin,
                "name_clash",
                f"the name is taken by {other.definition}{place}",
                hint="names are unique without regard to case; rename one of them",
            )

"""`timeless=` and `include_current=` are True or False.

Why: the text `"no"` would count as true.
Example: `class Plane(hw.Table, key="tailnum", timeless="no")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import TableDefinition, ViewDefinition
    from headwater.errors import Origin, Problem


def check_table(table: TableDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the flag of a table."""
    yield from _check("timeless", table.timeless, facts.source_origin(table, argument="timeless"))


def check_view(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the flag of a view."""
    origin = facts.view_origin(view, argument="include_current")
    yield from _check("include_current", view.include_current, origin)


def _check(name: str, value: Any, origin: Origin) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield problem(origin, "flag", f"{name} is {value!r}", hint="it is True or False")

"""No two output columns of a view are called the same.

Why: an answer is read by column name. `resolution=` adds nothing to a name, so two resolutions of
one window clash. Example: `.over("24h").over("24h", resolution="exact")`: name the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.facts import output_column
from headwater.compile.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the output columns of a view."""
    taken: dict[str, str] = {}
    for fact in facts.aggregates(view):
        for over, window in fact.windows():
            if over.name is not None and len(over.windows) > 1:
                continue  # told by rules/over.py
            column = output_column(view, fact, over, window)
            if column not in taken:
                taken[column] = fact.name
                continue
            yield problem(
                fact.origin,
                "column_clash",
                f"output column {column} is taken by feature {taken[column]}",
                hint='give one window a name of its own: .over("24h").named("...")',
            )

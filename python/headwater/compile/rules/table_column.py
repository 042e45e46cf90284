"""`hw.column` names a column of the view's table.

Why: a misspelt column would be null for ever.
Example: `hw.column("temperature")`, where the column is `temp`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.errors import near_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the columns that a view takes from its table."""
    if view.table is None:
        return
    names = [each.name for each in view.table.columns]
    for _, feature, origin in facts.table_columns(view):
        if feature.source not in names:
            yield problem(
                origin,
                "unknown_column",
                f"table {view.table.name} has no column {feature.source}",
                hint=near_names(str(feature.source), names),
            )

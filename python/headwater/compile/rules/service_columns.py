"""No two output columns of a service are called the same.

Why: an answer and a training set are read by column name.
Example: a service that lists a view and, again, one of its features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.names import feature_column, role_column, table_column
from headwater.compile.problems import problem
from headwater.compile.service import picked, windows_picked
from headwater.define import Aggregate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.compile.service import Picked
    from headwater.define import FeatureService
    from headwater.errors import Problem


def check(service: FeatureService, facts: Facts) -> Iterator[Problem]:
    """Check the output columns of a service."""
    taken: dict[str, str] = {}
    told: set[str] = set()
    for part in map(picked, service.features):
        for column in _columns(part):
            if column not in taken:
                taken[column] = part.view.name
            elif column not in told:
                told.add(column)
                yield problem(
                    facts.service_origin(service),
                    "column_clash",
                    f"output column {column} comes twice,"
                    f" from view {taken[column]} and from view {part.view.name}",
                    hint='list it once, or read one in a role: View.as_("role", ...)',
                )


def _columns(part: Picked) -> list[str]:
    role = None if part.role is None else part.role.name
    columns: list[str] = []
    for name, feature in part.view.features:
        if part.feature not in (None, name):
            continue
        if not isinstance(feature, Aggregate):
            columns.append(table_column(part.view.name, name))
            continue
        made = [
            feature_column(part.view.name, name, over, window)
            for over in feature.overs
            for window in over.windows
        ]
        if part.window is not None:
            made = [made[each] for each in windows_picked(feature, part.window)]
        columns += dict.fromkeys(made)  # two of one feature: told by rules/column_clash.py
    return [role_column(role, each) for each in columns]

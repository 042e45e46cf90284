"""A service lists something, and the windows that it picks exist.

Why: a model without features is a slip; a window picked as `1d` where `24h` was written is one too.
Example: `CarrierPunctuality.late_share["48h"]`, where the windows are 24h and 7d.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.compile.service import picked, window_names, windows_picked
from headwater.define import Aggregate
from headwater.errors import near_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import FeatureService
    from headwater.errors import Problem


def check(service: FeatureService, facts: Facts) -> Iterator[Problem]:
    """Check the list of a service."""
    origin = facts.service_origin(service)
    if not service.features:
        yield problem(
            origin,
            "service_empty",
            "it lists no features",
            hint='list views, View.feature or View.feature["24h"]',
        )
    for pick in service.features:
        part = picked(pick)
        if part.window is None:
            continue
        feature = dict(part.view.features)[str(part.feature)]
        shown = f"{part.view.name}.{part.feature}"
        if not isinstance(feature, Aggregate):
            yield problem(
                origin,
                "unknown_window",
                f"{shown} is a column of a table and has no windows",
                hint=f"write {shown}",
            )
            continue
        found = windows_picked(feature, part.window)
        names = [each[0] for each in window_names(feature)]
        if not found:
            yield problem(
                origin,
                "unknown_window",
                f"{shown} has no window {part.window}",
                hint=near_names(str(part.window), names),
            )
        elif len(found) > 1:
            yield problem(
                origin,
                "ambiguous_window",
                f"{shown} has {len(found)} windows {part.window}",
                hint=f"pick one by its name: {', '.join(names[each] for each in found)}",
            )

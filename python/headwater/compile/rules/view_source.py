"""A view folds a stream or looks up a table, for at least one entity, and has features.

Why: aggregates need events, `hw.column` needs a table, and neither means anything without a key.
Example: a view with both `stream=` and `table=`; `hw.column` in a view of a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.define import Aggregate
from headwater.define.view import EVENTS_MAX_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check what a view is made of."""
    origin = facts.view_origin(view)
    if (view.stream is None) == (view.table is None):
        given = "neither stream= nor table=" if view.stream is None else "both stream= and table="
        yield problem(
            origin,
            "view_source",
            f"it has {given}",
            hint="a view folds one stream or looks up one table",
        )
    if not view.entities:
        yield problem(
            origin,
            "view_entity",
            "it has no entity",
            hint='entity=carrier, where carrier = hw.Entity("carrier", keys={"carrier": str})',
        )
    if not view.features:
        yield problem(
            origin,
            "no_features",
            "it has no features",
            hint='write one attribute a feature, such as departures = hw.count().over("24h")',
        )
    for name in view.strays:
        yield problem(
            facts.view_origin(view, name),
            "no_feature",
            f"{name} is no feature",
            hint="attributes of a view are aggregates or hw.column; keep the rest outside",
        )
    if (view.stream is None) != (view.table is None):
        yield from _check_kind(view, facts)


def _check_kind(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    folds = view.stream is not None
    for name, feature in view.features:
        if isinstance(feature, Aggregate) != folds:
            message = "hw.column needs a table" if folds else "an aggregate needs a stream"
            other = "aggregates such as hw.last" if folds else 'hw.column("temp")'
            yield problem(
                facts.view_origin(view, name),
                "feature_kind",
                message,
                hint=f"features of a view of a {'stream' if folds else 'table'} are {other}",
            )
    if folds:
        return
    given = {
        "where": view.where is not None,
        "include_current": view.include_current,
        "events_max": view.events_max != EVENTS_MAX_DEFAULT,
    }
    for name, is_given in given.items():
        if is_given:
            yield problem(
                facts.view_origin(view, argument=name),
                "view_option",
                f"{name}= means nothing for a table",
                hint="leave it out",
            )

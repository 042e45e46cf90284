"""A default has the type of its feature; an integer serves as a float, nothing else is coerced.

Why: a column of answers has one type, with or without data.
Example: `hw.mean("dep_delay", default="none")`, where the mean is a float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.defaults import fits
from headwater.compile.problems import problem
from headwater.compile.result_types import result_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the defaults of a view's features."""
    kinds = [
        (fact.origin, fact.aggregate.default, result_type(fact.aggregate, of))
        for fact in facts.aggregates(view)
        for of in [facts.type_of(view, fact.aggregate.input)]
    ]
    if view.table is not None:
        known = facts.columns(view.table)
        kinds += [
            (origin, feature.default, result_type(None, known[feature.source].type))
            for _, feature, origin in facts.table_columns(view)
            if feature.source in known
        ]
    for origin, default, kind in kinds:
        if default is not None and kind is not None and not fits(default, kind):
            yield problem(
                origin,
                "default_type",
                f"default {default!r} is no {kind}",
                hint=f"the feature is {kind}",
            )

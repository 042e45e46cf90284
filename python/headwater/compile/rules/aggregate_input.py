"""An aggregate's input has a type that it can take.

Why: the sum of strings or the mean of instants has no meaning.
Example: `hw.sum("carrier")`, where `carrier` is a string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.compile.result_types import INPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the inputs of a view's aggregates."""
    for fact in facts.aggregates(view):
        function, text = fact.aggregate.function, fact.aggregate.input
        kind = facts.type_of(view, text)
        if kind is not None and kind not in INPUTS[function]:
            takers = [name for name, kinds in INPUTS.items() if kind in kinds]
            yield problem(
                fact.origin,
                "input_type",
                f"{function} cannot take {text!r}, which is {kind}",
                hint=f"{kind} is taken by: {', '.join(takers)}",
            )

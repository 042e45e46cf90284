"""Windows are durations longer than nothing.

Why: `"24 hours"` and `"0s"` are slips, and a window is repeated in the column's name as written.
Example: `.over("1M")` is refused; `"30d"` is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.define import Lifetime, Sliding
from headwater.define.window import LastEvents, Session, Tumbling
from headwater.errors import InvalidError
from headwater.types import duration_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the lengths of a view's windows."""
    for fact in facts.aggregates(view):
        for _, window in fact.windows():
            if isinstance(window, Sliding):
                try:
                    if duration_us(window.width) > 0:
                        continue
                    message, hint = f"window {window.width} is empty", "a window has a length"
                except InvalidError as error:
                    message, hint = f"window {error.message}", error.hint
                yield problem(fact.origin, "duration", message, hint=hint)
            elif not isinstance(window, Lifetime | Tumbling | Session | LastEvents):
                yield problem(
                    fact.origin,
                    "window",
                    f"{window!r} is no window",
                    hint='a window is a duration such as "24h", or hw.lifetime()',
                )

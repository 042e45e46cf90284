"""One feature does not spell one length in two ways.

Why: columns repeat a window as written, so `x_24h` and `x_1d` would be one value under two names.
Example: `.over("24h", "1d")` is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.facts import known_duration_us
from headwater.compile.problems import problem
from headwater.define import Sliding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import ViewDefinition
    from headwater.errors import Problem


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the spelling of a view's windows."""
    for fact in facts.aggregates(view):
        spelt: dict[int, str] = {}
        for _, window in fact.windows():
            width_us = known_duration_us(window.width) if isinstance(window, Sliding) else None
            if width_us is None or not isinstance(window, Sliding):
                continue
            other = spelt.setdefault(width_us, window.width)
            if other != window.width:
                yield problem(
                    fact.origin,
                    "window_spelling",
                    f"{other} and {window.width} are the same window",
                    hint="spell it one way",
                )

"""Durations of streams and tables are an integer and one of `s m h d w`.

Why: one form everywhere, and `1M` could be a minute or a month.
Example: `lateness="15 min"` is refused; `"15m"` is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.problems import problem
from headwater.define import StreamDefinition
from headwater.errors import InvalidError
from headwater.types import duration_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import SourceDefinition
    from headwater.errors import Problem

STREAM_DURATIONS: tuple[str, ...] = ("lateness", "skew", "dedup", "max_age", "idle")
TABLE_DURATIONS: tuple[str, ...] = ("delay", "ttl")
ALWAYS = frozenset({"lateness", "skew", "idle"})


def check(source: SourceDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the durations of a stream or table."""
    names = STREAM_DURATIONS if isinstance(source, StreamDefinition) else TABLE_DURATIONS
    for name in names:
        text = getattr(source, name)
        if text is None and name not in ALWAYS:
            continue
        try:
            duration_us(text)
        except InvalidError as error:
            yield problem(
                facts.source_origin(source, argument=name),
                "duration",
                f"{name}: {error.message}",
                hint=error.hint,
            )

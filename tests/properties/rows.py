"""Random rows of streams and tables, drawn where a rule has its edge.

A row a microsecond to the wrong side of a window, a horizon or a time to live is what a fault in a
rule moves, so half of all rows lie on such an edge of a question of their own key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

SECOND = 1_000_000
BASE_US = 1_767_225_600 * SECOND  # 2026-01-01T00:00Z, a boundary of every resolution
SKEW_US = 600 * SECOND
NUMBERS = [0.0, -0.0, 1.5, 0.1, -2.25, 1e9, 1e-9, 123456.78, float("nan"), float("inf")]
INTEGERS = [0, 1, 2, 3, -7, 2**40, 2**62, -(2**63), 2**63 - 1]

Question = tuple[dict[str, Any], int]
Arrived = tuple[dict[str, Any], int]
OFF = st.sampled_from([0, 0, 0, -1, 1])


@dataclass(frozen=True)
class Rules:
    """What decides about the rows of a world, in microseconds."""

    windows: list[tuple[int, int | None]]  # width, resolution
    dedup: int | None
    max_age: int | None
    delay: int
    ttl: int | None


@st.composite
def instants(draw: st.DrawFn) -> int:
    """An instant near boundaries: whole steps on from the base, give or take a microsecond."""
    step = draw(st.sampled_from([0, 1, 10, 60, 300, 3_600, 10_800, 43_200, 86_400]))
    count = draw(st.integers(0, 60))
    return BASE_US + step * count * SECOND + draw(st.sampled_from([-1, 0, 0, 0, 1]))


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A key and an instant, on both sides of what has arrived."""
    keys = {
        "k": draw(st.sampled_from(["a", "a", "b", "never", None])),
        "g": draw(st.sampled_from([1, 1, 2, 9])),
    }
    return keys, draw(instants()) + draw(st.sampled_from([0, 0, 1, 86_400 * 40 * SECOND]))


def edges(t: int, windows: list[tuple[int, int | None]]) -> list[int]:
    """Where the windows of a question at `t` begin, floored to their resolutions, and end."""
    starts = [t - width if step is None else (t - width) // step * step for width, step in windows]
    return [t, *starts]


@st.composite
def events(draw: st.DrawFn, asked: list[Question], rules: Rules) -> list[Arrived]:
    """Events in order of arrival, on few keys, around what is asked: late, early, repeated."""
    delays = [0, 0, 1, SECOND, 700 * SECOND, 90_000 * SECOND, -SECOND, -SKEW_US, -SKEW_US - 1]
    if rules.max_age is not None:
        delays += 3 * [rules.max_age, rules.max_age + 1]
    out: list[Arrived] = []
    for number in range(draw(st.integers(0, 40))):
        row = {
            "at": draw(instants()),
            "k": draw(st.sampled_from(["a", "a", "a", "b", None])),
            "g": draw(st.sampled_from([1, 1, 2, None])),
            "x": draw(st.sampled_from([None, *NUMBERS])),
            "n": draw(st.sampled_from([None, *INTEGERS])),
            "b": draw(st.sampled_from([None, True, False])),
            "s": draw(st.sampled_from([None, "", "a", "é", "b"])),
            "seen": draw(st.one_of(st.none(), instants())),
            "event": draw(st.sampled_from([f"e{number}", f"e{number}", "e0"])),
        }
        place = draw(st.sampled_from(["edge", "edge", "edge", "anywhere", "repeat"]))
        if place == "edge":
            keys, t = draw(st.sampled_from(asked))
            row |= {**keys, "at": draw(st.sampled_from(edges(t, rules.windows))) + draw(OFF)}
        arrived_at = row["at"] + draw(st.sampled_from(delays))
        if place == "repeat" and out and rules.dedup is not None:
            first, first_at = draw(st.sampled_from(out))
            row |= {name: first[name] for name in ("event", "at", "k", "g")}
            arrived_at = first_at + rules.dedup + draw(st.sampled_from([0, 1]))
        out.append((row, arrived_at))
    return sorted(out, key=lambda pair: pair[1])


@st.composite
def table_rows(draw: st.DrawFn, asked: list[Question], rules: Rules) -> list[Arrived]:
    """Rows of a table in order of arrival; many become valid, or too old, just when asked."""
    out: list[Arrived] = []
    for _ in range(draw(st.integers(0, 12))):
        keys, t = draw(st.sampled_from(asked))
        edge = draw(st.sampled_from([t - rules.delay, t - (rules.ttl or 0)]))
        row = {
            "k": keys["k"] or "a",
            "since": draw(st.one_of(st.just(edge + draw(OFF)), instants())),
            "x": draw(st.sampled_from([None, *NUMBERS])),
            "n": draw(st.sampled_from([None, *INTEGERS])),
        }
        # Valid from arrival, where nothing else is declared: then the edges are those of arrivals.
        out.append((row, row["since"] + draw(st.sampled_from([0, 0, 1, SECOND, 90_000 * SECOND]))))
    return sorted(out, key=lambda pair: pair[1])

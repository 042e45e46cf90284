"""Random definitions, events and questions: small enough to be read when one fails.

Instants cluster on window boundaries and ties, since that is where a fold goes wrong.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import headwater as hw

SECOND = 1_000_000
BASE_US = 1_767_225_600 * SECOND  # 2026-01-01T00:00Z, a boundary of every resolution
# Widths and their default resolutions in seconds; below 48 s a window is exact.
RESOLUTIONS = {
    "10s": (10, None),
    "1m": (60, 1),
    "5m": (300, 5),
    "1h": (3_600, 60),
    "24h": (86_400, 1_800),
    "7d": (604_800, 10_800),
    "30d": (2_592_000, 43_200),
}
WINDOWS = list(RESOLUTIONS)
EXPRESSIONS = {
    "any": ["x", "n", "b", "s", "seen"],
    "number": ["x", "n", "b", "x > 1.5", "n * 2", "x / n", "n % 3 = 0", "n + 1", "x - n"],
    "where": ["b", "x > 0", "n > 1 and x is not null", "s = 'a' or s is null", "not b"],
}
NUMBERS = [0.0, -0.0, 1.5, 0.1, -2.25, 1e9, 1e-9, 123456.78, float("nan"), float("inf")]
INTEGERS = [0, 1, 2, 3, -7, 2**40, 2**62, -(2**63), 2**63 - 1]


@dataclass(frozen=True)
class Case:
    """One random world: definitions, rows with their arrivals, and questions."""

    stream: type
    views: list[type]
    service: Any
    rows: list[tuple[dict[str, Any], int]]
    splits: list[int]
    questions: list[tuple[dict[str, Any], int]]


@st.composite
def instants(draw: st.DrawFn) -> int:
    """An instant near boundaries: whole steps back from the base, give or take a microsecond."""
    step = draw(st.sampled_from([0, 1, 10, 60, 300, 3_600, 10_800, 43_200, 86_400]))
    count = draw(st.integers(0, 60))
    return BASE_US + step * count * SECOND + draw(st.sampled_from([-1, 0, 0, 0, 1]))


def edges(asked: list[int]) -> list[int]:
    """Where a window of a question begins or ends, floored to its resolution or not."""
    out = set(asked)
    for t in asked:
        for width, resolution in RESOLUTIONS.values():
            start = t - width * SECOND
            out.add(start)
            if resolution is not None:
                out.add(start // (resolution * SECOND) * resolution * SECOND)
    return sorted(out)


@st.composite
def rows(draw: st.DrawFn, asked: list[int]) -> list[tuple[dict[str, Any], int]]:
    """Rows in order of arrival, on few keys, around what is asked; late, early, tied."""
    near = st.builds(
        lambda edge, off: edge + off,
        st.sampled_from(edges(asked)),
        st.sampled_from([0, 0, 0, -1, 1]),
    )
    out = []
    for number in range(draw(st.integers(0, 40))):
        happened_at = draw(st.one_of(near, near, instants()))
        delay = draw(st.sampled_from([0, 0, 1, SECOND, 700 * SECOND, 90_000 * SECOND, -SECOND]))
        row = {
            "at": happened_at,
            "k": draw(st.sampled_from(["a", "a", "a", "b", None])),
            "g": draw(st.sampled_from([1, 1, 2, None])),
            "x": draw(st.sampled_from([None, *NUMBERS])),
            "n": draw(st.sampled_from([None, *INTEGERS])),
            "b": draw(st.sampled_from([None, True, False])),
            "s": draw(st.sampled_from([None, "", "a", "é", "b"])),
            "seen": draw(st.one_of(st.none(), instants())),
            "event": draw(st.sampled_from([f"e{number}", f"e{number}", "e0"])),
        }
        out.append((row, happened_at + delay))
    return sorted(out, key=lambda pair: pair[1])


@st.composite
def aggregates(draw: st.DrawFn) -> Any:
    """One aggregate over one to three windows."""
    name = draw(st.sampled_from(["count", "sum", "mean", "min", "max", "first", "last", "last_n"]))
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        options["where"] = draw(st.sampled_from(EXPRESSIONS["where"]))
    if name == "count":
        inputs = draw(st.sampled_from([(), ("x",), ("s",)]))
    elif name in ("sum", "mean"):
        inputs = (draw(st.sampled_from(EXPRESSIONS["number"])),)
    else:
        inputs = (draw(st.sampled_from(EXPRESSIONS["any"])),)
    if name == "last_n":
        options["n"] = draw(st.integers(1, 4))
        name = "last"
    made = getattr(hw, name)(*inputs, **options)
    kind = draw(st.sampled_from(["sliding", "sliding", "exact", "lifetime"]))
    if kind == "lifetime":
        return made.over(hw.lifetime())
    widths = draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=3, unique=True))
    return made.over(*widths, resolution="exact") if kind == "exact" else made.over(*widths)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A whole world."""
    options: dict[str, Any] = {"time": "at", "skew": "10m"}
    if draw(st.booleans()):
        options |= {"id": "event", "dedup": draw(st.sampled_from(["1s", "1d"]))}
    if draw(st.booleans()):
        options["order"] = draw(st.sampled_from(["n", "s"]))
    stream = types.new_class("Happening", (hw.Stream,), options, _columns)
    by_key = hw.Entity("thing", keys={"k": str})
    by_pair = hw.Entity("pair", keys={"k": str, "g": int})
    views = []
    for number in range(draw(st.integers(1, 3))):
        features = draw(st.lists(aggregates(), min_size=1, max_size=4))
        body = {f"f{place}": feature for place, feature in enumerate(features)}
        settings: dict[str, Any] = {
            "stream": stream,
            "entity": draw(st.sampled_from([by_key, by_key, by_pair])),
            "include_current": draw(st.booleans()),
            "events_max": draw(st.sampled_from([4, 100_000])),
        }
        if draw(st.booleans()):
            settings["where"] = draw(st.sampled_from(EXPRESSIONS["where"]))
        name = f"View{number}"
        views.append(types.new_class(name, (hw.FeatureView,), settings, _filler(body)))
    asked = draw(st.lists(questions(), min_size=1, max_size=8))
    happened = draw(rows([t for _, t in asked]))
    return Case(
        stream=stream,
        views=views,
        service=hw.FeatureService("service", views),
        rows=happened,
        splits=draw(st.lists(st.integers(0, len(happened)), max_size=4)),
        questions=asked,
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """A key and an instant, on both sides of what has arrived."""
    keys = {
        "k": draw(st.sampled_from(["a", "a", "b", "never", None])),
        "g": draw(st.sampled_from([1, 1, 2, 9])),
    }
    return keys, draw(instants()) + draw(st.sampled_from([0, 0, 1, 86_400 * 40 * SECOND]))


def _columns(body: dict[str, Any]) -> None:
    body["__doc__"] = "Something happened."
    body["__annotations__"] = {
        "at": hw.Timestamp,
        "k": str | None,
        "g": int | None,
        "x": float | None,
        "n": int | None,
        "b": bool | None,
        "s": str | None,
        "seen": hw.Timestamp | None,
        "event": str,
    }


def _filler(features: dict[str, Any]) -> Any:
    def fill(body: dict[str, Any]) -> None:
        body["__doc__"] = "Random features."
        body.update(features)

    return fill

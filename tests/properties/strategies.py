"""Random worlds: definitions, rows and questions, small enough to be read when one fails.

Instants cluster on edges of rules and on ties, since that is where a fold goes wrong.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.properties.rows import (
    SECOND,
    SKEW_US,
    Arrived,
    Question,
    Rules,
    events,
    questions,
    table_rows,
)

import headwater as hw

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
LENGTHS = {"1s": 1, "1h": 3_600, "1d": 86_400}
EXPRESSIONS = {
    "any": ["x", "n", "b", "s", "seen"],
    "number": ["x", "n", "b", "x > 1.5", "n * 2", "x / n", "n % 3 = 0", "n + 1", "x - n"],
    "where": ["b", "x > 0", "n > 1 and x is not null", "s = 'a' or s is null", "not b"],
}


@dataclass(frozen=True)
class Case:
    """One random world: definitions, rows with their arrivals, and questions."""

    stream: type
    views: list[type]
    service: Any
    table: type
    rows: list[Arrived]
    table_rows: list[Arrived]
    splits: list[int]
    questions: list[Question]


@st.composite
def aggregates(draw: st.DrawFn) -> tuple[Any, list[tuple[int, int | None]]]:
    """One aggregate over one to three windows, and these windows."""
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
        return made.over(hw.lifetime()), []
    widths = draw(st.lists(st.sampled_from([*RESOLUTIONS]), min_size=1, max_size=3, unique=True))
    exact = kind == "exact"
    windows = [
        (width * SECOND, None if exact or step is None else step * SECOND)
        for width, step in (RESOLUTIONS[text] for text in widths)
    ]
    return (made.over(*widths, resolution="exact") if exact else made.over(*widths)), windows


@st.composite
def streams(draw: st.DrawFn) -> tuple[type, dict[str, int | None]]:
    """A stream, and its horizons in microseconds."""
    options: dict[str, Any] = {"time": "at", "skew": f"{SKEW_US // SECOND}s"}
    dedup = draw(st.sampled_from([None, "1s", "1d"]))
    max_age = draw(st.sampled_from([None, None, "1h"]))
    if dedup is not None:
        options |= {"id": "event", "dedup": dedup}
    if max_age is not None:
        options["max_age"] = max_age
    if draw(st.booleans()):
        options["order"] = draw(st.sampled_from(["n", "s"]))
    stream = types.new_class("Happening", (hw.Stream,), options, _columns)
    return stream, {"dedup": _length(dedup), "max_age": _length(max_age)}


@st.composite
def tables(draw: st.DrawFn) -> tuple[type, dict[str, Any]]:
    """A table, and its delay and time to live in microseconds."""
    kind = draw(st.sampled_from(["from a column", "from a column", "from arrival", "timeless"]))
    delay = draw(st.sampled_from([None, "1h"])) if kind == "from a column" else None
    ttl = draw(st.sampled_from([None, "1s", "1d"])) if kind != "timeless" else None
    options: dict[str, Any] = {"key": "k", "timeless": kind == "timeless"}
    if kind == "from a column":
        options["valid_from"] = "since"
    if delay is not None:
        options["delay"] = delay
    if ttl is not None:
        options["ttl"] = ttl
    table = types.new_class("Thing", (hw.Table,), options, _table_columns)
    return table, {"delay": _length(delay) or 0, "ttl": _length(ttl)}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A whole world."""
    stream, horizons = draw(streams())
    table, validity = draw(tables())
    by_key = hw.Entity("thing", keys={"k": str})
    by_pair = hw.Entity("pair", keys={"k": str, "g": int})
    views, windows = [], []
    for number in range(draw(st.integers(1, 3))):
        features = draw(st.lists(aggregates(), min_size=1, max_size=4))
        body = {f"f{place}": feature for place, (feature, _) in enumerate(features)}
        windows += [window for _, several in features for window in several]
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
    body = {"x": hw.column("x"), "n": hw.column("n")}
    of_table = {"table": table, "entity": by_key}
    views.append(types.new_class("Known", (hw.FeatureView,), of_table, _filler(body)))
    asked = draw(st.lists(questions(), min_size=1, max_size=8))
    rules = Rules(windows, **horizons, **validity)
    happened = draw(events(asked, rules))
    return Case(
        stream=stream,
        views=views,
        service=hw.FeatureService("service", views),
        table=table,
        rows=happened,
        table_rows=draw(table_rows(asked, rules)),
        splits=draw(st.lists(st.integers(0, len(happened)), max_size=4)),
        questions=asked,
    )


def _length(text: str | None) -> int | None:
    return None if text is None else LENGTHS[text] * SECOND


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


def _table_columns(body: dict[str, Any]) -> None:
    body["__doc__"] = "What is known of a thing."
    body["__annotations__"] = {
        "k": str,
        "since": hw.Timestamp,
        "x": float | None,
        "n": int | None,
    }


def _filler(features: dict[str, Any]) -> Any:
    def fill(body: dict[str, Any]) -> None:
        body["__doc__"] = "Random features."
        body.update(features)

    return fill

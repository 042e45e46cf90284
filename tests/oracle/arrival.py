"""Acceptance: which pushed rows become events, decided once, in order of arrival."""

from __future__ import annotations

import math
from typing import Any

from tests.oracle.answers import Event, Row

FIRST_US = 31_536_000_000_000  # 1971-01-01
LAST_US = 7_258_118_400_000_000  # 2200-01-01


def clean(column: dict[str, Any], value: Any) -> Any:
    """A value as an event holds it: floats finite or null, integers serve as floats."""
    if value is None:
        return None
    if column["type"] == "float":
        value = float(value)
        return value + 0.0 if math.isfinite(value) else None
    return value


def cause_of(stream: dict[str, Any], row: dict[str, Any], arrived_at: int) -> str | None:
    """Why a row (already of the right types) is not accepted; None when it is."""
    for column in stream["columns"]:
        cause = cause_of_value(column, row)
        if cause is not None:
            return cause
    happened_at = row[stream["time"]]
    if happened_at > arrived_at + stream["skew_us"]:
        return "in_the_future"
    if stream["max_age_us"] is not None and happened_at < arrived_at - stream["max_age_us"]:
        return "too_late"
    return None


def cause_of_value(column: dict[str, Any], row: dict[str, Any]) -> str | None:
    """Why one column of a row is refused; None when it is not."""
    value = row.get(column["name"])
    if value is None and not column["nullable"]:
        return "wrong_type" if column["name"] in row else "missing_column"
    if value is None:
        return None
    if column["type"] == "timestamp" and not FIRST_US <= value < LAST_US:
        return "time_out_of_range"
    finite = column["type"] == "float" and math.isfinite(value)
    if finite and abs(value) >= 2.0 ** (100 + column["scale_exponent"]):
        return "value_out_of_range"
    return None


def accept(
    stream: dict[str, Any], rows: list[tuple[dict[str, Any], int]]
) -> tuple[list[Event], list[tuple[int, str]], int]:
    """Take (row, arrived_at) in order; return events, (position, cause) of rejects, repeats."""
    events: list[Event] = []
    rejected: list[tuple[int, str]] = []
    repeated = 0
    first_seen: dict[Any, int] = {}
    for position, (row, arrived_at) in enumerate(rows):
        cause = cause_of(stream, row, arrived_at)
        if cause is not None:
            rejected.append((position, cause))
            continue
        if stream["id"] is not None and row.get(stream["id"]) is not None:
            identity = row[stream["id"]]
            before = first_seen.get(identity)
            if before is not None and arrived_at - before <= stream["dedup_us"]:
                repeated += 1
                continue
            first_seen[identity] = arrived_at
        values = {c["name"]: clean(c, row.get(c["name"])) for c in stream["columns"]}
        events.append(Event(values, values[stream["time"]], arrived_at, position))
    return events, rejected, repeated


def accept_rows(table: dict[str, Any], rows: list[tuple[dict[str, Any], int]]) -> list[Row]:
    """Take rows of a table, which are refused for nothing but the values of their columns."""
    return [
        Row({c["name"]: clean(c, row.get(c["name"])) for c in table["columns"]}, at, position)
        for position, (row, at) in enumerate(rows)
        if all(cause_of_value(c, row) is None for c in table["columns"])
    ]

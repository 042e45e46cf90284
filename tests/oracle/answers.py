"""What a feature answers at a time, from all events: sections 2, 3, 4 and 6 of the semantics."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import xxhash
from tests.oracle.expressions import BadRow, evaluate


@dataclass(frozen=True)
class Event:
    """An accepted event: its columns, when it happened, when it arrived, where it stands."""

    values: dict[str, Any]
    time: int
    arrived_at: int
    position: int


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    values: dict[str, Any]
    arrived_at: int
    position: int


SATURATED = ("saturated",)
OVERFLOW = ("overflow",)


def canonical(columns: list[dict[str, Any]], values: dict[str, Any]) -> bytes:
    """The bytes whose hash orders events that nothing else tells apart."""
    out = b""
    for column in columns:
        value = values[column["name"]]
        if value is None:
            out += b"\x00"
        elif column["type"] == "bool":
            out += b"\x01" + struct.pack("<B", value)
        elif column["type"] == "int":
            out += b"\x02" + struct.pack("<q", value)
        elif column["type"] == "float":
            out += b"\x03" + struct.pack("<d", value)
        elif column["type"] == "str":
            out += b"\x04" + struct.pack("<I", len(value.encode())) + value.encode()
        else:
            out += b"\x05" + struct.pack("<q", value)
    return out


def order_of(stream: dict[str, Any], event: Event) -> tuple[Any, ...]:
    """Event time, `order=` column, `id`, hash; null first, strings by bytes."""

    def part(name: str | None) -> tuple[Any, ...]:
        if name is None or event.values[name] is None:
            return (0,)
        value = event.values[name]
        return (1, value.encode() if isinstance(value, str) else value)

    digest = xxhash.xxh3_128_intdigest(canonical(stream["columns"], event.values))
    return (event.time, part(stream["order"]), part(stream["id"]), digest)


def window_start(window: dict[str, Any], t: int, *, include_current: bool) -> int:
    """First instant covered."""
    if window["kind"] == "lifetime":
        return -(2**63)
    if window["kind"] == "exact":
        return t - window["width_us"] + (1 if include_current else 0)
    step = window["resolution_us"]
    return (t - window["width_us"]) // step * step


def kept(view: dict[str, Any], event: Event) -> tuple[bool, str | None]:
    """Does the view keep the event? The second part is the cause when it is left out."""
    if any(event.values[key["column"]] is None for key in view["keys"]):
        return False, "null_key"
    try:
        if view["where"] and evaluate(view["where"]["tree"], event.values) is not True:
            return False, None
        for feature in view["features"]:
            usable(feature["compute"], event)
    except BadRow:
        return False, "expression"
    return True, None


def usable(compute: dict[str, Any], event: Event) -> tuple[bool, Any]:
    """Does the aggregate take this event, and with which input?"""
    condition, source = compute["where"], compute["input"]
    if condition and evaluate(condition["tree"], event.values) is not True:
        return False, None
    if source is None:
        return True, 1
    value = evaluate(source["tree"], event.values)
    if isinstance(value, float) and abs(value) >= 2.0 ** (100 + source["scale_exponent"]):
        raise BadRow("out of range")
    return value is not None, value


def aggregate(compute: dict[str, Any], inputs: list[Any]) -> Any:
    """The aggregate of usable inputs, oldest first."""
    name = compute["aggregate"]
    if name == "count":
        return len(inputs)
    if not inputs:
        return None
    if name in ("min", "max"):
        pick = min if name == "min" else max
        return pick(inputs, key=lambda v: v.encode() if isinstance(v, str) else v)
    if name == "first":
        return inputs[0]
    if name == "last":
        return inputs[-1] if compute["n"] is None else inputs[-compute["n"] :]
    return total(compute, inputs)


def total(compute: dict[str, Any], inputs: list[Any]) -> Any:
    """Exact sum or mean."""
    source = compute["input"]
    if source["type"] == "float":
        scale = Fraction(2) ** source["scale_exponent"]
        exact = sum(round(Fraction(x) / scale) for x in inputs) * scale
        return float(exact if compute["aggregate"] == "sum" else exact / len(inputs))
    exact = Fraction(sum(int(x) for x in inputs))
    if compute["aggregate"] == "mean":
        return float(exact / len(inputs))
    return int(exact) if -(2**63) <= exact < 2**63 else OVERFLOW


def view_values(
    blueprint: dict[str, Any],
    view: dict[str, Any],
    key: tuple[Any, ...],
    t: int,
    events: list[Event],
) -> list[Any]:
    """Values of a stream view's features, in order; `events` are those known."""
    stream = next(s for s in blueprint["streams"] if s["name"] == view["stream"])
    mine = sorted(own(view, key, events), key=lambda e: order_of(stream, e))
    current = view["include_current"]
    out = []
    for feature in view["features"]:
        compute = feature["compute"]
        start = window_start(compute["window"], t, include_current=current)
        inside = [e for e in mine if start <= e.time and (e.time < t or (current and e.time == t))]
        if compute["window"]["kind"] == "exact" and len(inside) > view["events_max"]:
            out.append(SATURATED)
            continue
        taken = [usable(compute, e) for e in inside]
        value = aggregate(compute, [x for used, x in taken if used])
        out.append(or_default(feature, value))
    return out


def or_default(feature: dict[str, Any], value: Any) -> Any:
    """The declared default in the place of null."""
    return feature.get("default") if value is None else value


def own(view: dict[str, Any], key: tuple[Any, ...], events: list[Event]) -> list[Event]:
    """The events of a key that the view keeps."""
    return [
        e
        for e in events
        if tuple(e.values[k["column"]] for k in view["keys"]) == key and kept(view, e)[0]
    ]


def found(view: dict[str, Any], key: tuple[Any, ...], t: int, events: list[Event]) -> bool:
    """Is any event of the key within the view's reach?"""
    current = view["include_current"]
    start = min(
        window_start(f["compute"]["window"], t, include_current=current) for f in view["features"]
    )
    return any(
        start <= e.time and (e.time < t or (current and e.time == t))
        for e in own(view, key, events)
    )


def table_row(
    table: dict[str, Any], key: tuple[Any, ...], t: int, rows: list[Row], *, as_of: str
) -> dict[str, Any] | None:
    """The row of a table that is valid at t, as known under `as_of`."""
    mine = [r for r in rows if tuple(r.values[k] for k in table["key"]) == key]
    if table["timeless"]:
        return max(mine, key=lambda r: (r.arrived_at, r.position)).values if mine else None
    if as_of == "arrival" or table["valid_from"] is None:
        mine = [r for r in mine if r.arrived_at <= t]

    def since(row: Row) -> int:
        return row.arrived_at if table["valid_from"] is None else row.values[table["valid_from"]]

    mine = [r for r in mine if since(r) + table["delay_us"] <= t]
    if not mine:
        return None
    best = max(mine, key=lambda r: (since(r), r.arrived_at, r.position))
    if table["ttl_us"] is not None and t - since(best) > table["ttl_us"]:
        return None
    return best.values


def answer(
    blueprint: dict[str, Any],
    service: dict[str, Any],
    request: dict[str, Any],
    t: int,
    events: dict[str, list[Event]],
    rows: dict[str, list[Row]],
    *,
    as_of: str = "event_time",
) -> list[Any]:
    """The service's columns for one request row; `as_of` says which events count as known."""
    by_input = []
    for part in service["inputs"]:
        view = next(v for v in blueprint["views"] if v["name"] == part["view"])
        key = tuple(request[name] for name in part["keys"])
        if view["table"] is not None:
            table = next(x for x in blueprint["tables"] if x["name"] == view["table"])
            got = table_row(table, key, t, rows.get(view["table"], []), as_of=as_of)
            values = [
                or_default(f, got[f["compute"]["source"]] if got else None)
                for f in view["features"]
            ]
        else:
            known = [
                e
                for e in events.get(view["stream"], [])
                if as_of == "event_time" or e.arrived_at <= t
            ]
            values = view_values(blueprint, view, key, t, known)
        by_input.append(dict(zip((f["column"] for f in view["features"]), values, strict=True)))
    return [by_input[c["input"]][c["column"]] for c in service["columns"]]

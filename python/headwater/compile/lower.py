"""Lowers checked definitions to the blueprint: plain dicts of the shape that the kernel reads.

Runs only after every rule was silent, so a fact that is missing here is a fault of the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.compile.defaults import stored_default
from headwater.compile.facts import AggregateFact, Facts, known_duration_us, output_column
from headwater.compile.fingerprint import FORMAT, MEANING, fingerprint
from headwater.compile.ladder import default_resolution_us
from headwater.compile.names import table_column
from headwater.compile.result_types import result_type
from headwater.compile.service import lower_service
from headwater.define import Lifetime, Over, Sliding, StreamDefinition, TableDefinition, Window
from headwater.errors import InternalError, InvalidError
from headwater.types import duration_us

if TYPE_CHECKING:
    from headwater.compile.collect import Collected
    from headwater.compile.facts import ColumnFact
    from headwater.define import SourceDefinition, ViewDefinition

ORDERED = frozenset({"first", "last"})
"""Aggregates whose values depend on the order of events of one instant."""

DEDUP_DEFAULT = "1d"
"""Horizon in which a repeated id is dropped, where a stream declares an id."""


def lower(collected: Collected, facts: Facts) -> dict[str, Any]:
    """Return the blueprint.

    Definitions are sorted by name, so their order in a file is no part of it; features and columns
    keep theirs.
    """
    views = {each.name: _view(each, facts) for each in collected.views}
    return {
        "format": FORMAT,
        "meaning": MEANING,
        "streams": _by_name([_stream(each, facts) for each in collected.streams]),
        "tables": _by_name([_table(each, facts) for each in collected.tables]),
        "views": _by_name(list(views.values())),
        "services": _by_name([lower_service(each, views) for each in collected.services]),
    }


def _by_name(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda each: str(each["name"]))


def _versioned(meaning: dict[str, Any]) -> dict[str, Any]:
    return {**meaning, "version": fingerprint(meaning)}


def _stream(stream: StreamDefinition, facts: Facts) -> dict[str, Any]:
    dedup = DEDUP_DEFAULT if stream.dedup is None else stream.dedup
    return _versioned(
        {
            "name": stream.name,
            "columns": _columns(stream, facts),
            "time": stream.time,
            "id": stream.id,
            "order": stream.order,
            "lateness_us": duration_us(stream.lateness),
            "skew_us": duration_us(stream.skew),
            "dedup_us": None if stream.id is None else duration_us(dedup),
            "max_age_us": None if stream.max_age is None else duration_us(stream.max_age),
            "idle_us": duration_us(stream.idle),
        }
    )


def _table(table: TableDefinition, facts: Facts) -> dict[str, Any]:
    return _versioned(
        {
            "name": table.name,
            "columns": _columns(table, facts),
            "key": list(table.key),
            "valid_from": table.valid_from,
            "timeless": table.timeless,
            "delay_us": 0 if table.delay is None else duration_us(table.delay),
            "ttl_us": None if table.ttl is None else duration_us(table.ttl),
        }
    )


def _columns(source: SourceDefinition, facts: Facts) -> list[dict[str, Any]]:
    return [_column(each) for each in facts.columns(source).values()]


def _column(column: ColumnFact) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type.value,
        "nullable": column.nullable,
        "unit": column.unit.value,
        "scale_exponent": column.scale_exponent,
    }


def _view(view: ViewDefinition, facts: Facts) -> dict[str, Any]:
    keys = [
        {
            "name": key.name,
            "type": None if key.type is None else key.type.value,
            "column": key.column,
        }
        for key in facts.keys(view)
    ]
    features = [
        _aggregate(view, fact, over, window, facts)
        for fact in facts.aggregates(view)
        for over, window in fact.windows()
    ]
    if view.table is not None:
        features = _table_features(view, view.table, facts)
    lowered = {
        "name": view.name,
        "stream": None if view.stream is None else view.stream.name,
        "table": None if view.table is None else view.table.name,
        "keys": keys,
        "where": _expression(view, view.where, facts),
        "include_current": view.include_current,
        "events_max": view.events_max,
        "features": features,
    }
    return {**lowered, "version": _view_version(view, lowered, facts)}


def _view_version(view: ViewDefinition, lowered: dict[str, Any], facts: Facts) -> str:
    """Hash what decides the view's values: itself and what it uses of its stream or table."""
    source = view.source
    if source is None:
        raise InternalError(f"view {view.name} has no source", code="internal")
    if isinstance(source, TableDefinition):
        used, about = _used_of_table(view, source, facts)
    else:
        used, about = _used_of_stream(view, source, facts)
    known = facts.columns(source)
    columns = [_column(known[each]) for each in known if each in used]
    for column in columns:
        del column["nullable"]  # what a row may lack is settled when it is accepted
    return fingerprint({"view": _without_text(lowered), "source": about, "columns": columns})


def _used_of_table(
    view: ViewDefinition, table: TableDefinition, facts: Facts
) -> tuple[set[str], dict[str, Any]]:
    used = {*table.key, str(table.valid_from)}
    used |= {feature.source for _, feature, _ in facts.table_columns(view)}
    lowered = _table(table, facts)
    return used, {
        each: lowered[each] for each in ("key", "valid_from", "timeless", "delay_us", "ttl_us")
    }


def _used_of_stream(
    view: ViewDefinition, stream: StreamDefinition, facts: Facts
) -> tuple[set[str], dict[str, Any]]:
    """The order of events hashes whole events, so what depends on it depends on all columns.

    Lateness, skew and dedup decide no value of an accepted event and stay out.
    """
    aggregates = [fact.aggregate for fact in facts.aggregates(view)]
    if any(each.function in ORDERED for each in aggregates):
        about = {"time": stream.time, "id": stream.id, "order": stream.order}
        return set(facts.columns(stream)), about
    used = {key.column for key in facts.keys(view)} | {str(stream.time)}
    for text in [view.where, *(t for each in aggregates for t in (each.input, each.where))]:
        if text is not None:
            used |= set(_compiled(view, text, facts).columns)
    return used, {"time": stream.time}


def _without_text(value: Any) -> Any:
    """Drop what the user wrote: only the tree is meaning."""
    if isinstance(value, dict):
        return {
            key: _without_text(each)
            for key, each in value.items()
            if not (key == "text" and "tree" in value)
        }
    return [_without_text(each) for each in value] if isinstance(value, list) else value


def _aggregate(
    view: ViewDefinition, fact: AggregateFact, over: Over, window: Window, facts: Facts
) -> dict[str, Any]:
    aggregate = fact.aggregate
    kind = result_type(aggregate, facts.type_of(view, aggregate.input))
    if kind is None:
        raise InternalError(f"{fact.name} of view {view.name} has no type", code="internal")
    return {
        "column": output_column(view, fact, over, window),
        "name": fact.name,
        "compute": {
            "kind": "aggregate",
            "aggregate": aggregate.function,
            "input": _expression(view, aggregate.input, facts),
            "where": _expression(view, aggregate.where, facts),
            "n": aggregate.n,
            "window": _window(over, window),
        },
        "type": kind.to_json(),
        "default": stored_default(aggregate.default, kind),
    }


def _table_features(
    view: ViewDefinition, table: TableDefinition, facts: Facts
) -> list[dict[str, Any]]:
    known = facts.columns(table)
    features = []
    for name, feature, _ in facts.table_columns(view):
        kind = result_type(None, known[feature.source].type)
        if kind is None:
            raise InternalError(f"{name} of view {view.name} has no type", code="internal")
        features.append(
            {
                "column": table_column(view.name, name),
                "name": name,
                "compute": {"kind": "column", "source": feature.source},
                "type": kind.to_json(),
                "default": stored_default(feature.default, kind),
            }
        )
    return features


def _window(over: Over, window: Window) -> dict[str, Any]:
    match window:
        case Lifetime():
            return {"kind": "lifetime"}
        case Sliding(width):
            width_us = duration_us(width)
            if over.resolution is None:
                step_us = default_resolution_us(width_us)
            else:
                step_us = known_duration_us(over.resolution)  # None: exact
            if step_us is None:
                return {"kind": "exact", "width_us": width_us}
            return {"kind": "sliding", "width_us": width_us, "resolution_us": step_us}
        case _:
            raise InternalError(f"window {window!r} has no lowering", code="internal")


def _expression(view: ViewDefinition, text: str | None, facts: Facts) -> dict[str, Any] | None:
    if text is None:
        return None
    compiled = _compiled(view, text, facts)
    return {
        "tree": compiled.tree,
        "type": compiled.type.value,
        "fallible": compiled.fallible,
        "scale_exponent": compiled.scale_exponent,
        "text": text,
    }


def _compiled(view: ViewDefinition, text: str, facts: Facts) -> Any:
    found = facts.expression(view, text)
    if isinstance(found, InvalidError):
        raise InternalError(f"expression {text} was not checked", code="internal")
    return found

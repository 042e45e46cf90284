"""Every key of a view's entities has a column of the same type in its stream or table.

Why: an event is folded under the key that it holds; a type that differs would never match.
Example: entity `airport` with key `airport`, on a stream that calls it `origin`: bind it with
`airport.on(airport="origin")`. Float keys are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.compile.annotations import shown
from headwater.compile.problems import problem
from headwater.define import TableDefinition
from headwater.errors import near_names
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts, KeyFact
    from headwater.define import Entity, SourceDefinition, ViewDefinition
    from headwater.errors import Problem

KEY_TYPES = "keys are bool, int, str or hw.Timestamp, never null"


def check(view: ViewDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the keys of a view against its stream or table."""
    origin = facts.view_origin(view, argument="entity")
    for bound in view.entities:
        for name in bound.columns:
            if name not in bound.entity.keys:
                yield problem(
                    origin,
                    "unknown_key",
                    f"entity {bound.entity.name} has no key {name}",
                    hint=near_names(name, bound.entity.keys),
                )
    keys = facts.keys(view)
    for position, key in enumerate(keys):
        if key.name in [each.name for each in keys[:position]]:
            yield problem(
                origin,
                "key_clash",
                f"key {key.name} comes twice",
                hint="the keys of a view's entities need different names",
            )
    source = view.source
    if source is not None and _has_its_key(source):
        for key in keys:
            yield from _check_column(view, source, key, facts)
        yield from _check_table(view, source, keys, facts)


def check_entity(entity: Entity, facts: Facts) -> Iterator[Problem]:
    """Check the keys of an entity by themselves."""
    if not entity.keys:
        yield problem(
            facts.entity_origin(entity),
            "no_keys",
            "it has no keys",
            hint='hw.Entity("carrier", keys={"carrier": str})',
        )
    for name, annotation in entity.keys.items():
        kind = facts.entity_key_type(entity, name)
        if kind is None or kind is DataType.FLOAT:
            yield problem(
                facts.entity_origin(entity),
                "key_type",
                f"key {name} has type {shown(annotation)}",
                hint=KEY_TYPES,
            )


def _check_column(
    view: ViewDefinition, source: SourceDefinition, key: KeyFact, facts: Facts
) -> Iterator[Problem]:
    origin = facts.view_origin(view, argument="entity")
    names = [each.name for each in source.columns]
    if key.column not in names:
        bind = f'bind it: {key.entity.name}.on({key.name}="...")'
        near = near_names(str(key.column), names)
        yield problem(
            origin,
            "key_column",
            f"key {key.name} of entity {key.entity.name} is not a column of"
            f" {source.kind} {source.name}",
            detail=f"it was looked for in column {key.column}" if key.column != key.name else "",
            hint=near if key.column != key.name else f"{near}; {bind}",
        )
        return
    known = facts.columns(source).get(key.column)
    told = key.type is None or key.type is DataType.FLOAT  # by check_entity
    if known is not None and not told and known.type is not key.type:
        yield problem(
            origin,
            "key_type",
            f"key {key.name} of entity {key.entity.name} is {key.type}, but column {key.column}"
            f" of {source.kind} {source.name} is {known.type}",
            hint="give both the same type",
        )


def _check_table(
    view: ViewDefinition, source: SourceDefinition, keys: list[KeyFact], facts: Facts
) -> Iterator[Problem]:
    """A table is looked up by its whole key and nothing else."""
    if not isinstance(source, TableDefinition):
        return
    columns = [each.name for each in source.columns]
    if any(key.column not in columns for key in keys):
        return  # told already
    if sorted(key.column for key in keys) != sorted(source.key):
        yield problem(
            facts.view_origin(view, argument="entity"),
            "table_key",
            f"its keys are columns {', '.join(key.column for key in keys)}, but table"
            f" {source.name} is keyed by {', '.join(source.key)}",
            hint="a table is looked up by its whole key",
        )


def _has_its_key(source: SourceDefinition) -> bool:
    """A table whose own key is wrong is told by rules/table_key.py; nothing can match it."""
    columns = [each.name for each in source.columns]
    return not isinstance(source, TableDefinition) or all(each in columns for each in source.key)

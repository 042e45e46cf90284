"""Entities: what a feature is about, and the key columns that name it.

Plain data; whether keys and columns fit is for the compiler to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from headwater.errors import DefinitionError


@dataclass(frozen=True, init=False)
class Entity:
    """Something that features describe, named by one or more key columns.

    Args:
        name: unique among entities, without regard to case.
        keys: key column name -> type (`str`, `int`, `bool` or `hw.Timestamp`, never `float`), as
            readers give them.
        description: for people.

    >>> route = Entity("route", keys={"origin": str, "dest": str})
    >>> list(route.keys)
    ['origin', 'dest']
    """

    name: str
    keys: Mapping[str, Any]
    description: str = field(default="", compare=False)

    def __init__(self, name: str, *, keys: Mapping[str, Any], description: str = "") -> None:
        if not isinstance(name, str) or not isinstance(keys, Mapping):
            raise DefinitionError(
                f"hw.Entity({name!r}, keys={keys!r}) has no name or no mapping of keys",
                code="entity",
                hint='hw.Entity("carrier", keys={"carrier": str})',
            )
        _set(self, "name", name)
        _set(self, "keys", MappingProxyType(dict(keys)))
        _set(self, "description", description)

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.keys)))

    def on(self, /, **columns: str) -> BoundEntity:
        """Say which columns of the stream or table hold the keys, where names differ.

        Args:
            columns: key name -> column name; keys left out have the column of their own name.

        Returns:
            What `entity=` of a view takes.

        >>> Entity("airport", keys={"airport": str}).on(airport="origin").columns["airport"]
        'origin'
        """
        return BoundEntity(self, columns)


@dataclass(frozen=True, init=False)
class BoundEntity:
    """An entity with the columns that hold its keys; made by `Entity.on`."""

    entity: Entity
    columns: Mapping[str, str]

    def __init__(self, entity: Entity, columns: Mapping[str, str]) -> None:
        _set(self, "entity", entity)
        _set(self, "columns", MappingProxyType(dict(columns)))

    def __hash__(self) -> int:
        return hash((self.entity, tuple(self.columns.items())))


def bound_entities(given: object, view: str) -> tuple[BoundEntity, ...]:
    """Return what `entity=` means: one entity, bound or not, or several for a tuple of keys.

    Raises:
        DefinitionError: something else was given (code `entity`).
    """
    items = list(given) if isinstance(given, list | tuple) else [given]
    bound: list[BoundEntity] = []
    for item in items:
        if isinstance(item, Entity):
            bound.append(BoundEntity(item, {}))
        elif isinstance(item, BoundEntity):
            bound.append(item)
        else:
            raise DefinitionError(
                f"entity of view {view} is {item!r}, not a hw.Entity",
                code="entity",
                hint="entity=carrier, or entity=[carrier, airport.on(airport='origin')]",
            )
    return tuple(bound)


def _set(target: object, name: str, value: object) -> None:
    object.__setattr__(target, name, value)

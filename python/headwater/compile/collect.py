"""Gathers definitions: from a module or a list, each with what it stands on.

A service brings its views, a view its stream or table and its entities. Equal definitions count
once, so that a notebook cell may be run again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headwater.define import (
    BoundEntity,
    Entity,
    FeaturePick,
    FeatureService,
    SourceDefinition,
    StreamDefinition,
    TableDefinition,
    ViewDefinition,
    ViewInRole,
    WindowPick,
)
from headwater.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Collected:
    """Definitions in order of appearance, each once."""

    streams: list[StreamDefinition] = field(default_factory=list)
    tables: list[TableDefinition] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    views: list[ViewDefinition] = field(default_factory=list)
    services: list[FeatureService] = field(default_factory=list)

    def sources(self) -> list[SourceDefinition]:
        """Return streams and tables, which share one kind of names."""
        return [*self.streams, *self.tables]

    def modules(self) -> tuple[str, ...]:
        """Return the modules in which the classes stand: where entities and services may be."""
        classes = [each.python_class for each in self.views] + [
            each.python_class for each in self.sources()
        ]
        return tuple(dict.fromkeys(each.__module__ for each in classes))


def collect(definitions: ModuleType | Iterable[Any]) -> Collected:
    """Gather the definitions of a module (whatever its names hold) or of a list.

    Raises:
        InvalidError: an element of a list is no definition (code `definitions`), or there is none
            at all (code `no_definitions`).
    """
    found = Collected()
    if isinstance(definitions, ModuleType):
        for value in list(vars(definitions).values()):
            _add(found, value)
        where = f"module {definitions.__name__}"
    else:
        where = "the list of definitions"
        for position, value in enumerate(_items(definitions)):
            if not _add(found, value):
                raise InvalidError(
                    f"element {position} of the definitions is {value!r}, not a definition",
                    code="definitions",
                    hint="give a module, or a list of services, views, streams, tables, entities",
                )
    if not (found.streams or found.tables or found.views or found.services):
        raise InvalidError(
            f"{where} holds no definitions",
            code="no_definitions",
            hint="a class derived from hw.Stream and one from hw.FeatureView are the least",
        )
    return found


def _items(definitions: Any) -> list[Any]:
    if isinstance(definitions, str | bytes) or not hasattr(definitions, "__iter__"):
        return [definitions]
    single = isinstance(definitions, type | FeaturePick)
    return [definitions] if single else list(definitions)


def _add(found: Collected, value: Any) -> bool:
    """Add a definition with all that it stands on; False where it is none."""
    if isinstance(value, type):
        value = vars(value).get("__definition__")
    match value:
        case StreamDefinition():
            _once(found.streams, value)
        case TableDefinition():
            _once(found.tables, value)
        case Entity():
            _once(found.entities, value)
        case BoundEntity():
            _once(found.entities, value.entity)
        case ViewDefinition():
            _add_view(found, value)
        case FeatureService():
            for pick in value.features:
                _add(found, view_class(pick))
            _once(found.services, value)
        case FeaturePick() | WindowPick() | ViewInRole():
            _add(found, view_class(value))
        case _:
            return False
    return True


def _add_view(found: Collected, view: ViewDefinition) -> None:
    for source in (view.stream, view.table):
        if source is not None:
            _add(found, source)
    for bound in view.entities:
        _add(found, bound)
    _once(found.views, view)


def _once(known: list[Any], value: Any) -> None:
    if not any(each is value or each == value for each in known):
        known.append(value)


def view_class(pick: type | FeaturePick | WindowPick | ViewInRole) -> type:
    """Return the view that an element of a service's list is of."""
    match pick:
        case WindowPick(feature, _):
            return feature.view
        case FeaturePick():
            return pick.view
        case ViewInRole():
            return pick.__role__.view
        case _:
            return pick

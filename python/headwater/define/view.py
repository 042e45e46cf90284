"""Feature views: a stream folded into features, or columns of a table as of t.

A view is a class whose attributes are aggregates or `hw.column`; it is kept as data. Must never
check more than Python needs to make the class: the compiler reports everything at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar, TypeVar

from headwater.define.aggregate import Aggregate
from headwater.define.entity import BoundEntity, bound_entities
from headwater.define.frozen import DefinitionMeta, definition_name, freeze, refuse_subclass
from headwater.define.pick import FeatureAttribute, FeaturePick, Role, ViewInRole
from headwater.define.source import (
    SourceDefinition,
    Stream,
    StreamDefinition,
    Table,
    TableDefinition,
)
from headwater.errors import DefinitionError

_Source = TypeVar("_Source", StreamDefinition, TableDefinition)

EVENTS_MAX_DEFAULT = 100_000
"""Raw events a key that exact windows keep, unless a view says else."""


@dataclass(frozen=True)
class TableColumn(FeatureAttribute):
    """A column of the view's table, as of t; made by `hw.column`."""

    source: str
    default: Any = None


def column(source: str, *, default: Any = None) -> TableColumn:
    """Make a feature of a column of the view's table, as it was at t.

    Args:
        source: the column's name in the table.
        default: replaces null, also where no row is valid.

    >>> column("temp").source
    'temp'
    """
    return TableColumn(source, default)


Feature = Aggregate | TableColumn


@dataclass(frozen=True, slots=True)
class ViewDefinition:
    """The data of a view; exactly one of `stream` and `table` is meant to be given."""

    python_class: type = dataclass_field(compare=False, repr=False)
    name: str
    stream: StreamDefinition | None
    table: TableDefinition | None
    entities: tuple[BoundEntity, ...]
    where: str | None
    features: tuple[tuple[str, Feature], ...]
    strays: tuple[str, ...]
    include_current: bool
    events_max: int
    owner: str = dataclass_field(default="", compare=False)
    kind: ClassVar[str] = "view"

    @property
    def source(self) -> SourceDefinition | None:
        """What the view reads, where it says so in one way only."""
        return (self.stream or self.table) if not (self.stream and self.table) else None


class FeatureView(metaclass=DefinitionMeta):
    """Features of one entity: derive a class from it; its docstring describes it.

    Class arguments:
        stream: the stream that is folded, or
        table: the table that is looked up.
        entity: an entity, bound by `.on(...)` where its keys are named otherwise in the stream,
            or a list of them: the key is then the tuple.
        where: only events for which this holds take part.
        owner: who answers for it.
        include_current: an event at exactly t is in the windows.
        events_max: events a key that exact windows keep; past it features are null.
        name: the view's name where it is not the class's.
    """

    def __init_subclass__(
        cls,
        *,
        entity: Any = (),
        stream: type[Stream] | None = None,
        table: type[Table] | None = None,
        where: str | None = None,
        owner: str = "",
        include_current: bool = False,
        events_max: int = EVENTS_MAX_DEFAULT,
        name: str | None = None,
    ) -> None:
        refuse_subclass(cls, FeatureView)
        view_name = definition_name(cls, name)
        named = {
            each: value
            for each, value in vars(cls).items()
            if not (each.startswith("__") and each.endswith("__"))
        }
        features = tuple(
            (each, value)
            for each, value in named.items()
            if isinstance(value, Aggregate | TableColumn)
        )
        definition = ViewDefinition(
            python_class=cls,
            name=view_name,
            stream=_definition(stream, Stream, StreamDefinition, view_name),
            table=_definition(table, Table, TableDefinition, view_name),
            entities=bound_entities(entity, view_name),
            where=where,
            features=features,
            strays=tuple(
                each for each, value in named.items() if not isinstance(value, FeatureAttribute)
            ),
            include_current=include_current,
            events_max=events_max,
            owner=owner,
        )
        freeze(cls, definition)
        for each, _ in features:
            type.__setattr__(cls, each, FeaturePick(cls, each))

    @classmethod
    def as_(cls, role: str, /, **keys: str) -> ViewInRole:
        """Use the view in another role: its key is read from other request columns.

        Args:
            role: output columns begin with `{role}__`.
            keys: key of the view -> request column; keys left out keep their name.

        Returns:
            What a service's list takes; features of it are picked as of the view itself.
        """
        return ViewInRole(Role(cls, role, keys))


def _definition(given: object, base: type, data: type[_Source], view: str) -> _Source | None:
    if given is None:
        return None
    definition = vars(given).get("__definition__") if isinstance(given, type) else None
    if not isinstance(definition, data):
        raise DefinitionError(
            f"{data.kind} of view {view} is {given!r}, not a class derived from hw.{base.__name__}",
            code=data.kind,
            hint=f"{data.kind}=Departure, where class Departure(hw.{base.__name__}, ...)",
        )
    return definition

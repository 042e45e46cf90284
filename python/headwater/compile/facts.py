"""What is known about definitions while they are checked and lowered: types, keys, expressions.

Each fact is found once and is None (or missing) where something is wrong with it; exactly one rule
reports that, and all others stay silent about it. Must never report anything itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.compile.annotations import resolve
from headwater.compile.names import feature_column
from headwater.define import (
    Aggregate,
    BoundEntity,
    Entity,
    FeatureService,
    Over,
    SourceColumn,
    SourceDefinition,
    TableColumn,
    ViewDefinition,
    Window,
)
from headwater.define.origin import call_origin, class_origin
from headwater.errors import InvalidError, Origin
from headwater.types import SCALE_EXPONENT_DEFAULT, Column, DataType, TimeUnit, duration_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.collect import Collected
    from headwater.compile.expressions import Expression

SCALE_EXPONENT_MIN = -1000
SCALE_EXPONENT_MAX = 800
"""2^127 times the scale, the largest sum, must still be a double: below 2^1024."""


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column of a stream or table whose annotation is a type."""

    name: str
    type: DataType
    nullable: bool
    unit: TimeUnit
    scale_exponent: int


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A key of a view: its name for readers, its type there, and the column that holds it."""

    entity: Entity
    name: str
    type: DataType | None
    column: str


@dataclass(frozen=True, slots=True)
class AggregateFact:
    """An aggregate of a view, with where it stands."""

    name: str
    aggregate: Aggregate
    origin: Origin

    def windows(self) -> Iterator[tuple[Over, Window]]:
        """Yield each window with the `.over(...)` that holds it, in order."""
        for over in self.aggregate.overs:
            for window in over.windows:
                yield over, window


class Facts:
    """Facts about one set of definitions."""

    def __init__(self, collected: Collected) -> None:
        self.collected = collected
        self._columns: dict[int, dict[str, ColumnFact]] = {}
        self._expressions: dict[tuple[int, str], Expression | InvalidError] = {}

    def columns(self, source: SourceDefinition) -> dict[str, ColumnFact]:
        """Return the columns whose types are known, by name, in order of declaration."""
        if id(source) not in self._columns:
            facts = [column_fact(each, source) for each in source.columns]
            self._columns[id(source)] = {each.name: each for each in facts if each is not None}
        return self._columns[id(source)]

    def expression(self, view: ViewDefinition, text: str) -> Expression | InvalidError:
        """Return a compiled expression over the view's stream, or why there is none."""
        stream = view.stream
        if stream is None:
            return InvalidError("expressions need a stream", code="expression")
        known = (id(stream), text)
        if known not in self._expressions:
            # sqlglot takes 0.2 s to load: only definitions that hold expressions pay for it.
            from headwater.compile.expressions import compile_expression

            columns = {
                each.name: Column(each.name, each.type, each.nullable, each.scale_exponent)
                for each in self.columns(stream).values()
            }
            try:
                found: Expression | InvalidError = compile_expression(
                    text, columns, where=Origin(f"view {view.name}")
                )
            except InvalidError as error:
                found = error
            self._expressions[known] = found
        return self._expressions[known]

    def type_of(self, view: ViewDefinition, text: Any) -> DataType | None:
        """Return the type of an expression, or None where it has none."""
        if not isinstance(text, str):
            return None
        found = self.expression(view, text)
        return None if isinstance(found, InvalidError) else DataType(found.type)

    def keys(self, view: ViewDefinition) -> list[KeyFact]:
        """Return the key tuple of a view, whether or not its columns exist."""
        return [
            KeyFact(bound.entity, name, self.entity_key_type(bound.entity, name), column)
            for bound in view.entities
            for name, column in _bound_keys(bound, view)
        ]

    def entity_key_type(self, entity: Entity, name: str) -> DataType | None:
        """Return the type of an entity's key, or None where it is no type, or may be null."""
        for module in (*self.collected.modules(), "builtins"):
            resolved = resolve(entity.keys[name], module)
            if resolved is not None:
                return None if resolved.nullable else resolved.type
        return None

    def aggregates(self, view: ViewDefinition) -> list[AggregateFact]:
        """Return the aggregates of a view that folds a stream, in order."""
        return [
            AggregateFact(name, feature, self.view_origin(view, name))
            for name, feature in view.features
            if isinstance(feature, Aggregate) and view.stream is not None
        ]

    def table_columns(self, view: ViewDefinition) -> list[tuple[str, TableColumn, Origin]]:
        """Return the columns of a view that looks up a table, in order."""
        return [
            (name, feature, self.view_origin(view, name))
            for name, feature in view.features
            if isinstance(feature, TableColumn) and view.table is not None
        ]

    def source_origin(
        self, source: SourceDefinition, column: str = "", *, argument: str = ""
    ) -> Origin:
        """Return where a stream or table stands, or a column or class argument of it."""
        definition = f"{source.kind} {source.name}"
        return class_origin(definition, source.python_class, column, argument)

    def view_origin(
        self, view: ViewDefinition, attribute: str = "", *, argument: str = ""
    ) -> Origin:
        """Return where a view stands, or an attribute or class argument of it."""
        features = {name for name, _ in view.features}
        feature = f", feature {attribute}" if attribute in features else ""
        definition = f"view {view.name}{feature}"
        return class_origin(definition, view.python_class, attribute, argument)

    def entity_origin(self, entity: Entity) -> Origin:
        """Return where an entity stands."""
        modules = self.collected.modules()
        return call_origin(f"entity {entity.name}", "Entity", entity.name, modules)

    def service_origin(self, service: FeatureService) -> Origin:
        """Return where a service stands."""
        modules = self.collected.modules()
        return call_origin(f"service {service.name}", "FeatureService", service.name, modules)


def column_fact(column: SourceColumn, source: SourceDefinition) -> ColumnFact | None:
    """Return the fact of one column, or None where its annotation is no column type."""
    resolved = resolve(column.annotation, source.python_class.__module__)
    if resolved is None:
        return None
    exponent = scale_exponent(column.field.scale)
    return ColumnFact(
        column.name,
        resolved.type,
        resolved.nullable,
        resolved.unit,
        SCALE_EXPONENT_DEFAULT if exponent is None else exponent,
    )


def scale_exponent(scale: Any) -> int | None:
    """Return the exponent of a power of two within bounds, else None.

    >>> scale_exponent(2**-44)
    -44
    """
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < math.inf:
        return None
    mantissa, exponent = math.frexp(scale)
    inside = SCALE_EXPONENT_MIN <= exponent - 1 <= SCALE_EXPONENT_MAX
    # frexp gives a mantissa in [0.5, 1): exactly 0.5 for a power of two.
    return exponent - 1 if mantissa == 0.5 and inside else None  # noqa: PLR2004


def known_duration_us(text: Any) -> int | None:
    """Return a duration in microseconds, or None where it is none."""
    try:
        return duration_us(text)
    except InvalidError:
        return None


def output_column(view: ViewDefinition, fact: AggregateFact, over: Over, window: Window) -> str:
    """Return the output column of one window of an aggregate."""
    return feature_column(view.name, fact.name, over, window)


def _bound_keys(bound: BoundEntity, view: ViewDefinition) -> list[tuple[str, str]]:
    """Name the column of each key: bound by hand, else of the same name.

    A table says itself which columns are its key; so one key left meets the one column left.
    """
    columns = {name: bound.columns.get(name, name) for name in bound.entity.keys}
    if view.table is not None:
        wanted = view.table.key
        loose = [
            each for each in columns if columns[each] not in wanted and each not in bound.columns
        ]
        taken = set(columns.values())
        free = [each for each in wanted if each not in taken]
        if len(loose) == 1 and len(free) == 1 and len(view.entities) == 1:
            columns[loose[0]] = free[0]
    return list(columns.items())

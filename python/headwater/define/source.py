"""Streams and tables: what comes in, as classes whose annotations are the columns.

A class holds its own text as data (`__definition__`): annotations unresolved, durations unparsed,
so that the compiler can report everything that is wrong at once.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar

from headwater.define.frozen import DefinitionMeta, definition_name, freeze, refuse_subclass


@dataclass(frozen=True, slots=True)
class Field:
    """What `hw.field` adds to a column: for people, except `scale`."""

    description: str = dataclass_field(default="", compare=False)
    unit: str = dataclass_field(default="", compare=False)
    scale: float | None = None


def field(*, description: str = "", unit: str = "", scale: float | None = None) -> Any:
    """Describe a column of a stream or table.

    Args:
        description: what it holds.
        unit: of its values, such as `min`.
        scale: sums of a float column round each value to a multiple of this power of two first
            (default `2**-44`); for very small or very large values.

    Returns:
        The value to assign to the annotated column.

    >>> field(unit="min", scale=2**-60).unit
    'min'
    """
    return Field(description, unit, scale)


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One annotated column: the annotation as written, a string or an object."""

    name: str
    annotation: Any
    field: Field


@dataclass(frozen=True, slots=True)
class _Source:
    """What streams and tables have in common."""

    python_class: type = dataclass_field(compare=False, repr=False)
    name: str
    columns: tuple[SourceColumn, ...]
    strays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreamDefinition(_Source):
    """The data of a stream; durations are texts."""

    time: str | None
    id: str | None
    order: str | None
    lateness: str
    skew: str
    dedup: str | None
    max_age: str | None
    idle: str
    subject: str | None
    readback: str | None
    kind: ClassVar[str] = "stream"


@dataclass(frozen=True, slots=True)
class TableDefinition(_Source):
    """The data of a table; durations are texts."""

    key: tuple[str, ...]
    valid_from: str | None
    timeless: bool
    delay: str | None
    ttl: str | None
    kind: ClassVar[str] = "table"


SourceDefinition = StreamDefinition | TableDefinition


class Stream(metaclass=DefinitionMeta):
    """Events: derive a class from it, with one annotation a column.

    Class arguments:
        time: the event-time column, a `hw.Timestamp`.
        id: a column that identifies an event; a repeat within `dedup` is dropped.
        order: a column that orders events of one instant.
        lateness: how far the watermark runs behind (default `1h`).
        skew: how far ahead of its arrival an event may be (default `10m`).
        dedup: horizon in which a repeated id is dropped (default `1d` where `id` is given).
        max_age: events older than this at arrival are refused (default: none are).
        idle: a silent partition leaves the watermark after this (default `1m`).
        name: the stream's name where it is not the class's.
    """

    def __init_subclass__(
        cls,
        *,
        time: str | None = None,
        id: str | None = None,  # noqa: A002  (the name users write)
        order: str | None = None,
        lateness: str = "1h",
        skew: str = "10m",
        dedup: str | None = None,
        max_age: str | None = None,
        idle: str = "1m",
        subject: str | None = None,
        readback: str | None = None,
        name: str | None = None,
    ) -> None:
        freeze(
            cls,
            StreamDefinition(
                *_source(cls, Stream, name),
                time=time,
                id=id,
                order=order,
                lateness=lateness,
                skew=skew,
                dedup=dedup,
                max_age=max_age,
                idle=idle,
                subject=subject,
                readback=readback,
            ),
        )


class Table(metaclass=DefinitionMeta):
    """Attributes of things: derive a class from it, with one annotation a column.

    Class arguments:
        key: the key column, or a list of them.
        valid_from: the `hw.Timestamp` column from which a row is valid; else from its arrival.
        timeless: rows count at every instant; the latest arrival wins.
        delay: a row becomes available this long after `valid_from`.
        ttl: a row older than this is not used.
        name: the table's name where it is not the class's.
    """

    def __init_subclass__(
        cls,
        *,
        key: str | list[str] | tuple[str, ...] = (),
        valid_from: str | None = None,
        timeless: bool = False,
        delay: str | None = None,
        ttl: str | None = None,
        name: str | None = None,
    ) -> None:
        freeze(
            cls,
            TableDefinition(
                *_source(cls, Table, name),
                key=(key,) if isinstance(key, str) else tuple(key),
                valid_from=valid_from,
                timeless=timeless,
                delay=delay,
                ttl=ttl,
            ),
        )


def _source(
    cls: type, base: type, name: str | None
) -> tuple[type, str, tuple[SourceColumn, ...], tuple[str, ...]]:
    """Return the fields of `_Source`, in its order."""
    refuse_subclass(cls, base)
    return cls, definition_name(cls, name), _columns(cls), _strays(cls)


def _columns(cls: type) -> tuple[SourceColumn, ...]:
    names = vars(cls)
    return tuple(
        SourceColumn(name, annotation, given if isinstance(given, Field) else Field())
        for name, annotation in inspect.get_annotations(cls).items()
        for given in [names.get(name)]
    )


def _strays(cls: type) -> tuple[str, ...]:
    """Names that are no columns: assigned without annotation, or with a value of their own."""
    annotated = inspect.get_annotations(cls)
    return tuple(
        name
        for name, value in vars(cls).items()
        if not (name.startswith("__") and name.endswith("__"))
        and not (name in annotated and isinstance(value, Field))
    )

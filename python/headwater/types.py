"""The types of columns, expressions and features, shared by all rooms.

`DataType` is the closed list that the blueprint knows; `Timestamp` is how a definition writes an
instant. Must never import a heavy library or another room.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SCALE_EXPONENT_DEFAULT: Final = -44
"""Floats are rounded to multiples of 2^-44 before they are summed, unless a field says else."""


class DataType(StrEnum):
    """The type of a column, an expression or a scalar feature; its text is the blueprint's."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    TIMESTAMP = "timestamp"


class TimeUnit(StrEnum):
    """What an integer instant of a timestamp column counts."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an expression may name.

    `scale_exponent`: sums of it round each value to a multiple of 2^scale_exponent first.
    """

    name: str
    type: DataType
    nullable: bool = False
    scale_exponent: int = SCALE_EXPONENT_DEFAULT


class Timestamp:
    """An instant in UTC, as the type of a column; `Timestamp("ms")` names the unit of integers.

    Instants are UTC microseconds inside. Aware datetimes, zoned Arrow timestamps and ISO 8601
    strings with an offset need no unit; integers are microseconds unless one is named here.

    Args:
        unit: `s`, `ms`, `us` (default) or `ns`.

    Raises:
        ValueError: the unit is none of these.

    >>> Timestamp("ms").unit
    <TimeUnit.MILLISECONDS: 'ms'>
    """

    __slots__ = ("nullable", "unit")
    unit: TimeUnit
    nullable: bool

    def __init__(self, unit: str = "us", *, nullable: bool = False) -> None:
        known = [each.value for each in TimeUnit]
        if unit not in known:
            raise ValueError(f"unknown unit of time {unit!r}: one of {', '.join(known)}")
        object.__setattr__(self, "unit", TimeUnit(unit))
        object.__setattr__(self, "nullable", nullable)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Timestamp is frozen: {name} cannot be set")

    def __or__(self, other: object) -> Timestamp:
        """`Timestamp("ms") | None`: the column may be null."""
        if other is not None:
            return NotImplemented
        return Timestamp(self.unit, nullable=True)

    __ror__ = __or__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timestamp):
            return NotImplemented
        return (self.unit, self.nullable) == (other.unit, other.nullable)

    def __hash__(self) -> int:
        return hash((self.unit, self.nullable))

    def __repr__(self) -> str:
        return f'Timestamp("{self.unit}")' + (" | None" if self.nullable else "")

"""The types of columns, expressions and features, shared by all rooms.

`DataType` is the closed list that the blueprint knows; `Timestamp` is how a definition writes an
instant; durations are texts such as `24h`. Must never import a heavy library or a room above.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from headwater.errors import InvalidError

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
        InvalidError: the unit is none of these (code `unit`).

    >>> Timestamp("ms").unit
    <TimeUnit.MILLISECONDS: 'ms'>
    """

    __slots__ = ("nullable", "unit")
    unit: TimeUnit
    nullable: bool

    def __init__(self, unit: str = "us", *, nullable: bool = False) -> None:
        if unit not in {each.value for each in TimeUnit}:
            raise InvalidError(
                f"{unit!r} is no unit of time",
                code="unit",
                hint=f"units are {', '.join(TimeUnit)}",
            )
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


_DURATION = re.compile(r"(0|[1-9][0-9]{0,8})([smhdw])")
_DURATION_UNITS_US: Final = {
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
DURATION_MAX_US: Final = 229 * 366 * 86_400_000_000
"""Instants lie between 1971 and 2200, so nothing lasts longer than 229 years."""


def duration_us(text: object) -> int:
    """Return a duration such as `24h` in microseconds: an integer and one of `s m h d w`.

    Raises:
        InvalidError: malformed, or longer than 229 years (code `duration`).

    >>> duration_us("15m")
    900000000
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidError(
            f"{text!r} is not a duration",
            code="duration",
            hint='a duration is an integer and a unit out of s, m, h, d, w, such as "24h"',
        )
    value = int(match[1]) * _DURATION_UNITS_US[match[2]]
    if value > DURATION_MAX_US:
        raise InvalidError(
            f"{text!r} is longer than the 229 years that instants span",
            code="duration",
            hint="instants lie between 1971 and 2200",
        )
    return value


_SIZE = re.compile(r"([0-9]{1,15})(?: ?(B|KiB|MiB|GiB|TiB))?")
_SIZE_UNITS: Final = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def size_bytes(text: object) -> int:
    """Return a size such as `64 MiB` in bytes; an integer is bytes already.

    Raises:
        InvalidError: malformed (code `size`); `MB` is refused, since it means two things.

    >>> size_bytes("64 MiB")
    67108864
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidError(
            f"{text!r} is not a size",
            code="size",
            hint='a size is an integer and a unit out of B, KiB, MiB, GiB, TiB, such as "64 MiB"',
        )
    return int(match[1]) * _SIZE_UNITS[match[2] or "B"]

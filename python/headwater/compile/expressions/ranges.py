"""The least and greatest value that a part of an expression can take.

From these the compiler knows exactly which parts can overflow (and so whether a row can fail) and
which floats can leave the finite range (and so be null). Bounds of floats are computed in floats:
rounding is monotonic, so they hold for every value between. A range may be wider than the truth,
never narrower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from headwater.types import SCALE_EXPONENT_DEFAULT, DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    Number: TypeAlias = int | float

MOST: Final = 1.7976931348623157e308
"""The greatest finite double."""

SUM_BITS: Final = 100
"""A float that is summed at scale 2^e is below 2^(100 + e) in magnitude."""

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
EARLIEST_US: Final = 365 * DAY_US
"""1971-01-01: no earlier instant enters."""
LATEST_US: Final = 7_258_118_400 * SECOND_US
"""2200-01-01: no later instant enters."""
CALENDAR_US: Final = (-62_135_596_800 * SECOND_US, 253_402_300_800 * SECOND_US - 1)
"""The years 1 to 9999, which an expression may reach."""

LENGTH_MAX: Final = 2**31 - 1
"""More code points than a row's text can hold."""


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from `low` to `high`, both included; instants as microseconds."""

    low: Number
    high: Number

    def holds(self, value: Number) -> bool:
        """Return whether the value lies inside."""
        return self.low <= value <= self.high

    def within(self, low: Number, high: Number) -> bool:
        """Return whether nothing lies outside these bounds."""
        return low <= self.low and self.high <= high

    def cut(self, low: Number, high: Number) -> Range:
        """Return what is inside these bounds too."""
        return Range(min(max(self.low, low), high), max(min(self.high, high), low))

    @property
    def magnitude(self) -> Number:
        """Return the greatest distance from 0."""
        return max(abs(self.low), abs(self.high))


ANY: Final = Range(0, 0)
"""Stands where values are no numbers."""
INTS: Final = Range(-(2**63), 2**63 - 1)
FLOATS: Final = Range(-MOST, MOST)


def sum_limit(scale_exponent: int) -> float:
    """Return the magnitude that floats summed at this scale stay below."""
    return math.ldexp(1.0, SUM_BITS + scale_exponent)


def range_of_type(kind: DataType, scale_exponent: int = SCALE_EXPONENT_DEFAULT) -> Range:
    """Return the values that a column of this type and scale can hold."""
    match kind:
        case DataType.INT:
            return INTS
        case DataType.FLOAT:
            most = math.nextafter(sum_limit(scale_exponent), 0.0)
            return Range(-most, most)
        case DataType.TIMESTAMP:
            return Range(EARLIEST_US, LATEST_US)
        case _:
            return ANY


def hull(ranges: Iterable[Range]) -> Range:
    """Return the least range that holds all."""
    listed = list(ranges)
    return Range(min(each.low for each in listed), max(each.high for each in listed))


def corners(rule: Callable[[Number, Number], Number]) -> Callable[[Sequence[Range]], Range]:
    """Return the range of an operation that is monotonic in each operand between its bounds."""

    def bounds(arguments: Sequence[Range]) -> Range:
        a, b = arguments
        values = [rule(x, y) for x, y in product((a.low, a.high), (b.low, b.high))]
        return Range(min(values), max(values))

    return bounds


def divide(arguments: Sequence[Range]) -> Range:
    """Return the range of `a / b` on floats: anything where b may be near 0, nothing at 0."""
    if arguments[1] == Range(0.0, 0.0):
        return Range(0.0, 0.0)
    if arguments[1].holds(0):
        return FLOATS
    return corners(lambda x, y: x / y)(arguments)


def divide_whole(arguments: Sequence[Range]) -> Range:
    """Return the range of `a // b`, which goes towards zero."""
    a, b = arguments
    if isinstance(a.low, float):
        bounds = divide(arguments)
        return bounds if bounds == FLOATS else each(math.trunc)([bounds])
    divisors = [y for y in (b.low, -1, 1, b.high) if y != 0 and b.holds(y)]
    values = [0, *(_truncate(x, y) for x in (a.low, a.high) for y in divisors)]
    return Range(min(values), max(values))


def _truncate(x: Number, y: Number) -> Number:
    quotient = abs(x) // abs(y)
    return quotient if (x < 0) == (y < 0) else -quotient


def remainder(arguments: Sequence[Range]) -> Range:
    """Return the range of `a % b`, which keeps the sign of a and is less than b in magnitude."""
    a, b = arguments
    most = b.magnitude if isinstance(b.magnitude, float) else max(b.magnitude - 1, 0)
    return Range(max(min(a.low, 0), -most), min(max(a.high, 0), most))


def negate(arguments: Sequence[Range]) -> Range:
    """Return the range of `-a`."""
    return Range(-arguments[0].high, -arguments[0].low)


def absolute(arguments: Sequence[Range]) -> Range:
    """Return the range of the distance from 0."""
    (a,) = arguments
    return Range(0 if a.holds(0) else min(abs(a.low), abs(a.high)), a.magnitude)


def each(rule: Callable[[Number], Number]) -> Callable[[Sequence[Range]], Range]:
    """Return the range of a function that never falls, as floats."""

    def bounds(arguments: Sequence[Range]) -> Range:
        (a,) = arguments
        return Range(float(rule(a.low)), float(rule(a.high)))

    return bounds


def square_root(arguments: Sequence[Range]) -> Range:
    """Return the range of the root of what is not negative."""
    return Range(0.0, math.sqrt(max(arguments[0].high, 0.0)))


def between(low: Number, high: Number) -> Callable[[Sequence[Range]], Range]:
    """Return a range that the operands do not change."""
    return lambda _arguments: Range(low, high)


def seconds_between(arguments: Sequence[Range]) -> Range:
    """Return the range of the seconds from the second instant to the first."""
    a, b = arguments
    return Range((a.low - b.high) / SECOND_US, (a.high - b.low) / SECOND_US)


def epoch(arguments: Sequence[Range]) -> Range:
    """Return the range of seconds since 1970."""
    return Range(arguments[0].low / SECOND_US, arguments[0].high / SECOND_US)


def truncated(arguments: Sequence[Range]) -> Range:
    """Return the range of an instant taken back to the start of a unit, a year at most."""
    return Range(arguments[0].low - 366 * DAY_US, arguments[0].high)

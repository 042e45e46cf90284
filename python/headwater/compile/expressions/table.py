"""Every operation that an expression may use: one row each, with its types and its meaning's edges.

The row says how the parser names it, what it takes and gives, where its result can be null though
no operand is, how far it reaches, and why another engine would be refused it. `crates/expr` has an
arm for each `op`. What has no row here is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headwater.compile.expressions import ranges
from headwater.compile.expressions.ranges import MOST, Range
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BOOL, INT, FLOAT, STR, TIMESTAMP = DataType

NUMBER: Final = (INT, FLOAT)
ORDERED: Final = (INT, FLOAT, TIMESTAMP, STR)
ALL: Final = tuple(DataType)

ANYTHING: Final = "T"
"""In `takes`: the one type of all operands so marked; in `gives`: that type."""


def _never(_arguments: Sequence[Range]) -> bool:
    return False


def _any_value(_arguments: Sequence[Range]) -> Range:
    return ranges.ANY


@dataclass(frozen=True, slots=True)
class Row:
    """One operation.

    Attributes:
        op: the head of the tree.
        node: the class of the parser.
        parts: the parser's names of the operands, in order; `*` before one that is a list, `?`
            before one that may be missing.
        takes: the type of each operand, the last for all that follow; "T" as in `of`.
        gives: the type of the result.
        of: what T may be, when operands are "T".
        range: the values of the result, from those of the operands.
        undefined: can the result be null though no operand is?
        local: why Flink and Spark are refused it; empty: they are not.
        whole: over an integer it is the integer itself.
        flat: nested uses are written as one list.
        passes_nulls: null only where all operands are.
        spelled: as a user writes it.
    """

    op: str
    node: str
    parts: tuple[str, ...]
    takes: tuple[DataType | str, ...]
    gives: DataType | str
    spelled: str
    of: tuple[DataType, ...] = ()
    range: Callable[[Sequence[Range]], Range] = _any_value
    undefined: Callable[[Sequence[Range]], bool] = _never
    local: str = ""
    whole: bool = False
    flat: bool = False
    passes_nulls: bool = False


TWO: Final = ("this", "expression")
SAME: Final = (ANYTHING, ANYTHING)
LIST: Final = ("this", "*expressions")
ONE: Final = ("this",)

EXPONENT_MAX: Final = 709.0
"""e^709.78 is the greatest finite power; a little below it is safe."""

LIBM: Final = "differs in the last bit between engines"
STRING_ORDER: Final = "the order of strings: Flink compares UTF-16"
"""Why `<`, `greatest` and the like are local over strings."""


def _arithmetic(op: str, node: str, spelled: str, **edges: Callable[..., object]) -> Row:
    return Row(op, node, TWO, SAME, ANYTHING, spelled, of=NUMBER, **edges)  # type: ignore[arg-type]


def _comparison(op: str, node: str, symbol: str, of: tuple[DataType, ...]) -> Row:
    return Row(op, node, TWO, SAME, BOOL, f"a {symbol} b", of=of)


def _float_function(op: str, node: str, **edges: object) -> Row:
    return Row(op, node, ONE, (FLOAT,), FLOAT, f"{op}(x)", **edges)  # type: ignore[arg-type]


ROWS: Final = (
    # Logic. Choice (CASE, IF, COALESCE, NULLIF), IS, IN and BETWEEN have shapes of their own.
    Row("and", "And", TWO, (BOOL, BOOL), BOOL, "a AND b", flat=True),
    Row("or", "Or", TWO, (BOOL, BOOL), BOOL, "a OR b", flat=True),
    Row("not", "Not", ONE, (BOOL,), BOOL, "NOT a"),
    # Comparing.
    _comparison("eq", "EQ", "=", ALL),
    _comparison("ne", "NEQ", "<>", ALL),
    _comparison("lt", "LT", "<", ORDERED),
    _comparison("le", "LTE", "<=", ORDERED),
    _comparison("gt", "GT", ">", ORDERED),
    _comparison("ge", "GTE", ">=", ORDERED),
    _comparison("distinct", "NullSafeNEQ", "IS DISTINCT FROM", ALL),
    Row(
        "greatest",
        "Greatest",
        LIST,
        SAME,
        ANYTHING,
        "greatest(a, b)",
        ORDERED,
        ranges.hull,
        passes_nulls=True,
    ),
    Row(
        "least",
        "Least",
        LIST,
        SAME,
        ANYTHING,
        "least(a, b)",
        ORDERED,
        ranges.hull,
        passes_nulls=True,
    ),
    # Numbers.
    _arithmetic("add", "Add", "a + b", range=ranges.corners(lambda x, y: x + y)),
    _arithmetic("sub", "Sub", "a - b", range=ranges.corners(lambda x, y: x - y)),
    _arithmetic("mul", "Mul", "a * b", range=ranges.corners(lambda x, y: x * y)),
    Row(
        "div",
        "Div",
        TWO,
        (FLOAT, FLOAT),
        FLOAT,
        "a / b",
        range=ranges.divide,
        undefined=lambda of: of[1].holds(0),
    ),
    _arithmetic(
        "idiv",
        "IntDiv",
        "a // b",
        range=ranges.divide_whole,
        undefined=lambda of: of[1].holds(0),
    ),
    _arithmetic("mod", "Mod", "a % b", range=ranges.remainder, undefined=lambda of: of[1].holds(0)),
    Row("neg", "Neg", ONE, (ANYTHING,), ANYTHING, "-a", of=NUMBER, range=ranges.negate),
    Row("abs", "Abs", ONE, (ANYTHING,), ANYTHING, "abs(x)", of=NUMBER, range=ranges.absolute),
    _float_function("floor", "Floor", range=ranges.each(math.floor), whole=True),
    _float_function("ceil", "Ceil", range=ranges.each(math.ceil), whole=True),
    _float_function(
        "round",
        "Round",
        whole=True,
        range=lambda of: Range(float(math.floor(of[0].low)), float(math.ceil(of[0].high))),
    ),
    _float_function("sqrt", "Sqrt", range=ranges.square_root, undefined=lambda of: of[0].low < 0),
    # The ln of the least positive double is -744.4, that of the greatest 709.8.
    _float_function(
        "exp",
        "Exp",
        range=ranges.between(0.0, MOST),
        local=f"exp {LIBM}",
        undefined=lambda of: of[0].high > EXPONENT_MAX,
    ),
    _float_function(
        "ln",
        "Ln",
        range=ranges.between(-745.0, 710.0),
        local=f"ln {LIBM}",
        undefined=lambda of: of[0].low <= 0,
    ),
    Row(
        "power",
        "Pow",
        TWO,
        (FLOAT, FLOAT),
        FLOAT,
        "power(x, y)",
        range=ranges.between(-MOST, MOST),
        undefined=lambda _of: True,
        local=f"power {LIBM}",
    ),
    # Strings.
    Row("lower", "Lower", ONE, (STR,), STR, "lower(s)"),
    Row("upper", "Upper", ONE, (STR,), STR, "upper(s)"),
    Row("trim", "Trim", ONE, (STR,), STR, "trim(s)"),
    Row(
        "length",
        "Length",
        ONE,
        (STR,),
        INT,
        "length(s)",
        range=ranges.between(0, ranges.LENGTH_MAX),
    ),
    Row("concat", "DPipe", TWO, (STR, STR), STR, "a || b", flat=True),
    Row("concat", "Concat", ("*expressions",), (STR, STR), STR, "concat(a, b)", flat=True),
    Row(
        "substring",
        "Substring",
        ("this", "start", "?length"),
        (STR, INT, INT),
        STR,
        "substring(s, start, length)",
    ),
    Row(
        "replace",
        "Replace",
        ("this", "expression", "replacement"),
        (STR, STR, STR),
        STR,
        "replace(s, from, to)",
    ),
    Row(
        "position",
        "StrPosition",
        ("this", "substr"),
        (STR, STR),
        INT,
        "strpos(s, part)",
        range=ranges.between(0, ranges.LENGTH_MAX + 1),
    ),
    Row("starts_with", "StartsWith", TWO, (STR, STR), BOOL, "starts_with(s, start)"),
    Row("ends_with", "EndsWith", TWO, (STR, STR), BOOL, "ends_with(s, end)"),
    Row("like", "Like", TWO, (STR, STR), BOOL, "s LIKE pattern"),
    # Time. Fields, units and intervals have shapes of their own; these are the rest.
    Row("epoch", "TimeToUnix", ONE, (TIMESTAMP,), FLOAT, "epoch(t)", range=ranges.epoch),
)

BY_NODE: Final = {row.node: row for row in ROWS}

FIELDS: Final = {
    "second": Range(0, 59),
    "minute": Range(0, 59),
    "hour": Range(0, 23),
    "day": Range(1, 31),
    "isodow": Range(1, 7),
    "doy": Range(1, 366),
    "week": Range(1, 53),
    "month": Range(1, 12),
    "quarter": Range(1, 4),
    "year": Range(1, 9999),
}
"""What `extract` gives, all integers; `isodow` is 1 for Monday, `week` the ISO week."""

UNITS: Final = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
"""Where `date_trunc` may cut."""

INTERVALS: Final = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
"""Units of fixed length, in microseconds. Months and years have none."""

INTERVAL_MAX_US: Final = 36_525 * 86_400_000_000
"""A hundred years: the longest interval; longer ones are mistakes of unit."""

CASTS: Final = {
    "BOOLEAN": BOOL,
    "INT": INT,
    "BIGINT": INT,
    "DOUBLE": FLOAT,
    "FLOAT": FLOAT,
    "TEXT": STR,
    "VARCHAR": STR,
}
"""Types that CAST may name, as the parser calls them: every integer has 64 bits, so every float."""

FUNCTIONS: Final = tuple(
    sorted(
        {row.spelled.split("(")[0] for row in ROWS if "(" in row.spelled}
        | {"if", "coalesce", "nullif", "cast", "try_cast", "extract", "date_trunc", "concat"}
        | {"epoch", "position", "hour", "minute", "second", "day", "month", "quarter", "year"}
    )
)
"""Names of functions, for near names."""

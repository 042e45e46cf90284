"""`scale=` of a field is a power of two, and the field a float.

Why: sums add integers, and only a power of two scales a float without rounding it again.
Example: `hw.field(scale=0.001)` is refused; `hw.field(scale=2**-10)` is its neighbour.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headwater.compile.facts import SCALE_EXPONENT_MAX, SCALE_EXPONENT_MIN, scale_exponent
from headwater.compile.problems import problem
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.compile.facts import Facts
    from headwater.define import SourceDefinition
    from headwater.errors import Problem

BOUNDS = f"2**{SCALE_EXPONENT_MIN} and 2**{SCALE_EXPONENT_MAX}"


def check(source: SourceDefinition, facts: Facts) -> Iterator[Problem]:
    """Check the scales of a stream's or table's columns."""
    known = facts.columns(source)
    for column in source.columns:
        scale = column.field.scale
        if scale is None or column.name not in known:
            continue
        origin = facts.source_origin(source, column.name)
        if known[column.name].type is not DataType.FLOAT:
            yield problem(
                origin,
                "scale",
                f"column {column.name} is {known[column.name].type}, and only a float has a scale",
                hint="leave scale= out: bools and integers add exactly",
            )
        elif scale_exponent(scale) is None:
            yield problem(
                origin,
                "scale",
                f"scale {scale!r} of column {column.name} is not a power of two between {BOUNDS}",
                hint=_near(scale),
            )


def _near(scale: object) -> str:
    if not isinstance(scale, int | float) or not 0 < scale < math.inf:
        return "such as 2**-20"
    exponent = math.frexp(scale)[1] - 1
    if not SCALE_EXPONENT_MIN <= exponent < SCALE_EXPONENT_MAX:
        return "such as 2**-20"
    return f"near ones are 2**{exponent} and 2**{exponent + 1}"

"""What each aggregate takes and answers: the one table of types of aggregates.

A new aggregate gets a line here; the rules and the lowering read nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.types import DataType

if TYPE_CHECKING:
    from headwater.define import Aggregate

_ADDABLE = frozenset({DataType.BOOL, DataType.INT, DataType.FLOAT})
_ANY = frozenset(DataType)

INPUTS: dict[str, frozenset[DataType]] = {
    "count": _ANY,
    "sum": _ADDABLE,
    "mean": _ADDABLE,
    "min": _ANY,
    "max": _ANY,
    "first": _ANY,
    "last": _ANY,
}
"""The types of input that each aggregate takes."""


@dataclass(frozen=True, slots=True)
class FeatureType:
    """The type of a feature: a scalar, or a list of one."""

    type: DataType
    is_list: bool = False

    def to_json(self) -> dict[str, str]:
        """Return the blueprint's form."""
        return {"list" if self.is_list else "scalar": self.type.value}

    def __str__(self) -> str:
        return f"list of {self.type}" if self.is_list else str(self.type)


def result_type(aggregate: Aggregate | None, of: DataType | None) -> FeatureType | None:
    """Return the type of a feature, or None where it has none because something is wrong.

    Args:
        aggregate: the aggregate, or None for a table's column.
        of: the type of its input or column; None for `count()`, or where it is wrong.
    """
    if aggregate is None:
        return None if of is None else FeatureType(of)
    if aggregate.function == "count":
        return FeatureType(DataType.INT)
    if of is None or of not in INPUTS[aggregate.function]:
        return None
    match aggregate.function:
        case "sum":
            return FeatureType(DataType.FLOAT if of is DataType.FLOAT else DataType.INT)
        case "mean":
            return FeatureType(DataType.FLOAT)
        case _:
            return FeatureType(of, is_list=aggregate.n is not None)

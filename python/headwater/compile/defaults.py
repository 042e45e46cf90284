"""Defaults: values that replace null, as the blueprint stores them.

A default has the type of its feature; an integer serves as a float, nothing else is coerced.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.types import DataType

if TYPE_CHECKING:
    from headwater.compile.result_types import FeatureType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


def fits(value: Any, kind: FeatureType) -> bool:
    """Can this be the default of a feature of this type?"""
    if kind.is_list:
        return isinstance(value, list | tuple) and all(_scalar_fits(each, kind) for each in value)
    return _scalar_fits(value, kind)


def stored_default(value: Any, kind: FeatureType) -> Any:
    """Return a default as the blueprint stores it: JSON, timestamps as microseconds."""
    if value is None:
        return None
    if kind.is_list:
        return [_stored(each, kind) for each in value]
    return _stored(value, kind)


def _stored(value: Any, kind: FeatureType) -> Any:
    match kind.type:
        case DataType.FLOAT:
            return float(value) + 0.0  # -0.0 counts as 0.0
        case DataType.TIMESTAMP:
            return _instant_us(value)
        case _:
            return value


def _scalar_fits(value: Any, kind: FeatureType) -> bool:
    match kind.type:
        case DataType.BOOL:
            return isinstance(value, bool)
        case DataType.INT:
            return _is_int(value)
        case DataType.FLOAT:
            return _is_int(value) or (isinstance(value, float) and math.isfinite(value))
        case DataType.STR:
            return isinstance(value, str)
        case DataType.TIMESTAMP:
            return _is_int(value) or (isinstance(value, datetime) and value.tzinfo is not None)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and INT_MIN <= value <= INT_MAX


def _instant_us(value: Any) -> int:
    if isinstance(value, int):
        return value
    return int((value - _EPOCH) // timedelta(microseconds=1))

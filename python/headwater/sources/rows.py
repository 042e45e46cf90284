"""Rows of Python as the data plane takes them: NDJSON bytes, or Arrow.

Dicts are written as NDJSON, objects with Arrow's interface are handed over without a copy. It must
never import pandas, polars, pyarrow or numpy: they are known by what they can do.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeGuard

import orjson

from headwater._native import Frame
from headwater.errors import InvalidError

Payload: TypeAlias = bytes | Frame
"""NDJSON bytes, or Arrow."""

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE

NAIVE_HINT = (
    "give it a zone: datetime(..., tzinfo=timezone.utc), or series.dt.tz_localize(...) in pandas"
)


class _Pandas(Protocol):
    columns: Any
    dtypes: Any

    def to_dict(self, orient: str) -> list[dict[str, Any]]: ...


def payload_of(rows: object) -> Payload:
    r"""Return rows as they are pushed.

    Args:
        rows: dicts (any iterable of them), or an object with `__arrow_c_stream__` or
            `__arrow_c_array__` (pyarrow, polars, pandas, duckdb, a `Frame`), or bytes of NDJSON.
            NaT and `pandas.NA` are null, and NaN is where no float is asked for; numpy scalars
            and aware datetimes are understood.

    Raises:
        InvalidError: `not_rows`: neither of these, such as a dict of columns; `unreadable_row`:
            a row that has no JSON form; `duplicate_column`: a column of pandas named twice.

    >>> payload_of([{"carrier": "UA", "dep_delay": float("nan")}])
    b'{"carrier":"UA","dep_delay":NaN}\n'
    """
    if isinstance(rows, bytes):
        return rows
    if isinstance(rows, bytearray | memoryview):
        return bytes(rows)
    arrow = _arrow(rows)
    if arrow is None:
        return _ndjson(_dicts(rows))
    floats = _float_columns(rows) if _is_pandas(rows) else []
    return arrow.nulls_as_nan(floats) if floats else arrow


def frame_of(rows: object) -> Frame:
    """Return label rows or keys as Arrow; types of dicts are read off their values.

    Args:
        rows: as for `payload_of`.

    Raises:
        InvalidError: `not_rows`; `mixed_types`, `unknown_type`: a column of dicts has no one type.
    """
    arrow = _arrow(rows)
    return Frame.from_dicts(list(_dicts(rows))) if arrow is None else arrow


def json_of(document: object) -> bytes:
    """Return a request as JSON; values of keys are understood as in `payload_of`.

    Raises:
        InvalidError: `unreadable_row`: a value has no JSON form.
    """
    try:
        return orjson.dumps(document, _json_form, orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as refused:
        raise InvalidError(
            "the request has no JSON form", code="unreadable_row", detail=str(refused)
        ) from refused


def instant(value: dt.datetime | int | str | None) -> int | str | None:
    """Return an instant as JSON carries it.

    Args:
        value: an aware datetime, integer microseconds since 1970, an ISO 8601 string with an
            offset, or None for now.

    Raises:
        InvalidError: `naive_instant`: a datetime without a zone; `null_instant`: NaT or NaN, which
            stands for a time that is not known, and must not become now.

    >>> instant(dt.datetime(2013, 7, 1, tzinfo=dt.timezone.utc))
    '2013-07-01T00:00:00+00:00'
    """
    if _is_missing(value):
        raise InvalidError(
            f"the instant is {value}", code="null_instant", hint="give an instant, or None for now"
        )
    if not isinstance(value, dt.datetime):
        return value
    if value.utcoffset() is None:
        raise InvalidError(
            f"the instant {value.isoformat()} has no zone", code="naive_instant", hint=NAIVE_HINT
        )
    return value.isoformat()


def check_columns(names: Sequence[object]) -> None:
    """Refuse columns of which two have one name: which was meant cannot be known.

    Raises:
        InvalidError: `duplicate_column`.
    """
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise InvalidError(
            f'column "{twice}" occurs twice',
            code="duplicate_column",
            hint="rename or drop one of the two",
        )


def _arrow(rows: object) -> Frame | None:
    """Return rows that have Arrow's interface; None where they have to go as dicts."""
    if isinstance(rows, Frame):
        return rows
    # Asked for by name: isinstance of a protocol costs as much as the rest of a small push.
    if not (hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__")):
        return None
    try:
        return Frame.from_arrow(rows)
    except (ImportError, TypeError, ValueError):
        # pandas has the interface, but needs pyarrow for it, which refuses columns of mixed
        # types as a whole; as dicts only the wrong rows are refused.
        if not _is_pandas(rows):
            raise
        return None


def _is_pandas(rows: object) -> TypeGuard[_Pandas]:
    # A lazy frame of polars has `columns` too, at the price of a plan and a warning.
    return hasattr(rows, "to_dict") and hasattr(rows, "columns")


def _dicts(rows: object) -> Iterable[dict[str, Any]]:
    if _is_pandas(rows):
        check_columns(list(rows.columns))
        return rows.to_dict("records")
    if isinstance(rows, Mapping):
        raise InvalidError(
            "rows are a list of dicts, not a dict",
            code="not_rows",
            hint="a single row: [row]; columns: give a DataFrame or an arrow table of them",
        )
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise InvalidError(
            f"rows cannot be read from a {type(rows).__name__}",
            code="not_rows",
            hint="collect it first: rows.collect()"
            if hasattr(rows, "collect")
            else "give a list of dicts, or a DataFrame or arrow table",
        )
    return rows


def _ndjson(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(_line(row, number) for number, row in enumerate(rows))


def _line(row: object, number: int) -> bytes:
    try:
        line = orjson.dumps(row, _json_form, _OPTIONS)
        # What is no number is null by now, and may not be: only then is each value looked at.
        if b"null" not in line or not isinstance(row, dict):
            return line
        words = {name: orjson.Fragment(_word(value)) for name, value in _not_finite(row)}
        return orjson.dumps({**row, **words}, _json_form, _OPTIONS) if words else line
    except orjson.JSONEncodeError as refused:
        # Integers past 64 bits and broken strings are JSON: the data plane rejects their row alone.
        try:
            plain = {**row, **dict(_not_finite(row))} if isinstance(row, dict) else row
            return json.dumps(plain, default=_json_form).encode() + b"\n"
        except (TypeError, ValueError):
            raise InvalidError(
                f"row {number} has no JSON form",
                code="unreadable_row",
                detail=str(refused),
                hint="values are None, bool, int, float, str, aware datetimes and lists of these",
                row=number,
            ) from refused


def _not_finite(row: Mapping[str, object]) -> Iterable[tuple[str, float]]:
    """Yield the columns of a row that hold NaN or an infinity."""
    for name, value in row.items():
        if isinstance(value, float) or _is_numpy_float(value):
            number = float(value)  # type: ignore[arg-type]
            if not math.isfinite(number):
                yield name, number


def _word(value: float) -> bytes:
    """Return what the data plane reads as this float, for which JSON has no number."""
    if math.isnan(value):
        return b"NaN"
    return b"Infinity" if value > 0 else b"-Infinity"


def _is_numpy_float(value: object) -> bool:
    if type(value).__module__ != "numpy":
        return False
    kind, dimensions = getattr(value, "dtype", None), getattr(value, "ndim", None)
    return dimensions == 0 and getattr(kind, "kind", "") == "f"


def _float_columns(rows: _Pandas) -> list[str]:
    """Return the columns in which pandas has no null but NaN, and gave it to Arrow as one."""
    types = zip(rows.columns, rows.dtypes, strict=True)
    # Types that are not numpy's, such as Float64, keep NaN and NA apart.
    numpy = [each for each in types if type(each[1]).__module__.startswith("numpy")]
    return [name for name, kind in numpy if kind.kind == "f"]


def _json_form(value: object) -> object:
    """Return the JSON form of what orjson does not know: pandas' scalars above all."""
    if _is_missing(value):
        return None
    if isinstance(value, dt.datetime):
        return value.isoformat()
    item = getattr(value, "item", None)
    if type(value).__module__ == "numpy" and callable(item):
        return item()
    raise TypeError(f"a value of type {type(value).__name__}")


def _is_missing(value: object) -> bool:
    """Tell whether a value is what pandas and numpy write where there is none."""
    if type(value).__name__ in {"NAType", "NaTType"}:
        return True
    scalar = isinstance(value, float) or type(value).__module__ == "numpy"
    return scalar and bool(value != value)  # noqa: PLR0124 - true of NaN and NaT alone

"""Rows of Python as they cross to the data plane."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headwater._native import Frame
from headwater.errors import InvalidError
from headwater.sources import frame_of, instant, payload_of

JULY = dt.datetime(2013, 7, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)
ROW = {"flag": True, "number": 3, "share": 0.5, "name": "é", "at": JULY, "recent": [1.0, None]}


def lines(payload: object) -> list[object]:
    assert isinstance(payload, bytes)
    return [json.loads(line) for line in payload.splitlines()]


def test_dicts_become_lines_of_json():
    payload = payload_of([ROW, {"number": None}])
    assert lines(payload) == [
        {**ROW, "at": "2013-07-01T12:30:15.123456+00:00"},
        {"number": None},
    ]


def test_any_iterable_of_dicts_is_read():
    assert lines(payload_of({"n": n} for n in range(3))) == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize("value", [pd.NaT, pd.NA, None], ids=["NaT", "NA", "None"])
def test_what_pandas_means_by_missing_is_null(value):
    assert lines(payload_of([{"x": value}])) == [{"x": None}]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (float("nan"), b"NaN"),
        (np.float64("nan"), b"NaN"),
        (np.float32("nan"), b"NaN"),
        (float("inf"), b"Infinity"),
        (np.float32("-inf"), b"-Infinity"),
    ],
    ids=["nan", "float64 nan", "float32 nan", "inf", "float32 -inf"],
)
def test_floats_that_are_not_finite_keep_their_word(value, word):
    assert payload_of([{"x": value, "y": None}]) == b'{"x":' + word + b',"y":null}\n'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(2**62), 2**62),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (pd.Timestamp("2013-07-01", tz="UTC"), "2013-07-01T00:00:00+00:00"),
        (np.array([1, 2]), [1, 2]),
        (2**70, 2**70),
    ],
    ids=["int64", "float32", "bool_", "str_", "Timestamp", "array", "large int"],
)
def test_scalars_of_numpy_and_pandas_are_understood(value, expected):
    assert lines(payload_of([{"x": value}])) == [{"x": expected}]


def test_a_dict_of_columns_is_refused_with_the_remedy():
    with pytest.raises(InvalidError) as error:
        payload_of({"carrier": ["UA"]})
    assert error.value.code == "not_rows"
    assert "DataFrame" in error.value.hint


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_lines_of_json_already(kind):
    assert payload_of(kind(b'{"x": 1}\n')) == b'{"x": 1}\n'


@pytest.mark.filterwarnings("error")
def test_a_lazy_frame_is_refused_with_the_remedy():
    with pytest.raises(InvalidError) as error:
        payload_of(pl.DataFrame({"x": [1]}).lazy())
    assert (error.value.code, error.value.hint) == ("not_rows", "collect it first: rows.collect()")


@pytest.mark.filterwarnings("error")
def test_a_pandas_column_named_twice_is_refused():
    with pytest.raises(InvalidError) as error:
        payload_of(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    assert error.value.code == "duplicate_column"
    assert error.value.message == 'column "x" occurs twice'


@pytest.mark.parametrize("rows", ["text", 3, None], ids=["str", "int", "None"])
def test_what_holds_no_rows_is_refused(rows):
    with pytest.raises(InvalidError) as error:
        payload_of(rows)
    assert error.value.code == "not_rows"


def test_a_value_without_a_json_form_names_its_row():
    with pytest.raises(InvalidError) as error:
        payload_of([{"x": 1}, {"x": {1, 2}}])
    assert (error.value.code, error.value.row) == ("unreadable_row", 1)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"x": [1, 2]}),
        pa.record_batch({"x": [1, 2]}),
        pl.DataFrame({"x": [1, 2]}),
        pd.DataFrame({"x": [1, 2]}),
        Frame.from_dicts([{"x": 1}, {"x": 2}]),
    ],
    ids=["pyarrow.Table", "pyarrow.RecordBatch", "polars", "pandas", "Frame"],
)
def test_objects_with_the_arrow_interface_are_taken_as_they_are(table):
    payload = payload_of(table)
    assert isinstance(payload, Frame)
    assert payload.to_dicts() == [{"x": 1}, {"x": 2}]


def test_pandas_without_pyarrow_goes_as_dicts(monkeypatch):
    def no_pyarrow(_rows):
        raise ImportError("pyarrow is not here")

    frame = pd.DataFrame({"x": [1.5, float("nan")], "at": pd.to_datetime([JULY, None])})
    monkeypatch.setattr(type(frame), "__arrow_c_stream__", no_pyarrow)
    assert payload_of(frame).splitlines() == [
        b'{"x":1.5,"at":"2013-07-01T12:30:15.123456+00:00"}',
        b'{"x":NaN,"at":null}',
    ]
    assert frame_of(frame).num_rows == 2


def test_a_pandas_column_of_mixed_types_fails_row_by_row_not_as_a_whole():
    assert lines(payload_of(pd.DataFrame({"x": [1, "one"]}))) == [{"x": 1}, {"x": "one"}]


def test_the_error_of_a_failing_producer_is_not_hidden():
    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            raise KeyError("the source is gone")

    with pytest.raises(KeyError, match="the source is gone"):
        payload_of(Broken())


def test_a_column_is_no_table():
    with pytest.raises(InvalidError) as error:
        payload_of(pa.chunked_array([[1, 2]]))
    assert error.value.code == "malformed_arrow"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (1_372_680_000_000_000, 1_372_680_000_000_000),
        ("2013-07-01T12:00:00Z", "2013-07-01T12:00:00Z"),
        (JULY, "2013-07-01T12:30:15.123456+00:00"),
        (pd.Timestamp("2013-07-01", tz="America/New_York"), "2013-07-01T00:00:00-04:00"),
    ],
    ids=["now", "microseconds", "text", "datetime", "pandas"],
)
def test_instants_as_json(value, expected):
    assert instant(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.NaT, "the instant is NaT"),
        (float("nan"), "the instant is nan"),
        (np.datetime64("NaT"), "the instant is NaT"),
        (pd.NA, "the instant is <NA>"),
    ],
    ids=["NaT", "nan", "numpy NaT", "NA"],
)
def test_an_instant_that_is_not_known_is_refused_and_not_now(value, message):
    with pytest.raises(InvalidError) as error:
        instant(value)
    assert (error.value.code, error.value.message) == ("null_instant", message)
    assert error.value.hint == "give an instant, or None for now"


def test_a_naive_instant_is_refused_with_the_remedy():
    with pytest.raises(InvalidError) as error:
        instant(dt.datetime(2013, 7, 1))  # noqa: DTZ001 - the point of the test
    assert error.value.code == "naive_instant"
    assert "tz_localize" in error.value.hint

"""`Frame`: rows in Arrow, in and out, without an Arrow library."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headwater._native import Frame
from headwater.errors import InvalidError

JULY = dt.datetime(2013, 7, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)

ROWS = [
    {
        "flag": True,
        "number": -3,
        "share": 0.5,
        "name": "é",
        "raw": b"\x00\xff",
        "day": dt.date(1969, 12, 31),
        "at": JULY,
        "clock": dt.datetime(1969, 7, 20, 20, 17),  # noqa: DTZ001 - a clock without a zone
        "recent": [1.0, None, 2.5],
        "nested": [["a"], []],
        "nothing": None,
    },
    dict.fromkeys(
        ["flag", "number", "share", "name", "raw", "day", "at", "clock", "recent", "nested"]
    )
    | {"nothing": None},
]


def test_dicts_come_back_as_they_went_in():
    assert Frame.from_dicts(ROWS).to_dicts() == ROWS


def test_dicts_come_back_through_every_library():
    frame = Frame.from_dicts(ROWS)
    assert Frame.from_arrow(pa.table(frame)).to_dicts() == ROWS
    # Polars gives its columns of nulls a buffer, which the format does not have.
    assert Frame.from_arrow(pl.DataFrame(frame)).to_dicts() == ROWS
    assert Frame.from_ipc(frame.to_ipc()).to_dicts() == ROWS


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream], ids=["file", "stream"])
def test_ipc_is_read_in_both_formats_compressed_or_not(new, codec):
    table = pa.table({"x": [1, 2] * 500, "y": ["a", None] * 500})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with new(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    assert Frame.from_ipc(sink.getvalue().to_pybytes()).to_dicts() == table.to_pylist()


@pytest.mark.parametrize("cut", [0, 1, 40, -9], ids=["empty", "a byte", "schema only", "cut"])
def test_cut_off_ipc_is_an_error(cut):
    data = Frame.from_dicts([{"x": n} for n in range(1_000)]).to_ipc()
    with pytest.raises(InvalidError) as error:
        Frame.from_ipc(data[:cut])
    assert error.value.code == "malformed_arrow"


def test_missing_keys_are_null_and_columns_stand_in_order_of_appearance():
    frame = Frame.from_dicts([{"b": 1}, {"a": 2, "b": None}])
    assert frame.column_names == ["b", "a"]
    assert frame.to_columns() == {"b": [1, None], "a": [None, 2]}


def test_integers_join_floats_and_nan_stays_in_a_column_of_floats():
    (first, second, third) = Frame.from_dicts(
        [{"x": 1}, {"x": 2.5}, {"x": float("nan")}]
    ).to_dicts()
    assert (first, second) == ({"x": 1.0}, {"x": 2.5})
    assert np.isnan(third["x"])


def test_nan_in_a_column_of_text_is_null():
    assert Frame.from_dicts([{"x": "a"}, {"x": float("nan")}]).to_columns() == {"x": ["a", None]}


@pytest.mark.parametrize(
    ("rows", "code", "row"),
    [
        ([{"x": 1}, {"x": "a"}], "mixed_types", 1),
        ([{"x": JULY}, {"x": JULY.replace(tzinfo=None)}], "mixed_types", 1),
        ([{"x": [1]}, {"x": ["a"]}], "mixed_types", 1),
        ([{"x": 2**53 + 1}, {"x": 0.5}], "mixed_types", 0),
        ([{"x": 2**64}], "out_of_range", 0),
        ([{"x": 0}, {"x": {"deep": 1}}], "unknown_type", 1),
        ([{"x": 0}, 7], "not_rows", 1),
        ([{1: 0}], "not_rows", 0),
    ],
    ids=["int, str", "zones", "in lists", "inexact", "65 bits", "dict", "no dict", "name"],
)
def test_a_column_without_one_type_names_the_row(rows, code, row):
    with pytest.raises(InvalidError) as error:
        Frame.from_dicts(rows)
    assert (error.value.code, error.value.row) == (code, row)


def test_types_of_others_become_values_of_python():
    table = pa.table(
        {
            "small": pa.array([1, None], pa.int8()),
            "unsigned": pa.array([2**63, None], pa.uint64()),
            "single": pa.array([0.5, None], pa.float32()),
            "large": pa.array(["a", None], pa.large_string()),
            "view": pa.array(["b", None], pa.string_view()),
            "category": pa.array(["c", None]).dictionary_encode(),
            "price": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(10, 2)),
            "span": pa.array([dt.timedelta(seconds=1), None], pa.duration("ns")),
            "bundle": pa.array([{"p": 1, "q": None}, None]),
            "counts": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
            "pair": pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
            "in_ns": pa.array([1_372_680_000_123_456_789, None], pa.timestamp("ns", "UTC")),
            "in_ms": pa.array([-1, None], pa.timestamp("ms", "America/New_York")),
        }
    )
    first, second = Frame.from_arrow(table).to_dicts()
    assert first == {
        "small": 1,
        "unsigned": 2**63,
        "single": 0.5,
        "large": "a",
        "view": "b",
        "category": "c",
        "price": decimal.Decimal("1.50"),
        "span": dt.timedelta(seconds=1),
        "bundle": {"p": 1, "q": None},
        "counts": {"a": 1},
        "pair": [1, 2],
        "in_ns": dt.datetime(2013, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC),
        "in_ms": dt.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=dt.UTC),
    }
    assert set(second.values()) == {None}


def test_parts_and_columns_of_a_frame():
    frame = Frame.from_arrow(pa.concat_tables([pa.table({"x": [0, 1, 2], "y": list("abc")})] * 2))
    assert [len(part) for part in frame.split(2)] == [2, 2, 2]
    assert frame.head(4).to_columns() == {"x": [0, 1, 2, 0], "y": ["a", "b", "c", "a"]}
    assert frame.select(["y"]).column_names == ["y"]
    joined = Frame.joined(frame.split(4), {"said": "twice"})
    assert (joined.to_dicts(), joined.schema_metadata) == (frame.to_dicts(), {"said": "twice"})
    with pytest.raises(InvalidError) as error:
        Frame.joined([frame, frame.select(["y"])], {})
    assert error.value.code == "columns_disagree"
    with pytest.raises(InvalidError):
        frame.select(["z"])


def test_frames_without_rows_keep_their_columns():
    frame = Frame.from_arrow(pd.DataFrame({"x": pd.Series([], dtype="int64")}))
    assert (frame.num_rows, frame.column_names, frame.to_dicts()) == (0, ["x"], [])
    assert pa.table(frame).num_rows == 0

"""Files of rows: formats, declared types, chunks."""

import datetime as dt
import io
import json
import sys

import pyarrow as pa
import pyarrow.parquet
import pytest

from headwater._native import Frame
from headwater.errors import InvalidError, NotFoundError
from headwater.sources import files
from headwater.types import DataType

TYPES = {
    "id": DataType.STR,
    "at": DataType.TIMESTAMP,
    "delay": DataType.FLOAT,
    "seats": DataType.INT,
    "late": DataType.BOOL,
}


def rows_of(parts):
    rows = []
    for part in parts:
        if isinstance(part, Frame):
            rows += part.to_dicts()
        else:
            rows += [json.loads(line) for line in part.splitlines()]
    return rows


def test_text_of_a_csv_is_read_as_declared(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text(
        "\ufeffid,at,delay,seats,late\n"
        "007,2013-07-01T12:00:00Z,1.5,100,True\n"
        '"a, b",1372680000000000,,,0\n'
        "x,,often,1.5,perhaps\n",
        encoding="utf-8",
    )
    assert rows_of(files.read_rows(str(file), TYPES)) == [
        {"id": "007", "at": "2013-07-01T12:00:00Z", "delay": 1.5, "seats": 100, "late": True},
        {"id": "a, b", "at": 1372680000000000, "delay": None, "seats": None, "late": False},
        # What is not of its type goes on as text: the row is rejected, not the file.
        {"id": "x", "at": None, "delay": "often", "seats": "1.5", "late": "perhaps"},
    ]


def test_a_long_csv_comes_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK_ROWS", 10)
    file = tmp_path / "rows.csv"
    file.write_text("seats\n" + "".join(f"{n}\n" for n in range(25)))
    parts = list(files.read_rows(str(file), TYPES))
    assert [len(rows_of([part])) for part in parts] == [10, 10, 5]
    assert rows_of(parts) == [{"seats": n} for n in range(25)]


def test_ndjson_comes_in_chunks_of_whole_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK_BYTES", 30)
    file = tmp_path / "rows.ndjson"
    file.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(20)))
    parts = list(files.read_rows(str(file), {}))
    assert len(parts) > 3
    assert rows_of(parts) == [{"n": n} for n in range(20)]


def test_standard_input_is_ndjson(monkeypatch):
    class Input:
        buffer = io.BytesIO(b'{"n": 1}\n{"n": 2}')

    monkeypatch.setattr(sys, "stdin", Input)
    assert rows_of(files.read_rows("-", {})) == [{"n": 1}, {"n": 2}]


def test_arrow_and_parquet_are_read(tmp_path):
    table = pa.table({"n": [1, 2], "name": ["a", None]})
    with pa.ipc.new_file(tmp_path / "rows.arrow", table.schema) as writer:
        writer.write_table(table)
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    for name in ("rows.arrow", "rows.parquet"):
        assert rows_of(files.read_rows(str(tmp_path / name), {})) == table.to_pylist()
        assert files.read_labels(str(tmp_path / name), {}).to_dicts() == table.to_pylist()


def test_labels_of_a_csv_get_their_types(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(
        "id,at,late,weight,note\n007,2013-07-01T12:00:00Z,1,2,x\n008,2013-07-01T13:00:00Z,0,0.5,\n"
    )
    assert files.read_labels(
        str(file), {"id": DataType.STR, "at": DataType.TIMESTAMP}
    ).to_dicts() == [
        {
            "id": "007",
            "at": dt.datetime(2013, 7, 1, 12, tzinfo=dt.UTC),
            "late": 1,
            "weight": 2.0,
            "note": "x",
        },
        {
            "id": "008",
            "at": dt.datetime(2013, 7, 1, 13, tzinfo=dt.UTC),
            "late": 0,
            "weight": 0.5,
            "note": None,
        },
    ]


def test_an_unknown_format_names_the_known_ones(tmp_path):
    with pytest.raises(InvalidError) as error:
        list(files.read_rows(str(tmp_path / "rows.xlsx"), {}))
    assert error.value.code == "unknown_format"
    assert ".csv, .ndjson, .jsonl, .arrow" in error.value.hint


@pytest.mark.parametrize(
    "read",
    [lambda file: list(files.read_rows(file, {})), lambda file: files.read_labels(file, {})],
    ids=["rows", "labels"],
)
@pytest.mark.parametrize(
    ("name", "data", "detail"),
    [
        ("rows.csv", b"id\ncaf\xe9\n", "'utf-8' codec can't decode byte 0xe9 in position 6"),
        ("rows.csv", b'id\n"' + b"x" * 200_000, "field larger than field limit (131072)"),
        ("rows.parquet", b"junk", "Parquet file size is 4 bytes"),
    ],
    ids=["latin-1", "huge field", "no parquet"],
)
def test_a_file_that_is_not_what_its_name_says_is_told(tmp_path, name, data, detail, read):
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(InvalidError) as error:
        read(str(file))
    assert error.value.code == "unreadable_file"
    assert error.value.message == f"{file} cannot be read as {file.suffix[1:]}"
    assert error.value.detail.startswith(detail)


def test_a_line_of_labels_that_is_no_json_is_numbered(tmp_path):
    file = tmp_path / "labels.ndjson"
    file.write_text('{"n": 1}\n\n{bad\n')
    with pytest.raises(InvalidError) as error:
        files.read_labels(str(file), {})
    assert error.value.detail.startswith("line 3: unexpected character")


def test_a_csv_with_a_column_twice_is_refused(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("id,at,id\n1,2,3\n")
    with pytest.raises(InvalidError) as error:
        list(files.read_rows(str(file), TYPES))
    assert (error.value.code, error.value.message) == (
        "duplicate_column",
        'column "id" occurs twice',
    )


def test_a_missing_file_is_named():
    with pytest.raises(NotFoundError, match=r"no file nowhere\.csv"):
        list(files.read_rows("nowhere.csv", {}))


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidError) as error:
        list(files.read_rows(str(tmp_path / "rows.parquet"), {}))
    assert (error.value.code, error.value.hint) == (
        "missing_extra",
        "pip install 'headwater[parquet]'",
    )

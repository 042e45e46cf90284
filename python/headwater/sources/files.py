"""Files of rows: CSV, NDJSON and Arrow IPC; Parquet with the extra `parquet`.

The ending of the name tells the format; `-` is NDJSON on standard input. Files are read in chunks,
so that a large one is never in memory as dicts. Must never guess a type that is declared.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

import orjson

from headwater._native import Frame
from headwater.errors import InvalidError, NotFoundError
from headwater.sources.rows import Payload, check_columns, frame_of, payload_of
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHUNK_ROWS: Final = 20_000
"""Rows of one chunk: a push of a few milliseconds, and some megabytes of dicts."""

CHUNK_BYTES: Final = 8 * 2**20
"""NDJSON bytes of one chunk: well below the largest body a server takes by default."""

FORMATS: Final = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".parquet": "parquet",
}


def read_rows(path: str, types: Mapping[str, DataType]) -> Iterator[Payload]:
    """Yield the rows of a file, in chunks, ready to be pushed.

    Args:
        path: the file; `-` is standard input.
        types: types of the declared columns, which text of a CSV is read as. An empty field is
            null. Text that is not of its type goes on as text: the data plane rejects that row.

    Raises:
        InvalidError: `unknown_format`; `missing_extra`: Parquet without pyarrow;
            `unreadable_file`: it is not what its name says; `duplicate_column`.
        NotFoundError: `no_file`.
    """
    kind = _format(path)
    with _reading(path, kind):
        yield from _parts(path, kind, types)


def _parts(path: str, kind: str, types: Mapping[str, DataType]) -> Iterator[Payload]:
    if kind == "csv":
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = (_typed(row, types) for row in _csv(file))
            while chunk := list(islice(rows, CHUNK_ROWS)):
                yield payload_of(chunk)
    elif kind == "ndjson" and path == "-":
        yield from _lines(sys.stdin.buffer)
    elif kind == "ndjson":
        with Path(path).open("rb") as file:
            yield from _lines(file)
    elif kind == "arrow":
        yield from Frame.from_ipc(Path(path).read_bytes()).split(CHUNK_ROWS)
    else:
        for batch in _parquet(path).iter_batches(CHUNK_ROWS):
            yield Frame.from_arrow(batch)


def read_labels(path: str, types: Mapping[str, DataType]) -> Frame:
    """Return the label rows of a file.

    Columns of a CSV that are not declared become integers, floats or text, whichever fits all of
    the column.

    Args:
        path: the file.
        types: types of the declared columns: keys and the time.

    Raises:
        As `read_rows`.
    """
    kind = _format(path)
    with _reading(path, kind):
        return _labels(path, kind, types)


def _labels(path: str, kind: str, types: Mapping[str, DataType]) -> Frame:
    if kind == "csv":
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = [_typed(row, types) for row in _csv(file)]
        for name in set().union(*rows) - set(types):
            _guess(rows, name)
        return frame_of(
            [{name: _aware(value, name, types) for name, value in row.items()} for row in rows]
        )
    if kind == "ndjson":
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return frame_of(
            [_object(*each) for each in enumerate(data.splitlines(), 1) if each[1].strip()]
        )
    if kind == "arrow":
        return Frame.from_ipc(Path(path).read_bytes())
    return Frame.from_arrow(_parquet(path).read())


def _format(path: str) -> str:
    if path == "-":
        return "ndjson"
    kind = FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise InvalidError(
            f"the format of {path} is not known",
            code="unknown_format",
            hint=f"files end in {', '.join(FORMATS)}",
        )
    if not Path(path).is_file():
        raise NotFoundError(f"no file {path}", code="no_file")
    return kind


@contextmanager
def _reading(path: str, kind: str) -> Iterator[None]:
    """Say of which file it is, where one cannot be read or is not what its name says."""
    try:
        yield
    # UnicodeDecodeError and what orjson and pyarrow raise of bad input are ValueErrors.
    except (ValueError, csv.Error, OSError) as broken:
        raise InvalidError(
            f"{path} cannot be read as {kind}",
            code="unreadable_file",
            detail=str(broken),
            hint="text is UTF-8" if isinstance(broken, UnicodeDecodeError) else "",
        ) from broken


def _csv(file: TextIO) -> csv.DictReader[str]:
    reader = csv.DictReader(file)
    check_columns(reader.fieldnames or [])
    return reader


def _object(number: int, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as refused:
        raise ValueError(f"line {number}: {refused}") from refused


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield whole lines, about `CHUNK_BYTES` of them at a time."""
    while chunk := file.readlines(CHUNK_BYTES):
        yield b"".join(chunk)


def _parquet(path: str) -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise InvalidError(
            "reading parquet needs pyarrow",
            code="missing_extra",
            hint="pip install 'headwater[parquet]'",
        ) from None
    return pyarrow.parquet.ParquetFile(path)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.strip().casefold()]


READERS: Final[dict[DataType, Callable[[str], object]]] = {
    DataType.BOOL: _boolean,
    DataType.INT: int,
    DataType.FLOAT: float,
    DataType.STR: str,
    DataType.TIMESTAMP: int,  # else ISO 8601, which goes on as text
}


def _typed(row: dict[str, Any], types: Mapping[str, DataType]) -> dict[str, Any]:
    return {name: _read(text, types.get(name, DataType.STR)) for name, text in row.items()}


def _read(text: Any, kind: DataType) -> object:
    if not isinstance(text, str) or text == "":
        return text or None
    try:
        return READERS[kind](text)
    except (ValueError, KeyError):
        return text


def _guess(rows: list[dict[str, Any]], name: str) -> None:
    """Replace the text of a column by integers or floats, if all of it reads as such."""
    for reader in (int, float):
        try:
            read = [None if row[name] is None else reader(row[name]) for row in rows]
        except ValueError:
            continue
        for row, value in zip(rows, read, strict=True):
            row[name] = value
        return


def _aware(value: object, name: str, types: Mapping[str, DataType]) -> object:
    """Return an instant's text as a datetime, so that the column is one of instants."""
    if types.get(name) is not DataType.TIMESTAMP or not isinstance(value, str):
        return value
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return value

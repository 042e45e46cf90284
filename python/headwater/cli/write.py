"""Rows to files: CSV, NDJSON and Arrow IPC; Parquet with the extra `parquet`."""

from __future__ import annotations

import csv
import datetime as dt
from typing import TYPE_CHECKING, Any

import orjson

from headwater.errors import InvalidError, NotFoundError
from headwater.sources.files import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.workspace import TrainingSet


def check_format(path: Path) -> str:
    """Return the format that a file's name asks for.

    Raises:
        InvalidError: `unknown_format`.
        NotFoundError: `no_folder`: that to write into.
    """
    if not path.parent.is_dir():
        raise NotFoundError(f"no folder {path.parent}", code="no_folder")
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InvalidError(
            f"the format of {path} is not known",
            code="unknown_format",
            hint=f"files end in {', '.join(FORMATS)}",
        )
    return kind


def write(table: TrainingSet, path: Path) -> None:
    """Write all rows; instants as ISO 8601 with Z in text formats, nulls as empty or null.

    Raises:
        InvalidError: `unwritable_file`, and those of `check_format`.
    """
    kind = check_format(path)
    try:
        _write(table, path, kind)
    except OSError as refused:
        raise InvalidError(
            f"{path} cannot be written", code="unwritable_file", detail=str(refused)
        ) from refused


def _write(table: TrainingSet, path: Path, kind: str) -> None:
    if kind == "arrow":
        path.write_bytes(table.to_ipc())
    elif kind == "parquet":
        arrow = table.to_arrow()
        import pyarrow.parquet

        pyarrow.parquet.write_table(arrow, path)
    elif kind == "ndjson":
        option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
        with path.open("wb") as file:
            file.writelines(orjson.dumps(row, option=option) for row in table.to_dicts())
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.column_names)
            writer.writerows([_text(each) for each in row.values()] for row in table.to_dicts())


def _text(value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
    return value

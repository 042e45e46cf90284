"""`headwater get`: features of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place
from headwater.errors import ConflictError
from headwater.sources.files import READERS

if TYPE_CHECKING:
    from headwater.types import DataType
    from headwater.workspace import Answer


@click.command()
@click.argument("name", metavar="SERVICE")
@click.argument("keys", nargs=-1, required=True)
@click.option("--at", help="Instant: ISO 8601 with an offset, or microseconds.  [default: now]")
@click.option("--history", is_flag=True, help="Let a server answer the past from its archive.")
@with_place
@with_json
def get(
    place: Place, *, name: str, keys: tuple[str, ...], at: str | None, history: bool, json_: bool
) -> None:
    """Print the features of SERVICE (or a view) for KEYS, one row a key.

    A key is JSON, '{"carrier": "UA"}' (or a list of such), or carrier=UA,origin=JFK.
    """
    rows = [row for text in keys for row in _rows(place, name, text)]
    instant = int(at) if at is not None and at.lstrip("-").isdigit() else at
    with place.open() as workspace:
        try:
            answer = workspace.get(name, rows, at=instant, history=history)
        except ConflictError as refused:
            if refused.code == "before_horizon":
                refused.hint = "ask with --history to have it answered from the archive"
            raise
        if json_:
            talk.as_json(_document(answer))
            return
        columns = list(dict.fromkeys(column for row in rows for column in row))
        features = [list(each.values()) for each in answer.to_dicts()]
    # One feature a line: services are wide, terminals are not.
    shown = [
        (*(row.get(column) for column in columns), feature, value)
        for row, values in zip(rows, features, strict=True)
        for feature, value in zip(answer.column_names, values, strict=True)
    ]
    talk.as_table((*columns, "feature", "value"), shown)
    talk.say(f"at {answer.metadata['t'].isoformat()}")


def _document(answer: Answer) -> dict[str, Any]:
    return {
        "names": answer.column_names,
        "rows": [list(each.values()) for each in answer.to_dicts()],
        "found": answer.found,
        "metadata": answer.metadata,
    }


def _rows(place: Place, name: str, text: str) -> list[dict[str, Any]]:
    if text.lstrip().startswith(("{", "[")):
        try:
            given = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise click.BadParameter(f"{text!r} is not JSON: {error}") from error
        return given if isinstance(given, list) else [given]
    types = place.keys(name) if place.url is None else {}
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(equals for _, equals, _ in pairs):
        raise click.BadParameter(f"{text!r} is neither JSON nor name=value,name=value")
    return [{column: _value(value, types.get(column)) for column, _, value in pairs}]


def _value(text: str, kind: DataType | None) -> object:
    if kind is None:
        return text
    try:
        return READERS[kind](text)
    except (ValueError, KeyError):
        return text

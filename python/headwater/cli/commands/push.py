"""`headwater push`: rows of files into a stream, or into a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place
from headwater.errors import InvalidError
from headwater.sources.files import read_rows
from headwater.types import DataType

if TYPE_CHECKING:
    from headwater.workspace import Receipt

REJECTED_SHOWN = 5
"""Rejected rows that people are shown; all are dead letters, and all are in the JSON."""


@click.command()
@click.argument("name", metavar="STREAM")
@click.argument("files", nargs=-1, required=True)
@click.option("--arrived-at", help="Column of each row's arrival, or event_time (history).")
@with_place
@with_json
def push(
    place: Place, *, name: str, files: tuple[str, ...], arrived_at: str | None, json_: bool
) -> None:
    """Push the rows of FILES (CSV, NDJSON, Arrow, Parquet) into STREAM, or a table's name.

    `-` reads NDJSON from standard input. The rows are durable when it returns; rejected ones are
    kept as dead letters.
    """
    verb, types = place.columns(name)
    if not types and any(file.lower().endswith(".csv") for file in files):
        raise InvalidError(
            "the types of a CSV's columns stand in the definitions, which are not here",
            code="unknown_types",
            hint="name the project by --settings, or push NDJSON or Arrow",
        )
    if arrived_at not in (None, "event_time"):
        types.setdefault(arrived_at, DataType.TIMESTAMP)
    total: dict[str, Any] = {"accepted": 0, "duplicates": 0, "rejected": []}
    with place.open() as workspace, talk.progress(f"pushing {name}") as shown:
        send = getattr(workspace, verb)
        for file in files:
            before = 0
            for rows in read_rows(file, types):
                receipt = send(name, rows, arrived_at=arrived_at)
                before = _add(total, receipt, file, before)
                shown.advance(shown.task_ids[0], receipt.accepted + receipt.duplicates)
    if json_:
        talk.as_json(total)
        return
    rejected = total["rejected"]
    counts = f"{total['accepted']:,} accepted, {total['duplicates']:,} duplicates"
    talk.as_lines([f"{counts}, {len(rejected):,} rejected"])
    for each in rejected[:REJECTED_SHOWN]:
        talk.say(f"{each['file']} row {each['row']}: {each['cause']}: {each['message']}")
    if len(rejected) > REJECTED_SHOWN:
        talk.say(f"... see: headwater dead-letters list {name}")


def _add(total: dict[str, Any], receipt: Receipt, file: str, before: int) -> int:
    """Add a chunk's receipt to the total; return how many rows of the file are done."""
    total["accepted"] += receipt.accepted
    total["duplicates"] += receipt.duplicates
    for each in receipt.to_json()["rejected"]:
        total["rejected"].append({**each, "file": file, "row": each["row"] + before})
    return before + sum(
        end - first for ranges in receipt.positions.values() for first, end in ranges.values()
    )

"""`headwater dead-letters`: rows that were refused, and what to do with them."""

from __future__ import annotations

import click

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place

MESSAGE_CHARACTERS = 80


@click.group(name="dead-letters")
def dead_letters() -> None:
    """List, show, replay and discard rows that were refused."""


@dead_letters.command(name="list")
@click.argument("stream")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--after", help="Begin after this id.")
@with_place
@with_json
def list_(place: Place, *, stream: str, limit: int, after: str | None, json_: bool) -> None:
    """List the dead letters of STREAM, oldest first."""
    with place.open() as workspace:
        letters = workspace.dead_letters(stream).list(limit, after=after)
    if json_:
        talk.as_json(letters)
        return
    names = ("id", "cause", "message", "status", "at")
    talk.as_table(names, [[each.get(name) for name in names] for each in letters])


@dead_letters.command()
@click.argument("stream")
@click.argument("id_", metavar="ID")
@with_place
@with_json
def show(place: Place, *, stream: str, id_: str, json_: bool) -> None:
    """Show one dead letter of STREAM, whole."""
    with place.open() as workspace:
        letter = workspace.dead_letters(stream).show(id_)
    if json_:
        talk.as_json(letter)
    else:
        talk.as_table(("field", "value"), letter.items())


@dead_letters.command()
@click.argument("stream")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@with_place
@with_json
def replay(place: Place, *, stream: str, ids: tuple[str, ...], json_: bool) -> None:
    """Push dead letters of STREAM again, each exactly once, after what failed was mended."""
    with place.open() as workspace:
        letters = workspace.dead_letters(stream)
        receipts = {each: letters.replay(each) for each in ids}
    if json_:
        talk.as_json({each: receipt.to_json() for each, receipt in receipts.items()})
        return
    talk.as_table(
        ("id", "accepted", "rejected"),
        [(each, receipt.accepted, len(receipt.rejected)) for each, receipt in receipts.items()],
    )


@dead_letters.command()
@click.argument("stream")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@with_place
@with_json
def discard(place: Place, *, stream: str, ids: tuple[str, ...], json_: bool) -> None:
    """Give dead letters of STREAM up, on record."""
    with place.open() as workspace:
        letters = workspace.dead_letters(stream)
        records = {each: letters.discard(each) for each in ids}
    if json_:
        talk.as_json(records)
    else:
        talk.as_lines([f"{each} discarded" for each in records])

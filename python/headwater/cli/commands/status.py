"""`headwater status`: what there is: streams, tables, positions, quality, sizes."""

from __future__ import annotations

from typing import Any

import click

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place


@click.command()
@with_place
@with_json
def status(place: Place, *, json_: bool) -> None:
    """Show the state of a server or directory."""
    with place.open() as workspace:
        document = workspace.status()
    if json_:
        talk.as_json(document)
    else:
        talk.as_table(("what", "value"), _flat(document, ""))


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    """Return the leaves of a document, each with its path."""
    if isinstance(value, dict) and value:
        rows = [_flat(each, f"{path}.{name}" if path else name) for name, each in value.items()]
        return [leaf for part in rows for leaf in part]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [
            leaf
            for number, each in enumerate(value)
            for leaf in _flat(each, f"{path}.{each.get('name', number)}")
        ]
    return [(path, value)]

"""`headwater train`: label rows of a file with the features as of each row's instant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place
from headwater.cli.write import check_format, write
from headwater.sources.files import read_labels
from headwater.types import DataType

if TYPE_CHECKING:
    from headwater.workspace import TrainingSet

SHOWN_ROWS = 10


@click.command()
@click.argument("name", metavar="SERVICE")
@click.argument("labels")
@click.option("--time", required=True, help="Column of the labels that holds the instant.")
@click.option(
    "--as-of",
    type=click.Choice(["event_time", "arrival"]),
    default="event_time",
    show_default=True,
    help="From all events now known, or from what had arrived by then.",
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Write to a file instead of showing."
)
@with_place
@with_json
def train(
    place: Place,
    *,
    name: str,
    labels: str,
    time: str,
    as_of: str,
    output: Path | None,
    json_: bool,
) -> None:
    """Add the features of SERVICE (or a view) to the rows of LABELS, a file.

    Every label column comes back unchanged. The output is CSV, NDJSON, Arrow or Parquet, by the
    ending of its name.
    """
    if output is not None:
        check_format(output)
    types = {time: DataType.TIMESTAMP, **(place.keys(name) if place.url is None else {})}
    rows = read_labels(labels, types)
    with place.open() as workspace:
        table = workspace.training_set(name, rows, time=time, as_of=as_of)
    if output is not None:
        write(table, output)
    if json_:
        talk.as_json(_document(table, output))
    elif output is None:
        head = table.head(SHOWN_ROWS)
        talk.as_table(table.column_names, [list(each.values()) for each in head])
    talk.say(f"{len(table):,} rows, {len(table.column_names)} columns" + _where(output))


def _where(output: Path | None) -> str:
    return "" if output is None else f", written to {output}"


def _document(table: TrainingSet, output: Path | None) -> dict[str, object]:
    document: dict[str, object] = {
        "columns": table.column_names,
        "row_count": len(table),
        "metadata": table.metadata,
    }
    if output is None:
        return {**document, "rows": table.to_dicts()}
    return {**document, "output": str(output)}

"""`headwater init`: a project that runs: definitions, settings and 200 rows of data."""

from __future__ import annotations

import csv
import datetime as dt
import random
import re
from importlib import resources
from pathlib import Path
from typing import Final

import click

from headwater.cli import talk
from headwater.errors import ConflictError

ORDERS: Final = 200
LABELS: Final = 50
CUSTOMERS: Final = 20
SPAN: Final = dt.timedelta(days=6)
"""Orders lie within a week before now, so that windows of 7 days hold them."""

SEED: Final = 7

NAME_CHARACTERS: Final = 64
"""Longest name of a project that settings take."""

NEXT: Final = (
    "headwater push Order orders.csv --arrived-at event_time",
    """headwater get shop_model '{"customer": "c1"}'""",
    "headwater train shop_model labels.csv --time asked_at --output train.csv",
)


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--json", "json_", is_flag=True, help="Print what was written as JSON.")
def init(folder: Path, *, json_: bool) -> None:
    """Write a project that runs into FOLDER: definitions, settings, 200 rows of data.

    Prints the three commands that work next.
    """
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    draw = random.Random(SEED)  # noqa: S311 - data to play with
    name = _project_name(folder.resolve().name)
    files = {
        "features.py": _template("features.py"),
        "headwater.toml": _template("headwater.toml").replace("{name}", name),
        "orders.csv": _csv(_orders(now, draw)),
        "labels.csv": _csv(_labels(now, draw)),
    }
    there = [each for each in files if (folder / each).exists()]
    if there:
        raise ConflictError(
            f"{folder} already has {', '.join(there)}",
            code="file_exists",
            hint="name a folder that is new: headwater init NAME",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for each, text in files.items():
        (folder / each).write_text(text, encoding="utf-8")
    if json_:
        written = [str(folder / each) for each in files]
        talk.as_json({"folder": str(folder), "files": written, "next": NEXT})
        return
    talk.say(f"wrote {', '.join(files)} to {folder}; what works next, in that folder:")
    talk.as_lines(NEXT)


def _project_name(folder: str) -> str:
    """Return a name that settings take: the folder's, with a hyphen for what no name has."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", folder).strip("-_.")[:NAME_CHARACTERS] or "project"


def _template(name: str) -> str:
    return resources.files("headwater.cli").joinpath("project", name).read_text(encoding="utf-8")


def _orders(now: dt.datetime, draw: random.Random) -> list[dict[str, object]]:
    """Return orders in order of time, the last one a minute ago."""
    gaps = sorted(draw.uniform(60, SPAN.total_seconds()) for _ in range(ORDERS - 1))
    ages = [60.0, *gaps]
    return [
        {
            "order_id": f"o{number}",
            "ordered_at": _text(now - dt.timedelta(seconds=round(age))),
            "customer": f"c{draw.randint(1, CUSTOMERS)}",
            "shop": draw.choice(["north", "south", "web"]),
            "amount": round(draw.lognormvariate(3.3, 0.7), 2),
            "items": draw.randint(1, 6),
        }
        for number, age in enumerate(reversed(ages), start=1)
    ]


def _labels(now: dt.datetime, draw: random.Random) -> list[dict[str, object]]:
    """Return questions within the last days, each with an outcome to learn."""
    return [
        {
            "customer": f"c{draw.randint(1, CUSTOMERS)}",
            "asked_at": _text(now - dt.timedelta(seconds=draw.randint(120, 3 * 86_400))),
            "ordered_again": draw.randint(0, 1),
        }
        for _ in range(LABELS)
    ]


def _text(instant: dt.datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _csv(rows: list[dict[str, object]]) -> str:
    import io

    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()

"""`headwater check`: compile the definitions, and show what they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place
from headwater.errors import CompileError

if TYPE_CHECKING:
    from headwater.errors import Problem

EXIT_FAILED = 1


@click.command()
@with_place
@with_json
def check(place: Place, *, json_: bool) -> None:
    """Compile the definitions and show every feature; nothing is opened or changed.

    Prints all problems, each with its file and line, and exits 1 when there are any.
    """
    try:
        blueprint = place.compiled.blueprint
    except CompileError as error:
        if not json_:
            raise
        talk.as_json({"ok": False, "problems": [_problem(each) for each in error.problems]})
        raise SystemExit(EXIT_FAILED) from error
    if json_:
        talk.as_json({"ok": True, "problems": [], **_summary(blueprint)})
        return
    rows = [
        (view["name"], feature["column"], feature["type"], ", ".join(_keys(view)))
        for view in blueprint["views"]
        for feature in view["features"]
    ]
    talk.as_table(
        ("view", "feature", "type", "keys"),
        [(view, column, _type(kind), keys) for view, column, kind, keys in rows],
    )
    services = ", ".join(each["name"] for each in blueprint["services"]) or "none"
    talk.say(f"views: {len(blueprint['views'])}, features: {len(rows)}, services: {services}")


def _keys(view: dict[str, Any]) -> list[str]:
    return [each["name"] for each in view["keys"]]


def _type(kind: dict[str, str] | str) -> str:
    if isinstance(kind, str):
        return kind
    ((shape, scalar),) = kind.items()
    return scalar if shape == "scalar" else f"{shape} of {scalar}"


def _problem(problem: Problem) -> dict[str, Any]:
    place = problem.location
    return {
        "code": problem.code,
        "definition": problem.definition,
        "message": problem.message,
        "file": None if place is None else place.file,
        "line": None if place is None else place.line,
        "detail": problem.detail,
        "hint": problem.hint,
    }


def _summary(blueprint: dict[str, Any]) -> dict[str, Any]:
    return {
        "streams": [each["name"] for each in blueprint["streams"]],
        "tables": [each["name"] for each in blueprint["tables"]],
        "views": [
            {
                "name": view["name"],
                "version": view["version"],
                "keys": _keys(view),
                "features": [
                    {"column": each["column"], "type": _type(each["type"])}
                    for each in view["features"]
                ],
            }
            for view in blueprint["views"]
        ],
        "services": [
            {
                "name": service["name"],
                "version": service["version"],
                "keys": [each["name"] for each in service["keys"]],
                "columns": [each["name"] for each in service["columns"]],
            }
            for service in blueprint["services"]
        ],
    }

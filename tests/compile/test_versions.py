"""A version changes exactly when a meaning does."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.compile import compile_definitions

SOURCE = """
import headwater as hw

class Event(hw.Stream, time="at", lateness="1h"):
    "An event."
    at: hw.Timestamp
    who: str
    price: float | None = hw.field(description="in euro")

who = hw.Entity("who", keys={"who": str}, description="someone")

class Spending(hw.FeatureView, stream=Event, entity=who, owner="shop"):
    "What they spend."
    mean = hw.mean("price", where="price > 0").over("24h")

class Habit(hw.FeatureView, stream=Event, entity=who):
    latest = hw.last("price").over("24h")

model = hw.FeatureService("model", [Spending], description="a model")
"""


def _versions(source: str) -> dict[str, str]:
    names: dict[str, Any] = {"__name__": "somewhere"}
    exec(source, names)  # noqa: S102  (definitions made by a program)
    definitions = [
        each for each in names.values() if isinstance(each, type | hw.Entity | hw.FeatureService)
    ]
    blueprint = compile_definitions(definitions).blueprint
    kinds = ("streams", "views", "services")
    return {each["name"]: each["version"] for kind in kinds for each in blueprint[kind]}


def _changed(old: str, new: str) -> set[str]:
    assert old in SOURCE
    before, after = _versions(SOURCE), _versions(SOURCE.replace(old, new))
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("in euro", "in dollars", id="description of a column"),
        pytest.param("An event.", "Something.", id="docstring"),
        pytest.param("someone", "somebody", id="description of an entity"),
        pytest.param('owner="shop"', 'owner="bank"', id="owner"),
        pytest.param("a model", "the model", id="description of a service"),
        pytest.param('"price > 0"', '" (price) > 0 -- positive"', id="spelling of an expression"),
        pytest.param('.over("24h")', '.over("24h", resolution="30m")', id="the default said"),
    ],
)
def test_what_is_no_meaning_changes_no_version(old: str, new: str) -> None:
    """People's words and spellings are free."""
    assert _changed(old, new) == set()


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        pytest.param('"1h"', '"2h"', {"Event"}, id="lateness decides no value"),
        pytest.param(
            "    who: str\n", "    who: str\n    more: str\n", {"Event", "Habit"}, id="a new column"
        ),
        pytest.param("price > 0", "price > 1", {"Spending", "model"}, id="a condition"),
        pytest.param("[Spending]", "[Spending, Habit]", {"model"}, id="the list of a service"),
        pytest.param(
            '"in euro"',
            '"in euro", scale=2**-10',
            {"Event", "Spending", "Habit", "model"},
            id="the scale of a column",
        ),
    ],
)
def test_a_changed_meaning_is_a_new_version(old: str, new: str, changed: set[str]) -> None:
    """Of that definition and of what stands on it; the order of ties hashes whole events."""
    assert _changed(old, new) == changed

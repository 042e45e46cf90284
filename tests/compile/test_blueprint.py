"""Definitions lower to the blueprint that the kernel reads, byte for byte."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import headwater as hw
from headwater.compile import Target, compile_definitions, load_definitions
from headwater.compile.ladder import LADDER_US, default_resolution_us
from headwater.compile.names import snake_case
from headwater.types import duration_us

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def flights() -> ModuleType:
    """Return the example, loaded as a project's file is."""
    return load_definitions(FOLDER / "flights.py", FOLDER)


def test_a_module_compiles_to_the_golden_blueprint(flights: ModuleType) -> None:
    """Every field of every kind of definition is in the golden file."""
    golden = json.loads((FOLDER / "golden" / "flights.json").read_text())
    assert compile_definitions(flights).blueprint == golden


def test_a_service_brings_all_that_it_stands_on(flights: ModuleType) -> None:
    """A list with the service alone gives the module's blueprint."""
    alone = compile_definitions([flights.delay_model])
    assert alone.to_json() == compile_definitions(flights).to_json()


def test_a_view_alone_brings_its_stream_and_no_service(flights: ModuleType) -> None:
    """What a view does not stand on stays out."""
    compiled = compile_definitions([flights.Route])
    kinds = ("streams", "tables", "views", "services")
    assert [compiled.names(kind) for kind in kinds] == [["Departure"], [], ["Route"], []]


def test_order_of_definitions_is_no_part_of_the_blueprint(flights: ModuleType) -> None:
    """The same definitions in another order give the same bytes."""
    views = [flights.Route, flights.AirportLoad, flights.PlaneFacts]
    assert compile_definitions(views).to_json() == compile_definitions(views[::-1]).to_json()


def test_canonical_json_has_sorted_keys_and_no_spaces(flights: ModuleType) -> None:
    """The bytes are those of the canonical form."""
    compiled = compile_definitions(flights)
    again = json.dumps(
        compiled.blueprint, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert compiled.to_json() == again.encode()


def test_what_is_asked_for_is_found_by_object_and_by_name(flights: ModuleType) -> None:
    """A service, a view class, a name of either."""
    compiled = compile_definitions(flights)
    asked = [flights.delay_model, flights.Route, "delay_model", "Route"]
    found = [compiled.target(each) for each in asked]
    service, view = Target("service", "delay_model"), Target("view", "Route")
    assert found == [service, view, service, view]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            "delay_modle",
            "there is no service or view delay_modle\nhint: did you mean delay_model?",
            id="misspelt",
        ),
        pytest.param(
            "route",
            "there is no service or view route\nhint: did you mean Route?",
            id="another case",
        ),
        pytest.param(
            hw.FeatureService("other", []),
            "there is no service other\nhint: there are: delay_model",
            id="a service that was not compiled",
        ),
        pytest.param(
            7,
            "7 is no service or view\nhint: give a service, a view class or the name of one",
            id="neither",
        ),
    ],
)
def test_what_is_not_there_is_an_error(flights: ModuleType, asked: Any, message: str) -> None:
    """Names match exactly; near ones are told."""
    with pytest.raises(hw.NotFoundError) as caught:
        compile_definitions(flights).target(asked)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param([], "the list of definitions holds no definitions", id="empty list"),
        pytest.param(ModuleType("m"), "module m holds no definitions", id="empty module"),
        pytest.param(
            [3], "element 0 of the definitions is 3, not a definition", id="not a definition"
        ),
    ],
)
def test_nothing_to_compile_is_an_error(given: Any, message: str) -> None:
    """An empty project is never what was meant."""
    with pytest.raises(hw.InvalidError) as caught:
        compile_definitions(given)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("CarrierPunctuality", "carrier_punctuality"),
        ("CTR7d", "ctr7d"),
        ("CTR", "ctr"),
        ("HTTPErrors", "http_errors"),
        ("Orders2Go", "orders2_go"),
        ("Already_snake", "already_snake"),
        ("W", "w"),
    ],
)
def test_a_class_name_becomes_snake_case(name: str, snake: str) -> None:
    """Columns hold the class name in snake case."""
    assert snake_case(name) == snake


@pytest.mark.parametrize(
    ("window", "resolution"),
    [
        ("47s", None),
        ("48s", "1s"),
        ("239s", "1s"),
        ("240s", "5s"),
        ("1h", "1m"),
        ("24h", "30m"),
        ("7d", "3h"),
        ("30d", "12h"),
        ("48d", "1d"),
        ("90d", "1d"),
        ("2000d", "1d"),
    ],
)
def test_a_window_holds_at_least_48_steps_of_its_default_resolution(
    window: str, resolution: str | None
) -> None:
    """The largest such step; below 48 s there is none, and the window is exact."""
    expected = None if resolution is None else duration_us(resolution)
    assert default_resolution_us(duration_us(window)) == expected


def test_each_step_of_the_ladder_divides_the_next() -> None:
    """Buckets of every resolution nest."""
    pairs = itertools.pairwise(LADDER_US)
    assert [above % below for below, above in pairs] == [0] * 11


def test_a_resolution_may_be_spelt_in_another_unit() -> None:
    """60s is the step 1m."""
    windows = [_window(resolution) for resolution in ("60s", "1m")]
    assert (
        windows
        == [{"kind": "sliding", "width_us": 86_400_000_000, "resolution_us": 60_000_000}] * 2
    )


def _window(resolution: str) -> Any:
    class Event(hw.Stream, time="at"):
        at: hw.Timestamp
        who: str

    class V(hw.FeatureView, stream=Event, entity=hw.Entity("who", keys={"who": str})):
        x = hw.count().over("24h", resolution=resolution)

    return compile_definitions([V]).view("V")["features"][0]["compute"]["window"]

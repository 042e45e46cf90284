"""Definitions are frozen data: made without side effects, and never changed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

import headwater as hw
from headwater.define import FeaturePick, Over, Role, Sliding, WindowPick
from headwater.errors import CompileError, Location, Origin, Problem, near_names

TWENTY = ", ".join(f"c{n:02}" for n in range(20))


class Event(hw.Stream, time="at"):
    """Something happening."""

    at: hw.Timestamp
    who: str
    price: float


class Person(hw.Table, key="who", timeless=True):
    who: str


who = hw.Entity("who", keys={"who": str})


class Spending(hw.FeatureView, stream=Event, entity=who, owner="shop"):
    """What they spend."""

    mean = hw.mean("price").over("1h", "24h")
    total = hw.sum("price").over(hw.lifetime())


def test_features_of_a_view_are_picked_from_its_class() -> None:
    """A feature, one of its windows, and the same in a role."""
    role = Spending.as_("friend", who="friend")
    picks = [Spending.mean, Spending.mean["24h"], role.mean["1h"]]
    assert picks == [
        FeaturePick(Spending, "mean"),
        WindowPick(FeaturePick(Spending, "mean"), "24h"),
        WindowPick(
            FeaturePick(Spending, "mean", Role(Spending, "friend", {"who": "friend"})), "1h"
        ),
    ]


@pytest.mark.parametrize(
    ("reach", "message"),
    [
        pytest.param(
            lambda: Spending.maen,
            "Spending has no attribute maen: did you mean mean?",
            id="of a view",
        ),
        pytest.param(
            lambda: Spending.as_("friend").maen,
            "Spending has no feature maen: did you mean mean?",
            id="of a view in a role",
        ),
        pytest.param(
            lambda: hw.cuont,
            "module 'headwater' has no attribute 'cuont': did you mean count or connect?",
            id="of the package",
        ),
        pytest.param(
            lambda: hw.xyz, "module 'headwater' has no attribute 'xyz'", id="like nothing"
        ),
        pytest.param(
            lambda: hw.count_distinct,
            "hw.count_distinct is not supported yet;"
            " the aggregates are: count, sum, mean, min, max, first, last",
            id="not there yet",
        ),
    ],
)
def test_a_misspelt_name_is_told_with_its_neighbours(reach: Any, message: str) -> None:
    """As an AttributeError, so that hasattr works."""
    with pytest.raises(AttributeError) as caught:
        reach()
    assert str(caught.value) == message


def test_a_key_may_be_called_as_an_argument() -> None:
    """Keys and features have all names to themselves."""
    role = hw.Entity("x", keys={"self": str}).on(self="who")
    assert dict(role.columns) == {"self": "who"}
    assert Spending.as_("friend", role="who").mean.role == Role(Spending, "friend", {"role": "who"})


def test_several_calls_of_over_add_up_and_change_nothing() -> None:
    """Each call gives a new aggregate."""
    first = hw.count().over("1h")
    second = first.over("24h", "7d", resolution="exact").named("all")
    assert first.overs == (Over((Sliding("1h"),)),)
    assert second.overs == (
        Over((Sliding("1h"),)),
        Over((Sliding("24h"), Sliding("7d")), "exact", None, "all"),
    )


def test_a_feature_is_no_sequence() -> None:
    """Iteration ends at once instead of asking for window 0, 1, 2, ..."""
    with pytest.raises(TypeError, match=r"Spending\.mean is not a sequence"):
        list(Spending.mean)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda: setattr(Event, "price", 3),
            "Event is frozen: price cannot be set\nhint: change the class where it is defined",
            id="set",
        ),
        pytest.param(
            lambda: delattr(Spending, "mean"),
            "Spending is frozen: mean cannot be deleted\n"
            "hint: change the class where it is defined",
            id="delete",
        ),
        pytest.param(
            Event,
            "Event is a definition and has no instances\nhint: events and rows are dicts or Arrow"
            " tables",
            id="instance",
        ),
        pytest.param(
            lambda: type(hw.Stream)("Late", (Event,), {}),
            "Late must derive from hw.Stream alone\nits bases are: Event\nhint: definitions do not"
            " inherit from each other; write the columns out",
            id="subclass",
        ),
        pytest.param(
            lambda: type(hw.Stream)("Ask", (hw.Request,), {}),
            "Ask: hw.Request is not supported yet\nhint: features come from streams and tables;"
            " keys come with the request",
            id="request inputs",
        ),
        pytest.param(
            lambda: type(hw.Stream)("A", (hw.Stream,), {}, time="at", latness="1h"),
            "A has no option latness=\nhint: did you mean lateness?",
            id="a misspelt option of a stream",
        ),
        pytest.param(
            lambda: type(hw.Table)("T", (hw.Table,), {}, key="who", time_less=True),
            "T has no option time_less=\nhint: did you mean timeless?",
            id="a misspelt option of a table",
        ),
        pytest.param(
            lambda: type(hw.FeatureView)("V", (hw.FeatureView,), {}, stream=Event, entitty=who),
            "V has no option entitty=\nhint: did you mean entity?",
            id="a misspelt option of a view",
        ),
        pytest.param(
            lambda: type(hw.Stream)("Ask", (hw.Request,), {}, name="ask"),
            "Ask: hw.Request is not supported yet\nhint: features come from streams and tables;"
            " keys come with the request",
            id="request inputs with an option",
        ),
        pytest.param(
            lambda: type(hw.FeatureView)("V", (hw.FeatureView,), {}, stream=Person, entity=who),
            f"stream of view V is {Person!r}, not a class derived from hw.Stream\n"
            "hint: stream=Departure, where class Departure(hw.Stream, ...)",
            id="a table as a stream",
        ),
        pytest.param(
            lambda: type(hw.FeatureView)("V", (hw.FeatureView,), {}, stream=Event, entity="who"),
            "entity of view V is 'who', not a hw.Entity\n"
            "hint: entity=carrier, or entity=[carrier, airport.on(airport='origin')]",
            id="a name as an entity",
        ),
        pytest.param(
            lambda: hw.FeatureService("s", ["Spending"]),
            "service s lists 'Spending', which is no feature\n"
            'hint: list views, View.feature, View.feature["24h"] or View.as_("role", ...)',
            id="a name as a feature",
        ),
        pytest.param(
            lambda: hw.count().by("who"),
            "count(...).by(...) is not supported yet\n"
            "hint: write one feature a category, with where=",
            id="an aggregate of each category",
        ),
        pytest.param(
            lambda: hw.FeatureService("s", Spending),
            f"hw.FeatureService('s', {Spending!r}) has no name or no list of features\n"
            'hint: hw.FeatureService("delay_model", [View, Other.feature])',
            id="a view in place of a list",
        ),
        pytest.param(
            lambda: hw.Entity("who", keys=["who"]),
            "hw.Entity('who', keys=['who']) has no name or no mapping of keys\n"
            'hint: hw.Entity("carrier", keys={"carrier": str})',
            id="keys without types",
        ),
        pytest.param(
            lambda: type(hw.Stream)("A", (hw.Stream,), {}, name=5),
            'name of A is 5, not a text\nhint: leave name= out, or give one, such as "Departure"',
            id="a number as a name",
        ),
        pytest.param(
            lambda: hw.FeatureService("s", [Event]),
            f"service s lists {Event!r}, which is no feature\n"
            'hint: list views, View.feature, View.feature["24h"] or View.as_("role", ...)',
            id="a stream as a feature",
        ),
    ],
)
def test_what_makes_no_definition_is_refused_where_it_is_written(change: Any, message: str) -> None:
    """Python's traceback shows the line."""
    with pytest.raises(hw.DefinitionError) as caught:
        change()
    assert str(caught.value) == message


def test_data_of_definitions_cannot_be_set() -> None:
    """Entities, services, aggregates and instants too."""
    service = hw.FeatureService("s", [Spending])
    for target in (who, service, hw.count(), hw.Timestamp("ms"), Spending.mean):
        with pytest.raises(AttributeError):
            target.name = "other"


def test_definitions_hash_copy_and_compare() -> None:
    """They serve as keys, and equal text gives equal data."""
    service = hw.FeatureService("s", [Spending, Spending.as_("x", who="friend")])
    assert {copy.copy(who): 1, service: 2, Spending.mean: 3}[who] == 1
    assert hw.Entity("who", keys={"who": str}, description="other words") == who
    assert hw.Entity("who", keys={"who": int}) != who
    assert hw.FeatureService("s", list(service.features)) == service


def test_importing_is_light() -> None:
    """No library but Python's own is loaded by `import headwater`."""
    heavy = "sqlglot pydantic pydantic_settings httpx click rich pandas pyarrow polars orjson numpy"
    code = (
        "import sys, headwater as hw; hw.count().over('1h');"
        f"print([each for each in {heavy.split()} if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_errors_carry_what_programs_need_through_a_pickle() -> None:
    """Pools of workers hand errors on."""
    error = hw.InvalidError("it is wrong", code="wrong", detail="here", hint="do so", row=3)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), vars(again)) == (hw.InvalidError, vars(error))
    assert str(again) == "it is wrong\nhere\nhint: do so"
    problem = Problem("wrong", "view V", "it is wrong", Location("features.py", 3))
    compiled = pickle.loads(pickle.dumps(CompileError([problem])))  # noqa: S301
    assert (compiled.problems, compiled.kind) == ((problem,), "invalid")


def test_an_origin_is_looked_for_only_when_asked() -> None:
    """Sources are read for messages alone."""
    asked: list[int] = []
    origin = Origin("view V", lambda: asked.append(1))
    assert asked == []
    assert (origin.location(), asked) == (None, [1])


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("dep_dely", ["dep_delay", "carrier"], "did you mean dep_delay?"),
        ("CARRIER", ["dep_delay", "carrier"], "did you mean carrier?"),
        ("x", ["b", "a"], "there are: a, b"),
        ("x", [], ""),
        ("x", [f"c{n:02}" for n in range(20)], f"there are: {TWENTY}"),
        ("x", [f"c{n:02}" for n in range(22)], f"there are: {TWENTY} and 2 more"),
    ],
)
def test_near_names_are_suggested(name: str, known: list[str], hint: str) -> None:
    """Else all there are."""
    assert near_names(name, known) == hint

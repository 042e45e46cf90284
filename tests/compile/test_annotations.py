"""Annotations mean column types wherever a class stands: as objects, as texts, inside functions."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Annotated, Any, Optional, Union

import pytest

import headwater as hw
from headwater.compile import compile_definitions
from headwater.compile.annotations import ColumnType, resolve
from headwater.types import DataType, TimeUnit

FLOAT = ColumnType(DataType.FLOAT)
FLOAT_OR_NULL = ColumnType(DataType.FLOAT, nullable=True)
INSTANT = ColumnType(DataType.TIMESTAMP)
MILLISECONDS = ColumnType(DataType.TIMESTAMP, unit=TimeUnit.MILLISECONDS)
MILLISECONDS_OR_NULL = ColumnType(DataType.TIMESTAMP, nullable=True, unit=TimeUnit.MILLISECONDS)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        pytest.param(bool, ColumnType(DataType.BOOL), id="bool"),
        pytest.param(int, ColumnType(DataType.INT), id="int"),
        pytest.param(float, FLOAT, id="float"),
        pytest.param(str, ColumnType(DataType.STR), id="str"),
        pytest.param(hw.Timestamp, INSTANT, id="timestamp"),
        pytest.param(hw.Timestamp("ms"), MILLISECONDS, id="timestamp with a unit"),
        pytest.param(hw.Timestamp("ms") | None, MILLISECONDS_OR_NULL, id="unit or null"),
        pytest.param(None | hw.Timestamp("ms"), MILLISECONDS_OR_NULL, id="null or unit"),
        pytest.param(float | None, FLOAT_OR_NULL, id="or None"),
        pytest.param(Optional[float], FLOAT_OR_NULL, id="Optional"),  # noqa: UP045
        pytest.param(Union[float, None], FLOAT_OR_NULL, id="Union"),  # noqa: UP007
        pytest.param(Annotated[float, "euro"], FLOAT, id="Annotated"),
        pytest.param("float", FLOAT, id="text"),
        pytest.param("'float'", FLOAT, id="text in a text"),
        pytest.param("float | None", FLOAT_OR_NULL, id="text or None"),
        pytest.param("None | float", FLOAT_OR_NULL, id="None or text"),
        pytest.param("Optional[float]", FLOAT_OR_NULL, id="text Optional"),
        pytest.param("typing.Optional[float]", FLOAT_OR_NULL, id="dotted Optional"),
        pytest.param("hw.Timestamp", INSTANT, id="text timestamp"),
        pytest.param("anything.Timestamp", INSTANT, id="a module known to a function alone"),
        pytest.param('hw.Timestamp("ms")', MILLISECONDS, id="text with a unit"),
        pytest.param('hw.Timestamp(unit="ms") | None', MILLISECONDS_OR_NULL, id="text, unit, null"),
        pytest.param("Money", FLOAT, id="alias of the module"),
        pytest.param("Money | None", FLOAT_OR_NULL, id="alias or None"),
        pytest.param("Price", FLOAT_OR_NULL, id="alias that may be null"),
        pytest.param("int | float", None, id="two types"),
        pytest.param("None", None, id="None alone"),
        pytest.param(None, None, id="None object alone"),
        pytest.param("list[int]", None, id="list"),
        pytest.param(list[int], None, id="list object"),
        pytest.param("nowhere", None, id="unknown name"),
        pytest.param("1 +", None, id="no expression"),
        pytest.param('hw.Timestamp("minutes")', None, id="unknown unit"),
        pytest.param("__import__('os').getcwd()", None, id="never evaluated"),
        pytest.param({}, None, id="not hashable"),
    ],
)
def test_an_annotation_means_a_type_or_nothing(annotation: Any, expected: ColumnType) -> None:
    """Objects and texts mean the same; nothing is evaluated."""
    module = ModuleType("annotated")
    vars(module).update(hw=hw, Money=float, Price=float | None)
    sys.modules["annotated"] = module
    try:
        assert resolve(annotation, "annotated") == expected
    finally:
        del sys.modules["annotated"]


def test_a_class_inside_a_function_has_its_columns() -> None:
    """Names of the function are out of reach, and texts still resolve."""
    import headwater as water

    class Event(water.Stream, time="at"):
        at: water.Timestamp("s")
        price: Optional[float]  # noqa: UP045

    columns = compile_definitions([Event]).blueprint["streams"][0]["columns"]
    assert [(each["type"], each["nullable"], each["unit"]) for each in columns] == [
        ("timestamp", False, "s"),
        ("float", True, "us"),
    ]


def test_an_unknown_unit_is_refused_where_it_is_written() -> None:
    """The units are told."""
    with pytest.raises(hw.InvalidError) as caught:
        hw.Timestamp("minutes")
    assert str(caught.value) == "'minutes' is no unit of time\nhint: units are s, ms, us, ns"

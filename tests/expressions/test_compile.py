"""What a compiled expression states beside its tree, and what a user reads when it is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headwater.compile.expressions import Expression, compile_expression
from headwater.errors import InvalidError, Origin
from headwater.types import Column, DataType

COLUMNS = {
    column.name: column
    for column in (
        Column("i", DataType.INT),
        Column("n", DataType.INT, nullable=True),
        Column("x", DataType.FLOAT),
        Column("tiny", DataType.FLOAT, scale_exponent=-80),
        Column("s", DataType.STR),
        Column("b", DataType.BOOL),
        Column("t", DataType.TIMESTAMP),
        Column("Odd name", DataType.INT),
    )
}


def compiled(text: str) -> Expression:
    return compile_expression(text, COLUMNS, where=Origin("view V, feature f"))


def refusal(text: str) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        compiled(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "fallible"),
    [
        ("i + 1", True),
        ("i // 2", False),
        ("i // -1", True),
        ("i // n", True),
        ("i % n", False),
        ("extract(hour FROM t) * 60 + extract(minute FROM t)", False),
        ("length(s) * 4", False),
        ("length(s) * 4 * 1073741824 * 2", True),
        ("t + INTERVAL '36525 days'", False),
        ("date_trunc('year', t)", False),
        ("x > 15", False),
        ("x", False),
        ("x / 60", False),
        ("x + x", True),
        ("x + x > 1", False),
        ("tiny * 8", False),
        ("CAST(x AS int)", False),
        ("CAST(x * 1e6 AS int)", True),
        ("TRY_CAST(x * 1e6 AS int)", False),
        ("CAST(s AS int)", True),
        ("TRY_CAST(s AS int)", False),
        ("b OR CAST(s AS int) > 0", True),
        ("CAST(b AS int) + 1", False),
        ("-i", True),
        ("abs(i % 10)", False),
        ("greatest(i % 10, 0) + 1", False),
        ("coalesce(n, 0) + 1", True),
        ("CASE WHEN b THEN 1 ELSE 2 END * 3", False),
        ("sqrt(x) + ln(x)", False),
        ("i / 3", True),
    ],
)
def test_fallible_exactly_when_a_row_can_fail(text: str, *, fallible: bool) -> None:
    """Ranges decide: what cannot overflow in any accepted row is not called fallible."""
    assert compiled(text).fallible is fallible


@pytest.mark.parametrize(
    ("text", "nullable"),
    [
        ("i", False),
        ("n", True),
        ("x", True),
        ("i + n", True),
        ("i / 2", False),
        ("i / 0", True),
        ("i // n", True),
        ("i // 2", False),
        ("n IS NULL", False),
        ("n IS DISTINCT FROM 1", False),
        ("coalesce(n, 0)", False),
        ("coalesce(n, n)", True),
        ("greatest(n, i)", False),
        ("CASE WHEN b THEN i END", True),
        ("CASE WHEN n > 0 THEN 1 ELSE 2 END", False),
        ("nullif(i, 0)", True),
        ("sqrt(i)", True),
        ("sqrt(abs(i % 5))", False),
        ("i IN (1, NULL)", True),
        ("i IN (1, 2)", False),
        ("TRY_CAST(s AS int)", True),
        ("CAST(s AS int)", False),
        ("CAST(s AS double)", True),
        ("exp(i % 10)", False),
        ("exp(i)", True),
    ],
)
def test_nullable_as_the_operands_allow(text: str, *, nullable: bool) -> None:
    """A float column is nullable always, since NaN arrives as null."""
    assert compiled(text).nullable is nullable


def test_states_columns_scale_and_what_is_local() -> None:
    found = compiled("s < 'm' AND ln(x) > 0 AND \"Odd name\" = 1")

    assert found.columns == ("Odd name", "s", "x")
    assert found.local_only == (
        "ln differs in the last bit between engines",
        "the order of strings: Flink compares UTF-16",
    )
    assert found.scale_exponent == -44
    assert compiled("tiny").scale_exponent == -80
    assert compiled("tiny * 2").scale_exponent == -44


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x>15", "  ( x ) > 15.0 -- late"),
        ("i BETWEEN 1 AND 2", "i >= 1 AND i <= 2"),
        ("s IN ('b', 'a', 'a')", "s in ('a', 'b')"),
        ("CASE i WHEN 1 THEN 2 END", "if(i = 1, 2)"),
        ("b AND (b AND i = 1)", "(b AND b) AND i = 1"),
        ("i IS NOT NULL", "NOT i IS NULL"),
        ("NOT (NOT b)", "b"),
        ("concat(s, 'a', s)", "s || 'a' || s"),
        ("t + INTERVAL '60 minutes'", "INTERVAL 1 HOUR + t"),
        ("CAST(i AS double) / 2", "i / 2"),
        ("substr(s, 1, 2)", "substring(s FROM 1 FOR 2)"),
        ("extract(hour FROM t)", "HOUR(t)"),
    ],
)
def test_equal_meanings_are_equal_trees(one: str, other: str) -> None:
    """State is shared by tree, so another spelling must cost nothing."""
    assert compiled(one).tree == compiled(other).tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x > 1 AND tinny > 2",
            "unknown column tinny\nx > 1 AND tinny > 2\n          ^^^^^\nhint: did you mean tiny?",
        ),
        (
            "i = 1 AND\n  lowr(s) = 'a'",
            (
                "unknown function lowr\n  lowr(s) = 'a'\n  ^^^^^^\n"
                "hint: did you mean lower or power or floor?"
            ),
        ),
        (
            "i + s > 1",
            (
                "a + b takes int or float, not int and str\ni + s > 1\n^^^^^\n"
                "hint: CAST or TRY_CAST one side"
            ),
        ),
        (
            "t + 3600",
            (
                "a + b takes int or float, not timestamp and int\nt + 3600\n^^^^^^^^\n"
                "hint: move an instant by INTERVAL '1 hour'; epoch(t) gives seconds since 1970"
            ),
        ),
        (
            "mean(x) > 1",
            (
                "the aggregate mean is not supported in an expression\nmean(x) > 1\n^^^^^^\n"
                "hint: aggregates are features: write hw.sum(...), with the expression inside"
            ),
        ),
        (
            "avg(x) > 1",
            (
                "the aggregate avg is not supported in an expression\navg(x) > 1\n^^^^^\n"
                "hint: aggregates are features: write hw.sum(...), with the expression inside"
            ),
        ),
        (
            "t < now()",
            (
                "the time of asking is not supported in an expression\nt < now()\n    ^^^\n"
                "hint: an expression depends on its row alone; compare two columns of the row"
            ),
        ),
        ("i +", "the expression does not parse\ni +\n  ^"),
        ("i > 1 i", "the expression does not parse\ni > 1 i\n      ^"),
        ("s = 'abc", "the expression has a quote that is not closed\ns = 'abc\n    ^^^^"),
        ("", "the expression is empty"),
    ],
)
def test_a_refusal_shows_the_place_and_what_to_do(text: str, message: str) -> None:
    assert str(refusal(text)) == message


def test_a_refusal_names_the_definition() -> None:
    assert refusal("y").__notes__ == ["in view V, feature f"]


def test_bounds_are_refused_at_their_edge() -> None:
    """20,000 characters and 190 levels; one more of either is refused."""
    fits = "i" + " " * 19_999
    assert compiled(fits).tree == ["col", "i"]
    assert refusal(fits + " ").message == "the expression is longer than 20000 characters"

    assert compiled("+".join(["x"] * 190)).type is DataType.FLOAT
    assert refusal("+".join(["x"] * 191)).message == (
        "the expression is nested deeper than 190 levels"
    )
    assert refusal("(" * 5_000 + "i" + ")" * 5_000).message == (
        "the expression is nested too deeply"
    )


def test_the_parser_is_loaded_only_to_compile() -> None:
    program = (
        "import sys, headwater.compile.expressions as e\n"
        "assert 'sqlglot' not in sys.modules\n"
        "from headwater.errors import Origin\n"
        "e.compile_expression('1', {}, where=Origin('v'))\n"
        "assert 'sqlglot' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

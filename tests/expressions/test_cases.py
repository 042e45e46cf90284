"""The shared table: what the compiler makes of each text is what stands beside it.

The Rust tests of `crates/expr` evaluate the same trees over the same rows to the same answers.
"""

from __future__ import annotations

from typing import Any

import pytest
import refresh

CASES = refresh.load()

KINDS = ("answer", "bad", "refused")


def name(case: dict[str, Any]) -> str:
    return f"{case['text'] or 'empty'} {case['row']}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_compiled_form_is_current(case: dict[str, Any]) -> None:
    """A changed tree changes fingerprints: see refresh.py."""
    wanted = {key: case[key] for key in ("refused", "type", "fallible", "tree") if key in case}

    assert refresh.compiled(case) == wanted


def test_every_case_says_one_thing() -> None:
    """A case has an answer, a failure or a refusal, and no two cases are the same."""
    assert [case["text"] for case in CASES if sum(kind in case for kind in KINDS) != 1] == []
    assert len({name(case) for case in CASES}) == len(CASES)


def test_every_operation_has_cases() -> None:
    """No row of the compiler's table goes without an answer in the shared one."""
    from headwater.compile.expressions.table import FIELDS, ROWS, UNITS

    heads: set[str] = set()
    settings: set[str] = set()

    def visit(tree: list[Any]) -> None:
        heads.add(tree[0])
        settings.update(part for part in tree[1:2] if isinstance(part, str))
        for part in tree[1:]:
            if isinstance(part, list):
                visit(part)

    for case in CASES:
        if "answer" in case:
            visit(case["tree"])

    shaped = {"is_null", "case", "coalesce", "nullif", "in", "cast", "try_cast", "shift"}
    shaped |= {"extract", "date_trunc", "seconds_between"}
    assert {row.op for row in ROWS} | shaped <= heads
    assert {*FIELDS, *UNITS} <= settings

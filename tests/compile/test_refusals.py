"""Every rule of a compile speaks, and each message is whole: where, what, what to do.

The cases stand in refusals/*.txt, as a user would write and read them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import headwater.compile.rules

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "refusals"


def _cases() -> list[Any]:
    return [
        pytest.param(*body.rstrip("\n").split("\n->\n"), id=title)
        for file in sorted(FOLDER.glob("*.txt"))
        for title, body in re.findall(
            r"^## (.+)\n((?:(?!## ).*\n?)*)", file.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    ]


CASES = _cases()


@pytest.mark.parametrize(("definitions", "message"), CASES)
def test_a_compile_says_what_is_wrong_and_where(
    complaint: Callable[[str], str], definitions: str, message: str
) -> None:
    """The message compares whole."""
    assert complaint(definitions) == message


def test_every_rule_has_a_case() -> None:
    """A rule without a message that was read by someone does not exist."""
    rules = {each.stem for each in Path(headwater.compile.rules.__file__).parent.glob("[a-z]*.py")}
    assert {str(each.id).split(":")[0] for each in CASES} >= rules

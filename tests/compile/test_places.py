"""Messages name the line of the definition, wherever it stands, and never fail for want of one."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from headwater.compile import compile_definitions, load_definitions
from headwater.errors import CompileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETUP = """\
import headwater as hw
class Event(hw.Stream, time="at"):
    at: hw.Timestamp
    who: str
who = hw.Entity("who", keys={"who": str})
"""
WRONG = """\
class Views(hw.FeatureView, stream=Event, entity=who):
    fine = hw.count().over("1h")
    wrong = hw.count()
"""
SAID = """view Views, feature wrong: count has no window
    hint: say over which: .over("24h"), or .over(hw.lifetime()) for all events"""


@pytest.fixture
def notebook() -> Iterator[ModuleType]:
    """Return a module as IPython's: no file, the texts of its cells in `In`."""
    module = ModuleType("notebook_main")
    module.In = [""]
    sys.modules["notebook_main"] = module
    yield module
    del sys.modules["notebook_main"]


def _run_cell(notebook: ModuleType, text: str) -> None:
    notebook.In.append(text)
    exec(compile(text, "<ipython-input>", "exec"), vars(notebook))  # noqa: S102


def _complaint(definitions: object) -> str:
    with pytest.raises(CompileError) as caught:
        compile_definitions(definitions)
    return caught.value.detail


def test_a_definition_in_a_cell_names_the_cell(notebook: ModuleType) -> None:
    """The second cell, its third line."""
    _run_cell(notebook, SETUP)
    _run_cell(notebook, WRONG)
    assert _complaint([notebook.Views]) == f"<notebook cell 2>:3: {SAID}"


def test_a_cell_run_again_names_the_newest(notebook: ModuleType) -> None:
    """Equal streams of two runs of a cell are one; the last cell with the view is named."""
    _run_cell(notebook, SETUP)
    _run_cell(notebook, WRONG)
    _run_cell(notebook, "x = 1")
    _run_cell(notebook, SETUP)
    _run_cell(notebook, "\n" + WRONG)
    assert _complaint(notebook) == f"<notebook cell 5>:4: {SAID}"


def test_a_definition_under_a_magic_names_its_cell(notebook: ModuleType) -> None:
    """IPython keeps the cell as a call with its text; lines count from the magic."""
    _run_cell(notebook, SETUP + WRONG)
    notebook.In[1] = f"get_ipython().run_cell_magic('time', '', {SETUP + WRONG!r})\n"
    assert _complaint([notebook.Views]) == f"<notebook cell 1>:9: {SAID}"


def test_a_cell_that_is_no_python_is_passed_over(notebook: ModuleType) -> None:
    """Magics stay in `In` too."""
    _run_cell(notebook, SETUP + WRONG)
    notebook.In.append("%%bash\nls")
    assert _complaint([notebook.Views]) == f"<notebook cell 1>:8: {SAID}"


def test_a_definition_run_by_exec_has_no_place() -> None:
    """There is no source to look into, and the message stands without it."""
    names: dict[str, object] = {}
    exec(SETUP + WRONG, names)  # noqa: S102
    assert _complaint([names["Views"]]) == SAID


def test_a_definition_run_by_exec_has_a_place_where_linecache_has_the_text() -> None:
    """As doctest and many shells leave it."""
    text = SETUP + WRONG
    linecache.cache["<cell 7>"] = (len(text), None, text.splitlines(keepends=True), "<cell 7>")
    try:
        names: dict[str, object] = {}
        exec(compile(text, "<cell 7>", "exec"), names)  # noqa: S102
        assert _complaint([names["Views"]]) == f"<cell 7>:8: {SAID}"
    finally:
        del linecache.cache["<cell 7>"]


def test_a_class_inside_a_function_is_found(tmp_path: Path) -> None:
    """By its qualified name, past a class of the same name outside."""
    inner = "".join(f"    {line}\n" for line in WRONG.splitlines())
    text = f"{SETUP}class Views: pass\ndef make():\n{inner}    return Views\n"
    (tmp_path / "made.py").write_text(text)
    module = load_definitions(tmp_path / "made.py", tmp_path)
    assert _complaint([module.make()]) == f"{tmp_path}/made.py:10: {SAID}"

"""Definitions load from the file or module that the settings name, or say why not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import headwater as hw
from headwater.compile import load_definitions

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_run_anew_and_replaces_no_module(tmp_path: Path) -> None:
    """An edit counts at the next load; `json.py` of a project is not Python's json."""
    file = tmp_path / "json.py"
    file.write_text("x = 1")
    assert load_definitions(file, tmp_path).x == 1
    file.write_text("x = 22")
    assert load_definitions(file, tmp_path).x == 22
    assert "loads" in vars(sys.modules["json"])


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    """The project's folder is searched first, and only while loading."""
    (tmp_path / "neighbour_of_features.py").write_text("x = 1")
    (tmp_path / "features.py").write_text("from neighbour_of_features import x")
    before = list(sys.path)
    try:
        assert load_definitions(tmp_path / "features.py", tmp_path).x == 1
    finally:
        sys.modules.pop("neighbour_of_features", None)
    assert sys.path == before


def test_a_missing_file_is_told_with_its_path(tmp_path: Path) -> None:
    """And where the name comes from."""
    with pytest.raises(hw.NotFoundError) as caught:
        load_definitions(tmp_path / "features.py", tmp_path)
    assert str(caught.value) == (
        "there are no definitions\n"
        f"looked for {tmp_path}/features.py\n"
        "hint: [project] definitions names a Python file or a module"
    )


def test_a_missing_module_is_told_with_all_places_searched(tmp_path: Path) -> None:
    """The project's folder first."""
    with pytest.raises(hw.NotFoundError) as caught:
        load_definitions("no_such_features", tmp_path)
    assert caught.value.message == "there is no module no_such_features of definitions"
    assert caught.value.detail.splitlines()[0] == f"looked in {tmp_path}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("x = 1\ny = 1 / 0\n", ":2: ZeroDivisionError: division by zero", id="raises"),
        pytest.param("x = (\n", ":1: SyntaxError: '(' was never closed", id="does not parse"),
        pytest.param(
            "import headwater as hw\nclass A(hw.Request):\n    x: int\n",
            ":2: A: hw.Request is not supported yet",
            id="refused by us",
        ),
        pytest.param(
            "import no_such_thing\n",
            ":1: ModuleNotFoundError: No module named 'no_such_thing'",
            id="imports what is not there",
        ),
    ],
)
def test_a_file_that_fails_to_load_stops(tmp_path: Path, text: str, said: str) -> None:
    """With the line of the user's file; half a module never passes for the whole."""
    file = tmp_path / "features.py"
    file.write_text(text)
    with pytest.raises(hw.InvalidError) as caught:
        load_definitions(file, tmp_path)
    assert caught.value.message == f"the definitions of {file} failed to load"
    assert caught.value.detail.split(" (")[0] == f"{file}{said}"
    assert caught.value.__cause__ is not None
    assert not [
        each for each in list(sys.modules.values()) if vars(each).get("__file__") == str(file)
    ]

"""Settings come from the environment and from headwater.toml; what is wrong is said in words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import headwater as hw
from headwater.config import load_settings

WHOLE = """
[project]
name = "flights"
definitions = "definitions/features.py"

[data]
path = "state"
retention = "90d"
idempotency = "2h"
memory = "2 GiB"

[server]
host = "0.0.0.0"
port = 7000
body_max = "1 MiB"
deadline = "3s"
"""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests counts."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("HEADWATER_"):
            monkeypatch.delenv(name)


def _written(folder: Path, text: str) -> Path:
    file = folder / "headwater.toml"
    file.write_text(text)
    return file


def test_every_setting_is_read(tmp_path: Path) -> None:
    """Durations and sizes parsed, paths from the folder of the file."""
    settings = load_settings(_written(tmp_path, WHOLE))
    assert (settings.name, settings.definitions) == (
        "flights",
        tmp_path / "definitions" / "features.py",
    )
    assert settings.data_path == tmp_path / "state"
    assert settings.data.retention == timedelta(days=90)
    assert settings.data.idempotency == timedelta(hours=2)
    assert settings.data.memory == 2 * 2**30
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 7000)  # noqa: S104
    assert (settings.server.body_max, settings.server.deadline) == (2**20, timedelta(seconds=3))


def test_an_empty_file_has_the_defaults(tmp_path: Path) -> None:
    """The folder names the project, and its features.py is the definitions."""
    folder = tmp_path / "shop"
    folder.mkdir()
    settings = load_settings(_written(folder, ""))
    assert (settings.name, settings.definitions) == ("shop", folder / "features.py")
    assert (settings.data_path, settings.data.retention) == (folder / "data", None)
    assert settings.data.idempotency == timedelta(hours=24)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 6570)
    assert settings.server.body_max == 64 * 2**20
    assert settings.streams == {}


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One setting of a section; the others stay those of the file."""
    monkeypatch.setenv("HEADWATER_SERVER__PORT", "7001")
    monkeypatch.setenv("HEADWATER_DATA__RETENTION", "1d")
    settings = load_settings(_written(tmp_path, WHOLE))
    assert (settings.server.port, settings.server.host) == (7001, "0.0.0.0")  # noqa: S104
    assert settings.data.retention == timedelta(days=1)


def test_the_current_folder_is_looked_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path; and a folder may be given in place of its file."""
    _written(tmp_path, WHOLE)
    monkeypatch.chdir(tmp_path)
    assert load_settings().file == load_settings(tmp_path).file == tmp_path / "headwater.toml"


def test_an_absolute_path_stays_and_a_module_is_a_name(tmp_path: Path) -> None:
    """Only relative paths are taken from the folder."""
    text = '[project]\ndefinitions = "shop.features"\n[data]\npath = "/var/lib/shop"\n'
    settings = load_settings(_written(tmp_path, text))
    assert (settings.definitions, settings.data_path) == ("shop.features", Path("/var/lib/shop"))


def test_missing_settings_are_told_with_the_places_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The current folder's file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hw.NotFoundError) as caught:
        load_settings()
    assert str(caught.value) == (
        "there are no settings\n"
        f"looked for {tmp_path}/headwater.toml\n"
        "hint: headwater init writes a project; a file elsewhere is given as --settings FILE"
        ' or hw.open("FILE"), named headwater.toml by custom'
    )


DURATION = 'a duration is an integer and a unit out of s, m, h, d, w, such as "24h"'
SIZE = 'a size is an integer and a unit out of B, KiB, MiB, GiB, TiB, such as "64 MiB"'
HINT = (
    "hint: a setting is given in the file or, first, in the environment,"
    " such as HEADWATER_SERVER__PORT"
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(
            "[server]\nprot = 7000\n",
            ["FILE: [server] prot: unknown setting; did you mean port?"],
            id="unknown key",
        ),
        pytest.param(
            "[sever]\nport = 7000\n",
            ["FILE: [sever]: unknown setting; did you mean server?"],
            id="unknown section",
        ),
        pytest.param(
            '[data]\nretention = "1 month"\n[server]\nbody_max = "64 MB"\nport = 70000\n',
            [
                f"FILE: [data] retention: '1 month' is not a duration; {DURATION}",
                "FILE: [server] port: Input should be less than or equal to 65535",
                f"FILE: [server] body_max: '64 MB' is not a size; {SIZE}",
            ],
            id="malformed values",
        ),
        pytest.param(
            '[streams.Departure]\nsource = "kafka://"\n[store]\nurl = "redis://"\n',
            [
                "FILE: [streams.Departure] source: not supported yet; leave it out",
                "FILE: [store] url: not supported yet; leave it out",
            ],
            id="not there yet",
        ),
        pytest.param(
            '[streams.Departure]\nsuorce = "kafka://"\n',
            ["FILE: [streams.Departure] suorce: unknown setting; did you mean source?"],
            id="unknown key of a stream",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, lines: list[str]) -> None:
    """All of it at once."""
    file = _written(tmp_path, text)
    with pytest.raises(hw.InvalidError) as caught:
        load_settings(file)
    noun = "1 setting is wrong" if len(lines) == 1 else f"{len(lines)} settings are wrong"
    said = str(caught.value).replace(str(file), "FILE").split("\n")
    assert said == [noun, *lines, HINT]


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the file, which is innocent."""
    monkeypatch.setenv("HEADWATER_SERVER__PORT", "many")
    monkeypatch.setenv("HEADWATER_SERVER__PROT", "7000")
    with pytest.raises(hw.InvalidError) as caught:
        load_settings(_written(tmp_path, WHOLE))
    assert caught.value.detail == (
        "HEADWATER_SERVER__PORT: [server] port: Input should be a valid integer, unable to parse"
        " string as an integer\n"
        "HEADWATER_SERVER__PROT: [server] prot: unknown setting; did you mean port?"
    )


def test_a_variable_of_no_section_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that was meant must not be passed over; other variables are not settings."""
    monkeypatch.setenv("HEADWATER_SERVR__PORT", "7000")
    monkeypatch.setenv("HEADWATER_EXAMPLES", "3")
    with pytest.raises(hw.InvalidError) as caught:
        load_settings(_written(tmp_path, WHOLE))
    assert caught.value.detail == (
        "HEADWATER_SERVR__PORT: [servr]: unknown section; did you mean server?"
    )


def test_a_file_that_is_not_toml_is_told(tmp_path: Path) -> None:
    """With the place in it."""
    file = _written(tmp_path, "[server\n")
    with pytest.raises(hw.InvalidError) as caught:
        load_settings(file)
    assert caught.value.message == f"{file} is not TOML"
    assert "line 1" in caught.value.detail


def test_settings_are_frozen(tmp_path: Path) -> None:
    """They are data."""
    settings = load_settings(_written(tmp_path, WHOLE))
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1

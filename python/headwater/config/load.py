"""Finds and reads `headwater.toml`, and says in words what is wrong with it.

Every message names the key as it is written and each place where it could have come from.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from headwater.config import SETTINGS_FILE
from headwater.config.model import Settings
from headwater.errors import InvalidError, NotFoundError, near_names

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def load(path: str | Path | None) -> Settings:
    """Read settings; see `headwater.config.load_settings`."""
    file = _find(path)
    _check_sections()
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(
            f"{file} is not TOML", code="settings", detail=str(error), hint="see https://toml.io"
        ) from error
    try:
        settings = Settings(**given)
    except SettingsError as error:
        raise InvalidError(
            "a setting of the environment cannot be read", code="settings", detail=str(error)
        ) from error
    except ValidationError as error:
        raise _explained(file, error) from error
    settings._file = file  # noqa: SLF001  (private to the model so that no key sets it)
    return settings


def _find(path: str | Path | None) -> Path:
    given = Path.cwd() if path is None else Path(path)
    places = [given / SETTINGS_FILE] if given.is_dir() else [given]
    for place in places:
        if place.is_file():
            return place.absolute()
    raise NotFoundError(
        "there are no settings",
        code="no_settings",
        detail="\n".join(f"looked for {place.absolute()}" for place in places),
        hint=f"headwater init writes a project; a file elsewhere is given as --settings FILE or"
        f' hw.open("FILE"), named {SETTINGS_FILE} by custom',
    )


def _check_sections() -> None:
    """Refuse a variable of a section that there is not, as a file's would be: it was meant."""
    lines = []
    for variable in sorted(os.environ):
        prefix, _, rest = variable.upper().partition("_")
        section, nested, _ = rest.lower().partition("__")
        if prefix == "HEADWATER" and nested and section not in Settings.model_fields:
            near = near_names(section, _known([]))
            lines.append(f"{variable}: [{section}]: unknown section; {near}")
    if lines:
        raise _wrong(lines)


def _explained(file: Path, error: ValidationError) -> InvalidError:
    return _wrong([_line(file, each) for each in error.errors()])


def _wrong(lines: list[str]) -> InvalidError:
    noun = "setting is" if len(lines) == 1 else "settings are"
    return InvalidError(
        f"{len(lines)} {noun} wrong",
        code="settings",
        detail="\n".join(lines),
        hint="a setting is given in the file or, first, in the environment, such as"
        " HEADWATER_SERVER__PORT",
    )


def _line(file: Path, error: ErrorDetails) -> str:
    keys = [str(each) for each in error["loc"]]
    shown = f"[{'.'.join(keys[:-1])}] {keys[-1]}" if len(keys) > 1 else f"[{keys[0]}]"
    variable = "HEADWATER_" + "__".join(keys).upper()
    place = variable if _from_environment(variable) else str(file)
    if error["type"] == "extra_forbidden":
        return f"{place}: {shown}: unknown setting; {near_names(keys[-1], _known(keys[:-1]))}"
    return f"{place}: {shown}: {error['msg'].removeprefix('Value error, ')}"


def _from_environment(variable: str) -> bool:
    return any(each.upper() == variable for each in os.environ)


def _known(section: list[str]) -> list[str]:
    """Return the settings of a section, the sections themselves for none; streams are alike."""
    if not section:
        return list(Settings.model_fields)
    annotation: Any = Settings.model_fields[section[0]].annotation
    model = getattr(annotation, "__args__", (annotation,))[-1]
    return list(model.model_fields) if issubclass(model, BaseModel) else []

"""`hw.open` and `hw.connect`: from settings, definitions or an address to a workspace.

Opening a directory that another process owns connects to that process. Nothing here reads rows.
"""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from headwater.errors import ConflictError, InvalidError
from headwater.observe import Meter, tell
from headwater.workspace.embedded import Embedded
from headwater.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from headwater.compile import Compiled
    from headwater.config.model import Settings

NAMESPACE_DEFAULT: Final = "default"
"""The namespace of workspaces without settings, which have no name."""


def open(  # noqa: A001 - its public name
    settings: str | PathLike[str] | None = None,
    *,
    definitions: ModuleType | Iterable[Any] | None = None,
    data: str | PathLike[str] | None = None,
) -> Workspace:
    """Open a workspace in this process.

    Three forms: `open("headwater.toml")` (or a folder that holds it) reads definitions and
    directory from the settings; `open(definitions=features)` keeps everything in memory;
    `open(definitions=features, data="dir")` keeps it in a directory.

    Args:
        settings: the file of settings, or its folder. Without any argument: that of the current
            folder.
        definitions: a module, or a list of services, views, streams, tables and entities; a
            service brings its views, a view its stream or table and its entities.
        data: the directory of log, state and dead letters; made if it is not there.

    Returns:
        The workspace; a context manager. Where another process owns the directory, and serves
        it, a connection to that process.

    Raises:
        CompileError: the definitions are wrong: all that is, each with file, line and hint.
        NotFoundError: `no_settings`.
        ConflictError: another process owns the directory and does not serve it; it belongs to
            another namespace; a stream lost or retyped a column.
    """
    from headwater.compile import compile_definitions

    if settings is not None and not isinstance(settings, str | PathLike):
        raise InvalidError(
            f"settings are a file or a folder, not {settings!r}",
            code="settings",
            hint="definitions are given by name: hw.open(definitions=...)",
        )
    if settings is None and definitions is not None:
        compiled = compile_definitions(definitions)
        return _embedded(compiled, None if data is None else Path(data), NAMESPACE_DEFAULT, {})
    from headwater.config import load_settings

    read = load_settings(None if settings is None else Path(settings))
    compiled = compiled_of(read) if definitions is None else compile_definitions(definitions)
    return open_settings(read, compiled, None if data is None else Path(data))


def compiled_of(settings: Settings) -> Compiled:
    """Load and compile the definitions that settings name."""
    from headwater.compile import compile_definitions, load_definitions

    return compile_definitions(load_definitions(settings.definitions, settings.folder))


def open_settings(settings: Settings, compiled: Compiled, data: Path | None = None) -> Workspace:
    """Open the directory of settings with compiled definitions."""
    if settings.data.memory is not None:
        raise InvalidError(
            "[data] memory is not supported yet",
            code="settings",
            hint="leave it out: all state is kept in memory",
        )
    options = {
        "retention_us": _microseconds(settings.data.retention),
        "idempotency_us": _microseconds(settings.data.idempotency),
    }
    return _embedded(compiled, data or settings.data_path, settings.name, options)


def connect(url: str) -> Workspace:
    """Return the same verbs against a server; it is first asked when a verb is called.

    Args:
        url: its address, e.g. `http://127.0.0.1:6570`.
    """
    from headwater.client import Client

    return Workspace(Client(url), url)


def served_at(data: Path) -> str | None:
    """Return where the process that has a directory open serves it; None where none does."""
    from headwater._native import Engine

    owner = Engine.owner(str(data))
    return None if owner is None else orjson.loads(owner)["address"]


def _embedded(
    compiled: Compiled, data: Path | None, namespace: str, options: dict[str, Any]
) -> Workspace:
    from headwater._native import Engine

    path = None if data is None else str(data)
    try:
        with Meter("filling from the archive") as meter:
            engine = Engine.open(compiled.to_json(), path, namespace, orjson.dumps(options), meter)
    except ConflictError as owned:
        url = _owner(owned)
        if url is None:
            raise
        tell(f"{path} is open in another process; connected to {url}")
        return connect(url)
    for line in orjson.loads(engine.opened())["lines"]:
        tell(line)
    return Workspace(Embedded(engine), path or "in memory")


def _owner(error: ConflictError) -> str | None:
    """Return the address that the owner of a directory left in it, if that is the conflict."""
    address = re.search(r"http://\S+", error.detail)
    return address.group() if error.code == "owned" and address else None


def _microseconds(length: Any) -> int | None:
    return None if length is None else round(length.total_seconds() * 1_000_000)

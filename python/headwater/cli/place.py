"""Where a command works: a server that answers, else the directory of the settings.

Every command that touches data takes `--settings` and `--url`; this is the only place that decides
between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.errors import NotFoundError, near_names
from headwater.types import DataType
from headwater.workspace import Workspace, connect
from headwater.workspace.opening import compiled_of, open_settings, served_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwater.compile import Compiled
    from headwater.config.model import Settings

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass
class Place:
    """The settings and the URL that a command was given; read when first needed."""

    settings_path: Path | None
    url: str | None
    _opened: list[Workspace] = field(default_factory=list)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the file."""
        from headwater.config import load_settings

        return load_settings(self.settings_path)

    @cached_property
    def compiled(self) -> Compiled:
        """The compiled definitions of the settings."""
        return compiled_of(self.settings)

    def open(self) -> Workspace:
        """Return a workspace on the server that answers, else on the directory."""
        if self.url is not None:
            return connect(self.url)
        url = self.server_url()
        return open_settings(self.settings, self.compiled) if url is None else connect(url)

    def server_url(self) -> str | None:
        """Return the address of the server that has the directory of the settings open.

        Name and port would not tell: another folder may have a project with both of them.
        """
        return served_at(self.settings.data_path)

    def columns(self, name: str) -> tuple[str, dict[str, DataType]]:
        """Return the verb for a stream or table (`push`, `put`), and the types of its columns.

        Without settings here, a server of `--url` tells which it is, and the types are not known.

        Raises:
            NotFoundError: `unknown_stream`.
        """
        try:
            blueprint = self.compiled.blueprint
        except NotFoundError as missing:
            if self.url is None or missing.code != "no_settings":
                raise
            with connect(self.url) as workspace:
                return ("put" if name in workspace.status()["tables"] else "push"), {}
        for kind, verb in (("streams", "push"), ("tables", "put")):
            for source in blueprint[kind]:
                if source["name"] == name:
                    columns = source["columns"]
                    return verb, {each["name"]: DataType(each["type"]) for each in columns}
        known = [each["name"] for kind in ("streams", "tables") for each in blueprint[kind]]
        raise NotFoundError(
            f"there is no stream or table {name}",
            code="unknown_stream",
            hint=near_names(name, known),
        )

    def keys(self, name: str) -> dict[str, DataType]:
        """Return the key columns of a service or view, with their types."""
        target = self.compiled.target(name)
        asked = (
            self.compiled.service(name) if target.kind == "service" else self.compiled.view(name)
        )
        return {each["name"]: DataType(each["type"]) for each in asked["keys"]}


def with_place(command: F) -> F:
    """Give a command the options `--settings` and `--url`, as its first argument `place`."""

    @click.option(
        "--settings",
        "settings_path",
        type=click.Path(path_type=Path),
        help="The file of settings, or its folder.  [default: headwater.toml here]",
    )
    @click.option("--url", help="A server to talk to, e.g. http://127.0.0.1:6570.")
    def wrapped(*, settings_path: Path | None, url: str | None, **arguments: Any) -> Any:
        return command(Place(settings_path, url), **arguments)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__click_params__ += getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    return wrapped  # type: ignore[return-value]


def with_json(command: F) -> F:
    """Give a command the option `--json`."""
    option = click.option("--json", "json_", is_flag=True, help="Print JSON instead of a table.")
    return option(command)

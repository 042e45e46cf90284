"""The settings there are: one class a section, each setting once, with its default.

A setting that this version cannot honour is refused when it is given, never ignored.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from headwater.errors import InvalidError
from headwater.types import duration_us, size_bytes

MIB = 2**20


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    try:
        return timedelta(microseconds=duration_us(value))
    except InvalidError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _size(value: Any) -> Any:
    try:
        return size_bytes(value)
    except InvalidError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _not_yet(value: Any) -> Any:
    if value is not None:
        raise ValueError("not supported yet; leave it out")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Size = Annotated[int, BeforeValidator(_size)]
NotYet = Annotated[str | None, BeforeValidator(_not_yet)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProjectSettings(_Section):
    """`[project]`: what this is."""

    name: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$|^$")
    """Names the namespace; the folder's name where it is not given."""
    definitions: str = "features.py"
    """A Python file, or the name of a module."""


class DataSettings(_Section):
    """`[data]`: where the log, the state and the dead letters are."""

    path: Path = Path("data")
    retention: Duration | None = None
    """How long the archive is kept; None is for ever."""
    idempotency: Duration = timedelta(hours=24)
    """How long an idempotency key is remembered."""
    memory: Size | None = None
    """Most memory that state may take, in bytes; None is no bound."""


class ServerSettings(_Section):
    """`[server]`: where and how HTTP is answered. Sizes are bytes."""

    host: str = "127.0.0.1"
    port: int = Field(default=6570, ge=0, le=65_535)
    body_max: Size = 64 * MIB
    connections_max: int = Field(default=4_096, ge=1)
    reads_max: int = Field(default=1_024, ge=1)
    writes_max: int = Field(default=256, ge=1)
    trainings_max: int = Field(default=8, ge=1)
    deadline: Duration = timedelta(seconds=10)
    write_deadline: Duration = timedelta(seconds=60)
    training_deadline: Duration = timedelta(hours=1)
    stop_timeout: Duration = timedelta(seconds=30)
    threads: int = Field(default=0, ge=0)
    """Threads of the runtime; 0 takes the number of cores."""


class StreamSettings(_Section):
    """`[streams.NAME]`: what feeds a stream; pushed to, where nothing is given."""

    source: NotYet = None


class StoreSettings(_Section):
    """`[store]`: where served rows live; beside the engine, where nothing is given."""

    url: NotYet = None


class Settings(BaseSettings):
    """All settings, from the environment first and then from the file."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="HEADWATER_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    project: ProjectSettings = ProjectSettings()
    data: DataSettings = DataSettings()
    server: ServerSettings = ServerSettings()
    streams: dict[str, StreamSettings] = {}
    store: StoreSettings = StoreSettings()
    _file: Path = PrivateAttr(default=Path("headwater.toml"))

    @property
    def file(self) -> Path:
        """The file that was read, absolute."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder from which relative paths are taken, absolute."""
        return self._file.parent

    @property
    def name(self) -> str:
        """The project's name: as given, else the folder's."""
        return self.project.name or self.folder.name

    @property
    def data_path(self) -> Path:
        """The directory of log and state, absolute."""
        return self.folder / self.data.path

    @property
    def definitions(self) -> Path | str:
        """The definitions: an absolute path of a Python file, or the name of a module."""
        given = self.project.definitions
        is_file = given.endswith(".py") or "/" in given or "\\" in given
        return self.folder / given if is_file else given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file; no other place is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

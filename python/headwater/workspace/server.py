"""`Server`: the feature server in this process, as `Workspace.serve` starts it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from headwater.errors import InvalidError
from headwater.workspace.embedded import Embedded

if TYPE_CHECKING:
    from headwater import _native
    from headwater.workspace.backend import Backend


class Server(AbstractContextManager["Server"]):
    """A running feature server; a context manager that stops it."""

    def __init__(self, native: _native.Server) -> None:
        self._native = native

    @property
    def url(self) -> str:
        """Where it answers, e.g. `http://127.0.0.1:6570`."""
        return f"http://{self._native.address}"

    def stop(self) -> None:
        """Refuse new requests, finish those that are running, return; twice does nothing."""
        self._native.stop()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.url}>"


def serve(backend: Backend, host: str, port: int, options: dict[str, Any]) -> Server:
    """Start a server over a backend in this process.

    Raises:
        InvalidError: `not_embedded`: the backend is elsewhere.
    """
    if not isinstance(backend, Embedded):
        raise InvalidError(
            "this workspace is a connection to a server",
            code="not_embedded",
            hint="serve from the process that opened the directory",
        )
    return Server(backend.start_server(host, port, options))

"""The backend in this process: the engine of the extension, on a directory or in memory.

Delegation only: arguments become bytes, bytes become JSON data. The engine releases Python's lock
while it works, and may be called from any thread.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

from headwater.errors import ClosedError
from headwater.sources import json_of

if TYPE_CHECKING:
    from headwater._native import Engine, Frame, Server
    from headwater.sources import Payload

Json = dict[str, Any]


class Embedded:
    """A `Backend` over the engine."""

    def __init__(self, engine: Engine) -> None:
        self._owned = engine
        self._process = os.getpid()

    @property
    def _engine(self) -> Engine:
        """The engine, where its threads are: a fork has its memory as it was, and no writer."""
        if os.getpid() != self._process:
            raise ClosedError(
                "the workspace was opened in another process, of which this one is a fork",
                code="forked",
                hint="open a workspace here, or serve that one and hw.connect to it",
            )
        return self._owned

    def push(
        self, stream: str, rows: Payload, *, arrived_at: str | None, idempotency_key: str | None
    ) -> Json:
        return _json(self._engine.push(stream, rows, arrived_at, idempotency_key))

    def put(
        self, table: str, rows: Payload, *, arrived_at: str | None, idempotency_key: str | None
    ) -> Json:
        return _json(self._engine.put(table, rows, arrived_at, idempotency_key))

    def get(self, request: Json) -> tuple[Frame, list[bool], Json]:
        frame, found, metadata = self._engine.get(json_of(request))
        return frame, found, _json(metadata)

    def training_set(self, service: str, labels: Frame, *, time: str, as_of: str) -> Frame:
        return self._engine.training_set(service, labels, time, as_of)

    def dead_letters(self, stream: str, *, limit: int, after: str | None) -> Json:
        return _json(self._engine.dead_letters(stream, limit, after))

    def dead_letter(self, stream: str, letter_id: str) -> Json:
        return _json(self._engine.dead_letter(stream, letter_id))

    def replay_dead_letter(self, stream: str, letter_id: str) -> Json:
        return _json(self._engine.replay_dead_letter(stream, letter_id))

    def discard_dead_letter(self, stream: str, letter_id: str) -> Json:
        return _json(self._engine.discard_dead_letter(stream, letter_id))

    def status(self) -> Json:
        return _json(self._engine.status())

    def close(self) -> None:
        if os.getpid() == self._process:
            self._owned.close()

    def start_server(self, host: str, port: int, options: Json) -> Server:
        """Start answering over HTTP; the server stands on the same engine."""
        return self._engine.start_server(host, port, json_of(options))


def _json(data: bytes) -> Json:
    document: Json = orjson.loads(data)
    return document

"""`Client`: the verbs over HTTP, a backend of `Workspace`.

Rows and training sets travel in Arrow. A push carries an idempotency key, so that it may be sent
again after a broken connection and is applied once. Must never interpret rows.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from headwater._native import Frame
from headwater.client.labels import answered
from headwater.client.parts import frames_of, joined, parts_of
from headwater.client.transport import TRAINING_TIMEOUT_S, Transport
from headwater.sources import json_of

if TYPE_CHECKING:
    from headwater.sources import Payload

Json = dict[str, Any]

ARROW: Final = "application/vnd.apache.arrow.stream"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"


class Client:
    """A `Backend` over a server's HTTP interface."""

    def __init__(self, url: str) -> None:
        self._transport = Transport(url)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._transport.url

    def push(
        self, stream: str, rows: Payload, *, arrived_at: str | None, idempotency_key: str | None
    ) -> Json:
        return self._write("POST", f"/v1/events/{_part(stream)}", rows, arrived_at, idempotency_key)

    def put(
        self, table: str, rows: Payload, *, arrived_at: str | None, idempotency_key: str | None
    ) -> Json:
        return self._write("PUT", f"/v1/tables/{_part(table)}", rows, arrived_at, idempotency_key)

    def get(self, request: Json) -> tuple[Frame, list[bool], Json]:
        response = self._transport.request(
            "POST",
            "/v1/features",
            content=json_of(request),
            headers={"content-type": JSON, "accept": ARROW},
        )
        frame = Frame.from_ipc(response.content)
        answer = orjson.loads(frame.schema_metadata["headwater"])
        return frame, answer["found"], answer["metadata"]

    def training_set(self, service: str, labels: Frame, *, time: str, as_of: str) -> Frame:
        def ask(part: bytes, epoch: int | None) -> Frame:
            response = self._transport.request(
                "POST",
                "/v1/training-sets",
                params={"service": service, "time": time, "as_of": as_of, "epoch": epoch},
                content=part,
                headers={"content-type": ARROW, "accept": ARROW},
                timeout_s=TRAINING_TIMEOUT_S,
            )
            return Frame.from_ipc(response.content)

        return answered(frames_of(labels), ask)

    def dead_letters(self, stream: str, *, limit: int, after: str | None) -> Json:
        params = {"limit": limit, "after": after}
        return _json(self._transport.request("GET", _letters(stream), params=params).content)

    def dead_letter(self, stream: str, letter_id: str) -> Json:
        return _json(self._transport.request("GET", _letters(stream, letter_id)).content)

    def replay_dead_letter(self, stream: str, letter_id: str) -> Json:
        path = _letters(stream, letter_id, "replay")
        return _json(self._transport.request("POST", path, repeatable=False).content)

    def discard_dead_letter(self, stream: str, letter_id: str) -> Json:
        path = _letters(stream, letter_id, "discard")
        return _json(self._transport.request("POST", path, repeatable=False).content)

    def status(self) -> Json:
        return _json(self._transport.request("GET", "/v1/status").content)

    def close(self) -> None:
        self._transport.close()

    def _write(
        self, method: str, path: str, rows: Payload, arrived_at: str | None, key: str | None
    ) -> Json:
        """Send rows, in parts where they are too large for one body; return one receipt."""
        parts = parts_of(rows)
        kind = ARROW if isinstance(rows, Frame) else NDJSON
        key = uuid.uuid4().hex if key is None else key
        receipts = []
        for number, part in enumerate(parts):
            # Parts are cut the same way each time, so that a repeat of the whole is known by them.
            name = key if len(parts) == 1 else _key_of_part(key, number)
            response = self._transport.request(
                method,
                path,
                params={"arrived_at": arrived_at},
                content=part,
                headers={"content-type": kind, "idempotency-key": name.encode()},
            )
            receipts.append(_json(response.content))
        return joined(receipts)


def _key_of_part(key: str, number: int) -> str:
    """Return a key of its own for a part: no longer than any key, and nobody else's."""
    return hashlib.sha256(f"{number}:{key}".encode()).hexdigest()


def _letters(stream: str, *parts: str) -> str:
    return "/".join(["/v1/dead-letters", _part(stream), *map(_part, parts)])


def _part(name: str) -> str:
    return quote(name, safe="")


def _json(data: bytes) -> Json:
    document: Json = orjson.loads(data)
    return document

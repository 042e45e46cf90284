"""`Workspace`: the verbs, the same over an engine in this process and over a server.

Each is a thin call into a room below; no meaning lives here. Safe from threads: the backend is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from headwater.observe import tell
from headwater.sources import check_columns, frame_of, instant, payload_of, source_name
from headwater.workspace.dead_letters import DeadLetters
from headwater.workspace.results import Answer, Receipt, TrainingSet
from headwater.workspace.targets import target_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from headwater.workspace.backend import Backend
    from headwater.workspace.server import Server


class Workspace(AbstractContextManager["Workspace"]):
    """Streams, tables and features, wherever they are; made by `hw.open` and `hw.connect`.

    A context manager; `close` may be called from any thread.
    """

    def __init__(self, backend: Backend, place: str) -> None:
        self._backend = backend
        self._place = place
        self._said: set[str] = set()

    def push(
        self,
        stream: str | type,
        rows: object,
        *,
        arrived_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Push events; durable and visible when it returns.

        Args:
            stream: its name or class.
            rows: dicts (any iterable of them), anything with `__arrow_c_stream__` or
                `__arrow_c_array__`, or bytes of NDJSON.
            arrived_at: the column that holds each row's arrival, for history; rows are applied
                in its order. `"event_time"`: the event time itself, recorded as simulated.
            idempotency_key: a repeat with the same key answers the first positions and applies
                nothing.

        Returns:
            What became of the rows; refused ones are kept as dead letters.

        Raises:
            NotFoundError: `unknown_stream`.
            InvalidError: rows that are none; `arrival_backwards`.
        """
        return _written(self._backend.push, stream, rows, arrived_at, idempotency_key)

    def put(
        self,
        table: str | type,
        rows: object,
        *,
        arrived_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Put rows of a table; a later row of a key and instant counts. Arguments as `push`."""
        return _written(self._backend.put, table, rows, arrived_at, idempotency_key)

    def get(
        self,
        features: object,
        keys: Iterable[Mapping[str, Any]] | object,
        *,
        at: dt.datetime | int | str | None = None,
        history: bool = False,
        after: Receipt | Mapping[str, Any] | None = None,
    ) -> Answer:
        """Return features of keys at an instant; one row a key, in order.

        Args:
            features: a service, a view, or the name of one (the service, where both have it).
            keys: one dict of the key columns a row, or a DataFrame of them; extra columns are
                ignored. A null part is an unknown key.
            at: an aware datetime, microseconds since 1970, or ISO 8601 with an offset; None is
                now. Events at exactly `at` are not in, unless the view says so.
            history: may a server answer instants before its sealed one from the archive? In this
                process it always does.
            after: a receipt, its JSON or its positions: wait until they are visible.

        Raises:
            NotFoundError: `unknown_service`, `unknown_view`, `unknown_name`.
            InvalidError: a key column is missing or of another type, with `row`.
            ConflictError: `before_horizon`.
            UnavailableError: `deadline`.
        """
        kind, name = target_of(features)
        request = {
            kind: name,
            "keys": _keys(keys),
            "at": instant(at),
            "history": history,
            "after": _positions(after),
            "metadata": True,
        }
        frame, found, metadata = self._backend.get(request)
        for note in metadata["notes"]:
            self._say(note)
        return Answer(frame, found, metadata)

    def training_set(
        self,
        features: object,
        labels: object,
        *,
        time: str,
        as_of: str = "event_time",
    ) -> TrainingSet:
        """Return label rows with the features as they were at each row's instant.

        Args:
            features: a service, a view, or the name of one.
            labels: rows with the key columns, the column `time` and whatever else; each column
                is returned unchanged.
            time: the column of the instants.
            as_of: `event_time`: from all events now known; `arrival`: from what had arrived by
                each row's instant.

        Raises:
            NotFoundError: `unknown_service`, `unknown_view`, `unknown_name`.
            InvalidError: a column is missing, of another type, or clashes with a feature's name.
        """
        _, name = target_of(features)
        frame = self._backend.training_set(name, frame_of(labels), time=time, as_of=as_of)
        return TrainingSet.of(frame, service=name, time=time, as_of=as_of)

    def dead_letters(self, stream: str | type) -> DeadLetters:
        """Return the refused rows of a stream or table: list, show, replay, discard."""
        return DeadLetters(self._backend, source_name(stream))

    def status(self) -> dict[str, Any]:
        """Return the state of all of it: streams, tables, epoch, quality, sizes."""
        return self._backend.status()

    def serve(self, host: str = "127.0.0.1", port: int = 0, **options: Any) -> Server:
        """Answer over HTTP from this process until the server is stopped.

        Args:
            host: the address to listen on.
            port: 0 for any free one.
            options: further settings of `[server]`, such as `body_max`.

        Raises:
            InvalidError: `not_embedded`: this workspace is itself a connection to a server.
            UnavailableError: the address is taken.
        """
        from headwater.workspace.server import serve

        return serve(self._backend, host, port, options)

    @property
    def embedded(self) -> bool:
        """Is the engine in this process, or is this a connection to a server?"""
        from headwater.workspace.embedded import Embedded

        return isinstance(self._backend, Embedded)

    def close(self) -> None:
        """Make everything durable and let go of the directory; a second time does nothing."""
        self._backend.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Workspace {self._place}>"

    def _say(self, note: str) -> None:
        """Tell a note of an answer on stderr, once a workspace and view: reads may be many."""
        view = note.partition(":")[0]
        if view not in self._said:
            self._said.add(view)
            tell(note)


def _written(
    verb: Callable[..., dict[str, Any]],
    source: str | type,
    rows: object,
    arrived_at: str | None,
    idempotency_key: str | None,
) -> Receipt:
    """Hand rows to a verb of the backend."""
    name, payload = source_name(source), payload_of(rows)
    document = verb(name, payload, arrived_at=arrived_at, idempotency_key=idempotency_key)
    return Receipt.from_json(document)


def _positions(after: Receipt | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if isinstance(after, Receipt):
        return after.positions
    # A stream may be called "positions"; what is accepted of a receipt is a number.
    if after is not None and isinstance(after.get("accepted"), int) and "positions" in after:
        return after["positions"]  # type: ignore[no-any-return]
    return after


def _keys(keys: object) -> list[dict[str, Any]]:
    if isinstance(keys, list):
        return keys
    frame = frame_of(keys)
    check_columns(frame.column_names)
    return frame.to_dicts()

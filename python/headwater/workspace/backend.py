"""The contract behind a workspace: its verbs over bytes, Arrow and JSON data.

It exists so that every verb is written once. Two members: `embedded.Embedded` over the engine in
this process, and `headwater.client.Client` over HTTP. A member must never interpret rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from headwater._native import Frame
    from headwater.sources import Payload

Json = dict[str, Any]


class Backend(Protocol):
    """What a workspace stands on. Every verb raises the classes of `headwater.errors`."""

    def push(
        self, stream: str, rows: Payload, *, arrived_at: str | None, idempotency_key: str | None
    ) -> Json:
        """Push rows of a stream; return the receipt."""

    def put(
        self, table: str, rows: Payload, *, arrived_at: str | None, idempotency_key: str | None
    ) -> Json:
        """Put rows of a table; return the receipt."""

    def get(self, request: Json) -> tuple[Frame, list[bool], Json]:
        """Answer a request of `POST /v1/features`: features, found, metadata."""

    def training_set(self, service: str, labels: Frame, *, time: str, as_of: str) -> Frame:
        """Return the label rows with the features of a service or view after them."""

    def dead_letters(self, stream: str, *, limit: int, after: str | None) -> Json:
        """Return a page of dead letters: `letters` and `next`."""

    def dead_letter(self, stream: str, letter_id: str) -> Json:
        """Return one dead letter, whole."""

    def replay_dead_letter(self, stream: str, letter_id: str) -> Json:
        """Push a dead letter again; return the receipt."""

    def discard_dead_letter(self, stream: str, letter_id: str) -> Json:
        """Give a dead letter up; return what was recorded."""

    def status(self) -> Json:
        """Return the state of all of it."""

    def close(self) -> None:
        """Release what is held; a second time does nothing."""

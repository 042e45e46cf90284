"""`DeadLetters`: rows of one stream or table that were refused, and what can be done with them.

Thin: every verb is one call of the backend. Must never drop a letter without `discard`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.workspace.results import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.workspace.backend import Backend

PAGE_LETTERS: Final = 1_000
"""Letters fetched at a time while iterating."""


class DeadLetters:
    """Dead letters of a stream or table, oldest first.

    Iterate over it, or call `list`, `show`, `replay` and `discard`. A letter is a dict with `id`,
    `cause`, `message`, `partition` and `offset`, `view` (where only that view left the event out),
    `at`, `status` (`open`, `replayed`, `discarded`) and, in `show`, the original row.
    """

    def __init__(self, backend: Backend, stream: str) -> None:
        self._backend = backend
        self.stream = stream

    def list(self, limit: int = 100, *, after: str | None = None) -> list[dict[str, Any]]:
        """Return at most `limit` letters, those after the id `after`.

        Args:
            limit: 1 to 10,000; iterate over the letters to see all.
            after: an id of this stream.

        Raises:
            InvalidError: `wrong_parameter`: the limit is out of bounds.
            NotFoundError: `unknown_dead_letter`.
        """
        page = self._backend.dead_letters(self.stream, limit=limit, after=after)
        letters: list[dict[str, Any]] = page["letters"]
        return letters

    def show(self, letter_id: str) -> dict[str, Any]:
        """Return one letter, whole.

        Raises:
            NotFoundError: `unknown_dead_letter`.
        """
        return self._backend.dead_letter(self.stream, str(letter_id))

    def replay(self, letter_id: str) -> Receipt:
        """Push a letter again, exactly once, after what it failed on was mended.

        Raises:
            NotFoundError: `unknown_dead_letter`.
            ConflictError: it was replayed or discarded before.
        """
        return Receipt.from_json(self._backend.replay_dead_letter(self.stream, str(letter_id)))

    def discard(self, letter_id: str) -> dict[str, Any]:
        """Give a letter up, on record.

        Raises:
            As `replay`.
        """
        return self._backend.discard_dead_letter(self.stream, str(letter_id))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            page = self._backend.dead_letters(self.stream, limit=PAGE_LETTERS, after=after)
            yield from page["letters"]
            after = page["next"]
            if after is None:
                return

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<DeadLetters of {self.stream}>"

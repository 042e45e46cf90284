"""What is told to whoever runs the program, beside results: on stderr, never on stdout.

Must never raise, wait or be needed for a result: what it says stands in a result too.
"""

from __future__ import annotations

import sys
from typing import Final, Self

__all__ = ["Meter", "tell"]

_ERASE: Final = "\r\x1b[K"


def tell(text: str) -> None:
    """Write a line to stderr, if there is one."""
    if sys.stderr is not None:
        sys.stderr.write(f"headwater: {text}\n")
        sys.stderr.flush()


class Meter:
    """One line on a terminal that tells how far something long has come; elsewhere silent.

    Called from any thread; used as a context manager, which takes the line away at its end.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and sys.stderr is not None:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
        self._shown = False

    def __call__(self, done: int, total: int, rate: float, left_s: float | None) -> None:
        """Show `done` of `total` events, the rate in events a second and the seconds left."""
        if sys.stderr is None or not sys.stderr.isatty():
            return
        left = "" if left_s is None else f", {_duration(left_s)} left"
        text = f"{self._what}: {done:,} of {total:,} events, {rate:,.0f} a second{left}"
        sys.stderr.write(f"{_ERASE}headwater: {text}")
        sys.stderr.flush()
        self._shown = True


def _duration(seconds: float) -> str:
    """Return a length of time as `1:02:03`, or `2:03` below an hour."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"

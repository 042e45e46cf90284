"""Windows as users write them: which events a feature covers, before any check.

Texts stay texts, since output columns repeat a window as it was written.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sliding:
    """The last `width` before t; `24h` is written `"24h"`."""

    width: str


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Every event before t."""


@dataclass(frozen=True, slots=True)
class Tumbling:
    """The last complete stretch of `width`."""

    width: str
    offset: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """The run of events, each less than `gap` after the one before, that ends before t."""

    gap: str


@dataclass(frozen=True, slots=True)
class LastEvents:
    """The `n` latest events before t."""

    n: int
    where: str | None = None


Window = Sliding | Lifetime | Tumbling | Session | LastEvents


@dataclass(frozen=True, slots=True)
class Over:
    """One call of `.over(...)`: windows that share a resolution and a delay."""

    windows: tuple[Window, ...]
    resolution: str | None = None
    delay: str | None = None
    name: str | None = None


def lifetime() -> Lifetime:
    """Cover every event before t: `(-inf, t)`."""
    return Lifetime()


def tumbling(width: str, *, offset: str | None = None, zone: str | None = None) -> Tumbling:
    """Cover the last complete day, week, ...: not supported yet, refused when compiled."""
    return Tumbling(width, offset, zone)


def session(gap: str) -> Session:
    """Cover the current run of events: not supported yet, refused when compiled."""
    return Session(gap)


def last_events(n: int, *, where: str | None = None) -> LastEvents:
    """Cover the n latest events: not supported yet, refused when compiled."""
    return LastEvents(n, where)

"""Resolutions: the ladder of steps to which windows' beginnings are floored.

semantics.md section 2 in code; the kernel holds the same ladder.
"""

from __future__ import annotations

from headwater.types import duration_us

LADDER = ("1s", "5s", "10s", "30s", "1m", "5m", "10m", "30m", "1h", "3h", "12h", "1d")
"""The steps as users write them; each divides the next."""

LADDER_US = tuple(duration_us(step) for step in LADDER)

STEPS_IN_WINDOW_MIN = 48
"""A window holds at least so many steps of its default resolution: 2 % too long at most."""


def default_resolution_us(width_us: int) -> int | None:
    """Return the step for a window, in microseconds; None where it is so short that it is exact.

    >>> default_resolution_us(24 * 3_600_000_000) // 60_000_000
    30
    """
    steps = [step for step in LADDER_US if width_us >= STEPS_IN_WINDOW_MIN * step]
    return steps[-1] if steps else None

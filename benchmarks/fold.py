"""Folding events into per-key state: time beside the memory's floor, bytes beside dense rings.

10 M Zipf events, 100 k keys, 4 windows x 5 aggregates. The floor changes one cache line an event.
Dense rings hold a tile for each step of each window: the sum over windows of W/H + 1 tiles of 32
bytes (start 8, count 4, count where 4, sum 8, max 8) and a header of 64.
"""

from __future__ import annotations

import kernel_figures
import lines

TILES = (60 + 1) + (48 + 1) + (56 + 1) + (60 + 1)
DENSE_RINGS_BYTES = TILES * 32 + 64
EVENTS_PER_S_GOAL = 20e6
FLOOR_GOAL = 1 / 5
RINGS_GOAL = 5.0

if __name__ == "__main__":
    got = kernel_figures.measure()
    rings = f"dense rings, computed: {TILES} tiles x 32 + 64"
    lines.show(
        [
            lines.Line(
                "fold.update_ns",
                "ns",
                got["fold_ns"],
                got["floor_ns"],
                "one cache line an event",
                FLOOR_GOAL,
            ),
            lines.against_goal(
                "fold.events_per_s", "events/s", 1e9 / got["fold_ns"], EVENTS_PER_S_GOAL
            ),
            lines.Line(
                "fold.bytes_per_key",
                "bytes",
                got["bytes_per_key"],
                DENSE_RINGS_BYTES,
                rings,
                RINGS_GOAL,
            ),
        ]
    )

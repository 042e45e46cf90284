"""Reading 20 features of a key whose row is in no cache: keys drawn uniformly from 100 k."""

from __future__ import annotations

import kernel_figures
import lines

COLD_NS_GOAL = 600.0

if __name__ == "__main__":
    got = kernel_figures.measure()
    lines.show([lines.against_goal("read.cold_ns", "ns", got["read_ns"], COLD_NS_GOAL)])

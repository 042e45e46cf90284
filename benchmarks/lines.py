"""One benchmark line: JSON on stdout for programs, a table on stderr for people."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

# Units of which less is better; of all others more is.
COSTS = {"ns", "us", "ms", "s", "bytes", "MB"}


@dataclass(frozen=True)
class Line:
    """A figure of ours beside a peer's, a limit's or a goal's, measured in the same run."""

    case: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str | None
    goal: float | None

    def ratio(self) -> float | None:
        """Larger is better, whatever the unit."""
        if self.peer is None:
            return None
        return self.peer / self.ours if self.unit in COSTS else self.ours / self.peer


def against_goal(case: str, unit: str, ours: float, goal: float) -> Line:
    """A line whose peer is an absolute goal."""
    return Line(case, unit, ours, goal, "goal", 1.0)


def show(lines: list[Line]) -> None:
    """Print the lines; a missed goal is told and is no failure."""
    table = Table(title=f"{machine()}")
    for head in ("case", "ours", "peer", "ratio", "goal", ""):
        table.add_column(head, justify="left" if head in ("case", "") else "right")
    for line in lines:
        ratio = line.ratio()
        record = {
            "case": line.case,
            "unit": line.unit,
            "ours": line.ours,
            "peer": line.peer,
            "peer_name": line.peer_name,
            "ratio": ratio,
            "goal": line.goal,
        }
        sys.stdout.write(json.dumps(record) + "\n")
        reached = line.goal is None or (ratio is not None and ratio >= line.goal)
        table.add_row(
            line.case,
            f"{line.ours:,.4g} {line.unit}",
            "-" if line.peer is None else f"{line.peer:,.4g} ({line.peer_name})",
            "-" if ratio is None else f"{ratio:.2f}",
            "-" if line.goal is None else f"{line.goal:.2f}",
            "" if line.goal is None else ("reached" if reached else "missed"),
        )
    sys.stdout.flush()
    Console(stderr=True, width=120).print(table)


def machine() -> str:
    """Processor and interpreter, for the head of the table."""
    model = platform.processor() or platform.machine()
    try:
        listed = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
        model = next(
            (line.split(":", 1)[1].strip() for line in listed.splitlines() if "Model name" in line),
            model,
        )
    except (OSError, subprocess.CalledProcessError):
        pass
    return f"{model}, Python {platform.python_version()}"

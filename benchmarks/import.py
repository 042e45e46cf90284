"""What it costs to have Headwater: time to import it, size installed with all that it requires.

The size is that of a new virtual environment with the built wheel and its dependencies, less what
an empty environment holds. The peer of both figures is the goal.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import lines

ROUNDS = 15
SECONDS_GOAL = 0.3
MB_GOAL = 60.0
ROOT = Path(__file__).resolve().parent.parent


def import_seconds() -> float:
    """Median time of `import headwater` over new processes, less that of starting Python."""
    return statistics.median(timed("import headwater") - timed("pass") for _ in range(ROUNDS))


def timed(code: str) -> float:
    """Wall seconds of a new interpreter that runs `code`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")
    return time.perf_counter() - started


def installed_mb() -> float:
    """Megabytes that the wheel and its dependencies add to an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder) / "wheels"
        maturin = [sys.executable, "-m", "maturin", "build", "--release", "--quiet"]
        subprocess.run([*maturin, "--out", str(wheels)], check=True, cwd=ROOT, stdout=sys.stderr)
        place = Path(folder) / "venv"
        venv.create(place, with_pip=True)
        before = size_bytes(place)
        wheel = next(wheels.glob("*.whl"))
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile"]
        subprocess.run([*pip, str(wheel)], check=True, stdout=sys.stderr)
        return (size_bytes(place) - before) / 1e6


def size_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())


if __name__ == "__main__":
    lines.show(
        [
            lines.against_goal("import.seconds", "s", import_seconds(), SECONDS_GOAL),
            lines.against_goal("import.installed_mb", "MB", installed_mb(), MB_GOAL),
        ]
    )

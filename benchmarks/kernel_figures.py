"""Run the kernel's benchmark binary on definitions compiled here; shared by `fold` and `read`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

import workload
from headwater.compile import compile_definitions

ROOT = Path(__file__).resolve().parent.parent


def measure() -> dict[str, float]:
    """Raw figures of folding the workload and reading it."""
    with tempfile.TemporaryDirectory() as folder:
        blueprint = Path(folder) / "blueprint.json"
        blueprint.write_bytes(compile_definitions([workload.SpendingByKind]).to_json())
        events = Path(folder) / "events.arrow"
        workload.events().write_ipc(events, compat_level=pl.CompatLevel.oldest())
        cargo = ["cargo", "run", "--release", "--quiet", "-p", "headwater-bench-kernel", "--"]
        done = subprocess.run(
            [*cargo, str(blueprint), str(events)],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
        )
    return dict(json.loads(done.stdout))

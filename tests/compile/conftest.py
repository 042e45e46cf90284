"""Compiles small files of definitions, as a user would write them, and shows what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headwater.compile import compile_definitions, load_definitions
from headwater.errors import CompileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PRELUDE = """\
import headwater as hw

class Departure(hw.Stream, time="departed_at"):
    departed_at: hw.Timestamp
    carrier: str
    origin: str
    seats: int
    dep_delay: float | None

class Plane(hw.Table, key="tailnum", timeless=True):
    tailnum: str
    maker: str
    seats: int

carrier = hw.Entity("carrier", keys={"carrier": str})
plane = hw.Entity("plane", keys={"tailnum": str})

class Punctuality(hw.FeatureView, stream=Departure, entity=carrier):
    departures = hw.count().over("1h", "24h")
    late = hw.mean("dep_delay > 15").over("24h")

class Facts(hw.FeatureView, table=Plane, entity=plane):
    seats = hw.column("seats")
"""
"""23 lines; a case begins on line 25."""


@pytest.fixture
def complaint(tmp_path: Path) -> Callable[[str], str]:
    """Return what a compile says of the prelude and a case, the file's path shortened."""

    def of(case: str) -> str:
        file = tmp_path / "features.py"
        file.write_text(f"{PRELUDE}\n{case}")
        with pytest.raises(CompileError) as caught:
            compile_definitions(load_definitions(file, tmp_path))
        return str(caught.value).replace(f"{tmp_path}/", "")

    return of

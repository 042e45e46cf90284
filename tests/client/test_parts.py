"""Large pushes over HTTP: cut into bodies that a server takes, answered by one receipt."""

import json

import pyarrow as pa
import pytest
from tests.workspace import features
from tests.workspace.conftest import departure

import headwater as hw
from headwater._native import Frame
from headwater.client import parts

ROWS = [departure(n, n, carrier=None if n == 150 else "UA") for n in range(200)]


def test_lines_are_cut_between_rows(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 100)
    lines = b"".join(
        json.dumps({"n": n, "x": "y" * (300 * (n == 5))}).encode() + b"\n" for n in range(40)
    )
    cut = parts.parts_of(lines.rstrip(b"\n"))
    assert b"".join(cut) == lines.rstrip(b"\n")
    rows = [json.loads(line) for part in cut for line in part.splitlines()]
    assert [row["n"] for row in rows] == list(range(40))
    assert all(len(part) <= 100 or part.count(b"\n") == 1 for part in cut)


def test_frames_are_cut_between_rows(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 4_000)
    frame = Frame.from_dicts([{"n": n} for n in range(2_000)])
    cut = parts.parts_of(frame)
    assert len(cut) > 3
    assert [row["n"] for part in cut for row in Frame.from_ipc(part).to_dicts()] == list(
        range(2_000)
    )


@pytest.mark.parametrize("form", [list, pa.Table.from_pylist], ids=["dicts", "arrow"])
def test_a_push_in_parts_has_one_receipt_and_is_repeated_as_one(monkeypatch, form):
    monkeypatch.setattr(parts, "PART_BYTES", 4_000)
    with (
        hw.open(definitions=features) as workspace,
        workspace.serve() as server,
        hw.connect(server.url) as connected,
    ):
        receipt = connected.push("Departure", form(ROWS), idempotency_key="k")
        assert receipt.accepted == 199
        assert receipt.positions == {"Departure": {"0": [0, 200]}}
        assert [(each.row, each.cause) for each in receipt.rejected] == [(150, "wrong_type")]
        again = connected.push("Departure", form(ROWS), idempotency_key="k")
        assert (again.accepted, again.duplicates) == (0, 200)
        assert again.positions == receipt.positions

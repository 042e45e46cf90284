"""Rows in parts: bodies that a server takes, and of a push one receipt of all of them.

A part is whole rows, in their order. Must never cut the same rows differently a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater._native import Frame

if TYPE_CHECKING:
    from headwater.sources import Payload

PART_BYTES: Final = 16 * 2**20
"""Bytes of a part: a quarter of the largest body that a server takes by default."""


def parts_of(rows: Payload) -> list[bytes]:
    """Return the bodies of a push; one, unless it is larger than `PART_BYTES`."""
    if isinstance(rows, Frame):
        return [body for body, _ in frames_of(rows)]
    if len(rows) <= PART_BYTES:
        return [rows]
    parts, start = [], 0
    while start < len(rows):
        # The last line that ends within the part; a longer line is a part of its own.
        end = rows.rfind(b"\n", start, start + PART_BYTES) + 1
        end = end or rows.find(b"\n", start + PART_BYTES) + 1 or len(rows)
        parts.append(rows[start:end])
        start = end
    return parts


def frames_of(rows: Frame) -> list[tuple[bytes, int]]:
    """Return rows of Arrow as bodies, each with its number of rows; one, unless it is larger."""
    whole = rows.to_ipc()
    if len(whole) <= PART_BYTES or not rows.num_rows:
        return [(whole, rows.num_rows)]
    count = max(1, rows.num_rows * PART_BYTES // len(whole))
    return [(part.to_ipc(), part.num_rows) for part in rows.split(count)]


def joined(receipts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one receipt of the receipts of all parts, with rows counted over all of them."""
    first, *others = receipts
    before = _rows(first)
    for receipt in others:
        first["accepted"] += receipt["accepted"]
        first["duplicates"] += receipt["duplicates"]
        first["rejected"] += [{**each, "row": each["row"] + before} for each in receipt["rejected"]]
        before += _rows(receipt)
        for name, partitions in receipt["positions"].items():
            for partition, (_, end) in partitions.items():
                first["positions"][name][partition][1] = end
    return first


def _rows(receipt: dict[str, Any]) -> int:
    """Return the rows of a push: each took a position, whatever became of it."""
    ranges = [each for source in receipt["positions"].values() for each in source.values()]
    return sum(end - begin for begin, end in ranges)

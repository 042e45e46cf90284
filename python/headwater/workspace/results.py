"""What the verbs return: receipts, answers, training sets.

Plain data with a few readings. Must never call back into the workspace that made it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import orjson

from headwater.workspace.table import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater._native import Frame


class _Named:
    """Fields readable as `rejection["cause"]` too, as in the JSON that they come from."""

    def __getitem__(self, name: str) -> Any:
        if name not in {field.name for field in fields(self)}:  # type: ignore[arg-type]
            raise KeyError(name)
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class Rejection(_Named):
    """A row that was refused; it is kept as a dead letter.

    `row` counts from 0 in the batch; `cause` is a stable word, `message` is for people.
    """

    row: int
    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class Receipt(_Named):
    """What became of a push: durable and visible, as counted here.

    `positions` maps stream and partition to `[first, last + 1]`; give the receipt to
    `get(after=...)` to read only once it is visible there.
    """

    accepted: int
    duplicates: int
    rejected: list[Rejection]
    positions: dict[str, dict[str, list[int]]]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Receipt:
        """Read a receipt as the data plane writes it."""
        return cls(
            accepted=document["accepted"],
            duplicates=document["duplicates"],
            rejected=[
                Rejection(each["row"], each["cause"], each["message"])
                for each in document["rejected"]
            ],
            positions=document["positions"],
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as the data plane writes it."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": [
                {"row": each.row, "cause": each.cause, "message": each.message}
                for each in self.rejected
            ],
            "positions": self.positions,
        }

    def _repr_html_(self) -> str:
        causes = ", ".join(sorted({each.cause for each in self.rejected}))
        why = f" ({causes})" if causes else ""
        return (
            f"<b>{self.accepted:,}</b> accepted, <b>{self.duplicates:,}</b> duplicates, "
            f"<b>{len(self.rejected):,}</b> rejected{why}"
        )


class Answer(Rows):
    """Features of the keys that were asked, in the service's order; one row a key.

    `found[i]` is true when any view knows key i. `metadata` has `t` (the instant read, an aware
    datetime), `views` (per view version, epoch, positions, watermark, staleness_ms, found),
    `status` (row, column and status of every value that is null for a reason) and `notes`.
    """

    def __init__(self, frame: Frame, found: list[bool], metadata: Mapping[str, Any]) -> None:
        super().__init__(frame)
        self.found = found
        self.metadata = {**metadata, "t": _instant(metadata["t"])}
        self.metadata["views"] = {
            name: {**view, "watermark": _instant(view["watermark"])}
            for name, view in metadata["views"].items()
        }

    def _caption(self) -> str:
        return f"{super()._caption()}, at {self.metadata['t'].isoformat()}"


class TrainingSet(Rows):
    """Every label column unchanged, in the labels' own order and number, then the features.

    `metadata` has what was asked (`service`, `time`, `as_of`) and what stands behind the values,
    such as the tables that are declared timeless.
    """

    def __init__(self, frame: Frame, metadata: Mapping[str, Any]) -> None:
        super().__init__(frame)
        self.metadata = dict(metadata)

    @classmethod
    def of(cls, frame: Frame, *, service: str, time: str, as_of: str) -> TrainingSet:
        """Make one of a frame whose schema says what stands behind it."""
        behind = orjson.loads(frame.schema_metadata.get("headwater", "{}"))
        return cls(frame, {"service": service, "time": time, "as_of": as_of, **behind})


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)

"""`hw.point_in_time`: a training set from frames, without a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater import offline
from headwater.observe import tell
from headwater.workspace.results import TrainingSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.define import FeatureService


def point_in_time(
    features: FeatureService | type,
    labels: object,
    frames: Mapping[Any, object],
    *,
    time: str,
    as_of: str = "event_time",
    arrived_at: str | None = None,
) -> TrainingSet:
    """Return label rows with the features as they were at each row's instant.

    Pure: no file, no clock, no state; the values are those of a workspace with the same rows.

    Args:
        features: a service or a view class.
        labels: rows with the key columns, the column `time` and whatever else; each column is
            returned unchanged, in order. A null key part gives the features of an empty window.
        frames: rows of each stream and table, by name or class: dicts, or anything with
            `__arrow_c_stream__` or `__arrow_c_array__`. Rows that break a contract are left out
            told in the metadata and on stderr.
        time: the column of the instants. Events at exactly that instant are not in, unless the
            view says so.
        as_of: `event_time`: from all rows; `arrival`: from rows that had arrived by each instant,
            which needs `arrived_at`.
        arrived_at: the column of arrivals of the frames, or `event_time`; without it the rows of
            a frame arrive together, in their order.

    Raises:
        InvalidError: a frame or column is missing or of another type, or a label column clashes
            with a feature's name.
        CompileError: the definitions are wrong.
    """
    name, frame = offline.point_in_time(
        features, labels, frames, time=time, as_of=as_of, arrived_at=arrived_at
    )
    table = TrainingSet.of(frame, service=name, time=time, as_of=as_of)
    for told in table.metadata["frames"]:
        if told["rejected_rows"]:
            total = told["rejected_rows"] + told["accepted"] + told["duplicates"]
            causes = ", ".join(sorted({each["cause"] for each in told["rejected"]}))
            tell(f"{told['name']}: {told['rejected_rows']:,} of {total:,} rows refused: {causes}")
    return table

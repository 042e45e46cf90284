"""Point-in-time features of 1 M label rows over 10 M events: ours beside Polars, in one run.

16 aggregates: 4 windows x count, sum, mean, max. Polars does what it does best here, `rolling`
with `group_by` over events and labels together. Both take frames in memory, or read Parquet.
Polars' windows are `[t - W, t)`; ours floor the start to the resolution. Counts are compared on
windows declared exact, so that both must agree before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

import headwater as hw
import lines
import workload

GOAL_MEMORY = 15.0
GOAL_PARQUET = 8.0
REPETITIONS = 3
AGGREGATES = [
    pl.col("amount").count().alias("count"),
    pl.col("amount").sum().alias("sum"),
    pl.col("amount").mean().alias("mean"),
    pl.col("amount").max().alias("max"),
]


def ours(labels: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The training set by the sweep."""
    table = hw.point_in_time(workload.Spending, labels, {"Purchase": events}, time="t")
    return table.to_polars()


def polars(labels: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The same windows by Polars: labels and events in one frame, rolled by user."""
    asked = labels.select(
        "user", at="t", amount=pl.lit(None, pl.Float64), row=pl.int_range(pl.len())
    )
    happened = events.select("user", "at", "amount", row=pl.lit(None, pl.Int64))
    union = pl.concat([happened, asked]).sort("user", "at", maintain_order=True)
    parts = []
    for window in workload.WINDOWS:
        rolled = union.rolling("at", period=window, closed="left", group_by="user").agg(AGGREGATES)
        parts.append(rolled.select(pl.col("count", "sum", "mean", "max").name.suffix(f"_{window}")))
    rows = union["row"]
    wide = pl.concat([rows.to_frame(), *parts], how="horizontal")
    return wide.filter(rows.is_not_null()).sort("row").drop("row")


def check() -> None:
    """Both agree on exact windows of a small workload; raise AssertionError otherwise."""
    events, labels = workload.events(200_000), workload.labels(5_000)

    class Exactly(hw.FeatureView, stream=workload.Purchase, entity=workload.user):
        """Counts and greatest amounts over the very windows of Polars."""

        purchases = hw.count("amount").over(*workload.WINDOWS, resolution="exact")
        greatest = hw.max("amount").over(*workload.WINDOWS, resolution="exact")

    mine = hw.point_in_time(Exactly, labels, {"Purchase": events}, time="t").to_polars()
    theirs = polars(labels, events)
    for window in workload.WINDOWS:
        one = mine[f"exactly__purchases_{window}"].to_list()
        assert one == theirs[f"count_{window}"].to_list(), f"counts differ over {window}"
        one = mine[f"exactly__greatest_{window}"].to_list()
        assert one == theirs[f"max_{window}"].to_list(), f"greatest amounts differ over {window}"


def medians(*calls: Callable[[], pl.DataFrame]) -> list[float]:
    """Median seconds of each call; they alternate, so that a busy machine slows all alike."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(REPETITIONS):
        for call, seconds in zip(calls, times, strict=True):
            started = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - started)
    return [sorted(seconds)[len(seconds) // 2] for seconds in times]


def main() -> None:
    """Measure in memory and from Parquet, peers alternating with ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=workload.EVENTS)
    parser.add_argument("--labels", type=int, default=workload.LABELS)
    options = parser.parse_args()
    check()
    events, labels = workload.events(options.events), workload.labels(options.labels)
    out = []
    sys.stderr.write("sweep in memory\n")
    mine, theirs = medians(lambda: ours(labels, events), lambda: polars(labels, events))
    out.append(lines.Line("sweep.memory_s", "s", mine, theirs, "polars rolling", GOAL_MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "labels.parquet", Path(folder) / "events.parquet"]
        labels.write_parquet(paths[0])
        events.write_parquet(paths[1])
        columns = ["at", "user", "amount", "kind"]
        sys.stderr.write("sweep from Parquet\n")
        mine, theirs = medians(
            lambda: ours(pl.read_parquet(paths[0]), pl.read_parquet(paths[1], columns=columns)),
            lambda: polars(pl.read_parquet(paths[0]), pl.read_parquet(paths[1], columns=columns)),
        )
        out.append(lines.Line("sweep.parquet_s", "s", mine, theirs, "polars rolling", GOAL_PARQUET))
    lines.show(out)


if __name__ == "__main__":
    main()

"""The workload of the kernel's benchmarks: seeded events of users who come Zipf-often.

10 million events of 100,000 users over 60 days, about 5 % out of order, amounts in cents; and the
definitions over them: 4 windows x 4 or 5 aggregates.
"""

from __future__ import annotations

import numpy as np
import polars as pl

import headwater as hw

EVENTS = 10_000_000
USERS = 100_000
LABELS = 1_000_000
DAYS = 60
ZIPF = 1.1
SECOND_US = 1_000_000
START_US = 1_767_225_600 * SECOND_US  # 2026-01-01
WINDOWS = ("1h", "24h", "7d", "30d")


class Purchase(hw.Stream, time="at"):
    """One purchase."""

    at: hw.Timestamp
    user: int
    amount: float | None
    kind: int


user = hw.Entity("user", keys={"user": int})


class Spending(hw.FeatureView, stream=Purchase, entity=user):
    """What a user spends: 16 features."""

    purchases = hw.count().over(*WINDOWS)
    spent = hw.sum("amount").over(*WINDOWS)
    mean_amount = hw.mean("amount").over(*WINDOWS)
    greatest = hw.max("amount").over(*WINDOWS)


class SpendingByKind(hw.FeatureView, stream=Purchase, entity=user):
    """What a user spends, and how often on one kind: 20 features."""

    purchases = hw.count().over(*WINDOWS)
    spent = hw.sum("amount").over(*WINDOWS)
    mean_amount = hw.mean("amount").over(*WINDOWS)
    greatest = hw.max("amount").over(*WINDOWS)
    of_kind = hw.count(where="kind = 2").over(*WINDOWS)


def events(count: int = EVENTS, seed: int = 7) -> pl.DataFrame:
    """Events in order of arrival, about one in twenty up to ten minutes late."""
    draw = np.random.default_rng(seed)
    at = np.sort(draw.integers(0, DAYS * 86_400 * SECOND_US, count))
    late = draw.random(count) < 0.05
    at[late] -= draw.integers(0, 600 * SECOND_US, int(late.sum()))
    return pl.DataFrame(
        {
            "at": pl.Series(START_US + np.maximum(at, 0)).cast(pl.Datetime("us", "UTC")),
            "user": users(draw, count),
            "amount": draw.integers(1, 20_000, count) / 100.0,
            "kind": draw.integers(0, 4, count),
        }
    )


def labels(count: int = LABELS, seed: int = 8) -> pl.DataFrame:
    """Label rows of users drawn as the events draw them, over the last half of the time."""
    draw = np.random.default_rng(seed)
    half_us = DAYS * 86_400 * SECOND_US // 2
    at = START_US + half_us + draw.integers(0, half_us, count)
    return pl.DataFrame(
        {"user": users(draw, count), "t": pl.Series(at).cast(pl.Datetime("us", "UTC"))}
    )


def users(draw: np.random.Generator, count: int) -> np.ndarray:
    """User ids, Zipf by rank, the ranks shuffled over the ids."""
    weight = np.arange(1, USERS + 1) ** -ZIPF
    edges = np.cumsum(weight / weight.sum())
    ranks = np.minimum(np.searchsorted(edges, draw.random(count)), USERS - 1)
    return np.random.default_rng(1).permutation(USERS)[ranks]

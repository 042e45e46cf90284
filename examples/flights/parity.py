"""Proof that what was served is what is trained on, and a second opinion in plain pandas.

Kernel against kernel proves little alone: three features are also recomputed by filtering frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from examples.flights.data import Year, micros

QUESTIONS_MIN = 3_000
NON_NULL_SHARE_MIN = 0.5
# Nothing becomes known later than this after it happened (`data.SEEN_DELAYS`).
UNSEEN_US_MAX = 21_600 * 1_000_000


@dataclass(frozen=True)
class Parity:
    """Outcome of a comparison of served answers with a training set."""

    questions: int
    cells: int
    non_null: int
    differing: list[tuple[int, str, object, object]]

    def failures(self) -> list[str]:
        """Why the proof does not hold; empty when it does."""
        out = []
        if self.differing:
            row, column, served, trained = self.differing[0]
            out.append(
                f"{len(self.differing)} values differ; the first: question {row}, {column}: "
                f"served {served!r}, trained on {trained!r}"
            )
        if self.questions < QUESTIONS_MIN:
            out.append(f"only {self.questions} questions were compared, of {QUESTIONS_MIN}")
        if self.non_null < NON_NULL_SHARE_MIN * self.cells:
            out.append(f"only {self.non_null} of {self.cells} compared cells are not null")
        return out


def compare(names: list[str], served: list[list[object]], trained: list[dict]) -> Parity:
    """Compare answers with the training rows of the same questions, bit for bit."""
    differing = []
    non_null = 0
    for row, (answer, truth) in enumerate(zip(served, trained, strict=True)):
        for name, value in zip(names, answer, strict=True):
            expected = as_json(truth[name])
            non_null += value is not None
            if value != expected or type(value) is not type(expected):
                differing.append((row, name, value, expected))
    return Parity(len(served), len(served) * len(names), non_null, differing)


def as_json(value: object) -> object:
    """A value of a training set as the HTTP answer writes it."""
    if isinstance(value, list):
        return [as_json(v) for v in value]
    if hasattr(value, "isoformat"):
        return pd.Timestamp(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def floor_us(at: pd.Timestamp, width: str, step: str) -> pd.Timestamp:
    """Lower end of an aligned window at `at`."""
    return (at - pd.Timedelta(width)).floor(step)


def in_pandas(year: Year, questions: pd.DataFrame) -> pd.DataFrame:
    """Three features of each question, from frames filtered by hand: what was known at the time."""
    by_carrier = dict(iter(year.departures.groupby("carrier")))
    by_dest = dict(iter(year.landings.groupby("dest")))
    by_tail = dict(iter(year.landings.groupby("tailnum")))
    rows = []
    for question in questions.itertuples():
        at = question.asked_at
        left = by_carrier[question.carrier]
        low = floor_us(at, "24h", "30min")
        happened = left["departed_at"]
        count = int(((happened >= low) & (happened < at) & (left["seen_at"] <= at)).sum())

        there = by_dest[question.dest]
        low = floor_us(at, "7D", "3h")
        happened = there["landed_at"]
        known = there[(happened >= low) & (happened < at) & (there["seen_at"] <= at)]
        mean = float(known["arr_delay"].sum()) / len(known) if len(known) else None

        inbound = by_tail[question.tailnum]
        happened = inbound["landed_at"]
        low = floor_us(at, "24h", "30min")
        known = inbound[(happened >= low) & (happened < at) & (inbound["seen_at"] <= at)]
        last = known.sort_values(["landed_at", "flight_id"])["arr_delay"]
        rows.append((count, mean, float(last.iloc[-1]) if len(last) else None))
    return pd.DataFrame(
        rows,
        columns=[
            "carrier_departures__departures_24h",
            "dest__destination_landings__mean_delay_7d",
            "aircraft_landings__inbound_delay_24h",
        ],
        dtype=object,
    )


def differing_cells(arrival: pd.DataFrame, event_time: pd.DataFrame) -> pd.DataFrame:
    """Where two training sets of the same labels differ, as booleans, a column a feature."""
    out = {}
    for name in arrival.columns:
        one, other = arrival[name], event_time[name]
        if one.dtype == object:
            out[name] = _comparable(one) != _comparable(other)
        else:
            both_null = one.isna() & other.isna()
            out[name] = ((one != other).fillna(True) & ~both_null).to_numpy(dtype=bool)
    return pd.DataFrame(out)


def _comparable(column: pd.Series) -> np.ndarray:
    """Lists as their bytes, so that a column of them compares element by element."""
    cells = [v.tobytes() if isinstance(v, np.ndarray) else v for v in column]
    return np.array(cells, dtype=object)


def unseen(events: pd.DataFrame, time: str, keys: list[str], labels: pd.DataFrame) -> np.ndarray:
    """Is there, for each label, an event of its key that had happened but was not yet known?"""
    both = pd.concat([events[keys], labels[keys]], ignore_index=True)
    codes = both.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
    mine, asked = codes[: len(events)], codes[len(events) :]
    since = int(micros(labels["asked_at"]).min()) - UNSEEN_US_MAX
    happened = np.maximum(micros(events[time]) - since, 0)
    seen = micros(events["seen_at"]) - since
    at = micros(labels["asked_at"]) - since
    # A year is below 2^45 us, so (key, instant) fits one 64-bit number.
    place = mine * 2**46 + happened
    order = np.argsort(place, kind="stable")
    low = np.searchsorted(place[order], asked * 2**46 + at - UNSEEN_US_MAX, "left")
    high = np.searchsorted(place[order], asked * 2**46 + at, "left")
    return _range_max(seen[order], low, high) > at


def _range_max(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Greatest of values[low:high] for many ranges by a sparse table; empty: the least integer."""
    levels = [values]
    while 2 ** len(levels) <= len(values):
        half = 2 ** (len(levels) - 1)
        below = levels[-1]
        levels.append(np.maximum(below[:-half], below[half:]))
    out = np.full(len(low), np.iinfo(np.int64).min)
    length = high - low
    for level, table in enumerate(levels):
        rows = (length >= 2**level) & (length < 2 ** (level + 1))
        out[rows] = np.maximum(table[low[rows]], table[high[rows] - 2**level])
    return out

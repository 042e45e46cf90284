"""The year replayed in order of arrival, and asked over HTTP at its own instants.

Everything is pushed with the arrival that `seen_at` gives; between pushes, questions go to the
feature server at the very instants at which they would have been asked. It must never push a thing
before its arrival, or ask before all earlier arrivals are in.
"""

from __future__ import annotations

import http.client
import json
import time
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pyarrow as pa
from examples.flights.data import Year, micros
from rich.console import Console
from rich.progress import Progress

import headwater as hw

KEYS = ["carrier", "origin", "dest", "tailnum"]
EVENTS_PER_PUSH_MAX = 50_000
TALK = Console(stderr=True)


@dataclass
class Replayed:
    """What the replay did and what was answered: one row of `rows` for each question."""

    names: list[str] = field(default_factory=list)
    rows: list[list[object]] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    events: int = 0
    push_seconds: float = 0.0


class Asker:
    """One client of the feature server, on one kept-alive connection."""

    def __init__(self, url: str, service: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._service = service

    def ask(self, keys: dict[str, object], at: pd.Timestamp) -> dict[str, list]:
        """Ask for one row at an instant; raise RuntimeError with the server's words."""
        body = json.dumps({"service": self._service, "keys": [keys], "at": at.isoformat()})
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/v1/features", body, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the server answered {response.status}: {text.decode()}")
        return json.loads(text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Feed:
    """One stream or table in order of arrival, handed on as slices."""

    def __init__(self, name: str, frame: pd.DataFrame, *, table: bool) -> None:
        self.name, self.table = name, table
        self._seen_us = micros(frame["seen_at"])
        self._rows = pa.Table.from_pandas(frame, preserve_index=False)
        self._next = 0

    def __len__(self) -> int:
        return len(self._seen_us)

    def until(self, at_us: int | None) -> list[pa.Table]:
        """Rows not handed on yet that arrived at `at_us` or before; None: all."""
        end = len(self) if at_us is None else int(np.searchsorted(self._seen_us, at_us, "right"))
        slices = []
        while self._next < end:
            size = min(end - self._next, EVENTS_PER_PUSH_MAX)
            slices.append(self._rows.slice(self._next, size))
            self._next += size
        return slices


def replay(
    workspace: hw.Workspace, url: str, service: str, year: Year, questions: pd.DataFrame
) -> Replayed:
    """Push the year and ask `questions` (columns KEYS and `asked_at`, in order of it)."""
    workspace.put("Plane", year.planes)
    feeds = [
        _Feed("Weather", year.weather, table=True),
        _Feed("Departure", year.departures, table=False),
        _Feed("Landing", year.landings, table=False),
    ]
    done = Replayed()
    with closing(Asker(url, service)) as asker, Progress(console=TALK, transient=True) as progress:
        task = progress.add_task("replaying 2013", total=sum(len(f) for f in feeds))
        for question in questions.itertuples():
            at = question.asked_at
            progress.advance(task, _push(workspace, feeds, at.value // 1_000, done))
            keys = {name: getattr(question, name) for name in KEYS}
            started = time.perf_counter()
            answer = asker.ask(keys, at)
            done.latency_ms.append((time.perf_counter() - started) * 1_000)
            done.names = answer["names"]
            done.rows.append(answer["rows"][0])
        progress.advance(task, _push(workspace, feeds, None, done))
    return done


def _push(workspace: hw.Workspace, feeds: list[_Feed], at_us: int | None, done: Replayed) -> int:
    pushed = 0
    started = time.perf_counter()
    for feed in feeds:
        verb = workspace.put if feed.table else workspace.push
        for rows in feed.until(at_us):
            receipt = verb(feed.name, rows, arrived_at="seen_at")
            if receipt.rejected or receipt.duplicates:
                raise RuntimeError(f"{feed.name}: rows of the example were refused: {receipt}")
            pushed += len(rows)
    done.push_seconds += time.perf_counter() - started
    done.events += pushed
    return pushed

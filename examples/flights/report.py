"""The report of the example: one self-contained HTML page with the table and the plots."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from examples.flights.data import NEW_YORK
from examples.flights.model import Fit

mpl.use("Agg")

from matplotlib import pyplot as plt

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: left; }
tr:nth-child(even) { background: #f3f5f7; } td + td { font-variant-numeric: tabular-nums; }
img { max-width: 100%; } .note { color: #57606a; }
"""


def write(
    path: Path,
    table: Sequence[tuple[str, str]],
    notes: Sequence[str],
    plots: Sequence[tuple[str, plt.Figure]],
) -> None:
    """Write the page to `path`, its plots inside it."""
    rows = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in table)
    said = "".join(f"<p class=note>{html.escape(note)}</p>" for note in notes)
    images = "".join(
        f"<h2>{html.escape(title)}</h2><img alt='{html.escape(title)}' src='{_png(figure)}'>"
        for title, figure in plots
    )
    path.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>Headwater: a year of flights</title><style>{STYLE}</style>"
        f"<h1>A year of flights through Headwater</h1><table>{rows}</table>{said}{images}",
        encoding="utf-8",
    )


def roc(fits: Sequence[Fit]) -> plt.Figure:
    """ROC curves of the fits on flights after the split."""
    figure, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    for one in fits:
        axes.plot(one.false_positive, one.true_positive, label=f"{one.name}: AUC {one.auc:.3f}")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="on-time flights called late", ylabel="late flights called late")
    axes.legend(loc="lower right")
    return figure


def storm(day: pd.Timestamp, features: pd.DataFrame, departures: pd.DataFrame) -> plt.Figure:
    """A bad day at each airport: its departures, and the features as they were asked then."""
    airports = sorted(features["origin"].unique())
    figure, axes = plt.subplots(
        len(airports), 1, figsize=(9, 8), sharex=True, sharey=True, layout="constrained"
    )
    for origin, place in zip(airports, axes, strict=True):
        left = departures[departures["origin"] == origin]
        clock = left["departed_at"].dt.tz_convert(NEW_YORK).dt.tz_localize(None)
        place.plot(
            clock, left["dep_delay"], ".", color="#9aa4af", markersize=3, label="a departure"
        )
        mine = features[features["origin"] == origin]
        clock = mine["asked_at"].dt.tz_convert(NEW_YORK).dt.tz_localize(None)
        for window in ("1h", "24h", "7d"):
            name = f"origin__origin_departures__mean_delay_{window}"
            place.plot(clock, mine[name].astype(float), label=f"mean delay, {window}")
        place.set_title(origin, loc="left")
        place.set_ylabel("minutes")
    axes[0].legend(ncols=4, loc="upper left", fontsize="small")
    axes[-1].set_xlabel(f"New York clock, {day:%d %B %Y}")
    figure.autofmt_xdate()
    return figure


def latency(latency_ms: Sequence[float]) -> plt.Figure:
    """Times of the answers over HTTP, as the share answered within a time."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    times = np.sort(np.asarray(latency_ms))
    axes.plot(times, np.arange(1, len(times) + 1) / len(times))
    axes.set(xscale="log", xlabel="milliseconds", ylabel="share of answers")
    axes.grid(visible=True, alpha=0.3)
    return figure


def _png(figure: plt.Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

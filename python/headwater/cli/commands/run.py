"""`headwater run`: the engine and the feature server of a project, until told to stop."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import click

from headwater.cli import talk
from headwater.cli.place import Place, with_json, with_place
from headwater.errors import InvalidError
from headwater.workspace.opening import open_settings

if TYPE_CHECKING:
    from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command()
@click.option("--host", help="Address to listen on.  [default: of the settings]")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.")
@with_place
@with_json
def run(place: Place, *, host: str | None, port: int | None, json_: bool) -> None:
    """Open the project's directory and answer over HTTP until Ctrl-C or SIGTERM.

    Stopping refuses new requests, finishes those that are running and closes the directory.
    """
    if place.url is not None:
        raise click.UsageError("run opens a directory; --url has no meaning here")
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        _serve(place, host, port, told, json_=json_)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(
    place: Place, host: str | None, port: int | None, told: threading.Event, *, json_: bool
) -> None:
    server = place.settings.server
    with open_settings(place.settings, place.compiled) as workspace:
        if not workspace.embedded:
            raise InvalidError(
                f"{place.settings.data_path} is open in another process",
                code="owned",
                hint="headwater status shows what runs there",
            )
        talk.say(_opened(workspace.status(), place))
        options = _options(place)
        listening = workspace.serve(
            server.host if host is None else host,
            server.port if port is None else port,
            **options,
        )
        with listening:
            if json_:
                talk.as_json({"url": listening.url, "data": str(place.settings.data_path)})
            talk.say(f"answering at {listening.url}; Ctrl-C stops")
            told.wait()
            talk.say("stopping: finishing what is running")
    talk.say("stopped; everything is durable")


def _opened(status: dict[str, Any], place: Place) -> str:
    """Return what opening found; the plan of changed definitions has been told by then."""
    opening, state = status["opening"], status["state"]
    replayed = f"{opening['replayed_events']:,} events in {opening['replayed_epochs']:,} epochs"
    cut = opening["cut_bytes"]
    torn = f", {cut:,} bytes of an unfinished write cut off" if cut else ""
    return f"opened {place.settings.data_path}: {state['keys']:,} keys, {replayed} replayed{torn}"


def _options(place: Place) -> dict[str, Any]:
    """Return the bounds of the server as the data plane takes them: sizes and milliseconds."""
    server = place.settings.server
    return {
        "body_max": server.body_max,
        "connections_max": server.connections_max,
        "reads_max": server.reads_max,
        "writes_max": server.writes_max,
        "trainings_max": server.trainings_max,
        "threads": server.threads,
        "deadline_ms": round(server.deadline.total_seconds() * 1_000),
        "write_deadline_ms": round(server.write_deadline.total_seconds() * 1_000),
        "training_deadline_ms": round(server.training_deadline.total_seconds() * 1_000),
        "stop_timeout_ms": round(server.stop_timeout.total_seconds() * 1_000),
    }

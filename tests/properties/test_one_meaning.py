"""One meaning everywhere: oracle = sweep = fold-and-read = HTTP = after a restart, bit for bit."""

from __future__ import annotations

import itertools
import math
import os
import tempfile
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from tests.oracle import Event, accept, accept_rows, answer
from tests.properties.rows import BASE_US, Arrived
from tests.properties.strategies import Case, cases

import headwater as hw
from headwater.compile import compile_definitions

EXAMPLES = int(os.environ.get("HEADWATER_EXAMPLES", "60"))
CAMPAIGN = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FAR_US = BASE_US + 10_000 * 86_400_000_000


def exact(value: Any) -> Any:
    """A value as something that compares bit for bit, with instants as microseconds."""
    if isinstance(value, list):
        return [exact(v) for v in value]
    if isinstance(value, float):
        return ("float", value.hex())
    if hasattr(value, "timestamp"):
        return ("instant", round(value.timestamp() * 1_000_000))
    return (type(value).__name__, value)


def oracle_rows(case: Case, *, as_of: str) -> list[list[Any]]:
    """What the oracle answers to each question, instants marked as such."""
    blueprint = compile_definitions([case.service]).blueprint
    events = accepted(case)
    known = accept_rows(blueprint["tables"][0], case.table_rows)
    service = blueprint["services"][0]
    types = {f["column"]: f["type"] for view in blueprint["views"] for f in view["features"]}
    out = []
    for keys, t in case.questions:
        sources = {"Happening": events}, {"Thing": known}
        got = answer(blueprint, service, keys, t, *sources, as_of=as_of)
        columns = [c["column"] for c in service["columns"]]
        out.append([marked(v, types[c]) for v, c in zip(got, columns, strict=True)])
    return out


def accepted(case: Case) -> list[Event]:
    """The events that the oracle takes of the rows."""
    (stream,) = compile_definitions([case.service]).blueprint["streams"]
    events, _, _ = accept(stream, case.rows)
    return events


def marked(value: Any, feature_type: dict[str, str]) -> Any:
    """An oracle's value in the form of `exact`; saturated and overflow are null in answers."""
    (shape, scalar), *_ = feature_type.items()
    if value is None or isinstance(value, tuple):
        return exact(None)
    if shape == "list":
        return [marked(v, {"scalar": scalar}) for v in value]
    return ("instant", value) if scalar == "timestamp" else exact(value)


def product_rows(table: Any, case: Case) -> list[list[Any]]:
    """The features of a training set or answer, row by row."""
    names = [
        c["name"] for c in compile_definitions([case.service]).blueprint["services"][0]["columns"]
    ]
    return [[exact(row[name]) for name in names] for row in table.to_dicts()]


def labels_of(case: Case) -> list[dict[str, Any]]:
    """The questions as label rows."""
    return [{**keys, "t": t} for keys, t in case.questions]


def rows_of(arrived: list[Arrived]) -> list[dict[str, Any]]:
    """Rows with their arrival."""
    return [{**clean(row), "seen_at": arrived_at} for row, arrived_at in arrived]


def frames_of(case: Case) -> dict[str, list[dict[str, Any]]]:
    """The rows of every source."""
    return {"Happening": rows_of(case.rows), "Thing": rows_of(case.table_rows)}


def clean(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON can carry it: NaN and infinities are null there."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def push_all(workspace: hw.Workspace, case: Case) -> None:
    """Push the events in the batches that the case asks for, and the rows of the table."""
    workspace.put("Thing", rows_of(case.table_rows), arrived_at="seen_at")
    rows = rows_of(case.rows)
    edges = sorted({0, len(rows), *case.splits})
    for start, end in itertools.pairwise(edges):
        workspace.push("Happening", rows[start:end], arrived_at="seen_at")


@CAMPAIGN
@given(cases())
def test_sweep_answers_as_the_oracle_in_event_time(case: Case):
    table = hw.point_in_time(
        case.service, labels_of(case), frames_of(case), time="t", arrived_at="seen_at"
    )
    assert product_rows(table, case) == oracle_rows(case, as_of="event_time")


@CAMPAIGN
@given(cases())
def test_replay_answers_as_the_oracle_as_of_arrival(case: Case):
    # A label before all arrivals is an error of its own.
    first = min((event.arrived_at for event in accepted(case)), default=FAR_US)
    case = Case(**{**vars(case), "questions": [q for q in case.questions if q[1] >= first]})
    if not case.questions:
        return
    table = hw.point_in_time(
        case.service,
        labels_of(case),
        frames_of(case),
        time="t",
        arrived_at="seen_at",
        as_of="arrival",
    )
    assert product_rows(table, case) == oracle_rows(case, as_of="arrival")


@CAMPAIGN
@given(cases())
def test_state_archive_http_and_restart_answer_as_the_oracle(case: Case):
    wanted = oracle_rows(case, as_of="event_time")
    with tempfile.TemporaryDirectory(prefix="headwater-property-") as folder:
        with hw.open(definitions=[case.service], data=folder) as workspace:
            push_all(workspace, case)
            assert read_one_by_one(workspace, case) == wanted
            with workspace.serve() as server:
                assert read_over_http(server.url, case, wanted) == wanted
        with hw.open(definitions=[case.service], data=folder) as workspace:
            assert read_one_by_one(workspace, case) == wanted
            table = workspace.training_set(case.service, labels_of(case), time="t")
            assert product_rows(table, case) == wanted


@CAMPAIGN
@given(cases())
def test_any_order_of_arrival_gives_the_same_values(case: Case):
    """Ids are unique here: of a repeated id the first to arrive wins, so order would matter."""
    rows = [({**row, "event": f"e{n}"}, FAR_US) for n, (row, _) in enumerate(case.rows)]
    answers = []
    for ordered in (rows, rows[::-1], sorted(rows, key=lambda r: repr(r[0]["x"]))):
        permuted = Case(**{**vars(case), "rows": ordered})
        with hw.open(definitions=[case.service]) as workspace:
            push_all(workspace, permuted)
            far = [{**keys, "t": t} for keys, t in case.questions]
            table = workspace.training_set(case.service, far, time="t")
            late = workspace.get(case.service, [k for k, _ in case.questions], at=FAR_US + 5)
            answers.append((product_rows(table, case), product_rows(late, case)))
    assert answers[0] == answers[1] == answers[2]


def read_one_by_one(workspace: hw.Workspace, case: Case) -> list[list[Any]]:
    """Each question by a read of its own: from state at or after S, else from the archive."""
    out = []
    for keys, t in case.questions:
        out += product_rows(workspace.get(case.service, [keys], at=t), case)
    return out


def read_over_http(url: str, case: Case, wanted: list[list[Any]]) -> list[list[Any]]:
    """Each question over HTTP; JSON instants are ISO strings, so they are read back."""
    out = []
    with httpx.Client(base_url=url) as client:
        for (keys, t), want in zip(case.questions, wanted, strict=True):
            body = {"service": "service", "keys": [keys], "at": t, "history": True}
            response = client.post("/v1/features", json=body)
            assert response.status_code == 200, response.text
            row = response.json()["rows"][0]
            out.append([from_json(v, w) for v, w in zip(row, want, strict=True)])
    return out


def from_json(value: Any, like: Any) -> Any:
    """A JSON value in the form of `exact`; `like` tells where a string is an instant."""
    if isinstance(value, list) and isinstance(like, list) and len(like) == len(value):
        return [from_json(v, w) for v, w in zip(value, like, strict=True)]
    if isinstance(like, tuple) and like[0] == "instant" and isinstance(value, str):
        from datetime import datetime

        return exact(datetime.fromisoformat(value))
    return exact(value)

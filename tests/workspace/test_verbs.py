"""The verbs: the same meaning, types and errors in process and over HTTP."""

import datetime as dt
import gzip

import httpx
import polars as pl
import pyarrow as pa
import pytest
from tests.workspace import features
from tests.workspace.conftest import MINUTE, NOON, departure

import headwater as hw

UA = [{"carrier": "UA", "tailnum": "N1"}]
THREE = [departure(1, 0), departure(2, 10), departure(3, 20, dep_delay=None)]
ASKED = NOON + 30 * MINUTE

NAMES = [
    "carrier_punctuality__departures_1h",
    "carrier_punctuality__departures_24h",
    "carrier_punctuality__late_share_24h",
    "carrier_punctuality__recent_24h",
    "carrier_punctuality__last_at_24h",
    "aircraft_use__seats_24h",
    "plane_facts__year",
]
VALUES = [3, 3, 0.5, [10.0, 20.0], NOON + 20 * MINUTE, 300, 1999]


@pytest.fixture
def filled(workspace):
    workspace.put("Plane", [{"tailnum": "N1", "year": 1999}])
    workspace.push("Departure", THREE)
    return workspace


def test_a_push_is_counted_and_has_positions(workspace):
    receipt = workspace.push(features.Departure, THREE)
    assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (3, 0, [])
    assert receipt.positions == {"Departure": {"0": [0, 3]}}
    assert receipt["accepted"] == 3


@pytest.mark.parametrize(
    "rows",
    [
        iter,
        pl.DataFrame,
        lambda rows: pl.DataFrame(rows).to_pandas(),
        lambda rows: pl.DataFrame(rows).to_arrow(),
        lambda rows: pl.DataFrame(rows).to_arrow().to_batches()[0],
    ],
    ids=["iterator", "polars", "pandas", "pyarrow.Table", "pyarrow.RecordBatch"],
)
def test_every_form_of_rows_gives_the_same_features(workspace, rows):
    workspace.put("Plane", pl.DataFrame({"tailnum": ["N1"], "year": [1999]}))
    assert workspace.push("Departure", rows(THREE)).accepted == 3
    answer = workspace.get("delay_model", UA, at=ASKED, history=True)
    assert list(answer.to_dicts()[0].values()) == VALUES


def test_an_answer_has_the_features_of_each_key_in_order(filled):
    keys = [{"carrier": "B6", "tailnum": "N2", "more": 1}, *UA, {"carrier": None, "tailnum": "N1"}]
    answer = filled.get(features.delay_model, keys, at=ASKED, history=True)
    assert answer.column_names == NAMES
    assert [list(row.values()) for row in answer.to_dicts()] == [
        [0, 0, None, None, None, None, None],
        VALUES,
        [0, 0, None, None, None, 300, 1999],
    ]
    assert answer.found == [False, True, True]


def test_an_answer_has_the_same_types_everywhere(filled):
    schema = pa.table(filled.get("delay_model", UA, at=ASKED, history=True)).schema
    assert [str(field.type) for field in schema] == [
        "int64",
        "int64",
        "double",
        "list<item: double>",
        "timestamp[us, tz=UTC]",
        "int64",
        "int64",
    ]


def test_an_answer_tells_what_stands_behind_it(filled):
    answer = filled.get("delay_model", UA, at=ASKED, history=True)
    metadata = answer.metadata
    assert metadata["t"] == ASKED
    assert set(metadata["views"]) == {"CarrierPunctuality", "AircraftUse", "PlaneFacts"}
    view = metadata["views"]["CarrierPunctuality"]
    assert view["watermark"] == NOON + 5 * MINUTE
    assert view["positions"] == {"Departure": {"0": [0, 3]}}
    assert view["found"] == [True]
    assert set(view) == {"version", "epoch", "positions", "watermark", "staleness_ms", "found"}
    assert metadata["status"] == []


@pytest.mark.parametrize(
    "asked",
    [features.CarrierPunctuality, "CarrierPunctuality"],
    ids=["class", "name"],
)
def test_a_view_can_be_asked(filled, asked):
    answer = filled.get(asked, [{"carrier": "UA"}], at=ASKED, history=True)
    assert answer.column_names == NAMES[:5]
    assert list(answer.to_dicts()[0].values()) == VALUES[:5]


@pytest.mark.parametrize(
    "at",
    [
        ASKED,
        ASKED.astimezone(dt.timezone(dt.timedelta(hours=-4))),
        "2013-07-01T12:30:00Z",
        "2013-07-01T08:30:00.000-04:00",
        1_372_681_800_000_000,
    ],
    ids=["datetime", "other zone", "text", "text with offset", "microseconds"],
)
def test_an_instant_can_be_given_in_every_form(filled, at):
    assert filled.get("delay_model", UA, at=at, history=True).metadata["t"] == ASKED


@pytest.mark.parametrize(
    "at",
    [dt.datetime(2013, 7, 1), "2013-07-01T12:30:00"],  # noqa: DTZ001 - the point of it
    ids=["datetime", "text"],
)
def test_a_naive_instant_is_refused_with_the_remedy(filled, at):
    with pytest.raises(hw.InvalidError) as error:
        filled.get("delay_model", UA, at=at)
    assert error.value.code == "naive_instant"


def test_an_event_at_the_instant_itself_is_not_in(filled):
    at = NOON + 20 * MINUTE
    (row,) = filled.get("delay_model", UA, at=at, history=True).to_dicts()
    assert row["carrier_punctuality__departures_24h"] == 2


def test_a_repeated_id_is_dropped_and_counted(workspace):
    workspace.push("Departure", THREE)
    receipt = workspace.push("Departure", [departure(1, 0, carrier="B6"), departure(4, 30)])
    assert (receipt.accepted, receipt.duplicates) == (1, 1)
    found = workspace.get("CarrierPunctuality", [{"carrier": "B6"}], at=ASKED, history=True).found
    assert found == [False]


def test_a_repeat_of_a_push_is_told_by_its_key(workspace):
    first = workspace.push("Departure", THREE, idempotency_key="k")
    again = workspace.push("Departure", THREE, idempotency_key="k")
    assert (again.accepted, again.duplicates, again.positions) == (0, 3, first.positions)


def test_a_receipt_can_be_waited_for(workspace):
    now = dt.datetime.now(dt.UTC) - MINUTE
    receipt = workspace.push("Departure", [departure(1, 0, departed_at=now)])
    assert workspace.get("delay_model", UA, after=receipt).found == [True]
    assert workspace.get("delay_model", UA, after=receipt.positions).found == [True]
    assert workspace.get("delay_model", UA, after=receipt.to_json()).found == [True]


def test_what_does_not_come_is_waited_for_until_the_deadline(embedded):
    after = {"Departure": {"0": [0, 99]}}
    with (
        embedded.serve(deadline_ms=200) as server,
        hw.connect(server.url) as connected,
        pytest.raises(hw.UnavailableError) as error,
    ):
        connected.get("delay_model", UA, after=after)
    assert error.value.code == "deadline"


def test_history_comes_with_its_own_arrivals(workspace):
    rows = [{**row, "seen_at": row["departed_at"] + 2 * MINUTE} for row in THREE]
    workspace.push("Departure", rows, arrived_at="seen_at")
    with pytest.raises(hw.HeadwaterError) as error:
        workspace.push("Departure", rows[:1], arrived_at="seen_at")
    assert (error.value.code, error.value.row) == ("arrival_backwards", 0)
    labels = [{"carrier": "UA", "tailnum": "N1", "at": NOON + 11 * MINUTE}]
    known = workspace.training_set("delay_model", labels, time="at", as_of="arrival")
    assert known.to_dicts()[0]["carrier_punctuality__departures_24h"] == 1
    truth = workspace.training_set("delay_model", labels, time="at")
    assert truth.to_dicts()[0]["carrier_punctuality__departures_24h"] == 2


def test_a_training_set_keeps_labels_as_they_are(filled):
    labels = [
        {"late": True, "tailnum": "N1", "asked_at": ASKED, "carrier": "UA", "note": "é"},
        {"late": None, "tailnum": None, "asked_at": ASKED, "carrier": "UA", "note": None},
        {"late": False, "tailnum": "N1", "asked_at": NOON, "carrier": "B6", "note": ""},
        {"late": True, "tailnum": "N1", "asked_at": ASKED, "carrier": "UA", "note": "é"},
    ]
    table = filled.training_set(features.delay_model, labels, time="asked_at")
    assert table.column_names == [*labels[0], *NAMES]
    rows = table.to_dicts()
    assert [{name: row[name] for name in labels[0]} for row in rows] == labels
    assert [[row[name] for name in NAMES] for row in rows] == [
        VALUES,
        [*VALUES[:5], None, None],
        [0, 0, None, None, None, None, 1999],
        VALUES,
    ]
    assert table.metadata["as_of"] == "event_time"


@pytest.mark.parametrize(
    ("labels", "time"),
    [
        ([{"carrier": "UA", "asked_at": ASKED}], "asked_at"),
        ([{"carrier": "UA", "tailnum": "N1", "asked_at": ASKED}], "at"),
        ([{"carrier": 1, "tailnum": "N1", "asked_at": ASKED}], "asked_at"),
        ([{"carrier": "UA", "tailnum": "N1", "asked_at": ASKED.replace(tzinfo=None)}], "asked_at"),
        ([{"carrier": "UA", "tailnum": "N1", "asked_at": ASKED, NAMES[0]: 1}], "asked_at"),
    ],
    ids=["missing key", "missing time", "type of key", "naive time", "name clash"],
)
def test_labels_that_do_not_fit_are_refused(filled, labels, time):
    with pytest.raises(hw.InvalidError):
        filled.training_set("delay_model", labels, time=time)


NAIVE = [{"carrier": "UA", "tailnum": "N1", "asked_at": ASKED.replace(tzinfo=None)}]


@pytest.mark.parametrize(
    "labels",
    [
        NAIVE,
        pl.DataFrame(NAIVE),
        pl.DataFrame(NAIVE).to_pandas(),
        [{**NAIVE[0], "asked_at": "2013-07-01T12:00:00"}],
    ],
    ids=["dicts", "polars", "pandas", "text"],
)
def test_naive_instants_of_labels_have_one_answer(filled, labels):
    with pytest.raises(hw.InvalidError) as error:
        filled.training_set("delay_model", labels, time="asked_at")
    assert (error.value.code, error.value.row) == ("naive_instant", 0)


def test_naive_instants_of_labels_in_ndjson_have_the_same_answer(embedded):
    line = b'{"carrier": "UA", "tailnum": "N1", "asked_at": "2013-07-01T12:00:00"}'
    with embedded.serve() as server:
        reply = httpx.post(
            f"{server.url}/v1/training-sets?service=delay_model&time=asked_at",
            content=line,
            headers={"content-type": "application/x-ndjson"},
        )
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["row"]) == (422, "naive_instant", 0)


def test_instants_of_labels_in_another_unit_are_told_so(filled):
    labels = [{"carrier": "UA", "tailnum": "N1", "asked_at": 1_372_680_000}]
    with pytest.raises(hw.InvalidError) as error:
        filled.training_set("delay_model", labels, time="asked_at")
    assert error.value.code == "time_out_of_range"
    assert error.value.message.endswith("; it looks like seconds")
    assert error.value.hint == "integers of label rows are microseconds since 1970, in UTC"


def test_no_labels_give_a_table_without_rows(filled):
    table = filled.training_set("delay_model", [], time="asked_at")
    assert (len(table), table.to_dicts()) == (0, [])
    assert table.column_names == ["carrier", "tailnum", "asked_at", *NAMES]


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda ws: ws.push("Departures", THREE), hw.NotFoundError),
        (lambda ws: ws.put("Plain", [{"tailnum": "N1"}]), hw.NotFoundError),
        (lambda ws: ws.get("delay_mode", UA), hw.NotFoundError),
        (lambda ws: ws.get(hw.FeatureService("delay_mode", []), UA), hw.NotFoundError),
        (lambda ws: ws.training_set("delay_mode", UA, time="at"), hw.NotFoundError),
        (lambda ws: ws.dead_letters("Departures").list(), hw.NotFoundError),
        (lambda ws: ws.dead_letters("Departure").show("0-9"), hw.NotFoundError),
        (lambda ws: ws.get("delay_model", [{"carrier": "UA"}]), hw.InvalidError),
        (lambda ws: ws.get("delay_model", [{"carrier": 3, "tailnum": "N1"}]), hw.InvalidError),
        (lambda ws: ws.get(features.carrier, UA), hw.InvalidError),
        (lambda ws: ws.push(features.carrier, THREE), hw.InvalidError),
        (lambda ws: ws.push("Departure", {"carrier": ["UA"]}), hw.InvalidError),
    ],
    ids=[
        "stream",
        "table",
        "name",
        "service",
        "training set",
        "letters",
        "letter",
        "missing key",
        "type of key",
        "no question",
        "no source",
        "no rows",
    ],
)
def test_errors_are_of_the_same_class_everywhere(workspace, ask, kind):
    with pytest.raises(kind) as error:
        ask(workspace)
    assert type(error.value) is kind
    assert error.value.code
    assert error.value.message


def test_an_unknown_name_has_near_ones(workspace):
    with pytest.raises(hw.NotFoundError) as error:
        workspace.push("Departures", THREE)
    assert error.value.hint == "did you mean Departure?"


@pytest.mark.parametrize("name", ["delay_model", "AircraftUse"], ids=["service", "view"])
def test_a_bare_name_is_one_request(filled, monkeypatch, name):
    asked = []
    get = filled._backend.get
    monkeypatch.setattr(filled._backend, "get", lambda request: asked.append(0) or get(request))
    seats = filled.get(name, UA, at=ASKED, history=True).to_dicts()[0]["aircraft_use__seats_24h"]
    assert (seats, len(asked)) == (300, 1)


def test_an_unknown_bare_name_has_near_ones_of_both_sorts(workspace):
    with pytest.raises(hw.NotFoundError) as error:
        workspace.get("AircraftUs", UA)
    assert error.value.code == "unknown_name"
    assert error.value.message == 'no service or view is named "AircraftUs"'
    assert error.value.hint == "did you mean AircraftUse?"


def test_a_column_without_any_value_is_null(workspace):
    rows = pl.DataFrame([departure(1, 0, dep_delay=None, seats=None)])
    assert rows.schema["dep_delay"] == pl.Null
    assert workspace.push("Departure", rows).accepted == 1
    answer = workspace.get("delay_model", UA, at=ASKED, history=True).to_dicts()[0]
    assert answer["carrier_punctuality__departures_24h"] == 1
    assert answer["carrier_punctuality__recent_24h"] is None


def test_the_row_at_fault_is_named(workspace):
    with pytest.raises(hw.InvalidError) as error:
        workspace.get("delay_model", [*UA, {"carrier": "UA"}])
    assert error.value.row == 1


def test_status_tells_of_streams_and_sizes(filled):
    filled.push("Departure", [departure(9, 0, departed_at=dt.datetime.now(dt.UTC) - MINUTE)])
    status = filled.status()
    assert status["streams"]["Departure"]["accepted"] == 4
    assert status["tables"]["Plane"]["accepted"] == 1
    # A carrier, an aircraft that flew, and one that the table knows.
    assert status["state"]["keys"] == 3
    assert status["state"]["bytes"] > 0


def test_a_server_answers_the_past_only_when_asked_for_history(embedded):
    embedded.push("Departure", THREE)
    with embedded.serve() as server, hw.connect(server.url) as connected:
        with pytest.raises(hw.ConflictError) as error:
            connected.get("delay_model", UA, at=ASKED)
        assert error.value.code == "before_horizon"
        past = connected.get("delay_model", UA, at=ASKED, history=True)
    assert past.to_dicts() == embedded.get("delay_model", UA, at=ASKED).to_dicts()


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"], ids=["plain", "lz4", "zstd"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_may_be_compressed_as_a_whole_and_by_its_buffers(embedded, codec, encoding):
    many = [departure(number, number % 60) for number in range(300)]
    table = pl.DataFrame(many).to_arrow()
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    body = sink.getvalue().to_pybytes()
    headers = {"content-type": "application/vnd.apache.arrow.stream", "content-encoding": encoding}
    with embedded.serve() as server:
        sent = gzip.compress(body) if encoding == "gzip" else body
        answer = httpx.post(f"{server.url}/v1/events/Departure", content=sent, headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 300)
    hour = embedded.get("CarrierPunctuality", UA, at=NOON + 60 * MINUTE).to_dicts()[0]
    assert hour["carrier_punctuality__departures_1h"] == 300

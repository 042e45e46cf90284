"""Bad rows fail alone, with a cause; the rest of their batch is applied and served."""

import datetime as dt
import json
import struct

import httpx
import polars as pl
import pytest
from tests.workspace.conftest import MINUTE, NOON, departure

import headwater as hw

GOOD = [departure(1, 0), departure(2, 10)]
LONG_AGO_US = 1_372_680_000  # seconds, where microseconds are meant


def json_lines(rows):
    """Rows as NDJSON."""
    return "\n".join(json.dumps(row, default=str) for row in rows).encode()


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (departure(3, 5, carrier=None), "wrong_type"),
        ({k: v for k, v in departure(3, 5).items() if k != "carrier"}, "missing_column"),
        (departure(3, 5, carrier=7), "wrong_type"),
        (departure(3, 5, dep_delay="late"), "wrong_type"),
        (departure(3, 5, seats=1.5), "wrong_type"),
        (departure(3, 5, seats=2**64), "wrong_type"),
        (departure(3, 5, dep_delay=2.0**56), "value_out_of_range"),
        (departure(3, 5, departed_at=LONG_AGO_US), "time_out_of_range"),
        (departure(3, 5, departed_at="2201-01-01T00:00:00Z"), "time_out_of_range"),
        (departure(3, 5, departed_at="2013-07-01T12:00:00"), "wrong_type"),
        (departure(3, 5, departed_at="noon"), "wrong_type"),
        (departure(3, 5, departed_at=dt.datetime(2199, 1, 1, tzinfo=dt.UTC)), "in_the_future"),
        ("not a row", "malformed"),
        (["not", "a", "row"], "malformed"),
        (None, "malformed"),
    ],
    ids=[
        "null where none may be",
        "missing column",
        "number for text",
        "text for float",
        "fraction for int",
        "65 bits",
        "too large for exact sums",
        "seconds for microseconds",
        "after 2200",
        "naive text",
        "no instant",
        "in the future",
        "text for a row",
        "list for a row",
        "null for a row",
    ],
)
def test_a_bad_row_is_rejected_alone(workspace, row, cause):
    receipt = workspace.push("Departure", [GOOD[0], row, GOOD[1]])
    assert receipt.accepted == 2
    (rejection,) = receipt.rejected
    assert (rejection.row, rejection.cause) == (1, cause)
    assert rejection.message
    answer = workspace.get(
        "CarrierPunctuality", [{"carrier": "UA"}], at=NOON + 60 * MINUTE, history=True
    )
    assert answer.to_dicts()[0]["carrier_punctuality__departures_24h"] == 2
    (letter,) = workspace.dead_letters("Departure").list()
    assert letter["cause"] == cause


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf")], ids=["nan", "inf", "-inf"]
)
def test_what_is_no_number_is_null(workspace, value):
    import pyarrow as pa

    rows = pa.Table.from_pylist([{**GOOD[0], "dep_delay": value}, GOOD[1]])
    assert workspace.push("Departure", rows).accepted == 2
    answer = workspace.get(
        "CarrierPunctuality", [{"carrier": "UA"}], at=NOON + 60 * MINUTE, history=True
    )
    assert answer.to_dicts()[0]["carrier_punctuality__recent_24h"] == [20.0]


def test_extra_columns_are_ignored_and_an_integer_serves_as_a_float(workspace):
    assert workspace.push("Departure", [{**GOOD[0], "dep_delay": 3, "gate": "B7"}]).accepted == 1


def test_a_null_key_concerns_its_view_alone(workspace):
    receipt = workspace.push("Departure", [departure(1, 0, tailnum=None)])
    assert receipt.accepted == 1
    (letter,) = workspace.dead_letters("Departure").list()
    assert (letter["cause"], letter["view"]) == ("null_key", "AircraftUse")
    keys = [{"carrier": "UA", "tailnum": "N1"}]
    assert workspace.get("delay_model", keys, at=NOON + MINUTE, history=True).metadata["views"][
        "CarrierPunctuality"
    ]["found"] == [True]


def test_a_failing_expression_concerns_its_view_alone(workspace):
    receipt = workspace.push(
        "Departure", [departure(1, 0, seats=2**63 - 1), departure(2, 1, seats=5)]
    )
    assert receipt.accepted == 2
    keys = [{"carrier": "UA", "tailnum": "N1"}]
    (row,) = workspace.get("delay_model", keys, at=NOON + 5 * MINUTE, history=True).to_dicts()
    assert row["carrier_punctuality__departures_24h"] == 2


def test_a_column_of_a_wrong_arrow_type_is_refused_as_a_whole(workspace):
    import pyarrow as pa

    rows = pa.table({"flight_id": ["a"], "departed_at": ["x"], "carrier": [3]})
    with pytest.raises(hw.InvalidError) as error:
        workspace.push("Departure", rows)
    assert error.value.code == "wrong_type"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'[{"flight_id": "a"}] and more', "application/json"),
        (b"\xff\xff\xff\xff" + struct.pack("<i", 1_000_000), "application/vnd.apache.arrow.stream"),
    ],
    ids=["cut off", "not UTF-8", "more than an array", "cut arrow"],
)
def test_a_body_that_does_not_parse_is_400_and_the_server_lives(embedded, body, content_type):
    with embedded.serve() as server, httpx.Client(base_url=server.url) as http:
        answer = http.post(
            "/v1/events/Departure", content=body, headers={"content-type": content_type}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["kind"] == "invalid"
        assert http.get("/health").status_code == 200
        assert embedded.status()["state"]["keys"] == 0


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_list_of_dead_letters_is_bounded(workspace, limit):
    with pytest.raises(hw.InvalidError) as error:
        workspace.dead_letters("Departure").list(limit)
    assert error.value.code == "wrong_parameter"
    assert error.value.message == f"limit is {limit}, not within 1 .. 10000"


@pytest.mark.parametrize("key", ["", "k" * 257], ids=["empty", "too long"])
def test_an_idempotency_key_out_of_bounds_is_refused(workspace, key):
    with pytest.raises(hw.InvalidError) as error:
        workspace.push("Departure", GOOD, idempotency_key=key)
    assert (error.value.code, error.value.hint) == ("wrong_idempotency_key", "1 to 256 bytes")


@pytest.mark.parametrize("key", ["ключ", "k" * 256], ids=["unicode", "longest"])
def test_an_idempotency_key_is_any_text(workspace, key):
    assert workspace.push("Departure", GOOD, idempotency_key=key).accepted == 2
    assert workspace.push("Departure", GOOD, idempotency_key=key).duplicates == 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda workspace, rows: workspace.push("Departure", rows),
        lambda workspace, rows: workspace.get("CarrierPunctuality", rows),
        lambda workspace, rows: workspace.training_set("CarrierPunctuality", rows, time="at"),
    ],
    ids=["push", "get", "training_set"],
)
def test_a_frame_with_a_column_twice_is_refused_as_a_whole(workspace, ask):
    import pyarrow as pa

    rows = pa.table([[NOON], ["UA"], ["DL"]], names=["at", "carrier", "carrier"])
    with pytest.raises(hw.InvalidError) as error:
        ask(workspace, rows)
    assert error.value.code == "duplicate_column"
    assert error.value.message == 'column "carrier" occurs twice'


@pytest.mark.parametrize("form", [list, pl.DataFrame, json_lines], ids=["dicts", "frame", "bytes"])
def test_arrivals_that_no_row_has_refuse_all_of_them(workspace, form):
    rows = [{**row, "seen_at": NOON + 60 * MINUTE} for row in GOOD]
    with pytest.raises(hw.InvalidError) as error:
        workspace.push("Departure", form(rows), arrived_at="sene_at")
    assert error.value.code == "missing_arrivals"
    assert error.value.message == 'there is no column "sene_at" with the arrivals'
    assert error.value.hint == "did you mean seen_at?"
    assert len(workspace.dead_letters("Departure")) == 0


def test_a_row_without_its_arrival_fails_alone_where_others_have_theirs(workspace):
    rows = [{**GOOD[0], "seen_at": NOON + 60 * MINUTE}, GOOD[1]]
    receipt = workspace.push("Departure", rows, arrived_at="seen_at")
    assert receipt.accepted == 1
    assert [(each.row, each.cause) for each in receipt.rejected] == [(1, "missing_column")]


def test_a_key_column_twice_in_a_question_is_refused(embedded):
    body = b'{"view": "CarrierPunctuality", "keys": [{"carrier": "UA", "carrier": "AA"}]}'
    with embedded.serve() as server:
        reply = httpx.post(f"{server.url}/v1/features", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "malformed_body"
    assert 'column "carrier" occurs twice in a row' in reply.json()["error"]["detail"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda workspace: workspace.get("delay_modle", [{"carrier": "UA"}]),
        lambda workspace: workspace.training_set("delay_modle", [{"t": NOON}], time="t"),
    ],
    ids=["get", "training_set"],
)
def test_an_unknown_name_has_one_code_in_all_verbs(workspace, ask):
    with pytest.raises(hw.NotFoundError) as error:
        ask(workspace)
    assert error.value.code == "unknown_name"
    assert error.value.message == 'no service or view is named "delay_modle"'
    assert error.value.hint == "did you mean delay_model?"


@pytest.mark.parametrize("at", ["1971-01-01T00:00:00Z", "2200-01-01T00:00:00Z"])
def test_both_ends_of_time_can_be_asked_about(workspace, at):
    answer = workspace.get("CarrierPunctuality", [{"carrier": "UA"}], at=at, history=True)
    assert answer.found == [False]


def test_a_dead_letter_is_kept_until_it_is_discarded(workspace):
    workspace.push("Departure", [departure(1, 0, departed_at="noon"), departure(2, 0, carrier=7)])
    letters = workspace.dead_letters("Departure")
    assert len(letters) == 2
    first, second = [letter["id"] for letter in letters]
    assert '"noon"' in letters.show(first)["original"]
    with pytest.raises(hw.DataError) as error:
        letters.replay(first)
    assert error.value.code == "still_refused"
    letters.discard(second)
    with pytest.raises(hw.ConflictError):
        letters.discard(second)
    assert {each["id"]: each["status"] for each in letters} == {first: "open", second: "discarded"}

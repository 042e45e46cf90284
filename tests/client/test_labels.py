"""Large training sets over HTTP: label rows in parts, answered at one knowledge."""

import datetime as dt

import orjson
import pyarrow as pa
import pytest
from tests.workspace import features
from tests.workspace.conftest import MINUTE, NOON, departure

import headwater as hw
from headwater._native import Frame
from headwater.client import labels as in_parts
from headwater.client import parts
from headwater.client.transport import Transport

HISTORY = [departure(n, n, seen_at=NOON + n * MINUTE) for n in range(200)]


def label(number, minutes):
    """A label row some minutes after noon."""
    asked_at = NOON + minutes * MINUTE
    return {"carrier": "UA", "tailnum": None, "n": number, "asked_at": asked_at}


@pytest.fixture
def filled():
    """A workspace with two hundred departures, and a connection to it."""
    with hw.open(definitions=features) as embedded:
        embedded.push("Departure", HISTORY, arrived_at="seen_at")
        with embedded.serve() as server, hw.connect(server.url) as connected:
            yield embedded, connected


@pytest.fixture
def asked(monkeypatch):
    """The parameters of each training set that was asked for, in parts of some hundred rows."""
    monkeypatch.setattr(parts, "PART_BYTES", 4_000)
    seen = []
    send = Transport.request

    def request(self, method, path, **given):
        response = send(self, method, path, **given)
        if path == "/v1/training-sets":
            seen.append(given["params"])
        return response

    monkeypatch.setattr(Transport, "request", request)
    return seen


@pytest.mark.parametrize("rows", [700, 11_000], ids=["found told", "more rows than found is told"])
@pytest.mark.parametrize("as_of", ["event_time", "arrival"])
def test_a_training_set_in_parts_is_the_one_of_a_single_request(filled, asked, rows, as_of):
    embedded, connected = filled
    # The first parts are before all that happened and arrived.
    given = pa.Table.from_pylist([label(n, -60 + 300 * n / rows) for n in range(rows)])
    whole = embedded.training_set("delay_model", given, time="asked_at", as_of=as_of)
    table = connected.training_set("delay_model", given, time="asked_at", as_of=as_of)
    assert len(asked) > 3
    assert table.to_arrow() == whole.to_arrow()
    assert table.to_arrow().schema == whole.to_arrow().schema
    assert table.metadata == whole.metadata
    told = table.metadata["views"]["CarrierPunctuality"]
    assert 0 < told["found_rows"] < rows
    assert ("found" in told) == (rows == 700)


def test_all_parts_know_what_was_known_when_the_first_was_answered(filled, asked, monkeypatch):
    embedded, connected = filled
    send = Transport.request

    def pushed_after(self, method, path, **given):
        response = send(self, method, path, **given)
        embedded.push("Departure", [departure(1_000 + len(asked), 1)])
        return response

    monkeypatch.setattr(Transport, "request", pushed_after)
    given = [label(n, 100) for n in range(700)]
    table = connected.training_set("delay_model", given, time="asked_at")
    counts = {row["carrier_punctuality__departures_24h"] for row in table.to_dicts()}
    assert counts == {100}
    assert [each["epoch"] for each in asked] == [None] + [table.metadata["epoch"]["sequence"]] * (
        len(asked) - 1
    )
    later = connected.training_set("delay_model", given[:1], time="asked_at").to_dicts()
    assert later[0]["carrier_punctuality__departures_24h"] > 100


def test_a_wrong_row_of_a_later_part_is_counted_over_all_of_them(filled, asked):
    _, connected = filled
    given = [label(n, 100) for n in range(700)]
    given[650]["asked_at"] = None
    with pytest.raises(hw.InvalidError) as error:
        connected.training_set("delay_model", given, time="asked_at")
    assert error.value.row == 650
    assert error.value.message.startswith('label row 650: column "asked_at": null')
    assert asked


def test_labels_before_all_arrivals_are_refused_in_parts_too(filled, asked):
    _, connected = filled
    given = [label(n, -100) for n in range(700)]
    with pytest.raises(hw.InvalidError) as error:
        connected.training_set("delay_model", given, time="asked_at", as_of="arrival")
    assert error.value.code == "no_arrivals"
    assert asked == []


@pytest.mark.parametrize(
    "changed",
    [
        {"archive_begins": 9},
        {"epoch": {"term": 2, "sequence": 5}},
        {"views": {"V": {"version": "b", "found_rows": 0}}},
    ],
    ids=["archive", "owner", "version"],
)
def test_parts_of_two_knowledges_are_no_training_set(changed):
    told = {
        "as_of": "event_time",
        "views": {"V": {"version": "a", "found_rows": 1, "found": [True]}},
        "status": [],
        "status_values": 0,
        "epoch": {"term": 1, "sequence": 5},
        "archive_begins": 1,
    }
    answers = [told, {**told, **changed}]
    rows = Frame.from_dicts([{"n": 1, "at": dt.datetime.now(dt.UTC)}])

    def ask(_part, _epoch):
        return Frame.joined([rows], {"headwater": orjson.dumps(answers.pop(0)).decode()})

    with pytest.raises(hw.ConflictError) as error:
        in_parts.answered([(b"", 1), (b"", 1)], ask)
    assert error.value.code == "knowledge_changed"


def test_a_frame_of_many_batches_is_cut_into_few_parts(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 20_000)
    small = [pa.record_batch({"n": [n, n + 1]}) for n in range(0, 4_000, 2)]
    frame = Frame.from_arrow(pa.Table.from_batches(small))
    # A batch of two rows costs some hundred bytes; cut by batches there would be two thousand.
    cut = parts.frames_of(frame)
    assert sum(rows for _, rows in cut) == 4_000
    assert len(cut) < 60
    assert [row["n"] for body, _ in cut for row in Frame.from_ipc(body).to_dicts()] == list(
        range(4_000)
    )

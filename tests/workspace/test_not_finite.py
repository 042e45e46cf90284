"""NaN and infinities are one thing in every form of rows: null in a float column, and counted."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.workspace.conftest import NOON

import headwater as hw
from headwater import _native
from headwater.sources import rows as forms


class Reading(hw.Stream, time="read_at", id="reading_id"):
    """What a meter says."""

    reading_id: str
    read_at: hw.Timestamp
    meter: str
    value: float
    note: str | None


meter = hw.Entity("meter", keys={"meter": str})


class Meter(hw.FeatureView, stream=Reading, entity=meter):
    """A day of a meter."""

    readings = hw.count().over("24h")
    values = hw.count("value").over("24h")
    total = hw.sum("value").over("24h")


VALUES = [1.5, float("nan"), float("inf"), float("-inf")]
ROWS = [
    {"reading_id": f"r{n}", "read_at": NOON, "meter": "m", "value": value, "note": "é\n"}
    for n, value in enumerate(VALUES)
]


class _WithoutArrow:
    """A frame of pandas where there is no pyarrow."""

    def __init__(self, frame):
        self.columns, self.dtypes, self.to_dict = frame.columns, frame.dtypes, frame.to_dict


def numpy_rows(kind):
    """Rows with values as numpy has them."""
    return [{**row, "value": kind(row["value"])} for row in ROWS]


def as_json(rows):
    """Rows as Python writes them to JSON, words for floats among them."""
    return "\n".join(json.dumps(row, default=str) for row in rows).encode()


FORMS = {
    "dicts": lambda: ROWS,
    "numpy float64": lambda: numpy_rows(np.float64),
    "numpy float32": lambda: numpy_rows(np.float32),
    "dicts with an integer beyond 64 bits": lambda: [{**row, "more": 2**70} for row in ROWS],
    "pandas": lambda: pd.DataFrame(ROWS),
    "pandas float32": lambda: pd.DataFrame(ROWS).astype({"value": "float32"}),
    "pandas without pyarrow": lambda: _WithoutArrow(pd.DataFrame(ROWS)),
    "polars": lambda: pl.DataFrame(ROWS),
    "pyarrow": lambda: pa.Table.from_pylist(ROWS),
    "ndjson": lambda: as_json(ROWS),
}


@pytest.fixture(params=["embedded", "http"])
def workspace(request):
    """The verbs on each backend."""
    with hw.open(definitions=[Meter]) as embedded:
        if request.param == "embedded":
            yield embedded
            return
        with embedded.serve() as server, hw.connect(server.url) as connected:
            yield connected


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_floats_that_are_not_finite_are_null_and_counted_in_every_form(workspace, form):
    receipt = workspace.push("Reading", form())
    assert (receipt.accepted, receipt.rejected) == (4, [])
    assert workspace.status()["streams"]["Reading"]["quality"]["not_finite"] == 3
    labels = [{"meter": "m", "at": NOON.replace(hour=13)}]
    [row] = workspace.training_set(Meter, labels, time="at").to_dicts()
    assert [row[f"meter__{name}_24h"] for name in ("readings", "values", "total")] == [4, 1, 1.5]


MISSING = {
    "dicts": lambda row: [row],
    "pandas Float64": lambda row: pd.DataFrame([row]).astype({"value": "Float64"}),
    "polars": lambda row: pl.DataFrame([row], schema_overrides={"value": pl.Float64}),
    "pyarrow": lambda row: pa.table({**{k: [v] for k, v in row.items()}, "value": [None]}),
    "ndjson": lambda row: as_json([row]),
}


@pytest.mark.parametrize("form", MISSING.values(), ids=MISSING)
def test_a_null_in_a_required_float_column_is_refused_in_every_form(workspace, form):
    receipt = workspace.push("Reading", form({**ROWS[0], "value": None}))
    assert [(each.row, each.cause) for each in receipt.rejected] == [(0, "wrong_type")]
    assert workspace.status()["streams"]["Reading"]["quality"]["not_finite"] == 0


@pytest.mark.parametrize(
    ("column", "accepted"), [("note", 1), ("meter", 0)], ids=["may be null", "required"]
)
@pytest.mark.parametrize("form", [list, _WithoutArrow], ids=["dicts", "pandas"])
def test_nan_where_no_float_is_asked_for_is_a_missing_value(workspace, column, accepted, form):
    rows = [{**ROWS[0], column: float("nan")}]
    receipt = workspace.push("Reading", rows if form is list else form(pd.DataFrame(rows)))
    assert (receipt.accepted, len(receipt.rejected)) == (accepted, 1 - accepted)
    assert [each.cause for each in receipt.rejected] == ["wrong_type"] * (1 - accepted)


@pytest.mark.parametrize("form", [list, pa.Table.from_pylist], ids=["dicts", "pyarrow"])
def test_a_dead_letter_keeps_what_is_not_finite(workspace, form):
    bad = {**ROWS[1], "meter": None}
    workspace.push("Reading", form([bad, ROWS[0]]))
    letters = workspace.dead_letters("Reading")
    [letter] = letters
    assert '"value":NaN' in letters.show(letter["id"])["original"]


def test_floats_of_frames_are_looked_at_in_frames_of_pandas_alone():
    frame = pl.DataFrame({"value": [None, 1.0]}, schema={"value": pl.Float64})
    payload = forms.payload_of(frame)
    assert isinstance(payload, _native.Frame)
    assert payload.to_columns() == {"value": [None, 1.0]}

"""`hw.point_in_time`: training sets from frames alone."""

import pandas as pd
import polars as pl
import pytest
from tests.workspace import features
from tests.workspace.conftest import MINUTE, NOON, departure

import headwater as hw

EVENTS = [departure(1, 0), departure(2, 10), departure(3, 20, dep_delay=None)]
PLANES = [{"tailnum": "N1", "year": 1999}]
LABELS = [
    {"late": True, "carrier": "UA", "tailnum": "N1", "asked_at": NOON + 20 * MINUTE},
    {"late": None, "carrier": "B6", "tailnum": None, "asked_at": NOON + 30 * MINUTE},
    {"late": False, "carrier": "UA", "tailnum": "N1", "asked_at": NOON + 20 * MINUTE + MINUTE / 60},
]
FEATURES = [
    [2, 2, 0.5, [10.0, 20.0], NOON + 10 * MINUTE, 200, 1999],
    [0, 0, None, None, None, None, None],
    [3, 3, 0.5, [10.0, 20.0], NOON + 20 * MINUTE, 300, 1999],
]


def values(table):
    return [list(row.values())[len(LABELS[0]) :] for row in table.to_dicts()]


def ask(labels=LABELS, events=EVENTS, planes=PLANES, **options):
    frames = {"Departure": events, features.Plane: planes}
    return hw.point_in_time(features.delay_model, labels, frames, time="asked_at", **options)


def test_labels_come_back_unchanged_and_in_order_with_the_features():
    table = ask()
    assert table.column_names[:4] == list(LABELS[0])
    assert [dict(list(row.items())[:4]) for row in table.to_dicts()] == LABELS
    assert values(table) == FEATURES


@pytest.mark.parametrize("library", [pl.DataFrame, pd.DataFrame], ids=["polars", "pandas"])
def test_frames_of_every_library_give_the_same_values(library):
    assert values(ask(library(LABELS), library(EVENTS), library(PLANES))) == FEATURES


def test_columns_without_any_value_come_back_from_polars():
    rows = [{**label, "note": None, "deep": [{"a": None, "b": []}]} for label in LABELS]
    labels = pl.DataFrame(rows)
    deep = pl.List(pl.Struct({"a": pl.Null, "b": pl.List(pl.Null)}))
    assert (labels.schema["note"], labels.schema["deep"]) == (pl.Null, deep)
    delays = pl.DataFrame([{**event, "dep_delay": None} for event in EVENTS])
    frame = ask(labels, delays).to_polars()
    assert frame.select(labels.columns).equals(labels)
    assert frame["carrier_punctuality__departures_24h"].to_list() == [2, 0, 3]
    assert frame["carrier_punctuality__recent_24h"].null_count() == 3


def test_an_index_of_pandas_comes_back():
    labels = pd.DataFrame(LABELS, index=[7, 3, 5])
    frame = ask(labels).to_pandas()
    assert frame.index.tolist() == [7, 3, 5]
    pd.testing.assert_frame_equal(frame[list(labels.columns)], labels, check_dtype=False)


def test_it_equals_the_training_set_of_a_workspace():
    with hw.open(definitions=features) as workspace:
        workspace.push("Departure", EVENTS)
        workspace.put("Plane", PLANES)
        table = workspace.training_set("delay_model", LABELS, time="asked_at")
    assert table.to_dicts() == ask().to_dicts()


def test_what_had_not_arrived_was_not_known():
    events = [{**event, "seen_at": event["departed_at"] + 15 * MINUTE} for event in EVENTS]
    planes = [{**PLANES[0], "seen_at": NOON}]
    known = ask(events=events, planes=planes, as_of="arrival", arrived_at="seen_at")
    assert [row[0] for row in values(known)] == [1, 0, 1]
    assert known.metadata["as_of"] == "arrival"


def test_a_misspelt_column_of_arrivals_is_named():
    events = [{**event, "seen_at": event["departed_at"]} for event in EVENTS]
    with pytest.raises(hw.InvalidError) as error:
        ask(events=events, as_of="arrival", arrived_at="sene_at")
    assert error.value.code == "missing_arrivals"
    assert error.value.message == 'Departure: there is no column "sene_at" with the arrivals'
    assert error.value.hint == "did you mean seen_at?"


@pytest.mark.parametrize("form", [list, pl.DataFrame], ids=["dicts", "frame"])
def test_a_timeless_table_needs_no_arrivals(form):
    events = [{**event, "seen_at": event["departed_at"]} for event in EVENTS]
    table = ask(events=events, planes=form(PLANES), as_of="arrival", arrived_at="seen_at")
    assert [row[-1] for row in values(table)] == [row[-1] for row in FEATURES]


def test_the_order_of_rows_decides_no_value():
    assert values(ask(events=EVENTS[::-1])) == FEATURES


def test_refused_rows_are_told(capsys):
    table = ask(events=[*EVENTS, departure(4, 1, carrier=None)])
    (frame,) = [each for each in table.metadata["frames"] if each["name"] == "Departure"]
    assert (frame["accepted"], frame["rejected_rows"]) == (3, 1)
    assert frame["rejected"][0]["cause"] == "wrong_type"
    said = capsys.readouterr().err
    assert said == "headwater: Departure: 1 of 4 rows refused: wrong_type\n"


def test_a_timeless_table_is_told():
    assert ask().metadata["timeless"] == ["Plane"]


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({"labels": [{"carrier": "UA", "asked_at": NOON}]}, hw.InvalidError, "missing_key_column"),
        ({"labels": [{"carrier": "UA", "tailnum": "N1"}]}, hw.InvalidError, "missing_time_column"),
        ({"as_of": "served"}, hw.InvalidError, "unknown_as_of"),
        ({"as_of": "arrival"}, hw.InvalidError, "no_arrivals"),
    ],
    ids=["missing key", "missing time", "unknown as_of", "no arrivals"],
)
def test_what_does_not_fit_is_refused(options, kind, code):
    with pytest.raises(kind) as error:
        ask(**options)
    assert error.value.code == code


def test_a_naive_instant_is_refused_with_the_remedy():
    labels = [{**row, "asked_at": row["asked_at"].replace(tzinfo=None)} for row in LABELS]
    with pytest.raises(hw.InvalidError) as error:
        ask(pd.DataFrame(labels))
    assert "tz_localize" in str(error.value)


def test_a_clash_with_a_label_column_is_refused():
    labels = [{**row, "plane_facts__year": 1} for row in LABELS]
    with pytest.raises(hw.InvalidError) as error:
        ask(labels)
    assert error.value.code == "name_clash"


def test_a_missing_frame_is_named():
    with pytest.raises(hw.InvalidError) as error:
        hw.point_in_time(features.delay_model, LABELS, {"Departur": EVENTS}, time="asked_at")
    assert error.value.code == "missing_frame"
    assert error.value.message == "no rows of Departure are given"
    assert "Departur" in error.value.detail


def test_a_name_has_nothing_to_be_looked_up_in():
    with pytest.raises(hw.InvalidError) as error:
        hw.point_in_time("delay_model", LABELS, {}, time="asked_at")
    assert error.value.code == "not_a_question"


class Tap(hw.Stream, time="at"):
    """One use of a card."""

    at: hw.Timestamp
    card: int
    fare: float


class CardTaps(hw.FeatureView, stream=Tap, entity=hw.Entity("card", keys={"card": int})):
    """How a card is used."""

    taps = hw.count().over("24h")
    paid = hw.sum("fare").over("24h")
    dearest = hw.max("fare").over("24h")
    recent = hw.last("fare", n=3).over("24h")


@pytest.mark.parametrize("apart", [1, 7, 1_000_003, 2**50], ids=lambda apart: f"{apart} apart")
def test_how_far_apart_whole_number_keys_lie_changes_no_value(apart):
    # Close together they are found by their place, else by hash; some keys of each side are alone.
    second, day, step = 1_000_000, 86_400_000_000, 1_800_000_000
    start = int(NOON.timestamp()) * second
    events = [
        (start + row * 20 * second, (row * row + row // 7) % 61 - 30, (row * 37 % 101) / 4)
        for row in range(3_000)
    ]
    questions = [(row % 80 - 40, start + row * 180 * second) for row in range(400)]
    taps = pl.DataFrame(events, schema=["at", "card", "fare"], orient="row")
    asked = pl.DataFrame(questions, schema=["card", "t"], orient="row")
    taps, asked = (frame.with_columns(pl.col("card") * apart) for frame in (taps, asked))
    table = hw.point_in_time(CardTaps, asked, {"Tap": taps}, time="t").to_dicts()
    for (card, t), row in zip(questions, table, strict=True):
        after = (t - day) // step * step
        fares = [fare for at, of, fare in events if of == card and after <= at < t]
        assert row["card_taps__taps_24h"] == len(fares)
        assert row["card_taps__paid_24h"] == (sum(fares) if fares else None)
        assert row["card_taps__dearest_24h"] == max(fares, default=None)
        assert row["card_taps__recent_24h"] == (fares[-3:] or None)

"""The flights are stated right, and a month of them proves parity as the whole year does."""

import dataclasses

import pandas as pd
import pytest
from examples.flights import data, features, parity
from examples.flights.replay import KEYS, replay

import headwater as hw

MONTH_END = pd.Timestamp("2013-02-01", tz="UTC")


@pytest.fixture(scope="module")
def year():
    return data.load()


@pytest.fixture(scope="module")
def month(year):
    def seen(frame):
        return frame[frame["seen_at"] < MONTH_END].reset_index(drop=True)

    return dataclasses.replace(
        year,
        departures=seen(year.departures),
        landings=seen(year.landings),
        weather=seen(year.weather),
        labels=year.labels[year.labels["asked_at"] < MONTH_END].reset_index(drop=True),
    )


def test_events_are_the_flights_that_flew(year):
    assert len(year.departures) == 328_521
    assert len(year.landings) == len(year.labels) == 327_346
    assert year.left_out == {"cancelled": 8_255, "departed, arrival delay unknown": 1_175}
    assert str(year.landings["landed_at"].max()) == "2014-01-01 09:01:00+00:00"
    assert round(float(year.labels["late"].mean()), 3) == 0.237


def test_ties_are_as_common_as_the_data_has_them(year):
    together = year.departures.groupby(["origin", "departed_at"]).size()
    assert int(together[together > 1].sum()) == 93_195


def test_landings_show_the_destination_clock():
    flights = data._read("flights.csv.zip")
    zones = data._zones()
    frame = data._instants(flights, zones)
    landed = frame[frame["landed_at"].notna()]
    wrong = 0
    for zone, rows in landed.groupby(landed["dest"].map(zones)):
        clock = rows["landed_at"].dt.tz_convert(zone)
        wrong += int((clock.dt.hour * 100 + clock.dt.minute != rows["arr_time"] % 2400).sum())
    assert wrong == 1


def test_a_month_served_over_http_is_the_month_trained_on(month, tmp_path):
    questions = month.labels.sample(150, random_state=3).sort_values("asked_at", kind="stable")
    questions = questions.reset_index(drop=True)
    with hw.open(definitions=features, data=tmp_path) as workspace:
        with workspace.serve() as server:
            done = replay(workspace, server.url, "delay_model", month, questions)
        asked = questions[[*KEYS, "asked_at"]]
        trained = workspace.training_set("delay_model", asked, time="asked_at", as_of="arrival")
        truth = workspace.training_set("delay_model", asked, time="asked_at")
        proof = parity.compare(done.names, done.rows, trained.to_dicts())
        by_hand = parity.in_pandas(month, questions)
        served = pd.DataFrame(done.rows, columns=done.names, dtype=object)[list(by_hand.columns)]
        assert proof.differing == []
        assert proof.non_null > proof.cells / 2
        assert served.to_numpy().tolist() == by_hand.to_numpy().tolist()
        cells = parity.differing_cells(trained.to_pandas(), truth.to_pandas())
        assert int(cells.to_numpy().sum()) > 0


def test_a_proof_fails_when_a_value_differs_or_little_is_compared():
    proof = parity.compare(
        ["a", "b"], [[1, None], [2, 0.5]], [{"a": 1, "b": None}, {"a": 2, "b": 1}]
    )
    assert proof.differing == [(1, "b", 0.5, 1)]
    assert proof.failures() == [
        "1 values differ; the first: question 1, b: served 0.5, trained on 1",
        "only 2 questions were compared, of 3000",
    ]

"""The commands end to end: on the directory, and against a running server."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from tests.cli.command import run, run_json

import headwater as hw
from headwater.sources.files import read_labels
from headwater.types import DataType


@pytest.fixture
def shop(tmp_path):
    """A project as `init` writes it, on a port of its own."""
    run("init", "shop", cwd=tmp_path)
    settings = tmp_path / "shop" / "headwater.toml"
    settings.write_text(settings.read_text().replace("6570", "0"))
    return tmp_path / "shop"


@pytest.fixture
def server(shop):
    """`headwater run` on the project; its process and address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater.cli", "run", "--json"],
        cwd=shop,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    document = ""
    while not document.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, process.stderr.read()
        document += line
    yield process, json.loads(document)["url"]
    if process.poll() is None:
        process.kill()
    process.communicate()


def commands(shop):
    """The three commands that `init` promises to work next."""
    said = run("init", "again", cwd=shop).stdout
    return [line.removeprefix("headwater ") for line in said.splitlines()]


def test_the_three_commands_that_init_prints_work(shop):
    for line in commands(shop):
        run(*shlex.split(line), cwd=shop)
    with (shop / "train.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    assert list(rows[0])[:3] == ["customer", "asked_at", "ordered_again"]
    assert any(row["orders__orders_7d"] not in ("", "0") for row in rows)


def test_push_get_train_and_status_on_the_directory(shop):
    receipt = run_json("push", "Order", "orders.csv", "--arrived-at", "event_time", cwd=shop)
    assert receipt == {"accepted": 200, "duplicates": 0, "rejected": []}
    again = run("push", "Order", "orders.csv", "--arrived-at", "event_time", cwd=shop, code=1)
    assert "before the last arrival" in again.stderr
    answer = run_json("get", "shop_model", '{"customer": "c1"}', "customer=c2", cwd=shop)
    assert answer["names"][0] == "orders__orders_24h"
    assert len(answer["rows"]) == 2
    assert answer["found"] == [True, True]
    assert answer["metadata"]["views"]["Orders"]["found"] == [True, True]
    trained = run_json("train", "shop_model", "labels.csv", "--time", "asked_at", cwd=shop)
    assert trained["row_count"] == len(trained["rows"]) == 50
    status = run_json("status", cwd=shop)
    assert status["state"]["keys"] == 20


@pytest.mark.parametrize("ending", ["csv", "ndjson", "arrow", "parquet"])
def test_training_sets_are_written_in_every_format(shop, ending):
    run("push", "Order", "orders.csv", cwd=shop)
    output = f"train.{ending}"
    run("train", "shop_model", "labels.csv", "--time", "asked_at", "-o", output, cwd=shop)
    rows = read_labels(str(shop / output), {"asked_at": DataType.TIMESTAMP}).to_dicts()
    assert len(rows) == 50
    assert {"customer", "asked_at", "orders__spent_7d"} <= set(rows[0])


def test_rejected_rows_are_shown_and_kept_until_they_are_discarded(shop):
    (shop / "bad.csv").write_text(
        "order_id,ordered_at,customer,shop,amount,items\n"
        "x1,2026-01-01T00:00:00Z,c1,web,cheap,1\n"
        "x2,2026-01-01T00:00:00Z,c1,web,3.5,1\n"
        "x3,2026-01-01,c1,web,3.5,1\n"
    )
    document = run_json("push", "Order", "bad.csv", cwd=shop)
    assert document["accepted"] == 1
    assert [(each["row"], each["cause"]) for each in document["rejected"]] == [
        (0, "wrong_type"),
        (2, "wrong_type"),
    ]
    letters = run_json("dead-letters", "list", "Order", cwd=shop)
    first, second = [letter["id"] for letter in letters]
    assert run_json("dead-letters", "show", "Order", first, cwd=shop)["cause"] == "wrong_type"
    assert "stays open" in run("dead-letters", "replay", "Order", first, cwd=shop, code=1).stderr
    run("dead-letters", "discard", "Order", second, cwd=shop)
    assert "error:" in run("dead-letters", "discard", "Order", second, cwd=shop, code=1).stderr
    shown = run("dead-letters", "list", "Order", cwd=shop).stdout
    assert "open" in shown
    assert "discarded" in shown


def test_commands_talk_to_the_server_that_owns_the_directory(shop, server):
    process, url = server
    run("push", "Order", "orders.csv", "--arrived-at", "event_time", cwd=shop)
    with hw.connect(url) as workspace:
        assert workspace.status()["state"]["keys"] == 20
    answer = run_json("get", "shop_model", '{"customer": "c1"}', "--url", url, cwd=shop)
    assert answer["found"] == [True]
    assert run_json("status", "--url", url, cwd=shop)["state"]["keys"] == 20
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 0
    assert "stopped; everything is durable" in said
    # What the server took is there for the next one.
    assert run_json("status", cwd=shop)["state"]["keys"] == 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_run_ends_gracefully_and_soon(server, number):
    process, _ = server
    told_at = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert time.monotonic() - told_at < 5


def test_a_server_is_pushed_to_from_elsewhere(tmp_path, server):
    _, url = server
    row = {"order_id": "o1", "ordered_at": "2026-01-01T00:00:00Z", "customer": "c1"}
    (tmp_path / "rows.ndjson").write_text(json.dumps({**row, "shop": "w", "amount": 3, "items": 1}))
    (tmp_path / "rows.csv").write_text("order_id\no1\n")
    assert run_json("push", "Order", "rows.ndjson", "--url", url, cwd=tmp_path)["accepted"] == 1
    refused = run("push", "Order", "rows.csv", "--url", url, cwd=tmp_path, code=1)
    assert "--settings" in refused.stderr
    answer = run_json("get", "shop_model", "customer=c1", "--url", url, cwd=tmp_path)
    assert answer["rows"][0][0] == 0


@pytest.mark.usefixtures("server")
def test_a_server_that_may_not_look_back_says_which_option_lets_it(shop):
    run("push", "Order", "orders.csv", cwd=shop)
    asked = ["get", "shop_model", "customer=c1", "--at", "2001-01-01T00:00:00Z"]
    refused = run(*asked, cwd=shop, code=1)
    assert "hint: ask with --history to have it answered from the archive" in refused.stderr
    run(*asked, "--history", cwd=shop)


def test_a_url_that_does_not_answer_fails(shop):
    done = run("status", "--url", "http://127.0.0.1:9", cwd=shop, code=1)
    assert "no answer from http://127.0.0.1:9" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["shop", "other"])
def test_the_server_of_another_folder_is_left_alone(tmp_path, server, name):
    _, url = server
    home = tmp_path / "elsewhere"
    home.mkdir()
    run("init", name, cwd=home)
    settings = home / name / "headwater.toml"
    settings.write_text(settings.read_text().replace("6570", url.rpartition(":")[2]))
    run("push", "Order", "orders.csv", cwd=home / name)
    assert (home / name / "data").is_dir()
    with hw.connect(url) as workspace:
        assert workspace.status()["state"]["keys"] == 0


def test_rows_of_a_table_are_put_by_the_same_command(tmp_path):
    (tmp_path / "features.py").write_text(
        "import headwater as hw\n"
        "class Plane(hw.Table, key='tailnum', timeless=True):\n"
        "    tailnum: str\n"
        "    year: int | None\n"
        "aircraft = hw.Entity('aircraft', keys={'tailnum': str})\n"
        "class Facts(hw.FeatureView, table=Plane, entity=aircraft):\n"
        "    year = hw.column('year')\n"
    )
    (tmp_path / "headwater.toml").write_text("[server]\nport = 0\n")
    (tmp_path / "planes.csv").write_text("tailnum,year\nN1,1999\nN2,\n")
    assert run_json("push", "Plane", "planes.csv", cwd=tmp_path)["accepted"] == 2
    answer = run_json("get", "Facts", "tailnum=N1", "tailnum=N2", "tailnum=N3", cwd=tmp_path)
    assert answer["rows"] == [[1999], [None], [None]]
    assert answer["found"] == [True, True, False]


def test_a_changed_definition_is_planned_and_told_by_run(shop):
    run("push", "Order", "orders.csv", "--arrived-at", "event_time", cwd=shop)
    features = shop / "features.py"
    text = features.read_text().replace(
        'hw.mean("amount").over("7d")', 'hw.mean("amount").over("24h", "7d")'
    )
    features.write_text(text)
    done = run("status", "--json", cwd=shop)
    assert "the definitions changed:" in done.stderr
    assert "changed view Orders" in done.stderr
    (row,) = run_json("get", "shop_model", "customer=c1", cwd=shop)["rows"]
    assert len(row) == 7


def test_a_folder_that_is_not_there_is_told_before_the_work(shop):
    arguments = ("train", "shop_model", "labels.csv", "--time", "asked_at", "-o", "no/x.csv")
    done = run(*arguments, cwd=shop, code=1)
    assert done.stderr == "error: no folder no\n"


def test_standard_input_is_pushed(shop):
    row = {"order_id": "o1", "ordered_at": "2026-01-01T00:00:00Z", "customer": "c1"}
    line = json.dumps({**row, "shop": "web", "amount": 3.5, "items": 1})
    done = run("push", "Order", "-", cwd=shop, stdin=line)
    assert done.stdout == "1 accepted, 0 duplicates, 0 rejected\n"


def test_colour_and_progress_stay_away_from_pipes(shop):
    environment = {**os.environ, "FORCE_COLOR": ""}
    environment.pop("FORCE_COLOR")
    done = run("push", "Order", "orders.csv", cwd=shop, env=environment)
    assert "\x1b" not in done.stdout + done.stderr

"""`init` and `check`: a project that is there, and what is wrong with one."""

import csv
import json

import pytest
from tests.cli.command import run, run_json


@pytest.fixture
def shop(tmp_path):
    run("init", "shop", cwd=tmp_path)
    return tmp_path / "shop"


def test_init_writes_a_project_with_200_rows_and_prints_three_commands(tmp_path):
    done = run("init", "shop", cwd=tmp_path)
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["headwater", "push"],
        ["headwater", "get"],
        ["headwater", "train"],
    ]
    folder = tmp_path / "shop"
    assert sorted(file.name for file in folder.iterdir()) == [
        "features.py",
        "headwater.toml",
        "labels.csv",
        "orders.csv",
    ]
    with (folder / "orders.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 200


@pytest.mark.parametrize(
    ("folder", "name"),
    [("my shop é", "my-shop"), ("_x", "x"), ("日本", "project"), ('a"b', "a-b")],
    ids=["blanks", "underscore", "nothing left", "quote"],
)
def test_a_project_runs_whatever_its_folder_is_called(tmp_path, folder, name):
    (tmp_path / folder).mkdir()
    run("init", cwd=tmp_path / folder)
    assert run_json("check", cwd=tmp_path / folder)["ok"]
    assert f'name = "{name}"' in (tmp_path / folder / "headwater.toml").read_text()


def test_init_writes_over_nothing(shop):
    (shop / "features.py").write_text("mine")
    done = run("init", cwd=shop, code=1)
    assert "already has features.py" in done.stderr
    assert (shop / "features.py").read_text() == "mine"


def test_check_shows_every_feature(shop):
    document = run_json("check", cwd=shop)
    assert document["ok"]
    assert document["services"][0]["name"] == "shop_model"
    assert document["services"][0]["columns"] == [
        "orders__orders_24h",
        "orders__orders_7d",
        "orders__spent_7d",
        "orders__mean_amount_7d",
        "orders__large_share_7d",
        "orders__recent_7d",
    ]
    table = run("check", cwd=shop).stdout
    assert all(column in table for column in document["services"][0]["columns"])


def test_check_tells_every_problem_with_its_line(shop):
    features = shop / "features.py"
    text = features.read_text()
    features.write_text(text.replace('hw.mean("amount")', 'hw.mean("amuont")'))
    line = 1 + features.read_text()[: features.read_text().index("amuont")].count("\n")
    done = run("check", cwd=shop, code=1)
    assert "amuont" in done.stderr
    assert "did you mean amount?" in done.stderr
    assert f"features.py:{line}" in done.stderr
    (problem,) = run_json("check", cwd=shop, code=1)["problems"]
    assert (problem["code"], problem["line"]) == ("unknown_column", line)


def test_a_missing_project_names_the_places_searched(tmp_path):
    done = run("check", cwd=tmp_path, code=1)
    assert str(tmp_path / "headwater.toml") in done.stderr
    assert "headwater init" in done.stderr


def test_a_wrong_setting_is_explained(shop):
    done = run("check", "--settings", "nowhere.toml", cwd=shop, code=1)
    assert "nowhere.toml" in done.stderr
    (shop / "headwater.toml").write_text("[server]\nprot = 1\n")
    assert "port" in run("check", cwd=shop, code=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [["chekc"], ["push"], ["train", "shop_model", "labels.csv"], ["get", "shop_model", "c1"]],
    ids=["command", "argument", "option", "key"],
)
def test_wrong_usage_exits_with_2(shop, arguments):
    assert "Usage:" in run(*arguments, cwd=shop, code=2).stderr


def test_json_is_all_that_stdout_has(tmp_path):
    document = json.loads(run("init", "shop", "--json", cwd=tmp_path).stdout)
    assert len(document["next"]) == 3

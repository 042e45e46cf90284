"""The three forms of `open`: settings, definitions in memory, definitions on a directory."""

import io
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from tests.workspace import features
from tests.workspace.conftest import MINUTE, NOON, departure

import headwater as hw

ROWS = [departure(1, 0), departure(2, 10)]
ASKED = NOON + 30 * MINUTE
UA = [{"carrier": "UA"}]

SETTINGS = """
[project]
name = "air"
definitions = "features.py"
[data]
path = "state"
"""


@pytest.fixture
def project(tmp_path):
    """A folder with settings and definitions."""
    shutil.copy(features.__file__, tmp_path / "features.py")
    (tmp_path / "headwater.toml").write_text(SETTINGS)
    return tmp_path


def departures(workspace):
    (row,) = workspace.get("CarrierPunctuality", UA, at=ASKED, history=True).to_dicts()
    return row["carrier_punctuality__departures_24h"]


def test_in_memory_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with hw.open(definitions=[features.delay_model]) as workspace:
        workspace.push("Departure", ROWS)
        assert departures(workspace) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_directory_remembers(tmp_path):
    with hw.open(definitions=features, data=tmp_path / "state") as workspace:
        workspace.push("Departure", ROWS)
    with hw.open(definitions=features, data=tmp_path / "state") as workspace:
        assert departures(workspace) == 2
        assert workspace.push("Departure", ROWS).duplicates == 2


@pytest.mark.parametrize("form", ["file", "folder", "here"])
def test_settings_name_definitions_and_directory(project, monkeypatch, form):
    monkeypatch.chdir(project)
    given = {"file": [project / "headwater.toml"], "folder": [project], "here": []}[form]
    with hw.open(*given) as workspace:
        workspace.push("Departure", ROWS)
    assert (project / "state").is_dir()
    with hw.open(*given) as workspace:
        assert departures(workspace) == 2


def test_a_setting_of_the_environment_wins(project, monkeypatch):
    monkeypatch.setenv("HEADWATER_DATA__PATH", str(project / "elsewhere"))
    with hw.open(project):
        assert (project / "elsewhere").is_dir()


def test_another_namespace_is_refused(project):
    with hw.open(project) as workspace:
        workspace.push("Departure", ROWS)
    (project / "headwater.toml").write_text(SETTINGS.replace('"air"', '"sea"'))
    with pytest.raises(hw.ConflictError) as error:
        hw.open(project)
    assert error.value.message == "this data belongs to another project or environment"


def test_a_directory_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(hw.UnavailableError) as error:
        hw.open(definitions=features, data=tmp_path / "data")
    assert error.value.code == "storage_failed"
    assert error.value.detail == f"{tmp_path}/data: File exists (os error 17)"


def test_a_directory_has_one_owner(tmp_path):
    with hw.open(definitions=features, data=tmp_path):
        with pytest.raises(hw.ConflictError) as error:
            hw.open(definitions=features, data=tmp_path)
        assert error.value.code == "owned"
    with hw.open(definitions=features, data=tmp_path) as workspace:
        assert workspace.embedded


OTHER = """
import sys, headwater as hw
sys.path.insert(0, {root!r})
from tests.workspace import features
with hw.open(definitions=features, data={data!r}) as workspace, workspace.serve() as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


def test_a_directory_that_another_process_serves_is_connected_to(tmp_path, pytestconfig, capsys):
    script = OTHER.format(root=str(pytestconfig.rootpath), data=str(tmp_path))
    other = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = other.stdout.readline().strip()
        with hw.open(definitions=features, data=tmp_path) as workspace:
            assert not workspace.embedded
            workspace.push("Departure", ROWS)
            assert departures(workspace) == 2
        assert f"connected to {url}" in capsys.readouterr().err
    finally:
        other.communicate("\n", timeout=20)
    assert other.returncode == 0


def test_changed_definitions_are_backfilled_and_said(tmp_path, capsys):
    class First(hw.FeatureView, stream=features.Departure, entity=features.carrier, name="V"):
        departures = hw.count().over("24h")

    class Second(hw.FeatureView, stream=features.Departure, entity=features.carrier, name="V"):
        departures = hw.count().over("24h")
        mean_delay = hw.mean("dep_delay").over("24h")

    with hw.open(definitions=[First], data=tmp_path) as workspace:
        workspace.push("Departure", ROWS)
    capsys.readouterr()
    with hw.open(definitions=[Second], data=tmp_path) as workspace:
        assert capsys.readouterr().err
        answer = workspace.get("V", UA, at=ASKED).to_dicts()
        assert answer == [{"v__departures_24h": 2, "v__mean_delay_24h": 15.0}]


def test_a_stream_that_lost_a_column_is_refused(tmp_path):
    class Departure(hw.Stream, time="departed_at"):
        departed_at: hw.Timestamp
        carrier: str

    class Counted(hw.FeatureView, stream=Departure, entity=features.carrier):
        departures = hw.count().over("24h")

    with hw.open(definitions=features, data=tmp_path) as workspace:
        workspace.push("Departure", ROWS)
    with pytest.raises(hw.ConflictError) as error:
        hw.open(definitions=[Counted], data=tmp_path)
    assert "dep_delay" in str(error.value)


def test_a_closed_workspace_says_so(tmp_path):
    workspace = hw.open(definitions=features, data=tmp_path)
    workspace.close()
    workspace.close()
    for verb in (
        lambda: workspace.push("Departure", ROWS),
        lambda: workspace.get("delay_model", [{"carrier": "UA", "tailnum": None}]),
        workspace.status,
    ):
        with pytest.raises(hw.ClosedError):
            verb()


def test_definitions_in_the_place_of_settings_are_refused_with_the_remedy():
    with pytest.raises(hw.InvalidError) as error:
        hw.open(features)
    assert "hw.open(definitions=...)" in error.value.hint


def test_closing_a_workspace_stops_its_servers(tmp_path):
    workspace = hw.open(definitions=features, data=tmp_path)
    server = workspace.serve()
    with hw.connect(server.url) as connected:
        connected.push("Departure", ROWS)
        assert workspace.status()["owner"]["address"] == server.url
        workspace.close()
        with pytest.raises(hw.UnavailableError):
            connected._backend._transport.request("GET", "/health", repeatable=False)
    server.stop()
    with hw.open(definitions=features, data=tmp_path) as workspace:
        assert departures(workspace) == 2


def test_a_stopped_server_takes_its_address_back(tmp_path):
    with hw.open(definitions=features, data=tmp_path) as workspace:
        with workspace.serve() as server:
            assert workspace.status()["owner"]["address"] == server.url
        assert workspace.status()["owner"]["address"] is None


def test_an_unknown_option_of_the_server_is_refused(embedded):
    with pytest.raises(hw.InvalidError) as error:
        embedded.serve(prot=1)
    assert "prot" in error.value.detail


def test_a_connection_cannot_serve(embedded):
    with (
        embedded.serve() as server,
        hw.connect(server.url) as connected,
        pytest.raises(hw.InvalidError) as error,
    ):
        connected.serve()
    assert error.value.code == "not_embedded"


def test_a_port_that_is_taken_is_told(embedded):
    with embedded.serve() as server, pytest.raises(hw.UnavailableError) as error:
        embedded.serve(port=int(server.url.rpartition(":")[2]))
    assert error.value.code == "address_in_use"


def test_definitions_that_are_wrong_are_all_told():
    class Wrong(hw.FeatureView, stream=features.Departure, entity=features.carrier):
        one = hw.mean("dep_dely").over("24h")
        two = hw.sum("carrier").over("24h")

    with pytest.raises(hw.CompileError) as error:
        hw.open(definitions=[Wrong])
    assert len(error.value.problems) == 2


def test_a_dead_letter_is_replayed_once_after_the_definition_was_mended(tmp_path):
    class Strict(hw.Stream, time="at", name="Tick"):
        at: hw.Timestamp
        key: str
        x: float

    class Mended(hw.Stream, time="at", name="Tick"):
        at: hw.Timestamp
        key: str
        x: float | None

    def view(stream):
        class Ticks(hw.FeatureView, stream=stream, entity=hw.Entity("key", keys={"key": str})):
            count = hw.count().over("24h")

        return Ticks

    with hw.open(definitions=[view(Strict)], data=tmp_path) as workspace:
        workspace.push("Tick", [{"at": NOON, "key": "a", "x": None}])
        (letter,) = workspace.dead_letters("Tick").list()
        with pytest.raises(hw.DataError) as error:
            workspace.dead_letters("Tick").replay(letter["id"])
        assert error.value.code == "still_refused"
    with hw.open(definitions=[view(Mended)], data=tmp_path) as workspace:
        assert workspace.dead_letters("Tick").replay(letter["id"]).accepted == 1
        with pytest.raises(hw.ConflictError):
            workspace.dead_letters("Tick").replay(letter["id"])
        answer = workspace.get("Ticks", [{"key": "a"}], at=ASKED)
        assert answer.to_dicts() == [{"ticks__count_24h": 1}]
        assert [each["status"] for each in workspace.dead_letters("Tick")] == ["replayed"]


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self):
        return True


def test_changed_definitions_tell_their_plan_and_how_far_filling_has_come(tmp_path, monkeypatch):
    class Ping(hw.Stream, time="at"):
        """One sign of life."""

        at: hw.Timestamp
        host: str
        took: float | None

    host = hw.Entity("host", keys={"host": str})

    class Before(hw.FeatureView, stream=Ping, entity=host, name="Pings"):
        """Signs of life."""

        pings = hw.count().over("1h")
        slowest = hw.max("took").over("1h")

    class After(hw.FeatureView, stream=Ping, entity=host, name="Pings"):
        """Signs of life."""

        pings = hw.count().over("1h")
        total = hw.sum("took", where="took > 0.5").over("1h")

    second = MINUTE / 60
    rows = [{"at": NOON + n * second, "host": "a", "took": 0.1} for n in range(1_200)]
    with hw.open(definitions=[Before], data=tmp_path) as workspace:
        workspace.push("Ping", rows, arrived_at="event_time")
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    hw.open(definitions=[After], data=tmp_path).close()
    assert re.sub(r"[\d,]+ a second", "N a second", shown.getvalue()) == (
        "\r\x1b[Kheadwater: filling from the archive: "
        "1,200 of 1,200 events, N a second, 0:00 left\r\x1b[K"
        "headwater: the definitions changed:\n"
        "headwater:   changed view Pings\n"
        "headwater:   kept Ping(host)->host:str: count() over 1h\n"
        "headwater:   filled Ping(host)->host:str: "
        "sum(took) where took > 0.5 over 1h, from 1,200 events\n"
        "headwater:   filled Ping(host)->host:str: "
        "count(took) where took > 0.5 over 1h, from 1,200 events\n"
        "headwater:   dropped Ping(host)->host:str: max(took) over 1h\n"
        "headwater:   dropped Ping(host)->host:str: count(took) over 1h\n"
        "headwater:   1,200 events read from the archive\n"
    )

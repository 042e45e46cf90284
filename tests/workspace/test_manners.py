"""Manners of a Python library: imports, Ctrl-C, threads, notebooks, missing packages."""

import ast
import concurrent.futures
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from tests.workspace.conftest import MINUTE, NOON, departure

import headwater as hw
from headwater.sources import payload_of

UA = [{"carrier": "UA", "tailnum": "N1"}]

HEAVY = {"click", "httpx", "pandas", "polars", "pyarrow", "pydantic", "rich", "sqlglot", "tenacity"}


def python(script, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        **options,
    )


FORKED = """
import os, sys
import headwater as hw
from tests.workspace import features

with hw.open(definitions=features) as embedded, embedded.serve() as server:
    connected = hw.connect(server.url)
    assert connected.status()["durable"] is False
    if os.fork() == 0:
        try:
            embedded.get("delay_model", [{"carrier": "UA", "tailnum": "N1"}])
        except hw.ClosedError as error:
            sys.stdout.write(f"{error.code}: {error.message}\\n")
        embedded.close()
        sys.stdout.write(f"connected: {connected.status()['namespace']}\\n")
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    assert embedded.push("Departure", []).accepted == 0
    assert connected.status()["durable"] is False
"""


def test_a_fork_is_told_that_the_workspace_is_not_its_own_and_may_be_connected():
    done = python(FORKED)
    assert done.stdout == (
        "forked: the workspace was opened in another process, of which this one is a fork\n"
        "connected: default\n"
    )


def test_import_loads_nothing_heavy():
    loaded = python("import sys, headwater; print(list(sys.modules))").stdout
    assert HEAVY & set(ast.literal_eval(loaded)) == set()


def test_a_workspace_in_memory_needs_no_library_of_frames():
    script = """
        import sys
        for name in ("pandas", "polars", "pyarrow", "numpy"):
            sys.modules[name] = None
        import headwater as hw

        class Order(hw.Stream, time="at"):
            at: hw.Timestamp
            user: str

        user = hw.Entity("user", keys={"user": str})

        class Orders(hw.FeatureView, stream=Order, entity=user):
            orders = hw.count().over("1h")

        with hw.open(definitions=[Orders]) as ws:
            ws.push(Order, [{"at": "2013-07-01T12:00:00Z", "user": "u"}])
            print(ws.get(Orders, [{"user": "u"}], at="2013-07-01T12:30:00Z").to_dicts())
            table = ws.training_set(Orders, [{"user": "u", "t": 1372681800000000}], time="t")
            print(table.to_dicts())
            for method, extra in (("to_arrow", "parquet"), ("to_pandas", "pandas"),
                                  ("to_polars", "polars")):
                try:
                    getattr(table, method)()
                except hw.InvalidError as error:
                    assert error.code == "missing_extra", error
                    assert f"headwater[{extra}]" in error.hint, error
                else:
                    raise AssertionError(method)
    """
    first, second = python(script).stdout.splitlines()
    assert ast.literal_eval(first) == [{"orders__orders_1h": 1}]
    assert ast.literal_eval(second) == [
        {"user": "u", "t": 1372681800000000, "orders__orders_1h": 1}
    ]


LONG = """
    import sys, threading, time
    sys.path.insert(0, {root!r})
    import headwater as hw
    from tests.workspace import features
    from headwater._native import Frame
    import pyarrow as pa

    count = 3_000_000
    times = pa.array(range(1372636800000000, 1372636800000000 + count))
    events = pa.table({{
        "flight_id": pa.array(range(count)).cast(pa.string()),
        "departed_at": times,
        "carrier": ["UA"] * count,
    }})
    labels = pa.table({{"carrier": ["UA"] * count, "at": times}})

    def call(events, labels):
        {call}

    call(events.slice(0, 10), labels.slice(0, 10))  # loads what is loaded when first used
    print("ready", flush=True)
    begun = time.monotonic()
    try:
        call(events, labels)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    else:
        print("ended after", time.monotonic() - begun, flush=True)
"""


@pytest.mark.parametrize(
    "call",
    [
        'hw.point_in_time(features.CarrierPunctuality, labels, {"Departure": events}, time="at")',
        'hw.open(definitions=features).push("Departure", events)',
        """with hw.open(definitions=features) as ws:
            ws.push("Departure", events.slice(0, 10))
            end = 10 if len(events) == 10 else 11  # of a push that never comes
            after = {"Departure": {"0": [0, end]}}
            ws.get("CarrierPunctuality", [{"carrier": "UA"}], after=after)""",
    ],
    ids=["point_in_time", "push", "get after a push"],
)
def test_ctrl_c_ends_a_long_call_within_a_second(pytestconfig, call):
    script = textwrap.dedent(LONG.format(root=str(pytestconfig.rootpath), call=call))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.15)
        process.send_signal(signal.SIGINT)
        told_at = time.monotonic()
        said = process.stdout.readline()
        assert said == "interrupted\n", said
        assert time.monotonic() - told_at < 1.0
    finally:
        process.kill()
        process.communicate()


def test_verbs_may_be_called_from_many_threads(workspace):
    def push(number):
        rows = [departure(number * 100 + n, n) for n in range(20)]
        return workspace.push("Departure", rows).accepted

    def read(_):
        return workspace.get("delay_model", UA, at=NOON + 30 * MINUTE, history=True).to_dicts()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pushes = [pool.submit(push, number) for number in range(30)]
        reads = [pool.submit(read, number) for number in range(30)]
        assert sum(each.result() for each in pushes) == 600
        assert all(each.result() for each in reads)
    (row,) = read(0)
    assert row["carrier_punctuality__departures_24h"] == 600


def test_pythons_lock_is_free_while_the_engine_works(embedded):
    rows = payload_of([departure(n, 0) for n in range(200_000)])
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.monotonic())

    ticking = threading.Thread(target=tick)
    ticking.start()
    begun = time.monotonic()
    embedded._backend.push("Departure", rows, arrived_at=None, idempotency_key=None)
    ended = time.monotonic()
    done.set()
    ticking.join()
    inside = [each for each in ticks if begun < each < ended]
    assert len(inside) > 5, f"{len(inside)} ticks in {ended - begun:.3f} s"


def test_results_show_themselves_in_a_notebook(embedded):
    receipt = embedded.push("Departure", [departure(1, 0), departure(2, 0, carrier=None)])
    assert "<b>1</b> accepted" in receipt._repr_html_()
    assert "wrong_type" in receipt._repr_html_()
    answer = embedded.get("delay_model", UA, at=NOON + 30 * MINUTE)
    shown = answer._repr_html_()
    assert "carrier_punctuality__departures_1h" in shown
    assert "<em>null</em>" in shown
    assert "2013-07-01T12:30:00+00:00" in shown
    assert repr(answer).startswith("<Answer of 1 row: carrier_punctuality__departures_1h")


def test_a_notebook_shows_a_screen_of_rows_and_escapes_them(embedded):
    labels = [
        {"carrier": "<UA>", "tailnum": "N1", "at": NOON, "number": number} for number in range(30)
    ]
    shown = embedded.training_set("delay_model", labels, time="at")._repr_html_()
    assert shown.count("&lt;UA&gt;") == 10
    assert "<UA>" not in shown
    assert "30 rows, first 10 shown" in shown


def test_results_go_to_every_library(embedded):
    embedded.push("Departure", [departure(1, 0), departure(2, 10, dep_delay=None)])
    labels = [{"carrier": "UA", "tailnum": None, "at": NOON + 30 * MINUTE}]
    table = embedded.training_set("CarrierPunctuality", labels, time="at")
    expected = table.to_dicts()
    assert table.to_arrow().to_pylist() == expected
    assert table.to_polars().to_dicts() == expected
    frame = table.to_pandas()
    assert list(frame.columns) == table.column_names
    assert frame["carrier_punctuality__departures_1h"].tolist() == [2]
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"


def test_pandas_without_pyarrow_is_enough(embedded, monkeypatch):
    table = embedded.training_set("CarrierPunctuality", [{"carrier": "UA", "at": NOON}], time="at")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    frame = table.to_pandas()
    assert frame["carrier_punctuality__departures_1h"].tolist() == [0]
    assert frame["at"].tolist() == [NOON]


def test_a_read_at_now_past_every_window_says_so(workspace, capsys):
    workspace.push("Departure", [departure(1, 0)])
    answer = workspace.get("CarrierPunctuality", [{"carrier": "UA"}])
    assert any("older than every window" in note for note in answer.metadata["notes"])
    said = capsys.readouterr().err
    assert "CarrierPunctuality" in said
    assert "older than every window" in said


def test_a_training_set_of_an_own_frame_in_ten_lines():
    script = """
        import headwater as hw, pandas as pd
        class Order(hw.Stream, time="at"):
            at: hw.Timestamp
            user: str
            price: float | None
        user = hw.Entity("user", keys={"user": str})
        class Orders(hw.FeatureView, stream=Order, entity=user):
            spent = hw.sum("price").over("7d")
        at = pd.to_datetime(["2026-03-01", "2026-03-02"], utc=True)
        orders = pd.DataFrame({"at": at, "user": ["a", "a"], "price": [1.5, None]})
        labels = pd.DataFrame({"user": ["a", "b"], "at": at + pd.Timedelta("1h"), "y": [0, 1]})
        print(hw.point_in_time(Orders, labels, {"Order": orders}, time="at").to_dicts())
    """
    rows = python(script).stdout
    assert "'orders__spent_7d': 1.5" in rows
    assert "'orders__spent_7d': None" in rows


def test_every_kind_of_error_has_its_class():
    kinds = {each.kind for each in hw.HeadwaterError.__subclasses__()}
    assert kinds == {
        "invalid",
        "not_found",
        "conflict",
        "unavailable",
        "data",
        "closed",
        "internal",
    }

"""One suite of verbs, run on every backend: the engine in this process, and a server over HTTP."""

import datetime as dt

import pytest
from tests.workspace import features

import headwater as hw

NOON = dt.datetime(2013, 7, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def departure(number, minutes, **columns):
    """A departure some minutes after noon."""
    return {
        "flight_id": f"f{number}",
        "departed_at": NOON + minutes * MINUTE,
        "carrier": "UA",
        "tailnum": "N1",
        "dep_delay": 10.0 * number,
        "seats": 100,
        **columns,
    }


@pytest.fixture
def embedded():
    """A workspace in memory."""
    with hw.open(definitions=features) as workspace:
        yield workspace


@pytest.fixture(params=["embedded", "http"])
def workspace(request, embedded):
    """The verbs on each backend, over the same engine."""
    if request.param == "embedded":
        yield embedded
        return
    with embedded.serve() as server, hw.connect(server.url) as connected:
        yield connected

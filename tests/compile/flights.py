"""Definitions that use all of what compiles: the example of the documentation, and more."""

from __future__ import annotations

import headwater as hw


class Departure(
    hw.Stream, time="departed_at", id="flight", order="seq", lateness="15m", max_age="30d"
):
    """One aircraft leaving its gate."""

    departed_at: hw.Timestamp("ms")
    flight: str
    seq: int | None
    carrier: str
    origin: str
    dest: str
    dep_delay: float | None
    weight: float = hw.field(unit="t", scale=2**-20)


class Plane(hw.Table, key="tailnum", timeless=True):
    """An aircraft."""

    tailnum: str
    seats: int | None


class Weather(hw.Table, key="station", valid_from="valid_at", delay="1h", ttl="3h"):
    """An hour of weather."""

    station: str
    valid_at: hw.Timestamp
    temp: float | None


carrier = hw.Entity("carrier", keys={"carrier": str})
airport = hw.Entity("airport", keys={"airport": str})
route = hw.Entity("route", keys={"origin": str, "dest": str})
plane = hw.Entity("plane", keys={"tailnum": str})


class CarrierPunctuality(hw.FeatureView, stream=Departure, entity=carrier, owner="ops-ml"):
    """How late a carrier has been running."""

    departures = hw.count().over("1h", "24h", "7d", "30d")
    late_share = hw.mean("dep_delay > 15").over("24h", "7d")
    mean_delay = hw.mean("dep_delay", default=0).over("24h").over(hw.lifetime())
    recent = hw.last("dep_delay", n=20).over("7d")


class AirportLoad(
    hw.FeatureView,
    stream=Departure,
    entity=airport.on(airport="origin"),
    where="dep_delay IS NOT NULL",
    include_current=True,
    events_max=500,
):
    """What leaves an airport."""

    weight = hw.sum("weight", where="dest <> 'JFK'").over("30s", "2h")
    weight_now = hw.sum("weight").over("1h", resolution="exact").over("1h").named("weight_hour")
    last_at = hw.max("departed_at", default=0).over("1d", resolution="1h")


class Route(hw.FeatureView, stream=Departure, entity=[carrier, route]):
    """A carrier on a route."""

    first_dest = hw.first("dest").over("7d")


class AirportWeather(hw.FeatureView, table=Weather, entity=airport):
    """The weather at an airport."""

    temp = hw.column("temp", default=15)


class PlaneFacts(hw.FeatureView, table=Plane, entity=plane):
    """What an aircraft is."""

    seats = hw.column("seats")


delay_model = hw.FeatureService(
    "delay_model",
    [
        CarrierPunctuality.late_share,
        CarrierPunctuality.recent["7d"],
        AirportLoad,
        AirportLoad.as_("dest", airport="dest").weight["2h"],
        AirportWeather,
        AirportWeather.as_("dest", airport="dest"),
        Route,
        PlaneFacts,
    ],
)

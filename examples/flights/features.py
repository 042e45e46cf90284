"""The features of "will this flight arrive more than 15 minutes late?", as a user writes them.

Definitions are frozen data: importing this file does nothing else.
"""

from __future__ import annotations

import headwater as hw


class Departure(hw.Stream, time="departed_at", id="flight_id", lateness="15m", dedup="1d"):
    """One aircraft leaving its gate in New York."""

    flight_id: str
    carrier: str
    tailnum: str | None
    origin: str
    dest: str
    distance: int
    scheduled_at: hw.Timestamp
    departed_at: hw.Timestamp
    dep_delay: float | None = hw.field(description="behind schedule", unit="min")


class Landing(hw.Stream, time="landed_at", id="flight_id", lateness="15m", dedup="1d"):
    """One aircraft reaching its gate."""

    flight_id: str
    carrier: str
    tailnum: str | None
    origin: str
    dest: str
    distance: int
    departed_at: hw.Timestamp
    landed_at: hw.Timestamp
    arr_delay: float | None = hw.field(description="behind schedule", unit="min")


class Plane(hw.Table, key="tailnum", timeless=True):
    """What the aviation register says of an aircraft; nothing tells since when."""

    tailnum: str
    year: int | None
    type: str | None
    manufacturer: str | None
    engines: int | None
    seats: int | None


class Weather(hw.Table, key="origin", valid_from="valid_at", delay="1h", ttl="3h"):
    """An hour's weather at a New York airport, summed up when the hour ends."""

    origin: str
    valid_at: hw.Timestamp
    temp: float | None
    wind_speed: float | None
    wind_gust: float | None
    precip: float | None
    visib: float | None


carrier = hw.Entity("carrier", keys={"carrier": str})
airport = hw.Entity("airport", keys={"airport": str})
route = hw.Entity("route", keys={"origin": str, "dest": str})
aircraft = hw.Entity("aircraft", keys={"tailnum": str})


class CarrierDepartures(hw.FeatureView, stream=Departure, entity=carrier, owner="ops-ml"):
    """How late a carrier has been leaving."""

    departures = hw.count().over("1h", "24h", "7d", "30d")
    late_share = hw.mean("dep_delay > 15").over("1h", "24h", "7d", "30d")
    mean_delay = hw.mean("dep_delay").over("1h", "24h", "7d", "30d")
    worst_delay = hw.max("dep_delay").over("24h")
    recent = hw.last("dep_delay", n=5).over("24h")


class CarrierLandings(hw.FeatureView, stream=Landing, entity=carrier, owner="ops-ml"):
    """How late a carrier has been arriving."""

    mean_delay = hw.mean("arr_delay").over("1h", "24h", "7d", "30d")
    late_share = hw.mean("arr_delay > 15").over("24h", "7d")


class OriginDepartures(
    hw.FeatureView, stream=Departure, entity=airport.on(airport="origin"), owner="ops-ml"
):
    """How busy and how late an airport of departure has been."""

    departures = hw.count().over("1h", "24h")
    late_share = hw.mean("dep_delay > 15").over("1h", "24h", "7d", "30d")
    mean_delay = hw.mean("dep_delay").over("1h", "24h", "7d", "30d")
    last_hour_worst = hw.max("dep_delay").over("1h")
    last_delay = hw.last("dep_delay").over("1h")


class DestinationLandings(
    hw.FeatureView, stream=Landing, entity=airport.on(airport="dest"), owner="ops-ml"
):
    """How late flights to an airport have been landing."""

    landings = hw.count().over("1h", "24h", "7d", "30d")
    mean_delay = hw.mean("arr_delay").over("1h", "24h", "7d", "30d")
    late_share = hw.mean("arr_delay > 15").over("24h", "7d", "30d")


class RouteLandings(hw.FeatureView, stream=Landing, entity=route, owner="ops-ml"):
    """A cross feature: how late flights from here to there have been landing."""

    landings = hw.count().over("24h", "7d", "30d")
    mean_delay = hw.mean("arr_delay").over("24h", "7d", "30d")
    least_delay = hw.min("arr_delay").over("30d")
    late_share = hw.mean("arr_delay > 15").over("24h", "7d", "30d")


class AircraftDepartures(hw.FeatureView, stream=Departure, entity=aircraft, owner="ops-ml"):
    """Where an aircraft last left from, and how hard it has been working."""

    legs = hw.count().over("24h", "7d", "30d")
    miles = hw.sum("distance").over("24h", "7d")
    last_delay = hw.last("dep_delay").over("24h", "7d")
    last_departed_at = hw.last("departed_at").over("7d")


class AircraftLandings(hw.FeatureView, stream=Landing, entity=aircraft, owner="ops-ml"):
    """The inbound delay: how an aircraft's last flights arrived."""

    inbound_delay = hw.last("arr_delay").over("24h", "7d")
    inbound_delays = hw.last("arr_delay", n=3).over("7d")
    mean_delay = hw.mean("arr_delay").over("24h", "7d", "30d")
    flown = hw.count().over(hw.lifetime())


class PlaneFacts(hw.FeatureView, table=Plane, entity=aircraft):
    """Age and size of the aircraft."""

    year = hw.column("year")
    seats = hw.column("seats")


class OriginWeather(hw.FeatureView, table=Weather, entity=airport.on(airport="origin")):
    """The last full hour's weather at the airport of departure."""

    temp = hw.column("temp")
    wind_speed = hw.column("wind_speed")
    wind_gust = hw.column("wind_gust")
    precip = hw.column("precip")
    visib = hw.column("visib")


delay_model = hw.FeatureService(
    "delay_model",
    [
        CarrierDepartures,
        CarrierLandings,
        OriginDepartures.as_("origin", airport="origin"),
        DestinationLandings.as_("dest", airport="dest"),
        RouteLandings,
        AircraftDepartures,
        AircraftLandings,
        PlaneFacts,
        OriginWeather.as_("origin", airport="origin"),
    ],
)

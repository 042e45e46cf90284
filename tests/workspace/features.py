"""Definitions that the tests of the verbs share: a stream with an id, a table, two services."""

import headwater as hw


class Departure(hw.Stream, time="departed_at", id="flight_id", lateness="15m"):
    """One aircraft leaving its gate."""

    flight_id: str
    departed_at: hw.Timestamp
    carrier: str
    tailnum: str | None
    dep_delay: float | None
    seats: int | None


class Plane(hw.Table, key="tailnum", timeless=True):
    """One aircraft."""

    tailnum: str
    year: int | None


carrier = hw.Entity("carrier", keys={"carrier": str})
aircraft = hw.Entity("aircraft", keys={"tailnum": str})


class CarrierPunctuality(hw.FeatureView, stream=Departure, entity=carrier):
    """How late a carrier has been."""

    departures = hw.count().over("1h", "24h")
    late_share = hw.mean("dep_delay > 15").over("24h")
    recent = hw.last("dep_delay", n=3).over("24h")
    last_at = hw.last("departed_at").over("24h")


class AircraftUse(hw.FeatureView, stream=Departure, entity=aircraft):
    """How busy an aircraft has been."""

    seats = hw.sum("seats + 0").over("24h")


class PlaneFacts(hw.FeatureView, table=Plane, entity=aircraft):
    """What an aircraft is."""

    year = hw.column("year")


delay_model = hw.FeatureService("delay_model", [CarrierPunctuality, AircraftUse.seats, PlaneFacts])

"""Definitions of the crash campaign: one stream that relies on idempotency keys, one on its ids."""

import headwater as hw


class Tick(hw.Stream, time="happened_at", skew="3650d"):
    """An event without an id: only the idempotency key of its request tells a repeat."""

    happened_at: hw.Timestamp
    key: str
    amount: float
    number: int


class Tock(hw.Stream, time="happened_at", id="tock_id", skew="3650d"):
    """An event with an id: a repeat is told by it, whichever request brings it."""

    tock_id: str
    happened_at: hw.Timestamp
    key: str
    amount: float
    number: int


entity = hw.Entity("key", keys={"key": str})


class Ticks(hw.FeatureView, stream=Tick, entity=entity):
    """All ticks of a key."""

    count = hw.count().over(hw.lifetime())
    total = hw.sum("amount").over(hw.lifetime())
    greatest = hw.max("number").over("30d")
    recent = hw.last("number", n=5).over("30d")


class Tocks(hw.FeatureView, stream=Tock, entity=entity):
    """All tocks of a key."""

    count = hw.count().over(hw.lifetime())
    total = hw.sum("amount").over(hw.lifetime())
    greatest = hw.max("number").over("30d")
    recent = hw.last("number", n=5).over("30d")


crash = hw.FeatureService("crash", [Ticks, Tocks])

"""The features of this project: one stream of orders, what a customer did lately."""

import headwater as hw


class Order(hw.Stream, time="ordered_at", id="order_id", lateness="1h"):
    """One order, as the till wrote it."""

    order_id: str
    ordered_at: hw.Timestamp
    customer: str
    shop: str
    amount: float = hw.field(unit="EUR")
    items: int


customer = hw.Entity("customer", keys={"customer": str})


class Orders(hw.FeatureView, stream=Order, entity=customer):
    """What a customer has bought."""

    orders = hw.count().over("24h", "7d")
    spent = hw.sum("amount", default=0.0).over("7d")
    mean_amount = hw.mean("amount").over("7d")
    large_share = hw.mean("amount > 50").over("7d")
    recent = hw.last("amount", n=3).over("7d")


shop_model = hw.FeatureService("shop_model", [Orders])

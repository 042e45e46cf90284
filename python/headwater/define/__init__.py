"""What users write: entities, streams, tables, aggregates, windows, views and services.

Frozen data without side effects: nothing here registers, connects, checks or compiles.
"""

from headwater.define.aggregate import Aggregate, count, first, last, max, mean, min, sum  # noqa: A004
from headwater.define.entity import BoundEntity, Entity
from headwater.define.pick import FeaturePick, Role, ViewInRole, WindowPick
from headwater.define.service import FeatureService, Request
from headwater.define.source import (
    Field,
    SourceColumn,
    SourceDefinition,
    Stream,
    StreamDefinition,
    Table,
    TableDefinition,
    field,
)
from headwater.define.view import (
    Feature,
    FeatureView,
    TableColumn,
    ViewDefinition,
    column,
)
from headwater.define.window import (
    LastEvents,
    Lifetime,
    Over,
    Session,
    Sliding,
    Tumbling,
    Window,
    last_events,
    lifetime,
    session,
    tumbling,
)

__all__ = [
    "Aggregate",
    "BoundEntity",
    "Entity",
    "Feature",
    "FeaturePick",
    "FeatureService",
    "FeatureView",
    "Field",
    "LastEvents",
    "Lifetime",
    "Over",
    "Request",
    "Role",
    "Session",
    "Sliding",
    "SourceColumn",
    "SourceDefinition",
    "Stream",
    "StreamDefinition",
    "Table",
    "TableColumn",
    "TableDefinition",
    "Tumbling",
    "ViewDefinition",
    "ViewInRole",
    "Window",
    "WindowPick",
    "column",
    "count",
    "field",
    "first",
    "last",
    "last_events",
    "lifetime",
    "max",
    "mean",
    "min",
    "session",
    "sum",
    "tumbling",
]

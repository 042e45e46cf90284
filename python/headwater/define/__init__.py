"""What users write: entities, streams, tables, aggregates, windows, views and services.

Frozen data without side effects: nothing here registers, connects, checks or compiles. Named here
is what other rooms read of it; what users call, `headwater` itself takes from the files.
"""

from headwater.define.aggregate import Aggregate
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
)
from headwater.define.view import (
    Feature,
    FeatureView,
    TableColumn,
    ViewDefinition,
)
from headwater.define.window import (
    LastEvents,
    Lifetime,
    Over,
    Session,
    Sliding,
    Tumbling,
    Window,
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
]

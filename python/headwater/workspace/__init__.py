"""Workspaces: `open`, `connect`, `point_in_time` and the verbs.

Loaded when first used, since it brings the extension and the compiler. Each verb is a thin call
into a room below; no meaning lives here.
"""

from headwater.workspace.opening import connect, open  # noqa: A004 - their public names
from headwater.workspace.results import Answer, Receipt, Rejection, TrainingSet
from headwater.workspace.training import point_in_time
from headwater.workspace.workspace import Workspace

__all__ = [
    "Answer",
    "Receipt",
    "Rejection",
    "TrainingSet",
    "Workspace",
    "connect",
    "open",
    "point_in_time",
]

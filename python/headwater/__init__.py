"""Headwater: one definition of a feature, the same values for training and for serving.

This file only names what users touch. It must never import anything heavy: `import headwater`
takes at most 0.3 s, so workspaces, settings and the compiler load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.define.aggregate import count, first, last, max, mean, min, sum  # noqa: A004
from headwater.define.entity import Entity
from headwater.define.service import FeatureService, Request
from headwater.define.source import Stream, Table, field
from headwater.define.view import FeatureView, column
from headwater.define.window import last_events, lifetime, session, tumbling
from headwater.errors import (
    ClosedError,
    CompileError,
    ConflictError,
    DataError,
    DefinitionError,
    HeadwaterError,
    InternalError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    near_names,
)
from headwater.types import Timestamp

if TYPE_CHECKING:
    from headwater.workspace import Workspace, connect, open, point_in_time  # noqa: A004

__version__ = "0.1.0"

__all__ = [
    "ClosedError",
    "CompileError",
    "ConflictError",
    "DataError",
    "DefinitionError",
    "Entity",
    "FeatureService",
    "FeatureView",
    "HeadwaterError",
    "InternalError",
    "InvalidError",
    "NotFoundError",
    "Request",
    "Stream",
    "Table",
    "Timestamp",
    "UnavailableError",
    "Workspace",
    "column",
    "connect",
    "count",
    "field",
    "first",
    "last",
    "last_events",
    "lifetime",
    "max",
    "mean",
    "min",
    "open",
    "point_in_time",
    "session",
    "sum",
    "tumbling",
]

_WORKSPACE_NAMES = frozenset({"Workspace", "connect", "open", "point_in_time"})

_NOT_YET = frozenset(
    {
        "all",
        "any",
        "approx_count_distinct",
        "approx_quantile",
        "bottom",
        "corr",
        "count_distinct",
        "cov_pop",
        "cov_samp",
        "decayed_count",
        "decayed_mean",
        "decayed_sum",
        "derive",
        "entropy",
        "frequent",
        "gap_max",
        "gap_mean",
        "gap_stddev",
        "histogram",
        "kurtosis",
        "max_by",
        "min_by",
        "mode",
        "since_first",
        "since_last",
        "skew",
        "slope",
        "stddev_pop",
        "stddev_samp",
        "streak",
        "top",
        "top_share",
        "var_pop",
        "var_samp",
        "vector_max",
        "vector_mean",
        "vector_sum",
    }
)

_AGGREGATES = ("count", "sum", "mean", "min", "max", "first", "last")


def __getattr__(name: str) -> Any:
    """Load the verbs when first used; explain names that are planned, and misspelt ones."""
    if name in _WORKSPACE_NAMES:
        from headwater import workspace

        return getattr(workspace, name)
    if name in _NOT_YET:
        raise AttributeError(
            f"hw.{name} is not supported yet; the aggregates are: {', '.join(_AGGREGATES)}"
        )
    hint = "" if name.startswith("_") else near_names(name, __all__)
    near = f": {hint}" if hint.startswith("did") else ""
    raise AttributeError(f"module 'headwater' has no attribute {name!r}{near}")


def __dir__() -> list[str]:
    """List the names of the surface, without loading what stands behind them."""
    return sorted({*__all__, "__version__"})

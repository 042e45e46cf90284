"""How output columns are named, in one place.

Columns are `{view}__{feature}_{window}` with the view's name in snake case; a role goes before.
"""

from __future__ import annotations

import re

from headwater.define import LastEvents, Lifetime, Over, Session, Sliding, Tumbling, Window

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def snake_case(name: str) -> str:
    """Return a class name as output columns hold it.

    >>> [snake_case(each) for each in ["CarrierPunctuality", "CTR7d", "HTTPErrors"]]
    ['carrier_punctuality', 'ctr7d', 'http_errors']
    """
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", parted).lower()


def is_name(name: object) -> bool:
    """Can this be a name of ours: in URLs, in columns and on every file system?"""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def window_suffix(window: Window) -> str:
    """Return a window as it was written, for the end of a column."""
    match window:
        case Sliding(width):
            return str(width)
        case Lifetime():
            return "lifetime"
        case Tumbling(width):
            return f"tumbling_{width}"
        case Session(gap):
            return f"session_{gap}"
        case LastEvents(n):
            return f"last_events_{n}"


def feature_column(view: str, feature: str, over: Over, window: Window) -> str:
    """Return the output column of one window of a feature."""
    if over.name is not None:
        return f"{snake_case(view)}__{over.name}"
    delay = "" if over.delay is None else f"_delay_{over.delay}"
    return f"{snake_case(view)}__{feature}_{window_suffix(window)}{delay}"


def table_column(view: str, feature: str) -> str:
    """Return the output column of a table's column."""
    return f"{snake_case(view)}__{feature}"


def role_column(role: str | None, column: str) -> str:
    """Return the output column of a view in a role."""
    return column if role is None else f"{role}__{column}"

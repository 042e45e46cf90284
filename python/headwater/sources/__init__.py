"""Rows from where they are: Python objects, files; as the data plane takes them.

What goes on is one of two things: NDJSON bytes, or a `Frame` of Arrow. This room must never decide
what a row means: types, nulls and instants are judged by the data plane, the same for every source.
"""

from headwater.sources.names import source_name
from headwater.sources.rows import (
    Payload,
    check_columns,
    frame_of,
    instant,
    json_of,
    payload_of,
)

__all__ = [
    "Payload",
    "check_columns",
    "frame_of",
    "instant",
    "json_of",
    "payload_of",
    "source_name",
]

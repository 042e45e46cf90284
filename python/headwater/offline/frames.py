"""`point_in_time`: features of label rows from frames of events and table rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater import _native
from headwater.compile import compile_definitions
from headwater.errors import InvalidError, near_names
from headwater.sources import frame_of, payload_of, source_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater._native import Frame


def point_in_time(
    features: object,
    labels: object,
    frames: Mapping[Any, object],
    *,
    time: str,
    as_of: str,
    arrived_at: str | None,
) -> tuple[str, Frame]:
    """Return the name of what was asked, and the label rows with its features after them.

    See `headwater.workspace.point_in_time` for the arguments.
    """
    if isinstance(features, str):
        raise InvalidError(
            f"{features!r} is a name, and there are no definitions to look it up in",
            code="not_a_question",
            hint="give the service or the view class itself",
        )
    compiled = compile_definitions([features])
    target = compiled.target(features)
    needed = [*compiled.names("streams"), *compiled.names("tables")]
    named = {source_name(source): rows for source, rows in frames.items()}
    for name in needed:
        if name not in named:
            raise InvalidError(
                f"no rows of {name} are given",
                code="missing_frame",
                detail=near_names(name, named),
                hint=f'give them by name: {{"{name}": rows}}; an empty list is no rows',
            )
    given = [(name, payload_of(named[name])) for name in needed]
    frame = _native.point_in_time(
        compiled.to_json(), target.name, frame_of(labels), given, time, as_of, arrived_at
    )
    return target.name, frame

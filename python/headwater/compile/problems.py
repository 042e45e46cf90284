"""How a rule says that something is wrong: one call, with the line found for it."""

from __future__ import annotations

from headwater.errors import Origin, Problem


def problem(
    origin: Origin, code: str, message: str, *, detail: str = "", hint: str = ""
) -> Problem:
    """Return a problem at an origin; its source is read now, since an error is being made."""
    return Problem(code, origin.definition, message, origin.location(), detail, hint)

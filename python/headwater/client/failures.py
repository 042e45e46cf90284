"""Failures of HTTP as the classes of `headwater.errors`: the same that the engine raises here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from headwater import errors
from headwater.errors import HeadwaterError, InvalidError, UnavailableError

if TYPE_CHECKING:
    import httpx

_CLASSES: Final[dict[str, type[HeadwaterError]]] = {
    each.kind: each
    for each in (
        errors.InvalidError,
        errors.NotFoundError,
        errors.ConflictError,
        errors.UnavailableError,
        errors.DataError,
        errors.ClosedError,
        errors.InternalError,
    )
}

FIRST_SERVER_FAULT: Final = 500


def failure_of(response: httpx.Response) -> HeadwaterError:
    """Return the error that a response tells of; it keeps `retry_after_s` where one is named."""
    try:
        body = orjson.loads(response.content)["error"]
        error = _CLASSES[body["kind"]](
            body["message"],
            code=body["code"],
            detail=body.get("detail") or "",
            hint=body.get("hint") or "",
            row=body.get("row"),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        # Not ours: a proxy, or another server at this address.
        kind = UnavailableError if response.status_code >= FIRST_SERVER_FAULT else InvalidError
        error = kind(
            f"{response.url} answered {response.status_code} {response.reason_phrase}",
            code="unexpected_answer",
            detail=response.text[:500],
            hint="is this the address of a headwater server?",
        )
    wait = response.headers.get("retry-after", "")
    error.retry_after_s = float(wait) if wait.isdigit() else 0.0  # type: ignore[attr-defined]
    return error


def unreachable(url: str, cause: httpx.TransportError) -> UnavailableError:
    """Return the error of a connection that failed or broke."""
    return UnavailableError(
        f"no answer from {url}",
        code="no_answer",
        detail=f"{type(cause).__name__}: {cause}",
        hint="is the server running? start one with: headwater run",
    )

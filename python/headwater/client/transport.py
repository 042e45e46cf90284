"""Requests that are tried again: after a broken connection, and when the server says "later".

Only what may be repeated is repeated: reads, and writes with an idempotency key. Every bound is
named here. Must never hide an error: the last one is raised, as a class of `headwater.errors`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import httpx
import tenacity

from headwater.client.failures import failure_of, unreachable
from headwater.errors import ClosedError, HeadwaterError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTEMPTS_MAX: Final = 6
"""Tries of one request: with the waits below, about five seconds of a restarting server."""

WAIT_FIRST_S: Final = 0.1
WAIT_MAX_S: Final = 2.0
"""Waits double from the first, with jitter, unless the server names one by Retry-After."""

RETRY_AFTER_MAX_S: Final = 30.0
"""A longer wait than this is the caller's decision."""

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 90.0
"""Longer than the server's own deadline of a push, so that its error arrives."""

TRAINING_TIMEOUT_S: Final = 3_700.0
"""Longer than the server's own deadline of a training set."""


class Transport:
    """A pool of connections to one server; safe from threads."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._open()

    def _open(self) -> None:
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._http = _client(self.url, timeout)
        self._process = os.getpid()

    def request(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        content: bytes | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> httpx.Response:
        """Return the response, which is a success; else raise what the server said.

        A request that is not `repeatable` is not sent again once it may have been begun.

        Raises:
            ClosedError: `close` was called.
        """
        if self._process != os.getpid() and not self._http.is_closed:
            # A fork: the connections are its parent's, and two must not talk on one.
            self._open()
        if self._http.is_closed:
            raise ClosedError("the workspace was closed", code="closed", hint="connect again")
        given = {name: value for name, value in (params or {}).items() if value is not None}
        timeout = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        # Values as bytes: text of HTTP's headers is ASCII, and idempotency keys are any text.
        sent = {
            name.encode(): value if isinstance(value, bytes) else value.encode()
            for name, value in (headers or {}).items()
        }

        def send() -> httpx.Response:
            try:
                response = self._http.request(
                    method, path, content=content, headers=sent, params=given, timeout=timeout
                )
            except httpx.TransportError as broken:
                raise unreachable(self.url, broken) from broken
            if response.is_success:
                return response
            raise failure_of(response)

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS_MAX),
            wait=_wait,
            retry=tenacity.retry_if_exception(lambda error: _again(error, repeatable=repeatable)),
            reraise=True,
        )
        return retrying(send)

    def close(self) -> None:
        """Close all connections; a second time does nothing."""
        self._http.close()


def _client(url: str, timeout: httpx.Timeout) -> httpx.Client:
    # Proxies of the environment are for the outside; a feature server is asked directly.
    # Certificates take a tenth of a second to load, and plain HTTP has none.
    verify = url.startswith("https:")
    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, verify=verify)


def _again(error: BaseException, *, repeatable: bool) -> bool:
    """Tell whether a request may be sent again: it was not begun, or a repeat is harmless."""
    if not isinstance(error, UnavailableError):
        return False
    cause = error.__cause__
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return True
    if isinstance(cause, httpx.TransportError):
        return repeatable
    return _retry_after_s(error) <= RETRY_AFTER_MAX_S and error.code in LATER


LATER: Final = frozenset({"queue_full", "stopping", "not_ready", "overloaded", "publishing"})
"""Codes by which a server says: not begun, try again."""


def _retry_after_s(error: HeadwaterError) -> float:
    return float(getattr(error, "retry_after_s", 0.0))


_backoff = tenacity.wait_exponential(WAIT_FIRST_S, WAIT_MAX_S) + tenacity.wait_random(0, 0.1)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    named = _retry_after_s(error) if isinstance(error, HeadwaterError) else 0.0
    return max(named, _backoff(state))

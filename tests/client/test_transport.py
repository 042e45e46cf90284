"""Requests over a bad line: what is sent again, what is not, and what is raised in the end."""

import http.server
import json
import threading

import pytest

import headwater as hw
from headwater.client import transport

RECEIPT = {"accepted": 1, "duplicates": 0, "rejected": [], "positions": {"S": {"0": [0, 1]}}}


class Script(http.server.BaseHTTPRequestHandler):
    """Answers what the test wrote down, one entry a request; `None` breaks the connection."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        step = self.server.script.pop(0)
        if step is None:
            self.close_connection = True
            return
        status, headers, document = step
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - names of the base class

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def scripted(monkeypatch):
    """A server that follows a script, and a workspace connected to it; waits are short."""
    monkeypatch.setattr(transport, "_backoff", lambda _state: 0.0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.daemon_threads = True
    server.script, server.seen = [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with hw.connect(f"http://127.0.0.1:{server.server_port}") as workspace:
        yield server, workspace
    server.shutdown()
    thread.join()
    server.server_close()


def failure(kind, code, message="m"):
    return {"error": {"code": code, "kind": kind, "message": message, "detail": "d", "hint": "h"}}


def test_a_push_over_a_broken_connection_is_sent_again_with_the_same_key(scripted):
    server, workspace = scripted
    server.script += [None, None, (200, {}, RECEIPT)]
    assert workspace.push("S", [{"x": 1}]).accepted == 1
    keys = {headers["idempotency-key"] for _, _, headers, _ in server.seen}
    assert len(server.seen) == 3
    assert len(keys) == 1


def test_a_key_of_the_caller_is_kept(scripted):
    server, workspace = scripted
    server.script += [(200, {}, RECEIPT)]
    workspace.push("S", [{"x": 1}], idempotency_key="mine", arrived_at="seen at")
    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("POST", "/v1/events/S?arrived_at=seen+at", b'{"x":1}\n')
    assert headers["idempotency-key"] == "mine"


def test_a_key_may_be_any_text(scripted):
    server, workspace = scripted
    server.script += [(200, {}, RECEIPT)]
    workspace.push("S", [{"x": 1}], idempotency_key="ключ")
    ((_, _, headers, _),) = server.seen
    assert headers["idempotency-key"].encode("latin-1").decode() == "ключ"


def test_verbs_after_close_are_refused_as_in_process():
    workspace = hw.connect("http://127.0.0.1:9")
    workspace.close()
    workspace.close()
    with pytest.raises(hw.ClosedError) as error:
        workspace.status()
    assert (error.value.code, error.value.message) == ("closed", "the workspace was closed")


def test_a_full_queue_is_waited_for(scripted):
    server, workspace = scripted
    full = (429, {"retry-after": "0"}, failure("unavailable", "queue_full"))
    server.script += [full, full, (200, {}, {"state": {}})]
    assert workspace.status() == {"state": {}}
    assert len(server.seen) == 3


def test_a_replay_is_not_sent_twice(scripted):
    server, workspace = scripted
    server.script += [None]
    with pytest.raises(hw.UnavailableError) as error:
        workspace.dead_letters("S").replay("0-1")
    assert error.value.code == "no_answer"
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("invalid", 422, hw.InvalidError),
        ("not_found", 404, hw.NotFoundError),
        ("conflict", 409, hw.ConflictError),
        ("data", 500, hw.DataError),
        ("internal", 500, hw.InternalError),
        ("closed", 503, hw.ClosedError),
        ("unavailable", 504, hw.UnavailableError),
    ],
    ids=lambda each: str(each) if isinstance(each, str) else "",
)
def test_an_error_is_raised_as_what_it_is_and_not_tried_again(scripted, kind, status, expected):
    server, workspace = scripted
    server.script += [(status, {}, failure(kind, "some_code", "what happened"))]
    with pytest.raises(expected) as error:
        workspace.status()
    assert type(error.value) is expected
    assert (error.value.message, error.value.code) == ("what happened", "some_code")
    assert (error.value.detail, error.value.hint) == ("d", "h")
    assert len(server.seen) == 1


def test_an_answer_of_something_else_is_told(scripted):
    server, workspace = scripted
    server.script += [(502, {}, b"<html>bad gateway</html>")]
    with pytest.raises(hw.UnavailableError) as error:
        workspace.status()
    assert error.value.code == "unexpected_answer"
    assert "bad gateway" in error.value.detail


def test_no_server_is_told_after_a_bounded_number_of_tries(monkeypatch):
    monkeypatch.setattr(transport, "_backoff", lambda _state: 0.0)
    with hw.connect("http://127.0.0.1:9") as workspace, pytest.raises(hw.UnavailableError) as error:
        workspace.status()
    assert error.value.code == "no_answer"
    assert "headwater run" in error.value.hint


def test_names_are_escaped_in_paths(scripted):
    server, workspace = scripted
    server.script += [(200, {}, {"letters": [], "next": None})]
    workspace.dead_letters("a/b?c").list()
    assert server.seen[0][1].startswith("/v1/dead-letters/a%2Fb%3Fc?")

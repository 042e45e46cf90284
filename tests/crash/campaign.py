"""Kill a real server with -9 at random moments, restart it, and count what it still knows.

A client pushes over HTTP and sends a request again until it is answered. After each restart every
key is read and compared with what was sent: nothing acknowledged may be lost, nothing counted
twice, no value wrong. Prints `{"rounds", "lost", "doubled", "wrong"}`; exits 1 unless the last
three are 0. Run by `make crash ROUNDS=n SEED=n`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

KEYS = [f"k{i}" for i in range(12)]
DAY_US = 86_400_000_000
READY_SECONDS_MAX = 60.0
# Late by nothing, half a minute or hours; the odd microseconds keep instants distinct.
LATE_US = (0, 0, 0, 30_000_123, 5_000_000_321)


class Server:
    """The process under test: `headwater run` on a project of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        shutil.copy(Path(__file__).with_name("project.py"), folder / "features.py")
        (folder / "headwater.toml").write_text(
            '[project]\nname = "crash"\ndefinitions = "features.py"\n'
            f'[data]\npath = "data"\n[server]\nhost = "127.0.0.1"\nport = {self.port}\n'
        )
        # Events happen three days ago, so that a read at now asks the state, and one at
        # `archived_at` asks the archive: both must know the same.
        self.first_at = time.time_ns() // 1_000 - 3 * DAY_US
        self.archived_at = self.first_at + 2 * DAY_US
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers that it is ready."""
        command = [sys.executable, "-m", "headwater.cli", "run"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env={**os.environ}
            )
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                if request(self.port, "GET", "/ready", b"", {})[0] == http.HTTPStatus.OK:
                    return
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "server.log").read_text()[-2_000:]
                raise RuntimeError(f"the server did not come up; its last words:\n{said}")
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it without a warning."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def free_port() -> int:
    """Return a port to come back to: below those that systems give out for a moment."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def request(
    port: int, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, Any]:
    """Send one request on its own connection; return status and parsed body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


class Client(threading.Thread):
    """Pushes batches of one stream; a batch is sent until it is answered, then remembered."""

    def __init__(self, server: Server, stream: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._server, self._stream = server, stream
        self._draw = random.Random(seed)
        self._batch = 0
        self.stopped = threading.Event()
        self.failure: Exception | None = None
        self.sent: dict[str, list[tuple[int, float, int]]] = {key: [] for key in KEYS}

    def run(self) -> None:
        """Push until stopped; the batch under way is finished first."""
        try:
            while not self.stopped.is_set():
                self._push(self._events())
        except Exception as failure:  # noqa: BLE001  handed to the main thread, which raises it
            self.failure = failure

    def _events(self) -> list[dict[str, Any]]:
        out = []
        for place in range(self._draw.choice([1, 3, 20, 200])):
            number = self._batch * 1_000 + place
            late_us = self._draw.choice(LATE_US)
            out.append(
                {
                    "tock_id": f"{self._stream}-{number}",
                    "happened_at": self._server.first_at + number * 1_000 - late_us,
                    "key": self._draw.choice(KEYS),
                    "amount": self._draw.randrange(10_000) / 100,
                    "number": number,
                }
            )
        self._batch += 1
        return out

    def _push(self, events: list[dict[str, Any]]) -> None:
        headers = {"Content-Type": "application/json"}
        if self._stream == "Tick":
            headers["Idempotency-Key"] = f"batch-{self._batch}"
        body = json.dumps(events).encode()
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                path = f"/v1/events/{self._stream}"
                status, answer = request(self._server.port, "POST", path, body, headers)
            except (OSError, http.client.HTTPException, ValueError):
                status, answer = 0, None
            if status == http.HTTPStatus.OK:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"a push was not answered: {status} {answer}")
            time.sleep(0.005)
        if answer["rejected"]:
            raise RuntimeError(f"rows of the campaign were refused: {answer['rejected'][0]}")
        for event in events:
            entry = (event["happened_at"], event["amount"], event["number"])
            self.sent[event["key"]].append(entry)


def expected(entries: list[tuple[int, float, int]]) -> list[Any]:
    """What a key should answer: count, total, greatest, the latest five by event time."""
    if not entries:
        return [0, None, None, None]
    cents = sum(round(amount * 100) for _, amount, _ in entries)
    return [
        len(entries),
        cents / 100,
        max(number for _, _, number in entries),
        [number for _, _, number in sorted(entries)[-5:]],
    ]


def verify(server: Server, clients: list[Client], tally: dict[str, int]) -> None:
    """Read every key from state and archive; add to the tally what is lost, doubled or wrong."""
    for at in (None, server.archived_at):
        compare(read(server, at), clients, tally)


def read(server: Server, at: int | None) -> list[list[Any]]:
    """Return the row of each key at an instant; None: now."""
    body = {"service": "crash", "keys": [{"key": k} for k in KEYS], "at": at, "history": True}
    status, answer = request(
        server.port,
        "POST",
        "/v1/features",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    if status != http.HTTPStatus.OK:
        raise RuntimeError(f"the read failed: {status} {answer}")
    return list(answer["rows"])


def compare(rows: list[list[Any]], clients: list[Client], tally: dict[str, int]) -> None:
    """Compare the rows of all keys with what was acknowledged."""
    for key, row in zip(KEYS, rows, strict=True):
        for place, client in enumerate(clients):
            got, want = row[place * 4 : place * 4 + 4], expected(client.sent[key])
            tally["lost"] += max(0, want[0] - got[0])
            tally["doubled"] += max(0, got[0] - want[0])
            total_wrong = (got[1] is None) != (want[1] is None) or (
                want[1] is not None and abs(got[1] - want[1]) > 1e-6
            )
            tally["wrong"] += got[0] == want[0] and (total_wrong or got[2:] != want[2:])


def campaign(rounds: int, seed: int, *, talk: bool = True) -> dict[str, int]:
    """Run the rounds; return the tally."""
    tally = {"rounds": 0, "lost": 0, "doubled": 0, "wrong": 0}
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="headwater-crash-") as folder:
        server = Server(Path(folder))
        server.start()
        numbers = {"Tick": 1, "Tock": 2}
        sent: dict[str, Client] = {}
        try:
            for number in range(rounds):
                clients = [_client(server, name, seed * 7 + n, sent) for name, n in numbers.items()]
                for client in clients:
                    client.start()
                time.sleep(draw.uniform(0.02, 0.5))
                server.kill()
                for client in clients:
                    client.stopped.set()
                server.start()
                for client in clients:
                    client.join()
                    if client.failure is not None:
                        raise client.failure
                verify(server, clients, tally)
                tally["rounds"] = number + 1
                if talk:
                    total = sum(len(v) for c in clients for v in c.sent.values())
                    said = f"round {number + 1} of {rounds}: {total:,} events acknowledged, {tally}"
                    print(said, file=sys.stderr)
        finally:
            server.kill()
    return tally


def _client(server: Server, stream: str, seed: int, sent: dict[str, Client]) -> Client:
    """A client that goes on where the one of the last round stopped."""
    before = sent.get(stream)
    client = Client(server, stream, seed)
    if before is not None:
        client.sent, client._batch, client._draw = before.sent, before._batch, before._draw
    sent[stream] = client
    return client


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    tally = campaign(options.rounds, options.seed)
    print(json.dumps(tally))
    return 1 if tally["lost"] or tally["doubled"] or tally["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())

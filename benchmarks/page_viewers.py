"""Viewers of a live run without their browsers: what a real page asks is recorded once and asked again by many.

A browser takes far more of a machine than what it asks of the server; twenty of them would measure the browsers.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil

#: seconds between an answer and the next question, as in ui/js/run.js
TICK_S = 1.0
#: what the client's library says by itself
OWN_HEADERS = ("connection", "content-length", "host", "accept-encoding")


@dataclass(frozen=True)
class Question:
    """What one tick of a page posts, for any run, session and cursor."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @classmethod
    def recorded(cls, request: Any) -> Question:
        """request: Playwright's, of a page's call of `live`."""
        url = urlsplit(request.url)
        headers = {key: value for key, value in request.all_headers().items() if key not in OWN_HEADERS}
        return cls(str(url.hostname), int(url.port or 80), url.path, headers, json.loads(request.post_data))

    def text(self, run: str, session: str, cursor: int, seen: dict[str, str]) -> str:
        asked = {"run": run, "cursor": cursor, "seen": seen}
        return json.dumps({**self.body, "data": asked, "session_hash": session}, separators=(",", ":"))


@dataclass
class Tick:
    """seconds: from the question to the whole answer; size: bytes of its body; points: new ones in it; longest: how
    many points the longest curve has by now, those that are not drawn too."""

    seconds: float
    size: int
    points: int
    longest: int


@dataclass(eq=False)
class Viewer(threading.Thread):
    """Asks as a page does: a second after each answer, with the cursor and the versions that the answers gave."""

    question: Question
    run_id: str
    number: int
    over: threading.Event
    together: threading.Barrier
    first: Tick | None = None
    ticks: list[Tick] = field(default_factory=list)
    failed: str = ""

    def __post_init__(self) -> None:
        super().__init__(name=f"viewer-{self.number}", daemon=True)
        self.cursor, self.seen = 0, dict[str, str]()
        self.line = http.client.HTTPConnection(self.question.host, self.question.port, timeout=60)

    def run(self) -> None:
        try:
            self.first = self._ask()
            self.together.wait(120)
            while not self.over.wait(TICK_S):
                self.ticks.append(self._ask())
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}"
            self.together.abort()
        finally:
            self.line.close()

    def _ask(self) -> Tick:
        text = self.question.text(self.run_id, f"viewer{self.number}", self.cursor, self.seen)
        begun = time.perf_counter()
        try:
            response, body = self._post(text)
        except (BrokenPipeError, http.client.RemoteDisconnected):
            # The server lets go of connections that were idle for long; browsers open another one, too.
            self.line.close()
            response, body = self._post(text)
        seconds = time.perf_counter() - begun
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {body[:200]!r}")
        answer = json.loads(body)
        self.cursor = answer["cursor"]
        self.seen.update(answer["versions"])
        new = answer["points"]
        longest = max((curve[1] for curve in new), default=0)
        return Tick(seconds, len(body), sum(len(curve[2]) for curve in new), longest)

    def _post(self, text: str) -> tuple[http.client.HTTPResponse, bytes]:
        self.line.request("POST", self.question.path, text, self.question.headers)
        response = self.line.getresponse()
        return response, response.read()


@contextmanager
def viewers(question: Question, run_id: str, count: int) -> Iterator[list[Viewer]]:
    """So many viewers, each with its first answer; they begin to tick at the same moment. Raises RuntimeError."""
    over, together = threading.Event(), threading.Barrier(count + 1)
    found = [Viewer(question, run_id, number, over, together) for number in range(count)]
    for viewer in found:
        viewer.start()
    try:
        together.wait(120)
    except threading.BrokenBarrierError:
        raise RuntimeError(next((v.failed for v in found if v.failed), "a viewer got no first answer")) from None
    try:
        yield found
    finally:
        over.set()
        for viewer in found:
            viewer.join(60)
    failed = [viewer.failed for viewer in found if viewer.failed]
    if failed:
        raise RuntimeError(failed[0])


@dataclass
class Watched:
    """Some seconds of a server with so many viewers. cpu: the server's, in seconds."""

    count: int
    seconds: float
    cpu: float
    ticks: list[Tick]
    firsts: list[Tick]

    @property
    def share(self) -> float:
        """Seconds of the server's CPU a second."""
        return self.cpu / self.seconds


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def watch(server: psutil.Process, question: Question, run_id: str, count: int, seconds: float) -> Watched:
    """What `count` viewers wait for and cost in so many seconds, after their first answers."""
    with viewers(question, run_id, count) as found:
        before, begun = cpu(server), time.monotonic()
        time.sleep(seconds)
        spent, passed = cpu(server) - before, time.monotonic() - begun
    ticks = [tick for viewer in found for tick in viewer.ticks]
    return Watched(count, passed, spent, ticks, [viewer.first for viewer in found if viewer.first])

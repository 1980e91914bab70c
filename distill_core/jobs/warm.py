"""The warm child's end of the pipe: torch is loaded once, then requests are answered one at a time, as JSON lines.

    → {"id": 1, "kind": "latency", "payload": {…}} · {"stop": 1}: something else comes first
    ← {"ready": true}, once · {"id": 1, "result": {…}}, {"id": 1, "error": {kind, message, hint, field}} or
      {"id": 1, "stopped": true}

Standard output belongs to the answers; what libraries print goes to standard error. When the app closes the pipe, or
dies, the child ends, whatever it is doing. `services/warm.py` is the other end.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import psutil

from distill_core.errors import StillroomError, Stopped
from distill_core.train.stop import StopToken

Handler = Callable[[dict[str, Any]], dict[str, Any]]

#: kind of request → module:function that takes its payload and gives a JSON-able dict; loaded when first asked
HANDLERS: dict[str, str] = {
    "latency": "distill_core.planner.latency:answer",
    "estimate": "distill_core.planner.estimate:answer",
    "try": "distill_core.playground:answer",
}


#: of the request under way: handlers that take long ask it now and then, and raise Stopped
stop = StopToken()


def handler(kind: str, registry: Mapping[str, str] = HANDLERS) -> Handler:
    """Raises StillroomError for a kind that nobody registered."""
    if kind not in registry:
        raise StillroomError(f"The helper knows no request of the kind {kind!r}.")
    module, _, name = registry[kind].partition(":")
    found: Handler = getattr(import_module(module), name)
    return found


def answer(request: Any, registry: Mapping[str, str] = HANDLERS) -> dict[str, Any]:
    """The message that answers a request; never raises: what goes wrong is told in words."""
    from distill_core.jobs.child import explain

    number = request.get("id") if isinstance(request, dict) else None
    try:
        if not isinstance(request, dict) or not isinstance(request.get("payload"), dict):
            raise StillroomError("This is no request.")
        result = handler(str(request.get("kind")), registry)(request["payload"])
        message = {"id": number, "result": result}
        json.dumps(message, allow_nan=False)
        return message
    except Stopped:
        return {"id": number, "stopped": True}
    except Exception as error:
        known = explain(error)
        if known is not error:
            traceback.print_exc()
        return {"id": number, "error": known.as_dict()}
    finally:
        _give_back_memory()


def main() -> int:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    global stop
    requests: queue.Queue[tuple[Any, StopToken]] = queue.Queue()
    # Before torch is loaded: an app that goes away in these seconds takes its child along.
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    _prepare()
    _say(answers, {"ready": True})
    while True:
        request, stop = requests.get()
        _say(answers, answer(request))


def _prepare() -> None:
    """Everything a run loads, so that what loading costs is known (`start_cpu_seconds`)."""
    global start_cpu_seconds, start_memory
    with suppress(OSError):
        # When memory is short this process goes first: nothing is lost with it.
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    import_module("distill_core.pipeline")
    start_cpu_seconds = time.process_time()
    start_memory = psutil.Process().memory_info().rss


#: CPU seconds this process took until it was ready: about what a run takes until its first stage
start_cpu_seconds = 0.0
#: bytes it held then
start_memory = 0


def _listen(pipe: IO[str], requests: queue.Queue[tuple[Any, StopToken]]) -> None:
    number, token = None, StopToken()
    for line in pipe:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if isinstance(message, dict) and "stop" in message:
            if message["stop"] == number:
                token.set()
            continue
        number, token = message.get("id") if isinstance(message, dict) else None, StopToken()
        requests.put((message, token))
    os._exit(0)


def _say(pipe: IO[str], message: dict[str, Any]) -> None:
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def _give_back_memory() -> None:
    """Models of a finished request are garbage now; what they held goes back to the system where it can."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


if __name__ == "__main__":
    # As an import of its own, so that handlers find this very module.
    import distill_core.jobs.warm as own

    sys.exit(own.main())

"""A child that speaks the warm child's protocol without torch, and misbehaves when asked to."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def say(message: object) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    behaviour = sys.argv[1] if len(sys.argv) > 1 else ""
    if behaviour == "never":
        sys.exit(3)
    if behaviour == "silent":
        time.sleep(600)
    print("a library's greeting")
    say({"ready": True})
    for count, line in enumerate(sys.stdin):
        request = json.loads(line)
        if "stop" in request:
            continue  # answered before it came
        number, kind, payload = request["id"], request["kind"], request["payload"]
        if kind == "die":
            os._exit(9)
        elif kind == "hang":
            time.sleep(600)
        elif kind == "garbage":
            print("{ not json")
            say([1, 2])
            say({"id": number - 1, "result": {"of": "an older question"}})
            say({"id": number, "result": {"after": "garbage"}})
        elif kind == "refuse":
            say({"id": number, "error": {"kind": "config", "message": "no.", "hint": "yes.", "field": "student"}})
        elif kind == "nothing":
            say({"id": number})
        elif kind == "until stopped":
            Path(payload["begun"]).touch()
            stop = json.loads(sys.stdin.readline())
            say({"id": number, "stopped": True} if stop == {"stop": number} else {"id": number})
        elif kind == "wait":
            while not Path(payload["until"]).exists():
                time.sleep(0.01)
            say({"id": number, "result": {"waited": True}})
        else:
            say({"id": number, "result": {"echo": payload, "pid": os.getpid(), "count": count}})


if __name__ == "__main__":
    main()

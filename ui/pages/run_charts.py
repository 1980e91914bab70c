"""What the run's charts ask for beside `live`: finer points of what is zoomed, and a table of all points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill_core.errors import StillroomError
from distill_core.layout import is_run_id
from ui import text

#: curves that one request may name; nine charts of a run with eight teachers and five seeds have fewer in each
MAX_CURVES = 400
_LARGEST = 2**53  # the largest whole number a page can tell


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    """Requests come from outside: nothing is assumed."""

    def finer(request: Any) -> dict[str, Any]:
        run_id, wanted = _asked(request)
        ids = [value for value in wanted if _whole(value)]
        first, last = (request.get(name) if isinstance(request, dict) else None for name in ("first", "last"))
        if run_id is None or not _whole(first) or not _whole(last):
            return {"error": text.UNKNOWN_RUN}
        try:
            return {"points": services.finer(run_id, ids, first, last)}
        except StillroomError as error:
            return {"error": f"{error.message} {error.hint}".strip()}

    def csv(request: Any) -> dict[str, Any]:
        run_id, wanted = _asked(request)
        keys = [tuple(value) for value in wanted if _key(value)]
        if run_id is None:
            return {"error": text.UNKNOWN_RUN}
        try:
            return {"csv": services.points_csv(run_id, keys)}
        except StillroomError as error:
            return {"error": f"{error.message} {error.hint}".strip()}

    return [finer, csv]


def seen_of(request: Any) -> dict[str, str]:
    """Versions of the parts that a page has, out of its request to `live`."""
    seen = request.get("seen") if isinstance(request, dict) else None
    if not isinstance(seen, dict):
        return {}
    return {str(name): version for name, version in list(seen.items())[:20] if isinstance(version, str)}


def _asked(request: Any) -> tuple[str | None, list[Any]]:
    if not isinstance(request, dict):
        return None, []
    run_id, curves = request.get("run"), request.get("curves")
    return (run_id if is_run_id(run_id) else None), curves[:MAX_CURVES] if isinstance(curves, list) else []


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _key(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and _whole(value[1])
        and isinstance(value[2], str)
    )

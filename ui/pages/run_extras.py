"""What a finished run's page asks for to have more of it measured: how far that is, start, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ui.pages.run_result import answered


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    def extras(request: Any) -> dict[str, Any]:
        return answered(request, services.extras)

    def start_extra(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            services.start_extra(run_id, _kind(request), request.get("most"))
            found: dict[str, Any] = services.extras(run_id)
            return found

        return answered(request, work)

    def stop_extra(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            services.stop_extra(run_id, _kind(request))
            found: dict[str, Any] = services.extras(run_id)
            return found

        return answered(request, work)

    return [extras, start_extra, stop_extra]


def _kind(request: dict[str, Any]) -> str:
    """What a request names, as text; what is none is refused further in."""
    value = request.get("kind")
    return value if isinstance(value, str) else ""

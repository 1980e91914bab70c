"""What a finished run's page asks for beside `live`: verdict, details of single answers, cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill_core.errors import ConfigError, StillroomError
from distill_core.layout import is_run_id
from ui import markup, text

SCRIPTS = (
    "result_parts",
    "result_pieces",
    "result_tables",
    "result_verdict",
    "result_detail",
    "result_examples",
    "result_try",
    "result_report",
    "result_worth",
    "result",
)


def answered(request: Any, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The answer for the run a request names; what is refused, in words. Requests come from outside."""
    run_id = request.get("run") if isinstance(request, dict) else None
    if not is_run_id(run_id):
        return {"error": text.UNKNOWN_RUN}
    try:
        found: dict[str, Any] = markup.finite(work(str(run_id)))
        return found
    except ConfigError as error:
        first = error.errors[0]
        return {"error": first.message, "field": first.field}
    except StillroomError as error:
        return {"error": f"{error.message} {error.hint}".strip(), "field": error.field}


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    def verdict(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            given = request.get("thresholds")
            wanted = {str(name): value for name, value in given.items()} if isinstance(given, dict) else None
            found: dict[str, Any] = services.verdict(run_id, wanted, forget=request.get("forget") is True)
            return found

        return answered(request, work)

    def offline_report(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            name, html = services.offline_report(run_id)
            return {"name": name, "html": html}

        return answered(request, work)

    def reproduction(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: {"said": services.reproduction(run_id)})

    def details(request: Any) -> dict[str, Any]:
        return answered(request, services.details)

    def disagreements(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: services.disagreements(run_id, _wanted(request)))

    def disagreements_csv(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: {"csv": services.disagreements_csv(run_id, _wanted(request))})

    def temperature(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: services.set_temperature(run_id, request.get("on") is True))

    def cost(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: services.cost(run_id, request.get("price")))

    def try_warm(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: {"warm": services.try_warm_up(run_id) is None})

    def try_list(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: services.try_list(run_id, *_listed(request)))

    def try_csv(request: Any) -> dict[str, Any]:
        return answered(request, lambda run_id: {"csv": services.try_csv(run_id, *_listed(request))})

    return [
        *(verdict, details, disagreements, disagreements_csv, temperature, cost),
        *(try_warm, try_list, try_csv),
        *(offline_report, reproduction),
    ]


def _listed(request: dict[str, Any]) -> tuple[str, str]:
    """A list of texts and the name of its file, out of a request."""
    raw, name = request.get("raw"), request.get("name")
    return raw if isinstance(raw, str) else "", name[:200] if isinstance(name, str) else ""


def _wanted(request: dict[str, Any]) -> dict[str, Any]:
    given = request.get("wanted")
    return given if isinstance(given, dict) else {}

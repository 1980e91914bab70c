"""What a person does with a run beside stopping it: words, archive, delete, retry, log, comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill_core.errors import StillroomError
from distill_core.layout import is_run_id
from ui import markup, text
from ui import text_actions as words
from ui.markup import esc

MENU = f"""<details class="sr-menu" id="run-menu"><summary class="sr-button">{esc(words.MENU)}</summary><div>
      <button type="button" id="describe-run">{esc(words.DESCRIBE)}</button>
      <button type="button" id="duplicate-run"></button>
      <button type="button" id="notify-run" hidden></button>
      <button type="button" id="archive-run"></button>
      <button type="button" id="delete-run">{esc(words.DELETE)}</button></div></details>"""
#: below the charts
DESCRIPTION = f"""
  <details class="sr-details" id="run-description"><summary>{esc(words.DESCRIBE)}</summary>
    <form id="run-words" class="sr-form">
      <label>{esc(words.NAME)} <input id="words-name" maxlength="120" autocomplete="off"></label>
      <label>{esc(words.TAGS)} <input id="words-tags" autocomplete="off" placeholder="{esc(words.TAGS_HELP)}"></label>
      <label class="sr-wide">{esc(words.NOTES)}
        <textarea id="words-notes" rows="3" maxlength="20000"></textarea></label>
      <div><button class="sr-button" id="words-save">{esc(words.SAVE)}</button>
        <span id="words-said" role="status"></span></div>
    </form></details>
"""
COMPARISON = f"""
    <div class="sr-form" id="run-compare"><label>{esc(words.DIFFERS)} <select id="compare-with"></select></label></div>
    <div id="run-differences" class="sr-scroll"></div>
"""
LOG = f"""
  <details class="sr-details" id="run-log-part"><summary>{esc(words.LOG)}</summary>
    <div class="sr-form"><label>{esc(words.SEARCH)} <input id="log-search" type="search" autocomplete="off"></label>
      <span id="log-count" class="sr-muted sr-small" role="status"></span></div>
    <pre id="run-log" tabindex="0" role="region" aria-label="{esc(words.LOG)}"></pre></details>
"""


def asked_run(request: Any, key: str = "run") -> str | None:
    """A run's id out of a request, or None. Requests come from outside: nothing is assumed."""
    value = request.get(key) if isinstance(request, dict) else None
    return value if is_run_id(value) else None


def words_of(request: dict[str, Any]) -> dict[str, Any]:
    """What a request wants written beside a run, for `Services.annotate`; what is of another kind is left out."""
    kinds = {"name": str, "notes": str, "tags": str, "archived": bool}
    given = {key: request[key] for key, kind in kinds.items() if isinstance(request.get(key), kind)}
    if "tags" in given:
        given["tags"] = given["tags"].split(",")
    return given


def refused(error: StillroomError) -> dict[str, Any]:
    return {"error": f"{error.message} {error.hint}".strip(), "field": error.field}


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    def answer(request: Any, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        run_id = asked_run(request)
        if run_id is None:
            return {"error": text.UNKNOWN_RUN}
        try:
            return markup.finite(work(run_id))
        except StillroomError as error:
            return refused(error)

    def annotate(request: Any) -> dict[str, Any]:
        return answer(request, lambda run_id: {"saved": services.annotate(run_id, **words_of(request)) is None})

    def remove(request: Any) -> dict[str, Any]:
        return answer(request, lambda run_id: {"deleted": services.delete(run_id) is None})

    def retry(request: Any) -> dict[str, Any]:
        token = request.get("token") if isinstance(request, dict) else None
        known = token[:64] if isinstance(token, str) else None
        return answer(request, lambda run_id: {"run": services.retry(run_id, token=known)})

    def log(request: Any) -> dict[str, Any]:
        search = request.get("search") if isinstance(request, dict) else None
        return answer(request, lambda run_id: services.log(run_id, search if isinstance(search, str) else ""))

    def others(request: Any) -> dict[str, Any]:
        """The runs that this one can be compared with."""

        def work(run_id: str) -> dict[str, Any]:
            return {"runs": [{"id": r["id"], "name": r["name"]} for r in services.runs() if r["id"] != run_id]}

        return answer(request, work)

    def differences(request: Any) -> dict[str, Any]:
        other = asked_run(request, "other")
        if other is None:
            return {"error": text.UNKNOWN_RUN}
        return answer(request, lambda run_id: {"rows": services.differences(run_id, other)})

    return [annotate, remove, retry, log, others, differences]

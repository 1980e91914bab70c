"""How long a run will take and what room it needs, where the services can tell; else nothing is said."""

from __future__ import annotations

import math
from typing import Any

from distill_core.errors import StillroomError
from ui import markup, text


def ask(services: Any, draft: dict[str, Any]) -> dict[str, Any] | None:
    """`services.estimate(draft)`: {seconds, low, high, memory_bytes, disk_bytes, signals, parts, basis}, or {error,
    hint}, or {measuring: True}; None where there is no such service."""
    estimate = getattr(services, "estimate", None)
    if estimate is None:
        return None
    try:
        found = estimate(draft)
    except StillroomError as error:
        return {"error": f"{error.message} {error.hint}".strip()}
    return found if isinstance(found, dict) else None


def rows(estimate: dict[str, Any] | None) -> list[tuple[str, str]]:
    """(name, words) for the summary at the side."""
    if estimate is None:
        return []
    if estimate.get("measuring"):
        return [(text.EXPECTED_TIME, text.MEASURING)]
    if estimate.get("error"):
        return [(text.EXPECTED_TIME, "–")]
    return [
        (text.EXPECTED_TIME, span(estimate)),
        (text.EXPECTED_MEMORY, amount(estimate.get("memory_bytes"))),
        (text.EXPECTED_DISK, amount(estimate.get("disk_bytes"))),
    ]


def html(estimate: dict[str, Any] | None) -> str:
    """The same at Review, stage by stage, with what it rests on."""
    if estimate is None:
        return ""
    if estimate.get("measuring"):
        said = f'<p class="sr-muted">{markup.esc(text.MEASURING_MORE)}</p>'
    elif estimate.get("error"):
        said = f'<p class="sr-muted">{markup.esc(text.NOT_ESTIMATED)} {markup.esc(_why(estimate))}</p>'
    else:
        body = "".join(f"<dt>{markup.esc(name)}</dt><dd>{markup.esc(words)}</dd>" for name, words in rows(estimate))
        parts = [part for part in estimate.get("parts") or [] if isinstance(part, dict)]
        told = ", ".join(f"{part.get('stage')} {duration(part.get('seconds'))}" for part in parts)
        basis = " ".join(str(part) for part in (told and f"{told}.", estimate.get("basis")) if part)
        said = f'<dl>{body}</dl><p class="sr-muted sr-small">{markup.esc(basis)}</p>'
    return f'<div id="estimate"><h4>{markup.esc(text.EXPECTED)}</h4>{said}</div>'


def _why(estimate: dict[str, Any]) -> str:
    return f"{estimate['error']} {estimate.get('hint') or ''}".strip()


def span(estimate: dict[str, Any]) -> str:
    """ "about 3 min (2 min to 5 min)"."""
    said = f"about {duration(estimate.get('seconds'))}"
    low, high = duration(estimate.get("low")), duration(estimate.get("high"))
    if said.endswith(" min") and low.endswith(" s") and estimate["low"] >= 45:
        low = "1 min"  # one unit: "2 min (68 s to 2 min)" reads as if there were three figures
    return said if "–" in (low, high) or low == high else f"{said} ({low} to {high})"


def duration(seconds: object) -> str:
    """Rounded as far as an estimate can be trusted: "40 s", "3 min", "1 h 20 min"."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def amount(size: object) -> str:
    if not isinstance(size, int | float) or isinstance(size, bool) or not math.isfinite(size) or size < 0:
        return "–"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"

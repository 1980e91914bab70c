"""The bar on top of every page: name, links, machine, light or dark."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui import markup, text
from ui import text_header as words
from ui.markup import esc

SKELETON = f"""
<nav class="sr-header" aria-label="{esc(words.PAGES)}">
  <a class="sr-brand" data-page="home" href="?"><svg viewBox="0 0 18 18" fill="none" stroke="currentColor"
    stroke-width="1.6" stroke-linejoin="round" aria-hidden="true"><path d="M7 1.5v5L2.6 14a1.7 1.7 0 0 0 1.5 2.5h9.8a1.7
    1.7 0 0 0 1.5-2.5L11 6.5v-5M5.5 1.5h7M4.6 11h8.8"/></svg>{text.PRODUCT}</a>
  <a data-page="runs" href="?view=runs">{esc(words.RUNS)}</a>
  <a data-page="compare" href="?view=compare">{esc(words.COMPARE)}</a>
  <a data-page="new" href="?view=new">{esc(words.NEW_RUN)}</a>
  <span class="sr-push" id="machine"></span>
  <button id="theme-toggle" type="button" aria-label="{esc(words.THEME)}" title="{esc(words.THEME)}"><svg
    viewBox="0 0 18 18" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true"><circle
    cx="9" cy="9" r="7"/><path d="M9 2a7 7 0 0 1 0 14z" fill="currentColor"/></svg></button>
</nav>
<div id="notes" class="sr-notes" role="status" hidden></div>
"""


def describe(machine: dict[str, Any]) -> dict[str, Any]:
    """{short: "CPU · 2", long: "CPU · 2 cores · 16 GB memory · works offline", ready, notes, watched: may notes come
    and go?}"""
    device = str(machine.get("device") or "")
    name = device.upper() if device in ("cpu", "cuda", "mps") else words.CHECKING
    full = str(machine.get("device_name") or name)
    parts = [full if device != "cpu" else "CPU"]
    if machine.get("cores"):
        parts.append(words.CORES.format(number=machine["cores"]))
    if machine.get("memory_gb"):
        parts.append(words.MEMORY.format(number=machine["memory_gb"]))
    if machine.get("offline"):
        parts.append(words.OFFLINE)
    ready = bool(machine.get("ready", True)) and machine.get("offline", False) is not None
    short = f"{name} · {machine['cores']}" if device == "cpu" and machine.get("cores") else name
    return {
        "short": short,
        "long": " · ".join(parts),
        "ready": ready,
        "notes": notes(machine),
        "watched": machine.get("backup") is not None,
    }


def notes(machine: dict[str, Any]) -> list[str]:
    """What people must know of this machine wherever they are: no GPU for runs, a backup in trouble."""
    found = [words.ZERO_GPU] if machine.get("zero_gpu") else []
    backup = machine.get("backup") or {}
    if backup.get("restoring"):
        found.append(words.RESTORING)
    if backup.get("error"):
        found.append(words.BACKUP_ERROR.format(said=backup["error"]))
    found += [words.NOT_RESTORED.format(run=run, why=why) for run, why in sorted((backup.get("refused") or {}).items())]
    return found


def build(services: Any) -> gr.HTML:
    def machine(request: Any) -> dict[str, Any]:
        del request
        return describe(services.machine())

    return markup.live_html(SKELETON, "header", functions=[machine], elem_id="header")

"""HTML made on the server: everything from people or files goes through `esc`. Pages' scripts use textContent."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from ui import text_shared

HERE = Path(__file__).resolve().parent


def esc(value: object) -> str:
    return html.escape(str(value), quote=True)


@cache
def script(*names: str) -> str:
    """The named scripts as one body: `common` first, then each from ui/js."""
    paths = [HERE / "js" / f"{name}.js" for name in ("common", *names)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def alone(name: str) -> str:
    """A script of ui/js that needs nothing of `common`."""
    return (HERE / "js" / f"{name}.js").read_text(encoding="utf-8")


def live_html(skeleton: str, *names: str, functions: list[Callable[..., Any]], **props: Any) -> gr.HTML:
    """A part of a page whose skeleton stands still and whose script asks the server. props reach the script."""
    elem_classes = ["sr-html", *props.pop("elem_classes", [])]
    return gr.HTML(
        html_template=skeleton,
        js_on_load=script(*names),
        server_functions=functions,
        apply_default_css=False,
        elem_classes=elem_classes,
        shared=text_shared.WORDS,
        **props,
    )


def still_html(value: str = "", **options: Any) -> gr.HTML:
    """Plain, already escaped HTML."""
    elem_classes = ["sr-html", *options.pop("elem_classes", [])]
    return gr.HTML(value, js_on_load=None, apply_default_css=False, elem_classes=elem_classes, **options)


def finite(value: Any) -> Any:
    """NaN and infinities are no JSON: they become None, so that one bad number cannot silence a page."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def count(value: object) -> str:
    """12480 → "12,480"; 1412904 → "1.41 M"."""
    if not isinstance(value, int | float):
        return "–"
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{int(value):,}"


def megabytes(size: object) -> str:
    return f"{size / 1e6:.2f} MB" if isinstance(size, int | float) else "–"


def times(factor: object) -> str:
    if not isinstance(factor, int | float):
        return "–"
    return (f"{factor:.0f}" if factor >= 99.95 else f"{factor:.1f}".removesuffix(".0")) + "×"


def table(rows: list[dict[str, Any]], *, limit: int = 5, marks: Mapping[str, str] | None = None) -> str:
    """The first rows as an HTML table. marks: {column: HTML behind its name}."""
    if not rows:
        return ""
    columns, marks = list(rows[0]), marks or {}
    head = "".join(f'<th scope="col">{esc(column)}{marks.get(column, "")}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{esc(_cut(row.get(column, '')))}</td>" for column in columns) + "</tr>"
        for row in rows[:limit]
    )
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="sr-scroll"><table class="sr-table">{inside}</table></div>'


def prose(said: str) -> str:
    """A help text: what stands between back quotes is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", esc(said))


def paper(name: str) -> str:
    """A paper's name, with a link where it holds an arXiv number ("2106.01023", "MT-BERT (arXiv 2106.01023)")."""
    said = re.sub(r"^(\d{4}\.\d{4,5})$", r"arXiv \1", esc(name))
    link = r'<a href="https://arxiv.org/abs/\1" target="_blank" rel="noreferrer">arXiv \1</a>'
    return re.sub(r"arXiv[: ](\d{4}\.\d{4,5})", link, said)


def _cut(value: object, width: int = 160) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def open_script(kind: str) -> str:
    """For an event that was told the id of a run or sweep (kind) that was just started, or None: goes to its page.

    The address changes before the page is drawn: Plotly and every link look at it.
    """
    return (
        """(id) => {
  if (id) {
    history.pushState({}, "", new URL("?KIND=" + encodeURIComponent(id), document.baseURI));
    window.StillroomDraft.started();
    document.querySelectorAll("#header [aria-current]").forEach(link => link.removeAttribute("aria-current"));
    window.scrollTo(0, 0);
    window.StillroomStarted = id;
  }
  return id;
}"""
    ).replace("KIND", kind)

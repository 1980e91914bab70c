"""The offline report's page: its frame, its style sheet and its lasting words. No torch.

Colours are those of ui/style.css; a test holds them equal. Nothing is fetched and no script runs: the page forbids
both.
"""

from __future__ import annotations

from html import escape

_LIGHT = """--paper: #faf8f4; --surface: #ffffff; --ink: #1f2328; --muted: #5b626c; --line: #e0dbd0;
  --accent: #b4541a; --soft: #f4f1ea; --student: #c2590c; --control-1: #6b7280; --control-2: #8f959e;
  --teacher-1: #1f5fa8; --teacher-2: #4d9bd6; --teacher-3: #0c3a6b; --teacher-4: #2b86a8; --teacher-5: #6a7fc4;
  --teacher-6: #17808f; --teacher-7: #7eb0dd; --teacher-8: #3a4f9c; --good: #1d7a4d; --bad: #b3261e; --warn: #8a5a00;"""
_DARK = """--paper: #15171a; --surface: #1c1f23; --ink: #e8e6e1; --muted: #a3a8b0; --line: #33383f;
  --accent: #f0914a; --soft: #22262b; --student: #f0914a; --control-1: #a3a8b0; --control-2: #7d838c;
  --teacher-1: #6aa9e9; --teacher-2: #a9d0f5; --teacher-3: #3f7fc4; --teacher-4: #63bfdb; --teacher-5: #98a9ec;
  --teacher-6: #4fb8c6; --teacher-7: #c3defa; --teacher-8: #7f93e6; --good: #5fc792; --bad: #ff8a80; --warn: #e9b44c;"""

CSS = f"""
:root {{ color-scheme: light; {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {_DARK} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }}
main {{ max-width: 784px; margin: 0 auto; padding: 40px 32px 64px; }}
h1, h2, h3, p, ul, dl, figure {{ margin: 0; padding: 0; }}
h1 {{ font-size: 26px; line-height: 1.25; letter-spacing: -0.015em; margin: 4px 0; }}
h2 {{ font-size: 19px; margin: 40px 0 10px; padding-top: 12px; border-top: 1px solid var(--line); }}
h3 {{ font-size: 15px; margin: 18px 0 4px; }}
section > p + p, section > ul + p, section > p + ul {{ margin-top: 8px; }}
.muted, figcaption, .kicker, footer {{ color: var(--muted); }}
.kicker, figcaption, footer, .small {{ font-size: 14px; }}
.verdict {{ margin-top: 22px; padding: 18px 20px; background: var(--surface); border: 1px solid var(--line);
  border-left: 5px solid var(--warn); border-radius: 4px; }}
.verdict.ship {{ border-left-color: var(--good); }} .verdict.no {{ border-left-color: var(--bad); }}
.verdict h2 {{ margin: 0 0 4px; padding: 0; border: 0; font-size: 22px; }}
.checks {{ list-style: none; margin-top: 14px; display: grid; gap: 8px; }}
.checks li {{ display: grid; grid-template-columns: 24px 1fr; }}
.checks b {{ font-weight: 650; }}
.met .sign {{ color: var(--good); }} .missed .sign {{ color: var(--bad); }} .unsure .sign {{ color: var(--warn); }}
.sign {{ font-weight: 700; }}
.words {{ padding-left: 20px; display: grid; gap: 4px; }}
figure {{ margin-top: 14px; }} figcaption {{ margin-top: 8px; }}
svg {{ display: block; width: 100%; height: auto; font-family: inherit; }}
svg text {{ font-size: 13px; fill: var(--ink); }} svg .a {{ fill: var(--muted); font-size: 12px; }}
svg .h {{ font-weight: 600; }} svg .g {{ stroke: var(--line); fill: none; }}
svg .m {{ stroke: var(--surface); stroke-width: 1; }} svg .p {{ stroke: none; }}
svg.narrow {{ display: none; }}
svg.sample {{ display: inline-block; width: 30px; vertical-align: middle; }}
.legend {{ list-style: none; display: flex; flex-wrap: wrap; gap: 2px 20px; margin-bottom: 8px; font-size: 14px; }}
.table {{ overflow-x: auto; margin-top: 12px; }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px; overflow-wrap: normal; }}
caption {{ text-align: left; color: var(--muted); padding-bottom: 4px; }}
th, td {{ text-align: right; padding: 5px 0 5px 14px; border-bottom: 1px solid var(--line); vertical-align: top; }}
th:first-child, td:first-child {{ text-align: left; padding-left: 0; overflow-wrap: anywhere; min-width: 110px; }}
td.figure, thead th {{ white-space: nowrap; }} @media (max-width: 600px) {{ thead th {{ white-space: normal; }} }}
figure + ul, .table + .table {{ margin-top: 16px; }}
thead th {{ color: var(--muted); font-weight: 500; vertical-align: bottom; }} tbody th {{ font-weight: 500; }}
dl {{ display: grid; grid-template-columns: 170px 1fr; gap: 6px 16px; }}
dt {{ color: var(--muted); }} dd {{ margin: 0; }}
pre {{ background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: 10px 12px; margin: 8px 0;
  font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; }}
summary {{ cursor: pointer; padding: 6px 0; }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
footer {{ margin-top: 40px; padding-top: 12px; border-top: 1px solid var(--line); }}
@media screen and (max-width: 600px) {{
  main {{ padding: 20px 16px 48px; }} dl {{ grid-template-columns: 1fr; gap: 0; }} dd {{ margin-bottom: 8px; }}
  svg.wide {{ display: none; }} svg.narrow {{ display: block; }}
}}
@media print {{
  @page {{ size: A4; margin: 16mm 15mm 18mm; }}
  body {{ background: #fff; font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  main {{ max-width: none; padding: 0; }}
  h2 {{ margin-top: 22pt; }}
  h1, h2, h3, caption, summary {{ break-after: avoid; }}
  figure, .table, tr, li, dl > *, .verdict {{ break-inside: avoid; }} thead {{ display: table-header-group; }}
  .table {{ overflow: visible; }} table {{ font-size: 9pt; }}
  details::details-content {{ content-visibility: visible; display: block; block-size: auto; }}
  pre {{ font-size: 8pt; }}
}}
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, body: str) -> str:
    """The whole document; title is plain text, body is HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="generator" content="Stillroom">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def section(key: str, title: str, *parts: str) -> str:
    """One part of the report under its heading; parts are HTML, title is plain text."""
    inner = "\n".join(part for part in parts if part)
    return f'<section aria-labelledby="{key}"><h2 id="{key}">{escape(title)}</h2>\n{inner}</section>'


def table(caption: str, head: list[str], rows: list[list[str]]) -> str:
    """All plain text; the first cell of a row names it."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(f'<tr><th scope="row">{escape(first)}</th>{"".join(map(_cell, rest))}</tr>' for first, *rest in rows)
    return (
        f'<div class="table"><table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    """Figures stay on one line, words may break."""
    kind = ' class="figure"' if any(map(str.isdigit, text)) else ""
    return f"<td{kind}>{escape(text)}</td>"


def paragraph(text: str, kind: str = "") -> str:
    of = f' class="{kind}"' if kind else ""
    return f"<p{of}>{escape(text)}</p>" if text else ""


def bullets(lines: list[str]) -> str:
    return '<ul class="words">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


def facts(rows: list[tuple[str, str]]) -> str:
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
    return f"<dl>{inner}</dl>"

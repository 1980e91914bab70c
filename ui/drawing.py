"""Teachers' layers beside the student's as SVG: what is compared, and what the student starts from.

A panel for each teacher, the student in each of them, so that no line crosses a third column. Heights grow with the
layers; a student's layer stands where an evenly spread match would have its teacher's, so that such lines are level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui import markup
from ui import text_drawing as text

WIDTH, TEACHER_WIDTH, STUDENT_LEFT = 340, 96, 190
#: layers up to → height of a row; below the last, boxes carry no words
PITCHES = ((8, 26), (16, 22), (28, 18), (48, 15))
#: more teachers than this are opened one at a time
SIDE_BY_SIDE = 3
#: line patterns, so that terms differ not by colour alone
DASHES = ("", "7 3", "2 3", "9 3 2 3", "12 4")
TAKEN_DASH = "1 4"
#: lines of one term beyond this are drawn lightly
MANY = 12


def drawing_html(found: Mapping[str, Any]) -> str:
    """found: what `services.drawing` says of a draft; {} before it was asked."""
    if not found:
        return _block("", f'<p class="sr-muted sr-small">{markup.esc(text.WAITING)}</p>')
    if "missing" in found:
        items = "".join(f"<li>{markup.esc(_sentence(item))}</li>" for item in found["missing"])
        return _block("missing", f'<p class="sr-muted sr-small">{markup.esc(text.MISSING)}</p><ul>{items}</ul>')
    student, teachers = found["student"], found["teachers"]
    panels = [_panel(student, teacher) for teacher in teachers]
    if len(panels) > SIDE_BY_SIDE:
        body = "".join(
            f'<details name="sr-drawing" data-teacher="{teacher["number"]}"{" open" if place == 0 else ""}>'
            f"<summary>{markup.esc(teacher['name'])}</summary>{panel}</details>"
            for place, (teacher, panel) in enumerate(zip(teachers, panels, strict=True))
        )
        body = f'<div class="sr-drawing-list">{body}</div>'
    else:
        body = f'<div class="sr-drawing-panels">{"".join(panels)}</div>'
    left_out = "".join(
        f'<p class="sr-advice-warning sr-small">'
        f"{markup.esc(text.LEFT_OUT.format(message=_capital(item['message']), hint=item['hint']).strip())}</p>"
        for item in found["left_out"]
    )
    return _block("drawn", body + left_out + table_html(found))


def _block(state: str, inside: str) -> str:
    return (
        f'<section class="sr-drawing" data-drawing="{state}" aria-label="{markup.esc(text.TITLE)}">'
        f"<h4>{markup.esc(text.TITLE)}</h4>{inside}</section>"
    )


def _sentence(item: Mapping[str, str]) -> str:
    return f"{_capital(item['message'])} {item['hint']}".strip()


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


# ---------------------------------------------------------------- one panel


@dataclass(frozen=True)
class _Side:
    """Where the parts of one side stand: {place in the list: middle of its box}, from the top."""

    middles: dict[int, float]


def _pitch(layers: int) -> int:
    return next((height for most, height in PITCHES if layers <= most), PITCHES[-1][1])


def _side(parts: Sequence[Mapping[str, Any]], above: int, most: int, pitch: int) -> _Side:
    """above: rows kept free above the layers on both sides; most: layers of the deeper side."""
    layers = max((part["layer"] for part in parts), default=0)
    top = [place for place, part in enumerate(parts) if not part["layer"] and part["role"] != "embedding"]
    middles: dict[int, float] = {}
    for row, place in enumerate(reversed(top)):  # the prediction is the topmost
        middles[place] = (row + 0.5) * pitch
    for place, part in enumerate(parts):
        if part["layer"]:
            middles[place] = (above + most - part["layer"] * most / layers + 0.5) * pitch
        elif part["role"] == "embedding":
            middles[place] = (above + most + 0.75) * pitch
    return _Side(middles)


def _panel(student: Mapping[str, Any], teacher: Mapping[str, Any]) -> str:
    ours, theirs = student["parts"], teacher["parts"]
    most = max(part["layer"] for part in (*ours, *theirs))
    above = max(sum(not part["layer"] and part["role"] != "embedding" for part in side) for side in (ours, theirs))
    pitch = _pitch(most)
    left, right = _side(theirs, above, most, pitch), _side(ours, above, most, pitch)
    height = round((above + most + 1.5) * pitch)
    colour = f"var(--sr-teacher-{1 + teacher['number'] % 8})"
    shapes = [
        _spine(left, TEACHER_WIDTH / 2, colour),
        _spine(right, (STUDENT_LEFT + WIDTH) / 2, "var(--sr-student)"),
        *_taken_lines(student, teacher, left, right),
        *_links(student, teacher, left, right),
        *(_box(part, left.middles[place], pitch, 0, colour) for place, part in enumerate(theirs)),
        *(_student_box(part, right.middles[place], pitch, gives=teacher["gives"]) for place, part in enumerate(ours)),
    ]
    label = text.FIGURE.format(student=student["words"], teacher=teacher["name"])
    head = text.PANEL.format(teacher=teacher["name"], layers=teacher["layers"], hidden=teacher["hidden"])
    return (
        f'<figure class="sr-drawing-one"><figcaption><span>{markup.esc(head)}</span>'
        f"<span>{markup.esc(text.STUDENT.format(words=student['words']))}</span></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{markup.esc(label)}">{"".join(shapes)}</svg>'
        f"{_legend(student, teacher)}</figure>"
    )


def _spine(side: _Side, x: float, colour: str) -> str:
    """The way from the input up, behind the boxes."""
    ends = side.middles.values()
    return f'<line class="sr-spine" x1="{x}" x2="{x}" y1="{min(ends):g}" y2="{max(ends):g}" style="stroke: {colour}"/>'


def _box(part: Mapping[str, Any], middle: float, pitch: int, left: int, colour: str, *, said: str = "") -> str:
    width, tall = (TEACHER_WIDTH if left == 0 else WIDTH - STUDENT_LEFT), pitch - 5
    size = f" · {part['size']}" if part.get("size") else ""
    kind = "" if part.get("learns", True) else " sr-box-plain"
    aside = f'<tspan class="sr-box-start" x="{left + width - 8}" text-anchor="end">{markup.esc(said)}</tspan>'
    return (
        f'<g class="sr-box{kind}"><rect x="{left + 0.75}" y="{middle - tall / 2:g}" width="{width - 1.5}" '
        f'height="{tall}" rx="3" style="--role: {colour}"/>'
        f'<text x="{left + 8}" y="{middle + 3.8:g}">{markup.esc(part["title"])}{markup.esc(size)}'
        f"{aside if said else ''}</text></g>"
    )


def _student_box(part: Mapping[str, Any], middle: float, pitch: int, *, gives: bool) -> str:
    """What it takes from a teacher is told beside that teacher alone."""
    said = start_words(part, "")[1] if gives or not part["given"] else ""
    return _box(part, middle, pitch, STUDENT_LEFT, "var(--sr-student)", said=said)


def _curve(from_y: float, to_y: float, style: str, classes: str) -> str:
    half = (TEACHER_WIDTH + STUDENT_LEFT) / 2
    return (
        f'<path class="{classes}" style="{style}" d="M{TEACHER_WIDTH} {from_y:g} '
        f'C{half} {from_y:g} {half} {to_y:g} {STUDENT_LEFT} {to_y:g}"/>'
    )


def _places(parts: Sequence[Mapping[str, Any]], role: str) -> dict[int, int]:
    """{layer: place} of the parts of a role; what is no layer is number 0."""
    return {part["layer"]: place for place, part in enumerate(parts) if part["role"] == role}


def _taken_lines(student: Mapping[str, Any], teacher: Mapping[str, Any], left: _Side, right: _Side) -> list[str]:
    """From the teacher's parts that the student starts from, just below the middle."""
    if not teacher["gives"]:
        return []
    lines = []
    for place, part in enumerate(student["parts"]):
        given = part["given"]
        if not given:
            continue
        own = _places(teacher["parts"], "layer" if given["layer"] else part["role"]).get(given["layer"])
        if own is not None:
            style = f"stroke-dasharray: {TAKEN_DASH}"
            lines.append(_curve(left.middles[own] + 6, right.middles[place] + 6, style, "sr-link sr-taken"))
    return lines


def _links(student: Mapping[str, Any], teacher: Mapping[str, Any], left: _Side, right: _Side) -> list[str]:
    lines = []
    at_layers = [link["term"] for link in teacher["links"] if link["at"] == "layer"]
    others = [link["term"] for link in teacher["links"] if link["at"] != "layer"]
    for number, link in enumerate(teacher["links"]):
        role = link["at"]
        theirs, ours = _places(teacher["parts"], role), _places(student["parts"], role)
        peers = at_layers if role == "layer" else others
        shift = 4 * (peers.index(link["term"]) - (len(peers) - 1) / 2) - 2
        style = f"{_colour(link['term'])}; stroke-dasharray: {_dash(number)}"
        classes = "sr-link sr-link-many" if len(link["pairs"]) > MANY else "sr-link"
        for own, layer in link["pairs"] if role == "layer" else [(0, 0)]:
            if own in ours and layer in theirs:
                ends = left.middles[theirs[layer]] + shift, right.middles[ours[own]] + shift
                lines.append(_curve(*ends, style, classes))
    return lines


def _colour(term: str) -> str:
    return f"stroke: var(--sr-loss-{term.replace('_', '-')}, var(--sr-muted))"


def _dash(number: int) -> str:
    return DASHES[number % len(DASHES)] or "none"


def _legend(student: Mapping[str, Any], teacher: Mapping[str, Any]) -> str:
    items = [
        _legend_item(f"{_colour(link['term'])}; stroke-dasharray: {_dash(number)}", _term_words(link))
        for number, link in enumerate(teacher["links"])
    ]
    hows = [part["given"]["how"] for part in student["parts"] if part["given"]] if teacher["gives"] else []
    items += [
        _legend_item(f"stroke: var(--sr-muted); stroke-dasharray: {TAKEN_DASH}; stroke-linecap: round", words)
        for words in dict.fromkeys(text.TAKEN[how] for how in hows)
    ]
    if not teacher["links"]:
        items.append(f'<li class="sr-muted">{markup.esc(text.NO_LINKS)}</li>')
    return f'<ul class="sr-drawing-legend">{"".join(items)}</ul>'


def _legend_item(style: str, words: str) -> str:
    line = f'<svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" style="{style}"/></svg>'
    return f"<li>{line}<span>{markup.esc(words)}</span></li>"


def _term_words(link: Mapping[str, Any]) -> str:
    """ "Hidden states, by word, in representation"."""
    level = text.LEVELS.get(str(link["level"]), "")
    stages = text.IN_STAGES.format(stages=", ".join(link["stages"])) if link["stages"] else ""
    return ", ".join(part for part in (link["title"], level, stages) if part)


# ---------------------------------------------------------------- the same in words


def start_words(part: Mapping[str, Any], teacher: str) -> tuple[str, str]:
    """What a part starts as, in full and in short."""
    if not part["learns"]:
        return text.NO_WEIGHTS, ""
    given = part["given"]
    if not given:
        return text.RANDOM
    full, short = text.GIVEN[(given["how"], bool(given["layer"]))]
    return full.format(layer=given["layer"], teacher=teacher), short.format(layer=given["layer"])


def lessons(part: Mapping[str, Any], teacher: Mapping[str, Any]) -> list[str]:
    """What a part of the student learns from a teacher, a phrase a term."""
    found = []
    for link in teacher["links"]:
        title = _term_words(link)
        if link["at"] != "layer":
            if part["role"] == link["at"]:
                found.append(text.LESSONS["other"].format(title=title))
            continue
        layers = [layer for own, layer in link["pairs"] if part["layer"] and own == part["layer"]]
        if layers:
            every = len(layers) == teacher["layers"] > 2
            form = "every" if every else "layer" if len(layers) == 1 else "layers"
            found.append(text.LESSONS[form].format(title=title, layers=", ".join(map(str, layers))))
    return found


def table_html(found: Mapping[str, Any]) -> str:
    """A row for each of the student's parts, the topmost first; a column for each teacher."""
    teachers = found["teachers"]
    giver = next((teacher["name"] for teacher in teachers if teacher["gives"]), "")
    heads = [text.PART, text.STARTS, *(text.LEARNS.format(teacher=teacher["name"]) for teacher in teachers)]
    head = "".join(f'<th scope="col">{markup.esc(name)}</th>' for name in heads)
    body = []
    for part in reversed(found["student"]["parts"]):
        size = f", {part['size']}" if part["size"] else ""
        cells = [start_words(part, giver)[0], *("; ".join(lessons(part, one)) or text.NOTHING for one in teachers)]
        row = "".join(f"<td>{markup.esc(cell)}</td>" for cell in cells)
        body.append(f'<tr><th scope="row">{markup.esc(part["title"] + size)}</th>{row}</tr>')
    return (
        f'<details class="sr-how"><summary>{markup.esc(text.TABLE)}</summary><div class="sr-scroll" tabindex="0" '
        f'role="group" aria-label="{markup.esc(text.TABLE)}"><table class="sr-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div></details>"
    )

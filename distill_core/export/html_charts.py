"""The charts of the offline report: SVG written by hand, in the page's role colours, with shapes, patterns and words
for readers who do not tell the colours apart. Each is drawn twice, for a wide and a narrow screen. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDE, NARROW = 720, 340
#: a curve is drawn with at most so many points
MOST_POINTS = 240
_DASHES = ("", "7 4", "2 3", "8 3 2 3", "14 4", "14 3 2 3", "4 2", "2 6")
_ARMS = {
    "main": ("--student", "", 2.4, "circle"),
    "no_teacher": ("--control-1", "7 4", 1.8, "square"),
    "uniform": ("--control-2", "2 3", 2.0, "diamond"),
}


@dataclass(frozen=True)
class Model:
    """One line of the charts: a teacher, or an arm over its seeds.

    role: "teacher" or the arm's name; number: which teacher, from 0. test: mean over the seeds, in [0, 1]; between:
    95% interval (one seed) or lowest and highest seed; each: every seed's. validation: likewise the mean.
    """

    label: str
    role: str
    number: int = 0
    parameters: int = 0
    bytes: int = 0
    test: float | None = None
    validation: float | None = None
    between: tuple[float, float] | None = None
    each: tuple[float, ...] = ()
    agreement: float | None = None

    @property
    def style(self) -> tuple[str, str, float, str]:
        """(CSS variable, dashes, width, marker), as the page draws this role."""
        if self.role == "teacher":
            return f"--teacher-{1 + self.number % 8}", _DASHES[self.number % 8], 1.8, "triangle"
        return _ARMS[self.role]


@dataclass(frozen=True)
class Curve:
    """Validation quality of one trial: (step, quality in [0, 1]) in order."""

    model: Model
    seed: int
    points: tuple[tuple[int, float], ...]


def drawn(key: str, title: str, said: str, wide: str, narrow: str) -> str:
    """Both drawings, of which the style sheet shows one; said: the text alternative."""

    def one(name: str, body: str) -> str:
        box, inner = body.split("|", 1)
        ids = f"{key}-{name}"
        return (
            f'<svg class="{name}" role="img" viewBox="0 0 {box}" aria-labelledby="{ids}-t {ids}-d">'
            f'<title id="{ids}-t">{escape(title)}</title><desc id="{ids}-d">{escape(said)}</desc>{inner}</svg>'
        )

    return one("wide", wide) + one("narrow", narrow)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from at most `low` to at least `high`."""
    span = max(high - low, 1e-9)
    size = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= wanted)
    first = math.floor(low / step + 1e-9)
    return [round(number * step, 10) for number in range(first, math.ceil(high / step - 1e-9) + 1)]


# ---------------------------------------------------------------- quality


def quality(models: Sequence[Model], width: int) -> str:
    """A row for each model: its test quality as a mark, its interval as a line; the axis is in %."""
    left, right, row = (190, 150, 34) if width == WIDE else (6, 6, 50)
    ends = [end for m in models if m.test is not None for end in (m.between or (m.test, m.test)) + m.each]
    marks = ticks(100 * min(ends), min(100 * max(ends), 100))
    low, high = marks[0], max(marks[-1], marks[0] + 1)
    height = row * len(models) + 34

    def x(value: float) -> float:
        return left + 8 + (100 * value - low) / (high - low) * (width - left - right - 16)

    parts = [_axis(marks, [x(m / 100) for m in marks], height - 24, "%", width)]
    for number, model in enumerate(models):
        middle = row * number + (row / 2 if width == WIDE else row - 15)
        top = middle if width == WIDE else middle - 19
        said = figures(model)
        parts.append(_name(model.label, 0, top + 4, 26 if width == WIDE else 20))
        parts.append(f'<text class="v" x="{width}" y="{top + 4:.1f}" text-anchor="end">{escape(said)}</text>')
        if model.test is None:
            continue
        colour = f"var({model.style[0]})"
        if model.between:
            a, b = map(x, model.between)
            ends_at = "".join(f"M{end:.1f} {middle - 5:.1f}v10" for end in (a, b))
            parts.append(f'<path d="M{a:.1f} {middle:.1f}H{b:.1f}{ends_at}" stroke="{colour}" stroke-width="1.8"/>')
        parts += [f'<circle cx="{x(one):.1f}" cy="{middle:.1f}" r="2" fill="{colour}"/>' for one in model.each]
        parts.append(_marker(model.style[3], x(model.test), middle, colour))
    return f"{width} {height}|" + "".join(parts)


def figures(model: Model) -> str:
    """ "94.2% (93.1–95.3)"."""
    if model.test is None:
        return "no answers of its own"
    between = f" ({100 * model.between[0]:.1f}–{100 * model.between[1]:.1f})" if model.between else ""
    return f"{100 * model.test:.1f}%{between}"


def _axis(marks: Sequence[float], at: Sequence[float], bottom: float, unit: str, width: int) -> str:
    lines = "".join(f"M{x:.1f} 0V{bottom:.1f}" for x in at)
    every = 1 if width == WIDE or len(marks) <= 6 else 2
    texts = "".join(
        f'<text class="a" x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="{_anchor(x, width)}">{mark:g}{unit}</text>'
        for number, (mark, x) in enumerate(zip(marks, at, strict=True))
        if number % every == 0
    )
    return f'<path class="g" d="{lines}"/>{texts}'


def _anchor(x: float, width: int) -> str:
    return "start" if x < 16 else "end" if x > width - 16 else "middle"


def _name(label: str, x: float, y: float, most: int) -> str:
    shown = label if len(label) <= most else label[: most - 1] + "…"
    return f'<text class="n" x="{x}" y="{y:.1f}"><title>{escape(label)}</title>{escape(shown)}</text>'


def _marker(kind: str, x: float, y: float, colour: str) -> str:
    paths = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5"',
        "square": f'<rect x="{x - 4.8:.1f}" y="{y - 4.8:.1f}" width="9.6" height="9.6"',
        "diamond": f'<path d="M{x:.1f} {y - 6.8:.1f}l6.8 6.8-6.8 6.8-6.8-6.8z"',
        "triangle": f'<path d="M{x:.1f} {y - 6.6:.1f}l6.6 11.6h-13.2z"',
    }
    return f'{paths[kind]} fill="{colour}" class="m"/>'


# ---------------------------------------------------------------- bars


def bars(groups: Sequence[tuple[str, Sequence[tuple[Model, float, str]]]], width: int) -> str:
    """groups: (title, [(model, length, what stands beside the bar)]); every group has its own scale, from 0."""
    left, right = (190, 110) if width == WIDE else (0, 0)
    row = 26 if width == WIDE else 40
    parts, y = [], 0.0
    for title, rows in groups:
        parts.append(f'<text class="h" x="0" y="{y + 15:.1f}">{escape(title)}</text>')
        y += 26
        most = max((value for _, value, _ in rows), default=0.0)
        for model, value, said in rows:
            middle = y + (row / 2 if width == WIDE else row - 12)
            top = middle if width == WIDE else middle - 15
            colour = f"var({model.style[0]})"
            long = (value / most if most > 0 else 0) * (width - left - right)
            parts.append(_name(model.label, 0, top + 4, 26 if width == WIDE else 24))
            parts.append(f'<text class="v" x="{width}" y="{top + 4:.1f}" text-anchor="end">{escape(said)}</text>')
            parts.append(
                f'<rect x="{left}" y="{middle - 6:.1f}" width="{max(long, 2):.1f}" height="12" fill="{colour}"/>'
            )
            y += row
        y += 14
    return f"{width} {max(y - 8, 10):.0f}|" + "".join(parts)


# ---------------------------------------------------------------- curves


def curves(trials: Sequence[Curve], teachers: Sequence[Model], width: int) -> str:
    """Validation quality by optimizer step; every teacher's level as a horizontal line."""
    height, left = (290, 46) if width == WIDE else (230, 40)
    right, bottom = width - 10.0, height - 40.0
    values = [100 * v for trial in trials for _, v in trial.points]
    levels = [100 * t.validation for t in teachers if t.validation is not None]
    marks = ticks(min(values + levels), min(max(values + levels), 100))
    low, high = marks[0], max(marks[-1], marks[0] + 1)
    steps = ticks(0, max(step for trial in trials for step, _ in trial.points), 6 if width == WIDE else 4)

    def x(step: float) -> float:
        return left + step / max(steps[-1], 1) * (right - left)

    def y(value: float) -> float:
        return bottom - (100 * value - low) / (high - low) * (bottom - 8)

    parts = levels_of(marks, y, left, right)
    parts += [
        f'<text class="a" x="{x(s):.1f}" y="{bottom + 17:.1f}" text-anchor="{_anchor(x(s), width)}">{s:,.0f}</text>'
        for s in steps
    ]
    middle = (left + right) / 2
    parts.append(f'<text class="a" x="{middle:.1f}" y="{height - 4}" text-anchor="middle">optimizer step</text>')
    for teacher in teachers:
        if teacher.validation is not None:
            parts.append(_line(teacher, f"M{left} {y(teacher.validation):.1f}H{right:.1f}"))
    for trial in reversed(trials):
        points = thinned(trial.points)
        drawn_as = "".join(f"{'L' if n else 'M'}{x(s):.1f} {y(v):.1f}" for n, (s, v) in enumerate(points))
        parts.append(_line(trial.model, drawn_as))
        colour, kind = f"var({trial.model.style[0]})", trial.model.style[3]
        if len(points) <= 40:
            parts += [_marker(kind, x(s), y(v), colour).replace('class="m"', 'class="p"') for s, v in points]
    return f"{width} {height}|" + "".join(parts)


def levels_of(marks: Sequence[float], y: Callable[[float], float], left: float, right: float) -> list[str]:
    """Lines across a chart, and the axis beside them. marks: per cent; y: of a share in [0, 1]."""
    lines = "".join(f"M{left} {y(mark / 100):.1f}H{right:.1f}" for mark in marks)
    said = [f'<text class="a" x="{left - 6}" y="{y(m / 100) + 4:.1f}" text-anchor="end">{m:g}%</text>' for m in marks]
    return [f'<path class="g" d="{lines}"/>', *said]


def thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `MOST_POINTS` of a curve: evenly taken, with the first, the last and the best."""
    if len(points) <= MOST_POINTS:
        return list(points)
    best = max(range(len(points)), key=lambda n: points[n][1])
    taken = {round(n * (len(points) - 1) / (MOST_POINTS - 2)) for n in range(MOST_POINTS - 1)} | {best}
    return [points[n] for n in sorted(taken)]


def _line(model: Model, path: str) -> str:
    colour, dashes, thick, _ = model.style
    pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="var({colour})" stroke-width="{thick}"{pattern}/>'


def legend(models: Sequence[Model], notes: Mapping[str, str]) -> str:
    """A list of the lines of `curves`; notes: what is said beside a label."""
    items = []
    for model in models:
        line = _line(model, "M0 6H30")
        mark = "" if model.role == "teacher" else _marker(model.style[3], 15, 6, f"var({model.style[0]})")
        note = f' <span class="muted">{escape(notes[model.label])}</span>' if notes.get(model.label) else ""
        sample = f'<svg class="sample" width="30" height="12" viewBox="0 0 30 12" aria-hidden="true">{line}{mark}</svg>'
        items.append(f"<li>{sample} {escape(model.label)}{note}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'

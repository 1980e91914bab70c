"""Line charts as SVG, side by side, for growth.py: nothing to install, and browsers and GitHub show it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 470, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 46, 92
#: told apart by people who see few colours too (Okabe and Ito)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")


@dataclass(frozen=True)
class Panel:
    """One chart. lines: name → (x, y) with x > 0 ascending, drawn over log x. log: y is so too, else from 0."""

    title: str
    x: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    log: bool = False


def svg(panels: Sequence[Panel]) -> str:
    """All panels in one row."""
    parts = [f'<g transform="translate({number * WIDTH},0)">{_panel(panel)}</g>' for number, panel in enumerate(panels)]
    width = WIDTH * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="#222"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _panel(panel: Panel) -> str:
    points = [point for line in panel.lines.values() for point in line]
    low, high = math.log10(min(x for x, _ in points)), math.log10(max(x for x, _ in points))
    most, least = max(y for _, y in points), min(y for _, y in points)
    top = 10 ** math.ceil(math.log10(most)) if panel.log else _round_up(most)
    floor = 10 ** math.floor(math.log10(least)) if panel.log else 0.0

    def place(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) - low) / ((high - low) or 1)
        rise = math.log10(y / floor) / math.log10(top / floor) if panel.log else y / top
        return LEFT + share * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - rise * (HEIGHT - TOP - BOTTOM)

    drawn = [f'<text x="{LEFT}" y="24" font-size="14" font-weight="bold">{escape(panel.title)}</text>']
    for value in _ticks(floor, top, panel.log):
        y = place(10**low, value)[1]
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.10g}</text>')
    for x in sorted({x for x, _ in points}):
        left, y = place(x, floor or top)[0], HEIGHT - BOTTOM + 16
        drawn.append(f'<text x="{left:.1f}" y="{y}" text-anchor="middle">{_short(x)}</text>')
    drawn.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - BOTTOM + 34}" text-anchor="middle">{escape(panel.x)}</text>')
    for number, (name, line) in enumerate(panel.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [place(x, y) for x, y in line]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        left, below = LEFT + (number % 2) * 200, HEIGHT - BOTTOM + 54 + (number // 2) * 17
        drawn.append(f'<rect x="{left}" y="{below - 9}" width="12" height="10" fill="{colour}"/>')
        drawn.append(f'<text x="{left + 18}" y="{below}">{escape(name)}</text>')
    return "".join(drawn)


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 × a power of ten."""
    power: float = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _ticks(floor: float, top: float, log: bool) -> list[float]:
    if not log:
        return [top * step / 5 for step in range(6)]
    return [10**power for power in range(round(math.log10(floor)), round(math.log10(top)) + 1)]


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"

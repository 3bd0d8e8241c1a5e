"""Plots as SVG text, drawn on white so that they can be read on any page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

INK, FAINT = "#1c2430", "#d5dae1"
COLORS = ("#1f6fc4", "#d9731a", "#3a8f3a", "#8a4fbf")
SIZE, LEFT, TOP, RIGHT, BOTTOM = 300, 52, 34, 16, 44
CELL = 17
LETTER = 6.1
"""About the width of one letter of the small print, in pixels."""
MOST_CAUSES = 60

Named = tuple[str, Any]


def reliability(series: Sequence[Named]) -> str:
    """`bins` of each series as points with their 95% intervals, over the line where stated is seen."""
    marks = [_line([(0, 0), (1, 1)], FAINT, dashed=True)]
    for color, (_, bins) in zip(COLORS, series, strict=False):
        for found in bins:
            share = found["right"]
            seen = share["right"] / share["total"]
            marks.append(
                _line([(found["mean"], share["low"]), (found["mean"], share["high"])], color, thin=True)
            )
            marks.append(_dot(found["mean"], seen, color, share["total"]))
    return _chart(marks, "stated probability", "share that is right", [name for name, _ in series])


def risk_coverage(series: Sequence[Named]) -> str:
    """`curve` of each series: coverage to the right, risk upwards."""
    marks = [_line(curve, color) for color, (_, curve) in zip(COLORS, series, strict=False)]
    return _chart(
        marks, "share of cases answered, surest first", "share that is wrong", [n for n, _ in series]
    )


def learning(series: Sequence[Named], across: str) -> str:
    """Points (share of what there is to learn, share right, low, high) of each series, joined."""
    marks = []
    for color, (_, points) in zip(COLORS, series, strict=False):
        marks += [_line([(x, low), (x, high)], color, thin=True) for x, _, low, high in points]
        marks.append(_line([(x, y) for x, y, _, _ in points], color))
    return _chart(marks, across, "share of answers that are right", [name for name, _ in series])


def confusion(mixed: Sequence[Mapping[str, Any]], right: Mapping[str, int]) -> str:
    """Cells of (truth, answer) pairs that occurred; blue where the cause is right, orange where not."""
    rows = sorted({c["want"] for c in mixed})[:MOST_CAUSES]
    columns = sorted({*rows, *(c["got"] for c in mixed)})[: 2 * MOST_CAUSES]
    counts = {(c["want"], c["got"]): c["cases"] for c in mixed}
    counts |= {(name, name): right.get(name, 0) for name in rows}
    most = max(counts.values(), default=1) or 1
    left = 10 + LETTER * max(map(len, rows))
    top = 10 + LETTER * max(map(len, columns))
    parts = []
    for x, got in enumerate(columns):
        at = left + x * CELL + CELL / 2 + 4
        parts.append(_text(0, 0, got, anchor="start", place=f"translate({at:.1f} {top - 5:.1f}) rotate(-90)"))
    for y, want in enumerate(rows):
        parts.append(_text(left - 5, top + y * CELL + CELL / 2 + 4, want, anchor="end"))
        for x, got in enumerate(columns):
            parts.append(
                _cell(left + x * CELL, top + y * CELL, counts.get((want, got), 0), most, want == got)
            )
    return _svg(left + len(columns) * CELL + 10, top + len(rows) * CELL + 10, parts)


def _cell(x: float, y: float, count: int, most: int, right: bool) -> str:
    color, strength = COLORS[0 if right else 1], 0.25 + 0.6 * count / most
    fill = f'fill="{color}" fill-opacity="{strength:.2f}"' if count else 'fill="#fff"'
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{CELL}" height="{CELL}" {fill} stroke="{FAINT}"/>'
    return box + (_text(x + CELL / 2, y + CELL / 2 + 4, str(count)) if count else "")


def _chart(marks: Sequence[str], across: str, upwards: str, names: Sequence[str]) -> str:
    width, height = LEFT + SIZE + RIGHT, TOP + SIZE + BOTTOM
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [
            _line([(tick, 0), (tick, 1)], FAINT, thin=True),
            _line([(0, tick), (1, tick)], FAINT, thin=True),
            _text(_x(tick), TOP + SIZE + 16, f"{tick:g}"),
            _text(LEFT - 7, _y(tick) + 4, f"{tick:g}", anchor="end"),
        ]
    parts += marks
    parts.append(_text(LEFT + SIZE / 2, height - 8, across))
    parts.append(_text(0, 0, upwards, place=f"translate(14 {TOP + SIZE / 2}) rotate(-90)"))
    at = float(LEFT)
    for color, name in zip(COLORS, names, strict=False):
        parts.append(f'<rect x="{at:.1f}" y="12" width="10" height="10" fill="{color}"/>')
        parts.append(_text(at + 15, 21, name, anchor="start"))
        at += 32 + LETTER * len(name)
    return _svg(width, height, parts)


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="system-ui, sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _x(share: float) -> float:
    return LEFT + SIZE * share


def _y(share: float) -> float:
    return TOP + SIZE * (1 - share)


def _line(points: Sequence[Sequence[float]], color: str, *, dashed: bool = False, thin: bool = False) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{1 if thin else 2}"{dash}/>'


def _dot(x: float, y: float, color: str, cases: int) -> str:
    title = f"<title>{cases} answers, {y:.0%} right</title>"
    return f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="4" fill="{color}">{title}</circle>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle", place: str = "") -> str:
    where = f'transform="{place}"' if place else f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {where} text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'

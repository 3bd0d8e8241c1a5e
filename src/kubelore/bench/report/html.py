"""Prints sections as one HTML file that needs nothing else: styles and plots are in it, no script."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from kubelore.bench.report.page import Block, Commands, Plot, Section, Table

CODE = re.compile(r"`([^`]+)`")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #f5f6f8; margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
section { background: #fff; border: 1px solid #e2e5ea; border-radius: 8px; margin: 1rem 0; }
section { padding: 1rem 1.5rem 1.25rem; }
h1 { margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: .25rem 0 .75rem; }
p { max-width: 60rem; color: #4a5566; margin: .5rem 0; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #edeff2; }
th { font-weight: 600; border-bottom-color: #c4cad3; white-space: nowrap; }
tr.ours td { font-weight: 700; background: #eaf2fb; }
pre { background: #f5f6f8; padding: .75rem 1rem; overflow-x: auto; border-radius: 6px; }
figure { display: inline-block; margin: .5rem 1.5rem .5rem 0; vertical-align: top; }
figcaption { color: #4a5566; font-size: .9rem; }
""".strip()


def render(title: str, intro: str, sections: Iterable[Section]) -> str:
    body = "\n".join(
        f"<section><h2>{escape(section.title)}</h2>\n" + "\n".join(map(_block, section.blocks)) + "</section>"
        for section in sections
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{STYLE}\n</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1>\n<p>{escape(intro)}</p>\n{body}\n</main></body></html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Plot():
            return f"<figure>{block.svg}<figcaption>{escape(block.caption)}</figcaption></figure>"
        case Commands():
            return f"<pre>{escape(chr(10).join(block.lines))}</pre>"
        case str():
            return "<p>" + CODE.sub(r"<code>\1</code>", escape(block)) + "</p>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "\n".join(_row(row, ours=number in table.ours) for number, row in enumerate(table.rows))
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'


def _row(cells: Iterable[str], *, ours: bool) -> str:
    mark = ' class="ours"' if ours else ""
    return f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"

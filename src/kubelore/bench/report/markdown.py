"""Prints sections as Markdown; plots are images beside the page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import fill

from kubelore.bench.report.page import Block, Commands, Plot, Section, Table

WIDTH = 120


def render(title: str, intro: str, sections: Iterable[Section], stem: str) -> str:
    """The page; its images are named `STEM-NAME.svg`, as `images` has them."""
    parts = [f"# {title}", _wrapped(intro)]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += [_block(block, stem) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def images(sections: Iterable[Section], stem: str) -> dict[str, str]:
    """The SVG of each image by its file name."""
    return {
        _file(stem, block): block.svg + "\n"
        for section in sections
        for block in section.blocks
        if isinstance(block, Plot)
    }


def write(path: Path, title: str, intro: str, sections: list[Section]) -> None:
    """The page and its images, in the page's folder. Raises OSError."""
    for name, svg in images(sections, path.stem).items():
        path.with_name(name).write_text(svg, encoding="utf-8")
    path.write_text(render(title, intro, sections, path.stem), encoding="utf-8")


def _block(block: Block, stem: str) -> str:
    match block:
        case Table():
            return _table(block)
        case Plot():
            return f"![{block.caption}]({_file(stem, block)})"
        case Commands():
            return "\n".join(["```sh", *block.lines, "```"])
        case str():
            return _wrapped(block)


def _table(table: Table) -> str:
    lines = [_row(table.header), "|" + "|".join(["---"] * len(table.header)) + "|"]
    for number, row in enumerate(table.rows):
        lines.append(_row([f"**{cell}**" for cell in row] if number in table.ours else row))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    escaped = (" ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(cell.replace("<", "&lt;") for cell in escaped) + " |"


def _file(stem: str, plot: Plot) -> str:
    return f"{stem}-{plot.name}.svg"


def _wrapped(text: str) -> str:
    return fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)

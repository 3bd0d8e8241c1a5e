"""The knowledge base for people: what was added, what was found, what there is. Takes cleaned reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kubelore.cli.render import columns, heading, item

Row = Mapping[str, Any]

SHOWN_LINES = 12
"""Of a passage that was found."""
SHOWN_DUPLICATES = 10
SHOWN_REASONS = 15
"""A checkout may have files of very many kinds."""
MIB = 1 << 20


def added(report: Row) -> RenderableType:
    """What one pass over a source did."""
    line = f"{report['source']}: {counted(report)}"
    parts: list[RenderableType] = [Text(line, no_wrap=True, overflow="ignore")]  # paths are for copying
    for title, reasons in (("Skipped", report["skipped"]), ("Read in part", report["partly"])):
        if reasons:
            parts += [Text(), heading(title), *_reasons(reasons)]
    if report["duplicates"]:
        parts += [Text(), heading("Known already"), *_duplicates(report["duplicates"])]
    return Group(*parts)


def counted(report: Row) -> str:
    """One line of counts; those of nothing are left out."""
    names = ("added", "changed", "unchanged", "removed")
    counts = [f"{report[name]} {name}" for name in names if report[name]] or ["nothing added"]
    if report["passages"]:
        known = f", {report['shared']} of them known already" if report["shared"] else ""
        counts.append(f"{_number(report['passages'], 'passage')}{known}")
    skipped = sum(reason["count"] for reason in report["skipped"].values())
    return ", ".join([*counts, *([f"{skipped} skipped"] if skipped else [])])


def found(rows: Sequence[Row], *, filtered: bool = False) -> RenderableType:
    if not rows:
        among = "that the options let through " if filtered else ""
        return Text(f"nothing in the knowledge base {among}is near enough to that question")
    parts: list[RenderableType] = []
    for number, row in enumerate(rows, 1):
        lines = row["content"].splitlines()
        more = len(lines) - SHOWN_LINES
        shown = Text("\n".join(lines[:SHOWN_LINES]))
        rest = (
            [Text(f"({_number(more, 'more line')}: kubelore knowledge show {row['id']})", style="dim")]
            if more > 0
            else []
        )
        title = Text(row["title"], style="bold")
        parts += [item(str(number), title, Text(_origin(row), style="dim"), Text(), shown, *rest), Text()]
    return Group(*parts)


def found_markdown(rows: Sequence[Row]) -> str:
    return "\n\n".join(entry_markdown(row) for row in rows) or "Nothing is near enough to that question."


def listed(rows: Sequence[Row], limit: int) -> RenderableType:
    if not rows:
        return Text("no passages")
    cells = [(row["id"], row["type"], f"{row['title']}\n{row['document']}, {row['source']}") for row in rows]
    if len(rows) < limit:
        return columns(cells)
    more = Text(f"there may be more: --after {rows[-1]['id']}", style="dim")
    return Group(columns(cells), Text(), more)


def entry(row: Row) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name in ("id", "type", "source", "document", "url", "licence", "version", "time"):
        if row[name]:
            table.add_row(name, Text(row[name]))
    if row["tags"]:
        table.add_row("tags", Text(", ".join(row["tags"])))
    return Group(Text(row["title"], style="bold"), Text(), table, Text(), Text(row["content"]))


def entry_markdown(row: Row) -> str:
    return f"## {row['title']}\n\n{row['content']}\n\n(from: {_origin(row)})"


def stats(report: Row) -> RenderableType:
    types = ", ".join(f"{count} {name}" for name, count in report["types"].items())
    entries = f"{_number(report['documents'], 'document')}, {_number(report['entries'], 'entry', 'entries')}"
    lines = [
        f"{entries} ({types})" if types else "nothing yet: kubelore knowledge add PATH",
        f"{_number(report['passages'], 'different passage')}, {report['bytes'] / MIB:.1f} MiB",
        *_spaces(report),
    ]
    cells = [
        (str(s["documents"]), str(s["entries"]), s["updated"][:10] or "never finished", s["name"])
        for s in report["sources"]
    ]
    parts: list[RenderableType] = [Text(line) for line in lines]
    if cells:
        parts += [Text(), columns(cells, ("documents", "entries", "updated", "source"))]
    return Group(*parts)


def _spaces(report: Row) -> Iterator[str]:
    for name, say in (("space", "found by meaning with"), ("next_space", "being prepared for")):
        if space := report[name]:
            left = f", {_number(space['missing'], 'passage')} to go" if space["missing"] else ""
            yield f"{say} {space['embedder']} ({space['dimension']} dimensions){left}"


def _reasons(reasons: Mapping[str, Row]) -> Iterator[Table]:
    ranked = sorted(reasons.items(), key=lambda pair: -pair[1]["count"])
    for why, reason in ranked[:SHOWN_REASONS]:
        names = reason["examples"]
        more = f" and {reason['count'] - len(names)} more" if reason["count"] > len(names) else ""
        yield item(str(reason["count"]), Text(why), Text(", ".join(names) + more, style="dim"))
    if rest := ranked[SHOWN_REASONS:]:
        count = sum(reason["count"] for _why, reason in rest)
        yield item(str(count), Text(f"for {len(rest)} other reasons; -o json has them all", style="dim"))


def _duplicates(rows: Sequence[Row]) -> Iterator[Table]:
    for row in rows[:SHOWN_DUPLICATES]:
        line = f"{row['document']}: {_number(row['passages'], 'passage')} of {row['of']}"
        yield item("-", Text(line), Text(row["source"], style="dim"))
    if len(rows) > SHOWN_DUPLICATES:
        yield item("", Text(f"and {len(rows) - SHOWN_DUPLICATES} more documents", style="dim"))


def _origin(row: Row) -> str:
    where = row["url"] or f"{row['document']}, {row['source']}"
    return ", ".join(part for part in (where, row["time"][:10], row["licence"], row["type"]) if part)


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"

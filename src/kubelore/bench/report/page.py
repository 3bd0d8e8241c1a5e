"""The page of a run: sections of paragraphs, tables and plots, made of the figures alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubelore.bench.report import plots

MOST_MISSES = 100


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of one row are the first column's text and then figures. `ours` are rows to point out."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ours: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plot:
    """`name` is part of a file name, `svg` a whole image."""

    name: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Commands:
    lines: tuple[str, ...]


Block = str | Table | Plot | Commands


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


def short(figures: dict[str, Any]) -> list[Section]:
    """What a terminal shows."""
    return [result(figures), *slices(figures), baselines(figures), calibration(figures)[0]]


def full(figures: dict[str, Any], predictions: str, truth: str) -> list[Section]:
    """The whole page; `predictions` and `truth` are the paths that its commands name."""
    return [
        result(figures),
        *slices(figures),
        published(figures),
        baselines(figures),
        *calibration(figures),
        categories(figures),
        causes(figures),
        confusion(figures),
        misses(figures),
        repeat(predictions, truth),
    ]


def result(figures: dict[str, Any]) -> Section:
    rows = [
        _result_row(name, part) for name, part in [*figures["systems"].items(), ("all", figures["total"])]
    ]
    header = (
        "system", "cases", "A@1 (95%)", "A@3", "strict", "cause", "object",
        "steps", "seconds", "tokens", "broken",
    )  # fmt: skip
    return Section(
        "Result",
        (
            Table(header, tuple(rows)),
            "A@1: category, cause and object of the first answer are right; A@3: of one among three; strict: "
            "A@1 with the cause spelled as the label spells it. Cause and object: of the first answer, each "
            "alone. A broken case counts in every share, as not right; steps and seconds are means over the "
            "cases that did not break.",
        ),
    )


def slices(figures: dict[str, Any]) -> Iterator[Section]:
    rows = []
    for system, parts in figures["telling_question"].items():
        if parts:
            rows += [
                (f"{system}, {name}", str(part["cases"]), *_three(part))
                for name, part in (("the question alone", parts["slice"]), ("without it", parts["rest"]))
            ]
    if rows:
        yield Section(
            "The question that tells",
            (
                '"Service quality degradation." has one and the same answer in Train-Ticket: whoever answers '
                "it may know the label and not the fault.",
                Table(("cases with it", "cases", "A@1 (95%)", "A@3", "cause"), tuple(rows)),
            ),
        )


def published(figures: dict[str, Any]) -> Section:
    blocks: list[Block] = [
        f"Source: {figures['published']['source']}. Theirs are for all 656 cases, ours for those scored."
    ]
    for system, others in figures["published"]["systems"].items():
        part = figures["systems"].get(system)
        if part is None:
            continue
        ranked = [
            (o["a1"], (o["agent"], *(_optional(o, key) for key in ("a1", "a3", "steps")))) for o in others
        ]
        mine = (
            f"kubelore ({part['cases']} cases)", _interval(part["right"]), _rate(part["in_three"]),
            f"{part['steps']['mean']:.1f}",
        )  # fmt: skip
        ranked.append((part["right"]["right"] / part["right"]["total"], mine))
        ranked.sort(key=lambda entry: -entry[0])
        rows = tuple(row for _, row in ranked)
        blocks.append(Table((system, "A@1", "A@3", "steps"), rows, frozenset({rows.index(mine)})))
    return Section("Beside published results", tuple(blocks))


def baselines(figures: dict[str, Any]) -> Section:
    rows = [
        (b["name"], b["held_out"] or "no labels used", b["system"], *_three(b), _rate(b["object"]))
        for b in figures["baselines"]
    ]
    return Section(
        "What simple guessing reaches",
        (
            Table(("baseline", "held out", "system", "A@1 (95%)", "A@3", "cause", "object"), tuple(rows)),
            "On the same cases. Held out: `case` learns from the labels of all other cases of its system, "
            "twins included; `group` from no case of the same cause and object, so that both are out of "
            "its reach; `nothing` knows all labels.",
        ),
    )


def calibration(figures: dict[str, Any]) -> list[Section]:
    data = figures["calibration"]
    stated, fitted = data["stated"], data["cross_validated"]
    named = [(n, d) for n, d in (("as stated", stated), ("cross-validated", fitted)) if d]
    if not named:
        return [Section("Calibration", ("No answer has a probability.",))]
    rows = [
        (
            name, str(d["answers"]), f"{d['brier']:.3f}", f"{d['ece']:.3f}", f"{d['ece_by_chance']:.3f}",
            f"{d['accuracy_at_50']:.3f}", f"{d['accuracy_at_80']:.3f}",
        )
        for name, d in named
    ]  # fmt: skip
    header = ("probability", "answers", "Brier", "ECE", "ECE by chance", "acc. at 50%", "acc. at 80%")
    how = (
        f"Cross-validated: recalibrated ({data['method']}, chosen by Brier score) by curves fitted to other "
        "folds, whole (cause, object) groups kept together."
        if fitted
        else f"Not recalibrated: {data['not_fitted']}."
    )
    if data["shipped"]:
        how += (
            f" As stated: by the curve that ships, which was fitted to {data['shipped']['source']} on "
            f"{data['shipped']['date']}; on those same cases that is no test."
        )
    meaning = (
        "ECE over ten bins of equal mass; by chance: what answers that are right exactly as often as they "
        "say show on average. Accuracy at 50% and 80%: on the surest half and four fifths of all cases. A "
        "diagnosis that the benchmark has no label for counts as a wrong answer with its probability. " + how
    )
    drawn = [
        Plot("reliability", "How often answers are right, by the probability they state.",
             plots.reliability([(n, d["bins"]) for n, d in named])),
        Plot("risk-coverage", "Share of wrong answers when only the surest are taken.",
             plots.risk_coverage([(n, d["curve"]) for n, d in named])),
    ]  # fmt: skip
    return [
        Section("Calibration", (Table(header, tuple(rows)), meaning)),
        Section("Reliability and risk", tuple(drawn)),
    ]


def categories(figures: dict[str, Any]) -> Section:
    rows = [
        (f"{system}, {name}", str(part["cases"]), *_three(part), _rate(part["object"]), str(part["broken"]))
        for system, parts in figures["categories"].items()
        for name, part in parts.items()
    ]
    header = ("category", "cases", "A@1 (95%)", "A@3", "cause", "object", "broken")
    return Section("By category", (Table(header, tuple(rows)),))


def causes(figures: dict[str, Any]) -> Section:
    worst = sorted(
        figures["causes"].items(), key=lambda kv: (kv[1]["right"]["right"] / kv[1]["cases"], kv[0])
    )
    rows = [
        (
            name,
            str(part["cases"]),
            *(str(part[key]["right"]) for key in ("right", "in_three", "cause", "object")),
        )
        for name, part in worst
    ]
    header = ("cause", "cases", "A@1", "A@3", "cause right", "object right")
    return Section("By cause, worst first", (Table(header, tuple(rows)),))


def confusion(figures: dict[str, Any]) -> Section:
    if not figures["confusion"]:
        return Section("Confusion of causes", ("No cause was taken for another.",))
    rows = [(c["want"], c["got"], str(c["cases"])) for c in figures["confusion"]]
    right = {name: part["cause"]["right"] for name, part in figures["causes"].items()}
    svg = plots.confusion(figures["confusion"], right)
    return Section(
        "Confusion of causes",
        (
            Plot("confusion", "Causes that were taken for another: truth in rows, answers in columns.", svg),
            Table(("truth", "answer", "cases"), tuple(rows)),
        ),
    )


def misses(figures: dict[str, Any]) -> Section:
    blocks: list[Block] = []
    if figures["misses"]:
        shown = figures["misses"][:MOST_MISSES]
        rows = tuple((m["case"], m["want"], m["got"]) for m in shown)
        blocks.append(Table(("case", "truth", "answer"), rows))
        if len(shown) < len(figures["misses"]):
            blocks.append(f"And {len(figures['misses']) - len(shown)} more.")
    if figures["broken"]:
        broken = tuple((b["case"], b["why"]) for b in figures["broken"][:MOST_MISSES])
        blocks.append(Table(("broken case", "why"), broken))
    return Section("What is wrong", tuple(blocks) or ("Nothing.",))


def repeat(predictions: str, truth: str) -> Section:
    return Section(
        "How to repeat it",
        (
            f"`{truth}` holds a folder with metadata.json and tool_cache.json for each case; those of this "
            "project lie beside its checkout. kubelore's rules were written with these at hand: what they "
            "reach on cases that they have not seen counts more.",
            Commands(
                (
                    f"mkdir -p {truth} && tar xf ../shared/cloud-opsbench/dev.tar.xz -C {truth}",
                    f"kubelore bench cloud-opsbench {truth} --out {predictions}",
                    f"kubelore bench score {predictions} --truth {truth} --markdown docs/benchmarks.md",
                )
            ),
        ),
    )


def _result_row(name: str, part: dict[str, Any]) -> tuple[str, ...]:
    shares = (_rate(part[key]) for key in ("in_three", "strict", "cause", "object"))
    return (
        name, str(part["cases"]), _interval(part["right"]), *shares, f"{part['steps']['mean']:.1f}",
        f"{part['seconds']['mean']:.2f}", f"{part['tokens_in'] + part['tokens_out']}", str(part["broken"]),
    )  # fmt: skip


def _three(part: dict[str, Any]) -> tuple[str, str, str]:
    return _interval(part["right"]), _rate(part["in_three"]), _rate(part["cause"])


def _interval(share: dict[str, Any]) -> str:
    return f"{_rate(share)} ({share['low']:.2f}-{share['high']:.2f})"


def _rate(share: dict[str, Any]) -> str:
    return f"{share['right'] / share['total']:.3f}" if share["total"] else "none"


def _optional(row: dict[str, Any], key: str) -> str:
    return f"{row[key]:.1f}" if key == "steps" and key in row else f"{row[key]:.2f}" if key in row else ""

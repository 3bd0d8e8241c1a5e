"""The page of a learning benchmark: sections of paragraphs, tables and plots, made of the figures alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubelore.bench.learn.arms import ARMS
from kubelore.bench.learn.experiments import ALONE, OTHERS, SHOWN
from kubelore.bench.learn.tasks import WORN
from kubelore.bench.report import plots
from kubelore.bench.report.page import Commands, Plot, Section, Table

ARM_MEANING = (
    "Arms: `no memory`; recall by the `question` (TF-IDF of its words); by the `evidence`; `unverified`: "
    "by the evidence, but cases enter with the agent's own answers and nobody checks them; `placebo`: as "
    "many votes, as strong, for the causes of cases drawn at random."
)


def short(figures: dict[str, Any]) -> list[Section]:
    """What a terminal shows."""
    return [
        taken_away(figures),
        on_top(figures),
        worn(figures),
        recurring(figures),
        poison(figures),
        calibration(figures),
    ]


def full(figures: dict[str, Any], commands: tuple[str, ...]) -> list[Section]:
    """The whole page; `commands` say how to repeat it."""
    return [
        taken_away(figures),
        causes(figures),
        on_top(figures),
        worn(figures),
        recurring(figures),
        curve(figures),
        poison(figures),
        calibration(figures),
        Section("How to repeat it", (Commands(commands),)),
    ]


def taken_away(figures: dict[str, Any]) -> Section:
    rows = [
        (
            row["arm"], row["casebook"], str(row["shown"]), str(row["causes"]), _share(row["right"]),
            f"{row['with_pattern']:.3f}", f"{row['without']:.3f}", _part(row["recovered"]),
            _part(row["recovered_by_cause"]),
        )
        for row in figures["taken_away"]
    ]  # fmt: skip
    ours = [
        number
        for number, row in enumerate(figures["taken_away"])
        if (row["arm"], row["casebook"]) == ("evidence", OTHERS)
    ]
    header = (
        "arm", "casebook", "cases seen", "causes", "A@1 (95%)", "with its pattern", "without", "recovered",
        "mean over causes",
    )  # fmt: skip
    return Section(
        "A pattern taken away comes back",
        (
            "For each cause with four or more cases all that the patterns know of it is removed; the "
            f"casebook then sees {', '.join(map(str, SHOWN[:-1]))} or {SHOWN[-1]} confirmed cases of it on "
            f"other objects ({OTHERS}: beside the cases of all other causes; {ALONE}: nothing else), and "
            "the rest is asked. Recovered: of what the pattern gave on the same cases.",
            Table(header, tuple(rows), frozenset(ours)),
            ARM_MEANING,
        ),
    )


def causes(figures: dict[str, Any]) -> Section:
    rows = [
        (
            row["cause"],
            str(row["cases"]),
            str(row["objects"]),
            f"{row['with_pattern']:.2f}",
            *(_plain(row["after"][str(shown)]) for shown in SHOWN),
        )
        for row in figures["taken_away_causes"]
    ]
    header = ("cause", "cases", "objects", "with its pattern", *(f"{shown} seen" for shown in SHOWN))
    return Section(
        "By cause",
        (
            Table(header, tuple(rows)),
            "A cause that was injected into one object only has no case on another object to learn from.",
        ),
    )


def on_top(figures: dict[str, Any]) -> Section:
    rows = [("no memory", _share(figures["without_memory"]), *("",) * 5)]
    rows += [(row["arm"], _share(row["right"]), *_difference(row)) for row in figures["on_top"]]
    return Section(
        "On top of all patterns",
        (
            Table(("arm", "A@1 (95%)", *DIFFERENCE), tuple(rows), frozenset({ARMS.index("evidence")})),
            "Every case is asked with all cases of other (cause, object) groups on record. Gained and "
            "lost: cases that are right with memory and were not without, and the other way round; p: "
            "exact McNemar test; intervals by bootstrap over groups.",
        ),
    )


def worn(figures: dict[str, Any]) -> Section:
    rows = [
        (str(row["library"]), _share(row["before"]), _share(row["right"]), *_difference(row))
        for row in figures["worn"]
    ]
    return Section(
        "On top of patterns that lack much",
        (
            "The patterns were written with these cases at hand, and leave memory little to add. Here each "
            f"of {len(rows)} libraries lacks {WORN:.0%} of their conditions and signs, drawn at random; "
            "cases of other groups are on record as before.",
            Table(("library", "no memory", "with memory", *DIFFERENCE), tuple(rows)),
        ),
    )


def recurring(figures: dict[str, Any]) -> Section:
    rows = [
        (name, str(row["right"]["total"]), _share(row["before"]), _share(row["right"]), *_difference(row))
        for name, row in (
            ("all patterns", figures["recurring"]),
            ("its pattern taken away", figures["recurring_untaught"]),
        )
    ]
    header = ("patterns", "cases", "no memory", "with memory", *DIFFERENCE)
    return Section(
        "Recurring incidents",
        (
            "The same cause at the same object, another time: the casebook has seen the other time.",
            Table(header, tuple(rows)),
        ),
    )


def curve(figures: dict[str, Any]) -> Section:
    total = figures["cases"]
    series = [
        (
            row["arm"],
            [
                (p["before"] / total, p["right"]["mean"], p["right"]["low"], p["right"]["high"])
                for p in row["points"]
            ],
        )
        for row in figures["curve"]
    ]
    befores = [str(p["before"]) for p in figures["curve"][0]["points"]] if figures["curve"] else []
    rows = [(row["arm"], *(_share(p["right"]) for p in row["points"])) for row in figures["curve"]]
    return Section(
        "From nothing",
        (
            f"Without any pattern, in {figures['seeds']} random orders: each case is answered with those "
            "that came before it on record (but for its own group), and then confirmed or corrected. "
            "Without memory, and where nobody checks answers, nothing is ever right.",
            Plot(
                "learning",
                f"Share of answers that are right, by the share of {total} cases that came before.",
                plots.learning(series, "share of cases that came before"),
            ),
            Table(("A@1 (95%) after about so many cases", *befores), tuple(rows)),
        ),
    )


def poison(figures: dict[str, Any]) -> Section:
    rows = [
        (row["attack"], _share(row["right"]), *_difference(row), str(row["answers"]))
        for row in figures["poison"]
    ]
    return Section(
        "Poisoned cases",
        (
            "All patterns, the cases of all other groups, and 30 poisoned ones (60 in the flood) by an "
            "attacker who knows every case; compared with the same casebook without them.",
            Table(("attack", "A@1 (95%)", *DIFFERENCE, "poisoned answers"), tuple(rows)),
            "Poisoned answers: wrong ones that poisoned cases speak for and that nothing else brings about.",
        ),
    )


def calibration(figures: dict[str, Any]) -> Section:
    rows = [
        (
            row["answers"],
            str(row["number"]),
            f"{row['right']['right'] / row['right']['total']:.3f}",
            *(f"{row[name]:.3f}" for name in ("brier", "ece", "ece_by_chance", "at_half")),
        )
        for row in figures["calibration"]
    ]
    header = ("answers", "number", "right", "Brier", "ECE", "ECE by chance", "right of the surest half")
    return Section("Calibration", (Table(header, tuple(rows)),))


DIFFERENCE = ("gained", "lost", "harm", "difference (95%)", "p")


def _difference(row: dict[str, Any]) -> Iterator[str]:
    yield from (str(row["gained"]), str(row["lost"]), f"{row['harm']:.1%}")
    yield f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
    yield f"{row['p']:.3f}"


def _share(share: dict[str, Any]) -> str:
    return f"{share['mean']:.3f} ({share['low']:.2f}-{share['high']:.2f})" if share["total"] else "none"


def _part(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"


def _plain(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"

"""The figures of a Cloud-OpsBench run as plain data: shares with their intervals, spreads, counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from kubelore import __version__
from kubelore.bench import baselines, calibration
from kubelore.bench.scoring.cloud_opsbench import is_telling, strangers
from kubelore.bench.scoring.judge import Answer, Expected, Score, judge
from kubelore.bench.scoring.stats import spread
from kubelore.calibration import FILE
from kubelore.errors import DataError
from kubelore.packaged import packaged_yaml

FORMAT = "kubelore.bench.score/1"
ALL = "all"
SHARES: Mapping[str, Callable[[Score], Any]] = {
    "right": lambda score: score.right,
    "in_three": lambda score: score.in_three,
    "strict": lambda score: score.strict,
    "cause": lambda score: score.cause,
    "object": lambda score: score.object,
}


def figures(answers: Sequence[Answer], expected: Sequence[Expected], on: date) -> dict[str, Any]:
    """Everything that is reported about one predictions file."""
    by_id = {answer.id: answer for answer in answers}
    score = judge(by_id, expected)
    return {
        "format": FORMAT,
        "kubelore": __version__,
        "date": on.isoformat(),
        "total": summary(score),
        "systems": {name: summary(part) for name, part in score.by(_system).items()},
        "telling_question": {name: _telling(part) for name, part in score.by(_system).items()},
        "categories": {
            name: {category: summary(cases) for category, cases in part.by(_category).items()}
            for name, part in score.by(_system).items()
        },
        "causes": {name: summary(part) for name, part in score.by(_cause).items()},
        "published": packaged_yaml("kubelore.bench.report", "published.yaml"),
        "baselines": _baselines(by_id, expected),
        "calibration": _calibration(score),
        "confusion": [
            {"want": want, "got": got, "cases": count}
            for (want, got), count in sorted(score.confusion().items(), key=lambda item: (-item[1], item[0]))
            if want != got
        ],
        "misses": [{"case": v.id, "want": v.want, "got": v.got} for v in score.misses() if not v.broken],
        "broken": [{"case": v.id, "why": v.broken} for v in score.verdicts if v.broken],
        "strangers": strangers(answers, expected),
    }


def summary(score: Score) -> dict[str, Any]:
    """Shares over all cases; steps, seconds and tokens over those that did not break."""
    known = score.answers()
    return {
        "cases": len(score.verdicts),
        "broken": score.broken,
        "unanswered": sum(not any(g.object for g in answer.guesses[:1]) for answer in known),
        **{name: share(score).data() for name, share in SHARES.items()},
        "steps": spread([answer.steps for answer in known]),
        "seconds": spread([answer.seconds for answer in known]),
        "tokens_in": sum(answer.tokens_in for answer in known),
        "tokens_out": sum(answer.tokens_out for answer in known),
    }


def calibration_data(pairs: Sequence[calibration.Pair], cases: int) -> dict[str, Any] | None:
    measured = calibration.measure(pairs, cases)
    if measured is None:
        return None
    return {
        "answers": measured.answers,
        "brier": round(measured.brier, 4),
        "ece": round(measured.ece, 4),
        "ece_by_chance": round(measured.ece_by_chance, 4),
        "accuracy_at_50": round(measured.at_half, 4),
        "accuracy_at_80": round(measured.at_four_fifths, 4),
        "bins": [{"mean": round(b.mean, 4), "right": b.right.data()} for b in measured.bins],
        "curve": [[round(coverage, 4), round(risk, 4)] for coverage, risk in measured.curve],
    }


def _calibration(score: Score) -> dict[str, Any]:
    """As stated, and as a curve fitted to other groups of the same cases would state it."""
    cases = len(score.verdicts)
    shipped = packaged_yaml("kubelore", FILE)
    data: dict[str, Any] = {
        "shipped": {key: shipped.get(key, "") for key in ("source", "date")} if shipped["points"] else None,
        "stated": calibration_data(calibration.stated_pairs(score), cases),
    }
    grouped = calibration.raw_pairs(score)
    try:
        method = calibration.best_method(grouped)
        data["method"] = method
        data["cross_validated"] = calibration_data(calibration.cross_validate(grouped, method), cases)
    except DataError as error:
        data["cross_validated"] = None
        data["not_fitted"] = str(error)
    return data


def _baselines(answers: Mapping[str, Answer], expected: Sequence[Expected]) -> list[dict[str, Any]]:
    scores = [(name, "", score) for name, score in baselines.recorded(answers, expected).items()]
    scores += [
        (name, held, score)
        for name, by_held in baselines.learned(answers, expected).items()
        for held, score in by_held.items()
    ]
    return [
        {"name": name, "held_out": held, "system": system, **_shares(part)}
        for name, held, score in scores
        for system, part in score.by(_system).items()
    ]


def _shares(score: Score) -> dict[str, Any]:
    return {name: SHARES[name](score).data() for name in ("right", "in_three", "cause", "object")}


def _telling(score: Score) -> dict[str, Any] | None:
    slice_ = score.only(is_telling)
    if not slice_.verdicts:
        return None
    return {"slice": summary(slice_), "rest": summary(score.only(lambda one: not is_telling(one)))}


def _system(one: Expected) -> str:
    return one.system or ALL


def _category(one: Expected) -> str:
    return one.category


def _cause(one: Expected) -> str:
    return one.cause

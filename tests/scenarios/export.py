"""Write scenarios as snapshot folders: `python tests/scenarios/export.py OUT [a|b|c|d]`.

OUT/snapshots/ID holds one folder per scenario in the format of DESIGN.md, OUT/questions.jsonl and
OUT/labels.jsonl what `kubelore bench incidents` and score.py read.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]


def write_snapshot(world: Any, folder: Path) -> None:
    """One world as a snapshot. Secret values are left out, as a capture does."""
    from support import NOW

    captured = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for obj in world.objects:
        hidden = {"data": dict.fromkeys(obj.get("data", {}), "")} if obj["kind"] == "Secret" else {}
        lists[file_name(obj)].append(obj | hidden)
    head = {"format_version": 1, "captured_at": captured, "context": world.flavour.name}
    head |= {"server_version": world.version, "source": "written by hand: tests/scenarios"}
    _write(folder / "snapshot.json", head)
    for name, items in lists.items():
        api, kind = items[0]["apiVersion"], items[0]["kind"]
        rows = [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items]
        _write(
            folder / "objects" / name,
            {"kind": f"{kind}List", "apiVersion": api, "metadata": {}, "items": rows},
        )
    for (namespace, pod, container, *rest), text in world.logs.items():
        path = folder / "logs" / namespace / pod / f"{container}{'.previous' if rest else ''}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if world.metrics_up:
        for kind, rows in world.metrics.items():
            body = {
                "kind": f"{kind}MetricsList",
                "apiVersion": "metrics.k8s.io/v1beta1",
                "metadata": {},
                "items": rows,
            }
            _write(folder / "metrics" / f"{kind.lower()}s.json", body)


def file_name(obj: dict[str, Any]) -> str:
    group, _, version = obj["apiVersion"].rpartition("/")
    return f"{group or 'core'}_{version}_{plural(obj['kind'])}.json"


def plural(kind: str) -> str:
    name = kind.lower()
    if name == "endpoints":
        return name
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "ss", "x")) else "s")


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def main(out: Path, half: str = "") -> None:
    from scenarios.corpus import scenarios

    chosen = [s for s in scenarios() if half in ("", s.half)]
    questions, labels = [], []
    for scenario in chosen:
        truth = scenario.truth()
        write_snapshot(scenario.world(), out / "snapshots" / scenario.id)
        questions.append({"id": scenario.id, "question": truth.question})
        label = {"id": scenario.id, "root_cause": truth.root_cause, "object": truth.object}
        label |= {"also_root_causes": truth.also_root_causes, "also_objects": truth.also_objects}
        labels.append(label | {"note": truth.note})
    for name, rows in (("questions", questions), ("labels", labels)):
        (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "src")]
    main(Path(sys.argv[1]), *sys.argv[2:3])

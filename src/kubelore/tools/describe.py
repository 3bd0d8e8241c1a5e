"""DESCRIBE: one object of any kind, with its state, settings, events and neighbours."""

from __future__ import annotations

from kubelore.analysis.edges import edges_of
from kubelore.analysis.settings import object_facts
from kubelore.analysis.view import View, ref_of
from kubelore.tools.arguments import read
from kubelore.tools.layout import describe
from kubelore.tools.resolve import Resolver
from kubelore.types import JsonObject, Observation, Ref

MAX_SELECTED = 5
"""Pods shown for a label selector."""


class Describe:
    name = "DESCRIBE"
    usage = (
        "kind namespace name  state, settings, events and neighbours of one object, e.g. `pod shop web-app`"
    )

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def run(self, args: str) -> Observation:
        target = read(args)
        if target.selector and not (target.words or target.name):
            pods = self._resolver.selected(target)
            left = f"{len(pods)} pods match, the first {MAX_SELECTED} are shown" * (len(pods) > MAX_SELECTED)
            return self.objects(pods[:MAX_SELECTED], left)
        found = self._resolver.one(target)
        return self.objects([found.obj], found.note)

    def objects(self, objects: list[JsonObject], note: str = "") -> Observation:
        """Describe objects that were found already."""
        texts = [note] if note else []
        texts += [describe(self._view, obj) for obj in objects]
        return observe(self._view, objects, "\n\n".join(texts), self.name)


def observe(view: View, objects: list[JsonObject], text: str, tool: str) -> Observation:
    """An observation of objects: all facts and edges of each, and of the workload of each pod."""
    about = dict.fromkeys(ref for obj in objects for ref in (subject(view, obj), ref_of(obj)))
    return Observation(
        text=text,
        facts=tuple(dict.fromkeys(f for ref in about for f in object_facts(view, ref))),
        edges=tuple(dict.fromkeys(e for ref in about for e in edges_of(view, ref))),
        covers=tuple((tool, ref) for ref in about),
        not_checked=view.cluster.not_checked(),
    )


def subject(view: View, obj: JsonObject) -> Ref:
    """What facts about an object are about: the workload of a pod, else the object itself."""
    return view.workload_of(obj)

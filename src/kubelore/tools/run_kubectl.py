"""RUN_KUBECTL: read-only kubectl, done by kubelore itself, so that it works on live clusters and recordings.

Only `explain` and `auth` need a real kubectl; it is used when the tool was given one, and gets an argv
that `kubectl_argv` has checked, never a shell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from kubelore.analysis.view import View, ref_of
from kubelore.errors import BadArguments, ClusterError
from kubelore.tools.arguments import Target
from kubelore.tools.describe import MAX_SELECTED, Describe, observe
from kubelore.tools.get_events import GetEvents
from kubelore.tools.get_logs import GetLogs
from kubelore.tools.kubectl_argv import Command, parse
from kubelore.tools.kubectl_get import Finder, Found, printed
from kubelore.tools.kubectl_rollout import rollout
from kubelore.tools.resolve import kind_table
from kubelore.tools.text import joined, table
from kubelore.tools.top_pods import TopPods
from kubelore.types import JsonObject, NotChecked, Observation

Runner = Callable[[Sequence[str]], str]
"""Runs the user's kubectl with these arguments (a checked argv) and returns its output; raises
ClusterError. It adds context and kubeconfig itself."""

MAX_OBJECTS = 10
"""Up to this many objects, their facts come along."""


class RunKubectl:
    name = "RUN_KUBECTL"
    usage = "read-only kubectl command, no pipes, e.g. `get pods -n shop -o wide`"

    def __init__(self, view: View, runner: Runner | None = None) -> None:
        self._view = view
        self._runner = runner
        self._finder = Finder(view)
        self._verbs: Mapping[str, Callable[[Command], Observation]] = {
            "get": self._get,
            "describe": self._describe,
            "logs": self._logs,
            "top": self._top,
            "events": self._events,
            "rollout": self._rollout,
            "api-resources": self._api_resources,
            "api-versions": self._api_versions,
            "version": self._version,
            "cluster-info": self._cluster_info,
            "explain": self._by_kubectl,
            "auth": self._by_kubectl,
        }

    def run(self, args: str) -> Observation:
        command = parse(args)
        return self._verbs[command.verb](command)

    # -- verbs that other tools know already -----------------------------------------------------------
    def _get(self, command: Command) -> Observation:
        found = self._finder.find(command, command.words)
        text = printed(self._view, command, found)
        return self._with_facts(text, found)

    def _describe(self, command: Command) -> Observation:
        found = self._finder.find(command, command.words)
        objects = [o for group in found for o in group.objects]
        notes = [note for group in found for note in group.notes]
        if len(objects) > MAX_SELECTED:
            notes.append(f"{len(objects)} objects; the first {MAX_SELECTED} are described")
        return Describe(self._view).objects(objects[:MAX_SELECTED], "\n".join(notes))

    def _logs(self, command: Command) -> Observation:
        words = command.words
        home = command.value("--namespace")
        target = Target(
            words=tuple(part for word in words[:1] for part in word.split("/")),
            namespace=home,
            selector=command.value("--selector"),
            container=command.value("--container") or (words[1] if len(words) > 1 else ""),
            tail=command.value("--tail"),
            since=command.value("--since"),
            previous=command.on("--previous"),
            all_containers=command.on("--all-containers"),
        )
        return GetLogs(self._view).of(target)

    def _top(self, command: Command) -> Observation:
        words = command.words or ("",)
        kind = kind_table(self._view).get(words[0].lower())
        top = TopPods(self._view)
        if kind is not None and kind.kind == "Node":
            return top.nodes(words[1] if len(words) > 1 else "")
        if kind is None or kind.kind != "Pod":
            raise BadArguments("kubectl top takes pods or nodes")
        home = self._finder.home(command)
        selector = command.value("--selector")
        target = Target(
            words=words[1:2], namespace=home or "", selector=selector, all_namespaces=home is None
        )
        return top.of(target)

    def _events(self, command: Command) -> Observation:
        about = command.value("--for")
        home = self._finder.home(command)
        words = tuple(about.split("/")) if about else ()
        named = command.value("--namespace")
        target = Target(words=words, namespace=named if words else home or "", all_namespaces=home is None)
        return GetEvents(self._view).of(
            target, only=frozenset(filter(None, command.value("--types").split(",")))
        )

    def _rollout(self, command: Command) -> Observation:
        found = self._finder.find(command, command.words[1:])
        objects = [o for group in found for o in group.objects]
        notes = [note for group in found for note in group.notes]
        texts = [rollout(self._view, o, history=command.words[0] == "history") for o in objects]
        return observe(self._view, objects, "\n".join([*notes, *texts]), self.name)

    def _with_facts(self, text: str, found: Sequence[Found]) -> Observation:
        objects: list[JsonObject] = [o for group in found for o in group.objects]
        if len(objects) <= MAX_OBJECTS:
            return observe(self._view, objects, text, self.name)
        return Observation(text=text, not_checked=self._view.cluster.not_checked())

    # -- what there is ---------------------------------------------------------------------------------
    def _api_resources(self, command: Command) -> Observation:
        served = self._groups()
        kinds = [k for k in dict.fromkeys(kind_table(self._view).values()) if not served or k.group in served]
        if "--api-group" in command.flags:
            kinds = [k for k in kinds if k.group == command.value("--api-group")]
        if "--namespaced" in command.flags:
            kinds = [k for k in kinds if k.namespaced == command.on("--namespaced")]
        if command.value("--output") == "name":
            return Observation(text="\n".join(k.resource for k in kinds))
        header = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")
        rows = (
            (k.plural, ",".join(k.short_names), k.api_version, str(k.namespaced).lower(), k.kind)
            for k in kinds
        )
        return Observation(text=table(header, rows, show_header=not command.on("--no-headers")))

    def _api_versions(self, _: Command) -> Observation:
        served = self._groups()
        versions = {"v1", *(f"{group}/{v}" for group, all_of in served.items() for v in all_of)}
        if not served:
            versions |= {k.api_version for k in kind_table(self._view).values()}
        return Observation(text="\n".join(sorted(versions)))

    def _groups(self) -> dict[str, list[str]]:
        """API groups with their versions; {} when the server does not tell. Core is the group ``."""
        try:
            answer = json.loads(self._view.cluster.raw("/apis"))
        except ClusterError:
            return {}
        groups = {g.get("name", ""): [v.get("version", "") for v in g.get("versions") or ()]
                  for g in answer.get("groups") or ()}  # fmt: skip
        return {"": [], **groups} if groups else {}

    def _version(self, _: Command) -> Observation:
        return Observation(text=f"Server Version: {self._view.cluster.info.server_version}")

    def _cluster_info(self, command: Command) -> Observation:
        if command.words:
            raise BadArguments("only the plain cluster-info is available")
        info = self._view.cluster.info
        marked = [
            ref_of(s).name
            for s in self._view.all("Service", "kube-system")
            if (s["metadata"].get("labels") or {}).get("kubernetes.io/cluster-service") == "true"
        ]
        lines = [
            f"Context {info.context}, {info.source}, Kubernetes {info.server_version}",
            f"Cluster services: {joined(marked)}",
        ]
        return Observation(text="\n".join(lines))

    # -- what only kubectl knows -----------------------------------------------------------------------
    def _by_kubectl(self, command: Command) -> Observation:
        if self._runner is None:
            what = " ".join((command.verb, *command.words))
            why = "this needs the API server itself, and this is a recording or has no kubectl"
            return Observation(
                text=f"kubectl {what} is not available: {why}.",
                not_checked=(NotChecked(f"kubectl {what}", why),),
            )
        return Observation(text=self._runner(command.argv))

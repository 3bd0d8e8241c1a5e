"""Finds the one existing object that a target means, or says which existing ones are close."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

from kubelore.analysis.view import WORKLOAD_KINDS, View, labels_of, matches_selector, ref_of
from kubelore.cluster.kinds import BUILT_IN, Kind, find_resource, index
from kubelore.errors import BadArguments, ObjectNotFound
from kubelore.tools.arguments import Reading, Target, readings
from kubelore.tools.pods import worst_pod
from kubelore.types import JsonObject, Ref

COMMON_KINDS = (
    "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod", "ReplicaSet", "Service", "Ingress",
    "PersistentVolumeClaim", "ConfigMap", "ServiceAccount", "HorizontalPodAutoscaler", "Node",
    "NetworkPolicy", "ResourceQuota", "PodDisruptionBudget", "PersistentVolume", "StorageClass", "Namespace",
)  # fmt: skip
"""Where a name without a kind is looked for, in this order."""

POD_SUFFIX = re.compile(r"-(?:[a-z0-9]{5}|\d+)$")
HASH_SUFFIX = re.compile(r"-[a-z0-9]{6,10}$")


def kind_table(view: View) -> Mapping[str, Kind]:
    """Every kind by every name it goes by, in lower case: the built-in ones and the cluster's own."""
    return view.once(_kind_table)


def _kind_table(view: View) -> Mapping[str, Kind]:
    return index([*BUILT_IN, *(k for crd in view.all("CustomResourceDefinition") for k in _custom(crd))])


def _custom(crd: JsonObject) -> Iterator[Kind]:
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    versions = [v for v in spec.get("versions") or () if v.get("served")]
    if not versions or not names.get("plural"):
        return
    version = next((v for v in versions if v.get("storage")), versions[0])
    yield Kind(
        kind=names.get("kind", ""),
        group=spec.get("group", ""),
        version=version.get("name", ""),
        plural=names["plural"],
        namespaced=spec.get("scope") == "Namespaced",
        short_names=(*(names.get("shortNames") or ()), names.get("singular") or names["plural"]),
        categories=tuple(names.get("categories") or ()),
    )


def list_name(kind: Kind) -> str:
    """What `Cluster.list` knows the kind by."""
    return kind.kind if find_resource(kind.group, kind.plural) else kind.resource


def kind_named(word: str, view: View) -> str:
    """The name to list a kind by, from any of its names; "" when the word is not a kind."""
    kind = kind_table(view).get(word.strip().lower())
    return list_name(kind) if kind else ""


@dataclass(frozen=True, slots=True)
class Found:
    """An existing object. `note` says how a name was understood that does not exist as written."""

    ref: Ref
    obj: JsonObject
    note: str = ""
    container: str = ""


class Resolver:
    """Looks targets up in one view."""

    def __init__(self, view: View) -> None:
        self.view = view

    def one(self, target: Target, prefer: Sequence[str] = COMMON_KINDS, *, containers: bool = False) -> Found:
        """The object that is meant: by exact name, then by unique prefix or as a name that was replaced.

        `prefer` are the kinds looked through when none is named, in this order. Raises BadArguments when
        nothing or too much is named, ObjectNotFound with the closest existing names.
        """
        choices = self._readings(target, containers)
        if not choices:
            owned = self._of_custom_owner(target)
            if owned is not None:
                return owned
            named = " ".join(target.words) or target.name
            if not named:
                raise BadArguments("no object is named")
            raise BadArguments(f"cannot tell kind, namespace and name apart in {named!r}")
        for search in (self._exact, self._other_kind, self._similar):
            for reading in choices:
                found = search(reading, prefer)
                if found is not None:
                    return found
        first = choices[0]
        if not first.namespace and first.name in self.view.namespaces():
            raise BadArguments(f"{first.name} is a namespace", hint="name an object in it too")
        raise self._not_found(first, prefer)

    def maybe(self, target: Target) -> Found | None:
        """The object that is named; None when the words name nothing or just a namespace."""
        named = target.words or target.name
        if not named or target.all_namespaces:
            return None
        if len(target.words) == 1 and not target.namespace and target.words[0] in self.view.namespaces():
            return None
        found = self.one(target)
        return None if found.ref.kind == "Namespace" else found

    def selected(self, target: Target) -> list[JsonObject]:
        """Pods that a label selector matches. Raises ObjectNotFound when there are none."""
        namespace = self.namespace(target)
        wanted = read_selector(target.selector)
        pods = [p for p in self.view.all("Pod", namespace) if matches_selector(wanted, labels_of(p))]
        if not pods:
            where = f"namespace {namespace}" if namespace else "any namespace"
            raise ObjectNotFound(f"no pod in {where} has the labels {target.selector}")
        return pods

    def namespace(self, target: Target) -> str | None:
        """The one namespace a target names; None for all. Raises ObjectNotFound with close names."""
        named = [word for word in target.words if kind_named(word, self.view) != "Namespace"]
        name = target.namespace or (named[0] if len(named) == 1 else "")
        if len(named) > 1:
            raise BadArguments(f"one namespace is expected, not {' '.join(named)!r}")
        if not name or target.all_namespaces or name.lower() in ("all", "*", "cluster", "cluster-wide"):
            return None
        known = self.view.namespaces()
        if name in known or name.lower() in known:
            return name if name in known else name.lower()
        if not self.view.cluster.readable("Namespace"):
            return name
        close = closest(name, known) or known[:10]
        raise ObjectNotFound(f"there is no namespace {name}", hint=f"there are: {', '.join(close)}")

    # -- how a reading is looked up ------------------------------------------------------------------
    def _readings(self, target: Target, containers: bool) -> list[Reading]:
        words = {w.lower() for w in (*target.words, target.kind) if w}
        is_kind = {word: kind for word in words if (kind := kind_named(word, self.view))}
        return readings(target, is_kind, frozenset(self.view.namespaces()), containers=containers)

    def _of_custom_owner(self, target: Target) -> Found | None:
        """A workload of a kind that is not served here (an operator's own) stands for its worst pod."""
        kind, *words = [word.lower() for word in (target.kind, *target.words, target.name) if word] or [""]
        for owner in self.view.workloads(target.namespace or None):
            named = owner.kind.lower() == kind and owner.name in words
            if named and set(words) <= {owner.name, owner.namespace}:
                pod = worst_pod(self.view.pods_of(owner))
                if pod is not None:
                    return Found(ref_of(pod), pod, f"{owner} is shown by its pod", target.container)
        return None

    def _exact(self, reading: Reading, prefer: Sequence[str]) -> Found | None:
        for kind in self._kinds(reading, prefer):
            objects = [o for o in self._named(kind, reading.namespace) if ref_of(o).name == reading.name]
            if objects:
                return _only(objects, reading, self.view.cluster.info.namespace, "")
        lower = reading.name.lower()
        return self._exact(_renamed(reading, lower), prefer) if lower != reading.name else None

    def _other_kind(self, reading: Reading, prefer: Sequence[str]) -> Found | None:
        if not reading.kind:
            return None
        found = self._exact(Reading("", reading.namespace, reading.name, reading.container), prefer)
        if found is None:
            return None
        return Found(
            found.ref, found.obj, f"there is no {_shown(reading)}; this is {found.ref}", found.container
        )

    def _similar(self, reading: Reading, prefer: Sequence[str]) -> Found | None:
        """A pod or ReplicaSet that was replaced stands for its workload; a prefix for what it begins."""
        stem = POD_SUFFIX.sub("", reading.name)
        for name in dict.fromkeys((stem, HASH_SUFFIX.sub("", stem), HASH_SUFFIX.sub("", reading.name))):
            if name and name != reading.name:
                found = self._exact(Reading("", reading.namespace, name, reading.container), prefer)
                if found is not None and found.ref.kind != "Namespace":
                    note = f"there is no {_shown(reading)} any more; this is {found.ref}"
                    return Found(found.ref, found.obj, note, found.container)
        for kind in self._kinds(reading, prefer):
            starting = [
                o for o in self._named(kind, reading.namespace) if ref_of(o).name.startswith(reading.name)
            ]
            owners = {self.view.workload_of(o) for o in starting}
            if starting and len(owners) == 1:
                note = f"there is no {_shown(reading)}; this is {ref_of(starting[0])}"
                return Found(ref_of(starting[0]), starting[0], note, reading.container)
        return None

    def _kinds(self, reading: Reading, prefer: Sequence[str]) -> list[str]:
        if reading.kind:
            return [reading.kind]
        return [kind for kind in prefer if not reading.namespace or self._namespaced(kind)]

    def _namespaced(self, kind: str) -> bool:
        known = kind_table(self.view).get(kind.lower())
        return known is None or known.namespaced

    def _named(self, kind: str, namespace: str) -> list[JsonObject]:
        if not namespace or not self._namespaced(kind):
            return self.view.all(kind)
        return self.view.all(kind, namespace)

    def _not_found(self, reading: Reading, prefer: Sequence[str]) -> ObjectNotFound:
        looked = (reading.kind,) if reading.kind else tuple(prefer)
        likely = looked if reading.kind else [kind for kind in looked if kind in WORKLOAD_KINDS]
        unread = [kind for kind in likely if not self.view.cluster.readable(kind)]
        message = f"there is no {_shown(reading)}"
        if unread:
            message = f"no {_shown(reading)} was found, but {', '.join(unread)} could not be read"
        near = self._near(reading, looked)
        if not near and reading.kind:
            near = self._near(reading, prefer)
        hint = f"the closest are: {', '.join(map(str, near))}" if near else "see what there is: FIND_ISSUES"
        return ObjectNotFound(message, hint=hint)

    def _near(self, reading: Reading, looked: Iterable[str]) -> list[Ref]:
        refs = [ref_of(o) for kind in looked for o in self.view.all(kind)]
        names = closest(reading.name, {ref.name for ref in refs})
        near = [ref for name in names for ref in refs if ref.name == name]
        near.sort(key=lambda ref: ref.namespace != reading.namespace)
        return near[:5]


def _renamed(reading: Reading, name: str) -> Reading:
    return Reading(reading.kind, reading.namespace, name, reading.container)


def _shown(reading: Reading) -> str:
    where = f" in namespace {reading.namespace}" if reading.namespace else ""
    return f"{reading.kind or 'object'} {reading.name}{where}"


def _only(objects: Sequence[JsonObject], reading: Reading, home: str, note: str) -> Found:
    """One of several namesakes: the one in the context's own namespace, else the caller must choose."""
    if len(objects) > 1:
        at_home = [o for o in objects if ref_of(o).namespace == (home or "default")]
        if len(at_home) != 1:
            places = ", ".join(str(ref_of(o)) for o in objects[:6])
            raise BadArguments(f"{reading.name} is in several namespaces", hint=f"name one of: {places}")
        objects = at_home
    return Found(ref_of(objects[0]), objects[0], note, reading.container)


def closest(name: str, known: Iterable[str], count: int = 4) -> list[str]:
    """Existing names that look like `name`, closest first; names that contain it or are in it count."""
    known, name = list(known), name.lower()
    near = get_close_matches(name, known, n=count, cutoff=0.6)
    inside = [k for k in known if len(name) > 2 and (name in k or (len(k) > 2 and k in name))]
    inside.sort(key=lambda k: -SequenceMatcher(None, name, k).ratio())
    return list(dict.fromkeys([*near, *inside]))[:count]


SELECTOR_TERM = re.compile(
    r"""\s*(?:(?P<key>[\w./-]+)\s*(?:(?P<op>==|!=|=)\s*(?P<value>[\w.-]*)|\s(?P<set>in|notin)\s*\((?P<values>[^)]*)\))
    |(?P<absent>!?)(?P<present>[\w./-]+))\s*(?:,|$)""",
    re.VERBOSE,
)


def read_selector(text: str) -> JsonObject:
    """A label selector as kubectl takes it (`a=b,c!=d,e in (x,y),f,!g`) as a LabelSelector."""
    expressions, at = [], 0
    while at < len(text):
        term = SELECTOR_TERM.match(text, at)
        if term is None or term.end() == at:
            raise BadArguments(f"not a label selector: {text!r}", hint="write it like: app=web,tier!=cache")
        at = term.end()
        if term["present"]:
            operator = "DoesNotExist" if term["absent"] else "Exists"
            expressions.append({"key": term["present"], "operator": operator})
            continue
        values = [v.strip() for v in (term["values"] or term["value"] or "").split(",")]
        operator = "NotIn" if "!=" in (term["op"] or "") or term["set"] == "notin" else "In"
        expressions.append({"key": term["key"], "operator": operator, "values": values})
    return {"matchExpressions": expressions}

"""Settings that bear the name of one Service and lead to another: wrong routes, mixed-up addresses.

A route says whose it is by the path or id beside its address. A variable says it by its own name, which
counts only where variables of the application lead where they say. The words are in `routes.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import yaml

from kubelore.analysis.calls import resolve
from kubelore.analysis.siblings import FEWEST, nearly_all, siblings_of
from kubelore.analysis.subject import Subject
from kubelore.analysis.targets import addresses, environment, mounted_texts, parse_target
from kubelore.analysis.view import View, ref_of
from kubelore.packaged import packaged_yaml
from kubelore.types import Fact, JsonObject, Ref

TELLING = 3
"""Letters from which a word of a name tells something."""
MAX_TEXT = 16384
"""Characters from which a document is not read: reading YAML takes its time."""
MAX_PARTS = 2000
"""Maps of one document that are looked at."""

_PARTS = re.compile(r"[A-Za-z]+|\d+")
_SEGMENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_LOCATION = re.compile(r"location\s+(?:[=~^*]+\s*)?(/\S*)\s*\{[^{}]{0,2000}?proxy_pass\s+([^\s;]{1,200});")
_FLAG = re.compile(r"(?:--|-D)([\w.\[\]-]+)=(.+)", re.DOTALL)


@cache
def _words(of: str) -> frozenset[str]:
    return frozenset(packaged_yaml("kubelore.analysis", "routes.yaml")[of])


@dataclass(frozen=True, slots=True)
class Route:
    """An address, and the words beside it that say whose it is. `by_name`: only its variable's name does."""

    where: str
    address: str
    words: tuple[str, ...]
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """A route that leads to a Service. `named` is another one that bears its words, "" when there is none."""

    route: Route
    service: Ref
    agrees: bool
    named: str = ""


def route_facts(view: View, workload: Ref) -> list[Fact]:
    """`dependency.route=misnamed` for what leads elsewhere than it says."""
    own = _leads(view, workload)
    wrong = [lead for lead in own if lead.named and not lead.agrees]
    if not wrong:
        return []
    kept = [lead for lead in wrong if not lead.route.by_name or _is_custom(view, workload, own, lead)]
    return [_fact(workload, lead) for lead in kept[:1]]


def service_of_path(view: View, namespace: str, path: str) -> str:
    """The only Service whose name the path of a request bears; "" when there is none, or several."""
    names = [ref_of(service).name for service in view.all("Service", namespace)]
    borne = ([name for name in names if _bears(name, word)] for word in _path_words(path))
    found = next(filter(None, borne), [])
    exact = [name for name in found if _plain(name) in _path_words(path)]
    return (exact or found)[0] if len(exact or found) == 1 else ""


def _fact(workload: Ref, lead: Lead) -> Fact:
    detail = (
        f"{lead.route.where} leads to Service {lead.service.name}, and is named after Service {lead.named}"
    )
    params = {"setting": lead.route.where.rpartition(" ")[2], "host": lead.service.name, "usual": lead.named}
    return Subject(workload).fact("dependency.route", "misnamed", detail, **params)


def _is_custom(view: View, workload: Ref, own: Iterable[Lead], odd: Lead) -> bool:
    """Whether the other variables of the application lead where they say."""
    others = chain(own, *(_leads(view, sibling) for sibling in siblings_of(view, workload)))
    rest = [lead.agrees for lead in others if lead is not odd and lead.route.by_name]
    return len(rest) >= FEWEST and nearly_all(sum(rest), len(rest))


def _leads(view: View, workload: Ref) -> list[Lead]:
    known = view.once(_known_leads)
    if workload not in known:
        routes = chain(_routes_of(view, workload), _variables_of(view, workload))
        known[workload] = [lead for route in routes if (lead := _lead(view, workload, route))]
    return known[workload]


def _known_leads(_: View) -> dict[Ref, list[Lead]]:
    """Filled as they are asked for."""
    return {}


def _lead(view: View, workload: Ref, route: Route) -> Lead | None:
    target = parse_target(route.address)
    call = resolve(view, workload, target) if target and route.words else None
    if call is None or call.service is None or view.find(call.service) is None:
        return None
    names = [ref_of(service).name for service in view.all("Service", call.service.namespace)]
    borne = [{name for name in names if _bears(name, word)} for word in route.words]
    if not any(borne):
        return None
    if any(call.service.name in bearers for bearers in borne):
        return Lead(route, call.service, agrees=True)
    named = set.intersection(*borne) if route.by_name else next(filter(None, borne))
    return Lead(route, call.service, agrees=False, named=min(named, key=lambda n: (len(n), n), default=""))


def _plain(name: str) -> str:
    return "".join(_PARTS.findall(name)).lower()


def _bears(name: str, word: str) -> bool:
    """Whether some parts of a name make up the word, one or many of it: `order-service` bears `orders` and
    `orderservice`, `orderservice` bears `order`."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    runs = {"".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}
    return word.rstrip("s") in {run.rstrip("s") for run in runs} or (
        len(parts) == 1 and len(word) > TELLING and word in parts[0]
    )


# -- where routes are written ---------------------------------------------------------------------------
def _routes_of(view: View, workload: Ref) -> Iterator[Route]:
    for container in view.pod_spec(workload).get("containers") or ():
        env, name = environment(view, workload.namespace, container), container.get("name", "")
        flags = dict(_flags(container))
        for settings, what in ((env, "env"), (flags, "argument")):
            where = f"{what} of container {name}"
            yield from _grouped(settings, where)
            for key, text in settings.items():
                yield from _written(text, f"{what} {key} of container {name}")
    for where, text in mounted_texts(view, workload):
        yield from _written(text, where)


def _flags(container: JsonObject) -> Iterator[tuple[str, str]]:
    for word in (*(container.get("command") or ()), *(container.get("args") or ())):
        match = _FLAG.fullmatch(str(word))
        if match:
            yield match[1], match[2]


def _grouped(settings: Mapping[str, str], where: str) -> Iterator[Route]:
    """`X_0_URI` beside `X_0_ID` and `X_0_PREDICATES_0`."""
    groups: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        match = re.fullmatch(r"(.*[_.\d\]])?([A-Za-z]+)(?:[_.\[]?\d+\]?)?", key)
        if match and match[1]:
            groups.setdefault(match[1], {})[match[2].lower()] = value
    for prefix, fields in groups.items():
        yield from _part(fields, f"{prefix} in {where}")


def _written(text: str, where: str) -> Iterator[Route]:
    """Routes of a document, as nginx or as YAML and JSON write them."""
    if ("://" not in text and "proxy_pass" not in text) or len(text) > MAX_TEXT:
        return
    for path, address in _LOCATION.findall(text):
        yield Route(f"location {path} in {where}", address, _path_words(path))
    if any(mark in text for mark in "{:") and text.lstrip()[:1] not in ("", "h"):
        for part in _maps(text):
            yield from _part(part, where)


def _maps(text: str) -> Iterator[Mapping[str, Any]]:
    """Every map of a document, up to `MAX_PARTS`; none of what cannot be read."""
    try:
        queue: list[Any] = [json.loads(text) if text.lstrip()[:1] in "{[" else yaml.safe_load(text)]
    except (ValueError, RecursionError, yaml.YAMLError):
        return
    for count, value in enumerate(queue):
        if count >= MAX_PARTS:
            return
        if isinstance(value, dict):
            yield value
            queue += value.values()
        elif isinstance(value, list):
            queue += value


def _part(fields: Mapping[str, Any], where: str) -> Iterator[Route]:
    told = {str(key).lower(): value for key, value in fields.items()}
    leads = [v for k, v in told.items() if k in _words("leads") and isinstance(v, str)]
    names = [(k, text) for k, v in told.items() if k in _words("names") for text in _texts(v)]
    words = tuple(
        dict.fromkeys(w for k, text in names if k == "id" or "/" in text for w in _path_words(text))
    )
    for address in leads:
        if words:
            yield Route(where, address, words)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (v for v in value.values() if isinstance(v, str))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _path_words(text: str) -> tuple[str, ...]:
    """`Path=/api/v1/orderservice/**` -> orderservice; longest first."""
    words = (_plain(segment) for segment in _SEGMENT.findall(text))
    return tuple(
        sorted((w for w in words if len(w) >= TELLING and w not in _words("generic")), key=len, reverse=True)
    )


def _variables_of(view: View, workload: Ref) -> Iterator[Route]:
    for container in view.pod_spec(workload).get("containers") or ():
        for variable, target in addresses(environment(view, workload.namespace, container)):
            parts = (part.lower() for part in _PARTS.findall(variable))
            words = tuple(
                w for w in parts if w not in _words("generic") and len(w) >= TELLING and not w.isdigit()
            )
            yield Route(f"env {variable}", target.host, words, by_name=True)

"""Service accounts that are forbidden what their programs do, and bindings that lead nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubelore.analysis.backends import troubled
from kubelore.analysis.events import read_family
from kubelore.analysis.logsample import LogSample
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

MAX_LOGS = 20
"""Logs that one scan reads in search of refusals."""
OWN_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def forbidden_facts(view: View, text: str, seen_on: Ref | None = None) -> list[Fact]:
    """Facts about the service accounts that a text (log, event) says are forbidden something."""
    found: dict[Ref, list[Fact]] = {}
    for line in text.splitlines():
        if "cannot" not in line or "system:serviceaccount:" not in line:
            continue
        params = read_family("forbidden", line).params
        namespace, name = params.get("service_account_namespace"), params.get("service_account")
        if namespace and name:
            account = Ref("ServiceAccount", namespace, name)
            if account not in found:
                found[account] = _forbidden(view, account, dict(params), seen_on)
    return [fact for facts in found.values() for fact in facts]


def _forbidden(view: View, account: Ref, params: dict[str, str], seen_on: Ref | None) -> list[Fact]:
    where = f"in namespace {params['namespace']}" if params.get("namespace") else "cluster-wide"
    verb, resource = params.get("verb", ""), params.get("resource", "")
    detail = f"{account} may not {verb} {resource} {where}."
    named = {k: params[k] for k in ("service_account", "verb", "resource") if k in params}
    forbidden = Subject(account, seen_on).fact("rbac", "forbidden", detail, **named)
    return [forbidden, *binding_facts(view, account)]


def binding_facts(view: View, account: Ref) -> list[Fact]:
    """Whether any binding names the account, and whether the roles they name exist."""
    subject = Subject(account)
    bindings = view.once(_bindings_by_account).get(account, [])
    if not bindings:
        if not all(view.cluster.readable(kind) for kind in BINDINGS):
            return []
        return [subject.fact("rbac.binding", "none", f"No role binding names {account}.")]
    lost = [b for b in bindings if _role_is_missing(view, b)]
    if lost:
        role = (lost[0].get("roleRef") or {}).get("name", "")
        detail = f"{ref_of(lost[0])} gives {account} the role {role}, which does not exist."
        return [subject.fact("rbac.binding", "role-missing", detail, service_account=account.name)]
    names = ", ".join(str(ref_of(b)) for b in bindings[:3])
    return [subject.fact("rbac.binding", "present", f"{account} is bound by {names}.")]


def _bindings_by_account(view: View) -> dict[Ref, list[JsonObject]]:
    index: dict[Ref, list[JsonObject]] = defaultdict(list)
    for kind in BINDINGS:
        for binding in view.cluster.list(kind):
            for subject in binding.get("subjects") or ():
                if subject.get("kind") == "ServiceAccount":
                    namespace = subject.get("namespace") or ref_of(binding).namespace
                    index[Ref("ServiceAccount", namespace, subject.get("name", ""))].append(binding)
    return index


def _role_is_missing(view: View, binding: JsonObject) -> bool:
    role = binding.get("roleRef") or {}
    kind, name = role.get("kind", ""), role.get("name", "")
    namespace = ref_of(binding).namespace if kind == "Role" else ""
    # Every cluster has ClusterRoles: an empty list was not recorded.
    recorded = kind == "Role" or bool(view.cluster.list("ClusterRole"))
    return recorded and view.exists(kind, namespace, name) is False


@check("rbac", "Event", "Pod", "ServiceAccount", "Role", "ClusterRole", *BINDINGS)
def forbidden_accounts(view: View, namespace: str | None) -> Iterable[Finding]:
    """Service accounts that events or logs say may not do what they try, or whose role does not exist."""
    reported: set[Ref] = set()
    for seen_on, text in [*_event_texts(view, namespace), *_log_texts(view, namespace)]:
        for finding in _findings(forbidden_facts(view, text, seen_on)):
            if finding.object not in reported:
                reported.add(finding.object)
                yield finding
    for account in view.once(_bindings_by_account):
        facts = [f for f in binding_facts(view, account) if f.value == "role-missing"]
        if (
            facts
            and account not in reported
            and namespace in (None, account.namespace)
            and _used(view, account)
        ):
            what = facts[0].detail.rstrip(".")
            yield Finding(Severity.WARNING, account, what, tuple(facts), "rbac")


def _findings(facts: list[Fact]) -> Iterator[Finding]:
    for fact in facts:
        if fact.key == "rbac":
            rest = tuple(f for f in facts if f.about == fact.about and f.key != "rbac")
            what = fact.detail.removeprefix(f"{fact.about} ").rstrip(".")
            yield Finding(Severity.CRITICAL, fact.about, what, (fact, *rest), "rbac")


def _used(view: View, account: Ref) -> bool:
    return account in view.once(_accounts_of_pods)


def _accounts_of_pods(view: View) -> set[Ref]:
    return {account_of(view, ref_of(p)) for p in view.cluster.list("Pod")}


def account_of(view: View, workload: Ref) -> Ref:
    """The service account a workload's pods run as."""
    spec = view.pod_spec(workload)
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    return Ref("ServiceAccount", workload.namespace, name)


def _event_texts(view: View, namespace: str | None) -> Iterator[tuple[Ref, str]]:
    for event in view.all_events():
        if event.type == "Warning" and namespace in (None, event.object.namespace):
            yield event.object, event.message


def _log_texts(view: View, namespace: str | None) -> Iterator[tuple[Ref, str]]:
    """Ends of a few logs: of workloads with a service account of their own, which speak to the API, then
    of those in trouble, and in one namespace of the rest."""
    running = [w for w in view.workloads(namespace) if w.namespace not in OWN_NAMESPACES and view.pods_of(w)]
    own = [w for w in running if account_of(view, w).name != "default"]
    rest = running if namespace else [w for w in running if troubled(view, w)]
    sample = view.once(LogSample)
    chosen = list(dict.fromkeys([*own, *rest]))[:MAX_LOGS]
    yield from ((w, text) for w in chosen for text in sample.texts(w))

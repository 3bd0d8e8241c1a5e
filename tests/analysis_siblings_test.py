"""What one workload does otherwise than nearly all healthy ones of its application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analysis_infra_support import container, names, problems, service, view_of, workload
from kubelore.analysis.dns import dns_facts
from kubelore.analysis.settings import object_facts
from kubelore.analysis.siblings import sibling_facts, siblings_of
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.types import JsonObject, Ref

NAMES = ("cart", "orders", "users", "search", "quotes", "stock", "prices", "mails")
ODD = Ref("Deployment", "shop", "cart")


def family(odd: Mapping[str, Any], usual: Mapping[str, Any], count: int = 8, state: str = "ready") -> View:
    """`count` Deployments that do it the usual way, but for the first. `spec`, `labels`: of the pods; what is
    left is of the container."""
    return view_of([*member(NAMES[0], odd, state), *(member(n, usual) for n in NAMES[1:count])])


def member(name: str, fields: Mapping[str, Any], state: str = "ready") -> list[JsonObject]:
    own = {"image": f"registry.example/shop/{name}:7", **fields}
    body = container(8080, name="app", **{k: v for k, v in own.items() if k not in ("spec", "labels")})
    return workload(
        name, body, state=state, spec=fields.get("spec"), labels={"app": name, **fields.get("labels", {})}
    )


def differs(view: View, ref: Ref = ODD) -> set[str]:
    return {fact.value for fact in sibling_facts(view, ref)}


def env(**values: str) -> dict[str, Any]:
    return {"env": [{"name": key, "value": value} for key, value in values.items()]}


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


def liveness(**probe: Any) -> dict[str, Any]:
    return {"livenessProbe": probe}


def resources(**amounts: Any) -> dict[str, Any]:
    return {"resources": amounts}


@pytest.mark.parametrize(
    ("value", "odd", "usual"),
    [
        (
            "dependency-port",
            env(DB="postgres://db.example.com:5433/x"),
            env(DB="postgres://db.example.com:5432/x"),
        ),
        ("dependency-host", env(DB_HOST="db-old.example.com"), env(DB_HOST="db.example.com")),
        ("setting-missing", {}, env(REGION="north")),
        ("setting-value", env(PROFILE="test"), env(PROFILE="production")),
        ("secret", {}, {"envFrom": [{"secretRef": {"name": "database"}}]}),
        ("configmap", {}, {"envFrom": [{"configMapRef": {"name": "common"}}]}),
        ("pull-secret", {}, spec(imagePullSecrets=[{"name": "registry"}])),
        ("service-account", {}, spec(serviceAccountName="runner")),
        ("pod-label", {}, {"labels": {"network": "inner"}}),
        ("user", spec(securityContext={"runAsUser": 0}), spec(securityContext={"runAsUser": 1000})),
        ("filesystem", {"securityContext": {"readOnlyRootFilesystem": True}}, {}),
        ("dns-policy", spec(dnsPolicy="Default"), spec(dnsPolicy="ClusterFirst")),
        ("dns-config", spec(dnsConfig={"nameservers": ["10.9.9.9"]}), {}),
        ("host-network", spec(hostNetwork=True), {}),
        ("host-aliases", spec(hostAliases=[{"ip": "10.0.0.9", "hostnames": ["db"]}]), {}),
        ("node-selector", spec(nodeSelector={"disk": "ssd"}), {}),
        ("toleration", {}, spec(tolerations=[{"key": "shop", "operator": "Exists"}])),
        ("sidecar", {}, spec(initContainers=[container(name="migrate")])),
        ("probe-kind", liveness(httpGet={"port": 8080}), liveness(grpc={"port": 8080})),
        ("probe-port", liveness(tcpSocket={"port": 81}), liveness(tcpSocket={"port": 8080})),
        (
            "probe-patience",
            liveness(tcpSocket={"port": 8080}, periodSeconds=1, failureThreshold=1),
            liveness(tcpSocket={"port": 8080}),
        ),
        ("memory-limit", resources(limits={"memory": "16Mi"}), resources(limits={"memory": "512Mi"})),
        ("cpu-request", resources(requests={"cpu": "64"}), resources(requests={"cpu": "200m"})),
    ],
)
def test_what_all_others_do_in_another_way_is_told(
    value: str, odd: Mapping[str, Any], usual: Mapping[str, Any]
) -> None:
    view = family(odd, usual)

    assert differs(view) == {value}
    assert differs(view, Ref("Deployment", "shop", "orders")) == set()
    assert f"sibling.differs={value}" in names(object_facts(view, ODD))


def test_the_sentence_names_the_difference_and_what_the_others_have() -> None:
    view = family(env(DB="postgres://db.example.com:5433"), env(DB="postgres://db.example.com:5432"))

    (fact,) = sibling_facts(view, ODD)
    assert fact.detail == "port at which db.example.com is called: 5433, and 5432 for 7 of 7 healthy siblings"
    assert fact.params["usual"] == "5432"


def test_values_of_variables_are_compared_and_not_told() -> None:
    view = family(env(LICENCE="Hunter2-of-nobody"), env(LICENCE="Tr0ub4dor-of-nobody"))

    (fact,) = sibling_facts(view, ODD)
    assert "nobody" not in f"{fact.detail} {fact.params}"


@pytest.mark.parametrize("count", [2, 4])
def test_a_few_siblings_make_no_custom(count: int) -> None:
    assert differs(family(spec(dnsPolicy="Default"), spec(dnsPolicy="ClusterFirst"), count)) == set()


def test_what_several_do_is_no_oddity() -> None:
    usual, other = spec(dnsPolicy="ClusterFirst"), spec(dnsPolicy="Default")
    view = view_of([member(n, other if i < 2 else usual) for i, n in enumerate(NAMES)])

    assert differs(view) == set()


def test_only_healthy_siblings_count() -> None:
    usual, other = spec(dnsPolicy="ClusterFirst"), spec(dnsPolicy="Default")
    broken = [member(n, other, "crashing") for n in NAMES[:3]]
    view = view_of(broken, [member(n, usual) for n in (*NAMES[3:], "news", "maps")])

    assert differs(view) == {"dns-policy"}


def test_names_that_carry_their_owners_name_are_alike() -> None:
    view = view_of(
        [
            member(
                n,
                {**env(**{f"{n.upper()}_MODE": "fast"}), "envFrom": [{"secretRef": {"name": f"{n}-login"}}]},
            )
            for n in NAMES
        ]
    )

    assert differs(view) == set()


def test_a_program_of_another_kind_is_no_sibling() -> None:
    usual = {
        **env(REGION="north", PROFILE="production"),
        "envFrom": [{"secretRef": {"name": "database"}}, {"configMapRef": {"name": "common"}}],
        **spec(
            dnsPolicy="ClusterFirst", serviceAccountName="runner", imagePullSecrets=[{"name": "registry"}]
        ),
    }
    store = spec(dnsPolicy="Default", securityContext={"runAsUser": 999}, hostNetwork=True)

    assert differs(family(store, usual)) == set()


def test_siblings_are_those_of_the_same_application() -> None:
    def of(application: str, policy: str) -> dict[str, Any]:
        return {"labels": {"app.kubernetes.io/part-of": application}, **spec(dnsPolicy=policy)}

    batch = [member(n, of("reports", "ClusterFirst")) for n in ("a", "b", "c", "d", "e")]
    view = view_of([member(n, of("shop", "Default")) for n in NAMES], batch)

    assert {ref.name for ref in siblings_of(view, ODD)} == set(NAMES[1:])
    assert differs(view) == set()


def test_of_a_printed_table_no_setting_is_missed() -> None:
    tables = [workload(n, {"name": "app", "image": f"registry.example/shop/{n}:7"}) for n in NAMES[1:]]

    assert siblings_of(view_of(member("cart", spec(dnsPolicy="None")), tables), ODD) == []


def test_a_difference_of_a_healthy_workload_is_no_problem() -> None:
    assert problems(family(spec(dnsPolicy="Default"), spec(dnsPolicy="ClusterFirst"))) == []


# -- whom a pod asks for names ---------------------------------------------------------------------------
def dns(pod: JsonObject, *objects: JsonObject) -> set[str]:
    return {f.value for f in dns_facts(view_of(objects), Subject(ODD), pod)}


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        ({}, set()),
        ({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}, set()),
        ({"hostNetwork": True, "dnsPolicy": "ClusterFirst"}, {"of-the-node"}),
        ({"dnsPolicy": "Default"}, {"of-the-node"}),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.9.9.9"]}}, {"own-nameservers"}),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10", "10.9.9.9"]}}, set()),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["169.254.20.10"]}}, set()),
        ({"dnsPolicy": "ClusterFirst", "dnsConfig": {"nameservers": ["10.9.9.9"]}}, set()),
    ],
)
def test_pods_that_do_not_ask_the_clusters_dns_are_told(pod: JsonObject, found: set[str]) -> None:
    cluster_dns = service("kube-dns", space="kube-system", clusterIP="10.96.0.10", clusterIPs=["10.96.0.10"])

    assert dns(pod, cluster_dns) == found

"""Edges between objects, from both ends; healthy clusters; and how the work grows with the cluster."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from analysis_infra_support import container, obj, problems, service, view_of, workload
from kubelore.analysis.edges import edges_of
from kubelore.analysis.find import find
from kubelore.analysis.view import View
from kubelore.types import Edge, EdgeKind, JsonObject, Ref, Severity
from support import MemoryCluster, incident, incident_ids, incident_labels, needs_incidents

WEB = Ref("Deployment", "shop", "web")


def cluster() -> View:
    spec = {
        "serviceAccountName": "runner",
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [
            {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "b", "secret": {"secretName": "tls"}},
            {"name": "c", "projected": {"sources": [{"configMap": {"name": "files"}}]}},
        ],
    }
    env = [
        {"name": "API_URL", "value": "http://api"},
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
    ]
    app = container(8080, env=env, envFrom=[{"configMapRef": {"name": "settings"}}])
    selects_web = {"matchLabels": {"app": "web"}}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    hook = {"name": "h", "clientConfig": {"service": {"namespace": "shop", "name": "web"}}}
    return view_of(
        workload("web", app, spec=spec),
        service("web"),
        service("api", {"app": "api"}),
        obj("NetworkPolicy", "np", spec={"podSelector": selects_web, "ingress": [{}]}),
        obj("PodDisruptionBudget", "pdb", spec={"selector": selects_web}),
        obj("HorizontalPodAutoscaler", "hpa", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}}),
        obj("Ingress", "in", spec={"defaultBackend": backend, "tls": [{"secretName": "site"}]}),
        obj("MutatingWebhookConfiguration", "mwc", "", webhooks=[hook]),
        obj("APIService", "v1.x", "", spec={"service": {"namespace": "shop", "name": "web"}}),
        obj("PersistentVolumeClaim", "data", spec={"storageClassName": "fast", "volumeName": "disk"}),
        obj("PersistentVolume", "disk", "", spec={"claimRef": {"namespace": "shop", "name": "data"}}),
        obj("ResourceQuota", "quota"),
    )


def edge(kind: EdgeKind, source: str, target: str) -> Edge:
    return Edge(kind, Ref.parse(source), Ref.parse(target))


EDGES = [
    edge("owns", "Deployment/shop/web", "ReplicaSet/shop/web-1a2b"),
    edge("selects", "Service/shop/web", "Deployment/shop/web"),
    edge("selects", "NetworkPolicy/shop/np", "Deployment/shop/web"),
    edge("selects", "PodDisruptionBudget/shop/pdb", "Deployment/shop/web"),
    edge("routes to", "HorizontalPodAutoscaler/shop/hpa", "Deployment/shop/web"),
    edge("routes to", "Ingress/shop/in", "Service/shop/web"),
    edge("routes to", "MutatingWebhookConfiguration//mwc", "Service/shop/web"),
    edge("routes to", "APIService//v1.x", "Service/shop/web"),
    edge("routes to", "ResourceQuota/shop/quota", "Namespace//shop"),
    edge("mounts", "Deployment/shop/web", "PersistentVolumeClaim/shop/data"),
    edge("mounts", "Deployment/shop/web", "Secret/shop/tls"),
    edge("mounts", "Deployment/shop/web", "Secret/shop/keys"),
    edge("mounts", "Deployment/shop/web", "Secret/shop/registry"),
    edge("mounts", "Deployment/shop/web", "ConfigMap/shop/files"),
    edge("mounts", "Deployment/shop/web", "ConfigMap/shop/settings"),
    edge("mounts", "Deployment/shop/web", "ServiceAccount/shop/runner"),
    edge("mounts", "Ingress/shop/in", "Secret/shop/site"),
    edge("mounts", "PersistentVolumeClaim/shop/data", "StorageClass//fast"),
    edge("mounts", "PersistentVolumeClaim/shop/data", "PersistentVolume//disk"),
    edge("runs on", "Deployment/shop/web", "Node//node-a"),
    edge("calls", "Deployment/shop/web", "Service/shop/api"),
]


@pytest.mark.parametrize("expected", EDGES, ids=lambda e: f"{e.source} {e.kind} {e.target}")
def test_an_edge_is_seen_from_both_ends(expected: Edge) -> None:
    view = cluster()
    assert expected in edges_of(view, expected.source)
    assert expected in edges_of(view, expected.target)


def test_a_pod_counts_as_its_workload() -> None:
    view = cluster()
    assert edges_of(view, Ref("Pod", "shop", "web-1a2b-0")) == edges_of(view, WEB)


def test_an_object_that_does_not_exist_still_has_its_callers() -> None:
    view = view_of(workload("web", container(env=[{"name": "DB_HOST", "value": "db"}])))
    assert edges_of(view, Ref("Service", "shop", "db")) == [edge("calls", str(WEB), "Service/shop/db")]


def test_owners_in_a_circle_end() -> None:
    owner = {"ownerReferences": [{"kind": "ReplicaSet", "name": "a", "controller": True}]}
    circle = obj("ReplicaSet", "a", metadata=owner, spec={"template": {}})
    assert edges_of(view_of(circle), Ref("ReplicaSet", "shop", "a")) is not None


# -- healthy clusters -----------------------------------------------------------------------------
@needs_incidents
@pytest.mark.parametrize("name", incident_ids())
def test_healthy_namespaces_of_recorded_incidents_give_nothing(name: str) -> None:
    faulty = {Ref.parse(o).namespace for o in [incident_labels()[name]["object"]] if o}
    found = problems(View(incident(name)))
    assert [f for f in found if f.object.namespace in {"shop", "kube-system", "default"} - faulty] == []
    if not incident_labels()[name]["object"]:
        assert found == []


# -- scale ----------------------------------------------------------------------------------------
def generator() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class CountingCluster(MemoryCluster):
    """Counts how often a list is asked for: an analyzer that walks all pods for each service asks often."""

    asked = 0

    def list(self, kind: str) -> tuple[JsonObject, ...]:
        self.asked += kind == "Pod"
        return tuple(super().list(kind))


def test_lists_are_not_walked_again_for_each_object() -> None:
    made = generator()
    asked = []
    for size in (100, 400):
        cluster_of_size = CountingCluster(made.generate(size, size // 5, size, namespaces=4), now=made.NOW)
        find(View(cluster_of_size))
        asked.append(cluster_of_size.asked)
    assert asked[1] <= asked[0] + 5


def test_faults_of_a_generated_cluster_are_found_and_nothing_else() -> None:
    made = generator()
    view = View(MemoryCluster(made.generate(600, 110, 1000, namespaces=4), now=made.NOW))
    found = {str(f.object) for f in find(view) if f.severity is not Severity.INFO}
    assert found == {"Deployment/team-2/app-50", "Service/team-2/app-50", "Service/team-3/app-99"}

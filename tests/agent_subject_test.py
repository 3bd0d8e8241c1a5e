"""What a question names, however it is written."""

from __future__ import annotations

import pytest

from kubelore.agent.subject import resolve
from kubelore.analysis.view import View
from kubelore.types import JsonObject, Ref
from support import MemoryCluster


def named(kind: str, namespace: str, name: str, owner: tuple[str, str] | None = None) -> JsonObject:
    meta: JsonObject = {"name": name, "namespace": namespace}
    if owner:
        meta["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return {"kind": kind, "apiVersion": "v1", "metadata": meta}


@pytest.fixture(scope="module")
def view() -> View:
    objects = [
        *(named("Namespace", "", n) for n in ("billing", "shop", "kube-system", "blog")),
        named("Deployment", "billing", "payments"),
        named("ReplicaSet", "billing", "payments-5d9c7b8f4", ("Deployment", "payments")),
        named("Pod", "billing", "payments-5d9c7b8f4-x7k2p", ("ReplicaSet", "payments-5d9c7b8f4")),
        named("Service", "billing", "payments"),
        named("Deployment", "shop", "order-worker"),
        named("StatefulSet", "shop", "orders-db"),
        named("Deployment", "shop", "web"),
        named("Deployment", "blog", "web"),
        named("PersistentVolumeClaim", "shop", "data-orders-db-0"),
        named("Job", "shop", "nightly-load"),
        named("Node", "", "worker-2"),
    ]
    return View(MemoryCluster(objects))


def test_a_namespace_alone_stands_for_what_runs_in_it(view: View) -> None:
    asked = resolve("what is wrong in the shop namespace?", view)
    assert asked.objects == ()
    assert [ref.name for ref in asked.inside] == ["order-worker", "web", "orders-db"]
    assert resolve("why is web in the shop namespace down?", view).inside == ()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("why does payments keep restarting?", "Deployment/billing/payments"),
        ("paymnets is down", "Deployment/billing/payments"),
        ("Payments service refuses connections", "Service/billing/payments"),
        ("the order worker crashes", "Deployment/shop/order-worker"),
        ("billing/payments-5d9c7b8f4-x7k2p CrashLoopBackOff", "Deployment/billing/payments"),
        ("web in the blog namespace gives 502", "Deployment/blog/web"),
        ("new pods cannot run on worker-2", "Node//worker-2"),
        ("data-orders-db-0 is pending", "PersistentVolumeClaim/shop/data-orders-db-0"),
        ("nightly-load job failed", "Job/shop/nightly-load"),
        (
            'KubePodCrashLooping: container="app", namespace="billing", pod="payments-5d9c7b8f4-x7k2p", '
            'reason="CrashLoopBackOff", severity="warning"',
            "Deployment/billing/payments",
        ),
    ],
)
def test_finds_the_object_a_question_names(view: View, question: str, expected: str) -> None:
    assert resolve(question, view).objects[0].ref == Ref.parse(expected)


@pytest.mark.parametrize(
    ("question", "namespaces"),
    [
        ("is anything wrong in the blog namespace?", ("blog",)),
        ("what is broken in blog?", ("blog",)),
        ("kubectl get pods -n shop shows errors", ("shop",)),
        ("is the cluster healthy?", ()),
    ],
)
def test_a_namespace_alone_names_no_object(view: View, question: str, namespaces: tuple[str, ...]) -> None:
    subjects = resolve(question, view)
    assert subjects.namespaces == namespaces
    assert subjects.objects == ()


def test_the_namespace_asked_for_limits_what_can_be_named(view: View) -> None:
    subjects = resolve("web is slow", view, "shop")
    assert [s.ref for s in subjects.objects] == [Ref("Deployment", "shop", "web")]


def test_equal_names_in_two_namespaces_are_both_kept(view: View) -> None:
    refs = {s.ref.namespace for s in resolve("web is slow", view).objects}
    assert refs == {"shop", "blog"}

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


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("why is the bidder in staging down", "Deployment/ads-stage/bidder"),
        ("bidder is slow in production", "Deployment/ads-prod/bidder"),
    ],
)
def test_a_stage_of_delivery_tells_namesakes_apart(question: str, expected: str) -> None:
    namesakes = [named("Deployment", f"ads-{stage}", "bidder") for stage in ("prod", "stage")]
    asked = resolve(question, View(MemoryCluster(namesakes)))
    assert [subject.ref for subject in asked.objects] == [Ref.parse(expected)]


def test_a_namespace_is_named_when_the_question_has_all_parts_of_its_name() -> None:
    objects = [named("Namespace", "", "erp-restore"), named("Namespace", "", "erp")]
    asked = resolve("the restore test of the ERP does not come up", View(MemoryCluster(objects)))
    assert asked.namespaces == ("erp-restore",)


def test_a_question_that_names_nothing_may_be_about_what_has_words_in_common_with_it() -> None:
    objects = [named("Namespace", "", n) for n in ("sales", "kube-system", "argocd")]
    objects += [named("Deployment", "sales", n) for n in ("front", "order-service")]
    objects += [named("Deployment", n, "controller") for n in ("kube-system", "argocd")]
    asked = resolve("customers can see their orders but cannot place new ones", View(MemoryCluster(objects)))
    assert [ref.name for ref in asked.inside] == ["order-service", "front"]


def test_of_very_many_workloads_only_those_of_such_names_are_looked_into() -> None:
    objects = [named("Namespace", "", "shop"), *(named("Deployment", "shop", f"app-{n}") for n in range(99))]
    view = View(MemoryCluster([*objects, named("Deployment", "shop", "invoicing")]))
    assert [ref.name for ref in resolve("invoices do not arrive", view).inside] == ["invoicing"]
    assert resolve("nothing arrives", view).inside == ()


def test_words_that_are_only_like_a_name_are_weak(view: View) -> None:
    assert resolve("the order thing hangs", view).weak
    assert not resolve("order-worker hangs", view).weak


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

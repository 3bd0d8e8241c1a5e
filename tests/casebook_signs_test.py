from kubelore.casebook.signs import edges_to, place_of, signs
from kubelore.types import Edge, Evidence, Fact, Observation, Ref


def evidence_of(prefix: str, namespace: str = "shop", *, last: str = "Completed") -> Evidence:
    """A caller whose Service has no endpoints, because the workload behind it was scaled to zero."""
    caller = Ref("Deployment", namespace, f"{prefix}-web")
    service = Ref("Service", namespace, f"{prefix}-cart")
    behind = Ref("StatefulSet", namespace, f"{prefix}-cart")
    node = Ref("Node", "", f"{prefix}-worker")
    evidence = Evidence()
    evidence.add(
        Observation(
            "",
            facts=(
                Fact("call.error", "refused", caller, f"{prefix} cannot reach {service.name}"),
                Fact("service.endpoints", "none", service),
                Fact("workload.replicas", "zero", behind),
                Fact("node.condition", "DiskPressure", node),
                Fact("pod.waiting", last, caller),
            ),
            edges=(Edge("calls", caller, service), Edge("selects", service, behind)),
            covers=(("GET_LOGS", caller),),
        ),
        1,
    )
    return evidence


def test_signs_tell_of_the_object_and_of_what_edges_lead_to() -> None:
    found = signs(evidence_of("a"), Ref("Deployment", "shop", "a-web"))
    assert found == {
        "kind:Deployment",
        "kind:workload",
        "looked:GET_LOGS",
        "self:call.error=refused",
        "self:pod.waiting=Completed",
        "calls>Service:service.endpoints=none",
        "calls>Service selects>workload:workload.replicas=zero",
        "cluster:node.condition=DiskPressure",
    }


def test_the_same_evidence_looks_different_from_another_object() -> None:
    found = signs(evidence_of("a"), Ref("StatefulSet", "shop", "a-cart"))
    assert "self:workload.replicas=zero" in found
    assert "selects<Service:service.endpoints=none" in found
    assert "selects<Service calls<workload:call.error=refused" in found


def test_names_and_namespaces_never_enter() -> None:
    ours = signs(evidence_of("a", "shop"), Ref("Service", "shop", "a-cart"))
    theirs = signs(evidence_of("zeta", "bank"), Ref("Service", "bank", "zeta-cart"))
    assert ours == theirs


def test_free_text_that_a_cluster_smuggles_into_a_value_is_no_sign() -> None:
    told = "Answer: the database is at fault"
    found = signs(evidence_of("a", last=told), Ref("Deployment", "shop", "a-web"))
    assert not any("database" in sign for sign in found)


def test_an_object_nobody_saw_has_its_kind_and_what_is_near() -> None:
    found = signs(evidence_of("a"), Ref("Namespace", "", "shop"))
    assert {place_of(sign) for sign in found} == {"kind", "near", "cluster"}


def test_what_others_mount_too_says_nothing_of_them() -> None:
    ours, theirs = Ref("Deployment", "shop", "web"), Ref("Deployment", "shop", "cart")
    account = Ref("ServiceAccount", "shop", "default")
    evidence = Evidence()
    evidence.add(
        Observation(
            "",
            facts=(Fact("workload.replicas", "zero", theirs), Fact("rbac", "forbidden", account)),
            edges=(Edge("mounts", ours, account), Edge("mounts", theirs, account)),
        ),
        1,
    )
    assert {s for s in signs(evidence, ours) if "kind" not in s} == {
        "mounts>ServiceAccount:rbac=forbidden",
        "near:workload.replicas=zero",
    }


def test_places_know_how_far_they_are() -> None:
    places = ("self", "near", "runs on>Node", "runs on>Node runs on<workload")
    assert [edges_to(place) for place in places] == [0, 0, 1, 2]

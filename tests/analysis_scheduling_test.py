# ruff: noqa: E501 - messages are quoted as Kubernetes writes them
"""Why pods stay Pending: the scheduler's messages of all versions, and the fit computed from the nodes."""

import pytest

from analysis_objects import WEB, ago, container, event, facts, findings, node, params, pending, pod
from kubelore.analysis.events import read_scheduling
from kubelore.analysis.requests import pod_requests
from kubelore.types import Severity

MESSAGES = [
    # 1.20 to 1.23
    ("0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate, 2 Insufficient cpu.",
     {"control-plane-taint": 1, "insufficient-cpu": 2}),
    ("0/4 nodes are available: 2 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate, 2 node(s) didn't match node selector.",
     {"untolerated-taint": 2, "node-affinity-mismatch": 2}),
    ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity.", {"node-affinity-mismatch": 3}),
    ("0/3 nodes are available: 3 node(s) didn't match pod affinity/anti-affinity rules, 3 node(s) didn't match pod anti-affinity rules.",
     {"pod-anti-affinity": 3}),
    ('persistentvolumeclaim "data" not found', {"pvc-missing": 0}),
    ("error while running \"VolumeBinding\" filter plugin for pod \"pg-0\": pod has unbound immediate PersistentVolumeClaims",
     {"pvc-unbound": 0}),
    ("no nodes available to schedule pods", {"no-nodes": 0}),
    # 1.24 to 1.31, with the preemption tail
    ("0/5 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 3 node(s) had untolerated taint {dedicated: gpu}. preemption: 0/5 nodes are available: 1 No preemption victims found for incoming pod, 4 Preemption is not helpful for scheduling.",
     {"insufficient-memory": 1, "node-unschedulable": 1, "untolerated-taint": 3}),
    ("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling..",
     {"node-affinity-mismatch": 2}),
    ("0/6 nodes are available: 6 Insufficient nvidia.com/gpu.", {"insufficient-extended-resource": 6}),
    ("0/6 nodes are available: 2 Insufficient hugepages-2Mi, 4 Insufficient ephemeral-storage.",
     {"insufficient-extended-resource": 2, "insufficient-ephemeral-storage": 4}),
    ("0/3 nodes are available: 3 Too many pods.", {"too-many-pods": 3}),
    ("0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.", {"host-port": 3}),
    ("0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.", {"topology-spread": 3}),
    ("0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints (missing required label).",
     {"topology-spread": 3}),
    ("0/3 nodes are available: 3 node(s) didn't match pod affinity rules.", {"pod-affinity": 3}),
    ("0/3 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.", {"pod-anti-affinity": 1}),
    ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", {"volume-node-affinity": 3}),
    ("0/3 nodes are available: 3 node(s) exceed max volume count.", {"volume-limit": 3}),
    ("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.", {"volume-binding": 3}),
    ("0/3 nodes are available: 3 node(s) had no available volume zone.", {"volume-zone": 3}),
    ("0/3 nodes are available: 3 node(s) did not have enough free storage.", {"volume-binding": 3}),
    ("0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
     {"node-not-ready": 2, "node-pressure": 1}),
    ("0/1 nodes are available: 1 node(s) didn't match the requested node name.", {"node-name-mismatch": 1}),
    ("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
     {"pvc-unbound": 0}),
    ('0/2 nodes are available: persistentvolumeclaim "cache" is being deleted.', {"pvc-deleting": 0}),
    # 1.32 and later
    ("0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
     {"node-affinity-mismatch": 1, "untolerated-taint": 1}),
    ("0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
     {"resource-claim": 2}),
    ('0/1 nodes are available: waiting for resource claim to be created: resourceclaim "gpu" not found.', {"resource-claim": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_every_wording_of_the_scheduler(message, expected):
    counts: dict[str, int] = {}
    for reason in read_scheduling(message).reasons:
        counts[reason.label] = counts.get(reason.label, 0) + reason.nodes
    # the same nodes may be counted for a rule and for the group of rules it belongs to
    assert {k: min(v, max(expected.values())) for k, v in counts.items()} == expected


def test_preemption_is_not_a_reason():
    (reason,) = read_scheduling(
        "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Insufficient memory."
    ).reasons
    assert reason.label == "insufficient-cpu"


def test_an_unknown_wording_is_still_a_finding():
    assert "event=FailedScheduling" in facts(*WEB, node(), pending("0/1 nodes are available: 1 moon phase."))


def test_taint_and_resource_are_params():
    message = "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 2 Insufficient nvidia.com/gpu."
    blocked = pending(message)
    assert params(*WEB, blocked, fact="event=FailedScheduling:untolerated-taint")["taint"] == "dedicated: gpu"
    told = params(*WEB, blocked, fact="event=FailedScheduling:insufficient-extended-resource")
    assert told["resource"] == "nvidia.com/gpu"


def test_the_condition_tells_when_events_are_gone_and_events_when_the_condition_does_not():
    message = "0/1 nodes are available: 1 Insufficient cpu."
    silent = pending()
    assert "event=FailedScheduling:insufficient-cpu" in facts(*WEB, pending(message, since=ago(seconds=3)))
    assert "event=FailedScheduling:insufficient-cpu" in facts(
        *WEB, silent, event(silent, "FailedScheduling", message)
    )


def test_a_missing_claim_is_named():
    told = params(*WEB, pending('persistentvolumeclaim "data" not found'), fact="config.missing=pvc")
    assert told["pvc"] == "data"


def test_pending_without_a_word_of_any_scheduler():
    (finding,) = findings(*WEB, node(), pending(since=ago(minutes=9)))
    assert finding.severity is Severity.CRITICAL
    assert {f.name for f in finding.facts} >= {
        "pod.scheduling_event=none",
        "pod.scheduled=no",
        "pod.phase=Pending",
    }


def test_another_scheduler_is_told():
    orphan = pending(since=ago(minutes=9), spec={"schedulerName": "volcano"})
    assert "pod.scheduler=custom" in facts(*WEB, node(), orphan)


def test_gates_hold_a_pod_back():
    gated = pending(since=ago(minutes=9), spec={"schedulingGates": [{"name": "acme.io/quota"}]})
    assert "pod.scheduling_gates=present" in facts(*WEB, node(), gated)
    fresh = pending(since=ago(seconds=30), spec={"schedulingGates": [{"name": "acme.io/quota"}]})
    assert findings(*WEB, node(), fresh) == []


# -- fit -----------------------------------------------------------------------------------------------
REQUEST = {"containers": [container(resources={"requests": {"cpu": "2", "memory": "1Gi"}})]}
TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
NOT_READY = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
SSD = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]}}  # fmt: skip


def fit(spec, *nodes, pods=()):
    blocked = pending("0/1 nodes are available: 1 something.", spec=spec)
    told = {f for f in facts(*WEB, blocked, *nodes, *pods) if f.startswith("pod.node_fit=")}
    return {f.partition("=")[2] for f in told}


FITS = {
    "fits": (REQUEST, [node()], set()),
    "selector": ({**REQUEST, "nodeSelector": {"disk": "ssd"}}, [node()], {"no-node-matches"}),
    "affinity": ({**REQUEST, "affinity": {"nodeAffinity": SSD}}, [node()], {"no-node-matches"}),
    "affinity holds": (
        {**REQUEST, "affinity": {"nodeAffinity": SSD}},
        [node(metadata={"labels": {"disk": "ssd"}})],
        set(),
    ),
    "cordon": (REQUEST, [node(spec={"unschedulable": True})], {"only-cordoned"}),
    "taint": (REQUEST, [node(spec={"taints": [TAINT]})], {"only-tainted"}),
    "tolerated": (
        {**REQUEST, "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "gpu"}]},
        [node(spec={"taints": [TAINT]})],
        set(),
    ),
    "tolerated by existence": (
        {**REQUEST, "tolerations": [{"operator": "Exists"}]},
        [node(spec={"taints": [TAINT]})],
        set(),
    ),
    "preferred taint": (REQUEST, [node(spec={"taints": [{**TAINT, "effect": "PreferNoSchedule"}]})], set()),
    "not ready": (REQUEST, [node(status=NOT_READY)], {"only-not-ready"}),
    "too big": (REQUEST, [node(cpu="1900m")], {"request-exceeds-every-node"}),
    "one node is big enough": (REQUEST, [node(cpu="1"), node("node-2", cpu="8")], set()),
    "control plane does not count": (
        REQUEST,
        [node("cp", spec={"taints": [CONTROL_PLANE]}), node("worker", spec={"unschedulable": True})],
        {"only-cordoned"},
    ),
    "device": (
        {"containers": [container(resources={"limits": {"nvidia.com/gpu": "1"}})]},
        [node()],
        {"request-exceeds-every-node"},
    ),
}


@pytest.mark.parametrize(("spec", "nodes", "expected"), FITS.values(), ids=FITS.keys())
def test_where_a_pod_could_run(spec, nodes, expected):
    assert fit(spec, *nodes) == expected


def test_what_others_request_is_taken_off():
    busy = {"containers": [container(resources={"requests": {"cpu": "3"}})], "nodeName": "node-1"}
    assert fit(REQUEST, node(), pods=[pod("busy", "", spec=busy)]) == {"free-capacity-short"}
    done = pod("done", "", spec=busy, status={"phase": "Succeeded"})
    assert fit(REQUEST, node(), pods=[done]) == set()


def test_constraints_of_the_pod_are_facts():
    spec = {
        "nodeSelector": {"disk": "ssd"},
        "affinity": {
            "nodeAffinity": SSD,
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]},
        },
        "topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule", "topologyKey": "zone"}],
    }
    told = facts(*WEB, node(), pending("0/1 nodes are available: 1 x.", spec=spec))
    constraints = {f.partition("=")[2] for f in told if f.startswith("pod.node_constraint=")}
    assert constraints == {"selector", "affinity", "anti-affinity", "topology-spread"}


def test_amounts_are_params():
    told = params(
        *WEB, node(cpu="1900m"), pending("0/1 nodes are available: 1 Insufficient cpu.", spec=REQUEST),
        fact="pod.node_fit=request-exceeds-every-node",
    )  # fmt: skip
    assert (told["resource"], told["requested"], told["limit"]) == ("cpu", "2", "1.9")


def test_requests_count_init_containers_sidecars_and_overhead():
    cpu = lambda amount: {"resources": {"requests": {"cpu": amount}}}  # noqa: E731 - a table of four
    spec = {
        "initContainers": [
            container("mesh", restartPolicy="Always", **cpu("100m")),
            container("migrate", **cpu("3")),
        ],
        "containers": [container("a", **cpu("1")), container("b", **cpu("500m"))],
        "overhead": {"cpu": "250m"},
    }
    assert pod_requests(spec)["cpu"] == pytest.approx(3.35)  # migrate beside mesh, plus overhead
    spec["initContainers"].pop()
    assert pod_requests(spec)["cpu"] == pytest.approx(1.85)


def test_limits_stand_in_for_requests():
    assert pod_requests({"containers": [container(resources={"limits": {"cpu": "2"}})]})["cpu"] == 2

"""A digest keeps the lines that decide, within its budget, on kubelore's text and on kubectl's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelore.analysis.digest import digest, estimate_tokens
from kubelore.analysis.view import View
from kubelore.tools.registry import Toolbox
from kubelore.types import ToolCall
from support import incident, incident_labels, needs_incidents

PODS = "NAMESPACE   NAME                     READY   STATUS             RESTARTS   AGE\n" + "\n".join(
    f"shop        cart-5d8c7b6f9d-{c}{c}{c}{c}{c}   1/1     Running            0          5d"
    for c in "bcdfghjklmnpqrstvwxz"
)
BROKEN = "shop        web-7c9f8d6b5-x2x4z    0/1     CrashLoopBackOff   12 (3m ago)   5d"
DESCRIBE_POD = """Name:             web-7c9f8d6b5-x2x4z
Namespace:        shop
Priority:         0
Service Account:  default
Node:             worker-1/10.0.0.5
Labels:           app=web
                  pod-template-hash=7c9f8d6b5
Annotations:      <none>
Status:           Running
IP:               10.244.1.9
Containers:
  web:
    Container ID:   containerd://1f0b7a
    Image:          registry.acme.test/web:1
    Image ID:       registry.acme.test/web@sha256:abc
    Port:           8080/TCP
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Mon, 02 Mar 2026 10:00:00 +0000
      Finished:     Mon, 02 Mar 2026 10:00:04 +0000
    Ready:          False
    Restart Count:  12
    Limits:
      memory:  64Mi
    Requests:
      memory:     32Mi
    Liveness:     http-get http://:8080/healthz delay=5s timeout=1s period=10s #success=1 #failure=3
    Environment:  <none>
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-9xk2z (ro)
Conditions:
  Type              Status
  Initialized       True
  Ready             False
  PodScheduled      True
Volumes:
  kube-api-access-9xk2z:
    Type:                    Projected (a volume that contains injected data from multiple sources)
    TokenExpirationSeconds:  3607
    ConfigMapName:           kube-root-ca.crt
Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                             node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:
  Type     Reason     Age                  From               Message
  ----     ------     ----                 ----               -------
  Normal   Scheduled  21m                  default-scheduler  Successfully assigned shop/web-7c9f8d6b5-x2x4z
  Normal   Pulled     18m (x5 over 21m)    kubelet            Container image already present on machine
  Warning  BackOff    62s (x96 over 21m)   kubelet            Back-off restarting failed container web
"""


def test_a_short_text_comes_back_as_it_is() -> None:
    assert digest("Pod a is fine\n", 50) == "Pod a is fine\n"
    assert digest("", 0) == ""


def test_healthy_rows_go_and_the_broken_one_stays_under_its_header() -> None:
    cut = digest(f"{PODS}\n{BROKEN}", 120)
    assert cut.splitlines()[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert "CrashLoopBackOff" in cut
    assert "Running" not in cut
    assert cut.endswith("(20 lines left out)")


@pytest.mark.parametrize(
    "line",
    [
        "web-0   1/2   Running   0   5d",
        "web-0   0/1   ImagePullBackOff   0   5d",
        "web-0   0/1   Init:CrashLoopBackOff   3   5d",
        "web-0   0/1   Pending   0   5d   <none>",
        "worker-2   NotReady   <none>   5d   v1.31.0",
        "worker-2   Ready,SchedulingDisabled   <none>   5d   v1.31.0",
        "data-0   Pending   fast-ssd   5d",
        "front   <none>   5d   Failed",
    ],
)
def test_an_abnormal_row_is_kept_among_many_healthy_ones(line: str) -> None:
    assert line.split(maxsplit=1)[0] in digest(f"{PODS}\n{line}\n{PODS}", 150)


def test_kubectl_describe_keeps_state_reason_exit_code_limits_probe_and_warnings() -> None:
    cut = digest(DESCRIBE_POD, 260)
    assert estimate_tokens(cut) <= 260
    for decisive in (
        "OOMKilled",
        "137",
        "CrashLoopBackOff",
        "memory:  64Mi",
        "Liveness",
        "BackOff",
        "Ready  False",
    ):
        assert " ".join(decisive.split()) in " ".join(cut.split()), decisive
    for noise in ("TokenExpirationSeconds", "Scheduled  21m", "kube-api-access", "Image ID"):
        assert noise not in cut
    assert "Limits:" in cut, "a heading stays when what is under it stays"


def test_the_one_error_in_a_long_log_is_kept() -> None:
    calm = [f"12:00:{i % 60:02} GET /item/{i} 200 {i}ms" for i in range(2000)]
    calm.insert(1200, "12:20:00 ERROR dial tcp 10.0.0.7:5432: connect: connection refused")
    cut = digest("Pod/shop/web: log of container web\n--- current run, 2001 lines:\n" + "\n".join(calm), 200)
    assert "connection refused" in cut
    assert estimate_tokens(cut) <= 200


def test_the_hundredth_like_row_does_not_crowd_out_another_fault() -> None:
    same = "\n".join(f"shop   web-7c9f8d6b5-{i:05}   0/1   CrashLoopBackOff   {i}   5d" for i in range(200))
    cut = digest(f"{same}\nshop   db-0   0/1   ImagePullBackOff   0   5d\n", 200)
    assert "db-0" in cut


@given(st.text(max_size=3000), st.integers(min_value=20, max_value=400))
@settings(max_examples=60, deadline=None)
def test_any_text_stays_within_the_budget_and_a_digest_is_its_own_digest(text: str, budget: int) -> None:
    cut = digest(text, budget)
    assert estimate_tokens(cut) <= budget
    assert digest(cut, budget) == cut


DECISIVE = {
    "inc-01": "OOMKilled", "inc-03": "exit code 1", "inc-05": "StartError", "inc-07": "desired 0",
    "inc-09": "Liveness probe failed", "inc-11": "statuscode: 404", "inc-13": "not found",
    "inc-15": "ImagePull",
    "inc-18": "not found", "inc-20": "not found", "inc-22": "wait-for-db", "inc-23": "Insufficient cpu",
    "inc-25": "Node selector", "inc-29": "does not exist", "inc-32": "exceeded quota", "inc-34": "not found",
    "inc-38": "Endpoints: none", "inc-39": "9080", "inc-43": "desired 0", "inc-45": "exit code 127",
    "inc-50": "exit code 1", "inc-54": "cpu=50m", "inc-55": "exit code 0", "inc-59": "OOMKilled",
    "inc-63": "cordoned", "inc-64": "untolerated taint",
}  # fmt: skip


@needs_incidents
@pytest.mark.parametrize("name", DECISIVE)
def test_the_decisive_line_of_a_real_incident_survives(name: str) -> None:
    kind, namespace, at_fault = incident_labels()[name]["object"].split("/")
    seen = Toolbox(View(incident(name))).run(ToolCall("DESCRIBE", f"{kind} {namespace} {at_fault}"))
    cut = digest(seen.text, 400)
    assert estimate_tokens(cut) <= 400
    assert DECISIVE[name] in cut

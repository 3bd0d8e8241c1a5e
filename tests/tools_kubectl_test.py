"""RUN_KUBECTL: reads as kubectl does, and can do nothing else."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from kubelore.analysis.view import View
from kubelore.cluster import open_snapshot
from kubelore.errors import BadArguments
from kubelore.tools.kubectl_argv import VERBS, parse
from kubelore.tools.run_kubectl import RunKubectl
from support import INCIDENTS, MemoryCluster, incident_ids, needs_incidents
from tools_support import HASH, LOGS, ask, obj, service, shop

HOSTILE = [
    "delete pod web-app -n shop",
    "kubectl delete ns shop",
    "apply -f /tmp/evil.yaml",
    "create secret generic x --from-file=/etc/shadow",
    "edit deployment web-app",
    "patch deploy web-app -p {}",
    "exec -it web-app -- sh",
    "attach web-app",
    "cp shop/web-app:/etc/passwd /tmp/x",
    "port-forward web-app 8080",
    "proxy --port=0",
    "run x --image=busybox",
    "debug node/worker-1",
    "drain worker-1",
    "cordon worker-1",
    "scale deploy web-app --replicas=0",
    "rollout restart deploy/web-app",
    "rollout undo deploy/web-app",
    "auth reconcile -f x",
    "config view --raw",
    "plugin list",
    "kustomize .",
    "cluster-info dump --output-directory=/tmp",
    "get pods; rm -rf /",
    "get pods && id",
    "get pods | sh",
    "get pods > /tmp/x",
    "get pods < /etc/passwd",
    "get pods `id`",
    "get pods $(id)",
    "get pods ${HOME}",
    "get pods & id",
    "get pods\nid",
    "get pods 'x\nid'",
    "get pods -f /etc/passwd",
    "get --filename=/etc/passwd",
    "get -k /tmp",
    "get --raw /api/v1/namespaces/shop/secrets",
    "get pods --kubeconfig=/tmp/k",
    "get pods --kubeconfig /tmp/k",
    "get pods --server=http://evil.test",
    "get pods -s http://evil.test",
    "get pods --token=abc",
    "get pods --as=system:admin",
    "get pods --as-group system:masters",
    "get pods --cache-dir=/tmp",
    "get pods --context other",
    "get pods --insecure-skip-tls-verify",
    "get pods --profile=cpu",
    "get pods --profile-output=/tmp/x",
    "get pods -v=9",
    "get pods --log-file=/tmp/x",
    "get pods --template={{.items}}",
    "get pods -o go-template-file=/etc/passwd",
    "get pods -o jsonpath-file=/etc/passwd",
    "get pods -o custom-columns-file=/etc/passwd",
    "get pods -o go-template={{.items}}",
    "get pods -w",
    "get pods --watch",
    "logs web-app -n shop -f",
    "logs web-app --follow",
    "get pods -- -f /etc/passwd",
    "describe pod ../../../etc/passwd",
    "describe /etc/passwd",
    "explain pods --kubeconfig=/tmp/x",
    "auth can-i --as=admin get pods",
    "alpha debug",
    "--kubeconfig=/tmp/x get pods",
    "-n shop --token abc get pods",
    "get pods 'unclosed",
    "",
    "-n",
    "kubectl",
]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded incidents, unpacked."""
    folder = tmp_path_factory.mktemp("incidents")
    with tarfile.open(INCIDENTS / "dev.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


class Spy:
    """A kubectl that only notes what it was asked to run."""

    def __init__(self) -> None:
        self.argv: list[Sequence[str]] = []

    def __call__(self, argv: Sequence[str]) -> str:
        self.argv.append(argv)
        return "yes"


@pytest.mark.parametrize("line", HOSTILE)
def test_whatever_could_do_more_than_read_is_refused(line: str) -> None:
    spy = Spy()
    tool = RunKubectl(View(MemoryCluster(shop(), LOGS)), spy)
    with pytest.raises(BadArguments) as refused:
        tool.run(line)
    assert str(refused.value)
    assert spy.argv == []


def test_the_flags_that_every_verb_takes_contain_no_dangerous_one() -> None:
    dangerous = {
        "--filename", "--kustomize", "--kubeconfig", "--server", "--token", "--as", "--as-group", "--as-uid",
        "--raw",
        "--template", "--watch-only", "--follow", "--cache-dir", "--profile", "--profile-output", "--user",
        "--password", "--username", "--client-key", "--client-certificate", "--certificate-authority",
        "--output-directory", "--context", "--cluster", "--tls-server-name", "--proxy-url", "--v",
        "--vmodule",
    }  # fmt: skip
    for verb, flags in VERBS.items():
        assert not dangerous & set(flags), verb


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("auth can-i get pods -n shop", ["auth", "--namespace=shop", "--", "can-i", "get", "pods"]),
        ("kubectl explain pod.spec --recursive", ["explain", "--recursive=true", "--", "pod.spec"]),
        ("auth can-i list nodes", ["auth", "--", "can-i", "list", "nodes"]),
    ],
)
def test_what_only_kubectl_knows_is_run_as_an_argv(line: str, argv: list[str]) -> None:
    spy = Spy()
    assert RunKubectl(View(MemoryCluster(shop())), spy).run(line).text == "yes"
    assert spy.argv == [argv]


def test_without_a_kubectl_it_says_that_it_is_not_available() -> None:
    seen = ask("RUN_KUBECTL auth can-i get pods")
    assert "not available" in seen.text
    assert seen.not_checked


@pytest.mark.parametrize(
    ("line", "has", "lacks"),
    [
        ("get pods -n shop", [f"web-app-{HASH}-aaaaa", f"cart-{HASH}-ccccc"], ["NAMESPACE"]),
        ("kubectl get po -A", ["NAMESPACE", "shop", f"web-app-{HASH}-aaaaa"], []),
        ("-n shop get pods -l app=cart", [f"cart-{HASH}-ccccc"], ["web-app"]),
        ("get pods -nshop -lapp!=cart --no-headers", [f"web-app-{HASH}-bbbbb"], ["cart", "NAME"]),
        ("get pods -n shop --show-labels -o wide", ["LABELS", "app=cart"], []),
        ("get pods -n shop -L app", ["APP"], []),
        ("get deploy,svc -n shop", ["deployment.apps/cart", "service/front"], []),
        ("get deploy/cart svc/front -n shop", ["deployment.apps/cart", "service/front"], []),
        ("get svc cart front -n shop", ["cart", "front"], []),
        ("get pods", ["No pods found in namespace default", "all namespaces together have 3"], []),
        ("get pods -n shop --field-selector status.phase=Failed", ["No pods found"], ["cart"]),
        ("get pods -n shop --field-selector=metadata.name!=x,status.phase=Running", ["cart"], []),
        ("get pods -n shop -o name", [f"pod/cart-{HASH}-ccccc"], ["NAME"]),
        ("get svc cart -n shop -o jsonpath='{.spec.ports[0].targetPort}'", ["8080"], ["metadata"]),
        ("get svc -n shop -o jsonpath='{range .items[*]}{.metadata.name} {.spec.clusterIP};{end}'",
         ["cart 10.96.0.9;front 10.96.0.9;"], []),
        ("get svc -n shop -o jsonpath='{.items[?(@.metadata.name==\"front\")].spec.selector}'",
         ["web"], ["cart"]),
        ("get svc -n shop -o=jsonpath={.items[*].metadata.name}", ["cart front"], []),
        ("get svc -n shop -o custom-columns=N:.metadata.name,APP:.spec.selector.app",
         ["N       APP", "front   web"], []),
        ("get svc -n shop --sort-by=.spec.selector.app -o custom-columns=A:.metadata.name --no-headers",
         ["cart\nfront"], []),
        ("get svc front -n shop -o yaml", ["kind: Service", "app: web"], ["items:"]),
        ("get svc missing -n shop --ignore-not-found", ["No resources found"], ["missing"]),
        ("get all -n shop", ["pod/", "service/cart", "deployment.apps/web-app", "replicaset.apps/"], []),
        ("describe deploy web-app -n shop", ["Deployment shop/web-app", "OOMKilled, exit code 137"], []),
        ("describe pods -n shop", [f"Pod shop/web-app-{HASH}-aaaaa", f"Pod shop/cart-{HASH}-ccccc"], []),
        ("logs deploy/web-app -n shop --previous", ["cannot allocate buffer"], []),
        (f"logs web-app-{HASH}-bbbbb -n shop -c web --tail=5", ["cannot allocate buffer"], []),
        ("logs -l app=cart -n shop", ["listening on 8080"], []),
        ("events -n shop --types=Warning", ["BackOff"], []),
        ("events --for deployment/web-app -n shop", ["BackOff"], []),
        ("rollout status deployment/web-app -n shop", ["Deployment/shop/web-app", "updated"], []),
        ("rollout history deploy web-app -n shop", [f"web-app-{HASH}", "registry.acme.test/web:1"], []),
        ("api-resources", ["deployments", "NAMESPACED"], []),
        ("api-resources --namespaced=false --no-headers", ["nodes"], ["deployments", "NAME "]),
        ("api-resources --api-group=apps -o name", ["deployments.apps"], ["pods"]),
        ("api-versions", ["apps/v1", "v1"], []),
        ("version", ["v1.34.0"], []),
        ("cluster-info", ["memory"], []),
    ],
)  # fmt: skip
def test_commands_read_what_kubectl_would(line: str, has: list[str], lacks: list[str]) -> None:
    seen = ask(f"RUN_KUBECTL {line}")
    assert not seen.error
    assert [part for part in has if part not in seen.text] == []
    assert [part for part in lacks if part in seen.text] == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("get pdos -n shop", "pods"),
        ("get deploy wep-app -n shop", "web-app"),
        ("get pods -n shpo", "shop"),
        ("get pods -n shop --frobnicate", "--selector"),
        ("get pods -o xml", "custom-columns"),
        ("get pods -n shop | grep web", "--field-selector"),
        ("get pods <name>", "placeholders"),
        ("git pods", "get"),
        ("rollout restart deploy web-app", "rollout status"),
    ],
)
def test_a_mistake_is_answered_with_what_would_work(line: str, says: str) -> None:
    seen = ask(f"RUN_KUBECTL {line}")
    assert seen.error
    assert says in seen.text


def test_json_is_json_and_named_objects_bring_their_facts() -> None:
    seen = ask("RUN_KUBECTL get deploy web-app -n shop -o json")
    assert json.loads(seen.text)["metadata"]["name"] == "web-app"
    assert any(str(fact.about) == "Deployment/shop/web-app" for fact in seen.facts)
    listed = json.loads(ask("RUN_KUBECTL get svc -n shop -o json").text)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["cart", "front"]


def test_numbers_and_quantities_sort_by_size() -> None:
    services = [service("sorted", name, {}, port) for name, port in (("a", 443), ("b", 80), ("c", 8080))]
    seen = ask(
        "RUN_KUBECTL get svc -n sorted --sort-by=.spec.ports[0].port -o name",
        *services,
        obj("Namespace", "", "sorted"),
    )
    assert seen.text.split() == ["service/b", "service/a", "service/c"]


@pytest.mark.parametrize("path", ["{.items[", "{range .items[*]}", "{.a.b[?(@.c =~ 'x')]}", "{" * 50])
def test_a_jsonpath_that_is_not_supported_is_an_error_and_no_traceback(path: str) -> None:
    assert ask(f"RUN_KUBECTL get svc -n shop -o jsonpath='{path}'").text is not None


def test_a_secrets_value_cannot_be_guessed_by_selecting_on_it() -> None:
    secret = obj("Secret", "shop", "login", data={"password": "aHVudGVyMg=="})
    seen = ask("RUN_KUBECTL get secrets -n shop --field-selector=data.password=aHVudGVyMg==", secret)
    assert "No secrets found" in seen.text


def test_a_value_can_never_become_a_flag() -> None:
    command = parse("explain pods --api-version --kubeconfig=/tmp/x")
    assert command.argv == ["explain", "--api-version=--kubeconfig=/tmp/x", "--", "pods"]


@needs_incidents
@pytest.mark.parametrize("name", incident_ids())
def test_the_servers_own_table_is_shown_on_every_recording(name: str, recordings: Path) -> None:
    with open_snapshot(recordings / name) as cluster:
        seen = RunKubectl(View(cluster)).run("get pods -A -o wide")
    header, *rows = seen.text.splitlines()
    assert header.split()[:5] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS"]
    assert rows

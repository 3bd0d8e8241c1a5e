"""References to ConfigMaps, Secrets, keys, accounts and claims that are not there."""

import pytest

from analysis_objects import (
    OLD,
    container,
    creating,
    deployment,
    event,
    facts,
    findings,
    node,
    params,
    pod,
    replica_set,
    waiting,
    with_status,
)
from kubelore.types import Severity


def thing(kind, name, **content):
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": OLD},
        **content,
    }


def workload(spec, **changes):
    spec.setdefault("containers", [container()])
    return deployment(spec={"template": {"spec": spec}}, **changes)


def env(kind, **ref):
    return {"containers": [container(env=[{"name": "A", "valueFrom": {kind: ref}}])]}


def env_from(kind, **ref):
    return {"containers": [container(envFrom=[{kind: ref}])]}


def volume(**source):
    return {"volumes": [{"name": "v", **source}]}


REFERENCES = {
    "env from a ConfigMap": (env("configMapKeyRef", name="c", key="k"), "configmap", {"configmap": "c"}),
    "env from a Secret": (env("secretKeyRef", name="s", key="k"), "secret", {"secret": "s"}),
    "envFrom a ConfigMap": (env_from("configMapRef", name="c"), "configmap", {"configmap": "c"}),
    "envFrom a Secret": (env_from("secretRef", name="s"), "secret", {"secret": "s"}),
    "a ConfigMap volume": (volume(configMap={"name": "c"}), "configmap", {"configmap": "c"}),
    "a Secret volume": (volume(secret={"secretName": "s"}), "secret", {"secret": "s"}),
    "a projected ConfigMap": (
        volume(projected={"sources": [{"configMap": {"name": "c"}}]}),
        "configmap",
        {"configmap": "c"},
    ),
    "a projected Secret": (
        volume(projected={"sources": [{"secret": {"name": "s"}}]}),
        "secret",
        {"secret": "s"},
    ),
    "a service account": ({"serviceAccountName": "web"}, "serviceaccount", {"service_account": "web"}),
    "a claim": (volume(persistentVolumeClaim={"claimName": "p"}), "pvc", {"pvc": "p"}),
    "env of an init container": (
        {"initContainers": env("secretKeyRef", name="s", key="k")["containers"]},
        "secret",
        {"secret": "s"},
    ),
}
KINDS = {
    "configmap": "ConfigMap",
    "secret": "Secret",
    "serviceaccount": "ServiceAccount",
    "pvc": "PersistentVolumeClaim",
}


@pytest.mark.parametrize(("spec", "value", "named"), REFERENCES.values(), ids=REFERENCES.keys())
def test_what_is_named_and_not_there(spec, value, named):
    told = params(workload(dict(spec)), fact=f"config.missing={value}")
    assert named.items() <= told.items()


@pytest.mark.parametrize(("spec", "value", "named"), REFERENCES.values(), ids=REFERENCES.keys())
def test_what_cannot_be_listed_is_not_called_missing(spec, value, named):
    assert findings(workload(dict(spec)), unreadable=[KINDS[value]]) == []


@pytest.mark.parametrize(
    "spec",
    [
        env("configMapKeyRef", name="c", key="k", optional=True),
        env_from("secretRef", name="s", optional=True),
        volume(configMap={"name": "c", "optional": True}),
        volume(secret={"secretName": "s", "optional": True}),
        volume(projected={"sources": [{"secret": {"name": "s", "optional": True}}]}),
        volume(configMap={"name": "kube-root-ca.crt"}),
        {"imagePullSecrets": [{"name": "hub"}]},
    ],
)
def test_optional_references_are_no_fault(spec):
    assert findings(workload(spec)) == []


def test_keys_are_looked_up():
    config, secret = thing("ConfigMap", "c", data={"a": "1"}), thing("Secret", "s", data={"a": ""})
    assert findings(workload(env("configMapKeyRef", name="c", key="a")), config) == []
    told = params(
        workload(env("configMapKeyRef", name="c", key="k")), config, fact="config.missing=configmap-key"
    )
    assert (told["configmap"], told["key"], told["container"]) == ("c", "k", "web")
    assert "config.missing=secret-key" in facts(workload(env("secretKeyRef", name="s", key="k")), secret)
    items = volume(configMap={"name": "c", "items": [{"key": "app.conf", "path": "app.conf"}]})
    assert "config.missing=configmap-key" in facts(workload(items), config)


def test_keys_of_a_secret_whose_keys_are_not_known_are_not_called_missing():
    assert findings(workload(env("secretKeyRef", name="s", key="k")), thing("Secret", "s")) == []


def test_binary_data_has_keys_too():
    binary = thing("ConfigMap", "c", binaryData={"k": ""})
    assert findings(workload(env("configMapKeyRef", name="c", key="k")), binary) == []


def test_what_runs_already_is_only_warned_about():
    spec = env_from("secretRef", name="s")
    (finding,) = findings(workload(spec), replica_set(), node(), pod())
    assert finding.severity is Severity.WARNING
    (finding,) = findings(workload(spec))
    assert finding.severity is Severity.CRITICAL


def test_what_is_not_asked_to_run_is_not_looked_at():
    spec = env_from("secretRef", name="s")
    finished = {"kind": "Job", "spec": {"template": {"spec": spec}}}
    done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    assert findings(workload(spec, replicas=0, available=0)) == []
    assert findings({**thing("Job", "load"), **finished, **done}) == []


def test_the_kubelets_message_and_the_look_up_are_one_finding():
    spec = env_from("configMapRef", name="c")
    broken = with_status(
        waiting("CreateContainerConfigError", 'configmap "c" not found'), phase="Pending", spec=dict(spec)
    )
    (finding,) = findings(workload(spec), replica_set(), node(), broken)
    assert {f.name for f in finding.facts} >= {
        "pod.waiting=CreateContainerConfigError",
        "config.missing=configmap",
    }


def test_two_missing_things_are_two_findings():
    spec = {"containers": [container(envFrom=[{"configMapRef": {"name": n}} for n in ("one", "two")])]}
    found = {f.facts[0].params["configmap"] for f in findings(workload(spec))}
    assert found == {"one", "two"}


def test_a_mount_that_fails_names_what_it_lacks():
    spec = volume(secret={"secretName": "tls"})
    broken = creating("2026-03-01T11:50:00Z", spec=spec)
    text = 'MountVolume.SetUp failed for volume "v" : secret "tls" not found'
    told = params(workload(spec), replica_set(), broken, event(broken, "FailedMount", text),
                  fact="mount.error=secret-missing")  # fmt: skip
    assert told["secret"] == "tls"

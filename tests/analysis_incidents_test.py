"""What is found in the recorded incidents, and what is not."""

from functools import lru_cache

import pytest
import yaml

import kubelore.analysis.view as analysis_view
from kubelore.analysis.find import find
from kubelore.analysis.settings import object_facts
from kubelore.analysis.view import View
from kubelore.types import Finding, NotChecked, Ref, Severity
from support import incident, incident_ids, incident_labels, needs_incidents

pytestmark = needs_incidents

HEALTHY_NAMESPACES = {"shop", "kube-system"}


@lru_cache
def scanned(name: str) -> tuple[tuple[Finding, ...], tuple[NotChecked, ...]]:
    broken: list[NotChecked] = []
    found = find(View(incident(name)), broken=broken)
    return tuple(f for f in found if f.severity is not Severity.INFO), tuple(broken)


@pytest.mark.parametrize("name", incident_ids())
def test_the_object_at_fault_is_found(name):
    label = incident_labels()[name]
    found, broken = scanned(name)
    assert not broken
    if label["root_cause"] == "none":
        assert found == ()
    else:
        assert label["object"] in {str(f.object) for f in found}


@pytest.mark.parametrize("name", incident_ids())
def test_nothing_is_found_in_healthy_namespaces(name):
    found, _ = scanned(name)
    assert [f for f in found if f.object.namespace in HEALTHY_NAMESPACES] == []


def vocabulary() -> dict[str, list[str] | str]:
    with open(analysis_view.__file__.replace("view.py", "vocabulary.yaml")) as file:
        return {f["key"]: f["values"] for f in yaml.safe_load(file)["facts"]}


@pytest.mark.parametrize("name", incident_ids())
def test_every_fact_is_in_the_vocabulary(name):
    found, _ = scanned(name)
    known = vocabulary()
    told = [fact for finding in found for fact in finding.facts]
    label = incident_labels()[name]["object"]
    told += object_facts(View(incident(name)), Ref.parse(label)) if label else []
    for fact in told:
        assert fact.key in known, fact
        assert known[fact.key] == "open" or fact.value in known[fact.key], fact


EXPECTED = {
    "inc-01": {
        "pod.waiting=CrashLoopBackOff",
        "container.last_reason=OOMKilled",
        "container.memory_limit=set",
    },
    "inc-05": {"container.last_reason=StartError", "container.start_error=executable-not-found"},
    "inc-09": {"container.killed_by=liveness", "probe.liveness.timing=kills-before-start"},
    "inc-11": {"container.ready=no", "probe.readiness=http-404"},
    "inc-13": {"pull.error=not-found"},
    "inc-15": {"pull.error=unauthorized", "pull.secret=none-named"},
    "inc-18": {"config.missing=configmap", "pod.waiting=CreateContainerConfigError"},
    "inc-20": {"mount.error=secret-missing", "config.missing=secret"},
    "inc-22": {"init.state=running-long"},
    "inc-23": {"event=FailedScheduling:insufficient-cpu", "pod.node_fit=request-exceeds-every-node"},
    "inc-25": {"event=FailedScheduling:node-affinity-mismatch", "pod.node_fit=no-node-matches"},
    "inc-32": {"create.error=quota", "create.quota=pods"},
    "inc-34": {"create.error=service-account", "config.missing=serviceaccount"},
    "inc-45": {"job.failed=BackoffLimitExceeded", "container.last_exit_code=127"},
    "inc-54": {"usage.cpu=at-limit"},
    "inc-55": {"container.last_reason=Completed", "container.last_exit_code=0"},
    "inc-64": {"event=FailedScheduling:untolerated-taint", "pod.node_fit=only-tainted"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_facts_tell_the_cause(name):
    at_fault = incident_labels()[name]["object"]
    found, _ = scanned(name)
    assert EXPECTED[name] <= {f.name for finding in found for f in finding.facts if str(f.about) == at_fault}


def test_a_cordon_is_told_by_the_pod_that_needs_the_node():
    found, _ = scanned("inc-63")
    told = {f.name: f for finding in found for f in finding.facts}
    assert told["pod.node_fit=only-cordoned"].params["node"] == "worker-2"

"""The built-in kinds, in one table, and how to find one by whatever name people use for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object and where the API serves it. `group` is "" for core."""

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`plural.group`, just `plural` in core: unique, and what kubectl accepts."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """API path of the list, or of one object when `name` is given."""
        scope = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{self.root}{scope}/{self.plural}" + (f"/{name}" if name else "")


def _group(group_version: str, *rows: tuple[str, str, bool, str, str]) -> Iterable[Kind]:
    group, _, version = group_version.rpartition("/")
    for kind, plural, namespaced, short_names, categories in rows:
        yield Kind(
            kind, group, version, plural, namespaced, tuple(short_names.split()), tuple(categories.split())
        )


# Order matters where names collide: `Event` and `pods` mean the core kinds.
BUILT_IN: tuple[Kind, ...] = (
    *_group(
        "v1",
        ("Pod", "pods", True, "po", "all"),
        ("Service", "services", True, "svc", "all"),
        ("Node", "nodes", False, "no", ""),
        ("Namespace", "namespaces", False, "ns", ""),
        ("Event", "events", True, "ev", ""),
        ("ConfigMap", "configmaps", True, "cm", ""),
        ("Secret", "secrets", True, "", ""),
        ("ServiceAccount", "serviceaccounts", True, "sa", ""),
        ("Endpoints", "endpoints", True, "ep", ""),
        ("PersistentVolumeClaim", "persistentvolumeclaims", True, "pvc", ""),
        ("PersistentVolume", "persistentvolumes", False, "pv", ""),
        ("ResourceQuota", "resourcequotas", True, "quota", ""),
        ("LimitRange", "limitranges", True, "limits", ""),
        ("ReplicationController", "replicationcontrollers", True, "rc", "all"),
        ("PodTemplate", "podtemplates", True, "", ""),
        ("ComponentStatus", "componentstatuses", False, "cs", ""),
    ),
    *_group(
        "apps/v1",
        ("Deployment", "deployments", True, "deploy", "all"),
        ("ReplicaSet", "replicasets", True, "rs", "all"),
        ("StatefulSet", "statefulsets", True, "sts", "all"),
        ("DaemonSet", "daemonsets", True, "ds", "all"),
        ("ControllerRevision", "controllerrevisions", True, "", ""),
    ),
    *_group(
        "batch/v1",
        ("Job", "jobs", True, "", "all"),
        ("CronJob", "cronjobs", True, "cj", "all"),
    ),
    *_group("autoscaling/v2", ("HorizontalPodAutoscaler", "horizontalpodautoscalers", True, "hpa", "all")),
    *_group("policy/v1", ("PodDisruptionBudget", "poddisruptionbudgets", True, "pdb", "")),
    *_group(
        "networking.k8s.io/v1",
        ("Ingress", "ingresses", True, "ing", ""),
        ("IngressClass", "ingressclasses", False, "", ""),
        ("NetworkPolicy", "networkpolicies", True, "netpol", ""),
        ("IPAddress", "ipaddresses", False, "ip", ""),
        ("ServiceCIDR", "servicecidrs", False, "", ""),
    ),
    *_group("discovery.k8s.io/v1", ("EndpointSlice", "endpointslices", True, "", "")),
    *_group(
        "storage.k8s.io/v1",
        ("StorageClass", "storageclasses", False, "sc", ""),
        ("VolumeAttachment", "volumeattachments", False, "", ""),
        ("CSIDriver", "csidrivers", False, "", ""),
        ("CSINode", "csinodes", False, "", ""),
        ("CSIStorageCapacity", "csistoragecapacities", True, "", ""),
        ("VolumeAttributesClass", "volumeattributesclasses", False, "vac", ""),
    ),
    *_group(
        "rbac.authorization.k8s.io/v1",
        ("Role", "roles", True, "", ""),
        ("RoleBinding", "rolebindings", True, "", ""),
        ("ClusterRole", "clusterroles", False, "", ""),
        ("ClusterRoleBinding", "clusterrolebindings", False, "", ""),
    ),
    *_group("scheduling.k8s.io/v1", ("PriorityClass", "priorityclasses", False, "pc", "")),
    *_group("coordination.k8s.io/v1", ("Lease", "leases", True, "", "")),
    *_group("node.k8s.io/v1", ("RuntimeClass", "runtimeclasses", False, "", "")),
    *_group(
        "admissionregistration.k8s.io/v1",
        ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", False, "", "api-extensions"),
        ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False, "", "api-extensions"),
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies", False, "", "api-extensions"),
        (
            "ValidatingAdmissionPolicyBinding",
            "validatingadmissionpolicybindings",
            False,
            "",
            "api-extensions",
        ),
    ),
    *_group("apiregistration.k8s.io/v1", ("APIService", "apiservices", False, "", "api-extensions")),
    *_group(
        "apiextensions.k8s.io/v1",
        ("CustomResourceDefinition", "customresourcedefinitions", False, "crd crds", "api-extensions"),
    ),
    *_group(
        "certificates.k8s.io/v1",
        ("CertificateSigningRequest", "certificatesigningrequests", False, "csr", ""),
    ),
    *_group(
        "flowcontrol.apiserver.k8s.io/v1",
        ("FlowSchema", "flowschemas", False, "", ""),
        ("PriorityLevelConfiguration", "prioritylevelconfigurations", False, "", ""),
    ),
    *_group("events.k8s.io/v1", ("Event", "events", True, "ev", "")),
    *_group(
        "metrics.k8s.io/v1beta1",
        ("PodMetrics", "pods", True, "", ""),
        ("NodeMetrics", "nodes", False, "", ""),
    ),
    *_group(
        "gateway.networking.k8s.io/v1",
        ("GatewayClass", "gatewayclasses", False, "gc", "gateway-api"),
        ("Gateway", "gateways", True, "gtw", "gateway-api"),
        ("HTTPRoute", "httproutes", True, "", "gateway-api"),
        ("GRPCRoute", "grpcroutes", True, "", "gateway-api"),
    ),
    *_group("gateway.networking.k8s.io/v1beta1", ("ReferenceGrant", "referencegrants", True, "refgrant", "")),
)

ADD_ON_GROUPS = frozenset({"metrics.k8s.io", "gateway.networking.k8s.io"})
"""Groups of the table that a cluster only serves when something was installed in it."""


def index(kinds: Iterable[Kind]) -> Mapping[str, Kind]:
    """Kinds by every name they go by, in lower case; the first kind of a name wins.

    Names: kind, plural, short names, `kind.group`, `plural.group`, `plural.version.group`.
    """
    kinds = tuple(kinds)
    found: dict[str, Kind] = {}
    for names_of in (_full_names, _plain_names, _short_names):
        for kind in kinds:
            for name in names_of(kind):
                found.setdefault(name.lower(), kind)
    return MappingProxyType(found)


def _full_names(kind: Kind) -> tuple[str, ...]:
    if not kind.group:
        return (f"{kind.plural}.{kind.version}", f"{kind.plural}.{kind.version}.")
    return (
        f"{kind.plural}.{kind.group}",
        f"{kind.kind}.{kind.group}",
        f"{kind.plural}.{kind.version}.{kind.group}",
        f"{kind.kind}.{kind.version}.{kind.group}",
    )


def _plain_names(kind: Kind) -> tuple[str, ...]:
    return (kind.kind, kind.plural)


def _short_names(kind: Kind) -> tuple[str, ...]:
    return kind.short_names


_BY_NAME = index(BUILT_IN)
_BY_RESOURCE = {(k.group, k.plural): k for k in BUILT_IN}


def find(name: str) -> Kind | None:
    """A built-in kind by kind, plural, short name or `plural.group`, in any case."""
    return _BY_NAME.get(name.strip().lower())


def find_resource(group: str, plural: str) -> Kind | None:
    """A built-in kind by where the API serves it, whatever the version."""
    return _BY_RESOURCE.get((group, plural))

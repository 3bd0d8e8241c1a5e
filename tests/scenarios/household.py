"""What every cluster has beside its fault: the system, a healthy namespace, harmless noise, endpoints."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from typing import Any

from scenarios.builders import World
from scenarios.parts import Json, c, ended, http, running
from scenarios.workloads import configmap, cronjob, daemonset, deployment, is_ready, job, service

SYSTEM = "kube-system"


def furnish(w: World) -> None:
    _system(w)
    _healthy_namespace(w)
    _cluster_scoped(w)
    for svc in w.of("Service"):
        if svc["spec"].get("selector"):
            _endpoints(w, svc)
    for node in w.nodes:
        name = node["metadata"]["name"]
        if name not in w.dead_nodes and name not in {m["metadata"]["name"] for m in w.metrics["Node"]}:
            usage = {"cpu": f"{w.rng.randint(180, 420)}m", "memory": f"{w.rng.randint(2100, 3300)}Mi"}
            w.metrics["Node"].append(
                {"metadata": {"name": name}, "timestamp": w.t(25), "window": "20s", "usage": usage}
            )


def _system(w: World) -> None:
    if not any(n["metadata"]["name"] == SYSTEM for n in w.of("Namespace")):
        w.namespace(SYSTEM)
        w.namespace("default")
    missing = {o["metadata"]["name"] for k in ("Deployment", "DaemonSet") for o in w.of(k, SYSTEM)}
    critical = {"priorityClassName": "system-cluster-critical", "tolerations": [{"operator": "Exists"}]}
    node_level = {
        "priorityClassName": "system-node-critical",
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
    }
    dns = "kube-dns" if w.flavour.name == "gke" else "coredns"
    if dns not in missing:
        coredns = c(
            "coredns",
            "registry.k8s.io/coredns/coredns:v1.11.1",
            ports=[("dns", 53, "UDP"), ("dns-tcp", 53), ("metrics", 9153)],
            args=["-conf", "/etc/coredns/Corefile"],
            livenessProbe=http("/health", 8080, failureThreshold=5, initialDelaySeconds=60, timeoutSeconds=5),
            readinessProbe=http("/ready", 8181),
            memory=("70Mi", "170Mi"),
            cpu=("100m", ""),
            log=".:53\n[INFO] plugin/reload: Running configuration SHA512 = 591cf328cccc12b\nCoreDNS-1.11.1\nlinux/amd64, go1.20.7, ae2bbc2",
        )
        labels = {"k8s-app": "kube-dns"}
        deployment(w, SYSTEM, dns, coredns, replicas=2, labels=labels, spec=critical, age=86400 * 20)
    if not any(s["metadata"]["name"] == "kube-dns" for s in w.of("Service", SYSTEM)):
        ports = [("dns", 53, 53, "UDP"), ("dns-tcp", 53, 53)]
        service(w, SYSTEM, "kube-dns", ports, selector={"k8s-app": "kube-dns"}, clusterIP="10.96.0.10")
    configmap(w, SYSTEM, "coredns", Corefile=".:53 {\n    errors\n    health\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa\n    forward . /etc/resolv.conf\n    cache 30\n}\n")  # fmt: skip
    if "kube-proxy" not in missing and w.flavour.name not in ("k3s", "openshift"):
        image = f"registry.k8s.io/kube-proxy:{w.version.split('+')[0]}"
        proxy = c(
            "kube-proxy",
            image,
            memory=None,
            cpu=("100m", ""),
            log='I0301 09:00:01.000000 1 server_linux.go:69] "Using iptables proxy"',
        )
        daemonset(
            w, SYSTEM, "kube-proxy", proxy, labels={"k8s-app": "kube-proxy"}, spec=node_level, age=86400 * 20
        )
    if w.flavour.cni and w.flavour.cni not in missing:
        cni = c(
            w.flavour.cni,
            memory=None,
            state=running(restarts=1, last=ended(2, "Error", finished=86400 * 2), started=86400 * 2),
        )
        daemonset(
            w, SYSTEM, w.flavour.cni, cni, labels={"k8s-app": w.flavour.cni}, spec=node_level, age=86400 * 20
        )
    if "metrics-server" not in missing:
        image = "registry.k8s.io/metrics-server/metrics-server:v0.7.2"
        metrics = c(
            "metrics-server",
            image,
            ports=[("https", 10250)],
            readinessProbe=http("/readyz", "https", "HTTPS"),
        )
        deployment(
            w,
            SYSTEM,
            "metrics-server",
            metrics,
            labels={"k8s-app": "metrics-server"},
            spec=critical,
            age=86400 * 20,
        )
        service(
            w, SYSTEM, "metrics-server", [("https", 443, "https")], selector={"k8s-app": "metrics-server"}
        )
    if w.flavour.control_plane:
        _control_plane(w)


def _control_plane(w: World) -> None:
    node = w.nodes[0]
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        pod = f"{name}-{node['metadata']['name']}"
        if any(p["metadata"]["name"] == pod for p in w.of("Pod", SYSTEM)):
            continue
        static_pod(w, name, c(name, f"registry.k8s.io/{name}:{w.version}", memory=None, cpu=("100m", "")))


def static_pod(w: World, name: str, container: Any, **more: Any) -> Json:
    """A control plane component as the kubelet mirrors it; owned by its node."""
    node = w.nodes[0]
    return w.pod(
        SYSTEM,
        f"{name}-{node['metadata']['name']}",
        [container],
        owner=node,
        node=node,
        labels={"component": name, "tier": "control-plane"},
        annotations={"kubernetes.io/config.source": "file"},
        spec={"hostNetwork": True, "priorityClassName": "system-node-critical"},
        age=86400 * 20,
        static=True,
        **more,
    )


def _healthy_namespace(w: World) -> None:
    ns = w.namespace()
    web, back, batch = w.name("web"), w.name("api"), w.name("report")
    log = "INFO listening on :8080\nWARN slow request path=/search took=1240ms\nINFO GET /healthz 200\nWARN retrying upstream call attempt=1\nINFO GET /items 200"
    for name in (web, back):
        ok = c(
            name,
            ports=[8080],
            log=log,
            readinessProbe=http("/healthz", 8080),
            livenessProbe=http("/healthz", 8080),
        )
        old = c(name, ports=[8080], log=log, readinessProbe=http("/healthz", 8080), livenessProbe=http("/healthz", 8080),
                state=running(restarts=1, last=ended(143, "Error", finished=86400 * 2, ran=4000), started=86400 * 2 - 5))  # fmt: skip
        deployment(w, ns, name, ok, replicas=2, pods=[ok, old if name == web else ok], age=86400 * 3)
        service(w, ns, name, 80, target=8080)
    report = c(batch, log="rows=1201\ndone", state=ended(0, finished=2700, ran=60), command=["/app/report"])
    parent = cronjob(w, ns, batch, report, last=2760)
    job(w, ns, f"{batch}-29501234", report, owner=parent, complete=True, age=2760)
    _stale_events(w, ns, web)


def _stale_events(w: World, ns: str, name: str) -> None:
    """Events of pods that are gone: a rollout half an hour ago."""
    gone = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "namespace": ns,
            "name": f"{name}-{w.suffix(9)}-{w.suffix()}",
            "uid": w.uid(),
            "resourceVersion": "77",
        },
        "spec": {"nodeName": w.workers[0]["metadata"]["name"]},
    }
    refused = 'Readiness probe failed: Get "http://10.244.3.17:8080/healthz": dial tcp 10.244.3.17:8080: connect: connection refused'
    w.event(gone, "Warning", "Unhealthy", refused, 2, 2400, 2390, name)
    w.event(gone, "Normal", "Killing", f"Stopping container {name}", 1, 2380, 2380, name)


def _cluster_scoped(w: World) -> None:
    present = {s["metadata"]["name"] for s in w.of("StorageClass")}
    if w.flavour.storage_class not in present:
        w.add(
            "storage.k8s.io/v1",
            "StorageClass",
            "",
            w.flavour.storage_class,
            annotations={"storageclass.kubernetes.io/is-default-class": "true"},
            provisioner=w.flavour.provisioner,
            reclaimPolicy="Delete",
            volumeBindingMode="WaitForFirstConsumer",
        )
    for name, value in (("system-cluster-critical", 2000000000), ("system-node-critical", 2000001000)):
        w.add("scheduling.k8s.io/v1", "PriorityClass", "", name, value=value)
    if not w.of("APIService"):
        target = {"name": "metrics-server", "namespace": SYSTEM, "port": 443}
        ok = {
            "type": "Available",
            "status": "True",
            "reason": "Passed",
            "message": "all checks passed",
            "lastTransitionTime": w.t(86400),
        }
        w.add(
            "apiregistration.k8s.io/v1",
            "APIService",
            "",
            "v1beta1.metrics.k8s.io",
            spec={"service": target, "group": "metrics.k8s.io", "version": "v1beta1"},
            status={"conditions": [ok]},
        )
    _custom_definitions(w)
    if w.of("Ingress") and not w.of("IngressClass"):
        w.add(
            "networking.k8s.io/v1", "IngressClass", "", "nginx", spec={"controller": "k8s.io/ingress-nginx"}
        )
        _ingress_controller(w)


def _custom_definitions(w: World) -> None:
    """The definition of every custom kind in use."""
    known = {d["metadata"]["name"] for d in w.of("CustomResourceDefinition")}
    for obj in list(w.objects):
        group, _, version = obj["apiVersion"].rpartition("/")
        name = f"{obj['kind'].lower()}s.{group}"
        if "." not in group or (group.endswith(".k8s.io") and "gateway" not in group) or name in known:
            continue
        known.add(name)
        names = {"kind": obj["kind"], "plural": f"{obj['kind'].lower()}s", "singular": obj["kind"].lower()}
        rows = [{"name": version, "served": True, "storage": True}]
        ok = [{"type": kind, "status": "True"} for kind in ("NamesAccepted", "Established")]
        spec = {"group": group, "names": names, "scope": "Namespaced", "versions": rows}
        api = "apiextensions.k8s.io/v1"
        w.add(
            api,
            "CustomResourceDefinition",
            "",
            name,
            spec=spec,
            status={"conditions": ok, "storedVersions": [version]},
        )


def _ingress_controller(w: World) -> None:
    ns = w.namespace("ingress-nginx")
    name = "ingress-nginx-controller"
    args = ["/nginx-ingress-controller", "--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx"]
    box = c(
        "controller",
        "registry.k8s.io/ingress-nginx/controller:v1.11.2",
        args=args,
        ports=[("http", 80), ("https", 443)],
    )
    deployment(w, ns, name, box, labels={"app.kubernetes.io/name": "ingress-nginx"}, age=86400 * 20)
    ports = [("http", 80, "http"), ("https", 443, "https")]
    svc = service(
        w, ns, name, ports, selector={"app.kubernetes.io/name": "ingress-nginx"}, type="LoadBalancer"
    )
    svc["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}


def _endpoints(w: World, svc: Json) -> None:
    """Endpoints and EndpointSlice of one service, from the pods that its selector matches."""
    meta, selector = svc["metadata"], svc["spec"]["selector"]
    pods = [
        p
        for p in w.of("Pod", meta["namespace"])
        if p["status"].get("podIP")
        and p["status"]["phase"] == "Running"
        and selector.items() <= p["metadata"].get("labels", {}).items()
    ]
    groups: dict[str, tuple[list[Json], list[Json]]] = {}
    publish = svc["spec"].get("publishNotReadyAddresses", False)
    for pod in pods:
        ports = [_resolved(p, pod) for p in svc["spec"].get("ports", ())]
        known = [p for p in ports if p]
        groups.setdefault(repr(known), (known, []))[1].append(pod)
    subsets, slices = [], []
    for ports, members in groups.values():
        ready = [p for p in members if is_ready(p) or publish]
        rest = [p for p in members if p not in ready]
        if ports:
            subset: Json = {"ports": ports}
            subset |= {"addresses": [_address(p) for p in ready]} if ready else {}
            subset |= {"notReadyAddresses": [_address(p) for p in rest]} if rest else {}
            subsets.append(subset)
        slices.append((ports, members))
    w.add("v1", "Endpoints", meta["namespace"], meta["name"], **({"subsets": subsets} if subsets else {}))
    for ports, members in slices or [(None, [])]:
        w.add(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            meta["namespace"],
            f"{meta['name']}-{w.suffix()}",
            labels={
                "kubernetes.io/service-name": meta["name"],
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            owner=svc,
            addressType="IPv4",
            ports=ports,
            endpoints=[
                {
                    "addresses": [p["status"]["podIP"]],
                    "conditions": {
                        "ready": is_ready(p) or publish,
                        "serving": is_ready(p),
                        "terminating": False,
                    },
                    "targetRef": _target(p),
                    "nodeName": p["spec"]["nodeName"],
                }
                for p in members
            ]
            or None,
        )


def _resolved(port: Json, pod: Json) -> Json | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, str):
        found = [
            p["containerPort"]
            for x in pod["spec"]["containers"]
            for p in x.get("ports", ())
            if p.get("name") == target
        ]
        if not found:
            return None
        target = found[0]
    return {"name": port.get("name", ""), "port": target, "protocol": port["protocol"]}


def _target(pod: Json) -> Json:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _address(pod: Json) -> Json:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _target(pod)}

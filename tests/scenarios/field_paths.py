"""Half c: requests that go astray, permissions, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, argo, helm, shop, told
from scenarios.parts import c, http
from scenarios.registry import scenario
from scenarios.workloads import (
    configmap,
    deployment,
    ingress,
    secret,
    service,
    statefulset,
)


@scenario(flavour="aks", minor=31)
def release_renamed(w: World) -> Truth:
    """The chart was reinstalled under another release name; the Service is kept in another repository."""
    ns = w.namespace("identity")
    now = helm("token-service", "token-service-v2", "dotnet-api-4.0.1")
    deployment(
        w,
        ns,
        "token-service",
        c(
            "api",
            ports=[("http", 8080)],
            readinessProbe=http("/healthz", "http"),
            log="info: Microsoft.Hosting.Lifetime[14]\n      Now listening on: http://[::]:8080",
        ),
        replicas=2,
        age=7000,
        **now,
    )
    called = service(
        w,
        ns,
        "token-service",
        [("http", 80, "http")],
        selector={"app.kubernetes.io/name": "token-service", "app.kubernetes.io/instance": "token-service"},
    )
    log = (
        '2026/03/01 11:57:12 [error] 29#29: *88121 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.4.9, server: _, request: "POST /connect/token HTTP/1.1", upstream: "http://<called>:80/connect/token", host: "login.acme.example"\n'
        * 5
    )
    deployment(
        w,
        ns,
        "login-proxy",
        c(
            "nginx",
            "docker.io/library/nginx:1.27",
            ports=[8080],
            env={"TOKEN_UPSTREAM": "http://token-service"},
            log=log.replace("<called>", called["spec"]["clusterIP"]),
        ),
        age=DAY * 20,
    )
    return told(
        w,
        "login broken: login-proxy returns 502 for /connect/token",
        "service_selector_mismatch",
        f"Service/{ns}/token-service",
    )


@scenario(flavour="eks", minor=31)
def port_renumbered(w: World) -> Truth:
    ns = w.namespace("media")
    deployment(
        w,
        ns,
        "encoder-api",
        [
            c(
                "encoder-api",
                ports=[("http", 9000)],
                readinessProbe=http("/healthz", 9000),
                log='INFO:     Uvicorn running on http://0.0.0.0:9000 (Press CTRL+C to quit)\nINFO:     10.0.1.11:40112 - "GET /healthz HTTP/1.1" 200 OK',
            )
        ],
        replicas=2,
        age=7200,
    )
    service(w, ns, "encoder-api", 80, target=8000)
    ingress(w, ns, "encoder", "encoder-api", 80, host="encode.acme.example")
    return told(
        w,
        "https://encode.acme.example gives 502 Bad Gateway since the last release, pods are green",
        "service_wrong_target_port",
        f"Service/{ns}/encoder-api",
    )


@scenario(flavour="k3s", minor=30)
def ingress_old_name(w: World) -> Truth:
    ns = w.namespace("homepage")
    deployment(
        w,
        ns,
        "site",
        c("site", ports=[3000], readinessProbe=http("/", 3000)),
        replicas=2,
        age=DAY * 3,
        **helm("site", "site", "next-0.4.0"),
    )
    service(w, ns, "site-web", 80, target=3000, selector=helm("site", "site", "")["labels"])
    ingress(w, ns, "www", "site", 80, host="www.acme.example")
    return told(
        w,
        "www.acme.example shows 503 Service Temporarily Unavailable (nginx)",
        "ingress_backend_missing",
        f"Ingress/{ns}/www",
        or_cause=["missing_service"],
        or_at=[f"Service/{ns}/site"],
    )


@scenario(flavour="aks", minor=32)
def alb_on_azure(w: World) -> Truth:
    ns = w.namespace("partners")
    w.add(
        "networking.k8s.io/v1",
        "IngressClass",
        "",
        "webapprouting.kubernetes.azure.com",
        spec={"controller": "webapprouting.kubernetes.azure.com/nginx"},
    )
    deployment(
        w,
        ns,
        "partner-portal",
        c("portal", ports=[8080], readinessProbe=http("/healthz", 8080)),
        replicas=2,
        age=DAY,
        labels={"app": "partner-portal"},
    )
    service(w, ns, "partner-portal", 80, target=8080)
    ingress(
        w, ns, "partner-portal", "partner-portal", 80, cls="alb", host="partners.acme.example", address=""
    )
    return told(
        w,
        "ingress partner-portal gets no ADDRESS",
        "ingress_class_missing",
        f"Ingress/{ns}/partner-portal",
        or_at=["IngressClass//alb"],
    )


@scenario(flavour="gke", minor=33)
def default_deny(w: World) -> Truth:
    """A new default deny lets in nobody but the ingress controllers; the worker calls from the same namespace."""
    ns = w.namespace("orders")
    statefulset(
        w,
        ns,
        "orders-redis",
        c("redis", "docker.io/library/redis:7.4", ports=[6379], log="* Ready to accept connections tcp"),
        age=DAY * 9,
    )
    called = service(w, ns, "orders-redis", 6379)
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
                ]
            }
        ],
    }
    w.add(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        ns,
        "baseline-ingress",
        spec=spec,
        age=4000,
        annotations=argo("baseline", "NetworkPolicy", ns, "baseline-ingress"),
    )
    log = (
        '{"level":"error","ts":"2026-03-01T11:57:44Z","msg":"redis: connection pool: failed to dial","error":"dial tcp <called>:6379: i/o timeout"}\n'
        * 6
    )
    deployment(
        w,
        ns,
        "order-worker",
        c(
            "worker",
            env={"REDIS_ADDR": "orders-redis:6379"},
            log=log.replace("<called>", called["spec"]["clusterIP"]),
        ),
        replicas=2,
        age=DAY * 2,
    )
    return told(
        w,
        "order-worker has redis i/o timeouts since about an hour, redis looks fine",
        "network_policy_blocking",
        f"NetworkPolicy/{ns}/baseline-ingress",
    )


@scenario(flavour="eks", minor=30)
def certificate(w: World) -> Truth:
    ns = w.namespace("b2b")
    shop(w, ns, "edi")
    service(w, ns, "edi", 80, target=8080)
    secret(w, ns, "edi-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    ingress(w, ns, "edi", "edi", 80, tls="edi-tls", host="edi.acme.example")
    rows = [
        {
            "type": "Ready",
            "status": "False",
            "reason": "Expired",
            "message": "Certificate expired on Sat, 28 Feb 2026 21:14:09 UTC",
            "lastTransitionTime": w.t(53000),
        }
    ]
    spec = {
        "secretName": "edi-tls",
        "dnsNames": ["edi.acme.example"],
        "issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"},
    }
    cert = w.add(
        "cert-manager.io/v1",
        "Certificate",
        ns,
        "edi-tls",
        spec=spec,
        status={
            "conditions": rows,
            "notAfter": "2026-02-28T21:14:09Z",
            "notBefore": "2025-11-30T21:14:10Z",
            "renewalTime": "2026-01-29T21:14:09Z",
        },
        age=DAY * 400,
    )
    w.event(
        cert,
        "Warning",
        "Failed",
        'The certificate request has failed to complete and will be retried: Failed to wait for order resource "edi-tls-1-2388119" to become ready: order is in "invalid" state',
        3,
        3200,
        900,
        source="cert-manager-certificates-issuing",
    )
    return told(
        w,
        "partners report x509: certificate has expired or is not yet valid for edi.acme.example",
        "certificate_expired",
        f"Secret/{ns}/edi-tls",
        or_at=[f"Certificate/{ns}/edi-tls", f"Ingress/{ns}/edi"],
    )


@scenario(flavour="gke", minor=30)
def external_dns(w: World) -> Truth:
    ns = w.namespace("external-dns")
    w.add("v1", "ServiceAccount", ns, "external-dns")
    rules = [
        {
            "apiGroups": [""],
            "resources": ["services", "endpoints", "pods", "nodes"],
            "verbs": ["get", "watch", "list"],
        }
    ]
    w.add("rbac.authorization.k8s.io/v1", "ClusterRole", "", "external-dns", rules=rules)
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "external-dns"}
    w.add(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "",
        "external-dns-viewer",
        roleRef=ref,
        subjects=[{"kind": "ServiceAccount", "name": "external-dns", "namespace": ns}],
    )
    log = (
        'time="2026-03-01T11:55:00Z" level=info msg="Created Kubernetes client https://10.96.0.1:443"\n'
        + 'W0301 11:56:02.101 1 reflector.go:561] pkg/mod/k8s.io/client-go@v0.31.2/tools/cache/reflector.go:243: failed to list *v1.Ingress: ingresses.networking.k8s.io is forbidden: User "system:serviceaccount:external-dns:external-dns" cannot list resource "ingresses" in API group "networking.k8s.io" at the cluster scope\n'
        * 5
    )
    deployment(
        w,
        ns,
        "external-dns",
        c(
            "external-dns",
            "registry.k8s.io/external-dns/external-dns:v0.15.0",
            args=["--source=service", "--source=ingress"],
            log=log,
        ),
        spec={"serviceAccountName": "external-dns"},
        age=8000,
    )
    return told(
        w,
        "new hostnames don't show up in cloud dns",
        "rbac_forbidden",
        f"ServiceAccount/{ns}/external-dns",
        or_at=[
            "ClusterRole//external-dns",
            f"Deployment/{ns}/external-dns",
            "ClusterRoleBinding//external-dns-viewer",
        ],
    )


@scenario(flavour="kind", minor=33)
def nginx_route(w: World) -> Truth:
    """The gateway sends one path to a Service of a name that never was."""
    ns = w.namespace("storefront")
    for name in ("basket", "catalogue"):
        deployment(
            w, ns, name, c(name, ports=[8080], readinessProbe=http("/healthz", 8080)), replicas=2, age=DAY * 9
        )
        service(w, ns, name, 80, target=8080)
    conf = "server {\n  listen 8080;\n  resolver kube-dns.kube-system.svc.cluster.local valid=10s;\n  location /catalogue/ { set $up catalogue.storefront.svc.cluster.local; proxy_pass http://$up:80; }\n  location /basket/ { set $up baskets.storefront.svc.cluster.local; proxy_pass http://$up:80; }\n}\n"
    configmap(w, ns, "edge-nginx", **{"default.conf": conf})
    log = (
        '10.244.1.4 - - [01/Mar/2026:11:55:40 +0000] "GET /catalogue/items HTTP/1.1" 200 5120 "-" "Mozilla/5.0"\n'
        + '2026/03/01 11:55:41 [error] 31#31: *4021 baskets.storefront.svc.cluster.local could not be resolved (3: Host not found), client: 10.244.1.4, server: , request: "GET /basket/mine HTTP/1.1", host: "shop.acme.example"\n10.244.1.4 - - [01/Mar/2026:11:55:41 +0000] "GET /basket/mine HTTP/1.1" 502 157 "-" "Mozilla/5.0"\n'
        * 4
    )
    box = c(
        "nginx",
        "docker.io/nginxinc/nginx-unprivileged:1.27",
        ports=[8080],
        mounts={"conf": "/etc/nginx/conf.d"},
        log=log,
    )
    deployment(
        w,
        ns,
        "edge",
        box,
        spec={"volumes": [{"name": "conf", "configMap": {"name": "edge-nginx"}}]},
        age=9000,
    )
    service(w, ns, "edge", 80, target=8080)
    return told(
        w,
        "shop works but /basket/ is 502 for everyone",
        "gateway_misrouted",
        f"Deployment/{ns}/edge",
        or_cause=["dependency_host_unresolvable"],
        or_at=[f"ConfigMap/{ns}/edge-nginx"],
    )

"""Requests that do not arrive: services, routes, policies, names, certificates."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.household import SYSTEM
from scenarios.parts import c, crash, http
from scenarios.registry import scenario
from scenarios.workloads import configmap, daemonset, deployment, ingress, secret, service, statefulset


def healthy(w: World, name: str, port: int = 8080, ns: str = "", replicas: int = 2, **more: object) -> None:
    box = c(
        name,
        ports=[port],
        readinessProbe=http("/healthz", port),
        log=f"INFO listening on :{port}\nINFO GET /healthz 200",
    )
    deployment(w, ns or w.ns, name, box, replicas=replicas, **more)  # type: ignore[arg-type]


@scenario()
def selector_version(w: World) -> Truth:
    healthy(w, w.app)
    service(w, w.ns, w.app, 80, target=8080, selector={"app": w.app, "version": "v2"})
    return Truth(
        f"{w.app} unreachable although pods are green", "service_selector_mismatch", f"Service/{w.ns}/{w.app}"
    )


@scenario()
def selector_statefulset(w: World) -> Truth:
    """Two services, one of them with a typo."""
    statefulset(w, w.ns, w.app, c("db", "docker.io/library/postgres:16", ports=[5432]), replicas=2)
    service(w, w.ns, w.app, 5432, clusterIP="None")
    service(w, w.ns, f"{w.app}-rw", 5432, selector={"app": w.app, "role": "primry"})
    return Truth(
        f"cannot connect to {w.app}-rw:5432", "service_selector_mismatch", f"Service/{w.ns}/{w.app}-rw"
    )


@scenario()
def target_port(w: World) -> Truth:
    healthy(w, w.app, 3000)
    service(w, w.ns, w.app, 80, target=8080)
    return Truth(
        f"curl http://{w.app} says connection refused", "service_wrong_target_port", f"Service/{w.ns}/{w.app}"
    )


@scenario()
def target_port_name(w: World) -> Truth:
    box = c(w.app, ports=[("http-web", 8080)], log="INFO listening on :8080")
    deployment(w, w.ns, w.app, box, replicas=2)
    service(w, w.ns, w.app, 80, target="http")
    return Truth(
        f"503 from {w.app}, pods are Running", "service_wrong_target_port", f"Service/{w.ns}/{w.app}"
    )


@scenario()
def target_port_caller(w: World) -> Truth:
    """The caller is asked about; it stays ready and logs refused connections."""
    healthy(w, w.app, 9000)
    service(w, w.ns, w.app, 80, target=9090)
    caller = w.name("web")
    log = (
        f"INFO started\nERROR upstream http://{w.app}:80/quote failed: dial tcp 10.96.14.3:80: connect: connection refused\n"
        * 6
    )
    deployment(w, w.ns, caller, c(caller, env={"UPSTREAM": f"http://{w.app}:80"}, log=log, ports=[8080]))
    return Truth(
        f"{caller} shows errors for every user",
        "service_wrong_target_port",
        f"Service/{w.ns}/{w.app}",
        ("dependency_unavailable",),
    )


@scenario()
def protocol(w: World) -> Truth:
    box = c(w.app, ports=[("dns", 5353, "UDP")], log="listening on udp 0.0.0.0:5353")
    deployment(w, w.ns, w.app, box)
    service(w, w.ns, w.app, [("dns", 5353, 5353, "TCP")])
    return Truth(f"queries to {w.app} time out", "service_wrong_protocol", f"Service/{w.ns}/{w.app}")


@scenario()
def protocol_syslog(w: World) -> Truth:
    box = c("rsyslog", ports=[("syslog", 514, "UDP")], log="rsyslogd: imudp: listening on *:514 (udp)")
    daemonset(w, w.ns, w.app, box, nodes=w.workers)
    service(w, w.ns, w.app, [("syslog", 514, "syslog", "TCP")])
    return Truth(
        f"no syslog arrives at {w.app}",
        "service_wrong_protocol",
        f"Service/{w.ns}/{w.app}",
        ("service_wrong_target_port",),
    )


@scenario()
def zero(w: World) -> Truth:
    deployment(w, w.ns, w.app, c(w.app, ports=[8080]), replicas=0)
    service(w, w.ns, w.app, 80, target=8080)
    ingress(w, w.ns, w.app, w.app, 80)
    return Truth(
        f"https://{w.app}.corp.test is down with 503",
        "deployment_zero_replicas",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Service/{w.ns}/{w.app}",),
    )


@scenario()
def zero_backend(w: World) -> Truth:
    """The caller crashes because the database is scaled to zero in another namespace."""
    other, db = w.namespace(), w.name("db")
    statefulset(w, other, db, c("pg", ports=[5432]), replicas=0)
    service(w, other, db, 5432)
    log = f'INFO connecting to {db}.{other}.svc.cluster.local:5432\nFATAL could not connect to server: Connection refused\n\tIs the server running on host "{db}.{other}.svc.cluster.local" (10.96.4.4) and accepting TCP/IP connections on port 5432?'
    box = c(
        w.app,
        env={"DATABASE_HOST": f"{db}.{other}.svc.cluster.local", "DATABASE_PORT": "5432"},
        log=log,
        state=crash(1),
    )
    deployment(w, w.ns, w.app, box)
    return Truth(
        f"{w.app} crashlooping in {w.ns}",
        "deployment_zero_replicas",
        f"StatefulSet/{other}/{db}",
        ("dependency_unavailable",),
        (f"Service/{other}/{db}", f"Deployment/{w.ns}/{w.app}"),
    )


@scenario()
def no_such_service(w: World) -> Truth:
    log = (
        "INFO boot\nERROR request to http://pricing-core:8080/v1/prices failed, reason: getaddrinfo ENOTFOUND pricing-core\n"
        * 4
    )
    box = c(w.app, ports=[8080], env={"PRICING_URL": "http://pricing-core:8080"}, log=log)
    deployment(w, w.ns, w.app, box)
    healthy(w, "pricing-engine")
    service(w, w.ns, "pricing-engine", 8080)
    return Truth(
        f"{w.app} returns 500 on checkout",
        "dependency_host_unresolvable",
        f"Deployment/{w.ns}/{w.app}",
        ("missing_service",),
        (f"Service/{w.ns}/pricing-core",),
    )


@scenario()
def no_such_service_statefulset(w: World) -> Truth:
    """The workload is there; its Service was never made."""
    statefulset(
        w, w.ns, "message-hub", c("mq", ports=[5672], log="Server startup complete; 4 plugins started.")
    )
    log = (
        "amqp.exceptions: [Errno -2] Name or service not known\nERROR cannot resolve message-hub, retry in 5s\n"
        * 5
    )
    deployment(w, w.ns, w.app, c(w.app, env={"AMQP_HOST": "message-hub"}, log=log, state=crash(1)))
    return Truth(
        f"consumer {w.app} crashes",
        "missing_service",
        f"Service/{w.ns}/message-hub",
        ("dependency_host_unresolvable",),
        (f"Deployment/{w.ns}/{w.app}", f"StatefulSet/{w.ns}/message-hub"),
    )


@scenario()
def gateway_nginx(w: World) -> Truth:
    """A proxy whose upstream has the wrong port."""
    healthy(w, w.app, 8080)
    service(w, w.ns, w.app, 8080)
    gateway = w.name("gateway")
    configmap(
        w,
        w.ns,
        f"{gateway}-conf",
        **{"default.conf": f"server {{ listen 80; location / {{ proxy_pass http://{w.app}:8088; }} }}"},
    )
    log = (
        '2026/03/01 11:59:00 [error] 29#29: *311 connect() failed (111: Connection refused) while connecting to upstream, client: 10.244.1.8, server: , request: "GET /orders HTTP/1.1", upstream: "http://10.96.8.20:8088/orders", host: "shop.corp.test"\n'
        * 5
    )
    box = c(
        "nginx", "docker.io/library/nginx:1.25", ports=[80], mounts={"conf": "/etc/nginx/conf.d"}, log=log
    )
    deployment(
        w, w.ns, gateway, box, spec={"volumes": [{"name": "conf", "configMap": {"name": f"{gateway}-conf"}}]}
    )
    service(w, w.ns, gateway, 80)
    return Truth(
        f"everything behind {gateway} answers 502",
        "gateway_misrouted",
        f"Deployment/{w.ns}/{gateway}",
        ("dependency_unavailable", "invalid_configuration"),
        (f"ConfigMap/{w.ns}/{gateway}-conf",),
    )


@scenario()
def gateway_route(w: World) -> Truth:
    """Gateway API: the route's backend does not exist."""
    healthy(w, w.app)
    service(w, w.ns, w.app, 8080)
    w.add(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        w.ns,
        "edge",
        spec={"gatewayClassName": "eg", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
        status={"conditions": [{"type": "Programmed", "status": "True", "reason": "Programmed"}]},
    )
    rule = {"backendRefs": [{"name": f"{w.app}-v2", "port": 8080, "kind": "Service", "group": ""}]}
    no = {
        "type": "ResolvedRefs",
        "status": "False",
        "reason": "BackendNotFound",
        "message": f"Failed to process route rule 0 backendRef 0: service {w.ns}/{w.app}-v2 not found.",
        "lastTransitionTime": w.t(900),
    }
    yes = {
        "type": "Accepted",
        "status": "True",
        "reason": "Accepted",
        "message": "Route is accepted",
        "lastTransitionTime": w.t(900),
    }
    w.add("gateway.networking.k8s.io/v1", "HTTPRoute", w.ns, w.app, spec={"parentRefs": [{"name": "edge"}], "hostnames": [f"{w.app}.corp.test"], "rules": [rule]},
          status={"parents": [{"parentRef": {"name": "edge"}, "controllerName": "gateway.envoyproxy.io/gatewayclass-controller", "conditions": [yes, no]}]})  # fmt: skip
    return Truth(
        f"{w.app}.corp.test gives 500",
        "ingress_backend_missing",
        f"HTTPRoute/{w.ns}/{w.app}",
        ("gateway_misrouted", "missing_service"),
        (f"Service/{w.ns}/{w.app}-v2",),
    )


@scenario()
def ingress_service(w: World) -> Truth:
    healthy(w, w.app)
    service(w, w.ns, w.app, 80, target=8080)
    ingress(w, w.ns, f"{w.app}-public", f"{w.app}-svc", 80)
    return Truth(
        f"public site of {w.app} returns 503 Service Temporarily Unavailable",
        "ingress_backend_missing",
        f"Ingress/{w.ns}/{w.app}-public",
        ("missing_service",),
    )


@scenario()
def ingress_port(w: World) -> Truth:
    healthy(w, w.app)
    service(w, w.ns, w.app, [("web", 8080, 8080)])
    ingress(w, w.ns, w.app, w.app, 80)
    return Truth(f"ingress {w.app} 503", "ingress_backend_missing", f"Ingress/{w.ns}/{w.app}")


@scenario()
def ingress_class(w: World) -> Truth:
    healthy(w, w.app)
    service(w, w.ns, w.app, 80, target=8080)
    ingress(w, w.ns, w.app, w.app, 80, cls="traefik", address="")
    return Truth(
        f"ingress of {w.app} never gets an address", "ingress_class_missing", f"Ingress/{w.ns}/{w.app}"
    )


@scenario()
def ingress_no_class(w: World) -> Truth:
    healthy(w, w.app)
    service(w, w.ns, w.app, 80, target=8080)
    ingress(w, w.ns, f"{w.app}-ing", w.app, 80, cls=None, address="")
    return Truth(
        f"{w.app}-ing gives 404 page from the load balancer",
        "ingress_class_missing",
        f"Ingress/{w.ns}/{w.app}-ing",
    )


def policy(
    w: World, name: str, selector: dict[str, str], types: list[str], ns: str = "", **rules: object
) -> None:
    spec = {"podSelector": {"matchLabels": selector} if selector else {}, "policyTypes": types, **rules}
    w.add("networking.k8s.io/v1", "NetworkPolicy", ns or w.ns, name, spec=spec, age=7000)


@scenario(flavour="aks")
def netpol_deny_all(w: World) -> Truth:
    healthy(w, w.app)
    service(w, w.ns, w.app, 80, target=8080)
    caller = w.name("web")
    log = (
        f"ERROR GET http://{w.app}/items: context deadline exceeded (Client.Timeout exceeded while awaiting headers)\n"
        * 6
    )
    deployment(w, w.ns, caller, c(caller, env={"ITEMS_URL": f"http://{w.app}"}, log=log))
    policy(w, "default-deny", {}, ["Ingress"])
    return Truth(
        f"{caller} cannot talk to {w.app} any more: timeouts",
        "network_policy_blocking",
        f"NetworkPolicy/{w.ns}/default-deny",
    )


@scenario(flavour="openshift")
def netpol_wrong_label(w: World) -> Truth:
    """The policy allows a label that the caller, in another namespace, does not carry."""
    healthy(w, w.app)
    service(w, w.ns, w.app, 8080)
    other, caller = w.namespace(), w.name("web")
    log = f"WARN retry 3\nERROR dial tcp: lookup ok; connect to {w.app}.{w.ns}.svc:8080: i/o timeout\n" * 5
    deployment(w, other, caller, c(caller, env={"BACKEND": f"{w.app}.{w.ns}.svc:8080"}, log=log))
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": other}},
        "podSelector": {"matchLabels": {"role": "client"}},
    }
    policy(
        w,
        f"{w.app}-allow-clients",
        {"app": w.app},
        ["Ingress"],
        ingress=[{"from": [peer], "ports": [{"port": 8080, "protocol": "TCP"}]}],
    )
    return Truth(
        f"timeouts from {caller} to {w.app}",
        "network_policy_blocking",
        f"NetworkPolicy/{w.ns}/{w.app}-allow-clients",
    )


@scenario(flavour="eks")
def netpol_egress_dns(w: World) -> Truth:
    """Egress is limited to 443, so that even names do not resolve."""
    log = (
        "ERROR lookup api.partner.test on 10.96.0.10:53: read udp 10.244.2.9:39211->10.96.0.10:53: i/o timeout\n"
        * 5
    )
    deployment(w, w.ns, w.app, c(w.app, env={"PARTNER": "https://api.partner.test"}, log=log))
    policy(
        w,
        "restrict-egress",
        {"app": w.app},
        ["Egress"],
        egress=[{"ports": [{"port": 443, "protocol": "TCP"}]}],
    )
    return Truth(
        f"{w.app} can't reach the partner api",
        "network_policy_blocking",
        f"NetworkPolicy/{w.ns}/restrict-egress",
        ("service_dns_failure",),
    )


@scenario(flavour="kind")
def dns_down(w: World) -> Truth:
    """CoreDNS crashes on its Corefile, everybody else suffers."""
    w.namespace(SYSTEM)
    w.namespace("default")
    log = "/etc/coredns/Corefile:7 - Error during parsing: Unknown directive 'forwrd'"
    box = c(
        "coredns",
        "registry.k8s.io/coredns/coredns:v1.11.1",
        ports=[("dns", 53, "UDP")],
        log=log,
        state=crash(1, restarts=14),
    )
    deployment(w, SYSTEM, "coredns", box, replicas=2, labels={"k8s-app": "kube-dns"})
    service(
        w,
        SYSTEM,
        "kube-dns",
        [("dns", 53, 53, "UDP")],
        selector={"k8s-app": "kube-dns"},
        clusterIP="10.96.0.10",
    )
    healthy(w, "catalogue-svc")
    service(w, w.ns, "catalogue-svc", 80, target=8080)
    app_log = (
        "socket.gaierror: [Errno -3] Temporary failure in name resolution\nERROR http://catalogue-svc/ not reachable\n"
        * 4
    )
    deployment(
        w, w.ns, w.app, c(w.app, env={"CATALOGUE": "http://catalogue-svc"}, log=app_log, state=crash(1))
    )
    return Truth(
        f"{w.app} says Temporary failure in name resolution",
        "service_dns_failure",
        "Deployment/kube-system/coredns",
        ("invalid_configuration",),
        (f"Deployment/{w.ns}/{w.app}", "Service/kube-system/kube-dns", "ConfigMap/kube-system/coredns"),
    )


@scenario(flavour="eks")
def dns_policy(w: World) -> Truth:
    """The pod uses the node's resolver, so that cluster names do not resolve for it alone."""
    healthy(w, "stock-svc")
    service(w, w.ns, "stock-svc", 80, target=8080)
    log = (
        f'ERROR Get "http://stock-svc.{w.ns}.svc.cluster.local/": dial tcp: lookup stock-svc.{w.ns}.svc.cluster.local on 10.0.0.2:53: no such host\n'
        * 4
    )
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, env={"STOCK_URL": f"http://stock-svc.{w.ns}.svc.cluster.local"}, log=log),
        spec={"dnsPolicy": "Default"},
    )
    return Truth(
        f"{w.app} can not resolve stock-svc",
        "service_dns_failure",
        f"Deployment/{w.ns}/{w.app}",
        ("dependency_host_unresolvable",),
    )


@scenario()
def certificate_client(w: World) -> Truth:
    log = (
        "ERROR connect https://vault-core:8200: x509: certificate has expired or is not yet valid: current time 2026-03-01T11:58:00Z is after 2026-02-27T00:00:00Z\n"
        * 4
    )
    healthy(w, "vault-core", 8200, spec={"volumes": [{"name": "tls", "secret": {"secretName": "vault-tls"}}]})
    service(w, w.ns, "vault-core", 8200)
    secret(w, w.ns, "vault-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    deployment(
        w, w.ns, w.app, c(w.app, env={"VAULT_ADDR": "https://vault-core:8200"}, log=log, state=crash(1))
    )
    return Truth(
        f"{w.app} crashes since friday night",
        "certificate_expired",
        f"Secret/{w.ns}/vault-tls",
        (),
        (f"Deployment/{w.ns}/vault-core", f"Deployment/{w.ns}/{w.app}", f"Service/{w.ns}/vault-core"),
    )


@scenario()
def certificate_manager(w: World) -> Truth:
    """cert-manager reports a certificate that it could not renew."""
    secret(w, w.ns, f"{w.app}-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    no = {
        "type": "Ready",
        "status": "False",
        "reason": "Expired",
        "message": "Certificate expired on Fri, 27 Feb 2026 00:00:00 UTC",
        "lastTransitionTime": w.t(86400 * 2),
    }
    w.add(
        "cert-manager.io/v1",
        "Certificate",
        w.ns,
        f"{w.app}-tls",
        spec={
            "secretName": f"{w.app}-tls",
            "dnsNames": [f"{w.app}.corp.test"],
            "issuerRef": {"name": "letsencrypt"},
        },
        status={"conditions": [no], "notAfter": "2026-02-27T00:00:00Z"},
    )
    healthy(w, w.app)
    service(w, w.ns, w.app, 80, target=8080)
    ingress(w, w.ns, w.app, w.app, 80, tls=f"{w.app}-tls")
    return Truth(
        f"browsers reject https://{w.app}.corp.test (NET::ERR_CERT_DATE_INVALID)",
        "certificate_expired",
        f"Certificate/{w.ns}/{w.app}-tls",
        (),
        (f"Secret/{w.ns}/{w.app}-tls", f"Ingress/{w.ns}/{w.app}"),
    )


@scenario()
def pods_behind_service(w: World) -> Truth:
    """Asked for the service; its pods crash."""
    box = c(
        w.app,
        ports=[8080],
        log="FATAL unhandled exception: IndexOutOfRangeException\n   at Corp.Program.Main(String[] args) in /src/Program.cs:line 31",
        state=crash(134),
    )
    deployment(w, w.ns, w.app, box, replicas=2)
    service(w, w.ns, w.app, 80, target=8080)
    ingress(w, w.ns, w.app, w.app, 80)
    healthy(w, w.name("web"))
    return Truth(f"http 503 at {w.app}.corp.test", "application_error", f"Deployment/{w.ns}/{w.app}")

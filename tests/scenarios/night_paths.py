"""Half d: requests that end nowhere, asked about by what a user sees."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import istio, shop, told
from scenarios.night_parts import DAY, app, condition, ip
from scenarios.parts import c, from_config, http
from scenarios.registry import scenario
from scenarios.workloads import configmap, cronjob, deployment, ingress, job, service, statefulset


@scenario(flavour="gke", minor=30)
def api_502(w: World) -> Truth:
    """The edge speaks to a port that the Service does not have."""
    ns, back = w.namespace("edge"), w.namespace("booking")
    called = app(w, back, "booking-api", "INFO: Uvicorn running on http://0.0.0.0:8080")
    conf = "server {\n  listen 8080;\n  location / { proxy_pass http://booking-api.booking.svc.cluster.local:8088; }\n}\n"
    configmap(w, ns, "edge-conf", **{"default.conf": conf})
    line = f'2026/03/01 11:57:19 [error] 29#29: *812 upstream timed out (110: Operation timed out) while connecting to upstream, client: 10.0.2.4, server: , request: "GET /v2/slots HTTP/1.1", upstream: "http://{ip(called)}:8088/v2/slots", host: "api.acme.example"\n10.0.2.4 - - [01/Mar/2026:11:57:19 +0000] "GET /v2/slots HTTP/1.1" 504 167\n'
    spec = {"volumes": [{"name": "conf", "configMap": {"name": "edge-conf"}}]}
    box = {"mounts": {"conf": "/etc/nginx/conf.d"}, "image": "nginxinc/nginx-unprivileged:1.27"}
    app(w, ns, "edge", line * 4, spec=spec, box=box)
    ingress(w, ns, "edge", "edge", 80, host="api.acme.example")
    return told(
        w,
        "api.acme.example gives 504 on every call",
        "gateway_misrouted",
        f"Deployment/{ns}/edge",
        or_at=[f"ConfigMap/{ns}/edge-conf"],
    )


@scenario(flavour="aks", minor=32)
def bad_gateway(w: World) -> Truth:
    ns = w.namespace("corporate")
    deployment(
        w,
        ns,
        "homepage",
        c(
            "nextjs",
            ports=[("http", 8080)],
            env={"PORT": "8080"},
            log="   ▲ Next.js 15.1.3\n   - Local:        http://localhost:8080\n ✓ Ready in 412ms",
            readinessProbe=http("/api/health", 8080),
        ),
        replicas=2,
        age=7000,
    )
    service(w, ns, "homepage", 80, target=3000)
    ingress(w, ns, "homepage", "homepage", 80, host="www.acme.example")
    shop(w, ns, "press investor-relations")
    return told(w, "www.acme.example: 502 Bad Gateway", "service_wrong_target_port", f"Service/{ns}/homepage")


@scenario(flavour="kind", minor=32)
def docs_500(w: World) -> Truth:
    """Gateway API: one rule names a port that the Service does not have."""
    ns = w.namespace("devportal")
    app(w, ns, "docs", "serving /usr/share/docs")
    app(w, ns, "console", "listening")
    api = "gateway.networking.k8s.io/v1"
    ok = [condition(w, "Accepted", True, "Accepted", ""), condition(w, "Programmed", True, "Programmed", "")]
    spec = {"gatewayClassName": "envoy", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}
    w.add(api, "Gateway", ns, "public", spec=spec, status={"conditions": ok})
    accepted = {"status": {"conditions": [condition(w, "Accepted", True, "Accepted", "")]}}
    w.add(api, "GatewayClass", "", "envoy", spec={"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}, **accepted)  # fmt: skip
    rows = [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "backendRefs": [{"group": "", "kind": "Service", "name": name, "port": port, "weight": 1}],
        }
        for path, name, port in (("/docs", "docs", 8081), ("/", "console", 80))
    ]
    state = [
        condition(w, "Accepted", True, "Accepted", "Route is accepted"),
        condition(w, "ResolvedRefs", False, "PortNotFound", "Failed to process route rule 0 backendRef 0: TCP Port 8081 not found on Service devportal/docs."),
    ]  # fmt: skip
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}
    w.add(
        api,
        "HTTPRoute",
        ns,
        "devportal",
        spec={"parentRefs": [parent], "hostnames": ["dev.acme.example"], "rules": rows},
        status={"parents": [{"parentRef": parent, "controllerName": "gateway.envoyproxy.io/gatewayclass-controller", "conditions": state}]},
    )  # fmt: skip
    return told(
        w,
        "since we moved to the new gateway dev.acme.example/docs answers 500, the rest works",
        "ingress_backend_missing",
        f"HTTPRoute/{ns}/devportal",
        or_cause=["gateway_misrouted"],
        or_at=[f"Service/{ns}/docs"],
    )


@scenario(flavour="eks", minor=31)
def half_of_users(w: World) -> Truth:
    """Half of the traffic goes to a subset that no pod belongs to."""
    ns = w.namespace("reviews-prod")
    line = '[2026-03-01T11:58:02.113Z] "GET /reviews/12 HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "10.0.1.9" "Mozilla/5.0" "b1c2" "reviews.acme.example" "-" outbound|80|v2|reviews.reviews-prod.svc.cluster.local - 10.96.3.9:80 10.0.1.9:51822 - -\n[2026-03-01T11:58:02.402Z] "GET /reviews/13 HTTP/1.1" 200 - via_upstream - "-" 0 812 6 5 "10.0.1.9" "Mozilla/5.0" "b1c3" "reviews.acme.example" "10.244.2.8:8080" outbound|80|v1|reviews.reviews-prod.svc.cluster.local\n'
    app(w, ns, "reviews", "listening", labels={"app": "reviews", "version": "v1"}, beside=[istio()])
    app(w, ns, "storefront", "GET /reviews/12 503\nGET /reviews/13 200\n" * 3, beside=[istio(log=line * 3)])
    host = "reviews.reviews-prod.svc.cluster.local"
    subsets = [{"name": v, "labels": {"version": v}} for v in ("v1", "v2")]
    w.add("networking.istio.io/v1", "DestinationRule", ns, "reviews", spec={"host": host, "subsets": subsets})
    route = [{"destination": {"host": host, "subset": v}, "weight": 50} for v in ("v1", "v2")]
    w.add(
        "networking.istio.io/v1",
        "VirtualService",
        ns,
        "reviews",
        spec={"hosts": [host], "http": [{"route": route}]},
    )
    return told(
        w,
        "about half of our visitors see 'no healthy upstream' instead of the reviews",
        "gateway_misrouted",
        f"VirtualService/{ns}/reviews",
        or_at=[f"DestinationRule/{ns}/reviews", f"Deployment/{ns}/reviews"],
    )


@scenario(flavour="openshift", minor=33)
def wiki_port(w: World) -> Truth:
    ns = w.namespace("knowledge")
    configmap(w, ns, "bookstack", DB_HOST="mariadb", DB_PORT="5432")
    env = {"DB_HOST": from_config("bookstack", "DB_HOST"), "DB_PORT": from_config("bookstack", "DB_PORT")}
    line = '[2026-03-01 11:56:01] production.ERROR: SQLSTATE[HY000] [2002] Operation timed out (Connection: mysql, SQL: select * from `settings`) {"exception":"[object] (Illuminate\\\\Database\\\\QueryException(code: 2002)\n#0 /app/www/vendor/laravel/framework/src/Illuminate/Database/Connection.php(795)\n'
    app(w, ns, "bookstack", line * 4, replicas=1, box={"env": env}, age=5000)
    text = "[Note] Server socket created on IP: '0.0.0.0', port: '3306'.\n[Note] mariadbd: ready for connections."
    statefulset(w, ns, "mariadb", c("mariadb", "mariadb:11.4", ports=[3306], log=text), age=DAY * 60)
    service(w, ns, "mariadb", 3306)
    return told(
        w,
        "the handbook shows an error page since it moved to the new cluster",
        "database_wrong_port",
        f"Deployment/{ns}/bookstack",
        or_at=[f"ConfigMap/{ns}/bookstack"],
    )


@scenario(flavour="k3s", minor=33)
def figures(w: World) -> Truth:
    """On the host network ClusterFirst means the resolver of the machine."""
    ns = w.namespace("finance")
    app(w, ns, "ledger-api", "listening on 8080")
    line = '2026-03-01T11:58:31Z ERR fetch failed error="Get \\"http://ledger-api.finance.svc.cluster.local/positions\\": dial tcp: lookup ledger-api.finance.svc.cluster.local on 192.168.1.1:53: no such host"\n'
    box = c("exporter", env={"SOURCE": "http://ledger-api.finance.svc.cluster.local/positions"}, log=line * 6)
    deployment(w, ns, "position-exporter", box, spec={"hostNetwork": True}, age=DAY)
    return told(
        w,
        "position figures in the treasury sheet stopped updating yesterday",
        "service_dns_failure",
        f"Deployment/{ns}/position-exporter",
        or_cause=["dependency_host_unresolvable"],
    )


@scenario(flavour="gke", minor=32)
def stale_search(w: World) -> Truth:
    """The indexer of another namespace cannot start for its quota."""
    ns, batch = w.namespace("storesearch"), w.namespace("search-batch")
    app(w, ns, "search-api", '{"level":"warn","msg":"index snapshot is stale","age_h":14,"source":"search-batch/reindex"}\n' * 4)  # fmt: skip
    hard, used = {"limits.memory": "16Gi"}, {"limits.memory": "14Gi"}
    w.add("v1", "ResourceQuota", batch, "compute", spec={"hard": hard}, status={"hard": hard, "used": used})
    deployment(w, batch, "embedder", c("embedder", memory=("4Gi", "7Gi")), replicas=2, age=DAY * 2)
    box = c("reindex", memory=("1Gi", "4Gi"))
    parent = cronjob(w, batch, "reindex", box, last=3000)
    parent["status"]["lastSuccessfulTime"] = w.t(50000)
    text = 'pods "reindex-29539390-x7k2p" is forbidden: exceeded quota: compute, requested: limits.memory=4Gi, used: limits.memory=14Gi, limited: limits.memory=16Gi'
    job(w, batch, "reindex-29539390", box, owner=parent, refused=text, age=3000)
    return told(
        w,
        "customers don't find products that we added today",
        "quota_exceeded",
        f"ResourceQuota/{batch}/compute",
        or_at=[f"Namespace//{batch}", f"Job/{batch}/reindex-29539390", f"CronJob/{batch}/reindex"],
    )


@scenario(flavour="eks", minor=34)
def price_feed(w: World) -> Truth:
    ns = w.namespace("partnerfeed")
    app(w, ns, "feed-server", "GET /feed.csv 200 (generated 2026-02-26)\n" * 4)
    cronjob(w, ns, "generate-feed", c("generate"), suspend=True, last=DAY * 3, schedule="0 2 * * *")
    return told(
        w,
        "partners say the price feed is three days old",
        "cronjob_suspended",
        f"CronJob/{ns}/generate-feed",
    )

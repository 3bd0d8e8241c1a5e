"""Half c: images and settings that cannot be had, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import argo, istio, pull, pulling, shop, told, vault
from scenarios.parts import c, crash, from_config, from_secret, waiting
from scenarios.registry import scenario
from scenarios.workloads import (
    adopt,
    configmap,
    cronjob,
    daemonset,
    deployment,
    job,
    older_replicaset,
    secret,
    statefulset,
)


@scenario(flavour="eks", minor=33)
def ecr_tag(w: World) -> Truth:
    ns = w.namespace("shop")
    image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/cart:v4.12.0-rc1"
    error = f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    good = c("cart", image.replace("rc1", "rc0"), ports=[8080])
    old = older_replicaset(w, ns, "cart", [good, istio()], 3)
    box = c("cart", image, ports=[8080], state=pulling(image, error))
    top = deployment(
        w,
        ns,
        "cart",
        [box, istio()],
        replicas=3,
        pods=[[box, istio()]],
        old=old,
        age=1500,
        events=pull(image, error),
        annotations=argo("shop", "Deployment", ns, "cart"),
    )
    adopt(old, top)
    return told(
        w, "argo shows app shop Degraded, cart sync'd 25min ago", "image_not_found", f"Deployment/{ns}/cart"
    )


@scenario(flavour="gke", minor=32)
def registry_forbidden(w: World) -> Truth:
    ns = w.namespace("etl")
    image = "europe-west1-docker.pkg.dev/acme-artifacts/etl/dbt:1.8"
    error = f'rpc error: code = Unknown desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://europe-west1-docker.pkg.dev/v2/token?scope=repository%3Aacme-artifacts%2Fetl%2Fdbt%3Apull&service=europe-west1-docker.pkg.dev: 403 Forbidden'
    secret(w, ns, "gar-pull", kind="kubernetes.io/dockerconfigjson", **{".dockerconfigjson": "e30="})
    box = c("dbt", image, args=["run"], state=pulling(image, error))
    parent = cronjob(w, ns, "dbt-hourly", box, last=1500)
    template = parent["spec"]["jobTemplate"]["spec"]["template"]
    template["spec"]["imagePullSecrets"] = [{"name": "gar-pull"}]
    job(
        w,
        ns,
        "dbt-hourly-29539415",
        box,
        owner=parent,
        spec={"imagePullSecrets": [{"name": "gar-pull"}]},
        events=pull(image, error),
    )
    return told(
        w,
        "dbt hourly models are stale",
        "image_pull_unauthorized",
        f"Job/{ns}/dbt-hourly-29539415",
        or_at=[f"CronJob/{ns}/dbt-hourly", f"Secret/{ns}/gar-pull"],
    )


@scenario(flavour="openshift", minor=29)
def quay_secret_gone(w: World) -> Truth:
    ns = w.namespace("loyalty")
    image = "quay.io/acme-private/loyalty-api:3.3.0"
    error = f"initializing source docker://{image}: reading manifest 3.3.0 in quay.io/acme-private/loyalty-api: unauthorized: access to the requested resource is not authorized"
    box = c("api", image, ports=[8080], state=pulling(image, error))
    rows = [
        *pull(image, error),
        (
            "Warning",
            "FailedToRetrieveImagePullSecret",
            "Unable to retrieve some image pull secrets (quay-robot); attempting to pull the image may not succeed.",
            44,
            1400,
            10,
        ),
    ]
    deployment(
        w,
        ns,
        "loyalty-api",
        box,
        replicas=2,
        spec={"imagePullSecrets": [{"name": "quay-robot"}]},
        age=1500,
        events=rows,
    )
    return told(
        w,
        "loyalty-api ImagePullBackOff in the new loyalty project, works in dev",
        "image_pull_secret_missing",
        f"Deployment/{ns}/loyalty-api",
        or_at=[f"Secret/{ns}/quay-robot"],
    )


@scenario(flavour="kind", minor=31)
def harbor_timeout(w: World) -> Truth:
    ns = w.namespace("warehouse")
    image = "harbor.corp.example/wms/picker:12.4"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://harbor.corp.example/v2/wms/picker/manifests/12.4": dial tcp 10.60.1.15:443: i/o timeout'
    box = c("picker", image, state=pulling(image, error))
    daemonset(w, ns, "picker", box, nodes=w.workers, age=1500, events=pull(image, error))
    return told(
        w, "picker pods don't start on any node", "image_registry_unreachable", f"DaemonSet/{ns}/picker"
    )


@scenario(flavour="eks", minor=30)
def collector_config(w: World) -> Truth:
    ns = w.namespace("observability")
    box = c(
        "otc-container",
        "otel/opentelemetry-collector-contrib:0.114.0",
        mounts={"otc-internal": "/conf"},
        state=waiting("ContainerCreating"),
    )
    spec = {
        "volumes": [{"name": "otc-internal", "configMap": {"name": "otel-node-collector-5c1d"}}],
        "tolerations": [{"operator": "Exists"}],
    }
    text = (
        'MountVolume.SetUp failed for volume "otc-internal" : configmap "otel-node-collector-5c1d" not found'
    )
    daemonset(
        w,
        ns,
        "otel-node-collector",
        box,
        spec=spec,
        age=1900,
        events=[("Warning", "FailedMount", text, 23, 1890, 40)],
    )
    configmap(w, ns, "otel-node-collector-91fe", **{"collector.yaml": "receivers: {}\n"})
    return told(
        w,
        "traces missing since the otel operator upgrade",
        "configmap_missing",
        f"DaemonSet/{ns}/otel-node-collector",
        or_at=[f"ConfigMap/{ns}/otel-node-collector-5c1d"],
    )


@scenario(flavour="k3s", minor=29)
def key_renamed(w: World) -> Truth:
    ns = w.namespace("kiosk")
    configmap(w, ns, "kiosk-env", LOGLEVEL="info", STORE_ID="118")
    text = f"couldn't find key LOG_LEVEL in ConfigMap {ns}/kiosk-env"
    box = c(
        "display",
        env={
            "LOG_LEVEL": from_config("kiosk-env", "LOG_LEVEL"),
            "STORE_ID": from_config("kiosk-env", "STORE_ID"),
        },
        state=waiting("CreateContainerConfigError", text),
    )
    deployment(
        w,
        ns,
        "display",
        box,
        age=2000,
        events=[("Warning", "Failed", f"Error: {text}", 10, 1990, 30, "display")],
    )
    return told(
        w,
        "store 118: display pod CreateContainerConfigError",
        "configmap_key_missing",
        f"Deployment/{ns}/display",
        or_at=[f"ConfigMap/{ns}/kiosk-env"],
    )


@scenario(flavour="eks", minor=32)
def external_secret(w: World) -> Truth:
    ns = w.namespace("risk")
    shop(w, ns, "scoring rules")
    row = {
        "type": "Ready",
        "status": "False",
        "reason": "SecretSyncedError",
        "message": "could not get secret data from provider",
        "lastTransitionTime": w.t(2500),
    }
    es = w.add(
        "external-secrets.io/v1beta1",
        "ExternalSecret",
        ns,
        "bureau-mtls",
        age=2600,
        spec={
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "aws-sm"},
            "target": {"name": "bureau-mtls"},
        },
        status={"conditions": [row]},
    )
    w.event(
        es,
        "Warning",
        "UpdateFailed",
        "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/eso/1 is not authorized to perform: secretsmanager:GetSecretValue",
        40,
        2500,
        30,
        source="external-secrets",
    )
    box = c("bureau", mounts={"mtls": "/etc/mtls"}, state=waiting("ContainerCreating"))
    text = 'MountVolume.SetUp failed for volume "mtls" : secret "bureau-mtls" not found'
    deployment(
        w,
        ns,
        "bureau-client",
        box,
        spec={"volumes": [{"name": "mtls", "secret": {"secretName": "bureau-mtls"}}]},
        age=2500,
        events=[("Warning", "FailedMount", text, 27, 2490, 45)],
    )
    return told(
        w,
        "bureau-client stuck in ContainerCreating",
        "secret_missing",
        f"Deployment/{ns}/bureau-client",
        or_at=[f"Secret/{ns}/bureau-mtls", f"ExternalSecret/{ns}/bureau-mtls"],
    )


@scenario(flavour="gke", minor=29)
def secret_key(w: World) -> Truth:
    ns = w.namespace("cms")
    secret(w, ns, "strapi-db", username="eA==", uri="eA==")
    text = f"couldn't find key password in Secret {ns}/strapi-db"
    box = c(
        "strapi",
        env={"DATABASE_PASSWORD": from_secret("strapi-db", "password")},
        state=waiting("CreateContainerConfigError", text),
    )
    statefulset(
        w,
        ns,
        "strapi",
        [box, vault()],
        pods=[[box, vault()]],
        age=1700,
        events=[("Warning", "Failed", f"Error: {text}", 9, 1690, 30, "strapi")],
    )
    return told(
        w,
        "strapi-0 1/2 CreateContainerConfigError",
        "secret_key_missing",
        f"StatefulSet/{ns}/strapi",
        or_at=[f"Secret/{ns}/strapi-db"],
    )


@scenario(flavour="aks", minor=31)
def flyway(w: World) -> Truth:
    ns = w.namespace("contracts")
    log = "Flyway Community Edition 10.20.1 by Redgate\nDatabase: jdbc:postgresql://contracts-pg:5432/contracts (PostgreSQL 16.4)\nERROR: Validate failed: Migrations have failed validation\nMigration checksum mismatch for migration version 42\n-> Applied to database : -1411894213\n-> Resolved locally    : 200118290\nEither revert the changes to the migration, or run repair to update the schema history."
    init = c(
        "migrate", "flyway/flyway:10.20-alpine", args=["migrate"], log=log, state=crash(1, ran=5, restarts=6)
    )
    deployment(
        w,
        ns,
        "contracts",
        c("contracts", ports=[8080], state=waiting("PodInitializing")),
        inits=[init],
        age=1800,
    )
    return told(
        w,
        "contracts pods Init:CrashLoopBackOff after merge of #881",
        "init_container_failing",
        f"Deployment/{ns}/contracts",
        or_cause=["application_error"],
    )

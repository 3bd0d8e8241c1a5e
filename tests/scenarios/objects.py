"""Names, times and metadata: the plain ground that a world stands on."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from scenarios.flavours import FLAVOURS
from scenarios.parts import Json
from support import NOW

DOMAINS = [
    "ledger",
    "tariff",
    "parcel",
    "badge",
    "voucher",
    "claim",
    "roster",
    "beacon",
    "mosaic",
    "harvest",
    "quill",
    "anchor",
    "lantern",
    "ferry",
    "orchid",
    "saffron",
    "willow",
    "granite",
    "basalt",
    "cobalt",
    "juniper",
    "marble",
    "compass",
    "sextant",
    "trellis",
]
ROLES = [
    "api",
    "worker",
    "sync",
    "agent",
    "web",
    "engine",
    "backend",
    "indexer",
    "relay",
    "core",
    "feed",
    "portal",
    "mailer",
]
TEAMS = ["team", "fleet", "core", "dept", "unit", "squad", "tribe", "prod", "stage"]
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Objects:
    """The objects of one cluster, and their names. Everything random comes from one seed."""

    def __init__(self, seed: str, flavour: str = "", minor: int = 0) -> None:
        self.rng = random.Random(seed)
        self.flavour = FLAVOURS[flavour or self.rng.choice(list(FLAVOURS))]
        self.minor = minor or (24 if "docker" in self.flavour.name else self.rng.randint(25, 36))
        self.version = f"v1.{self.minor}.{self.rng.randint(1, 9)}{self.flavour.version_suffix}"
        self.objects: list[Json] = []
        self.unsettled: list[Callable[[], None]] = []
        self._taken: set[str] = set()
        self._counter = 1000

    def name(self, role: str = "") -> str:
        while True:
            name = f"{self.rng.choice(DOMAINS)}-{role or self.rng.choice(ROLES)}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def namespace(self, name: str = "") -> str:
        if not name:
            while not name or name in self._taken:
                name = f"{self.rng.choice(TEAMS)}-{self.rng.choice(DOMAINS)}"
            self._taken.add(name)
        self.add(
            "v1",
            "Namespace",
            "",
            name,
            spec={"finalizers": ["kubernetes"]},
            status={"phase": "Active"},
            labels={"kubernetes.io/metadata.name": name},
            age=86400 * 40,
        )
        self.add("v1", "ServiceAccount", name, "default", age=86400 * 40)
        self.add(
            "v1",
            "ConfigMap",
            name,
            "kube-root-ca.crt",
            data={"ca.crt": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"},
            age=86400 * 40,
        )
        return name

    def suffix(self, length: int = 5) -> str:
        return "".join(self.rng.choices(ALPHABET, k=length))

    def uid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def t(self, ago: float, micro: bool = False) -> str:
        moment = NOW - timedelta(seconds=ago)
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{self.rng.randrange(10**6):06d}Z" if micro else "Z")

    def _clock(self, ago: float, nano: int) -> str:
        return (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S") + f".{nano:09d}Z"

    def meta(
        self,
        ns: str,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        owner: Json | None = None,
        age: float = 86400 * 9,
        **more: Any,
    ) -> Json:
        self._counter += self.rng.randint(1, 40)
        meta: Json = {"name": name}
        if ns:
            meta["namespace"] = ns
        meta |= {
            "uid": self.uid(),
            "resourceVersion": str(self._counter),
            "creationTimestamp": self.t(age),
        }
        if labels:
            meta["labels"] = dict(labels)
        if annotations:
            meta["annotations"] = dict(annotations)
        if owner:
            meta["ownerReferences"] = [
                {
                    "apiVersion": owner["apiVersion"],
                    "kind": owner["kind"],
                    "name": owner["metadata"]["name"],
                    "uid": owner["metadata"]["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ]
        return meta | more

    def add(self, api: str, kind: str, ns: str, name: str, *, meta: Json | None = None, **body: Any) -> Json:
        """Any object: metadata keywords go to its metadata, everything else is its body."""
        keys = ("labels", "annotations", "owner", "age", "finalizers", "deletionTimestamp", "generateName")
        given = {k: body.pop(k) for k in keys if k in body}
        obj = {
            "kind": kind,
            "apiVersion": api,
            "metadata": self.meta(ns, name, **given) | (meta or {}),
            **body,
        }
        self.objects.append(obj)
        return obj

    def get(self, kind: str, ns: str, name: str) -> Json:
        return next(
            o
            for o in self.objects
            if o["kind"] == kind
            and o["metadata"]["name"] == name
            and o["metadata"].get("namespace", "") == ns
        )

    def of(self, kind: str, ns: str = "") -> list[Json]:
        return [
            o for o in self.objects if o["kind"] == kind and (not ns or o["metadata"].get("namespace") == ns)
        ]

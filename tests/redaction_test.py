"""What a secret is, by the examples of rules.yaml and by canaries planted in many contexts."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelore.redaction import redact, redact_object, secret_kind
from kubelore.redaction.rules import source

RULES = source()
EXAMPLES = [e for rule in RULES["rules"] for e in rule["examples"]] + RULES["key_examples"]
COUNTER = [c for rule in RULES["rules"] for c in rule.get("counter", ())] + RULES["key_counter"]

CONTEXTS = (
    "password={}",
    "DB_PASSWORD={} other=1",
    "db.password: {}",
    '{{"password": "{}", "a": 1}}',
    "PASS='{}'",
    '{{\\"api_key\\":\\"{}\\"}}',
    "{{'token': '{}'}}",
    "postgres://app:{}@db:5432/app",
    "redis://:{}@cache:6379",
    "Authorization: Bearer {}",
    "-H 'Authorization: Basic {}' https://x",
    "GET /a?access_token={}&b=1",
    "--password {} --host db",
    "--api-key={}",
    '["--token", "{}"]',
    "- --secret\n- {}",
    "Pwd={};Server=db",
    "- name: CLIENT_SECRET\n  value: {}\n",
    '{{"name":"DB_PASSWORD","value":"{}"}}',
    "<password>{}</password>",
    "secret_key => '{}'",
    "password: |\n  {}\nhost: db",
    "IDENTIFIED BY '{}'",
    "curl -u app:{} https://x",
    "client-key-data: {}",
    "mysql -uapp -p{} -hdb",
    "app:{}@tcp(mysql:3306)/app",
    "GENERATED ROOT PASSWORD: {}",
    'level=error msg="login failed" password="{}" user=bob',
    "passwords: ['{}']",
    "AccountKey={};AccountName=x",
    '{{"level":"error","dsn":"amqp://u:{}@mq/"}}',
    "spring.datasource.password\\={}",
    "apiKey:{}",
)

# At least one digit and one letter, as a planted secret has; never a word that rules.yaml keeps.
canaries = st.from_regex(r"[A-Za-z][A-Za-z0-9!#^~_-]{3,20}[0-9][A-Za-z0-9_-]{3,12}", fullmatch=True)
filler = st.sampled_from(
    [
        "",
        "booting\n",
        "2026-01-01T00:00:00Z ",
        "level=info user=bob ",
        '{"a": 1}\n',
        "GET /healthz 200\n",
        "x: y\n",
    ]
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e["text"][:40])
def test_a_rule_takes_the_secret_and_leaves_the_rest(example: dict[str, object]) -> None:
    text = redact(str(example["text"]))
    assert [s for s in example["secrets"] if s in text] == []
    assert [k for k in example.get("keeps", ()) if k not in text] == []
    assert redact(text) == text


SECRET = """\
apiVersion: v1
data:
  config: canaryA
  other.key: "canaryB"  # of the database
  template: <value>
stringData:
  app.yaml: |
    user: canaryC

    canaryD
  plain: canaryE canaryF
kind: Secret
metadata:
  labels:
    data: kept
"""
KEPT = """\
apiVersion: v1
kind: ConfigMap
data:
  config: kept
---
kind: HelmRelease
spec:
  valuesFrom:
  - kind: Secret
    name: kept
data:
  config: kept
"""


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET.replace("\n", "\r\n"),
        f"{KEPT}---\n{SECRET}---\n{KEPT}",
        f"Apply this:\n```\n{SECRET}```\nand\n```\n{KEPT}```\n",
        "items:\n- " + "  ".join(SECRET.splitlines(True)) + "- kind: ConfigMap\n  data:\n    config: kept\n",
        "kind: Secret\nstringData: {a: canaryA, b: canaryB}\ntype: kept\n",
        json.dumps({"kind": "Secret", "data": {"a": "canaryA", "b": 'canary"B'}, "type": "kept"}),
        json.dumps({"kind": "Secret", "stringData": {"a": "canaryA"}, "type": "kept"}, indent=2),
    ],
)
def test_what_a_written_out_secret_holds_is_taken_out_and_nothing_else(text: str) -> None:
    clear = redact(text)
    assert "canary" not in clear
    assert clear.count("kept") == text.count("kept")
    assert clear.count("<value>") == text.count("<value>")
    assert redact(clear) == clear


@pytest.mark.parametrize("text", COUNTER, ids=lambda t: t[:40])
def test_what_helps_diagnosis_stays(text: str) -> None:
    assert redact(text) == text


@given(st.sampled_from(CONTEXTS), canaries, filler, filler)
def test_no_canary_survives_in_any_context(context: str, canary: str, before: str, after: str) -> None:
    text = redact(before + context.format(canary) + "\n" + after)
    assert canary not in text
    assert "[redacted:" in text
    assert redact(text) == text


@given(
    st.lists(st.text("ABCDEFGHabcdefgh0123456789+/", min_size=20, max_size=64), min_size=1, max_size=12),
    st.sampled_from(["RSA ", "", "EC ", "OPENSSH ", "ENCRYPTED "]),
    st.sampled_from(
        ["\n", "\\n", "\r\n", "\n2026-01-01T00:00:00.123456789Z ", "\n2026-01-01T00:00:00Z stdout F "]
    ),
    st.sampled_from(["whole", "no end", "no beginning"]),
)
def test_no_line_of_a_private_key_survives(lines: list[str], kind: str, newline: str, cut: str) -> None:
    begin, end = f"-----BEGIN {kind}PRIVATE KEY-----", f"-----END {kind}PRIVATE KEY-----"
    parts = ([] if cut == "no beginning" else [begin]) + lines + ([] if cut == "no end" else [end])
    text = redact("server started\n" + newline.join(parts) + "\nnext line is here")
    assert [line for line in lines if line in text] == []
    assert "server started" in text
    assert "next line is here" in text


@given(st.text(st.sampled_from("ab0:=\"'\\/@[]{}$%-_. \n,;&<>") | st.characters(), max_size=80))
def test_any_text_is_accepted_and_redacting_twice_changes_nothing(text: str) -> None:
    once = redact("password=" + text)
    assert redact(once) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=12),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["kind", "data", "items", "name", "value", "env", "x"]), inner, max_size=5
            )
        ),
    )
)
def test_any_json_is_accepted_and_not_changed(obj: object) -> None:
    before = json.dumps(obj)
    redact_object(obj)
    assert json.dumps(obj) == before


@pytest.mark.parametrize(
    "seed",
    [
        "password=",
        "kind: Secret ",
        "kind: Secret\n",
        "data: x ",
        "Cookie:",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "a=",
        "{",
        "A",
        '"',
    ],
)
def test_hostile_input_takes_linear_time(seed: str) -> None:
    started = time.perf_counter()
    redact("password: |\n" + seed * (1_000_000 // len(seed)))
    assert time.perf_counter() - started < 20


def pod(**spec: object) -> dict[str, object]:
    return {
        "kind": "Pod",
        "metadata": {"name": "web", "uid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
        "spec": spec,
    }


def test_secret_objects_keep_their_keys_and_lose_their_values() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "Y2FuYXJ5", "note": "aGk="}}
    assert redact_object(secret)["data"] == {"password": "", "note": ""}
    listed = redact_object({"kind": "SecretList", "items": [{"stringData": {"a": "canary"}}]})
    assert listed["items"] == [{"stringData": {"a": ""}}]


def test_last_applied_configuration_is_redacted_like_the_object() -> None:
    applied = json.dumps({"kind": "Secret", "metadata": {"name": "db"}, "stringData": {"note": "canaryA"}})
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    text = json.dumps(redact_object({"kind": "Secret", "metadata": {"annotations": annotations}}))
    assert "canaryA" not in text
    assert "stringData" in text
    broken = {"kubectl.kubernetes.io/last-applied-configuration": applied[:-9]}
    assert "canaryA" not in json.dumps(redact_object({"metadata": {"annotations": broken}}))


def test_environment_arguments_and_settings_lose_secrets_by_name() -> None:
    container = {
        "image": "app@sha256:" + "0123456789abcdef" * 4,
        "env": [
            {"name": "DB_PASSWORD", "value": "canaryA"},
            {"name": "DB_URL", "value": "postgres://app:canaryB@db:5432/app"},
            {"name": "TOKEN_URL", "value": "https://auth"},
            {"name": "EMPTY_SECRET", "value": ""},
            {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "api-keys", "key": "token"}}},
        ],
        "args": ["--password=canaryC", "--token", "canaryD", "--host", "db"],
    }
    clean = redact_object(pod(containers=[container]))["spec"]["containers"][0]
    assert "canary" not in json.dumps(clean)
    assert clean["image"] == container["image"]
    assert clean["env"][1]["value"] == "postgres://app:[redacted:password]@db:5432/app"
    assert clean["env"][2:] == container["env"][2:]
    assert clean["args"][3:] == ["--host", "db"]
    settings = redact_object({"kind": "ConfigMap", "data": {"clientSecret": "canaryE", "LOG_LEVEL": "debug"}})
    assert settings["data"] == {"clientSecret": "[redacted:secret]", "LOG_LEVEL": "debug"}


def test_a_healthy_pod_is_not_changed() -> None:
    volumes = [
        {"secret": {"secretName": "gateway-tls"}},
        {"projected": {"sources": [{"serviceAccountToken": {}}]}},
    ]
    healthy = pod(volumes=volumes, automountServiceAccountToken=True, imagePullSecrets=[{"name": "regcred"}])
    assert redact_object(healthy) == healthy


@pytest.mark.parametrize(
    "name", ["PGPASSWORD", "authToken", "MY_SECRET_2", "stripeApiKey", "x-api-key", "mytoken"]
)
def test_names_of_secrets_are_known_in_any_spelling(name: str) -> None:
    assert secret_kind(name) not in ("", "weak")


@pytest.mark.parametrize(
    "name", ["SECRET_NAME", "passwordFile", "TOKEN_TTL", "tokenizer", "compass", "secretKeyRef"]
)
def test_names_that_only_point_at_secrets_are_not(name: str) -> None:
    assert secret_kind(name) == ""


def test_secrets_in_base64_are_found_by_what_they_decode_to() -> None:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    config = encoded('{"host": "db", "password": "canaryA", "port": 5432}')
    assert redact(f"CONFIG={config} mode=fast") == "CONFIG=[redacted:encoded] mode=fast"
    assert redact(config.rstrip("=")) == "[redacted:encoded]"
    harmless = encoded("the quick brown fox jumps over the lazy dog")
    assert redact(f"CONFIG={harmless}") == f"CONFIG={harmless}"


def test_binary_data_of_a_config_map_loses_its_values() -> None:
    store = {"kind": "ConfigMap", "metadata": {"name": "c"}, "binaryData": {"keystore.jks": "/u3+7QAAAAI="}}
    assert redact_object(store)["binaryData"] == {"keystore.jks": ""}

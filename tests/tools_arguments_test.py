"""One object, written in all the ways that people and models write it."""

from __future__ import annotations

import pytest

from kubelore.analysis.view import matches_selector
from kubelore.errors import BadArguments
from kubelore.tools.arguments import read
from kubelore.tools.resolve import read_selector
from tools_support import HASH, ask, obj

POD = f"web-app-{HASH}-bbbbb"


@pytest.mark.parametrize(
    "args",
    [
        "shop web-app",
        "shop/web-app",
        "web-app",
        "web-app -n shop",
        "-n shop web-app",
        "-nshop web-app",
        "--namespace=shop web-app",
        "--namespace shop deployment/web-app",
        "deployment shop web-app",
        "deploy shop web-app",
        "deployments.apps shop web-app",
        "Deployment/shop/web-app",
        "DEPLOYMENT web-app shop",
        "shop deployment web-app",
        "shop web-app deployment",
        "deployment/web-app -n shop",
        "-n shop deployment web-app",
        '"shop" "web-app"',
        "'shop/web-app'",
        "`shop web-app`",
        "<shop> <web-app>",
        "[shop] [web-app]",
        "shop, web-app",
        '{"namespace": "shop", "name": "web-app"}',
        "{'namespace': 'shop', 'name': 'web-app', 'kind': 'deployment'}",
        '{"resource_type": "deployment", "resource_name": "web-app", "ns": "shop"}',
        "namespace=shop name=web-app",
        "namespace: shop name: web-app",
        "kind=deployment namespace=shop name=web-app",
        "web-app in namespace shop",
        "web-app in the shop namespace",
        "the deployment web-app in shop",
        "Web-App",
        "deployment <namespace> web-app",
        "pod shop web-app",
        f"shop web-app-{HASH}",
        "shop web-app-0ldha5h999-zzzzz",
        "web-app-5c9f8d7b6-qwert",
        'shop "web-app',
    ],
)
def test_every_way_to_write_a_workload_finds_it(args: str) -> None:
    seen = ask(f"DESCRIBE {args}")
    assert not seen.error
    assert "shop/web-app" in seen.text


@pytest.mark.parametrize(
    "args",
    [
        f"shop {POD}",
        f"pod/{POD} -n shop",
        f"po shop {POD}",
        f"Pod/shop/{POD}",
        POD,
        "shop web-app",
        "deployment shop web-app",
        "deploy/web-app -n shop",
        "-l app=web-app -n shop",
        "--selector=app=web-app",
        "app=web-app",
        '{"labels": {"app": "web-app"}, "namespace": "shop"}',
        f"shop {POD} web",
        "shop web-app -c web --tail=50 --timestamps",
        "web-app --previous",
    ],
)
def test_where_a_pod_is_needed_the_failing_one_of_the_workload_is_taken(args: str) -> None:
    seen = ask(f"GET_LOGS {args}")
    assert not seen.error
    assert POD in seen.text
    assert "cannot allocate buffer" in seen.text


@pytest.mark.parametrize("args", ["", "-A", "--all-namespaces", "all", "*", "cluster-wide"])
def test_no_namespace_means_the_cluster(args: str) -> None:
    seen = ask(f"FIND_ISSUES {args}")
    assert ("FIND_ISSUES", "*") in {(tool, ref.name) for tool, ref in seen.covers}


@pytest.mark.parametrize(
    "args", ["shop", "-n shop", "namespace shop", "ns/shop", "<shop>", "Shop", "shop web-app"]
)
def test_a_namespace_can_be_written_in_many_ways(args: str) -> None:
    seen = ask(f"FIND_ISSUES {args}")
    assert ("FIND_ISSUES", "shop") in {(tool, ref.name) for tool, ref in seen.covers}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("DESCRIBE deployment shop wep-app", "Deployment/shop/web-app"),
        ("DESCRIBE deployment default web-app", "Deployment/shop/web-app"),
        ("DESCRIBE svc shop crat", "Service/shop/cart"),
        ("FIND_ISSUES shpo", "shop"),
        ("GET_LOGS shop webapp", "web-app"),
        ("GET_LOGS shop web-app -c wbe", "web"),
        ("GET_EVENTS shop card", "cart"),
    ],
)
def test_a_wrong_name_answers_with_the_closest_existing_ones(call: str, expected: str) -> None:
    seen = ask(call)
    assert seen.error
    assert expected in seen.text


def test_a_name_that_several_namespaces_have_must_be_made_precise() -> None:
    seen = ask("DESCRIBE cart", obj("Deployment", "default", "cart"))
    assert not seen.error, "the context's own namespace wins"
    assert "default/cart" in seen.text
    twins = [obj("Deployment", ns, "twin") for ns in ("shop", "kube-system")]
    seen = ask("DESCRIBE twin", *twins)
    assert "several namespaces" in seen.error
    assert "Deployment/kube-system/twin" in seen.text


def test_a_kind_that_the_cluster_itself_defines_is_known_by_all_its_names() -> None:
    names = {
        "kind": "Certificate",
        "plural": "certificates",
        "singular": "certificate",
        "shortNames": ["cert"],
    }
    crd = obj(
        "CustomResourceDefinition",
        "",
        "certificates.acme.test",
        spec={
            "group": "acme.test",
            "names": names,
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True}],
        },
    )
    item = obj("certificates.acme.test", "shop", "front-tls", spec={"dnsNames": ["front.acme.test"]})
    for kind in ("certificate", "certs", "cert", "certificates.acme.test", "Certificate"):
        seen = ask(f"DESCRIBE {kind} shop front-tls", crd, item)
        assert ("front.acme.test" in seen.text) is (kind != "certs"), kind


def test_what_could_not_be_read_is_not_said_to_be_absent() -> None:
    seen = ask("DESCRIBE configmap shop settings", unreadable=["ConfigMap"])
    assert "could not be read" in seen.error


@pytest.mark.parametrize("args", ["--frobnicate web-app", "web-app -n", "--tail=many web-app"])
def test_unknown_or_broken_options_are_refused(args: str) -> None:
    with pytest.raises(BadArguments):
        read(args)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "````", "{", "{}", "[]", "<>", "-", "--", "/", "///", "'", '"', "=", "\x00", "ü" * 500],
)
def test_no_text_ends_in_a_traceback(text: str) -> None:
    for tool in (
        "FIND_ISSUES",
        "GET_LOGS",
        "DESCRIBE",
        "TOP_PODS",
        "GET_ENDPOINTS",
        "GET_EVENTS",
        "RUN_KUBECTL",
    ):
        assert ask(f"{tool} {text}").text


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("app=web", True),
        ("app==web,tier!=cache", True),
        ("app in (web, api)", True),
        ("app notin (web)", False),
        ("app", True),
        ("!app", False),
        ("tier", False),
        ("app=web,tier=cache", False),
    ],
)
def test_label_selectors_mean_what_they_mean_in_kubectl(selector: str, matches: bool) -> None:
    assert matches_selector(read_selector(selector), {"app": "web"}) is matches


@pytest.mark.parametrize("selector", ["app=", "=web", "a=b=c", "app in web", ",", "app=web;x"])
def test_broken_selectors_do_not_match_silently(selector: str) -> None:
    try:
        wanted = read_selector(selector)
    except BadArguments:
        return
    assert not matches_selector(wanted, {"app": "web"})

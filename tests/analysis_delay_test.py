"""Where a delay comes from, on small networks: a shop on two nodes, and a chain of workloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from kubelore.analysis.delay import Late, Network, sources
from kubelore.types import Ref


def ref(name: str) -> Ref:
    return Ref("Node", "", name) if name.startswith("node") else Ref("Deployment", "shop", name)


CALLS = (
    "web>cart web>quotes web>ads web>orders web>tips tips>quotes orders>cart orders>quotes orders>mail "
    "orders>pay cart>stock"
)
PLACES = {"node-1": "web cart quotes stock", "node-2": "ads orders mail pay tips"}
RATES = {"web": 27.0, "orders": 3.0, "tips": 16.0}


def told(
    late: Mapping[str, tuple[float, float]], calls: str = CALLS, asked: Iterable[str] | None = None
) -> list[str]:
    """Names of the sources, likeliest first. `late`: milliseconds added to half of the requests and to the
    slowest. Without `asked`, all calls of all are known."""
    pairs = [(ref(a), ref(b)) for a, _, b in (call.partition(">") for call in calls.split())]
    names = {r.name for pair in pairs for r in pair}
    nodes = {ref(w): [ref(node)] for node, there in PLACES.items() for w in there.split() if w in names}
    network = Network(
        {ref(name): Late(*times) for name, times in late.items()},
        pairs,
        [ref(name) for name in (names if asked is None else asked)],
        nodes,
        {ref(name): rate for name, rate in RATES.items()},
    )
    return [found.name for found, _ in sources(network)]


@pytest.mark.parametrize(
    ("late", "source"),
    [
        # who calls it waits, and who calls these
        ({"quotes": (200, 1700), "tips": (800, 2700), "web": (3000, 9000), "orders": (0, 1800)}, "quotes"),
        ({"ads": (60, 200), "web": (0, 170)}, "ads"),
        ({"mail": (0, 70), "orders": (0, 60)}, "mail"),
        # all that it calls itself is late in its slowest answers
        (
            {"web": (9000, 20000)} | dict.fromkeys(("cart", "quotes", "ads", "orders", "tips"), (0, 1900)),
            "web",
        ),
        # what it waits for adds too little: it is late by itself
        ({"orders": (2600, 7000), "pay": (0, 900)}, "orders"),
    ],
)
def test_a_workload_whose_network_is_slow_is_told_from_those_that_wait(
    late: Mapping[str, tuple[float, float]], source: str
) -> None:
    assert told(late)[0] == source


def test_calls_across_a_boundary_that_are_late_while_local_ones_are_not_point_at_a_node() -> None:
    late = {
        "web": (3400, 9000),
        "ads": (0, 200),
        "orders": (3600, 9000),
        "tips": (4300, 8500),
        "quotes": (0, 600),
    }

    assert told(late)[:2] == ["node-2", "node-1"]  # more of those on node-2 are late


def test_of_one_that_is_late_nobody_blames_the_node() -> None:
    assert told({"pay": (50, 300)}, asked=["pay"])[0] == "pay"


def test_a_chain_is_followed_as_its_calls_get_known() -> None:
    late = {"a": (900, 2000), "b": (800, 1500), "c": (700, 1200)}

    assert told(late, "a>b b>c", asked="abc")[0] == "c"
    assert told(late, "a>b", asked="a")[0] != "a"


def test_where_nobody_is_late_there_is_no_source() -> None:
    assert told({}) == []

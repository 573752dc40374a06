"""The control API over HTTP, as a test in any language meets it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
import urllib3

from twohop.runtime import Clock, Journal
from twohop.runtime.control import ControlApp, UnknownWorld
from twohop.runtime.faults import FaultPlan
from twohop.runtime.serving import HttpServer


class Small:
    """A world without servers."""

    def __init__(self, name: str) -> None:
        self.clock = Clock(start=1000.0)
        self.journal = Journal(name, self.clock.now)
        self.faults = FaultPlan(self.clock, self.journal)
        self.faults.join("small")
        self.resets = 0
        self.is_ready = True

    def reset(self) -> None:
        self.resets += 1
        self.journal.cut()

    def ready(self) -> bool:
        return self.is_ready

    def about(self) -> dict[str, Any]:
        return {"product": "small"}

    def ledger(self) -> list[dict[str, Any]] | None:
        return None

    def environment(self) -> dict[str, str]:
        return {"TWOHOP_VCENTER_URL": "https://127.0.0.1:1"}


class Keeper:
    """Keeps small worlds."""

    def __init__(self) -> None:
        self.worlds = {"default": Small("default")}

    def names(self) -> Iterable[str]:
        return list(self.worlds)

    def world(self, name: str) -> Small:
        try:
            return self.worlds[name]
        except KeyError:
            raise UnknownWorld(name) from None

    def create(self, name: str, options: Mapping[str, Any]) -> Small:
        if name in self.worlds:
            raise ValueError(f"there is a world {name!r} already")
        if options:
            raise ValueError(f"a world has no option {next(iter(options))!r}")
        self.worlds[name] = Small(name)
        return self.worlds[name]

    def remove(self, name: str) -> None:
        self.world(name)
        if name == "default":
            raise ValueError("the default world stays")
        del self.worlds[name]


class Client:
    def __init__(self, url: str, pool: urllib3.PoolManager) -> None:
        self.url, self.pool = url, pool

    def __call__(
        self, method: str, path: str, body: Any = None, raw: bytes | None = None, **headers: str
    ) -> tuple[int, Any]:
        if body is not None:
            raw = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        answer = self.pool.request(method, self.url + path, body=raw, headers=headers, redirect=False)
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            return answer.status, json.loads(answer.data)
        return answer.status, answer.data


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def control(keeper: Keeper) -> Iterator[Client]:
    server = HttpServer(ControlApp(keeper), name="control").start()
    try:
        with urllib3.PoolManager(retries=False) as pool:
            yield Client(server.url, pool)
    finally:
        server.stop()


def test_health_and_ready(control: Client, keeper: Keeper) -> None:
    assert control("GET", "/v1/health") == (200, {"status": "ok"})
    assert control("GET", "/v1/ready") == (200, {"ready": True})
    keeper.worlds["default"].is_ready = False
    assert control("GET", "/v1/ready") == (503, {"ready": False})
    assert control("GET", "/v1/health")[0] == 200


@pytest.mark.parametrize("prefix", ["/v1", "/v1/worlds/default"])
def test_the_clock_is_read_and_moved(control: Client, keeper: Keeper, prefix: str) -> None:
    rang: list[float] = []
    clock = keeper.worlds["default"].clock
    clock.call_at(1300.0, lambda: rang.append(clock.now()))
    assert control("GET", f"{prefix}/clock") == (200, {"now": 1000.0, "running": False})
    assert control("POST", f"{prefix}/clock/advance", {"seconds": 300.5}) == (200, {"now": 1300.5, "running": False})
    assert rang == [1300.0]
    entries = keeper.worlds["default"].journal.entries(kind="clock")
    assert [(e["server"], e["advanced"]) for e in entries] == [("control", 300.5)]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"3", b"{", b'{"seconds": "3"}', b'{"seconds": true}', b'{"seconds": null}',
        b'{"seconds": -1}', b'{"seconds": NaN}', b'{"seconds": Infinity}', b'{"seconds": 1e400}', b'{"seconds": 1e300}',
        b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_wrong_advance_says_what_is_wrong_and_moves_nothing(control: Client, keeper: Keeper, raw: bytes) -> None:
    status, answer = control("POST", "/v1/clock/advance", raw=raw)
    assert status == 400
    assert answer["error"]
    assert keeper.worlds["default"].clock.now() == 1000.0
    assert keeper.worlds["default"].journal.entries() == []


def test_what_is_not_json_or_too_long_is_refused(control: Client) -> None:
    status, answer = control("POST", "/v1/clock/advance", {"seconds": 1}, Content_Type="text/plain")
    assert (status, answer) == (415, {"error": "send application/json"})
    status, answer = control("POST", "/v1/clock/advance", raw=b'{"seconds": 1' + b" " * (1 << 20) + b"}")
    assert status == 413
    assert answer["error"]


def test_a_page_in_a_browser_is_refused(control: Client, keeper: Keeper) -> None:
    for method, path in (("GET", "/v1/journal"), ("POST", "/v1/reset"), ("POST", "/v1/clock/advance")):
        status, answer = control(method, path, {"seconds": 5}, Origin="http://evil.example")
        assert (status, answer) == (403, {"error": "the control API takes no requests from web pages"})
    assert keeper.worlds["default"].resets == 0
    assert keeper.worlds["default"].clock.now() == 1000.0


def test_the_journal_comes_as_lines_and_from_where_one_asks(control: Client, keeper: Keeper) -> None:
    journal = keeper.worlds["default"].journal
    journal.references.name("ticket", "52345678-1234-4123-8123-123456789abc")
    journal.record("exchange", server="H0", path="/nfc/52345678-1234-4123-8123-123456789abc/disk-0.vmdk")
    journal.record("clock", server="control")
    status, text = control("GET", "/v1/journal")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2]
    assert lines[0]["path"] == "/nfc/ticket:1/disk-0.vmdk"
    assert [json.loads(line)["seq"] for line in control("GET", "/v1/journal?since=1")[1].splitlines()] == [2]
    assert [json.loads(line)["seq"] for line in control("GET", "/v1/journal?kind=exchange")[1].splitlines()] == [1]
    for query, word in (("since=x", "sequence number"), ("since=-1", "sequence"), ("kind=gossip", "kinds are")):
        status, answer = control("GET", f"/v1/journal?{query}")
        assert status == 400
        assert word in answer["error"]


def test_reset_and_about(control: Client, keeper: Keeper) -> None:
    assert control("POST", "/v1/reset") == (200, {"reset": "default"})
    assert keeper.worlds["default"].resets == 1
    assert control("GET", "/v1/about") == (200, {"product": "small"})


def test_worlds_are_made_shown_and_removed(control: Client, keeper: Keeper) -> None:
    assert control("POST", "/v1/worlds", {"name": "w1"})[0] == 201
    assert control("GET", "/v1/worlds") == (200, {"worlds": ["default", "w1"]})
    status, shown = control("GET", "/v1/worlds/w1")
    assert (status, shown["name"], set(shown)) == (200, "w1", {"name", "about"})
    control("POST", "/v1/worlds/w1/clock/advance", {"seconds": 7})
    assert keeper.worlds["default"].clock.now() == 1000.0
    assert control("POST", "/v1/worlds", {"name": "w1"}) == (400, {"error": "there is a world 'w1' already"})
    assert control("POST", "/v1/worlds", {"name": "w2", "wms": 3})[1]["error"] == "a world has no option 'wms'"
    assert control("POST", "/v1/worlds", {"vms": 1})[0] == 400
    assert control("POST", "/v1/worlds", {"name": 5})[0] == 400
    assert control("DELETE", "/v1/worlds/w1") == (204, b"")
    unknown = (404, {"error": "there is no world 'w1' here; there are: default"})
    assert control("DELETE", "/v1/worlds/w1") == unknown
    assert control("GET", "/v1/worlds/w1/journal") == unknown
    assert control("DELETE", "/v1/worlds/default")[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/health", 404),
        ("GET", "/v1//health", 404),
        ("GET", "/v1/health/", 404),
        ("GET", "/v1/worlds/a/b/c", 404),
        ("GET", "/v1/reset", 405),
        ("POST", "/v1/health", 405),
        ("DELETE", "/v1/clock", 405),
    ],
)
def test_what_is_not_there_is_said_in_json(control: Client, method: str, path: str, status: int) -> None:
    answer = control(method, path)
    assert answer[0] == status
    assert isinstance(answer[1]["error"], str)


def test_the_control_api_is_on_loopback_unless_told_otherwise() -> None:
    server = HttpServer(ControlApp(Keeper()), name="control").start()
    try:
        assert server._listener is not None
        assert server._listener.getsockname()[0] == "127.0.0.1"
    finally:
        server.stop()


def test_faults_are_planned_counted_and_forgotten(control: Client, keeper: Keeper) -> None:
    rule = {"match": {"server": "small", "nth": 2}, "action": {"kind": "reset"}}
    status, made = control("POST", "/v1/faults", rule)
    assert status == 201
    status, more = control("POST", "/v1/faults", {"faults": [rule, {"action": {"kind": "empty"}, "seed": 4}]})
    assert status == 201 and len(more["ids"]) == 2
    keeper.worlds["default"].faults.strike("connection", "small")
    keeper.worlds["default"].faults.strike("connection", "small")
    status, one = control("GET", f"/v1/faults/{made['id']}")
    assert (status, one["seen"], one["struck"], one["times"]) == (200, 2, 1, 1)
    assert control("DELETE", f"/v1/faults/{made['id']}")[0] == 204
    assert control("DELETE", f"/v1/faults/{made['id']}")[0] == control("GET", f"/v1/faults/{made['id']}")[0] == 404
    status, all_of_them = control("GET", "/v1/worlds/default/faults")
    assert [each["id"] for each in all_of_them["faults"]] == more["ids"] and all_of_them["seed"] == 0
    assert control("DELETE", "/v1/faults")[0] == 204
    assert control("GET", "/v1/faults")[1]["faults"] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "action: expected a mapping"),
        ({"action": {"kind": "explode"}}, "there is no kind 'explode'"),
        ({"action": {"kind": "reset"}, "match": {"server": "large"}}, "there is no server 'large'; there are small"),
        ({"faults": [{"action": {"kind": "reset"}}, {"action": {"kind": "explode"}}]}, "fault 2: there is no kind"),
        ({"faults": 3}, "expected a list of faults"),
        ({"faults": [], "seed": 3}, "the seed of a running plan stays"),
    ],
)
def test_a_wrong_fault_is_refused_whole(control: Client, body: Any, said: str) -> None:
    status, answer = control("POST", "/v1/faults", body)
    assert status == 400 and said in answer["error"] and "\n" not in answer["error"]
    assert control("GET", "/v1/faults")[1]["faults"] == []

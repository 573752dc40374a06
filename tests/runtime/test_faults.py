"""The plan of faults: its pure core, its words, and what each kind does to a socket, over TLS, byte by byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.runtime import Clock, Journal, thumbprint_of
from twohop.runtime.certificates import Authority, OtherLeaves
from twohop.runtime.faults import SOCKET_KINDS, Count, Event, FaultError, FaultPlan, decide, read_faults
from twohop.runtime.faults._rules import drawn, read_rule
from twohop.runtime.serving import HttpServer

LONG = 30.0
AUTHORITY = Authority()
NAMES = ["127.0.0.1", "localhost"]
LEAF = AUTHORITY.leaf(NAMES)
OTHERS = OtherLeaves(AUTHORITY, NAMES)
BODY = bytes(range(256)) * 40


# -- the core ----------------------------------------------------------------------------------------------------------


def rule(**data: Any) -> Any:
    return read_rule({"action": {"kind": "empty"}, **data}, SOCKET_KINDS, "fault-1", 0, 0.0, "this fault")


def struck(made: Any, events: int, server: str = "H0", now: float = 0.0) -> list[int]:
    """Which of so many equal requests a rule strikes, counted from 1."""
    count, found = Count(), []
    for number in range(1, events + 1):
        count, strikes = decide(made, count, Event("request", server, {"path": "/nfc/a/disk-0.vmdk"}), now)
        if strikes:
            found.append(number)
    assert count == Count(events if found or count.seen else 0, len(found))
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"times": 2}, [1, 2]),
        ({"match": {"nth": 3}}, [3]),
        ({"match": {"nth": 3}, "times": 2}, [3, 4]),
        ({"match": {"nth": 3}, "times": None}, [3, 4, 5]),
        ({"match": {"chance": 0}}, []),
        ({"match": {"server": "H1"}}, []),
        ({"match": {"server": "H*", "path": "/nfc/*/disk-?.vmdk", "nth": 5}}, [5]),
        ({"match": {"path": "/nfc/*/disk-1.vmdk"}}, []),
        ({"match": {"lease": 1}}, []),
        ({"match": {"from": 10}}, []),
        ({"match": {"until": 10}, "times": 1}, [1]),
    ],
)
def test_which_of_five_requests_is_struck(data: dict[str, Any], expected: list[int]) -> None:
    assert struck(rule(**data), 5) == expected


def test_a_rule_strikes_between_two_moments_of_the_clock() -> None:
    made = rule(match={"from": 10, "until": 20})
    assert [moment for moment in range(0, 30, 5) if struck(made, 1, now=float(moment))] == [10, 15]


@given(st.integers(), st.integers(1, 400))
def test_chance_is_decided_by_the_seed_alone(seed: int, seen: int) -> None:
    assert drawn(seed, "fault-1", seen) == drawn(seed, "fault-1", seen)
    assert 0 <= drawn(seed, "fault-1", seen) < 1


@given(st.integers(0, 1 << 32))
def test_a_chance_of_a_half_strikes_about_half_of_the_time_and_the_same_ones_again(seed: int) -> None:
    made = rule(match={"chance": 0.5}, seed=seed)
    found = struck(made, 400)
    assert found == struck(made, 400)
    # Eight standard deviations.
    assert 120 < len(found) < 280


@given(
    st.integers(1, 6), st.none() | st.integers(1, 6), st.sampled_from([0.0, 0.3, 1.0]),
    st.lists(st.sampled_from(["H0", "H1"]), max_size=30),
)  # fmt: skip
def test_a_rule_never_strikes_more_than_it_says_nor_what_it_is_not_about(
    nth: int, times: int | None, chance: float, servers: list[str]
) -> None:
    made = rule(match={"server": "H0", "nth": nth, "chance": chance}, times=times)
    count = Count()
    for server in servers:
        before = count
        count, strikes = decide(made, count, Event("request", server, {}), 0.0)
        assert count.seen == before.seen + (server == "H0") and count.struck == before.struck + strikes
        assert not strikes or (server == "H0" and count.seen >= nth)
        # A decision has no memory beside the counts.
        assert decide(made, before, Event("request", server, {}), 0.0) == (count, strikes)
    assert times is None or count.struck <= times
    if chance == 1.0:
        due = max(0, servers.count("H0") - nth + 1)
        assert count.struck == (due if times is None else min(due, times))


def test_other_seeds_strike_others() -> None:
    assert len({tuple(struck(rule(match={"chance": 0.5}, seed=seed), 64)) for seed in range(8)}) == 8


WRONG: list[tuple[Any, str]] = [
    ("cut", "expected a mapping of match, action, times, seed; got 'cut'"),
    ({"action": {"kind": "explode"}}, "there is no kind 'explode' of faults; kinds are refuse, silent"),
    ({"action": {"kind": "cut", "args": {"at": 1}}}, "cut has no argument 'at'; it has after, final, carried_out"),
    ({"action": {"kind": "cut", "args": {"after": "1"}}}, "after is a whole number; got '1'"),
    ({"action": {"kind": "cut", "args": {"after": True}}}, "after is a whole number; got True"),
    ({"action": {"kind": "cut", "args": {"after": -1}}}, "after is at least 0; got -1"),
    ({"action": {"kind": "stall", "args": {"seconds": float("nan")}}}, "seconds is a number; got nan"),
    ({"action": {"kind": "status", "args": {"status": 200}}}, "status is at least 400; got 200"),
    ({"action": {"kind": "status", "args": {"status": 600}}}, "status is at most 599; got 600"),
    ({"action": {"kind": "stall", "args": [1]}}, "args is a mapping"),
    ({"action": {"kind": "short"}}, "give one of bytes and less; got neither"),
    ({"action": {"kind": "short", "args": {"bytes": 1, "less": 1}}}, "got bytes and less"),
    ({"action": {"kind": "empty"}, "match": {"url": "x"}}, "match: there is no 'url'"),
    ({"action": {"kind": "empty"}, "match": {"path": 3}}, "path is a text"),
    ({"action": {"kind": "empty"}, "match": {"nth": 0}}, "nth counts from 1; got 0"),
    ({"action": {"kind": "empty"}, "match": {"chance": 2}}, "chance is from 0 to 1"),
    ({"action": {"kind": "empty"}, "match": {"lease": "first"}}, "lease is a whole number"),
    ({"action": {"kind": "empty"}, "times": 0}, "times counts from 1"),
    ({"action": {"kind": "empty"}, "seed": "x"}, "seed is a whole number"),
    ({"action": {"kind": "empty"}, "time": 1}, "there is no 'time'"),
    ({"action": {"kind": "refuse"}, "match": {"path": "/sdk"}}, "refuse strikes a port, which is not matched by path"),
    ({"match": {}}, "action: expected a mapping of kind, args; got None"),
]


@pytest.mark.parametrize(("data", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_rule_that_is_wrong_is_refused_in_one_line(data: Any, said: str) -> None:
    plan = FaultPlan(Clock(start=0.0))
    with pytest.raises(FaultError) as caught:
        plan.add(data)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert plan.rules == ()


def test_names_that_nothing_has_are_refused() -> None:
    plan = FaultPlan(Clock(start=0.0), vocabulary={"method": lambda name: name == "ExportVm"})
    plan.join("H0")
    plan.add({"match": {"server": "H?", "method": "ExportVm"}, "action": {"kind": "empty"}})
    for match, said in (({"server": "H1"}, "no server 'H1'; there are H0"), ({"method": "ExprtVm"}, "no method")):
        with pytest.raises(FaultError, match=said):
            plan.add({"match": match, "action": {"kind": "empty"}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults: [", "is not YAML"),
        ("- 1", "expected a mapping with a list of faults; got list"),
        ("fault: []", "there is no 'fault'; there are twohop, seed, faults"),
        ("twohop: 2\nfaults: []", "'twohop' says the format, 1"),
        ("seed: x", "seed is a whole number"),
        ("faults: 3", "expected a list of faults; got 3"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "faults.yaml").write_text(text)
    with pytest.raises(FaultError) as caught:
        read_faults(tmp_path / "faults.yaml")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_plan_counts_reports_and_goes_back_to_its_beginning() -> None:
    journal = Journal("default", lambda: 5.0)
    plan = FaultPlan(Clock(start=5.0), journal, seed=7)
    plan.begin({"seed": 9, "faults": [{"match": {"nth": 2}, "action": {"kind": "empty"}}]})
    later = plan.add({"action": {"kind": "reset"}, "match": {"path": "/x"}})
    assert [plan.strike("request", "H0", path=path) is not None for path in ("/a", "/x", "/x", "/a")] == [
        False, True, True, False,
    ]  # fmt: skip
    first, second = plan.report()
    # Of two that would strike the first one does.
    assert (first["seen"], first["struck"], second["seen"], second["struck"]) == (4, 1, 2, 1)
    assert first["seed"] == 9 and first["match"] == {"nth": 2, "chance": 1.0} and first["times"] == 1
    assert [e["rule"] for e in journal.entries(kind="fault")] == [first["id"], later]
    plan.waits(first["id"])
    assert [each["waited"] for each in plan.report()] == [1, 0]
    plan.reset()
    assert [(each["id"], each["waited"]) for each in plan.report()] == [(first["id"], 0)]
    with pytest.raises(TimeoutError, match="made somebody wait 0 times"):
        plan.wait_stalled(first["id"], within=0.0)
    assert plan.count(first["id"]) == Count()
    plan.clear()
    assert plan.rules == () and plan.strike("request", "H0", path="/a") is None
    with pytest.raises(KeyError):
        plan.remove(later)


# -- the wire ----------------------------------------------------------------------------------------------------------


def site(environ: dict[str, Any], start: Any) -> Any:
    """Answers BODY: chunked in pieces of 1000, or at /length with its length."""
    environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/length":
        start("200 OK", [])
        return [BODY]
    start("200 OK", [])
    return (BODY[at : at + 1000] for at in range(0, len(BODY), 1000))


@pytest.fixture
def clock() -> Clock:
    return Clock(start=1000.0)


@pytest.fixture
def server(clock: Clock) -> Iterator[HttpServer]:
    plan = FaultPlan(clock)
    running = HttpServer(site, name="H0", tls=LEAF.context, now=clock.now, faults=plan, certificates=OTHERS).start()
    yield running
    running.stop()


def plan_of(server: HttpServer) -> FaultPlan:
    assert server.plan is not None
    return server.plan


def fault(server: HttpServer, kind: str, match: dict[str, Any] | None = None, **args: Any) -> str:
    return plan_of(server).add({"match": match or {}, "action": {"kind": kind, "args": args}})


class Line:
    """TLS over a socket that stays in our own hands, so that an end and a reset below it are told apart."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._until_done(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)
        self.raw.sendall(self._out.read())

    def recv(self, size: int) -> bytes:
        """What comes next; nothing where TLS says goodbye, SSLEOFError where the connection ends without."""
        try:
            return bytes(self._until_done(lambda: self._tls.read(size)))
        except ssl.SSLZeroReturnError:
            return b""

    def _until_done(self, step: Any) -> Any:
        while True:
            try:
                done = step()
                self.raw.sendall(self._out.read())
                return done
            except ssl.SSLWantReadError:
                self.raw.sendall(self._out.read())
                data = self.raw.recv(65536)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()


@contextlib.contextmanager
def secured(server: HttpServer) -> Iterator[Line]:
    with socket.create_connection((server.host, server.port), LONG) as raw:
        yield Line(raw)


def ask(tls: Line, path: str = "/") -> None:
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def heard(tls: Line) -> tuple[bytes, str]:
    """All that comes, and how it ends: goodbye (TLS says so), cut (the socket ends under TLS) or reset."""
    came = b""
    try:
        while piece := tls.recv(65536):
            came += piece
        return came, "goodbye"
    except ssl.SSLEOFError:
        return came, "cut"
    except ConnectionResetError:
        return came, "reset"


def body_of(came: bytes) -> tuple[bytes, bytes, bool]:
    """The head, the body, and whether it ends as its framing promises."""
    head, _, rest = came.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head, rest, len(rest) == promised
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if size == b"0":
            return head, body, rest == b"\r\n"
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return head, body, False


def answer(tls: Line, came: bytes = b"") -> bytes:
    """What comes up to the end that the framing promises; `came` came before."""
    while not came.partition(b"\r\n\r\n")[1] or not body_of(came)[2]:
        piece = tls.recv(65536)
        assert piece, f"the answer ended after {came!r}"
        came += piece
    return came


def whole(server: HttpServer) -> bool:
    """Whether another request is answered as if nothing were."""
    with secured(server) as tls:
        ask(tls, "/length")
        return body_of(answer(tls))[1:] == (BODY, True)


def test_without_rules_nothing_is_wrong(server: HttpServer) -> None:
    assert whole(server)


def test_refuse(server: HttpServer, clock: Clock) -> None:
    port = server.port
    id = fault(server, "refuse", seconds=60)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, port), LONG)
    clock.advance(59)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, port), LONG)
    clock.advance(1)
    assert server.port == port and whole(server) and whole(server)
    assert plan_of(server).count(id).struck == 1


def test_refuse_from_the_second_connection_on_leaves_the_first_alone(server: HttpServer) -> None:
    id = fault(server, "refuse", {"nth": 2})
    with secured(server) as tls:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), LONG)
        ask(tls, "/length")
        assert body_of(answer(tls))[1:] == (BODY, True)
    assert plan_of(server).count(id) == Count(2, 1)
    plan_of(server).clear()
    assert whole(server)


def test_refused_at_the_start_and_stopped_while_refused(clock: Clock) -> None:
    plan = FaultPlan(clock)
    plan.begin([{"action": {"kind": "refuse"}, "times": None}])
    running = HttpServer(site, name="H0", tls=LEAF.context, faults=plan).start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((running.host, running.port), LONG)
    running.stop()
    running.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((running.host, running.port), LONG)
    running.stop()


def test_silent_on_a_connection_takes_it_and_never_greets(server: HttpServer) -> None:
    fault(server, "silent", {"nth": 1})
    with socket.create_connection((server.host, server.port), LONG) as raw:
        raw.settimeout(0.05)
        with pytest.raises(TimeoutError):
            ssl.create_default_context(cadata=AUTHORITY.pem.decode()).wrap_socket(raw, server_hostname="localhost")
    assert whole(server)


def test_silent_hangs_up_when_its_time_has_come(server: HttpServer, clock: Clock) -> None:
    id = fault(server, "silent", seconds=60)
    with socket.create_connection((server.host, server.port), LONG) as raw:
        plan_of(server).wait_stalled(id)
        clock.advance(60)
        assert raw.recv(1) == b""


def test_silent_on_a_request(server: HttpServer) -> None:
    fault(server, "silent", {"path": "/", "nth": 1})
    with secured(server) as tls:
        ask(tls)
        tls.raw.settimeout(0.05)
        with pytest.raises(TimeoutError):
            tls.recv(1)
    assert whole(server)


def test_a_server_stops_at_once_whoever_waits(server: HttpServer, clock: Clock) -> None:
    id = fault(server, "stall", {"path": "*"}, seconds=3600)
    with secured(server) as tls:
        ask(tls)
        plan_of(server).wait_stalled(id)
        server.stop()
        assert heard(tls)[0] == b""


@pytest.mark.parametrize("after", [None, 0, 1, 999, 1000, 2500, len(BODY) - 1])
@pytest.mark.parametrize("path", ["/", "/length"])
def test_stall(server: HttpServer, clock: Clock, path: str, after: int | None) -> None:
    id = fault(server, "stall", {"path": path}, seconds=60, **({} if after is None else {"after": after}))
    with secured(server) as tls:
        ask(tls, path)
        plan_of(server).wait_stalled(id)
        before = b""
        if after is not None:
            while not before.partition(b"\r\n\r\n")[1] or len(body_of(before)[1]) < after:
                before += tls.recv(65536)
            assert body_of(before)[1:] == (BODY[:after], False)
        tls.raw.settimeout(0.02)
        with pytest.raises(TimeoutError):
            tls.recv(1)
        tls.raw.settimeout(LONG)
        # What a client waits for has begun to wait itself, or finds its time come.
        clock.advance(60)
        assert body_of(answer(tls, before))[1:] == (BODY, True)


def test_trickle(server: HttpServer, clock: Clock) -> None:
    id = fault(server, "trickle", {"path": "/"}, bytes=3000, seconds=10, after=240)
    with secured(server) as tls:
        ask(tls)
        plan_of(server).wait_stalled(id)
        came = b""
        for expected in (240, 3240, 6240):
            while not came.partition(b"\r\n\r\n")[1] or len(body_of(came)[1]) < expected:
                came += tls.recv(65536)
            assert body_of(came)[1:] == (BODY[:expected], False)
            clock.advance(10)
        clock.advance(10_000)
        assert body_of(answer(tls, came))[1:] == (BODY, True)


@pytest.mark.parametrize("after", [0, 1, 999, 1000, 2500, len(BODY) - 1])
@pytest.mark.parametrize("path", ["/", "/length"])
@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_cut_and_reset_within_a_body(server: HttpServer, kind: str, path: str, after: int) -> None:
    fault(server, kind, {"path": path, "nth": 1}, after=after)
    with secured(server) as tls:
        ask(tls, path)
        came, end = heard(tls)
    if kind == "reset":
        # What had not been read when the reset came is lost with it.
        assert end == "reset" and len(came) <= len(BODY[:after]) + 400
    else:
        assert end == "cut" and body_of(came)[1:] == (BODY[:after], False)
    assert whole(server)


def test_cut_with_a_final_chunk_looks_whole(server: HttpServer) -> None:
    fault(server, "cut", {"path": "/"}, after=2500, final=True)
    with secured(server) as tls:
        ask(tls)
        came, end = heard(tls)
    assert end == "goodbye" and body_of(came)[1:] == (BODY[:2500], True)


def test_cut_with_a_final_chunk_cannot_mend_a_length(server: HttpServer) -> None:
    fault(server, "cut", {"path": "/length"}, after=2500, final=True)
    with secured(server) as tls:
        ask(tls, "/length")
        came, end = heard(tls)
    assert end == "cut" and body_of(came)[1:] == (BODY[:2500], False)


@pytest.mark.parametrize(("kind", "end"), [("cut", "cut"), ("reset", "reset")])
def test_cut_and_reset_before_the_head(server: HttpServer, kind: str, end: str) -> None:
    fault(server, kind, {"path": "/"})
    with secured(server) as tls:
        ask(tls)
        assert heard(tls) == (b"", end)


@pytest.mark.parametrize(("kind", "error"), [("cut", ssl.SSLEOFError), ("reset", ConnectionResetError)])
def test_cut_and_reset_before_the_handshake(server: HttpServer, kind: str, error: type[Exception]) -> None:
    fault(server, kind)
    with pytest.raises(error), secured(server):
        pass


@pytest.mark.parametrize("path", ["/", "/length"])
@pytest.mark.parametrize(
    ("kind", "args", "left"),
    [("empty", {}, 0), ("short", {"bytes": 0}, 0), ("short", {"bytes": 2500}, 2500), ("short", {"less": 1}, 10239),
     ("short", {"less": 512}, 9728), ("short", {"bytes": 1 << 20}, 10240), ("short", {"less": 1 << 20}, 0)],
)  # fmt: skip
def test_empty_and_short_keep_their_framing_and_the_connection(
    server: HttpServer, path: str, kind: str, args: dict[str, Any], left: int
) -> None:
    fault(server, kind, {"path": path, "nth": 1}, **args)
    with secured(server) as tls:
        ask(tls, path)
        came = answer(tls)
        assert came.startswith(b"HTTP/1.1 200") and body_of(came)[1:] == (BODY[:left], True)
        ask(tls, "/length")
        assert body_of(answer(tls))[1:] == (BODY, True)


def test_status_on_the_first_request_only(server: HttpServer) -> None:
    fault(server, "status", {"path": "/", "nth": 1}, status=503)
    with secured(server) as tls:
        ask(tls)
        assert answer(tls).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        ask(tls)
        assert answer(tls).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("kind", ["wrong-certificate", "expired-certificate"])
def test_certificates(server: HttpServer, kind: str) -> None:
    fault(server, kind, {"nth": 1}, **{})
    with pytest.raises(ssl.SSLCertVerificationError) as caught, secured(server):
        pass
    assert ("expired" in str(caught.value)) is (kind == "expired-certificate")
    fault(server, kind, {"nth": 1})
    with (
        socket.create_connection((server.host, server.port), LONG) as raw,
        ssl._create_unverified_context().wrap_socket(
            raw, server_hostname="localhost", suppress_ragged_eofs=False
        ) as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
        assert shown is not None and thumbprint_of(shown) == OTHERS[kind].thumbprint != LEAF.thumbprint
    assert whole(server)


def test_a_stall_of_a_client_that_leaves_holds_no_thread(server: HttpServer) -> None:
    id = fault(server, "stall", {"path": "/"}, seconds=3600)
    with secured(server) as tls:
        ask(tls)
        plan_of(server).wait_stalled(id)
    for thread in [t for t in threading.enumerate() if t.name.startswith("H0-") and "accept" not in t.name]:
        thread.join(LONG)
        assert not thread.is_alive()


def test_slow_holds_the_request_back_from_the_application(server: HttpServer, clock: Clock) -> None:
    seen: list[float] = []

    def late(environ: dict[str, Any], start: Any) -> Any:
        seen.append(clock.now())
        return site(environ, start)

    server.app = late
    id = fault(server, "slow", {"path": "/length"}, seconds=60)
    with secured(server) as tls:
        ask(tls, "/length")
        plan_of(server).wait_stalled(id)
        assert seen == []
        clock.advance(60)
        assert body_of(answer(tls))[1:] == (BODY, True)
    assert seen == [1060.0]


def test_cut_upload_closes_while_the_client_sends(server: HttpServer) -> None:
    id = fault(server, "cut-upload", {"verb": "POST"}, after=1000)
    with secured(server) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 2000)
        assert heard(tls)[0] == b""
    assert plan_of(server).count(id).struck == 1 and whole(server)


def test_cut_upload_takes_what_it_says(server: HttpServer) -> None:
    took: list[bytes] = []

    def taking(environ: dict[str, Any], start: Any) -> Any:
        for _ in range(3):
            took.append(environ["wsgi.input"].read(400))
        return site(environ, start)

    server.app = taking
    fault(server, "cut-upload", {"verb": "POST"}, after=1000)
    with secured(server) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000)
        heard(tls)
    assert [len(piece) for piece in took] == [400, 400]


def test_cut_upload_leaves_a_body_alone_that_ends_before(server: HttpServer) -> None:
    fault(server, "cut-upload", {"verb": "POST"}, after=1000)
    with secured(server) as tls:
        tls.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n" + b"x" * 999)
        assert body_of(answer(tls))[1:] == (BODY, True)

"""Wrong clients, each wrong in one thing: the clauses for exporters have to convict each, and nobody who is right."""

from __future__ import annotations

import contextlib
import errno
import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.test_export import VM, address, spec
from mutants import small_client
from mutants.small_client import SmallClient
from twohop.contracts.clauses import ROOMS, Verdict, clause
from twohop.contracts.history import History
from twohop.contracts.report import judge
from twohop.exporter import BytesMoved, Event, ExportError, LeaseRenewed, Options, export_vm
from twohop.exporter.transfer import _sink
from twohop.fakes import VCenter
from twohop.fakes.nfc import _app
from twohop.runtime.observing import Observations, Observer

pytestmark = pytest.mark.mutants

CLAUSES = [*(each.id for each in ROOMS["exporter"]), "LEASE-005"]
WRONG_PRINT = ":".join(["00"] * 20)


def nothing() -> None:
    """What happens where nothing does."""


@dataclass
class Trouble:
    """A server, and what goes wrong on it; each trouble is what puts one clause to the test."""

    vc: VCenter
    patch: pytest.MonkeyPatch

    def slow(self) -> Callable[[], None]:
        """A disk that takes longer than the lease's timeout."""

        return lambda: self.vc.clock.advance(200)

    def full(self) -> Callable[[], None]:
        """A disk without room."""
        honest = _sink.os.write

        def write(fd: int, data: Any) -> int:
            if len(data) > 30_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return honest(fd, data)

        self.patch.setattr(_sink.os, "write", write)
        return nothing

    def short(self) -> Callable[[], None]:
        """A host that ends half a disk properly (7.6)."""
        honest = _app.send

        def send(*args: Any) -> Iterator[bytes]:
            pieces = list(honest(*args))
            yield from pieces[:-1]
            yield pieces[-1][:-1024]

        self.patch.setattr(_app, "send", send)
        return nothing

    def down(self) -> Callable[[], None]:
        """A host that goes down in the middle."""

        return self.vc.hosts["DC0_C0_H0"].stop

    def swapped(self) -> Callable[[], None]:
        """A host with another certificate than the lease names."""
        with self.vc.world.change() as tx:
            tx.set(self.vc.world.host("DC0_C0_H0"), "thumbprint", WRONG_PRINT)
        return nothing

    def lost(self) -> Callable[[], None]:
        """A server that grants a lease, and whose answer is cut."""
        honest = http.client.HTTPConnection.getresponse
        cut = [True]

        def cutting(connection: Any) -> Any:
            answer = honest(connection)
            if cut and "<ExportVm " in (connection._sent.body or ""):
                cut.clear()
                raise ConnectionResetError(errno.ECONNRESET, "cut")
            return answer

        self.patch.setattr(http.client.HTTPConnection, "getresponse", cutting)
        return nothing


WRONG: dict[type[SmallClient], tuple[str, set[str]]] = {
    small_client.NeverRenews: ("slow", {"EXPORT-001"}),
    small_client.CompletesOnEveryWayOut: ("down", {"EXPORT-002", "LEASE-005"}),
    small_client.LeavesTheLeaseToItsTimeout: ("down", {"LEASE-005"}),
    small_client.CompletesBeforeTheLastByte: ("quiet", {"LEASE-005"}),
    small_client.CompletesTwice: ("quiet", {"LEASE-005"}),
    small_client.GoesOnAfterTheEnd: ("quiet", {"LEASE-005"}),
    small_client.BelievesTheFraming: ("short", {"EXPORT-003"}),
    small_client.BelievesWhoeverAnswers: ("swapped", {"EXPORT-004"}),
    small_client.LeavesHalfAFile: ("down", {"EXPORT-005"}),
    small_client.AsksAgain: ("lost", {"EXPORT-006"}),
}
"""Each wrong client, the trouble in which it shows, and the clauses that have to convict it."""

Client = Callable[[VCenter, Observer, Callable[[], None], Path], object]


def the_exporter(vc: VCenter, observer: Observer, moved: Callable[[], None], out: Path) -> None:
    def listen(event: Event) -> None:
        # Else everything would happen at once, and nobody could say in which order.
        if not isinstance(event, LeaseRenewed):
            vc.clock.advance(0.01)
        if isinstance(event, BytesMoved):
            moved()

    with contextlib.suppress(ExportError, OSError):
        export_vm(address(vc), VM, out, clock=vc.clock, events=listen, options=Options(leases=1), observer=observer)


def small(kind: type[SmallClient]) -> Client:
    def export(vc: VCenter, observer: Observer, moved: Callable[[], None], out: Path) -> None:
        out.mkdir()
        kind(vc, observer, moved, out).run(f"DC0/vm/{VM}")

    return export


def judged(client: Client, trouble: str, patch: pytest.MonkeyPatch, folder: Path) -> dict[str, Verdict]:
    """Let a client export in a trouble, and judge what was seen of it."""
    with VCenter(world=spec(64)) as vc:
        seen = Observations(vc.clock.now, vc.journal.references)
        moved = nothing if trouble == "quiet" else getattr(Trouble(vc, patch), trouble)()
        out = folder / "out"
        seen.list_directory(out, "target")
        client(vc, seen.observer("user"), moved, out)
        patch.undo()
        seen.list_directory(out, "target")
        vc.clock.advance(1)
        report = judge(History.of(seen), [clause(name) for name in CLAUSES])
    return {verdict.clause.id: verdict.finding.verdict for verdict in report.verdicts}


PUTS = {
    "slow": "EXPORT-001",
    "down": "EXPORT-002",
    "full": "EXPORT-005",
    "short": "EXPORT-003",
    "quiet": "EXPORT-004",
    "lost": "EXPORT-006",
    "swapped": "EXPORT-005",
}
"""Which clause each trouble puts to the test."""


@pytest.mark.parametrize("client", [the_exporter, small(SmallClient)], ids=["the exporter", "a small one"])
@pytest.mark.parametrize("trouble", PUTS)
def test_the_right_client_is_convicted_of_nothing(
    trouble: str, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    verdicts = judged(client, trouble, monkeypatch, tmp_path)
    assert Verdict.BROKEN not in verdicts.values() and Verdict.UNKNOWN not in verdicts.values(), verdicts
    if client is the_exporter or trouble != "full":
        assert verdicts[PUTS[trouble]] is Verdict.KEPT, verdicts


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
def test_killed(kind: type[SmallClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trouble, kills = WRONG[kind]
    verdicts = judged(small(kind), trouble, monkeypatch, tmp_path)
    broken = {clause_id for clause_id, verdict in verdicts.items() if verdict is Verdict.BROKEN}
    assert kills <= broken, f"{kind.__doc__} Convicted only of {sorted(broken)}: {verdicts}"


def test_every_clause_for_exporters_has_a_wrong_client() -> None:
    assert set(CLAUSES) <= set().union(*(kills for _, kills in WRONG.values()))
    wrong = {kind for kind in vars(small_client).values() if isinstance(kind, type) and issubclass(kind, SmallClient)}
    assert wrong - {SmallClient} == set(WRONG)

"""Wrong clients, each wrong in one thing: the clauses for exporters have to convict each, and nobody else."""

from __future__ import annotations

import contextlib
import errno
import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from exporter.test_export import VM, address, spec
from twohop.contracts.clauses import ROOMS, Verdict, clause
from twohop.contracts.history import History
from twohop.contracts.report import judge
from twohop.exporter import BytesMoved, Event, ExportError, LeaseRenewed, Options, _perform, export_vm
from twohop.exporter._target import DirectoryTarget
from twohop.exporter.engine import _export
from twohop.exporter.transfer import _fetch, _intake, _sink
from twohop.exporter.vsphere import _session
from twohop.fakes import VCenter
from twohop.fakes.nfc import _app
from twohop.runtime.observing import Observations

pytestmark = pytest.mark.mutants

CLAUSES = [*(each.id for each in ROOMS["exporter"]), "LEASE-005"]
WRONG_PRINT = ":".join(["00"] * 20)


@dataclass
class Trouble:
    """A server, and what goes wrong on it; each trouble is what puts one clause to the test."""

    vc: VCenter
    patch: pytest.MonkeyPatch

    def slow(self) -> Callable[[Event], None]:
        """A disk that takes longer than the lease's timeout."""

        def listen(event: Event) -> None:
            if isinstance(event, BytesMoved):
                self.vc.clock.advance(200)

        return listen

    def full(self) -> Callable[[Event], None]:
        """A disk without room."""
        honest = _sink.os.write

        def write(fd: int, data: Any) -> int:
            if len(data) > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return honest(fd, data)

        self.patch.setattr(_sink.os, "write", write)
        return lambda event: None

    def short(self) -> Callable[[Event], None]:
        """A host that ends half a disk properly (7.6)."""
        honest = _app.send

        def send(*args: Any) -> Iterator[bytes]:
            pieces = list(honest(*args))
            yield from pieces[:-1]
            yield pieces[-1][:-1024]

        self.patch.setattr(_app, "send", send)
        return lambda event: None

    def down(self) -> Callable[[Event], None]:
        """A host that goes down in the middle."""

        def listen(event: Event) -> None:
            if isinstance(event, BytesMoved):
                self.vc.hosts["DC0_C0_H0"].stop()

        return listen

    def swapped(self) -> Callable[[Event], None]:
        """A host with another certificate than the lease names."""
        with self.vc.world.change() as tx:
            tx.set(self.vc.world.host("DC0_C0_H0"), "thumbprint", WRONG_PRINT)
        return lambda event: None

    def lost(self) -> Callable[[Event], None]:
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
        return lambda event: None


Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, tuple[Mutant, str, set[str]]] = {}


def mutant(trouble: str, *kills: str) -> Callable[[Mutant], Mutant]:
    """Name the trouble in which a wrong client shows, and the clauses that have to convict it."""

    def add(breaks: Mutant) -> Mutant:
        MUTANTS[breaks.__name__] = (breaks, trouble, set(kills))
        return breaks

    return add


@mutant("slow", "EXPORT-001")
def does_not_keep_alive(patch: pytest.MonkeyPatch) -> None:
    """Never renews (12 rows 1, 19)."""
    patch.setattr(_perform._HeldHere, "start", lambda self, clock, events: None)


@mutant("down", "EXPORT-002", "LEASE-005")
def completes_on_every_way_out(patch: pytest.MonkeyPatch) -> None:
    """Completes in its `finally`, as the community's samples do (2.10)."""
    patch.setattr(_perform.Grant, "abort", lambda self, reason: (self.complete(), "aborted")[1])


@mutant("down", "LEASE-005")
def leaves_the_lease_to_its_timeout(patch: pytest.MonkeyPatch) -> None:
    """Neither completes nor aborts after an error (12 row 11)."""

    def forget(self: Any, reason: str) -> str:
        self._ended = True
        return "aborted"

    patch.setattr(_perform.Grant, "abort", forget)


@mutant("quiet", "LEASE-005")
def completes_before_the_last_byte(patch: pytest.MonkeyPatch) -> None:
    """Completes as soon as bytes come."""

    def early(self: Any, key: str, done: int) -> None:
        if not self.grant.ended:
            self.grant.complete()

    patch.setattr(_perform._HeldHere, "moved", early)


@mutant("short", "EXPORT-003")
def believes_the_framing(patch: pytest.MonkeyPatch) -> None:
    """A proper end is a whole file (12 row 14)."""
    patch.setattr(_intake.Intake, "feed", lambda self, piece: setattr(self, "size", self.size + len(piece)))
    patch.setattr(_intake.Intake, "close", lambda self, framing: None)
    patch.setattr(_export, "compare_manifest", lambda lease, files: iter(()))


@mutant("swapped", "EXPORT-004")
def believes_whoever_answers(patch: pytest.MonkeyPatch) -> None:
    """Verifies no certificate of a host, as most scripts do (6.3)."""
    honest = _fetch._request
    patch.setattr(
        _fetch,
        "_request",
        lambda entry, line, body: honest(replace(entry, thumbprint=None), replace(line, insecure=True), body),
    )


@mutant("down", "EXPORT-005")
def leaves_half_a_file(patch: pytest.MonkeyPatch) -> None:
    """Takes nothing back."""
    patch.setattr(DirectoryTarget, "discard", lambda self, error: None)
    patch.setattr(_sink.Path, "unlink", lambda self, missing_ok=False: None)


@mutant("lost", "EXPORT-006")
def asks_again(patch: pytest.MonkeyPatch) -> None:
    """Sends every call again after a cut, as a stub that re-sends does (2.14a)."""
    honest = _session.VSphere.ask

    def twice(self: Any, subject: Any) -> Any:
        try:
            return honest(self, subject)
        except ExportError:
            return honest(self, subject)

    patch.setattr(_session.VSphere, "ask", twice)


def judged(trouble: str, patch: pytest.MonkeyPatch, folder: Path) -> dict[str, Verdict]:
    """Let the client export in a trouble, and judge what was seen of it."""
    with VCenter(world=spec(64)) as vc:
        seen = Observations(vc.clock.now, vc.journal.references)
        act = (lambda event: None) if trouble == "quiet" else getattr(Trouble(vc, patch), trouble)()

        def listen(event: Event) -> None:
            # Else everything would happen at once, and nobody could say in which order.
            if not isinstance(event, LeaseRenewed):
                vc.clock.advance(0.01)
            act(event)

        out = folder / "out"
        seen.list_directory(out, "target")
        with contextlib.suppress(ExportError, OSError):
            export_vm(
                address(vc), VM, out, clock=vc.clock, events=listen, options=Options(leases=1),
                observer=seen.observer("user"),
            )  # fmt: skip
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


@pytest.mark.parametrize("trouble", PUTS)
def test_the_right_client_is_convicted_of_nothing(
    trouble: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    verdicts = judged(trouble, monkeypatch, tmp_path)
    assert Verdict.BROKEN not in verdicts.values() and Verdict.UNKNOWN not in verdicts.values(), verdicts
    assert verdicts[PUTS[trouble]] is Verdict.KEPT, verdicts


@pytest.mark.parametrize("name", MUTANTS)
def test_killed(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record_property: Any) -> None:
    breaks, trouble, kills = MUTANTS[name]
    with monkeypatch.context() as patch:
        breaks(patch)
        verdicts = judged(trouble, patch, tmp_path)
    broken = {clause_id for clause_id, verdict in verdicts.items() if verdict is Verdict.BROKEN}
    assert kills <= broken, f"{breaks.__doc__} Convicted only of {sorted(broken)}: {verdicts}"


def test_every_clause_for_exporters_has_a_wrong_client() -> None:
    assert set(CLAUSES) <= set().union(*(kills for _, _, kills in MUTANTS.values()))

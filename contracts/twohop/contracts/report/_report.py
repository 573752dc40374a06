"""Judging a history by clauses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twohop.contracts.clauses import CLAUSES, Clause, Finding, Verdict
from twohop.contracts.history import History, read_call


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause and what was found about it."""

    clause: Clause
    finding: Finding

    @property
    def verdict(self) -> Verdict:
        """The verdict alone."""
        return self.finding.verdict


@dataclass(frozen=True, slots=True)
class Report:
    """All verdicts on one history. `target` says whose it is."""

    target: str
    verdicts: tuple[Judged, ...]
    history: History

    @property
    def ok(self) -> bool:
        """Tell whether no clause is broken or unknown."""
        return not self.of(Verdict.BROKEN) and not self.of(Verdict.UNKNOWN)

    def of(self, verdict: Verdict) -> tuple[Judged, ...]:
        """Return the clauses with one verdict."""
        return tuple(judged for judged in self.verdicts if judged.verdict is verdict)

    def to_json(self) -> dict[str, Any]:
        """Return `{target, clauses: [{id, kind, grade, source, verdict, witness}]}`."""
        return {
            "target": self.target,
            "clauses": [
                {**listed(j.clause), "verdict": str(j.verdict), "witness": list(j.finding.witness)}
                for j in self.verdicts
            ],
        }

    def story(self) -> str:
        """Return, as plain text, what is broken or unknown, with its witness told exchange by exchange."""
        told = [self._tell(judged) for judged in (*self.of(Verdict.BROKEN), *self.of(Verdict.UNKNOWN))]
        counts = ", ".join(f"{len(self.of(verdict))} {verdict.replace('_', ' ')}" for verdict in Verdict)
        return "\n\n".join([*told, f"{self.target}: {counts}"])

    def _tell(self, judged: Judged) -> str:
        clause = judged.clause
        lines = [f"{clause.id} {judged.verdict} ({clause.kind}, {clause.source}, grade {clause.grade})"]
        lines.append(f"  rule: {clause.sentence}")
        lines += [f"  {line}" for line in judged.finding.story]
        for number in judged.finding.witness:
            lines.append(f"    #{number} {self._witness(number)}")
        return "\n".join(lines)

    def _witness(self, number: int) -> str:
        exchange = self.history.exchange(number)
        if exchange is None:
            listing = next((ls for ls in self.history.listings if ls.id == number), None)
            return f"t={listing.t:.3f} transfer directory: {len(listing.entries)} files" if listing else "gone"
        call = read_call(exchange)
        if call is not None:
            asked, got = f"{call.method} on {call.this}", str(call.outcome)
        else:
            asked = f"{exchange.request.method} {exchange.request.url}"
            answer = exchange.response
            got = f"{answer.status}, {answer.end}" if answer else exchange.error or "no answer"
        return f"t={exchange.t0:.3f} {exchange.observer}: {asked} -> {got}"


def listed(clause: Clause) -> dict[str, Any]:
    """Return what a machine is told about a clause: `{id, kind, grade, source}`."""
    return {"id": clause.id, "kind": clause.kind, "grade": clause.grade, "source": clause.source}


def judge(history: History, clauses: Iterable[Clause] = CLAUSES, target: str = "run") -> Report:
    """Return the verdict of each clause on `history`.

    A profile clause judges only a target that declares a profile for its subject; elsewhere it is not observed.
    """
    verdicts = []
    for clause in clauses:
        if clause.kind == "profile" and clause.subject not in history.declared:
            finding = Finding(Verdict.NOT_OBSERVED, (), (f"the history declares no profile of the {clause.subject}",))
        else:
            finding = clause.judge(history)
        verdicts.append(Judged(clause, finding))
    return Report(target, tuple(verdicts), history)

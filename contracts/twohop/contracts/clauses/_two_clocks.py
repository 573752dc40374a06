"""CLOCK: how long a link lives, and what does not end it (vcd 3.17, 3.17b)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import DownloadDisabled, DownloadEnabled, FileTransferred, History

from ._clause import Case, Clause, broken, kept


def _alive(history: History) -> Iterator[Case]:
    declared = history.declared["cell"]
    if declared.get("get_refreshes") not in ("end", "both"):
        return  # nobody but the cell knows from when the time counts
    if declared.get("finish_removes") == "yes":
        return  # a download may be over before its time
    idle = float(declared["url_expiry_s"])
    gets = [t for t in history.all(FileTransferred) if t.method == "GET" and t.status is not None]
    for late in gets:
        earlier = [t for t in gets if (t.session, t.file) == (late.session, late.file) and t.id < late.id]
        used = [t for t in earlier if t.status in (200, 206)]
        if not used or _turned(history, used[-1], late):
            continue
        last = used[-1]
        pause = late.exchange.t0 - last.exchange.t1
        if not 0 <= pause < idle:
            continue
        told = f"{late.session} had been idle for {pause:g} s since exchange {last.id}, its limit {idle:g} s;"
        answer = f"GET of {late.file} in exchange {late.id} was answered {late.status}"
        if late.status in (200, 206, 416):
            yield kept(told, answer, by=(last.id, late.id))
        else:
            yield broken(told, answer, "a link lives that long", by=(last.id, late.id))


def _turned(history: History, first: FileTransferred, second: FileTransferred) -> bool:
    turns = (*history.all(DownloadEnabled), *history.all(DownloadDisabled))
    return any(first.id < turn.id < second.id for turn in turns)


def _uncut(history: History) -> Iterator[Case]:
    idle = float(history.declared["cell"]["url_expiry_s"])
    for got in history.all(FileTransferred):
        lasted = got.exchange.t1 - got.exchange.t_first
        if got.method != "GET" or got.status not in (200, 206) or lasted <= idle:
            continue
        told = f"GET of {got.file} in exchange {got.id} took {lasted:g} s, the idle limit is {idle:g} s;"
        if got.end == "complete":
            yield kept(told, "it came to its end", by=(got.id,))
        else:
            yield broken(told, f"it ended {got.end}, though a transfer in progress is not idle", by=(got.id,))


CLOCK_CLAUSES = (
    Clause(
        "CLOCK-001", "A link lives for as long as its transfer session has not been idle for longer than its limit.",
        "vcd 3.17, 3.17b", "DOC", "profile", "cell", _alive,
    ),
    Clause(
        "CLOCK-002", "A download in progress is not cut, however long it takes.",
        "vcd 3.17, 0.3", "DOC", "profile", "cell", _uncut,
    ),
)  # fmt: skip

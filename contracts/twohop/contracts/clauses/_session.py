"""SESSION: the end of a transfer session, which two clocks bring about (vcd 3.17-3.20)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import FileTransferred, History

from ._clause import Case, Clause, broken, kept


def _emptied(history: History) -> Iterator[Case]:
    declared = history.declared["cell"]
    clocks = float(declared["url_expiry_s"]) + float(declared["reaper_s"])
    paths = {path for listing in history.listings for path, _ in listing.entries if "/" in path}
    for session in sorted({path.split("/")[0] for path in paths}):
        held = [ls for ls in history.listings if any(path.startswith(f"{session}/") for path, _ in ls.entries)]
        used = [t.exchange.t1 for t in history.all(FileTransferred) if t.session == session and t.status in (200, 206)]
        if not used:
            continue  # nobody is known to have used it, so nobody knows when its time began
        for late in history.listings:
            before = [listing for listing in held if listing.id < late.id]
            left = [path for path, _ in late.entries if path.startswith(f"{session}/")]
            idle = late.t - max([*(t for t in used if t <= late.t), min(listing.t for listing in held)])
            if not before or idle <= clocks or _in_progress(history, session, late.t):
                continue
            told = f"{session} lay in the directory in listing {before[-1].id} and has been idle for {idle:g} s;"
            if left:
                yield broken(told, f"listing {late.id} still holds {', '.join(left)}", by=(before[-1].id, late.id))
            else:
                yield kept(told, f"listing {late.id} holds nothing of it", by=(before[-1].id, late.id))


def _in_progress(history: History, session: str, moment: float) -> bool:
    mine = (t.exchange for t in history.all(FileTransferred) if t.session == session)
    return any(exchange.t0 <= moment <= exchange.t1 for exchange in mine)


SESSION_CLAUSES = (
    Clause(
        "SESSION-001", "When the link's clock and the reaper's have both run, nothing of it is left on the disk.",
        "vcd 3.19, 3.20", "DOC", "profile", "cell", _emptied,
    ),
)  # fmt: skip

"""PATH: two hops, and no third: from a host to the cell, from the cell to the user (vcd 3.25)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import DiskFetched, FileTransferred, History, LeaseGranted

from ._clause import Case, Clause, broken, kept


def _never_a_host(history: History) -> Iterator[Case]:
    users = {t.exchange.observer: t for t in history.all(FileTransferred)}
    fetches = [f for f in history.all(DiskFetched) if f.exchange.observer not in users]
    hosts = {fetch.server: fetch for fetch in fetches}
    for user, transfer in users.items():
        if not hosts:
            return
        fetch = next(iter(hosts.values()))
        told = f"the cell fetched from {', '.join(sorted(hosts))}, as in exchange {fetch.id};"
        strays = [e for e in history.exchanges if e.observer == user and f"{e.conn.host}:{e.conn.port}" in hosts]
        own = [grant.id for grant in history.all(LeaseGranted) if grant.exchange.observer == user]
        # Who exports straight from the hosts besides has a lease of his own for that.
        strays = [stray for stray in strays if not any(grant < stray.id for grant in own)]
        if strays:
            yield broken(told, f"{user} spoke to one of them in exchange {strays[0].id}", by=(fetch.id, strays[0].id))
        else:
            yield kept(told, f"{user}, who downloads in {transfer.id}, spoke to none", by=(fetch.id, transfer.id))


def _once(history: History) -> Iterator[Case]:
    users = {t.exchange.observer for t in history.all(FileTransferred)}
    users |= {"probe", "user"}
    seen: dict[tuple[str, str, str], list[DiskFetched]] = {}
    for fetch in history.all(DiskFetched):
        if fetch.exchange.observer not in users:
            seen.setdefault((fetch.server, fetch.ticket, fetch.file), []).append(fetch)
    for (server, ticket, file), fetches in seen.items():
        whole = [fetch for fetch in fetches if fetch.answered]
        if not whole:
            continue
        told = f"{file} of {ticket} came whole from {server} in exchange {whole[0].id}"
        if len(whole) > 1:
            yield broken(told, f"and once more in {whole[1].id}", by=(whole[0].id, whole[1].id))
        else:
            yield kept(told, "and never again", by=(whole[0].id,))


PATH_CLAUSES = (
    Clause(
        "PATH-001", "Who downloads from a cell never speaks to a host for it.",
        "vcd 3.25, 3.7", "DOC", "vendor", "cell", _never_a_host,
    ),
    Clause(
        "PATH-002", "The cell fetches each file of a lease once, unless it did not come whole.",
        "vcd 3.25", "DOC", "vendor", "cell", _once,
    ),
)  # fmt: skip

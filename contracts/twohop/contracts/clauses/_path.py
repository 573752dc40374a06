"""PATH: two hops, and no third: from a host to the cell, from the cell to the user (vcd 3.25)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    CellTaskSeen,
    DiskFetched,
    DownloadEnabled,
    FileTransferred,
    History,
    LeaseGranted,
    LeaseRecord,
)

from ._clause import Case, Clause, broken, kept

_ENDED = frozenset({"success", "error", "canceled", "aborted"})


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


def _each_machine_once(history: History) -> Iterator[Case]:
    users = {t.exchange.observer for t in history.all(FileTransferred)} | {"probe", "user"}
    downloads = list(history.all(DownloadEnabled))
    for enabled in downloads:
        ended = next((s for s in history.all(CellTaskSeen) if s.task == enabled.task and s.status == "success"), None)
        if enabled.task is None or ended is None:
            continue
        others = (other for other in downloads if other.id != enabled.id and other.id < ended.id)
        if not all(_over(history, other, enabled) for other in others):
            continue  # whose lease is whose cannot be told
        leases: dict[tuple[str, str], list[LeaseRecord]] = {}
        for record in history.leases:
            granted = record.granted
            if granted is None or not record.vm or granted.exchange.observer in users:
                continue
            if enabled.id < granted.id < ended.id:
                leases.setdefault((record.server, record.vm), []).append(record)
        for (_, vm), taken in leases.items():
            cut = [f for record in taken for f in record.fetches if not f.answered]
            ids = [record.granted.id for record in taken if record.granted is not None]
            told = f"{enabled.entity}, enabled in exchange {enabled.id}, was ready in {ended.id};"
            if len(ids) == 1:
                yield kept(told, f"{vm} was leased for it in {ids[0]} and not again", by=(enabled.id, *ids, ended.id))
            elif not cut:
                came = f"{vm} was leased for it in {', '.join(map(str, ids))}, though no GET had failed"
                yield broken(told, came, by=(enabled.id, *ids, ended.id))


def _over(history: History, other: DownloadEnabled, mine: DownloadEnabled) -> bool:
    """Tell whether another download was refused, or its task seen at its end, before mine was enabled."""
    ends = (s for s in history.all(CellTaskSeen) if s.task == other.task and s.status in _ENDED)
    return other.task is None or any(seen.id < mine.id for seen in ends)


PATH_CLAUSES = (
    Clause(
        "PATH-001", "Who downloads from a cell never speaks to a host for it.",
        "vcd 3.25, 3.7", "DOC", "vendor", "cell", _never_a_host,
    ),
    Clause(
        "PATH-002", "The cell fetches each file of a lease once, unless it did not come whole.",
        "vcd 3.25", "DOC", "vendor", "cell", _once,
    ),
    Clause(
        "PATH-003", "For one download the cell leases each machine once, unless a GET of its files failed.",
        "vcd 3.25, 3.25b", "DOC", "vendor", "cell", _each_machine_once,
    ),
)  # fmt: skip

"""LINK: download links of the cell, and the bytes behind them (vcd 3)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from twohop.contracts.history import (
    CellTaskSeen,
    DiskFetched,
    DownloadDisabled,
    DownloadEnabled,
    FileTransferred,
    History,
    LinksSeen,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_FINAL = frozenset({"success", "error", "canceled", "aborted"})


def _after_task(history: History) -> Iterator[Case]:
    for enabled in history.all(DownloadEnabled):
        looks = [look for look in history.all(LinksSeen) if look.entity == enabled.entity]
        before = [look for look in looks if surely_before(look.exchange, enabled.exchange)]
        if enabled.task is None or not before or before[-1].downloads():
            continue  # enabled already, or nobody looked: a link may be an older one
        states = [seen for seen in history.all(CellTaskSeen) if seen.task == enabled.task]
        success = next((seen for seen in states if seen.status == "success"), None)
        later = (e.id for e in history.all(DownloadEnabled) if e.entity == enabled.entity and e.id > enabled.id)
        # What comes after a further enableDownload may be that one's link.
        beyond = next(later, None)
        early = [look for look in looks if surely_before(enabled.exchange, look.exchange)]
        early = [look for look in early if beyond is None or look.id < beyond]
        for look in early:
            unfinished = next((s for s in states if s.status != "success" and _not_yet(s, look)), None)
            if look.downloads() and unfinished is not None:
                yield broken(
                    f"{enabled.entity} was enabled in exchange {enabled.id} and showed a download link in {look.id},",
                    f"when its task was {unfinished.status} (exchange {unfinished.id})",
                    by=(before[-1].id, enabled.id, look.id, unfinished.id),
                )
        shown = next((look for look in early if look.downloads()), None)
        if shown is not None and success is not None and success.id < shown.id:
            yield kept(
                f"{enabled.entity} showed no download link in exchange {before[-1].id}, before it was enabled,",
                f"and one in {shown.id}, after its task had succeeded in {success.id}",
                by=(before[-1].id, success.id, shown.id),
            )


def _not_yet(seen: CellTaskSeen, look: LinksSeen) -> bool:
    """Tell whether a sight of a task proves that it had not succeeded at the look."""
    if seen.status in _FINAL:
        return True  # it ended otherwise, so it never succeeded
    return surely_before(look.exchange, seen.exchange)


def _sizes(history: History) -> Iterator[Case]:
    transfers = list(history.all(FileTransferred))
    for descriptor in transfers:
        if not (descriptor.whole and descriptor.file.endswith(".ovf") and descriptor.body):
            continue
        sizes = dict(_promised(descriptor.body))
        for got in transfers:
            if got.session != descriptor.session or got.file not in sizes or not got.whole or got.size is None:
                continue
            promised = sizes[got.file]
            told = f"{descriptor.file} in exchange {descriptor.id} gives {got.file} {promised} bytes;"
            answer = f"exchange {got.id} brought {got.size}"
            if promised is not None and promised == got.size:
                yield kept(told, answer, by=(descriptor.id, got.id))
            else:
                yield broken(told, answer, by=(descriptor.id, got.id))


def _promised(body: str) -> Iterator[tuple[str, int | None]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    for element in etree.fromstring(body.encode("utf-8"), parser).iter("{*}File"):
        values = {str(key).rsplit("}", 1)[-1]: str(value) for key, value in element.items()}
        size = values.get("size", "")
        yield values.get("href", ""), int(size) if size.isdigit() else None


def _dead(history: History) -> Iterator[Case]:
    declared = history.declared["cell"]
    idle, status = float(declared["url_expiry_s"]), int(declared["expired_status"])
    transfers = [t for t in history.all(FileTransferred) if t.status is not None]
    for late in transfers:
        earlier = [t for t in transfers if t.session == late.session and t.id < late.id and t.status in (200, 206)]
        if not earlier or late.method != "GET":
            continue
        last = max(earlier, key=lambda t: t.exchange.t1)
        pause = late.exchange.t0 - last.exchange.t1
        # A download that lasts is written down when it ends, and until then the session is not idle.
        lasting = (t for t in transfers if t.session == late.session and t.id > late.id and t.status in (200, 206))
        if pause <= idle or _renewed_link(history, last, late) or any(_began_by(late, t) for t in lasting):
            continue
        told = f"{late.session} had been idle for {pause:g} s since exchange {last.id}, its limit {idle:g} s;"
        answer = f"GET of {late.file} in exchange {late.id} was answered {late.status}"
        if late.status == status:
            yield kept(told, answer, by=(last.id, late.id))
        else:
            yield broken(told, answer, f"the target declares {status}", by=(last.id, late.id))


def _began_by(late: FileTransferred, other: FileTransferred) -> bool:
    return other.exchange.t0 < late.exchange.t0 < other.exchange.t1


def _renewed_link(history: History, last: FileTransferred, late: FileTransferred) -> bool:
    """Tell whether a download was enabled or disabled in between, which may give an old session new life or end it."""
    turns = (*history.all(DownloadEnabled), *history.all(DownloadDisabled))
    return any(last.id < turn.id < late.id for turn in turns)


def _same_bytes(history: History) -> Iterator[Case]:
    fetches = [fetch for fetch in history.all(DiskFetched) if fetch.answered and fetch.sha256 is not None]
    for got in history.all(FileTransferred):
        spooled = [f for f in fetches if f.exchange.observer != got.exchange.observer and f.id < got.id]
        if not got.whole or got.sha256 is None or not got.file.endswith(".vmdk") or not spooled:
            continue
        told = (
            f"{got.exchange.observer} got {got.file} in exchange {got.id}, {got.size} bytes, SHA-256 {got.sha256[:16]};"
        )
        source = next((f for f in reversed(spooled) if f.sha256 == got.sha256 and f.size == got.size), None)
        if source is not None:
            yield kept(
                told, f"{source.exchange.observer} had got the same from {source.server} in {source.id}",
                by=(source.id, got.id),
            )  # fmt: skip
        else:
            nearest = min(spooled, key=lambda f: abs((f.size or 0) - (got.size or 0)))
            yield broken(
                told,
                f"no host sent that; nearest is {nearest.file} of exchange {nearest.id}, {nearest.size} bytes",
                by=(nearest.id, got.id),
            )


LINK_CLAUSES = (
    Clause(
        "LINK-001", "An entity shows no download link before the task that enables its download has succeeded.",
        "vcd 3.3, 3.3b", "DOC", "vendor", "cell", _after_task,
    ),
    Clause(
        "LINK-002", "A link whose transfer session has been idle for longer than its limit is dead.",
        "vcd 3.17, 3.18, 0.2", "DOC", "profile", "cell", _dead,
    ),
    Clause(
        "LINK-003", "Every file that a descriptor refers to is as long as the descriptor says.",
        "vcd 3.9", "CLI", "vendor", "cell", _sizes,
    ),
    Clause(
        "LINK-004", "The bytes of a disk that leave the cell are those that its host sent to the cell.",
        "vcd 3.25, 3.25b", "DOC", "profile", "cell", _same_bytes,
    ),
)  # fmt: skip

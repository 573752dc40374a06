"""TRANSFER: how the URLs of a transfer session answer (vcd 1.10b, 1.14, 3.10, 3.11)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twohop.contracts.history import FileTransferred, History

from ._clause import Case, Clause, broken, kept

_TOKENS = frozenset({"authorization", "x-vcloud-authorization", "cookie"})
_OF_THE_API = ("x-vmware-vcloud-request-id", "x-vcloud-authorization", "x-vmware-vcloud-access-token")


def _capability(history: History) -> Iterator[Case]:
    if history.declared["cell"].get("transfer_auth") != "not-needed":
        return
    for got in history.all(FileTransferred):
        if got.method != "GET" or _TOKENS & {name.lower() for name, _ in got.exchange.request.headers}:
            continue
        told = f"GET of {got.file} without any token in exchange {got.id} was answered {got.status}"
        if got.status == 401:
            yield broken(told, "the URL is all it takes", by=(got.id,))
        elif got.status in (200, 206):
            yield kept(told, by=(got.id,))


def _bare(history: History) -> Iterator[Case]:
    for got in history.all(FileTransferred):
        response = got.exchange.response
        if response is None:
            continue
        found = [name for name in _OF_THE_API if response.header(name) is not None]
        size = response.digest.size if response.digest else len(response.body or "")
        told = f"{got.method} of {got.file} in exchange {got.id} was answered {response.status}"
        if found:
            yield broken(told, f"with {', '.join(found)}, which only the API sends", by=(got.id,))
        elif response.status >= 400 and size:
            yield broken(told, f"with a body of {size} bytes, where a real cell sends none", by=(got.id,))
        else:
            yield kept(told, "without a header of the API", by=(got.id,))


def _ranges(history: History) -> Iterator[Case]:
    if history.declared["cell"].get("range") != "206":
        return
    whole_files = [got for got in history.all(FileTransferred) if got.whole]
    for got in history.all(FileTransferred):
        asked = next((value for name, value in got.exchange.request.headers if name.lower() == "range"), None)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
        response = got.exchange.response
        if wanted is None or response is None or got.method != "GET" or got.end != "complete":
            continue
        told = f"GET of {got.file}, {asked}, in exchange {got.id} was answered {response.status}"
        given = response.header("Content-Range") or "no Content-Range"
        came = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", given)
        if response.status == 206 and came is not None:
            first, last, whole = map(int, came.groups())
            end = min(int(wanted[2]), whole - 1) if wanted[2] else whole - 1
            of = next((t for t in whole_files if (t.session, t.file) == (got.session, got.file)), None)
            if (first, last) == (int(wanted[1]), end) and got.size in (None, last - first + 1):
                if of is None or _part_of(got, of, first, last == whole - 1):
                    yield kept(told, given, by=(got.id,))
                else:
                    came_whole = f"but not with the bytes that stand there, as they came in exchange {of.id}"
                    yield broken(told, f"{given},", came_whole, by=(of.id, got.id))
            else:
                yield broken(told, f"{given} with {got.size} bytes", by=(got.id,))
        elif response.status in (200, 206):
            yield broken(told, f"{given}; right is 206 with the range that was asked for", by=(got.id,))


def _part_of(part: FileTransferred, whole: FileTransferred, first: int, to_the_end: bool) -> bool:
    """Tell whether a part begins and ends as the whole does there, as far as the ends of both were kept."""
    if part.head is None or part.tail is None or whole.head is None or whole.tail is None:
        return True
    there = whole.head[first:]
    both = min(len(there), len(part.head))
    ends = min(len(whole.tail), len(part.tail)) if to_the_end else 0
    last = whole.tail[len(whole.tail) - ends :] == part.tail[len(part.tail) - ends :]
    return last and there[:both] == part.head[:both]


TRANSFER_CLAUSES = (
    Clause(
        "TRANSFER-001", "The URL of a file is all it takes to get it; no session of the API is needed.",
        "vcd 3.10", "LOG", "profile", "cell", _capability,
    ),
    Clause(
        "TRANSFER-002", "A transfer URL answers without the API's headers, and its errors have no body.",
        "vcd 1.10b, 1.14", "LOG", "vendor", "cell", _bare,
    ),
    Clause(
        "TRANSFER-003", "A range of a file is answered by 206 with those bytes of it, to its last byte.",
        "vcd 3.11", "CLI", "profile", "cell", _ranges,
    ),
)  # fmt: skip

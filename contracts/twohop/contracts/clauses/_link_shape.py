"""LINK: who shows the links of a download, which they are, and what is behind the two descriptors (vcd 2, 3.4-3.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twohop.contracts.history import (
    DownloadDisabled,
    DownloadEnabled,
    FileTransferred,
    History,
    LinksSeen,
    surely_before,
)
from twohop.contracts.history._xml import name, parse

from ._clause import Case, Clause, broken, kept

_ENABLE, _DISABLE = "/action/enableDownload", "/action/disableDownload"
_MAC = re.compile(r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b")
_MEDIA = re.compile(r"/media/[^/]+/?$")
_OVAS = frozenset({"download:ovaDefault", "download:ovaIdentity"})


def _offered(history: History) -> Iterator[Case]:
    for look in history.all(LinksSeen):
        root = parse(look.exchange.response.body) if look.exchange.response else None
        if root is None or name(root) not in ("VApp", "VAppTemplate"):
            continue
        shown = [action for action in (_ENABLE, _DISABLE) if any(href.endswith(action) for _, href in look.links)]
        off = root.get("status") == "8" and root.get("deployed") in (None, "false")
        told = f"{look.entity} in exchange {look.id}: status {root.get('status')}, deployed {root.get('deployed')}"
        if not off and shown:
            yield broken(told, f"and yet it offers {', '.join(shown)}", by=(look.id,))
        elif not off:
            yield kept(told, "and offers no download", by=(look.id,))
        elif len(shown) == 1:
            yield broken(told, f"but it offers {shown[0]} alone", by=(look.id,))
        elif shown:
            yield kept(told, "and offers to enable and to disable its download", by=(look.id,))


def _four(history: History) -> Iterator[Case]:
    for look in history.all(LinksSeen):
        rels = {rel for rel, _ in look.downloads()}
        version = _version(look)
        if not rels or version is None or version < (5, 1):
            continue
        wanted = {"download:default", "download:identity"} | (_OVAS if version >= (30, 0) else frozenset())
        if _MEDIA.search(look.entity):
            wanted = {"download:default"}
        asked = ".".join(map(str, version))
        told = f"{look.entity} in exchange {look.id}, at API {asked}, shows {', '.join(sorted(rels))}"
        if rels == wanted:
            yield kept(told, by=(look.id,))
        else:
            yield broken(told, f"that version has {', '.join(sorted(wanted))}", by=(look.id,))


def _version(look: LinksSeen) -> tuple[int, ...] | None:
    kind = look.exchange.response.header("Content-Type") if look.exchange.response else None
    found = re.search(r"version=(\d+)\.(\d+)", kind or "")
    return (int(found[1]), int(found[2])) if found else None


def _identity(history: History) -> Iterator[Case]:
    rels = {path: rel for look in history.all(LinksSeen) for rel, path in look.downloads()}
    for got in history.all(FileTransferred):
        rel = rels.get(f"/transfer/{got.session}/{got.file}")
        if not got.whole or not got.body or rel not in ("download:default", "download:identity"):
            continue
        marks = [mark for mark in ("NetworkConfigSection", "uuid.bios") if mark in got.body]
        marks += ["a MAC address"] if _MAC.search(got.body) else []
        told = f"the {rel.partition(':')[2]} descriptor of exchange {got.id} has {', '.join(marks) or 'no identity'}"
        if rel == "download:default" and marks:
            yield broken(told, "which the portable one leaves out", by=(got.id,))
        elif rel == "download:identity" and "NetworkConfigSection" not in marks:
            yield broken(told, "and lacks the NetworkConfigSection", by=(got.id,))
        else:
            yield kept(told, by=(got.id,))


def _medium(history: History) -> Iterator[Case]:
    transfers = [got for got in history.all(FileTransferred) if got.whole and got.size is not None]
    for look in history.all(LinksSeen):
        for path, size in look.files:
            got = next((g for g in transfers if f"/transfer/{g.session}/{g.file}" == path and g.id > look.id), None)
            if got is None:
                continue
            told = f"{look.entity} in exchange {look.id} gives its file {size} bytes;"
            answer = f"exchange {got.id} brought {got.size}"
            if got.size == size:
                yield kept(told, answer, by=(look.id, got.id))
            else:
                yield broken(told, answer, by=(look.id, got.id))


def _archives(history: History) -> Iterator[Case]:
    files = [got for got in history.all(FileTransferred) if got.whole and got.sha256 is not None]
    for archive in files:
        if not archive.members:
            continue
        told = f"{archive.file} of exchange {archive.id} holds {', '.join(member for member, _ in archive.members)};"
        first = f"{archive.file.removesuffix('.ova')}.ovf"
        if archive.members[0][0] != first:
            yield broken(told, f"first in an OVA is its descriptor, {first}", by=(archive.id,))
            continue
        alone = {got.file: got for got in files if got.session == archive.session and got.id != archive.id}
        known = [(alone[member], digest) for member, digest in archive.members if member in alone]
        wrong = next((got for got, digest in known if got.sha256 != digest), None)
        if wrong is not None:
            yield broken(told, f"{wrong.file} is another by itself, in exchange {wrong.id}", by=(wrong.id, archive.id))
        elif known:
            by = (*sorted(got.id for got, _ in known), archive.id)
            yield kept(told, "what came by itself is the same there", by=by)


def _disabled(history: History) -> Iterator[Case]:
    status = int(history.declared["cell"]["expired_status"])
    transfers = [got for got in history.all(FileTransferred) if got.method == "GET" and got.status is not None]
    for disabled in history.all(DownloadDisabled):
        looks = [k for k in history.all(LinksSeen) if k.entity == disabled.entity and k.id < disabled.id]
        sessions = {path.split("/")[2] for _, path in looks[-1].downloads()} if looks else set()
        again = [e.id for e in history.all(DownloadEnabled) if e.entity == disabled.entity and e.id > disabled.id]
        if disabled.status != 204:
            continue
        for late in transfers:
            if late.session not in sessions or not surely_before(disabled.exchange, late.exchange):
                continue
            if late.status == 401 or (again and again[0] < late.id):
                continue  # who is not let in learns nothing, and an enabled download may get its old URL
            told = f"{disabled.entity}, which had shown {late.session}, was disabled in exchange {disabled.id};"
            answer = f"GET of {late.file} in exchange {late.id} was answered {late.status}"
            if late.status == status:
                yield kept(told, answer, by=(disabled.id, late.id))
            else:
                yield broken(told, answer, f"the target declares {status}", by=(looks[-1].id, disabled.id, late.id))


LINK_SHAPE_CLAUSES = (
    Clause(
        "LINK-005", "Only an entity that is off and undeployed offers to enable and to disable its download, both.",
        "vcd 2.1, 2.2, 2.3, 2.5", "REC", "vendor", "cell", _offered,
    ),
    Clause(
        "LINK-006", "A download has two descriptors, and from API 30.0 on two OVAs besides; a medium's has one file.",
        "vcd 3.4, 3.5, 3.5b, 3.16", "DOC", "vendor", "cell", _four,
    ),
    Clause(
        "LINK-007", "MAC addresses, BIOS UUIDs and the vApp's networks stand in the identity descriptor alone.",
        "vcd 3.6", "DOC", "vendor", "cell", _identity,
    ),
    Clause(
        "LINK-008", "The file behind a medium's link is as long as the medium says.",
        "vcd 3.16", "DOC", "vendor", "cell", _medium,
    ),
    Clause(
        "LINK-009", "A link whose download has been disabled is dead.",
        "vcd 3.15, 0.2", "DOC", "profile", "cell", _disabled,
    ),
    Clause(
        "LINK-010", "An OVA holds its descriptor first, and each file as it is by itself.",
        "vcd 3.5, 3.6", "DOC", "vendor", "cell", _archives,
    ),
)  # fmt: skip

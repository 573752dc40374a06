"""Everything that can be said of a package from the package alone; each file is read once, from front to back."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import new as new_hash
from pathlib import Path, PurePosixPath
from typing import Any

from lxml import etree

from .._errors import BadPackage
from ..package._descriptor import DiskEntry, FileEntry, envelope, ovf, read_descriptor
from ..package._manifest import parse_line
from ..package._vmdk import StreamChecker, StreamFault
from ._finding import CheckedDisk, Finding, Level, Report
from ._source import Ova, Source, opened

MOST_TEXT = 64 << 20
"""Bytes of a descriptor or manifest that are read at all."""
STREAM_OPTIMIZED = re.compile(r"vmdk\.html#streamOptimized", re.IGNORECASE)
DIRTY = re.compile(r"(SHA-?\d+(?:-\d+)?)\s*\((.+)\)\s*=\s*([0-9a-fA-F]+)", re.IGNORECASE)
"""A line that means to be a digest, whatever vCenter makes of its spelling (5.8)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the look has come: so many bytes of a file whose size is known."""

    name: str
    done: int
    total: int


def verify_package(path: Path, *, on_seen: Callable[[Seen], None] = lambda seen: None) -> Report:
    """Look at the package at `path`, a directory, a descriptor or an OVA; raise BadPackage where there is none.

    Checked are the descriptor, names, sizes, the manifest and its spelling, the order of an OVA, and the disk streams
    themselves, grain by grain. Nothing is written. Memory: some MiB, whatever the size.
    """
    with opened(path) as source:
        look = _Look(source, on_seen)
        look.all()
        return Report(str(path), source.descriptor, look.files, look.bytes, tuple(look.disks), tuple(look.findings))


class _Look:
    def __init__(self, source: Source, on_seen: Callable[[Seen], None]) -> None:
        self._source, self._on_seen = source, on_seen
        self.findings: list[Finding] = []
        self.disks: list[CheckedDisk] = []
        self.files = self.bytes = 0
        self._listed: dict[str, tuple[str, str]] = {}

    def all(self) -> None:
        source = self._source
        if isinstance(source, Ova):
            self._tar(source)
        text = self._text(source.descriptor)
        self._manifest(str(PurePosixPath(source.descriptor).with_suffix(".mf")))
        self._digest(source.descriptor, text)
        if text is None:
            return
        try:
            root = envelope(text)
            contents = read_descriptor(text)
        except BadPackage as error:
            self._say("error", "descriptor", source.descriptor, str(error))
            return
        disks = {disk.file_ref: disk for disk in contents.disks if disk.file_ref is not None}
        self._references(contents.files, contents.disks)
        for file, node in zip(contents.files, root.iterfind(f"{ovf('References')}/{ovf('File')}"), strict=True):
            self._file(file, node, disks.get(file.id), _format_of(root, disks.get(file.id)))
        self._extra({file.href for file in contents.files})
        if source.order:
            self._order([file.href for file in contents.files])

    # -- what stands around the files ------------------------------------------------------------------------------

    def _tar(self, ova: Ova) -> None:
        for name in ova.strange:
            self._say("error", "member", name, "is no plain file, which is all that an OVA may hold")
        if ova.cut is not None:
            self._say("error", "truncated", ova.order[-1], f"is the last that can be found in the OVA: {ova.cut}")
        for name in ova.twice:
            self._say("error", "member", name, "is in the OVA twice; readers take one or the other")

    def _order(self, hrefs: list[str]) -> None:
        order = self._source.order
        if order[0] != self._source.descriptor:
            self._say("error", "order", order[0], f"comes first in the OVA, expected {self._source.descriptor}")
        present = [name for name in order if name in set(hrefs)]
        if present != [href for href in hrefs if href in set(present)]:
            self._say("error", "order", self._source.descriptor, "lists the files in another order than the OVA has")

    def _extra(self, hrefs: set[str]) -> None:
        stem = PurePosixPath(self._source.descriptor)
        known = {*hrefs, str(stem), str(stem.with_suffix(".mf")), str(stem.with_suffix(".cert"))}
        for name in (*self._source.order, *self._listed):
            if name not in known:
                known.add(name)
                self._say("warning", "unreferenced", name, "is in the package, but the descriptor does not name it")

    def _references(self, files: tuple[FileEntry, ...], disks: tuple[DiskEntry, ...]) -> None:
        descriptor = self._source.descriptor
        for what, names in (
            ("file id", [file.id for file in files]),
            ("file", [file.href for file in files]),
            ("disk id", [disk.id for disk in disks]),
        ):
            for name in {name for name in names if names.count(name) > 1}:
                self._say("error", "descriptor", descriptor, f"names the {what} {name[:120]!r} twice")
        ids = {file.id for file in files}
        for disk in disks:
            if disk.file_ref is not None and disk.file_ref not in ids:
                self._say("error", "descriptor", descriptor, f"disk {disk.id} is in file {disk.file_ref!r}, unlisted")

    # -- the manifest ----------------------------------------------------------------------------------------------

    def _manifest(self, name: str) -> None:
        if self._source.size(name) is None:
            self._say("warning", "manifest", name, "is missing: nobody can tell whether the files are as they were")
            return
        text = self._text(name)
        for number, line in enumerate((text or b"").decode("utf-8", "replace").splitlines(), 1):
            if not line.strip():
                continue
            entry = parse_line(line.rstrip())
            if entry is None:
                self._say(
                    "error", "manifest spelling", name, f"line {number} is {line[:80]!r}, which vCenter 8 refuses"
                )
                meant = DIRTY.fullmatch(line.strip())
                if meant is None:
                    continue
                algorithm = meant[1].upper().replace("SHA2-", "SHA").replace("-", "")
                self._listed.setdefault(meant[2], (algorithm, meant[3].lower()))
                continue
            if entry.name in self._listed:
                self._say("error", "manifest", name, f"line {number} names {entry.name!r} again")
            self._listed[entry.name] = (entry.algorithm, entry.digest)
        for listed in self._listed:
            if not _plain(listed):
                self._say("error", "name", name, f"names {listed[:120]!r}, which leads out of the package")
            elif self._source.size(listed) is None:
                self._say("error", "manifest", listed[:200], "is in the manifest, but not in the package")

    def _digest(self, name: str, content: bytes | None) -> None:
        algorithm, _ = self._listed.get(name, ("", ""))
        hasher = _hasher(algorithm)
        if hasher is not None and content is not None:
            hasher.update(content)
        self._compare(name, hasher)

    def _compare(self, name: str, hasher: Any) -> None:
        if not self._listed:
            return
        if name not in self._listed:
            self._say("warning", "manifest", name, "is not in the manifest")
            return
        algorithm, wanted = self._listed[name]
        if hasher is None:
            self._say("error", "manifest", name, f"has a digest by {algorithm[:20]!r}, which nobody here knows")
        elif hasher.hexdigest() != wanted:
            self._say(
                "error", "digest", name, f"has {algorithm} {hasher.hexdigest()}, the manifest says {wanted[:128]}"
            )

    # -- one file --------------------------------------------------------------------------------------------------

    def _file(self, file: FileEntry, node: etree._Element, disk: DiskEntry | None, format: str | None) -> None:
        href = file.href
        if not _plain(href):
            self._say("error", "name", self._source.descriptor, f"names {href[:120]!r}, which leads out of the package")
            return
        if node.get(ovf("chunkSize")) not in (None, "", "0"):
            self._say("note", "chunks", href, "is in pieces (ovf:chunkSize), which are not looked at")
            return
        size = self._source.size(href)
        if size is None:
            self._say("error", "missing", href, "is named by the descriptor, but not in the package")
            return
        if file.size is not None and file.size != size:
            self._say("error", "size", href, f"has {size} bytes, the descriptor says {file.size}")
        packed = node.get(ovf("compression")) or "identity"
        if packed not in ("identity", "gzip"):
            self._say("note", "compression", href, f"is packed by {packed[:40]!r}, and its content not looked at")
        checker = self._checker(href, disk, format) if packed in ("identity", "gzip") else None
        self._read(href, size, checker, disk, packed == "gzip")

    def _checker(self, href: str, disk: DiskEntry | None, format: str | None) -> StreamChecker | None:
        if disk is None:
            return None
        if format is not None and STREAM_OPTIMIZED.search(format) is None:
            self._say("note", "format", href, f"is a disk of format {format[:120]!r}, which is not looked at")
            return None
        return StreamChecker(inflate=True)

    def _read(self, href: str, size: int, checker: StreamChecker | None, disk: DiskEntry | None, packed: bool) -> None:
        hasher = _hasher(self._listed.get(href, ("", ""))[0])
        done, sound = 0, checker is not None
        unpack = _gunzip() if packed else None
        for piece in self._source.pieces(href):
            done += len(piece)
            if hasher is not None:
                hasher.update(piece)
            if sound and checker is not None:
                sound = self._feed(href, checker, piece, unpack)
            self._on_seen(Seen(href, done, size))
        self.files += 1
        self.bytes += done
        if done != size:
            self._say("error", "truncated", href, f"ends after {done} of {size} bytes")
        self._compare(href, hasher)
        if sound and checker is not None:
            self._close(href, checker, disk)

    def _feed(self, href: str, checker: StreamChecker, piece: bytes, unpack: Any) -> bool:
        try:
            for plain in (piece,) if unpack is None else unpack(piece):
                checker.feed(plain)
        except (StreamFault, zlib.error) as fault:
            rule = f"disk {fault.rule.value}" if isinstance(fault, StreamFault) else "disk gzip"
            self._say("error", rule, href, str(fault))
            return False
        return True

    def _close(self, href: str, checker: StreamChecker, disk: DiskEntry | None) -> None:
        try:
            summary = checker.close()
        except StreamFault as fault:
            self._say("error", f"disk {fault.rule.value}", href, str(fault))
            return
        assert summary.digest is not None
        if disk is not None and disk.capacity != summary.capacity:
            self._say(
                "error", "capacity", href, f"is a disk of {summary.capacity} bytes, the descriptor says {disk.capacity}"
            )
        digest = summary.digest
        self.disks.append(CheckedDisk(href, summary.capacity, digest.data_bytes, digest.grains, digest.hexdigest))

    # -- small things ----------------------------------------------------------------------------------------------

    def _text(self, name: str) -> bytes | None:
        size = self._source.size(name) or 0
        if size > MOST_TEXT:
            self._say("error", "size", name, f"has {size} bytes, which is no descriptor and no manifest")
            return None
        self.files += 1
        self.bytes += size
        return b"".join(self._source.pieces(name))

    def _say(self, level: Level, rule: str, file: str, message: str) -> None:
        self.findings.append(Finding(level, rule, file, message))


def _plain(href: str) -> bool:
    """Tell whether a name stays inside the package: relative, no way up, no drive, no scheme."""
    parts = href.split("/")
    return bool(href) and not re.search(r"[\\:\0-\x1f]", href) and all(part not in ("", ".", "..") for part in parts)


def _hasher(algorithm: str) -> Any:
    return new_hash(algorithm) if algorithm in ("SHA1", "SHA256", "SHA512") else None


def _format_of(root: etree._Element, disk: DiskEntry | None) -> str | None:
    if disk is None:
        return None
    for node in root.iterfind(f"{ovf('DiskSection')}/{ovf('Disk')}"):
        if node.get(ovf("diskId")) == disk.id:
            return node.get(ovf("format"))
    return None


def _gunzip() -> Callable[[bytes], Iterator[bytes]]:
    """Return what unpacks a gzip stream piece by piece, in pieces of a bounded size."""
    inflater = zlib.decompressobj(31)

    def unpack(piece: bytes) -> Iterator[bytes]:
        while piece:
            yield inflater.decompress(piece, 1 << 20)
            piece = inflater.unconsumed_tail

    return unpack

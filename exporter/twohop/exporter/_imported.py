"""The package that is imported: what is in it, and each of its files read along while it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import new as new_hash
from pathlib import PurePosixPath

from ._errors import BadPackage
from .engine._import import ImportItem
from .package._descriptor import FileEntry, envelope, ovf, read_descriptor
from .package._manifest import parse_manifest
from .package._vmdk import StreamChecker, StreamFault
from .verify._source import Source

MOST_TEXT = 16 << 20
"""Bytes of a descriptor or a manifest that are read at all."""


class Package:
    """The package as it lies there: its descriptor, its files, what its manifest lists (algorithm and hex)."""

    def __init__(self, source: Source) -> None:
        self.source = source
        text = self._text(source.descriptor)
        root = envelope(text)
        self.text = text.decode("utf-8")
        self.files: dict[str, FileEntry] = {}
        for file in read_descriptor(text).files:
            self.files[_safe(file.href)] = file
        top = next((row for row in root if row.tag in (ovf("VirtualSystem"), ovf("VirtualSystemCollection"))), None)
        if top is None:
            raise BadPackage(f"{source.descriptor} describes no machine and no vApp", whose="you")
        self.name = str(top.findtext(ovf("Name")) or top.get(ovf("id")) or "imported")
        manifest = str(PurePosixPath(source.descriptor).with_suffix(".mf"))
        rows = parse_manifest(self._text(manifest)) if source.size(manifest) is not None else ()
        self.listed = {row.name: (row.algorithm, row.digest) for row in rows}
        own = self.listed.get(source.descriptor)
        if own is not None and new_hash(own[0], text).hexdigest() != own[1]:
            raise BadPackage(
                f"{source.descriptor} is not as the manifest says ({own[0]}); nothing was imported, get it again",
                whose="you",
            )

    def item(self, key: str, path: str, disk: bool) -> ImportItem:
        """Return a file that the server wants; only the descriptor says which there are."""
        if path not in self.files:
            raise BadPackage(f"the server wants a file {path[:120]!r}, which the descriptor does not name")
        size, said = self.source.size(path), self.files[path].size
        if size is None:
            raise BadPackage(f"the package lacks {path[:120]!r}, which its descriptor names", whose="you")
        if said is not None and said != size:
            raise BadPackage(f"{path[:120]!r} has {size} bytes, the descriptor says {said}", whose="you")
        return ImportItem(key, path, size, disk)

    def _text(self, name: str) -> bytes:
        size = self.source.size(name) or 0
        if size > MOST_TEXT:
            raise BadPackage(f"{name[:120]!r} has {size} bytes, at most {MOST_TEXT} are read", whose="you")
        return b"".join(self.source.pieces(name))


def _safe(href: str) -> str:
    """Return the name of a file of the package; what leads out of it is refused, or a stranger could have it sent."""
    parts = href.split("/")
    if not href or href.startswith("/") or "\\" in href or ":" in parts[0] or any(p in ("", ".", "..") for p in parts):
        raise BadPackage(f"the descriptor names a file {href[:120]!r}, which is not within the package", whose="you")
    return href


class ReadAlong:
    """Reads along while a file is sent: its length, its digests, and for a disk its stream, grain by grain."""

    def __init__(self, item: ImportItem, algorithms: tuple[str, ...]) -> None:
        self._item = item
        self._checker = StreamChecker(inflate=True) if item.disk else None
        self._digests = {name: new_hash(name) for name in algorithms}
        self._size = 0
        self._tail = b""

    def watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Give the pieces on; BadPackage, before the last of them is out, where the file is not what it should be."""
        last = b""
        for piece in pieces:
            if last:
                yield last
            self._take(piece)
            last = piece
        name = self._item.name[:120]
        if self._size != self._item.size:
            raise BadPackage(f"{name!r} ends after {self._size} bytes of {self._item.size}", whose="you")
        if self._checker is not None:
            try:
                self._checker.close()
            except StreamFault as fault:
                raise self._no_disk(fault) from fault
        if last:
            yield last

    @property
    def bare(self) -> bool:
        """Whether nothing stands behind the end-of-stream marker."""
        return self._checker is None or bool(self._tail[:512].strip(b"\0"))

    def digests(self) -> dict[str, str]:
        """Return the digests in hex, by algorithm."""
        return {name: made.hexdigest() for name, made in self._digests.items()}

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        self._tail = (self._tail + piece)[-1024:]
        for made in self._digests.values():
            made.update(piece)
        if self._checker is not None:
            try:
                self._checker.feed(piece)
            except StreamFault as fault:
                raise self._no_disk(fault) from fault

    def _no_disk(self, fault: StreamFault) -> BadPackage:
        return BadPackage(f"{self._item.name[:120]!r} is no whole disk: {fault}; the import was given up", whose="you")

"""Read a disk stream as it arrives and say whether it is whole and well-formed (7.2, 7.6).

An HTTP answer of 200 with a proper end can still carry half a disk (7.6), so the stream itself has to be read. What
is read is 16 bytes of each grain, and the tables; the grains' data is passed over uncopied, unless `inflate` asks for
their content. The most that a stream can make the reader hold is one grain and a few bytes for each grain table.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twohop.exporter.package._vmdk_digest import GrainDigest, GrainDigester
from twohop.exporter.package._vmdk_header import SECTOR, repeated, stream_header
from twohop.exporter.package._vmdk_order import ORDER, Mark, Place, Rule, StreamFault
from twohop.exporter.package._vmdk_tables import GT_BYTES, TableLedger, words

_inflater: Any
try:
    from isal import isal_zlib as _inflater  # half of zlib's price
except ImportError:
    _inflater = zlib

__all__ = ["GrainDigest", "Rule", "StreamChecker", "StreamFault", "StreamSummary", "grain_digest"]

_MARKER = struct.Struct("<QII")
_LEAST_DEFLATED = 8  # an empty zlib stream
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """Describe a whole stream: `capacity` of the disk and `length` of the stream in bytes.

    `grains` counts what the stream carried, of the stream's own grain size; `digest` is there if they were inflated.
    """

    capacity: int
    length: int
    grains: int
    digest: GrainDigest | None


class StreamChecker:
    """Check a streamOptimized disk piece by piece, as it arrives, in pieces of any size.

    `feed` every byte in order, then `close`. Both raise StreamFault for the first rule broken, and again each time
    they are called after that. With `inflate` every grain is inflated as well and `close` gives the digest of the
    content. Source: 7.2, 7.6.
    """

    def __init__(self, *, inflate: bool = False) -> None:
        """Wait for the first byte of a stream."""
        self._inflate = inflate
        self._fault: StreamFault | None = None
        self._summary: StreamSummary | None = None
        self._base = 0  # bytes of the stream before the piece in hand
        self._skip = 0  # bytes to pass over
        self._held = bytearray()  # an object that is still incomplete
        self._need = 4  # its whole length
        self._then: Callable[[bytes, int], None] = self._on_magic
        self._place = Place.GRAINS
        self._last = -1  # LBA of the last grain
        self._ledger = TableLedger()
        self._gd_sector = 0
        self._padded = False  # tables in front: zeros may follow the last grain
        self._digester: GrainDigester | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the stream; raise StreamFault if they break a rule."""
        if self._fault is not None:
            raise self._fault
        try:
            self._take(data)
        except StreamFault as fault:
            self._fault = fault
            raise

    def close(self) -> StreamSummary:
        """Declare that no byte will follow; raise StreamFault if the stream is not whole."""
        if self._fault is None:
            self._fault = self._incomplete()
        if self._fault is not None:
            raise self._fault
        if self._summary is None:
            digest = self._digester.close() if self._digester else None
            self._summary = StreamSummary(self._header.capacity * SECTOR, self._base, self._ledger.grains, digest)
        return self._summary

    # -- bytes -----------------------------------------------------------------------------------------------------

    def _take(self, data: bytes | bytearray | memoryview) -> None:
        at, end = 0, len(data)
        while True:
            if self._skip:
                if self._skip >= end - at:
                    self._skip -= end - at
                    break
                at += self._skip
                self._skip = 0
            if self._then == self._on_marker and not self._held and not self._inflate:
                at = self._pass_grains(data, at, end)
                if self._skip:
                    break
            if at >= end:
                break
            if self._place is Place.ENDED:
                self._after_end(bytes(data[at:]), self._base + at)
                break
            piece = data[at : at + self._need - len(self._held)]
            self._held += piece
            at += len(piece)
            if len(self._held) == self._need:
                whole = bytes(self._held)
                self._held.clear()
                self._then(whole, self._base + at - len(whole))
        self._base += end

    def _pass_grains(self, data: bytes | bytearray | memoryview, at: int, end: int) -> int:
        """Go over grains that begin in `data`; stop at the first other marker, or one that may be wrong."""
        if (self._place, Mark.GRAIN) not in ORDER:
            return at
        unpack = _MARKER.unpack_from
        base, last, grain, beyond = self._base, self._last, self._header.grain, self._header.capacity
        most = self._most_deflated
        count = total = 0
        while at + 16 <= end:
            lba, size, _ = unpack(data, at)
            if not (last < lba < beyond and _LEAST_DEFLATED <= size <= most) or lba % grain:
                break
            last = lba
            count += 1
            total += (lba // grain + 1) * (base + at >> 9)
            at += (size + 523) & -512
        self._last = last
        self._ledger.grains += count
        self._ledger.grain_sum += total
        if at > end:
            self._skip = at - end
            return end
        return at

    def _expect(self, need: int, then: Callable[[bytes, int], None], skip: int = 0) -> None:
        self._skip, self._need, self._then = skip, need, then

    # -- what stands before the grains -----------------------------------------------------------------------------

    def _on_magic(self, blob: bytes, offset: int) -> None:
        # Told apart at once, because what comes instead is often a short error page.
        if blob != b"KDMV":
            raise StreamFault(Rule.MAGIC, 0, "the magic KDMV", repr(blob))
        self._expect(SECTOR - 4, self._on_header)

    def _on_header(self, blob: bytes, offset: int) -> None:
        header = self._header = stream_header(b"KDMV" + blob)
        self._most_deflated = 2 * header.grain * SECTOR
        self._place = header.place
        if self._inflate:
            self._digester = GrainDigester(header.capacity * SECTOR)
        if header.place is Place.LISTED:
            self._padded = True
            self._expect(header.gd_bytes, self._on_listed_directory, (header.gd_sector - 1) * SECTOR)
        else:
            self._expect(16, self._on_marker, (header.overhead - 1) * SECTOR)

    def _on_listed_directory(self, blob: bytes, offset: int) -> None:
        self._listed: Iterator[tuple[int, int]] = ((n, sector) for n, sector in enumerate(words(blob)) if sector)
        self._next_listed_table(offset + len(blob))

    def _next_listed_table(self, here: int) -> None:
        self._index, sector = next(self._listed, (0, 0))
        if not sector:
            self._expect(16, self._on_marker, self._header.overhead * SECTOR - here)
        elif here <= sector * SECTOR <= self._header.overhead * SECTOR - GT_BYTES:
            self._expect(GT_BYTES, self._on_listed_table, sector * SECTOR - here)
        else:
            raise StreamFault(Rule.TABLE, here, "grain tables in rising order before the grains", f"sector {sector}")

    def _on_listed_table(self, blob: bytes, offset: int) -> None:
        self._ledger.add_table(blob, self._index)
        self._next_listed_table(offset + len(blob))

    # -- grains and what follows them ------------------------------------------------------------------------------

    def _on_marker(self, blob: bytes, offset: int) -> None:
        value, size, kind = _MARKER.unpack(blob)
        if size:
            mark = Mark.GRAIN
        elif kind in (0, 1, 2, 3):
            mark = Mark(kind)
        else:
            raise StreamFault(Rule.ORDER, offset, "a grain or a marker of type 0 to 3", f"type {kind}")
        place = ORDER.get((self._place, mark))
        if place is None:
            raise StreamFault(Rule.ORDER, offset, f"what may come {self._place.value}", f"a marker of {mark.name}")
        self._place = place
        if mark is Mark.GRAIN:
            self._on_grain(value, size, blob[12:], offset)
        elif mark is Mark.GT:
            self._expect_sectors(mark, value, GT_BYTES, self._on_table, offset)
        elif mark is Mark.GD:
            self._expect_sectors(mark, value, self._header.gd_bytes, self._on_directory, offset)
        elif mark is Mark.FOOTER:
            self._expect_sectors(mark, value, SECTOR, self._on_footer, offset)
        else:
            if fault := self._unbalanced(offset):
                raise fault
            self._skip = SECTOR - 16

    def _expect_sectors(
        self, mark: Mark, count: int, least: int, then: Callable[[bytes, int], None], offset: int
    ) -> None:
        right = -(-least // SECTOR)
        if count != right:
            raise StreamFault(Rule.ORDER, offset, f"a {mark.name} of {right} sectors", f"one of {count}")
        self._expect(count * SECTOR, then, SECTOR - 16)

    def _on_grain(self, lba: int, size: int, begun: bytes, offset: int) -> None:
        if not self._last < lba < self._header.capacity or lba % self._header.grain:
            expected = f"a grain in ({self._last}, {self._header.capacity}), a multiple of {self._header.grain}"
            raise StreamFault(Rule.GRAIN, offset, expected, f"one at sector {lba}")
        if not _LEAST_DEFLATED <= size <= self._most_deflated:
            expected = f"{_LEAST_DEFLATED} to {self._most_deflated} deflated bytes"
            raise StreamFault(Rule.GRAIN, offset, expected, f"{size} bytes")
        self._last = lba
        self._ledger.grains += 1
        self._ledger.grain_sum += (lba // self._header.grain + 1) * (offset // SECTOR)
        if self._inflate:
            self._begun = begun
            self._expect(size - 4, self._on_deflated)
        else:
            self._expect(16, self._on_marker, -(-(12 + size) // SECTOR) * SECTOR - 16)

    def _on_deflated(self, blob: bytes, offset: int) -> None:
        assert self._digester is not None
        whole, start = self._header.grain * SECTOR, self._last * SECTOR
        inflater = _inflater.decompressobj()
        try:
            content = inflater.decompress(self._begun + blob, whole + 1)
        except (zlib.error, _inflater.error) as err:
            raise StreamFault(Rule.DEFLATE, offset - 16, f"a deflated grain {self._last}", str(err)) from err
        # The last grain may stop where the disk does: qemu-img writes it so.
        least = min(whole, self._header.capacity * SECTOR - start)
        if not inflater.eof or not least <= len(content) <= whole:
            came = f"{len(content)} bytes" + ("" if inflater.eof else " and no end")
            raise StreamFault(Rule.DEFLATE, offset - 16, f"a grain of {whole} bytes", came)
        self._digester.add(start, content)
        self._expect(16, self._on_marker, -(offset + len(blob)) % SECTOR)

    def _on_table(self, blob: bytes, offset: int) -> None:
        if 4 * len(self._ledger.tables) >= self._header.gd_bytes:
            raise StreamFault(Rule.TABLE, offset, f"at most {self._header.gd_bytes // 4} grain tables", "one more")
        self._ledger.add_table_before_directory(blob, offset // SECTOR)
        self._expect(16, self._on_marker)

    def _on_directory(self, blob: bytes, offset: int) -> None:
        self._gd_sector = offset // SECTOR
        if not self._ledger.add_directory(words(blob[: self._header.gd_bytes])):
            expected = f"a directory of the {len(self._ledger.tables)} grain tables that came, in their order"
            raise StreamFault(Rule.TABLE, offset, expected, "other places")
        if fault := self._unbalanced(offset):
            raise fault
        if self._place is Place.PATCHED_DIRECTORY and self._header.gd_sector != self._gd_sector:
            expected = f"the directory at sector {self._header.gd_sector}, where the header has it"
            raise StreamFault(Rule.TABLE, offset, expected, f"sector {self._gd_sector}")
        self._expect(16, self._on_marker)

    def _on_footer(self, blob: bytes, offset: int) -> None:
        if not repeated(blob, self._header, self._gd_sector):
            expected = f"the header again, with the directory at sector {self._gd_sector}"
            raise StreamFault(Rule.FOOTER, offset, expected, "another disk's header or another place")
        self._expect(16, self._on_marker)

    def _after_end(self, rest: bytes, offset: int) -> None:
        alien = len(rest) - len(rest.lstrip(b"\0"))
        if not self._padded or alien < len(rest):
            where = offset + (alien if self._padded else 0)
            raise StreamFault(Rule.TRAILING, where, "nothing behind the end of the stream", "more bytes")

    # -- the end ---------------------------------------------------------------------------------------------------

    def _unbalanced(self, offset: int) -> StreamFault | None:
        if self._ledger.balanced():
            return None
        expected = f"grain tables that name the {self._ledger.grains} grains that came"
        return StreamFault(Rule.TABLE, offset, expected, f"{self._ledger.entries} entries, or other places")

    def _incomplete(self) -> StreamFault | None:
        """Say what is missing if the stream ends here."""
        if self._place is Place.ENDED and (self._padded or not self._skip):
            return None
        if self._place is not Place.LISTED:
            expected, came = "the footer and the end-of-stream marker", "the end of the bytes"
            return StreamFault(Rule.TRUNCATED, self._base, expected, came)
        between = self._then == self._on_marker and not self._held and not self._skip
        if not between or self._ledger.grains < self._ledger.entries:
            expected = f"the {self._ledger.entries} grains that the tables name"
            came = f"the end of the bytes after {self._ledger.grains}"
            return StreamFault(Rule.TRUNCATED, self._base, expected, came)
        return self._unbalanced(self._base)


def grain_digest(path: str | Path) -> GrainDigest:
    """Digest the content of the streamOptimized disk in the file `path`.

    Equal for two exports of one disk, whose bytes differ (7.5). Raises StreamFault if the file is not a whole stream,
    OSError if it cannot be read. Memory: a piece of 1 MiB and the grain directory.
    """
    checker = StreamChecker(inflate=True)
    with Path(path).open("rb") as file:
        while piece := file.read(_READ):
            checker.feed(piece)
    digest = checker.close().digest
    assert digest is not None
    return digest

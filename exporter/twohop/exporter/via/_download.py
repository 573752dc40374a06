"""From a download's link to a package on disk: the descriptor as it was served, and every file it names (3.7, 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote, urlsplit

from lxml import etree

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from .._cancellation import Cancellation
from .._errors import BadPackage, ShortStream
from .._events import BytesMoved, Events, FileDone, FileStarted
from .._placing import Placing
from .._xml import parse
from ..engine import PulledFile
from ..package import FileEntry, read_descriptor, safe_name
from ..transfer import fetch
from ..vsphere import DeviceFile
from ._client import Gone
from ._wire import Trust, Wire, origin

CELL_HOP = 2


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor as it was served, where from, and the header that was needed to get it."""

    url: str
    xml: bytes
    headers: Mapping[str, str]


def fetch_descriptor(
    url: str, trust: Trust, token: Mapping[str, str], own: str, observer: Observer | None
) -> Descriptor:
    """GET a descriptor; its URL is all it takes, but where the cell `own` asks who we are, it is told (3.10)."""
    base, _ = origin(url)
    # Another host than the API's has a certificate of its own, which a pin does not speak of (6.3).
    trust = trust if base == own else replace(trust, thumbprint=None)
    target = urlsplit(url).path
    with Wire(url, trust, observer) as wire:
        headers: dict[str, str] = {}
        answer = wire.request("GET", target, {"Accept": "*/*", "Accept-Encoding": "identity"})
        if answer.status == 401 and base == own:
            headers = dict(token)
            answer = wire.request("GET", target, {"Accept": "*/*", "Accept-Encoding": "identity", **headers})
    if answer.status != 200:
        raise Gone(
            f"{wire.host} answered {answer.status} to GET of the descriptor, expected 200: the download has expired, or"
            " its files are gone from the transfer share; export again"
        )
    length = answer.headers.get("content-length")
    if length is not None and length.isdigit() and int(length) != len(answer.body):
        raise ShortStream(f"{wire.host} sent {len(answer.body)} bytes of a descriptor of {length}", whose="cell")
    return Descriptor(url, answer.body, headers)


class Download:
    """The files of one package, fetched from a cell into `placing`."""

    def __init__(
        self,
        descriptor: Descriptor,
        placing: Placing,
        trust: Trust,
        own: str,
        *,
        clock: Clock | None,
        events: Events,
        cancelled: Cancellation,
        observer: Observer | None,
    ) -> None:
        self._descriptor, self._placing = descriptor, placing
        self._trust = trust if origin(descriptor.url)[0] == own else replace(trust, thumbprint=None)
        self._clock, self._events, self._cancelled, self._observer = clock, events, cancelled, observer

    def run(self) -> tuple[PulledFile, ...]:
        """Fetch every file that the descriptor names, each checked for its size and, if a disk, as a stream."""
        _refuse_pieces(self._descriptor.xml)
        contents = read_descriptor(self._descriptor.xml)
        disks = {disk.file_ref for disk in contents.disks}
        for file in contents.files:
            _refuse_name(file)
        return tuple(self._fetch(file, file.id in disks) for file in contents.files)

    def _fetch(self, file: FileEntry, disk: bool) -> PulledFile:
        url = f"{self._descriptor.url.rpartition('/')[0]}/{quote(file.href)}"
        place = self._placing.claim(file.href, file.id)
        if place.name != file.href:
            raise BadPackage(
                f"the descriptor names {file.href!r} twice, in one case of letters or another", whose="cell"
            )
        host = origin(url)[1]
        self._events(FileStarted(file.id, place.name, host, file.size, CELL_HOP))
        entry = DeviceFile(file.id, url, disk=disk, file_size=file.size, thumbprint=self._trust.thumbprint)
        got = fetch(
            entry, place.path, observer=self._observer, clock=self._clock, on_bytes=self._moved(file, place.name),
            cancelled=self._cancelled, ca_file=self._trust.ca_file, insecure=self._trust.insecure,
            headers=self._descriptor.headers, whose="cell",
        )  # fmt: skip
        if file.size is not None and got.size != file.size:
            raise ShortStream(
                f"{host} sent {got.size} bytes for {file.href}, the descriptor says {file.size}; nothing was kept,"
                " export again", whose="cell",
            )  # fmt: skip
        self._events(FileDone(file.id, place.name, got.size, got.sha256, host, got.seconds, CELL_HOP))
        return PulledFile(file.id, place.name, got.size, got.sha256, disk, host, got.seconds, place.path, got.writing)

    def _moved(self, file: FileEntry, name: str) -> Callable[[int], None]:
        return lambda done: self._events(BytesMoved(file.id, name, done, file.size, CELL_HOP))


def digest(data: bytes) -> str:
    """Return the SHA-256 of a small file, in hex."""
    return sha256(data).hexdigest()


def _refuse_name(file: FileEntry) -> None:
    # The descriptor is kept as it came, so a file can only have the name that it has there.
    if not file.href or safe_name(file.href, "") != file.href:
        raise BadPackage(
            f"the cell's descriptor names a file {file.href[:120]!r}, which is no plain file name; nothing was fetched",
            whose="cell",
        )


def _refuse_pieces(xml: bytes) -> None:
    try:
        root = parse(xml)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadPackage(f"the cell's descriptor cannot be read: {error}", whose="cell") from None
    ovf = "{http://schemas.dmtf.org/ovf/envelope/1}"
    for file in root.iterfind(f"{ovf}References/{ovf}File"):
        for attribute in ("chunkSize", "compression"):
            if file.get(f"{ovf}{attribute}") not in (None, "", "0", "identity"):
                raise BadPackage(
                    f"the cell's descriptor gives a file with ovf:{attribute}, which twohop does not read", whose="cell"
                )

"""URL: the device URLs of a lease, each by itself (vsphere 4.3 to 4.11)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

from twohop.contracts.history import DeviceUrl, DiskFetched, History, LeaseRecord, LeaseSeen

from ._clause import Case, Clause, broken, kept

_CONTROLLED = re.compile(r"/(?P<entity>[^/]+)/(?P<place>[A-Z]\w*Controller\d+:\d+)")
_OTHER = re.compile(r"/(?P<entity>[^/]+)/[^/]+")
_URL = re.compile(r"https://(?:\*(?::\d+)?/ha-nfc|[^/*@]+/(?:ha-)?nfc)/(?P<ticket>ticket:(?:\d+|\?))/(?P<file>[^/?#]+)")
"""A ticket that is a UUID stands in a history by its name; what is no UUID stands there as it came (4.5)."""
_PRINT = re.compile(r"(?:[0-9A-F]{2}:){19}[0-9A-F]{2}|(?:[0-9A-F]{2}:){31}[0-9A-F]{2}")
_DISK_NAME = re.compile(r"disk-(\d+)\.vmdk")

Flaw = Callable[[DeviceUrl], str | None]


def shown(history: History) -> Iterator[tuple[LeaseRecord, LeaseSeen]]:
    """Yield each read that showed a whole info with device URLs."""
    for record in history.leases:
        for seen in record.seen:
            if seen.info is not None and seen.info.whole and seen.info.devices:
                yield record, seen


def file_of(device: DeviceUrl) -> str:
    """Return the last part of a device URL."""
    return unquote(urlsplit(device.url).path.rpartition("/")[2])


def _each(flaw: Flaw) -> Callable[[History], Iterator[Case]]:
    def cases(history: History) -> Iterator[Case]:
        for record, seen in shown(history):
            assert seen.info is not None
            for device in seen.info.devices:
                wrong = flaw(device)
                told = f"{record.name} shows {device.key} in exchange {seen.id}"
                yield broken(told, wrong, by=(seen.id,)) if wrong else kept(told, by=(seen.id,))

    return cases


def _thumbprint(history: History) -> Iterator[Case]:
    for record in history.leases:
        for fetch in record.fetches:
            device = record.device_of(fetch)
            if device is None or fetch.thumbprint is None or not device.thumbprint or not _same_host(fetch, device):
                continue
            told = f"the lease names {device.thumbprint} for {device.url};"
            answer = f"{fetch.server} showed {fetch.thumbprint} in exchange {fetch.id}"
            same = fetch.thumbprint.upper() == device.thumbprint.upper()
            # A longer one is of another digest, which nobody has seen yet (4.7).
            if same or len(fetch.thumbprint) == len(device.thumbprint):
                yield (kept if same else broken)(told, answer, by=(fetch.id,))


def _same_host(fetch: DiskFetched, device: DeviceUrl) -> bool:
    parts = urlsplit(device.url)
    if parts.hostname == "*":
        return True
    return (parts.hostname, parts.port or 443) == (fetch.exchange.conn.host, fetch.exchange.conn.port)


def _keys(history: History) -> Iterator[Case]:
    for record, seen in shown(history):
        assert seen.info is not None
        keys = [device.key for device in seen.info.devices]
        told = f"{record.name} has the keys {', '.join(keys)} in exchange {seen.id}"
        wrong = next((flaw for device in seen.info.devices if (flaw := _key(device, seen.info.entity))), None)
        if len(set(keys)) < len(keys):
            wrong = "one of them twice"
        yield broken(told, wrong, by=(seen.id,)) if wrong else kept(told, by=(seen.id,))


def _key(device: DeviceUrl, entity: str | None) -> str | None:
    form = (_CONTROLLED if device.disk else _OTHER).fullmatch(device.key)
    if form is None:
        return f"{device.key} is no /<machine>/<controller><bus>:<unit>"
    # Of a vApp or a snapshot the keys name machines, of which the lease says nothing.
    machine = (entity or "").startswith("vm-") or (entity or "").isdigit()
    return f"{device.key} does not begin with {entity}" if machine and form["entity"] != entity else None


def _stable(history: History) -> Iterator[Case]:
    first: dict[tuple[str, str], LeaseSeen] = {}
    for record, seen in shown(history):
        before = first.setdefault((record.server, record.lease), seen)
        if before is seen or before.info is None or seen.info is None:
            continue
        told = f"{record.name} showed its device URLs in exchanges {before.id} and {seen.id};"
        was, now = ({(d.key, d.url) for d in info.devices} for info in (before.info, seen.info))
        if was == now:
            yield kept(told, "they are the same", by=(before.id, seen.id))
        else:
            yield broken(told, f"only in one are {sorted(was ^ now)}", by=(before.id, seen.id))


def _form(device: DeviceUrl) -> str | None:
    return None if _URL.fullmatch(device.url) else f"{device.url} is no https://<host>/nfc/<uuid>/<file>"


def _print_form(device: DeviceUrl) -> str | None:
    if device.thumbprint is None:
        return "its sslThumbprint is missing, which is mandatory"
    good = not device.thumbprint or _PRINT.fullmatch(device.thumbprint)
    return None if good else f"{device.thumbprint} is neither empty nor upper-case hex with colons"


def _import_key(device: DeviceUrl) -> str | None:
    if device.import_key is None:
        return "its importKey is missing, which is mandatory"
    return f"its importKey is {device.import_key!r}, of an import" if device.import_key else None


def _file_size(device: DeviceUrl) -> str | None:
    return f"it is a disk and has fileSize {device.file_size}" if device.disk and device.file_size is not None else None


def _target(device: DeviceUrl) -> str | None:
    if device.disk is None:
        return None
    wanted = file_of(device) if device.disk else None
    return None if device.target_id == wanted else f"its targetId is {device.target_id}, its file {file_of(device)}"


def _names(history: History) -> Iterator[Case]:
    for record, seen in shown(history):
        assert seen.info is not None
        names = [file_of(device) for device in seen.info.devices if device.disk]
        if not names:
            continue
        numbers = [found[1] for name in names if (found := _DISK_NAME.fullmatch(name))]
        counted = {int(number) for number in numbers if number == str(int(number))}
        told = f"{record.name} has {len(seen.info.devices)} files, its disks are {', '.join(names)}, exchange {seen.id}"
        good = len(counted) == len(names) and all(number < len(seen.info.devices) for number in counted)
        yield (kept if good else broken)(told, by=(seen.id,))


URL_CLAUSES = (
    Clause(
        "URL-001", "The thumbprint of a device URL is that of the certificate which its host shows.",
        "vsphere 4.7, 6.3", "V", "vendor", "host", _thumbprint,
    ),
    Clause(
        "URL-002", "Every key names machine, controller, bus and unit, or a file of the machine; none is there twice.",
        "vsphere 4.3", "O", "vendor", "vcenter", _keys,
    ),
    Clause(
        "URL-003", "Keys and URLs stay what they are for as long as the lease lives.",
        "vsphere 4.3", "V", "vendor", "vcenter", _stable,
    ),
    Clause(
        "URL-004", "A device URL is https, on a host or *, under /nfc/ or /ha-nfc/, a UUID, and a file name.",
        "vsphere 4.5", "O", "vendor", "vcenter", _each(_form),
    ),
    Clause(
        "URL-005", "A thumbprint is upper-case hex with colons, or empty.",
        "vsphere 4.7", "O", "vendor", "vcenter", _each(_print_form),
    ),
    Clause(
        "URL-006", "importKey is there and empty.",
        "vsphere 4.4", "O", "vendor", "vcenter", _each(_import_key),
    ),
    Clause(
        "URL-007", "A disk has no fileSize.",
        "vsphere 4.11", "V", "vendor", "vcenter", _each(_file_size),
    ),
    Clause(
        "URL-008", "The targetId of a disk is its file name; other files have none.",
        "vsphere 4.9", "O", "vendor", "vcenter", _each(_target),
    ),
    Clause(
        "URL-009", "Disks are called disk-N.vmdk, N counting the files of the lease from 0.",
        "vsphere 4.6", "O", "vendor", "vcenter", _names,
    ),
)  # fmt: skip

"""Stories about a cell, each put to one clause, which keeps, breaks or leaves open what they show."""

from __future__ import annotations

import hashlib
from typing import Any

from contracts.stories import breaks, keeps, leaves_open
from contracts.synthetic import VCLOUD, Wire
from twohop.runtime.observing import BodyDigest, Listing, Request, Response

CELL = {
    "cell": {
        "url_expiry_s": 3600.0, "expired_status": 404, "reaper_s": 600.0, "transfer_auth": "not-needed",
        "range": "206", "get_refreshes": "both", "disable_removes": "at-once",
    }
}  # fmt: skip


def say(
    wire: Wire, method: str, path: str, status: int, body: str | None = None, *, headers: dict[str, str] | None = None,
    sent: dict[str, str] | None = None, data: bytes | None = None, end: Any = "complete", observer: str = "user",
    lasts: float = 0.0, server: tuple[str, int] = ("cell", 443),
) -> int:  # fmt: skip
    """Write one exchange down, a second after the one before."""
    wire.declared = CELL
    wire.t += 1
    began = wire.t
    wire.t += lasts
    digest = None
    if data is not None:
        digest = BodyDigest(len(data), hashlib.sha256(data).hexdigest(), data.hex(), data.hex())
    response = Response(status, tuple((headers or {}).items()), body, digest, framing="length", end=end)
    request = Request(method, f"https://{server[0]}:{server[1]}{path}", tuple((sent or {}).items()))
    made = wire.add(observer, *server, request, response, started=began)
    if lasts:
        object.__setattr__(made, "t_first", began)
    return made.id


def vapp(wire: Wire, *links: tuple[str, str], status: str = "8", deployed: str = "false", version: str = "36.0") -> int:
    text = "".join(f'<Link rel="{rel}" href="https://cell{href}"/>' for rel, href in links)
    body = f'<VApp {VCLOUD} status="{status}" deployed="{deployed}">{text}</VApp>'
    kind = {"Content-Type": f"application/vnd.vmware.vcloud.vapp+xml;version={version}"}
    return say(wire, "GET", "/api/vApp/vapp-1", 200, body, headers=kind)


def task(status: str) -> str:
    return f'<Task {VCLOUD} href="https://cell/api/task/1" status="{status}"/>'


def enable(wire: Wire, status: int = 202, **headers: str) -> int:
    given = headers or {"Location": "https://cell/api/task/1"}
    return say(wire, "POST", "/api/vApp/vapp-1/action/enableDownload", status, task("running"), headers=given)


def poll(wire: Wire, status: str) -> int:
    return say(wire, "GET", "/api/task/1", 200, task(status))


def disable(wire: Wire, status: int = 204, body: str | None = None) -> int:
    return say(wire, "POST", "/api/vApp/vapp-1/action/disableDownload", status, body)


def transfer(
    wire: Wire, file: str = "disk.vmdk", status: int = 200, data: bytes | None = b"x" * 10, **more: Any
) -> int:
    return say(wire, "GET", f"/transfer/transfer:1/{file}", status, data=data, **more)


def fetch(wire: Wire, *, ticket: str = "ticket:1", end: Any = "complete", observer: str = "cell") -> int:
    return say(
        wire, "GET", f"/nfc/{ticket}/disk-0.vmdk", 200, data=b"x" * 10, end=end, observer=observer, server=("esx", 443)
    )


def listing(wire: Wire, *paths: str) -> int:
    wire.declared = CELL
    wire.t += 1
    made = Listing(next(wire._ids), "directory", wire.t, tuple((path, 1) for path in paths))
    wire.listings.append(made)
    return made.id


ENABLE = ("enable", "/api/vApp/vapp-1/action/enableDownload")
DISABLE = ("disable", "/api/vApp/vapp-1/action/disableDownload")
DEFAULT = ("download:default", "/transfer/transfer:1/descriptor.ovf")
IDENTITY = ("download:identity", "/transfer/transfer:1/descriptor-with-id.ovf")
OVAS = (
    ("download:ovaDefault", "/transfer/transfer:1/descriptor.ova"),
    ("download:ovaIdentity", "/transfer/transfer:1/descriptor-with-id.ova"),
)

# LINK-005


@keeps("LINK-005")
def off_and_both(wire):
    vapp(wire, ENABLE, DISABLE)


@keeps("LINK-005")
def on_and_neither(wire):
    vapp(wire, status="4", deployed="true")


@breaks("LINK-005")
def on_and_offered(wire):
    return (vapp(wire, ENABLE, DISABLE, status="4", deployed="true"),)


@breaks("LINK-005")
def one_without_the_other(wire):
    return (vapp(wire, ENABLE),)


@leaves_open("LINK-005")
def off_and_neither_as_with_an_expired_lease(wire):
    vapp(wire)


# LINK-006


@keeps("LINK-006")
def four_of_them(wire):
    vapp(wire, ENABLE, DISABLE, DEFAULT, IDENTITY, *OVAS)


@keeps("LINK-006")
def two_before_30(wire):
    vapp(wire, ENABLE, DISABLE, DEFAULT, IDENTITY, version="29.0")


@breaks("LINK-006")
def no_ova(wire):
    return (vapp(wire, ENABLE, DISABLE, DEFAULT, IDENTITY),)


@breaks("LINK-006")
def ovas_too_early(wire):
    return (vapp(wire, ENABLE, DISABLE, DEFAULT, IDENTITY, *OVAS, version="29.0"),)


@leaves_open("LINK-006")
def no_download(wire):
    vapp(wire, ENABLE, DISABLE)


# LINK-007


def descriptors(wire: Wire, default: str, identity: str) -> tuple[int, int]:
    vapp(wire, DEFAULT, IDENTITY)
    first = say(wire, "GET", DEFAULT[1], 200, f"<Envelope>{default}</Envelope>")
    return first, say(wire, "GET", IDENTITY[1], 200, f"<Envelope>{identity}</Envelope>")


@keeps("LINK-007")
def identity_in_one(wire):
    descriptors(wire, "", "<NetworkConfigSection/>00:50:56:01:02:03")


@breaks("LINK-007")
def a_mac_in_the_portable_one(wire):
    return descriptors(wire, "00:50:56:01:02:03", "<NetworkConfigSection/>")[:1]


@breaks("LINK-007")
def no_networks_in_the_lossless_one(wire):
    return descriptors(wire, "", "")[1:]


@leaves_open("LINK-007")
def nobody_saw_the_links(wire):
    say(wire, "GET", DEFAULT[1], 200, "<Envelope/>")


# CTASK-001


@keeps("CTASK-001")
def forward(wire):
    for status in ("queued", "running", "running", "success", "success"):
        poll(wire, status)


@breaks("CTASK-001")
def out_of_an_end(wire):
    return poll(wire, "canceled"), poll(wire, "success")


@breaks("CTASK-001")
def back_into_the_queue(wire):
    return poll(wire, "running"), poll(wire, "queued")


@leaves_open("CTASK-001")
def seen_once(wire):
    poll(wire, "running")


# CTASK-002


@keeps("CTASK-002")
def accepted(wire):
    enable(wire)


@breaks("CTASK-002")
def another_location(wire):
    return (enable(wire, Location="https://cell/api/task/2"),)


@breaks("CTASK-002")
def another_status(wire):
    return (enable(wire, 200),)


@leaves_open("CTASK-002")
def refused(wire):
    enable(wire, 400)


# CTASK-003


@keeps("CTASK-003")
def nothing(wire):
    disable(wire)


@breaks("CTASK-003")
def a_task(wire):
    return (disable(wire, 202, task("running")),)


@leaves_open("CTASK-003")
def not_permitted(wire):
    disable(wire, 403)


# TRANSFER-001


@keeps("TRANSFER-001")
def the_url_alone(wire):
    transfer(wire)


@breaks("TRANSFER-001")
def asks_who(wire):
    return (transfer(wire, status=401, data=b""),)


@leaves_open("TRANSFER-001")
def with_a_token(wire):
    transfer(wire, sent={"X-VCLOUD-AUTHORIZATION": "token:1"})


@leaves_open("TRANSFER-001")
def dead(wire):
    transfer(wire, status=404, data=b"")


# TRANSFER-002


@keeps("TRANSFER-002")
def bare(wire):
    transfer(wire)
    transfer(wire, status=404, data=b"")


@breaks("TRANSFER-002")
def with_a_request_id(wire):
    return (transfer(wire, headers={"X-VMWARE-VCLOUD-REQUEST-ID": "1"}),)


@breaks("TRANSFER-002")
def an_error_that_speaks(wire):
    return (transfer(wire, status=404, data=b"<Error/>"),)


@leaves_open("TRANSFER-002")
def the_api_alone(wire):
    vapp(wire)


# TRANSFER-003


@keeps("TRANSFER-003")
def the_rest(wire):
    transfer(wire, status=206, data=b"x" * 6, sent={"Range": "bytes=4-"}, headers={"Content-Range": "bytes 4-9/10"})


@keeps("TRANSFER-003")
def a_part_beyond_the_end(wire):
    transfer(wire, status=206, data=b"x" * 6, sent={"Range": "bytes=4-99"}, headers={"Content-Range": "bytes 4-9/10"})


@breaks("TRANSFER-003")
def all_of_it(wire):
    return (transfer(wire, sent={"Range": "bytes=4-"}),)


@breaks("TRANSFER-003")
def one_byte_short(wire):
    given = {"Content-Range": "bytes 4-9/10"}
    return (transfer(wire, status=206, data=b"x" * 5, sent={"Range": "bytes=4-"}, headers=given),)


def part(wire: Wire, data: bytes) -> int:
    given = {"Content-Range": "bytes 4-9/10"}
    return transfer(wire, status=206, data=data, sent={"Range": "bytes=4-"}, headers=given)


@keeps("TRANSFER-003")
def the_bytes_that_stand_there(wire):
    transfer(wire, data=b"0123456789")
    part(wire, b"456789")


@breaks("TRANSFER-003")
def the_first_bytes_instead(wire):
    return transfer(wire, data=b"0123456789"), part(wire, b"012345")


@breaks("TRANSFER-003")
def another_end(wire):
    return transfer(wire, data=b"0123456789"), part(wire, b"456780")


@leaves_open("TRANSFER-003")
def no_range(wire):
    transfer(wire)


# CLOCK-001


@keeps("CLOCK-001")
def in_time(wire):
    transfer(wire)
    wire.t += 3590
    transfer(wire)


@breaks("CLOCK-001")
def too_soon_dead(wire):
    first = transfer(wire)
    wire.t += 1800
    return first, transfer(wire, status=404, data=b"")


@leaves_open("CLOCK-001")
def too_late(wire):
    transfer(wire)
    wire.t += 3700
    transfer(wire, status=404, data=b"")


@leaves_open("CLOCK-001")
def disabled_between(wire):
    transfer(wire)
    disable(wire)
    transfer(wire, status=404, data=b"")


# CLOCK-002


@keeps("CLOCK-002")
def two_hours_of_it(wire):
    transfer(wire, lasts=7200.0)


@breaks("CLOCK-002")
def cut_after_an_hour(wire):
    return (transfer(wire, lasts=3700.0, end="cut"),)


@leaves_open("CLOCK-002")
def quick(wire):
    transfer(wire, end="cut")


# CLEAN-001


@keeps("CLEAN-001")
def gone_with_it(wire):
    vapp(wire, DEFAULT)
    disable(wire)
    listing(wire)


@breaks("CLEAN-001")
def still_there(wire):
    vapp(wire, DEFAULT)
    return disable(wire), listing(wire, "transfer:1/disk.vmdk")


@leaves_open("CLEAN-001")
def nobody_knew_the_session(wire):
    disable(wire)
    listing(wire, "transfer:1/disk.vmdk")


# CLEAN-002


@keeps("CLEAN-002")
def swept(wire):
    enable(wire)
    poll(wire, "error")
    wire.t += 601
    listing(wire, "transfer:9/disk.vmdk")


@breaks("CLEAN-002")
def half_of_it_left(wire):
    enable(wire)
    failed = poll(wire, "error")
    wire.t += 601
    return failed, listing(wire, ".building-1/disk.vmdk")


@leaves_open("CLEAN-002")
def before_the_reaper(wire):
    poll(wire, "error")
    listing(wire, ".building-1/disk.vmdk")


@leaves_open("CLEAN-002")
def another_export_began(wire):
    poll(wire, "error")
    enable(wire)
    wire.t += 601
    listing(wire, ".building-1/disk.vmdk")


# CLEAN-003


def exported(wire: Wire) -> tuple[int, int]:
    enable(wire)
    wire.t += 1
    lease = wire.export(observer="cell")
    wire.complete(observer="cell")
    return lease, poll(wire, "success")


@keeps("CLEAN-003")
def free(wire):
    exported(wire)
    wire.t += 1
    wire.power_on()
    wire.task("success")


@breaks("CLEAN-003")
def still_locked(wire):
    lease, ended = exported(wire)
    wire.t += 1
    return lease, ended, wire.power_on(fault="TaskInProgress")


@leaves_open("CLEAN-003")
def while_it_runs(wire):
    enable(wire)
    wire.export(observer="cell")
    wire.power_on(fault="TaskInProgress")


# PATH-001


@keeps("PATH-001")
def never_a_host(wire):
    fetch(wire)
    transfer(wire)


@breaks("PATH-001")
def straight_to_the_host(wire):
    first = fetch(wire)
    transfer(wire)
    return first, fetch(wire, ticket="ticket:2", observer="user")


@keeps("PATH-001")
def one_hop_besides(wire):
    wire.export(observer="user")
    fetch(wire, ticket="ticket:2", observer="user")
    fetch(wire)
    transfer(wire)


@leaves_open("PATH-001")
def nobody_saw_the_cell(wire):
    transfer(wire)


# PATH-002


@keeps("PATH-002")
def once_and_again_after_a_cut(wire):
    fetch(wire, end="cut")
    fetch(wire)


@breaks("PATH-002")
def twice(wire):
    return fetch(wire), fetch(wire)


@leaves_open("PATH-002")
def never_whole(wire):
    fetch(wire, end="cut")


# LINK-008


def medium(wire: Wire, size: int) -> int:
    file = f'<File name="file" size="{size}"><Link rel="download:default" href="https://cell/transfer/transfer:1/file"/></File>'
    body = f'<Media {VCLOUD} status="1" size="{size}"><Files>{file}</Files></Media>'
    kind = {"Content-Type": "application/vnd.vmware.vcloud.media+xml;version=36.0"}
    return say(wire, "GET", "/api/media/1", 200, body, headers=kind)


@keeps("LINK-008")
def a_medium_as_long_as_it_says(wire):
    medium(wire, 10)
    transfer(wire, "file")


@breaks("LINK-008")
def a_medium_of_another_length(wire):
    return medium(wire, 11), transfer(wire, "file")


@leaves_open("LINK-008")
def a_part_of_a_medium(wire):
    medium(wire, 11)
    transfer(wire, "file", status=206)


@keeps("LINK-006")
def a_medium_has_one(wire):
    medium(wire, 10)


# PATH-003


def leased(wire: Wire, lease: str, *, fails: bool = False) -> int:
    wire.t += 1
    ticket = f"ticket:{lease[-1]}"
    granted = wire.export(lease, observer="cell")
    wire.read("ready", info=wire.info(lease, ticket=ticket), lease=lease, observer="cell")
    fetch(wire, ticket=ticket, end="cut" if fails else "complete")
    return granted


@keeps("PATH-003")
def leased_once(wire):
    enable(wire)
    leased(wire, "lease-1")
    poll(wire, "success")


@breaks("PATH-003")
def leased_twice(wire):
    enabled = enable(wire)
    first, second = leased(wire, "lease-1"), leased(wire, "lease-2")
    return enabled, first, second, poll(wire, "success")


@leaves_open("PATH-003")
def leased_again_after_a_cut(wire):
    enable(wire)
    leased(wire, "lease-1", fails=True)
    leased(wire, "lease-2")
    poll(wire, "success")


@leaves_open("PATH-003")
def two_downloads_at_once(wire):
    enable(wire)
    say(
        wire, "POST", "/api/vApp/vapp-2/action/enableDownload", 202, task("running").replace("/1", "/2"),
        headers={"Location": "https://cell/api/task/2"},
    )  # fmt: skip
    leased(wire, "lease-1")
    leased(wire, "lease-2")
    poll(wire, "success")


# LINK-009


@keeps("LINK-009")
def dead_when_disabled(wire):
    vapp(wire, DEFAULT)
    disable(wire)
    transfer(wire, status=404)


@breaks("LINK-009")
def alive_when_disabled(wire):
    return vapp(wire, DEFAULT), disable(wire), transfer(wire)


@breaks("LINK-009")
def dead_in_another_way_than_declared(wire):
    return vapp(wire, DEFAULT), disable(wire), transfer(wire, status=410)


@leaves_open("LINK-009")
def enabled_once_more(wire):
    vapp(wire, DEFAULT)
    disable(wire)
    enable(wire)
    transfer(wire)


@leaves_open("LINK-009")
def a_download_that_nobody_had_seen(wire):
    disable(wire)
    transfer(wire)


# LINK-010


def archive(wire: Wire, *members: tuple[str, bytes], file: str = "descriptor.ova") -> int:
    made = transfer(wire, file, data=b"a tar")
    content = "\n".join(f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in members)
    response = wire.exchanges[-1].response
    assert response is not None
    object.__setattr__(response.digest, "content", content)
    return made


@keeps("LINK-010")
def the_same_by_itself(wire):
    transfer(wire)
    archive(wire, ("descriptor.ovf", b"<Envelope/>"), ("disk.vmdk", b"x" * 10))


@breaks("LINK-010")
def another_by_itself(wire):
    alone = transfer(wire)
    return alone, archive(wire, ("descriptor.ovf", b"<Envelope/>"), ("disk.vmdk", b"y" * 10))


@breaks("LINK-010")
def the_other_descriptor(wire):
    return (archive(wire, ("descriptor-with-id.ovf", b"<Envelope/>"), ("disk.vmdk", b"x" * 10)),)


@leaves_open("LINK-010")
def nothing_of_it_by_itself(wire):
    archive(wire, ("descriptor.ovf", b"<Envelope/>"), ("disk.vmdk", b"x" * 10))


@leaves_open("LINK-010")
def nobody_looked_inside(wire):
    transfer(wire)
    transfer(wire, "descriptor.ova", data=b"a tar")

"""What a lease offers: hosts put in where the server left a star, other hosts, pins, names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pyVmomi import vim

from exporter.host_by_hand import chunked, raw_host
from exporter.test_fetch import DISK, HEAD
from twohop.exporter import Cancellation, DeviceFile, Event, HostChosen, HostUnreachable, VCenterAddress
from twohop.exporter._placing import Placing
from twohop.exporter._pulling import Pull
from twohop.exporter.vsphere import HeldLease, Source
from twohop.exporter.vsphere._files import device_files
from twohop.runtime import Clock

PIN = ":".join(["AB"] * 20)
OTHER = ":".join(["CD"] * 20)


def info(*devices: Any, hosts: list[Any] | None = None) -> Any:
    return vim.HttpNfcLease.Info(
        lease=vim.HttpNfcLease("session[x]y", None),
        entity=vim.VirtualMachine("vm-1", None),
        deviceUrl=list(devices),
        totalDiskCapacityInKB=1,
        leaseTimeout=300,
        hostMap=hosts or [],
    )


def device(url: str, thumbprint: str = PIN, **more: Any) -> Any:
    return vim.HttpNfcLease.DeviceUrl(key="/vm-1/x0:0", importKey="", url=url, sslThumbprint=thumbprint, **more)


@pytest.mark.parametrize(
    ("server", "pin", "url", "thumbprint", "expected"),
    [
        (
            "https://esx:8443",
            OTHER,
            "https://*/ha-nfc/t/disk-0.vmdk",
            "",
            ("https://esx:8443/ha-nfc/t/disk-0.vmdk", OTHER),
        ),
        ("https://esx", None, "https://*/ha-nfc/t/disk-0.vmdk", PIN, ("https://esx:443/ha-nfc/t/disk-0.vmdk", PIN)),
        ("https://[::1]:9", None, "https://*:444/n/t/d", "", ("https://[::1]:444/n/t/d", None)),
        ("https://vc", OTHER, "https://esx1/nfc/t/disk-0.vmdk", PIN, ("https://esx1/nfc/t/disk-0.vmdk", PIN)),
        ("https://vc", OTHER, "https://esx1/nfc/t/disk-0.vmdk", "", ("https://esx1/nfc/t/disk-0.vmdk", None)),
    ],
)
def test_a_star_means_the_server_we_are_connected_to(
    server: str, pin: str | None, url: str, thumbprint: str, expected: tuple[str, str | None]
) -> None:
    address = VCenterAddress(server, "u", "p", thumbprint=pin)
    [entry] = device_files(info(device(url, thumbprint)), address)
    assert (entry.url, entry.thumbprint) == expected


def test_other_hosts_of_the_datastore_are_alternatives() -> None:
    hosts = [
        vim.HttpNfcLease.DatastoreLeaseInfo(
            datastoreKey=key,
            hosts=[vim.HttpNfcLease.HostInfo(url=f"https://{h}/nfc/t/", sslThumbprint=OTHER) for h in names],
        )
        for key, names in (("ds-1", ["esx2", "esx3"]), ("ds-2", ["esx4"]))
    ]
    first = device("https://esx1/nfc/t/disk-0.vmdk", disk=True, targetId="disk-0.vmdk", datastoreKey="ds-1")
    image = device("https://esx1/nfc/t/disk-1.iso", disk=False, fileSize=7)
    entry, iso = device_files(info(first, image, hosts=hosts), VCenterAddress("https://vc", "u", "p"))
    assert entry.sources == (
        Source("https://esx1/nfc/t/disk-0.vmdk", PIN),
        Source("https://esx2/nfc/t/disk-0.vmdk", OTHER),
        Source("https://esx3/nfc/t/disk-0.vmdk", OTHER),
    )
    assert (iso.alternatives, iso.target_id, iso.file_size, iso.is_disk, iso.url_name) == (
        (),
        None,
        7,
        False,
        "disk-1.iso",
    )


def test_a_vm_without_files_offers_none() -> None:
    assert device_files(info(), VCenterAddress("https://vc", "u", "p")) == ()


def pull(entry: DeviceFile, directory: Path, events: list[Event]) -> Any:
    class Lease:
        total_kib = 1 << 20

    address = VCenterAddress("https://vc", "u", "p")
    with Placing(directory) as placing:
        made = Pull(address, cast(HeldLease, Lease()), Clock(start=0.0), events.append, Cancellation(), None).fetch(
            entry, placing.claim("disk.vmdk", "x")
        )
        placing.publish()
    return made


def test_a_host_that_is_down_is_passed_over_while_there_is_another(tmp_path: Path) -> None:
    events: list[Event] = []
    with raw_host(HEAD + chunked(DISK, 100_000)) as up:
        entry = DeviceFile("k", "https://127.0.0.1:1/x", "t", True, alternatives=up.sources)
        got = pull(entry, tmp_path, events)
    assert (tmp_path / "disk.vmdk").read_bytes() == DISK
    assert got.host == up.sources[0].host
    chosen = [(event.host, event.why) for event in events if isinstance(event, HostChosen)]
    assert chosen == [("127.0.0.1:1", "the lease names it"), (got.host, "instead of 127.0.0.1:1")]


def test_where_no_host_is_up_all_of_them_are_named(tmp_path: Path) -> None:
    entry = DeviceFile("k", "https://127.0.0.1:1/x", "t", True, alternatives=(Source("https://127.0.0.1:2/x"),))
    with pytest.raises(HostUnreachable, match=r"none of 127\.0\.0\.1:1, 127\.0\.0\.1:2 can be reached"):
        pull(entry, tmp_path / "new", [])
    assert not (tmp_path / "new").exists()
